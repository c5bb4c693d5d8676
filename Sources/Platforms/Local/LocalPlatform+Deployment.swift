import Packages
public import Support

extension LocalPlatform {
    /// `type: local`
    public static let kind = PlatformKind("local", keys: [PlatformSite.packagesKey]) { site throws(SluiceError) in
        LocalPlatform(
            folder: "\(site.stateFolder)/local", name: site.name, words: ["-C", site.folder],
            environment: site.variables, shelf: try site.shelf(isHere: true))
    }

    /// All but clocks and events. Nothing has to be deployed where runs take the project as it stands.
    public var abilities: PlatformAbilities {
        var abilities = PlatformAbilities()
        abilities.deploys = shelf != nil
        abilities.limitsTime = true
        abilities.limitsMemory = true
        abilities.forces = true
        abilities.tellsExitCode = true
        abilities.keepsHistory = true
        return abilities
    }

    /// Whether runs can keep their files here, and find their packages.
    public func check(_ job: JobDeployment?) async -> [PlatformCheck] {
        var walk = CheckWalk()
        await walk.look("folder of runs") { () throws(SluiceError) in
            try LocalRun.makeFolder(folder)
            return folder
        }
        await walk.look(shelf)
        guard let job, shelf != nil else { return walk.rows }
        await walk.look("job") { () throws(SluiceError) in try standing(job).short }
        return walk.rows
    }

    /// Which package the job takes. Without packages nothing has to change: runs take the project as it stands.
    public func plan(_ job: JobDeployment) async throws(SluiceError) -> DeploymentPlan {
        var plan = DeploymentPlan(platform: name, job: job, name: job.job)
        if job.needs.trigger != .manual {
            plan.warnings.append("nothing starts the job by itself on this machine: its trigger is left out")
        }
        if job.needs.parallelism > 1 || job.needs.completions > 1 {
            plan.warnings.append("copies of a run are left out: here a run is one program, which uses all processors")
        }
        guard shelf != nil else { return plan }
        guard let wanted = job.package else {
            throw SluiceError(
                .usage, "the job \(job.job) runs from a package on \(name), and none is given",
                hint: "'sluice deploy \(job.job)' makes one of the project")
        }
        let now = try LocalDeployment(job, in: folder).package
        plan.changes = DeploymentChange.between(
            now.map { ["package": $0.description] } ?? [:], ["package": wanted.description])
        plan.basis = now?.description ?? ""
        plan.content = wanted.description
        return plan
    }

    /// Notes the package.
    public func apply(_ plan: DeploymentPlan) async throws(SluiceError) {
        if plan.isEmpty { return }
        let place = try LocalDeployment(plan.job, in: folder)
        guard (place.package?.description ?? "") == plan.basis else {
            throw SluiceError(
                .conflict, "the job \(plan.name) has changed since this was planned", hint: "look at a new plan")
        }
        try await place.note(try PackageReference(plan.content))
    }

    /// The package that a job takes; nothing where runs take the project as it stands.
    public func deployed(_ job: JobDeployment) async throws(SluiceError) -> DeployedJob? {
        let place = try LocalDeployment(job, in: folder)
        guard shelf != nil, let package = place.package else { return nil }
        return DeployedJob(name: job.job, resource: place.path, package: package, word: "there")
    }

    /// Forgets which package a job takes. Its runs and their files stay.
    public func delete(_ job: JobDeployment) async throws(SluiceError) -> Bool {
        try LocalDeployment(job, in: folder).forget()
    }

    /// There is nothing but Sluice.
    public func ways(of job: JobDeployment) throws(SluiceError) -> PlatformWays? { nil }

    /// The package that runs of a job take.
    func standing(_ job: JobDeployment?) throws(SluiceError) -> PackageReference {
        guard let job else {
            throw SluiceError(.usage, "a run on \(name) is the run of a job that is deployed there, and none is named")
        }
        if let package = try LocalDeployment(job, in: folder).package { return package }
        throw SluiceError(
            .notFound, "the job \(job.job) is not deployed to \(name): it takes no package yet",
            hint: "'sluice deploy \(job.job)' shows what would be made, and makes it")
    }
}
