import Glibc
import Platforms
import Runs
import Support
import Testing

/// A platform to hold against the contract.
struct Place: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// The platform with a folder of its own, and the job that its runs are of where it needs one.
    let make: @Sendable (_ folder: String) async throws -> (platform: any Platform, job: JobDeployment?)

    /// Every platform there is, by its public constructor.
    static let all = [local, containerApps, batch]

    static let local = Place(testDescription: "local") { folder in
        (LocalPlatform(folder: "\(folder)/runs", program: specimen), nil)
    }

    static let containerApps = Place(testDescription: "Container Apps, emulated") { _ in
        let azure = try await EmulatedAzure.shared
        let platform = try azure.containerApps()
        return (platform, try await azure.standing())
    }

    static let batch = Place(testDescription: "Batch, emulated") { _ in try await EmulatedAzure.standingBatch() }
}

/// The contract, which every platform fulfils.
@Suite(.timeLimit(.minutes(3))) struct ConformanceTests {
    private func with(_ place: Place, _ body: (any Platform) async throws -> Void) async throws {
        var template = Array("/tmp/sluice-platform-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        let outcome: Result<Void, any Error>
        do {
            let (platform, job) = try await place.make(folder)
            outcome = .success(try await Self.$job.withValue(job) { try await body(platform) })
        } catch {
            outcome = .failure(error)
        }
        removeTree(folder)
        try outcome.get()
    }

    /// The job whose runs are started.
    @TaskLocal private static var job: JobDeployment?

    private func request(
        _ words: [String], environment: [String: String] = [:], limits: RunLimits = RunLimits()
    ) -> RunRequest {
        RunRequest(run: RunID.make(), arguments: words, environment: environment, limits: limits, job: Self.job)
    }

    private func start(
        _ platform: any Platform, _ words: String..., environment: [String: String] = [:],
        limits: RunLimits = RunLimits()
    ) async throws -> RunHandle {
        try await platform.start(request(words, environment: environment, limits: limits))
    }

    private func output(_ platform: any Platform, _ handle: RunHandle) async throws -> String {
        var bytes: [UInt8] = []
        while true {
            let page = try await platform.log(handle, from: bytes.count)
            bytes += page.bytes
            #expect(page.next == bytes.count)
            if page.isLast { return String(decoding: bytes, as: UTF8.self) }
            if page.bytes.isEmpty { usleep(20_000) }
        }
    }

    @Test(arguments: Place.all, [(0, RunState.succeeded), (3, .partial), (1, .failed), (4, .failed), (124, .timedOut)])
    func anExitCodeIsAState(_ place: Place, _ end: (code: Int, state: RunState)) async throws {
        try await with(place) { platform in
            let handle = try await start(platform, "print", "hello", "exit", String(end.code))
            let status = try await platform.wait(for: handle)
            #expect(status.state == end.state)
            #expect(status.exitCode == end.code)
            #expect(!status.word.isEmpty)
            let (began, ended) = (try #require(status.startedAt), try #require(status.finishedAt))
            #expect(began <= ended)
            #expect(abs(Moment.now.microseconds - ended) < 60_000_000)
            #expect(try await output(platform, handle) == "hello\n")
            // Asked again, it is the same.
            #expect(try await platform.status(handle) == status)
        }
    }

    @Test(arguments: Place.all) func aRunIsFoundByItsIDAlone(_ place: Place) async throws {
        try await with(place) { platform in
            let handle = try await start(platform, "which-run", "variable", "CITY", environment: ["CITY": "Köln\n2"])
            #expect(try await platform.find(handle.run) == handle)
            #expect(try await platform.find(RunID.make()) == nil)
            #expect(try await platform.wait(for: handle).state == .succeeded)
            #expect(try await output(platform, handle) == "\(handle.run)\nKöln\n2\n")
            let error = await #expect(throws: SluiceError.self) {
                try await platform.status(RunHandle(run: "x", platform: platform.name, reference: "x"))
            }
            #expect(error?.code == .notFound)
        }
    }

    @Test(arguments: Place.all) func whatKeepsNodesCanBeResized(_ place: Place) async throws {
        try await with(place) { platform in
            if platform.abilities.resizes {
                let size = try #require(try await platform.size())
                #expect(!size.name.isEmpty)
                #expect(size.aim == .formula)
                // What is so already is no change.
                try await platform.resize(size, to: .formula)
                #expect(try await platform.size()?.aim == .formula)
                return
            }
            let asked = await #expect(throws: SluiceError.self) { try await platform.size() }
            let size = PoolSize(
                name: "none", aim: .formula, nodes: 0, spot: 0, isChanging: false, machine: "none", most: 0, bound: "x")
            let told = await #expect(throws: SluiceError.self) { try await platform.resize(size, to: .formula) }
            for error in [asked, told] {
                #expect(error?.code == .unsupported)
                #expect(error?.message.contains("\"\(platform.name)\"") == true)
                #expect(error?.hint != nil)
            }
        }
    }

    @Test(arguments: Place.all) func oneIDIsStartedOnce(_ place: Place) async throws {
        try await with(place) { platform in
            let request = request(["print", "once"])
            let handle = try await platform.start(request)
            await #expect(throws: SluiceError.self) { try await platform.start(request) }
            _ = try await platform.wait(for: handle)
            #expect(try await output(platform, handle) == "once\n")
        }
    }

    @Test(arguments: Place.all) func aRunIsCancelled(_ place: Place) async throws {
        try await with(place) { platform in
            let handle = try await start(platform, "print", "working", "sleep", "60", "print", "late")
            while try await platform.log(handle, from: 0).bytes.isEmpty { usleep(20_000) }
            while try await platform.status(handle).state == .starting { usleep(20_000) }
            #expect(try await platform.status(handle).state == .running)
            try await platform.cancel(handle, byForce: false)
            #expect(try await platform.wait(for: handle).state == .cancelled)
            #expect(try await output(platform, handle) == "working\n")
            // One that has ended stays as it is.
            try await platform.cancel(handle, byForce: true)
            #expect(try await platform.status(handle).state == .cancelled)
        }
    }

    @Test(arguments: Place.all) func oneThatDoesNotListenIsEndedByForce(_ place: Place) async throws {
        try await with(place) { platform in
            let handle = try await start(platform, "stubborn", "print", "working", "sleep", "60")
            while try await platform.log(handle, from: 0).bytes.isEmpty { usleep(20_000) }
            try await platform.cancel(handle, byForce: false)
            usleep(300_000)
            // Where force is more than asking, asking alone does not end it.
            if platform.abilities.forces { #expect(try await platform.status(handle).state == .running) }
            try await platform.cancel(handle, byForce: true)
            #expect(try await platform.wait(for: handle).state == .cancelled)
        }
    }

    @Test(arguments: Place.all) func limitsAreKept(_ place: Place) async throws {
        try await with(place) { platform in
            // A limit that would not be kept is refused.
            func isRefused(_ limits: RunLimits) async throws {
                let error = await #expect(throws: SluiceError.self) {
                    try await start(platform, "print", "x", limits: limits)
                }
                #expect(error?.code == .unsupported)
            }
            if platform.abilities.limitsTime {
                let slow = try await start(platform, "sleep", "60", limits: RunLimits(time: .milliseconds(300)))
                let late = try await platform.wait(for: slow)
                #expect(late.state == .timedOut)
                #expect(late.reason?.contains("300 ms") == true)
            } else {
                try await isRefused(RunLimits(time: .seconds(1)))
            }
            if platform.abilities.limitsMemory {
                let big = try await start(
                    platform, "fill", "300000000", "sleep", "60", limits: RunLimits(memory: 100_000_000))
                let full = try await platform.wait(for: big)
                #expect(full.state == .failed)
                #expect(full.reason?.contains("100 MB were allowed") == true)
            } else {
                try await isRefused(RunLimits(memory: 1 << 30))
            }
        }
    }

    /// Elsewhere it is part of what is deployed.
    @Test func theTimeThatAJobDeclaresIsKeptOnThisMachineToo() async throws {
        try await with(Place.local) { platform in
            let needs = DeploymentNeeds(timeout: .milliseconds(300))
            let job = JobDeployment(
                project: "shop", job: "slow", kind: "ingest", arguments: ["sleep", "60"], needs: needs)
            let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: job.arguments, job: job))
            #expect(try await platform.wait(for: handle).state == .timedOut)
        }
    }

    @Test(arguments: [(fails: 2, retries: 3, runs: 3), (5, 2, 3), (1, 0, 1)])
    func aRunThatFailsIsTriedAgainOnThisMachineToo(_ plan: (fails: Int, retries: Int, runs: Int)) async throws {
        var template = Array("/tmp/sluice-retries-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer { removeTree(folder) }
        let words = ["print", "begun", "fails", "\(folder)/count", "\(plan.fails)", "print", "done"]
        let job = JobDeployment(
            project: "shop", job: "weak", kind: "ingest", arguments: words,
            needs: DeploymentNeeds(retries: plan.retries))
        let platform = LocalPlatform(folder: "\(folder)/runs", program: specimen)
        let handle = try await platform.start(RunRequest(run: RunID.make(), arguments: words, job: job))
        let status = try await platform.wait(for: handle)
        let isDone = plan.fails < plan.runs
        #expect(status.state == (isDone ? .succeeded : .failed))
        let word = "exited with \(isDone ? 0 : 1)"
        #expect(status.word == (plan.retries == 0 ? word : "\(word), at try 3 of \(plan.retries + 1)"))
        let said = String(repeating: "begun\n", count: plan.runs) + (isDone ? "done\n" : "")
        #expect(try await output(platform, handle) == said)
        #expect(access("\(folder)/runs/\(handle.run)/work", F_OK) != 0)
    }

    @Test(arguments: Place.all) func aWaitMayEndBeforeTheRun(_ place: Place) async throws {
        try await with(place) { platform in
            let handle = try await start(platform, "sleep", "100")
            let error = await #expect(throws: SluiceError.self) {
                try await platform.wait(for: handle, atMost: .milliseconds(100))
            }
            #expect(error?.code == .timedOut)
            #expect(!(try await platform.status(handle).state.isFinal))
            try await platform.cancel(handle, byForce: true)
            #expect(try await platform.wait(for: handle).state == .cancelled)
        }
    }

    @Test(arguments: Place.all) func aKilledProgramHasFailed(_ place: Place) async throws {
        try await with(place) { platform in
            let handle = try await start(platform, "die")
            let status = try await platform.wait(for: handle)
            #expect(status.state == .failed)
            #expect(status.exitCode == 137)
        }
    }

    @Test(arguments: Place.all) func aPlanIsShownAndThenNothingIsLeft(_ place: Place) async throws {
        try await with(place) { platform in
            let job =
                Self.job ?? JobDeployment(project: "shop", job: "orders", kind: "ingest", arguments: ["run", "orders"])
            // What stands there already stays.
            let plan = try await platform.plan(job)
            #expect(plan.isEmpty)
            #expect(plan.platform == platform.name)
            try await platform.apply(plan)
            let there = try await platform.deployed(job)
            let ways = try platform.ways(of: job)
            #expect((there != nil) == platform.abilities.deploys)
            #expect((ways != nil) == platform.abilities.deploys)
            let rows = await platform.check(Self.job)
            #expect(!rows.isEmpty)
            for row in rows { #expect(row.outcome == .passed, "\(row)") }
        }
    }

    @Test(arguments: Place.all) func whatIsNotDeployedIsNotStarted(_ place: Place) async throws {
        try await with(place) { platform in
            guard var job = Self.job else {
                #expect(!platform.abilities.deploys)
                return
            }
            job.job = "another"
            let other = RunRequest(run: RunID.make(), arguments: ["print", "x"], job: job)
            let error = await #expect(throws: SluiceError.self) { try await platform.start(other) }
            #expect(error?.code == .notFound)
            let nameless = RunRequest(run: RunID.make(), arguments: ["print", "x"])
            await #expect(throws: SluiceError.self) { try await platform.start(nameless) }
            let there = try await platform.deployed(job)
            let isRemoved = try await platform.delete(job)
            #expect(there == nil)
            #expect(!isRemoved)
        }
    }

    @Test func aRunWhoseWatcherIsGoneIsNotForgotten() async throws {
        try await with(Place.local) { platform in
            let handle = try await start(platform, "print", "working", "sleep", "60")
            while try await platform.status(handle).state != .running { usleep(20_000) }
            // Whoever leads the session is the watcher.
            let folder = try #require(platform as? LocalPlatform).folderForTests(handle)
            let watcher = try #require(word("watcher", in: "\(folder)/process"))
            kill(watcher, SIGKILL)
            usleep(200_000)
            let alone = try await platform.status(handle)
            #expect(alone.state == .running)
            #expect(alone.word.contains("without its watcher"))
            try await platform.cancel(handle, byForce: false)
            let gone = try await platform.wait(for: handle)
            #expect(gone.state == .failed)
            #expect(gone.reason?.contains("without a word") == true)
        }
    }

    private func word(_ name: String, in path: String) -> pid_t? {
        let descriptor = open(path, O_RDONLY)
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = max(0, read(descriptor, &bytes, bytes.count))
        for line in String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.first == name[...], words.count > 1 { return pid_t(words[1]) }
        }
        return nil
    }

    @Test(arguments: ["", "../x", "a/b", "a\0b", "ü"]) func anIDIsNoPath(_ id: String) async throws {
        try await with(Place.local) { platform in
            await #expect(throws: SluiceError.self) { try await platform.find(id) }
            await #expect(throws: SluiceError.self) {
                try await platform.start(RunRequest(run: id, arguments: ["print", "x"]))
            }
        }
    }
}
