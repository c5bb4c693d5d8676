import Azure
import Glibc
import Platforms
import Runs
import Settings
import Support
import Testing
import Transport

/// What goes wrong between here and Container Apps, and what is done about it. One after the other, since faults are for all.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ContainerAppsFlowTests {
    private func with(
        _ faults: JSONText = ["rules": []], _ body: (EmulatedAzure, ContainerAppsPlatform) async throws -> Void
    ) async throws {
        let azure = try await EmulatedAzure.shared
        let platform = try azure.containerApps()
        try await azure.administer("faults", faults)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(azure, platform)) } catch { outcome = .failure(error) }
        try await azure.administer("faults", ["rules": []])
        try outcome.get()
    }

    private func deploy(_ job: JobDeployment, to platform: ContainerAppsPlatform) async throws {
        try await platform.apply(try await platform.plan(job))
    }

    private func output(_ platform: any Platform, _ handle: RunHandle) async throws -> String {
        var bytes: [UInt8] = []
        while true {
            let page = try await platform.log(handle, from: bytes.count)
            bytes += page.bytes
            if page.isLast { return String(decoding: bytes, as: UTF8.self) }
            if page.bytes.isEmpty { usleep(100_000) }
        }
    }

    @Test func aJobIsMadeChangedAndRemoved() async throws {
        try await with { azure, platform in
            var needs = DeploymentNeeds()
            needs.environment = ["CITY": "Köln"]
            needs.resources = .medium
            var job = azure.job("life", needs)
            let first = try await platform.plan(job)
            #expect(first.name == "shop-life")
            #expect(first.basis.isEmpty)
            #expect(first.changes.allSatisfy { $0.action == .create })
            #expect(first.changes.contains(DeploymentChange(.create, "env.CITY", to: "Köln")))
            #expect(first.warnings == [])
            #expect(first.cost == "a minute of it is 30 vCPU-s, 60 GiB-s; a run is at most 900 vCPU-s, 1800 GiB-s")
            // To plan changes nothing.
            #expect(try await platform.deployed(job) == nil)
            try await platform.apply(first)
            let there = try #require(try await platform.deployed(job))
            #expect(there.name == "shop-life")
            #expect(there.word == "Succeeded")
            #expect(there.image == azure.image)
            #expect(there.tags["sluice-job"] == "life")
            #expect(there.tags["JobType"] == "ingest")
            // Planned from elsewhere, there is nothing to do.
            #expect(try await azure.containerApps().plan(job).isEmpty)

            job.needs.environment = ["CITY": "Bonn"]
            job.needs.timeout = .seconds(60)
            let second = try await platform.plan(job)
            #expect(
                second.changes.filter { $0.action != .keep } == [
                    DeploymentChange(.update, "env.CITY", from: "Köln", to: "Bonn"),
                    DeploymentChange(.update, "timeout", from: "1800 s", to: "60 s"),
                ])
            try await platform.apply(second)
            // What was planned for another state is not done.
            let error = await #expect(throws: SluiceError.self) { try await platform.apply(second) }
            #expect(error?.code == .conflict)
            #expect(try await platform.plan(job).isEmpty)

            #expect(try await platform.delete(job))
            #expect(try await platform.deployed(job) == nil)
            #expect(try await platform.delete(job) == false)
        }
    }

    @Test func whatIsAnothersIsLeftAlone() async throws {
        try await with { azure, platform in
            var job = azure.job("mine")
            job.needs.name = "shop-shared"
            try await deploy(job, to: platform)
            var other = azure.job("other")
            other.needs.name = "shop-shared"
            for deed in [
                { _ = try await platform.plan(other) }, { _ = try await platform.delete(other) },
                { _ = try await platform.deployed(other) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: SluiceError.self) { try await deed() }
                #expect(error?.code == .conflict)
                #expect(error?.message.contains("belongs to the job mine of the project shop") == true)
            }
            #expect(try await platform.delete(job))
        }
    }

    @Test func aBusyAzureIsWaitedFor() async throws {
        let rules: JSONText = [
            "rules": [
                ["match": ["service": "arm"], "times": 2, "do": ["throttle": 429, "retryAfter": 1]],
                [
                    "match": ["service": "arm", "method": "POST"], "times": 1,
                    "do": ["throttle": 503, "retryAfter": 1],
                ],
            ]
        ]
        try await with(rules) { azure, platform in
            let job = azure.job("busy")
            try await deploy(job, to: platform)
            let request = RunRequest(run: RunID.make(), arguments: ["print", "done"], job: job)
            let handle = try await platform.start(request)
            #expect(try await platform.wait(for: handle).state == .succeeded)
            #expect(try await output(platform, handle) == "done\n")
        }
    }

    @Test(arguments: [1, 2]) func aStartWithoutAnAnswerStartsOneRun(_ times: Int) async throws {
        let rules: JSONText = [
            "rules": [
                [
                    "match": ["service": "arm", "method": "POST", "path": "*/start"], "times": .number(times),
                    "do": "loseResponse",
                ]
            ]
        ]
        try await with(rules) { azure, platform in
            let job = azure.job("lost-\(times)")
            try await deploy(job, to: platform)
            let request = RunRequest(run: RunID.make(), arguments: ["print", "once"], job: job)
            let handle = try await platform.start(request)
            #expect(try await platform.wait(for: handle).state == .succeeded)
            #expect(try await output(platform, handle) == "once\n")
            // However often it was sent, one execution has the run's id.
            let client = ManagementClient(try azure.azure.client())
            let path =
                "/subscriptions/s1/resourceGroups/shop-rg/providers/Microsoft.App/jobs/shop-lost-\(times)/executions"
            let all = try await client.list(path, version: "2025-01-01")
            #expect(all.filter { $0.text().contains(request.run) }.count == 1)
        }
    }

    @Test func aStartThatDidNotArriveIsSentAgain() async throws {
        let rules: JSONText = [
            "rules": [
                [
                    "match": ["service": "arm", "method": "POST", "path": "*/start"], "times": 1,
                    "do": ["status": 500, "code": "InternalServerError"],
                ]
            ]
        ]
        try await with(rules) { azure, platform in
            let job = azure.job("again")
            try await deploy(job, to: platform)
            let handle = try await platform.start(
                RunRequest(run: RunID.make(), arguments: ["print", "twice"], job: job))
            #expect(try await platform.wait(for: handle).state == .succeeded)
        }
    }

    @Test func anotherMachineKnowsTheRunByItsID() async throws {
        try await with { azure, platform in
            let job = azure.job("found")
            try await deploy(job, to: platform)
            let handle = try await platform.start(
                RunRequest(run: RunID.make(), arguments: ["print", "here", "sleep", "60"], job: job))
            let elsewhere = try azure.containerApps()
            let found = try #require(try await elsewhere.find(handle.run))
            #expect(found == handle)
            #expect(found.job == "found")
            while try await elsewhere.status(found).state != .running { usleep(50_000) }
            while try await elsewhere.log(found, from: 0).bytes.isEmpty { usleep(50_000) }
            try await elsewhere.cancel(found, byForce: false)
            #expect(try await platform.wait(for: handle).state == .cancelled)
        }
    }

    @Test func oneThatTakesTooLongIsToldApartFromOneThatFails() async throws {
        try await with { azure, platform in
            var needs = DeploymentNeeds()
            needs.timeout = .seconds(2)
            let job = azure.job("slow", needs)
            try await deploy(job, to: platform)
            func run(_ words: String...) async throws -> PlatformStatus {
                let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: words, job: job))
                return try await platform.wait(for: handle)
            }
            let late = try await run("sleep", "60")
            #expect(late.state == .timedOut)
            #expect(late.reason == "it took longer than 2.00 s")
            let failed = try await run("exit", "7")
            #expect(failed.state == .failed)
            #expect(failed.exitCode == 7)
            #expect(failed.usage?.hasSuffix("GiB-s") == true)
        }
    }

    @Test func aLogIsReadInPiecesAndKeepsItsPositions() async throws {
        try await with { azure, platform in
            let job = azure.job("talk")
            try await deploy(job, to: platform)
            var words: [String] = []
            for number in 0..<40 { words += ["print", "line \(number)"] }
            let handle = try await platform.start(
                RunRequest(run: RunID.make(), arguments: words + ["sleep", "1"] + ["print", "Köln"], job: job))
            let whole = try await output(platform, handle)
            #expect(whole == (0..<40).map { "line \($0)\n" }.joined() + "Köln\n")
            // Another reader finds the same bytes at the same places.
            let other = try azure.containerApps()
            let part = try await other.log(handle, from: 7)
            #expect(part.bytes == Array(whole.utf8.dropFirst(7)))
            #expect(part.isLast)
        }
    }

    @Test func aLogThatIsKeptComesLate() async throws {
        try await with { azure, platform in
            // Replicas are gone at once, and what is kept takes its time.
            try await azure.administer("lifecycle", ["replicasStay": 0, "logDelay": 1500])
            let job = azure.job("late")
            try await deploy(job, to: platform)
            let handle = try await platform.start(
                RunRequest(run: RunID.make(), arguments: ["print", "kept"], job: job))
            _ = try await platform.wait(for: handle)
            let text = try await output(platform, handle)
            try await azure.administer("lifecycle", ["replicasStay": 60000, "logDelay": 200])
            #expect(text == "kept\n")
        }
    }

    @Test func anExecutionThatAzureForgotIsNotAState() async throws {
        try await with { azure, platform in
            let job = azure.job("gone")
            try await deploy(job, to: platform)
            let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: ["print", "x"], job: job))
            _ = try await platform.wait(for: handle)
            let execution = String(handle.reference.split(separator: "/").last ?? "")
            try await azure.administer("forget", ["execution": .string(execution)], .post)
            let error = await #expect(throws: SluiceError.self) { try await platform.status(handle) }
            #expect(error?.code == .notFound)
            #expect(error?.isTransient == false)
            #expect(try await platform.find(handle.run) == nil)
        }
    }

    @Test func whoMayNotAskIsTold() async throws {
        let rules: JSONText = [
            "rules": [
                [
                    "match": ["service": "arm", "path": "*/executions/*"],
                    "do": ["status": 403, "code": "AuthorizationFailed"],
                ]
            ]
        ]
        try await with(rules) { azure, platform in
            let job = azure.job("forbidden")
            try await deploy(job, to: platform)
            let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: ["print", "x"], job: job))
            let began = ContinuousClock.now
            let error = await #expect(throws: SluiceError.self) { try await platform.wait(for: handle) }
            #expect(error?.code == .permission)
            #expect(ContinuousClock.now - began < .seconds(10))
        }
    }

    @Test func anOlderInterfaceTellsTheStateAllTheSame() async throws {
        let rules: JSONText = [
            "rules": [
                [
                    "match": ["service": "arm", "query": ["api-version": "2026-07-01"]],
                    "do": ["status": 400, "code": "NoRegisteredProviderFound"],
                ]
            ]
        ]
        try await with(rules) { azure, platform in
            let job = azure.job("old")
            try await deploy(job, to: platform)
            let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: ["exit", "7"], job: job))
            let status = try await platform.wait(for: handle)
            #expect(status.state == .failed)
            #expect(status.exitCode == nil)
        }
    }

    @Test func theCheckStopsAtWhatIsMissing() async throws {
        try await with { azure, platform in
            let job = azure.job("unborn")
            let rows = await platform.check(job)
            #expect(rows.map(\.subject) == ["sign-in", "resource group", "environment", "logs", "identity", "job"])
            #expect(rows.dropLast().allSatisfy { $0.outcome == .passed }, "\(rows)")
            #expect(rows.last?.outcome == .failed)
            #expect(rows.last?.remedy == "'sluice deploy unborn' makes it")
            let section = EmulatedAzure.containerApps.replacing("shop-cae", with: "no-cae")
            let lost = try ContainerAppsPlatform(azure.site("cloud", section))
            let missing = await lost.check(nil).first { $0.outcome == .failed }
            #expect(missing?.finding.contains("no Container Apps environment \"no-cae\"") == true)
        }
    }
}
