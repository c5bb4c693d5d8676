package import Azure
public import Packages
import Settings
public import Support
import Synchronization
import Transport

/// Azure Batch: a pool of nodes for a project, a job of Batch's for each run, and tasks for its parts.
///
/// A run is found by its id, from which the name of its job follows. The pool grows and shrinks by a formula that counts tasks.
public struct BatchPlatform: Platform {
    /// Its name in the project.
    public let name: String
    let project: String
    let environment: String?
    let settings: BatchSettings
    let azure: AzureAccess
    /// Where its runs take the project's files from: `packages`.
    public let shelf: PackageShelf?
    /// How often Azure is asked at first.
    let interval: Duration
    let patience: ManagementClient.Patience
    /// How long nothing may be heard of a start before it counts as broken off.
    let startLimit: Duration
    let memory = Memory()

    /// What was read of logs so far: both of a program's outputs in the order in which they were seen.
    final class Memory: Sendable {
        let transcripts = Mutex<[String: BatchTranscript]>([:])
        /// The jobs that are known to have all of their tasks, and to end with them.
        private let whole = Mutex<Set<String>>([])

        func isWhole(_ job: String) -> Bool { whole.withLock { $0.contains(job) } }
        func noteWhole(_ job: String) { whole.withLock { _ = $0.insert(job) } }
    }

    /// `type: batch`
    public static let kind = PlatformKind("batch", keys: BatchSettings.keys) { site throws(SluiceError) in
        try BatchPlatform(site)
    }

    /// The platform that a section of the project describes.
    public init(_ site: PlatformSite) throws(SluiceError) { try self.init(site, interval: .seconds(2)) }

    package init(
        _ site: PlatformSite, interval: Duration, patience: ManagementClient.Patience = ManagementClient.Patience(),
        startLimit: Duration = .seconds(900)
    ) throws(SluiceError) {
        self.startLimit = startLimit
        name = site.name
        project = site.project
        environment = site.environment
        settings = try BatchSettings(site)
        azure = site.azure
        shelf = try site.shelf(isHere: false)
        self.interval = interval
        self.patience = patience
    }

    /// Runs can be divided into tasks, and have a limit of time. Memory is that of the node.
    public var abilities: PlatformAbilities {
        var abilities = PlatformAbilities()
        abilities.limitsTime = true
        abilities.tellsExitCode = true
        abilities.spreads = true
        abilities.resizes = true
        abilities.interval = interval
        return abilities
    }

    func management() throws(SluiceError) -> ManagementClient {
        ManagementClient(try azure.client(), patience: patience)
    }

    func batch() throws(SluiceError) -> BatchClient {
        BatchClient(try azure.client(), account: settings.account, region: settings.region)
    }

    // MARK: Planning

    /// What has to change: the pool, and that the job is deployed there with its image.
    public func plan(_ job: JobDeployment) async throws(SluiceError) -> DeploymentPlan {
        try BatchSettings.check(id: job.job, "the name of the job \(job.job)")
        try refuseWhatIsNotThere(job)
        let image = try image(of: job)
        let existing = try await existing()
        if let existing { try refuseOthers(existing) } else { try await requireAccount() }
        let wanted = wanted(job, image, over: existing)
        var changes = DeploymentChange.between(existing?.parts(job.job) ?? [:], wanted.parts(job.job))
        let fixed = changes.filter { BatchPoolForm.fixed.contains($0.path) && $0.action != .keep }
        if existing != nil, let first = fixed.first {
            throw SluiceError(
                .conflict,
                "the pool \(settings.pool) would have to be made anew: of a pool that is there \(fixed.map(\.path).joined(separator: ", ")) cannot be changed",
                details: ["\(first.path) is \(first.from ?? "none"), and is to be \(first.to ?? "none")"],
                hint:
                    "name another pool under platforms.\(name), or remove this one: 'sluice undeploy' of each of its jobs (\(existing?.jobs.keys.sorted().joined(separator: ", ") ?? ""))"
            )
        }
        changes.insert(DeploymentChange(existing == nil ? .create : .keep, "pool", to: settings.pool), at: 0)
        var warnings: [String] = []
        if job.needs.trigger != .manual {
            warnings.append("nothing starts the job by itself on Batch: its trigger is left out")
        }
        if job.needs.resources != nil {
            warnings.append("a task has its share of a node, \(settings.vmSize): cpu, memory and size are left out")
        }
        if job.needs.parallelism > 1 || job.needs.completions > 1 {
            warnings.append("copies of a run are left out: Batch divides runs into tasks")
        }
        if let existing, !existing.isByFormula {
            warnings.append(
                "the size of the pool was set by hand (\(existing.aim.words)): deploying has the formula decide again")
        }
        let kind = settings.isSpot ? "spot nodes" : "nodes"
        return DeploymentPlan(
            platform: name, job: job, name: settings.pool, changes: changes, warnings: warnings,
            cost:
                "\(settings.nodes.lowerBound) to \(settings.nodes.upperBound) \(kind) of \(settings.vmSize), which cost while they are there",
            basis: existing.map(Self.fingerprint) ?? "", content: wanted.body.text())
    }

    private func refuseWhatIsNotThere(_ job: JobDeployment) throws(SluiceError) {
        if let variable = job.needs.secrets.keys.min() {
            throw SluiceError(
                .unsupported, "deploy of the job \(job.job) has the secret \(variable), and Batch hands over none",
                hint:
                    "leave it out, and write ${secret.name} in the project: the program asks Key Vault itself, by the nodes' identity"
            )
        }
    }

    /// The image that the job is to run from; nil where a program of the nodes runs.
    private func image(of job: JobDeployment) throws(SluiceError) -> String? {
        if settings.program != nil { return nil }
        if let image = job.image { return image }
        throw SluiceError(
            .invalidConfiguration, "the job \(job.job) has no image to run from",
            hint:
                "'sluice image push REGISTRY/NAME:TAG' makes one; name it as image under platforms.\(name), or under deploy of the job"
        )
    }

    private func wanted(_ job: JobDeployment, _ image: String?, over existing: BatchPoolForm?) -> BatchPoolForm {
        var jobs = existing?.jobs ?? [:]
        jobs[job.job] = image ?? BatchPoolForm.noImage
        var packages = existing?.packages ?? [:]
        packages[job.job] = job.package?.description
        let servers = Set(jobs.values.filter { $0 != BatchPoolForm.noImage }.map { String($0.prefix { $0 != "/" }) })
        return BatchPoolForm(
            settings, project: project, environment: environment, jobs: jobs, packages: packages,
            registries: servers.sorted())
    }

    static func fingerprint(_ pool: BatchPoolForm) -> String {
        [pool.parts(""), pool.jobs, pool.packages].flatMap { part in
            part.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        }.joined(separator: "\n")
    }

    func refuseOthers(_ pool: BatchPoolForm) throws(SluiceError) {
        let owner = pool.mark(BatchPoolForm.projectMark)
        if owner == project, pool.mark(BatchPoolForm.environmentMark) == environment { return }
        throw SluiceError(
            .conflict,
            "there is a pool \(settings.pool) in \(settings.account) already, and it \(owner.map { "belongs to the project \($0)" } ?? "was not made by Sluice")",
            hint: "name another under platforms.\(name): pool: NAME")
    }

    // MARK: Changing

    func existing() async throws(SluiceError) -> BatchPoolForm? {
        let found = try await management().get(settings.poolID.text, version: BatchPoolForm.version)
        guard let found, found["properties"]?["provisioningState"]?.text?.lowercased() != "deleting" else { return nil }
        return BatchPoolForm(found)
    }

    /// The account is not Sluice's to make, and without it there is no pool.
    private func requireAccount() async throws(SluiceError) {
        if try await management().get(settings.accountID.text, version: BatchPoolForm.version) != nil { return }
        throw SluiceError(
            .notFound, "there is no Batch account \"\(settings.account)\" in the resource group \(settings.group)",
            hint:
                "make it: az batch account create --name \(settings.account) --resource-group \(settings.group) --location \(settings.region)"
        )
    }

    /// Does what the plan shows.
    public func apply(_ plan: DeploymentPlan) async throws(SluiceError) {
        if plan.isEmpty { return }
        let now = try await existing()
        guard (now.map(Self.fingerprint) ?? "") == plan.basis else {
            throw SluiceError(
                .conflict, "the pool \(plan.name) has changed since this was planned", hint: "look at a new plan")
        }
        let wanted = try JSONText.parse(plan.content)
        if let now, !now.isByFormula { try await halt(now) }
        if now == nil {
            try await management().put(settings.poolID.text, version: BatchPoolForm.version, body: wanted)
        } else {
            let properties = wanted["properties"]
            try await management().patch(
                settings.poolID.text, version: BatchPoolForm.version,
                body: [
                    "properties": .members([
                        "scaleSettings": properties?["scaleSettings"], "metadata": properties?["metadata"],
                    ])
                ])
        }
    }

    /// What is there of a job.
    public func deployed(_ job: JobDeployment) async throws(SluiceError) -> DeployedJob? {
        guard let pool = try await existing(), let image = pool.jobs[job.job] else { return nil }
        try refuseOthers(pool)
        return DeployedJob(
            name: settings.pool, resource: settings.poolID.text, image: image == BatchPoolForm.noImage ? nil : image,
            package: pool.packages[job.job].flatMap { try? PackageReference($0) },
            word: pool.properties["provisioningState"]?.text ?? "Unknown")
    }

    /// Removes a job's runs, and the pool with the last of its jobs.
    public func delete(_ job: JobDeployment) async throws(SluiceError) -> Bool {
        guard let pool = try await existing(), pool.jobs[job.job] != nil else { return false }
        try refuseOthers(pool)
        let batch = try batch()
        for run in try await batch.list("jobs", query: [("$filter", "startswith(id, '\(Self.runPrefix)')")])
        where Self.owner(of: run) == Owner(project: project, environment: environment, job: job.job) {
            guard let id = run["id"]?.text else { continue }
            _ = try await batch.send(.delete, "jobs/\(id)", isRepeatable: true, accepting: [404, 409])
        }
        var jobs = pool.jobs
        jobs[job.job] = nil
        if jobs.isEmpty {
            try await management().delete(settings.poolID.text, version: BatchPoolForm.version)
            return true
        }
        var packages = pool.packages
        packages[job.job] = nil
        let rest = BatchPoolForm(
            settings, project: project, environment: environment, jobs: jobs, packages: packages,
            registries: pool.registries)
        try await management().patch(
            settings.poolID.text, version: BatchPoolForm.version,
            body: ["properties": .members(["metadata": rest.properties["metadata"]])])
        return true
    }

    /// How people look at runs without Sluice; Batch has no job to start by hand.
    public func ways(of job: JobDeployment) throws(SluiceError) -> PlatformWays? {
        let login = "az batch account login --name \(settings.account) --resource-group \(settings.group)"
        return PlatformWays(
            commands: [
                login, "az batch job list --filter \"startswith(id, '\(Self.runPrefix)')\" --output table",
                "az batch task list --job-id JOB --output table",
                "az batch task file download --job-id JOB --task-id TASK --file-path stdout.txt --destination stdout.txt",
            ],
            portal: [
                "Batch accounts → \(settings.account) → Jobs: each is a run, \(Self.runPrefix)RUN",
                "how its tasks ended is under Tasks; the pool \(settings.pool) is under Pools",
            ])
    }
}
