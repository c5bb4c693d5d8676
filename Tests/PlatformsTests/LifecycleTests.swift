import Glibc
import Packages
import Platforms
import Runs
import Support
import Synchronization
import Testing

/// What listeners hear of jobs on a platform.
@Suite struct LifecycleTests {
    private final class Listener: LifecycleListener {
        private let heard = Mutex<[LifecycleEvent]>([])
        var events: [LifecycleEvent] { heard.withLock { $0 } }
        var names: [String] { events.map(\.name) }
        func hear(_ event: LifecycleEvent) async { heard.withLock { $0.append(event) } }
    }

    /// A platform on which everything fails, or on which nothing does.
    private struct Fake: Platform {
        let failure: SluiceError?
        var name: String { "fake" }
        var abilities: PlatformAbilities { PlatformAbilities() }
        var shelf: PackageShelf? { nil }

        private func done<Value>(_ value: Value) throws(SluiceError) -> Value {
            if let failure { throw failure }
            return value
        }

        func check(_ job: JobDeployment?) async -> [PlatformCheck] { [] }
        func plan(_ job: JobDeployment) async throws(SluiceError) -> DeploymentPlan {
            DeploymentPlan(platform: name, job: job, name: job.job)
        }
        func apply(_ plan: DeploymentPlan) async throws(SluiceError) { try done(()) }
        func deployed(_ job: JobDeployment) async throws(SluiceError) -> DeployedJob? { nil }
        func delete(_ job: JobDeployment) async throws(SluiceError) -> Bool { try done(true) }
        func ways(of job: JobDeployment) throws(SluiceError) -> PlatformWays? { nil }
        func start(_ request: RunRequest) async throws(SluiceError) -> RunHandle {
            try done(RunHandle(run: request.run, platform: name, reference: "r"))
        }
        func find(_ run: String) async throws(SluiceError) -> RunHandle? { nil }
        func status(_ handle: RunHandle) async throws(SluiceError) -> PlatformStatus {
            try done(PlatformStatus(.succeeded, word: "Succeeded"))
        }
        func log(_ handle: RunHandle, from position: Int) async throws(SluiceError) -> LogPage {
            LogPage(bytes: [], next: position, isLast: true)
        }
        func cancel(_ handle: RunHandle, byForce: Bool) async throws(SluiceError) { try done(()) }
        func resize(_ seen: PoolSize, to aim: PoolSize.Aim) async throws(SluiceError) { try done(()) }
    }

    private let job = JobDeployment(project: "shop", job: "orders", kind: "ingest", arguments: ["run", "orders"])

    private func everything(on platform: any Platform) async {
        let handle = RunHandle(run: "1", platform: "fake", reference: "r")
        if let plan = try? await platform.plan(job) { try? await platform.apply(plan) }
        _ = try? await platform.start(RunRequest(run: "1", arguments: [], job: job))
        _ = try? await platform.status(handle)
        try? await platform.cancel(handle, byForce: false)
        let size = PoolSize(
            name: "pool", aim: .formula, nodes: 0, spot: 0, isChanging: false, machine: "small", most: 4, bound: "x")
        try? await platform.resize(size, to: .fixed(nodes: 2, spot: 0))
        _ = try? await platform.delete(job)
    }

    @Test func whatSucceedsIsToldBeforeAndAfter() async throws {
        let (events, listener, second) = (LifecycleEvents(), Listener(), Listener())
        events.add(listener)
        events.add(second)
        await everything(on: ObservedPlatform(Fake(failure: nil), events: events))
        #expect(
            listener.names == [
                "deploy.before", "deploy.after", "start.before", "start.after", "status.after", "cancel.before",
                "cancel.after", "resize.before", "resize.after", "delete.before", "delete.after",
            ])
        #expect(second.names == listener.names)
        #expect(listener.events.allSatisfy { $0.platform == "fake" && $0.error == nil })
        #expect(listener.events[0].job == job)
        let asked = listener.events[4]
        #expect(asked.run == "1")
        #expect(asked.json["isComplete"] == .bool(true))
        #expect(zip(listener.events, listener.events.dropFirst()).allSatisfy { $0.at <= $1.at })
    }

    @Test func whatFailsIsToldWithItsError() async throws {
        let (events, listener) = (LifecycleEvents(), Listener())
        events.add(listener)
        let error = SluiceError(.permission, "nobody may do that")
        let platform = ObservedPlatform(Fake(failure: error), events: events)
        await everything(on: platform)
        #expect(
            listener.names == [
                "deploy.before", "deploy.failed", "start.before", "start.failed", "status.failed", "cancel.before",
                "cancel.failed", "resize.before", "resize.failed", "delete.before", "delete.failed",
            ])
        #expect(
            listener.events.filter { $0.phase == .failed }.allSatisfy { $0.error?.message == "nobody may do that" })
        // Listening changes nothing for whoever asked.
        await #expect(throws: SluiceError.self) {
            try await platform.status(RunHandle(run: "1", platform: "fake", reference: "r"))
        }
    }
}
