import Azure
import Glibc
import Platforms
import Runs
import Settings
import Support
import Testing
import Transport

extension EmulatedAzure {
    /// The section of a platform on Batch.
    static let batch = """
        type: batch
        subscription: s1
        resource_group: shop-rg
        account: shopbatch
        region: westeurope
        identity: shop-identity
        slots: 4

        """

    private static let preparing = Task {
        let azure = try await shared
        // What takes minutes in the cloud takes moments here.
        try await azure.administer(
            "batch",
            [
                "nodeStart": 20, "samplePeriod": 100, "autoscaleInterval": 150, "transition": 30, "emptyJob": 100,
                "grace": 1500,
            ])
        try await ManagementClient(
            try azure.azure.client(), patience: .init(deadline: .seconds(30), pause: .milliseconds(50))
        )
        .put(
            "/subscriptions/s1/resourceGroups/shop-rg/providers/Microsoft.Batch/batchAccounts/shopbatch",
            version: "2024-07-01", body: ["location": "westeurope"])
        return azure
    }

    /// Batch here, with the pool that is named.
    static func batch(
        _ pool: String, _ more: String = "", project: String = "shop", startLimit: Duration = .seconds(900)
    ) async throws -> BatchPlatform {
        let azure = try await preparing.value
        var site = azure.site("cloud", batch + "pool: \(pool)\n" + more)
        site.project = project
        return try BatchPlatform(
            site, interval: .milliseconds(30), patience: .init(deadline: .seconds(30), pause: .milliseconds(50)),
            startLimit: startLimit)
    }

    private static let deploying = Task {
        let platform = try await batch("contract")
        let job = try await shared.job()
        try await platform.apply(try await platform.plan(job))
        return job
    }

    /// Batch with the one job that is deployed for all tests of the contract.
    static func standingBatch() async throws -> (BatchPlatform, JobDeployment) {
        (try await batch("contract"), try await deploying.value)
    }
}

/// Runs on Batch that are divided, and what goes wrong between here and there. One after the other, since faults are for all.
@Suite(.serialized, .timeLimit(.minutes(3))) struct BatchFlowTests {
    /// A job that runs a shell of the nodes, in a pool of its own, with a folder that its tasks share.
    private func with(
        _ pool: String, faults: JSONText? = nil,
        _ body: (_ platform: BatchPlatform, _ job: JobDeployment, _ folder: String) async throws -> Void
    ) async throws {
        let platform = try await EmulatedAzure.batch(pool, "program: /bin/sh\n")
        let azure = try await EmulatedAzure.shared
        var template = Array("/tmp/sluice-batch-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { removeTree(folder) }
        let job = JobDeployment(project: "shop", job: "orders", kind: "report", arguments: ["-c", "echo standard"])
        try await platform.apply(try await platform.plan(job))
        if let faults { try await azure.administer("faults", faults) }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(platform, job, folder)) } catch { outcome = .failure(error) }
        try await azure.administer("faults", ["rules": []])
        _ = try? await platform.delete(job)
        try outcome.get()
    }

    private func output(_ platform: BatchPlatform, _ handle: RunHandle) async throws -> String {
        var bytes: [UInt8] = []
        while true {
            let page = try await platform.log(handle, from: bytes.count)
            bytes += page.bytes
            if page.isLast { return String(decoding: bytes, as: UTF8.self) }
        }
    }

    private func lines(_ path: String) -> Int {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = read(descriptor, &bytes, bytes.count)
        return bytes.prefix(max(0, count)).count { $0 == 0x0a }
    }

    @Test func twoHundredTasksAndOneThatMergesThem() async throws {
        try await with("many") { platform, job, folder in
            // Every tenth fails first, and is tried again.
            let work = (0..<200).map { number in
                RunTask(
                    id: "file-\(number)",
                    arguments: [
                        "-c",
                        "echo x >> \(folder)/$SLUICE_PART; [ $(wc -l < \(folder)/$SLUICE_PART) -ge \(number % 10 == 0 ? 2 : 1) ]",
                    ], environment: ["SLUICE_PART": "part \(number)".replacing(" ", with: "-")], attempts: 3)
            }
            let merge = RunTask(
                id: "merge", arguments: ["-c", "cat \(folder)/part-* | wc -l"], after: work.map(\.id))
            let handle = try await platform.start(
                RunRequest(run: RunID.make(), arguments: [], job: job, tasks: work + [merge]))
            let status = try await platform.wait(for: handle)
            #expect(status.state == .succeeded)
            #expect(status.tasks?.succeeded == 201)
            #expect(status.tasks?.failed == 0)
            #expect(try await output(platform, handle) == "task merge, exit code 0\n220\n")
        }
    }

    @Test func lostAnswersRunNothingTwice() async throws {
        let faults: JSONText = [
            "rules": [
                ["match": ["service": "batch", "method": "POST", "path": "/jobs"], "times": 1, "do": "loseResponse"],
                [
                    "match": ["service": "batch", "method": "POST", "path": "*/addtaskcollection"], "times": 2,
                    "do": "loseResponse",
                ],
                ["match": ["service": "batch", "method": "PATCH"], "times": 1, "do": "loseResponse"],
                [
                    "match": ["service": "batch", "method": "GET"], "times": 2,
                    "do": ["throttle": 429, "retryAfter": 1],
                ],
            ]
        ]
        try await with("lossy", faults: faults) { platform, job, folder in
            let work = (0..<120).map {
                RunTask(id: "t\($0)", arguments: ["-c", "echo x >> \(folder)/count"])
            }
            let request = RunRequest(run: RunID.make(), arguments: [], job: job, tasks: work)
            let handle = try await platform.start(request)
            #expect(try await platform.wait(for: handle).state == .succeeded)
            #expect(lines("\(folder)/count") == 120)
            let error = await #expect(throws: SluiceError.self) { try await platform.start(request) }
            #expect(error?.code == .conflict)
            #expect(lines("\(folder)/count") == 120)
        }
    }

    @Test func whatWaitsForAFailureEndsTheRun() async throws {
        try await with("stuck") { platform, job, folder in
            let handle = try await platform.start(
                RunRequest(
                    run: RunID.make(), arguments: [], job: job,
                    tasks: [
                        RunTask(id: "fine", arguments: ["-c", "true"]),
                        RunTask(id: "bad", arguments: ["-c", "echo sorry >&2; exit 7"], attempts: 2),
                        RunTask(id: "next", arguments: ["-c", "echo x > \(folder)/next"], after: ["bad"]),
                        RunTask(id: "last", arguments: ["-c", "true"], after: ["fine", "next"]),
                    ]))
            let status = try await platform.wait(for: handle)
            #expect(status.state == .failed)
            #expect(status.reason == "1 of 4 tasks failed: bad (exit code 7)")
            #expect(try await output(platform, handle) == "task bad, exit code 7\nsorry\n")
            #expect(lines("\(folder)/next") == 0)
            // Asked later, when its job has ended, it is the same.
            usleep(400_000)
            #expect(try await platform.status(handle).state == .failed)
        }
    }

    @Test func aDividedRunIsCancelled() async throws {
        try await with("ended") { platform, job, _ in
            let work = (0..<60).map { RunTask(id: "t\($0)", arguments: ["-c", "sleep 60"]) }
            let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: [], job: job, tasks: work))
            while try await platform.status(handle).tasks?.running ?? 0 == 0 { usleep(20_000) }
            try await platform.cancel(handle, byForce: false)
            #expect(try await platform.wait(for: handle).state == .cancelled)
        }
    }

    @Test func aStartThatBatchRefusesLeavesNothing() async throws {
        try await with("refused") { platform, job, _ in
            let run = RunID.make()
            let large = RunTask(id: "large", arguments: ["-c", String(repeating: "x", count: 1_200_000)])
            let error = await #expect(throws: SluiceError.self) {
                try await platform.start(
                    RunRequest(run: run, arguments: [], job: job, tasks: [RunTask(id: "a", arguments: []), large]))
            }
            #expect(error?.code == .limitExceeded)
            let found1 = try await platform.find(run)
            #expect(found1 == nil)
            for tasks in [
                [RunTask(id: "a b", arguments: [])],
                [RunTask(id: "a", arguments: []), RunTask(id: "A", arguments: [])],
                [RunTask(id: "a", arguments: [], after: ["b"])],
            ] {
                await #expect(throws: SluiceError.self) {
                    try await platform.start(RunRequest(run: run, arguments: [], job: job, tasks: tasks))
                }
            }
        }
    }

    @Test func whatEndsWithoutAProgramSaysWhy() async throws {
        let platform = try await EmulatedAzure.batch("without", "program: /no/such/program\n")
        let job = JobDeployment(project: "shop", job: "orders", kind: "report", arguments: ["x"])
        try await platform.apply(try await platform.plan(job))
        let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: ["x"], job: job))
        let status = try await platform.wait(for: handle)
        #expect(status.state == .failed)
        #expect(status.word == "CommandProgramNotFound")
        #expect(status.reason?.contains("not found") == true)
        #expect(try await platform.delete(job))
    }

    @Test func jobsShareAPool() async throws {
        let platform = try await EmulatedAzure.batch("shared")
        let azure = try await EmulatedAzure.shared
        let (first, second) = (azure.job("first"), azure.job("second"))
        let plan = try await platform.plan(first)
        #expect(plan.count(.create) > 5)
        #expect(plan.cost?.contains("0 to 10 nodes of Standard_D2s_v3") == true)
        try await platform.apply(plan)
        #expect(try await platform.plan(first).isEmpty)
        await #expect(throws: SluiceError.self) { try await platform.apply(plan) }
        let more = try await platform.plan(second)
        #expect(more.changes.filter { $0.action != .keep }.map(\.path) == ["image"])
        try await platform.apply(more)
        #expect(try await platform.deployed(first)?.image == azure.image)
        for row in await platform.check(second) { #expect(row.outcome == .passed, "\(row)") }
        // Another size of the pool is an update; other machines are another pool.
        let larger = try await EmulatedAzure.batch("shared", "max_nodes: 20\n")
        #expect(try await larger.plan(first).changes.filter { $0.action != .keep }.map(\.path) == ["formula"])
        let other = try await EmulatedAzure.batch("shared", "vm_size: Standard_F2s\n")
        let error = await #expect(throws: SluiceError.self) { try await other.plan(first) }
        #expect(error?.message.contains("vm_size") == true)
        let foreign = try await EmulatedAzure.batch("shared", project: "bakery")
        await #expect(throws: SluiceError.self) { try await foreign.plan(first) }
        #expect(try await platform.delete(first))
        let found2 = try await platform.deployed(second)
        #expect(found2 != nil)
        #expect(try await platform.delete(second))
        let found3 = try await platform.deployed(second)
        #expect(found3 == nil)
        #expect(try await platform.delete(second) == false)
    }

    @Test func aRunIsAnothersInAnotherProject() async throws {
        try await with("theirs") { platform, job, _ in
            let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: ["-c", "true"], job: job))
            #expect(try await EmulatedAzure.batch("theirs").find(handle.run) == handle)
            let found4 = try await EmulatedAzure.batch("theirs", project: "bakery").find(handle.run)
            #expect(found4 == nil)
            _ = try await platform.wait(for: handle)
        }
    }

    @Test(arguments: [
        ("formula: $TargetDedicatedNodes = max(1;", "column"), ("max_nodes: 5000", "max_nodes"),
        ("min_nodes: 11\nmax_nodes: 3", "max_nodes"),
        ("interval: 1m", "5m to 168h"), ("system: ubuntu", "publisher"), ("pool: a/b", "pool"),
        ("account: Shop!", "account"),
        ("identity: /subscriptions/x", "identity"),
    ]) func settingsAreHeldAgainstTheRules(_ more: String, _ words: String) async throws {
        let azure = try await EmulatedAzure.shared
        let kept = EmulatedAzure.batch.split(separator: "\n").filter { line in
            !more.split(separator: "\n").contains { $0.prefix { $0 != ":" } == line.prefix { $0 != ":" } }
        }
        let section = kept.joined(separator: "\n") + (more.hasPrefix("pool") ? "\n" : "\npool: p\n") + more + "\n"
        let site = azure.site("cloud", section)
        let error = #expect(throws: SluiceError.self) { try BatchPlatform(site) }
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
    }

    @Test func whatCannotBeAskedIsNoState() async throws {
        try await with("forgotten") { platform, job, _ in
            let azure = try await EmulatedAzure.shared
            let handle = try await platform.start(
                RunRequest(run: RunID.make(), arguments: ["-c", "sleep 60"], job: job))
            try await azure.administer("directory", ["deny": [["service": "batch"]]])
            let denied = await #expect(throws: SluiceError.self) { try await platform.status(handle) }
            try await azure.administer("directory", [:])
            #expect(denied?.code == .permission)
            #expect(denied?.isTransient == false)
            // Somebody deletes its job.
            let batch = BatchClient(try azure.azure.client(), account: "shopbatch", region: "westeurope")
            _ = try await batch.send(.delete, "jobs/\(handle.reference)", isRepeatable: true, accepting: [409])
            while try await platform.find(handle.run) != nil { usleep(20_000) }
            var forgotten: SluiceError?
            for _ in 0..<200 where forgotten == nil {
                do throws(SluiceError) { _ = try await platform.status(handle) } catch { forgotten = error }
                usleep(20_000)
            }
            #expect(forgotten?.code == .notFound)
        }
    }

    @Test func secretsStayWhereTheyAre() async throws {
        let platform = try await EmulatedAzure.batch("secrets")
        let job = try await EmulatedAzure.shared.job(
            "secret", DeploymentNeeds(secrets: ["PASSWORD": SecretReference(name: "db-password")]))
        let error = await #expect(throws: SluiceError.self) { try await platform.plan(job) }
        #expect(error?.code == .unsupported)
        let bare = JobDeployment(project: "shop", job: "bare", kind: "ingest", arguments: [])
        await #expect(throws: SluiceError.self) { try await platform.plan(bare) }
    }
}
