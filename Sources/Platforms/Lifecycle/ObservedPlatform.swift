public import Packages
import Runs
public import Support

/// A platform whose deeds are told to those who listen, whichever platform it is.
public struct ObservedPlatform: Platform {
    /// The platform itself.
    public let base: any Platform
    private let events: LifecycleEvents

    /// `base`, told of to the listeners of `events`.
    public init(_ base: any Platform, events: LifecycleEvents) {
        self.base = base
        self.events = events
    }

    /// The platform's.
    public var name: String { base.name }
    /// The platform's.
    public var abilities: PlatformAbilities { base.abilities }
    /// The platform's.
    public var shelf: PackageShelf? { base.shelf }

    /// The platform's; nothing is done to a job by it.
    public func check(_ job: JobDeployment?) async -> [PlatformCheck] { await base.check(job) }
    /// The platform's; nothing is done to a job by it.
    public func plan(_ job: JobDeployment) async throws(SluiceError) -> DeploymentPlan { try await base.plan(job) }
    /// The platform's; nothing is done to a job by it.
    public func deployed(_ job: JobDeployment) async throws(SluiceError) -> DeployedJob? {
        try await base.deployed(job)
    }
    /// The platform's.
    public func ways(of job: JobDeployment) throws(SluiceError) -> PlatformWays? { try base.ways(of: job) }
    /// The platform's; nothing is done to a run by it.
    public func find(_ run: String) async throws(SluiceError) -> RunHandle? { try await base.find(run) }
    /// The platform's; nothing is done to a run by it.
    public func log(_ handle: RunHandle, from position: Int) async throws(SluiceError) -> LogPage {
        try await base.log(handle, from: position)
    }

    /// The platform's; nothing is done to a run by it.
    public func tasks(_ handle: RunHandle) async throws(SluiceError) -> [TaskStatus] {
        try await base.tasks(handle)
    }

    /// The platform's; nothing that is deployed changes by it.
    public func package(_ package: Package) async throws(SluiceError) -> PackageReference {
        try await base.package(package)
    }

    /// Deploys, and tells of it.
    public func apply(_ plan: DeploymentPlan) async throws(SluiceError) {
        try await told(.deploy, job: plan.job) { () async throws(SluiceError) in try await base.apply(plan) }
    }

    /// Deletes, and tells of it.
    public func delete(_ job: JobDeployment) async throws(SluiceError) -> Bool {
        try await told(.delete, job: job) { () async throws(SluiceError) in try await base.delete(job) }
    }

    /// The platform's; nothing is done by it.
    public func size() async throws(SluiceError) -> PoolSize? { try await base.size() }

    /// Resizes, and tells of it.
    public func resize(_ seen: PoolSize, to aim: PoolSize.Aim) async throws(SluiceError) {
        try await told(.resize) { () async throws(SluiceError) in try await base.resize(seen, to: aim) }
    }

    /// Starts, and tells of it.
    public func start(_ request: RunRequest) async throws(SluiceError) -> RunHandle {
        await tell(.start, .before, job: request.job, run: request.run)
        do throws(SluiceError) {
            let handle = try await base.start(request)
            // It may be an older run, whose start broke off.
            await tell(.start, .after, job: request.job, run: handle.run)
            return handle
        } catch {
            await tell(.start, .failed, job: request.job, run: request.run, error: error)
            throw error
        }
    }

    /// Cancels, and tells of it.
    public func cancel(_ handle: RunHandle, byForce: Bool) async throws(SluiceError) {
        try await told(.cancel, run: handle.run) { () async throws(SluiceError) in
            try await base.cancel(handle, byForce: byForce)
        }
    }

    /// Asks how a run stands, and tells what was found; that it will be asked is no event.
    public func status(_ handle: RunHandle) async throws(SluiceError) -> PlatformStatus {
        do throws(SluiceError) {
            let status = try await base.status(handle)
            await tell(.status, .after, run: handle.run, status: status)
            return status
        } catch {
            await tell(.status, .failed, run: handle.run, error: error)
            throw error
        }
    }

    private func told<Value>(
        _ deed: LifecycleEvent.Deed, job: JobDeployment? = nil, run: String? = nil,
        _ body: () async throws(SluiceError) -> Value
    ) async throws(SluiceError) -> Value {
        await tell(deed, .before, job: job, run: run)
        do throws(SluiceError) {
            let value = try await body()
            await tell(deed, .after, job: job, run: run)
            return value
        } catch {
            await tell(deed, .failed, job: job, run: run, error: error)
            throw error
        }
    }

    private func tell(
        _ deed: LifecycleEvent.Deed, _ phase: LifecycleEvent.Phase, job: JobDeployment? = nil, run: String? = nil,
        status: PlatformStatus? = nil, error: SluiceError? = nil
    ) async {
        await events.tell(
            LifecycleEvent(
                deed: deed, phase: phase, at: Moment.now.microseconds, platform: name, job: job, run: run,
                status: status, error: error))
    }
}
