package import Azure
public import Packages
import Settings
public import Support
import Synchronization

/// Jobs of Azure Container Apps: a resource of Azure's for each job, an execution of it for each run.
///
/// A run is found by its id, which every execution has among its variables. What a job is made of is declared by the project
/// and compared with what Azure has, by meaning and not by letters.
public struct ContainerAppsPlatform: Platform {
    /// Its name in the project.
    public let name: String
    let project: String
    let settings: ContainerAppsSettings
    let azure: AzureAccess
    /// Where its runs take the project's files from: `packages`.
    public let shelf: PackageShelf?
    /// How often and how long Azure is asked.
    let pace: Pace
    let memory = Memory()

    /// How often and how long Azure is asked.
    package struct Pace: Sendable {
        /// For long operations.
        package var patience = ManagementClient.Patience()
        /// Between two looks for a run whose start was not answered.
        package var look = Duration.seconds(3)
        /// How long logs may be on their way to Log Analytics.
        package var logLag = Duration.seconds(300)

        /// The pace of Azure.
        package init() {}
    }

    /// What was found out and does not change.
    final class Memory: Sendable {
        struct Facts {
            var clientID: String?
            var location: String?
            var version: String?
            var transcripts: [String: LogTranscript] = [:]
            /// What opens the live logs of a job, and until when it is used.
            var logTokens: [String: (token: String, until: ContinuousClock.Instant)] = [:]
        }
        let facts = Mutex(Facts())
    }

    /// The version of the interface that tells exit codes, and the one that every region has.
    static let newVersion = "2026-07-01"
    static let version = "2025-01-01"

    /// `type: container-apps`
    public static let kind = PlatformKind("container-apps", keys: ContainerAppsSettings.keys) {
        site throws(SluiceError) in try ContainerAppsPlatform(site)
    }

    /// The platform that a section of the project describes.
    public init(_ site: PlatformSite) throws(SluiceError) { try self.init(site, pace: Pace()) }

    package init(_ site: PlatformSite, pace: Pace) throws(SluiceError) {
        name = site.name
        project = site.project
        settings = try ContainerAppsSettings(site)
        shelf = try site.shelf(isHere: false)
        azure = site.azure
        self.pace = pace
    }

    /// Jobs are deployed, and started by clocks and events too. Limits belong to the job, and a stop takes its time.
    public var abilities: PlatformAbilities {
        var abilities = PlatformAbilities()
        abilities.triggers = true
        abilities.tellsExitCode = true
        abilities.interval = pace.look / 3
        return abilities
    }

    func management() throws(SluiceError) -> ManagementClient {
        ManagementClient(try azure.client(), patience: pace.patience)
    }

    func jobName(_ job: JobDeployment) throws(SluiceError) -> String {
        try ContainerAppsName.name(of: job, uniqueID: settings.uniqueID)
    }

    // MARK: Planning

    /// What has to change.
    public func plan(_ job: JobDeployment) async throws(SluiceError) -> DeploymentPlan {
        let name = try jobName(job)
        let resources = try ContainerAppsRules.resources(job, profile: settings.profile)
        guard let image = job.image else {
            throw SluiceError(
                .invalidConfiguration, "the job \(job.job) has no image to run from",
                hint:
                    "'sluice image push REGISTRY/NAME:TAG' makes one; name it as image under platforms.\(self.name), or under deploy of the job"
            )
        }
        var wanted = try await declared(job, name, image, resources)
        let existing = try await existing(name)
        if let existing {
            try refuseOthers(existing, job, name)
            wanted.adopt(from: existing)
        }
        var changes = DeploymentChange.between(existing?.parts ?? [:], wanted.parts).map(Self.shown)
        changes.insert(DeploymentChange(existing == nil ? .create : .keep, "job", to: name), at: 0)
        let timeout = job.needs.timeout ?? ContainerAppsRules.timeout
        let most = RunUsage(resources, timeout, replicas: job.needs.completions)
        let minute = RunUsage(resources, .seconds(60), replicas: job.needs.completions)
        return DeploymentPlan(
            platform: self.name, job: job, name: name, changes: changes,
            warnings: ContainerAppsRules.warnings(job, image: image),
            cost: "a minute of it is \(minute.text); a run is at most \(most.text)",
            basis: existing.map { Self.fingerprint($0) } ?? "", content: wanted.body.text())
    }

    private func declared(
        _ job: JobDeployment, _ name: String, _ image: String, _ resources: RunResources
    ) async throws(SluiceError) -> ContainerJob {
        let client = try azure.client()
        let registry = String(image.prefix { $0 != "/" })
        let vault = settings.vault
        var tags = settings.tags
        tags["Name"] = name
        tags["Purpose"] =
            "\(job.kind.prefix(1).uppercased())\(job.kind.dropFirst()) job: \(job.description ?? job.purpose)"
        tags["JobType"] = job.kind
        tags["JobCategory"] = job.needs.category
        tags["Environment"] = job.environment ?? tags["Environment"]
        tags.merge(job.needs.tags) { $1 }
        tags[ContainerJob.projectTag] = job.project
        tags[ContainerJob.jobTag] = job.job
        tags[ContainerJob.environmentTag] = job.environment
        tags[ContainerJob.releaseTag] = job.release.isEmpty ? nil : job.release
        try ContainerAppsRules.check(tags: tags)
        return try ContainerJob(
            job, image: image,
            .init(
                location: try await location(), environment: settings.environment,
                identity: settings.identity, clientID: try await clientID(), profile: settings.profile, tags: tags,
                resources: resources, timeout: job.needs.timeout ?? ContainerAppsRules.timeout,
                registryUser: settings.registryUser,
                registrySecret: settings.registrySecret.map { SecretReference(name: $0) },
                address: { reference throws(SluiceError) in
                    try Self.address(of: reference, vault: vault, client.settings)
                }, pullsByIdentity: registry.hasSuffix(".\(client.settings.cloud.registrySuffix)"), registry: registry))
    }

    /// Where a secret is in Key Vault, whichever version of it is the newest.
    private static func address(
        of reference: SecretReference, vault: String?, _ azure: AzureSettings
    ) throws(SluiceError) -> String {
        try VaultName.check(secret: reference.name)
        let root: WebAddress
        if let name = reference.vault {
            root = try VaultName.address(name, in: azure.cloud)
        } else if let own = azure.vault {
            root = own
        } else if let vault {
            root = try VaultName.address(vault, in: azure.cloud)
        } else {
            throw SluiceError(
                .invalidConfiguration,
                "the secret \"\(reference.name)\" is to come from a Key Vault, and none is named",
                hint: "write vault under azure or under the platform, or write vault/\(reference.name)")
        }
        return root.appending(path: "secrets/\(reference.name)").text
    }

    /// A change as it may be shown: of what sounds like a secret only that it changes.
    private static func shown(_ change: DeploymentChange) -> DeploymentChange {
        guard change.path.hasPrefix("env."), Redactor.isSecret(key: String(change.path.dropFirst(4))) else {
            return change
        }
        let isReference = [change.from, change.to].compactMap { $0 }.allSatisfy { $0.hasPrefix("secret ") }
        return isReference ? change : DeploymentChange(change.action, change.path)
    }

    private static func fingerprint(_ job: ContainerJob) -> String {
        job.parts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
    }

    private func refuseOthers(_ existing: ContainerJob, _ job: JobDeployment, _ name: String) throws(SluiceError) {
        let owner = existing.owner
        if owner.project == job.project, owner.job == job.job, owner.environment == job.environment { return }
        let whose =
            owner.project.map {
                "belongs to the job \(owner.job ?? "") of the project \($0)\(owner.environment.map { ", environment \($0)" } ?? "")"
            } ?? "was not made by Sluice"
        throw SluiceError(
            .conflict, "there is a job \(name) in \(settings.group) already, and it \(whose)",
            hint:
                "give this one another name: name under deploy; or delete the other: az containerapp job delete --name \(name) --resource-group \(settings.group)"
        )
    }

    // MARK: What is there

    func existing(_ name: String) async throws(SluiceError) -> ContainerJob? {
        try await management().get(settings.job(name).text, version: Self.version).map { ContainerJob($0) }
    }

    /// The region of the environment, where jobs have to be.
    private func location() async throws(SluiceError) -> String {
        if let written = settings.location { return written }
        if let known = memory.facts.withLock({ $0.location }) { return known }
        guard let found = try await management().get(settings.environment.text, version: Self.version) else {
            throw SluiceError(
                .notFound,
                "there is no Container Apps environment \"\(settings.environment.name)\" in the resource group \(settings.environment.group)",
                hint:
                    "make it: az containerapp env create --name \(settings.environment.name) --resource-group \(settings.environment.group); or correct environment under platforms.\(name)"
            )
        }
        guard let location = found["location"]?.text else {
            throw SluiceError(.invalidData, "Azure does not say where the environment \(settings.environment.name) is")
        }
        memory.facts.withLock { $0.location = location }
        return location
    }

    /// The id by which a program asks for tokens of the identity.
    func clientID() async throws(SluiceError) -> String? {
        if let written = settings.clientID { return written }
        if let known = memory.facts.withLock({ $0.clientID }) { return known }
        guard let found = try await management().get(settings.identity.text, version: "2023-01-31") else {
            throw SluiceError(
                .notFound,
                "there is no identity \"\(settings.identity.name)\" in the resource group \(settings.identity.group)",
                hint:
                    "make it: az identity create --name \(settings.identity.name) --resource-group \(settings.identity.group); or correct identity under platforms.\(name)"
            )
        }
        let id = found["properties"]?["clientId"]?.text
        memory.facts.withLock { $0.clientID = id }
        return id
    }

    // MARK: Changing

    /// Does what the plan shows.
    public func apply(_ plan: DeploymentPlan) async throws(SluiceError) {
        if plan.isEmpty { return }
        try ContainerAppsName.check(plan.name, "the name of the job \(plan.job.job)")
        let now = try await existing(plan.name)
        guard (now.map { Self.fingerprint($0) } ?? "") == plan.basis else {
            throw SluiceError(
                .conflict, "the job \(plan.name) has changed since this was planned", hint: "look at a new plan")
        }
        try await management().put(
            settings.job(plan.name).text, version: Self.version, body: try JSONText.parse(plan.content))
    }

    /// What is there of a job.
    public func deployed(_ job: JobDeployment) async throws(SluiceError) -> DeployedJob? {
        let name = try jobName(job)
        guard let there = try await existing(name) else { return nil }
        try refuseOthers(there, job, name)
        var tags: [String: String] = [:]
        for (name, value) in there.body["tags"]?.members ?? [] { tags[name] = value.text }
        return DeployedJob(
            name: name, resource: there.body["id"]?.text ?? settings.job(name).text, image: there.main?["image"]?.text,
            package: there.package,
            word: there.body["properties"]?["provisioningState"]?.text ?? "Unknown", tags: tags)
    }

    /// Removes what is there of a job, and its runs.
    public func delete(_ job: JobDeployment) async throws(SluiceError) -> Bool {
        let name = try jobName(job)
        guard let there = try await existing(name) else { return false }
        try refuseOthers(there, job, name)
        try await management().delete(settings.job(name).text, version: Self.version)
        return true
    }

    /// How people start a job without Sluice.
    public func ways(of job: JobDeployment) throws(SluiceError) -> PlatformWays? {
        let name = try jobName(job)
        return PlatformWays(
            commands: [
                "az containerapp job start --name \(name) --resource-group \(settings.group) --subscription \(settings.subscription)",
                "az containerapp job execution list --name \(name) --resource-group \(settings.group) --subscription \(settings.subscription) --output table",
                "az containerapp job logs show --name \(name) --resource-group \(settings.group) --subscription \(settings.subscription) --container \(ContainerJob.container) --execution EXECUTION --follow",
            ],
            portal: [
                "Container Apps jobs → \(name) → Overview → Run now (in the resource group \(settings.group))",
                "how it ends is under Execution history",
            ])
    }
}
