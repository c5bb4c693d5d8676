import Azure
import Glibc
import Platforms
import Runs
import Support
import Testing

/// Starts on Batch that break off: their runs end all the same, and what they began is gone on with. A part of the other suite, so
/// that its faults are not these.
extension BatchFlowTests {
    @Suite(.serialized) struct BrokenStarts {
        /// Where a start breaks off.
        enum Step: String, CaseIterable, Sendable {
            case job, tasks, seal

            /// What breaks it off there, and keeps it from putting things in order.
            func faults(_ run: String) -> JSONText {
                let path = "/jobs/sluice-\(run)"
                let refused: JSONText = ["status": 403, "code": "PermissionDenied"]
                let deed: JSONText =
                    self == .seal
                    ? ["match": ["service": "batch", "method": "PATCH", "path": .string(path)], "do": refused]
                    : [
                        "match": ["service": "batch", "path": .string("\(path)/addtaskcollection")],
                        "skip": self == .job ? 0 : 1, "do": refused,
                    ]
                return [
                    "rules": [
                        deed,
                        ["match": ["service": "batch", "method": "DELETE", "path": .string(path)], "do": refused],
                    ]
                ]
            }
        }

        /// What a test works with.
        private struct Site {
            let platform: BatchPlatform
            let job: JobDeployment
            let folder: String
            let azure: EmulatedAzure

            /// Tasks that note each time they run, and for which run.
            func tasks(_ count: Int, _ more: String = "") -> [RunTask] {
                (0..<count).map {
                    RunTask(
                        id: "t\($0)", arguments: ["-c", "echo $SLUICE_RUN_ID >> \(folder)/$AZ_BATCH_TASK_ID; \(more)"])
                }
            }

            /// A start that breaks off.
            func breakOff(_ step: Step, _ tasks: [RunTask]) async throws -> String {
                let run = RunID.make()
                try await azure.administer("faults", step.faults(run))
                let error = await #expect(throws: SluiceError.self) {
                    try await platform.start(RunRequest(run: run, arguments: [], job: job, tasks: tasks))
                }
                #expect(error?.code == .permission)
                try await azure.administer("faults", ["rules": []])
                return run
            }

            /// The runs that each task ran for.
            func ran(_ count: Int) -> [String] {
                (0..<count).map { number in
                    guard let file = fopen("\(folder)/t\(number)", "r") else { return "" }
                    defer { fclose(file) }
                    var bytes = [UInt8](repeating: 0, count: 4096)
                    let read = fread(&bytes, 1, bytes.count, file)
                    return String(decoding: bytes.prefix(read), as: UTF8.self)
                }
            }
        }

        private func with(
            _ pool: String, startLimit: Duration = .seconds(900), _ body: (Site) async throws -> Void
        ) async throws {
            let platform = try await EmulatedAzure.batch(pool, "program: /bin/sh\n", startLimit: startLimit)
            var template = Array("/tmp/sluice-broken-XXXXXX".utf8CString)
            let folder = String(cString: try #require(mkdtemp(&template)))
            defer { removeTree(folder) }
            let azure = try await EmulatedAzure.shared
            let job = JobDeployment(project: "shop", job: "orders", kind: "report", arguments: ["-c", "echo standard"])
            try await platform.apply(try await platform.plan(job))
            let outcome: Result<Void, any Error>
            do {
                outcome = .success(try await body(Site(platform: platform, job: job, folder: folder, azure: azure)))
            } catch { outcome = .failure(error) }
            try await azure.administer("faults", ["rules": []])
            _ = try? await platform.delete(job)
            try outcome.get()
        }

        @Test(arguments: Step.allCases) func whoeverStartsTheSameGoesOnWithIt(_ step: Step) async throws {
            try await with("taken-\(step)") { site in
                let tasks = site.tasks(120)
                let run = try await site.breakOff(step, tasks)
                if step != .seal {
                    // Another machine asks.
                    let other = try await EmulatedAzure.batch("taken-\(step)", "program: /bin/sh\n")
                    let found = try #require(try await other.find(run))
                    let status = try await other.status(found)
                    #expect(status.state == .starting)
                    #expect(status.word == "\(step == .job ? 0 : 100) of 120 tasks are added")
                }
                let request = RunRequest(run: RunID.make(), arguments: [], job: site.job, tasks: tasks)
                let handle = try await site.platform.start(request)
                #expect(handle.run == run)
                #expect(try await site.platform.wait(for: handle).state == .succeeded)
                #expect(site.ran(120) == Array(repeating: "\(run)\n", count: 120))
                let new = try await site.platform.find(request.run)
                #expect(new == nil)
            }
        }

        /// What was done meanwhile is no task of the new start, whose last one is another then.
        @Test(arguments: [Step.tasks, .seal]) func whatWasDoneMeanwhileIsNotDoneAgain(_ step: Step) async throws {
            try await with("done-\(step)") { site in
                let all = site.tasks(120)
                func last(_ name: String, _ tasks: [RunTask]) -> RunTask {
                    RunTask(id: name, arguments: all[0].arguments, after: tasks.map(\.id))
                }
                let run = try await site.breakOff(step, all + [last("last", all)])
                let found = try #require(try await site.platform.find(run))
                if step == .tasks {
                    while try await site.platform.status(found).tasks?.succeeded != 100 { usleep(20_000) }
                }
                let rest = Array(all[30...])
                let handle = try await site.platform.start(
                    RunRequest(run: RunID.make(), arguments: [], job: site.job, tasks: rest + [last("other", rest)]))
                #expect(handle == found)
                let status = try await site.platform.wait(for: handle)
                #expect(status.state == .succeeded)
                #expect(status.tasks?.succeeded == 121)
                #expect(site.ran(120) == Array(repeating: "\(run)\n", count: 120))
                let ended = try await site.platform.tasks(handle).map(\.id)
                #expect(ended.contains("last") == (step == .seal))
                #expect(ended.contains("other") == (step == .tasks))
            }
        }

        @Test func whatIsWholeIsSealedByWhoeverAsks() async throws {
            try await with("sealed") { site in
                let run = try await site.breakOff(.seal, site.tasks(120))
                let other = try await EmulatedAzure.batch("sealed", "program: /bin/sh\n")
                let handle = try #require(try await other.find(run))
                let status = try await other.wait(for: handle)
                #expect(status.state == .succeeded)
                #expect(status.tasks?.succeeded == 120)
                #expect(site.ran(120) == Array(repeating: "\(run)\n", count: 120))
                // The run is over, and the same work is a run of its own.
                let again = try await site.platform.start(
                    RunRequest(run: RunID.make(), arguments: [], job: site.job, tasks: site.tasks(120)))
                #expect(again.run != run)
            }
        }

        @Test func whatStaysBrokenIsGivenUp() async throws {
            try await with("given-up", startLimit: .milliseconds(700)) { site in
                let tasks = site.tasks(120, "sleep 60")
                let run = try await site.breakOff(.tasks, tasks)
                let handle = try #require(try await site.platform.find(run))
                #expect(try await site.platform.status(handle).state == .starting)
                let status = try await site.platform.wait(for: handle)
                #expect(status.state == .failed)
                #expect(status.word == "SluiceStartBroken")
                #expect(status.reason?.hasPrefix("whoever started it did not add all of its tasks") == true)
                // What ran of it is ended, and it stays what it was.
                let batch = BatchClient(try site.azure.azure.client(), account: "shopbatch", region: "westeurope")
                while try await batch.get("jobs/\(handle.reference)")?["state"]?.text != "completed" { usleep(20_000) }
                let later = try await EmulatedAzure.batch("given-up", "program: /bin/sh\n").status(handle)
                #expect(later.state == .failed)
                #expect(later.word == status.word)
                let again = try await site.platform.start(
                    RunRequest(run: RunID.make(), arguments: [], job: site.job, tasks: tasks))
                #expect(again.run != run)
                try await site.platform.cancel(again, byForce: true)
            }
        }

        @Test func otherWorkIsARunOfItsOwnAndEndsWhatWasLeft() async throws {
            try await with("left", startLimit: .milliseconds(300)) { site in
                let run = try await site.breakOff(.tasks, site.tasks(120))
                let handle = try #require(try await site.platform.find(run))
                usleep(400_000)
                let other = try await site.platform.start(
                    RunRequest(run: RunID.make(), arguments: [], job: site.job, tasks: site.tasks(110, "true")))
                #expect(other.run != run)
                #expect(try await site.platform.wait(for: other).state == .succeeded)
                let batch = BatchClient(try site.azure.azure.client(), account: "shopbatch", region: "westeurope")
                let left = try await batch.get("jobs/\(handle.reference)")
                #expect(left?["executionInfo"]?["terminateReason"]?.text == "SluiceStartBroken")
            }
        }

        @Test func aRunOfOneTaskIsTakenUp() async throws {
            try await with("single") { site in
                for step in [Step.job, .seal] {
                    let run = try await site.breakOff(step, [])
                    let handle = try await site.platform.start(
                        RunRequest(run: RunID.make(), arguments: [], job: site.job))
                    #expect(handle.run == run)
                    let status = try await site.platform.wait(for: handle)
                    #expect(status.state == .succeeded)
                    #expect(status.exitCode == 0)
                    #expect(status.tasks == nil)
                }
            }
        }

        @Test func whatIsCancelledBeforeItIsWholeHasNotSucceeded() async throws {
            try await with("early") { site in
                for tasks in [[], site.tasks(120)] {
                    let run = try await site.breakOff(.job, tasks)
                    let handle = try #require(try await site.platform.find(run))
                    try await site.platform.cancel(handle, byForce: false)
                    #expect(try await site.platform.wait(for: handle).state == .cancelled)
                }
            }
        }

        /// The other start is alive, and slow; in the end it is cancelled, or not.
        @Test(arguments: [false, true]) func aStartThatIsAliveIsNotHarmed(isCancelled: Bool) async throws {
            try await with("alive-\(isCancelled)") { site in
                let tasks = site.tasks(250)
                let run = RunID.make()
                try await site.azure.administer(
                    "faults",
                    [
                        "rules": [
                            [
                                "match": ["path": .string("/jobs/sluice-\(run)/addtaskcollection")], "times": 1,
                                "do": ["slow": 2500],
                            ]
                        ]
                    ])
                let slow = Task {
                    try await EmulatedAzure.batch("alive-\(isCancelled)", "program: /bin/sh\n").start(
                        RunRequest(run: run, arguments: [], job: site.job, tasks: tasks))
                }
                while try await site.platform.find(run) == nil { usleep(20_000) }
                // Its first tasks are on their way.
                usleep(100_000)
                let handle = try await site.platform.start(
                    RunRequest(run: RunID.make(), arguments: [], job: site.job, tasks: tasks))
                #expect(handle.run == run)
                if isCancelled {
                    slow.cancel()
                    await #expect(throws: SluiceError.self) { try await slow.value }
                } else {
                    #expect(try await slow.value == handle)
                }
                #expect(try await site.platform.wait(for: handle).state == .succeeded)
                #expect(site.ran(250) == Array(repeating: "\(run)\n", count: 250))
            }
        }

        @Test func startsAtTheSameTimeLoseNothing() async throws {
            try await with("at-once") { site in
                let tasks = site.tasks(150)
                let handles = try await withThrowingTaskGroup(of: RunHandle.self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            try await EmulatedAzure.batch("at-once", "program: /bin/sh\n").start(
                                RunRequest(run: RunID.make(), arguments: [], job: site.job, tasks: tasks))
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                for handle in handles { #expect(try await site.platform.wait(for: handle).state == .succeeded) }
                let runs = Set(handles.map(\.run))
                // As many times as there are runs, and for each of them once.
                for ran in site.ran(150) {
                    #expect(Set(ran.split(separator: "\n").map(String.init)) == runs)
                    #expect(ran.split(separator: "\n").count == runs.count)
                }
            }
        }
    }
}
