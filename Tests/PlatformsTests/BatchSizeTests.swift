import Azure
import Glibc
import Platforms
import Runs
import Support
import Testing

extension BatchFlowTests {
    /// The size of a pool, by hand.
    @Suite(.serialized) struct Sizes {
        private func with(
            _ pool: String, _ more: String = "",
            _ body: (_ platform: BatchPlatform, _ job: JobDeployment) async throws -> Void
        ) async throws {
            let platform = try await EmulatedAzure.batch(pool, "program: /bin/sh\n" + more)
            let job = JobDeployment(project: "shop", job: "orders", kind: "report", arguments: ["-c", "echo standard"])
            try await platform.apply(try await platform.plan(job))
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body(platform, job)) } catch { outcome = .failure(error) }
            _ = try? await platform.delete(job)
            try outcome.get()
        }

        private func resize(_ platform: BatchPlatform, _ aim: PoolSize.Aim) async throws -> PoolSize {
            try await platform.resize(try #require(try await platform.size()), to: aim)
            return try await platform.wait(forSize: aim)
        }

        @Test func aSizeIsSetAndGivenBackToTheFormula() async throws {
            try await with("by-hand") { platform, job in
                let before = try #require(try await platform.size())
                #expect(before.aim == .formula)
                #expect(before.most == 10)
                let size = try await resize(platform, .fixed(nodes: 2, spot: 1))
                #expect((size.nodes, size.spot) == (2, 1))
                // Where formulas are asked ten times a second, it stays.
                usleep(400_000)
                #expect(try await platform.size() == size)
                let pool = await platform.check(job).first { $0.subject == "pool" }
                #expect(pool?.finding == "by-hand, 3 nodes now, 3 nodes, 1 of them spot set by hand, steady")
                // A deployment would change it back, and says so.
                let plan = try await platform.plan(job)
                let changes = plan.changes.filter { $0.action != .keep }
                #expect(changes.map(\.path) == ["formula", "interval", "nodes"])
                #expect(changes.last?.from == "3 nodes, 1 of them spot, set by hand")
                #expect(plan.warnings.contains { $0.hasPrefix("the size of the pool was set by hand") })
                _ = try await resize(platform, .formula)
                #expect(try await platform.plan(job).isEmpty)
                while try await platform.size()?.nodes != 0 { usleep(20_000) }
                // The other way.
                _ = try await resize(platform, .fixed(nodes: 1, spot: 0))
                try await platform.apply(try await platform.plan(job))
                #expect(try await platform.size()?.aim == .formula)
            }
        }

        @Test func nodesThatHaveTasksStay() async throws {
            try await with("busy") { platform, job in
                _ = try await resize(platform, .fixed(nodes: 2, spot: 0))
                let handle = try await platform.start(
                    RunRequest(run: RunID.make(), arguments: ["-c", "sleep 2; echo done"], job: job))
                while try await platform.status(handle).state != .running { usleep(20_000) }
                let size = try await resize(platform, .fixed(nodes: 0, spot: 0))
                #expect(size.nodes == 0)
                let status = try await platform.status(handle)
                #expect(status.state == .succeeded)
                #expect(status.exitCode == 0)
            }
        }

        @Test func aResizeThatGoesOnIsStopped() async throws {
            try await with("going-on") { platform, job in
                _ = try await resize(platform, .fixed(nodes: 1, spot: 0))
                let handle = try await platform.start(
                    RunRequest(run: RunID.make(), arguments: ["-c", "sleep 30"], job: job))
                while try await platform.status(handle).state != .running { usleep(20_000) }
                try await platform.resize(try #require(try await platform.size()), to: .fixed(nodes: 0, spot: 0))
                #expect(try await platform.size()?.isChanging == true)
                // The node that only waited for its task stays.
                let size = try await resize(platform, .fixed(nodes: 2, spot: 0))
                #expect(size.nodes == 2)
                #expect(try await platform.status(handle).state == .running)
                try await platform.resize(size, to: .fixed(nodes: 0, spot: 0))
                try await platform.apply(try await platform.plan(job))
                #expect(try await platform.size()?.aim == .formula)
                try await platform.cancel(handle, byForce: true)
            }
        }

        @Test func whatNobodyCanMeanIsRefused() async throws {
            try await with("bounds", "max_nodes: 4\n") { platform, _ in
                let size = try #require(try await platform.size())
                for aim in [
                    PoolSize.Aim.fixed(nodes: 5, spot: 0), .fixed(nodes: 3, spot: 2), .fixed(nodes: -1, spot: 0),
                    .fixed(nodes: .max, spot: .max),
                ] {
                    let error = await #expect(throws: SluiceError.self) { try await platform.resize(size, to: aim) }
                    #expect(error?.code == .usage)
                    #expect(error?.hint?.contains("max_nodes") == true)
                }
                let theirs = try await EmulatedAzure.batch("bounds", project: "bakery")
                await #expect(throws: SluiceError.self) { try await theirs.size() }
                let error = await #expect(throws: SluiceError.self) {
                    try await theirs.resize(size, to: .fixed(nodes: 1, spot: 0))
                }
                #expect(error?.code == .conflict)
                #expect(try await platform.size()?.aim == .formula)
                // What was shown is no longer so.
                _ = try await resize(platform, .fixed(nodes: 1, spot: 0))
                let late = await #expect(throws: SluiceError.self) {
                    try await platform.resize(size, to: .fixed(nodes: 2, spot: 0))
                }
                #expect(late?.code == .conflict)
                let none = try await EmulatedAzure.batch("no-such-pool").size()
                #expect(none == nil)
            }
        }

        @Test func aSizeThatThereIsNotIsToldAsSuch() async throws {
            // The emulator has 200 nodes.
            try await with("short", "max_nodes: 400\n") { platform, job in
                let error = await #expect(throws: SluiceError.self) {
                    try await resize(platform, .fixed(nodes: 201, spot: 0))
                }
                #expect(error?.message.contains("core quota") == true)
                #expect(try await platform.size()?.problem?.contains("core quota") == true)
                let pool = await platform.check(job).first { $0.subject == "pool" }
                #expect(pool?.outcome == .failed)
                _ = try await resize(platform, .fixed(nodes: 0, spot: 0))
                #expect(try await platform.size()?.problem == nil)
            }
        }
    }
}
