public import Support

extension LocalPlatform {
    /// `type: local`
    public static let kind = PlatformKind("local", keys: []) { site throws(SluiceError) in
        LocalPlatform(
            folder: "\(site.stateFolder)/local", name: site.name, words: ["-C", site.folder],
            environment: site.variables)
    }

    /// All but clocks and events; nothing has to be deployed.
    public var abilities: PlatformAbilities {
        var abilities = PlatformAbilities()
        abilities.deploys = false
        abilities.limitsTime = true
        abilities.limitsMemory = true
        abilities.forces = true
        abilities.tellsExitCode = true
        abilities.keepsHistory = true
        return abilities
    }

    /// Whether runs can keep their files here.
    public func check(_ job: JobDeployment?) async -> [PlatformCheck] {
        do throws(SluiceError) {
            try LocalRun.makeFolder(folder)
            return [PlatformCheck("folder of runs", .passed, folder)]
        } catch {
            return [PlatformCheck("folder of runs", error)]
        }
    }

    /// Nothing: runs take the project as it stands.
    public func plan(_ job: JobDeployment) async throws(SluiceError) -> DeploymentPlan {
        var plan = DeploymentPlan(platform: name, job: job, name: job.job)
        if job.needs.trigger != .manual {
            plan.warnings.append("nothing starts the job by itself on this machine: its trigger is left out")
        }
        return plan
    }

    /// Nothing.
    public func apply(_ plan: DeploymentPlan) async throws(SluiceError) {}

    /// Nothing is ever deployed here.
    public func deployed(_ job: JobDeployment) async throws(SluiceError) -> DeployedJob? { nil }

    /// Nothing is ever deployed here.
    public func delete(_ job: JobDeployment) async throws(SluiceError) -> Bool { false }

    /// There is nothing but Sluice.
    public func ways(of job: JobDeployment) throws(SluiceError) -> PlatformWays? { nil }
}
