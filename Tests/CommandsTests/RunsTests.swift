import Glibc
import Runs
import Support
import Testing

@testable import Commands

/// A project that ran three times: well, not at all, and not yet to its end.
private struct History: Sendable {
    let folder = Folder()
    let store: RunStore
    static let ids = [
        "0199aaaa-0000-7000-8000-000000000001", "0199aaab-0000-7000-8000-000000000002",
        "0199aaac-0000-7000-8000-000000000003",
    ]
    /// 2024-11-21 05:32:56
    static let start: Int64 = 1_732_167_176_000_000

    init() async throws {
        folder.write("project: shop\n", to: "sluice.yaml")
        store = try await RunStore.open(RunFiles.history(in: folder.path))
        var good = Self.record(0, "orders")
        good.state = .succeeded
        good.finishedAt = Self.start + 12_340_000
        good.environment = "prod"
        good.package = "0.3.0 (abc1234)"
        good.parameters = #"{"fullRefresh":true}"#
        good.counts.rowsRead = 1_234_567
        good.counts.rowsStaged = 1_234_567
        good.counts.rowsLoaded = 1_234_567
        good.counts.bytesRead = 45_600_000
        good.counts.bytesStaged = 7_890_000
        good.counts.files = 2
        good.exitCode = 0
        good.cursorFrom = "2026-11-20"
        good.cursorTo = "2026-11-21"
        var attempt = AttemptRecord(number: 1, state: .failed, startedAt: Self.start)
        attempt.finishedAt = Self.start + 1_000_000
        attempt.error = "the network is down"
        var second = AttemptRecord(number: 2, state: .succeeded, startedAt: Self.start + 2_000_000)
        second.finishedAt = Self.start + 12_000_000
        second.counts = good.counts
        good.attempts = [attempt, second]
        try await store.finish(good)
        var bad = Self.record(1, "customers")
        bad.state = .failed
        bad.finishedAt = bad.startedAt + 250_000
        bad.error = "customers.ndjson: no such file"
        bad.exitCode = 1
        bad.counts.rowsRejected = 3
        try await store.finish(bad)
    }

    static func record(_ number: Int, _ job: String) -> RunRecord {
        var run = RunRecord(
            id: ids[number], project: "shop", job: job, kind: "ingest",
            startedAt: start + Int64(number) * 3_600_000_000)
        run.who = "me@here"
        run.process = HostProcess.current
        return run
    }

    /// Adds a run that this process works on, and its log.
    func begin() async throws -> (run: RunRecord, log: RunLog) {
        var run = Self.record(2, "orders")
        run.state = .running
        run.startedAt = Moment.now.microseconds
        run.log = ".sluice/logs/\(run.id).ndjson"
        try await store.start(run)
        return (run, RunLog(path: RunFiles.log(of: run.id, in: folder.path), run: run.id, job: run.job) { _ in })
    }

    func line(_ line: String) async -> Run { await Run.line(line, in: folder.path) }
}

@Suite struct RunsCommandTests {
    @Test func runsAreListedTheLatestFirst() async throws {
        let history = try await History()
        Golden.check(await history.line("runs").transcript, "runs.txt")
        let json = await history.line("runs --json").output
        Golden.check(json.replacing("\"process\": \(getpid())", with: "\"process\": 123"), "runs.json")
    }

    @Test(arguments: [
        ("--job orders", [0]), ("--state failed", [1]), ("-e prod", [0]), ("-n 1", [1]), ("--state running", []),
        ("--job orders --state failed", []), ("--since 1d", []), ("--since 100000d", [1, 0]),
    ])
    func filtersNarrowTheList(options: String, expected: [Int]) async throws {
        let history = try await History()
        let run = await history.line("runs \(options)")
        let ids = run.output.split(separator: "\n").dropFirst(2).map { $0.prefix(8) }
        #expect(ids == expected.map { History.ids[$0].suffix(8) })
        if expected.isEmpty {
            #expect(run.output.isEmpty)
            #expect(run.messages == "no run is like that\n")
        }
    }

    @Test func aFolderInWhichNothingRanSaysSo() async {
        let folder = Folder()
        #expect(await Run.line("runs", in: folder.path).code == .invalidConfiguration)
        folder.write("project: p\n", to: "sluice.yaml")
        #expect(
            await Run.line("runs", in: folder.path).transcript
                == "--- messages\nnothing was run here yet\n--- exit code 0\n")
        #expect(await Run.line("runs --json", in: folder.path).output == "{\n  \"runs\": []\n}\n")
        #expect(folder.read(".sluice/runs.db") == nil)
        #expect(await Run.line("status", in: folder.path).code == .failed)
    }

    /// What is wrong with the project is no reason not to look back.
    @Test func aBrokenProjectStillHasAHistory() async throws {
        let history = try await History()
        history.folder.write("nonsense: [", to: "sluice.yaml")
        #expect(await history.line("runs").output.contains("customers"))
    }

    @Test func aRunIsToldInFull() async throws {
        let history = try await History()
        let run = await history.line("status orders")
        let text = run.output.replacing("process \(getpid())", with: "process 123")
        Golden.check(text + run.messages, "status.txt")
        #expect(await history.line("status 00000001").output == run.output)
        #expect(await history.line("status 0199aaaa").output == run.output)
        #expect(await history.line("status").output.contains("state    failed, exit code 1\n"))
        #expect(await history.line("status").code == .succeeded)
        let json = await history.line("status orders --json").output
        #expect(json.contains("\"number\": 2") && json.contains("\"parameters\": {\"fullRefresh\":true}"))
    }

    @Test func namesAreCompleted() async throws {
        let history = try await History()
        history.folder.write(
            "project: p\njobs: { orders: {}, other: {} }\nenvironments: { prod: {}, test: [ }\n", to: "b/sluice.yaml")
        history.folder.write("project: p\njobs: { orders: { kind: nonsense } }\n", to: "sluice.yaml")
        func complete(_ words: String...) async -> String {
            await Run.words(["__complete", "--"] + words, in: history.folder.path).output
        }
        #expect(await complete("runs", "--job", "o") == "orders\n:\n")
        #expect(
            await complete("status", "00") == """
                00000002\tcustomers, failed, 2024-11-21 06:32:56
                00000001\torders, succeeded, 2024-11-21 05:32:56
                :

                """)
        #expect(await complete("logs", "or") == "orders\tthe latest run of this job\n:\n")
        // A file that does not parse, and a folder that is not there.
        #expect(await complete("runs", "-C", "b", "--job", "o") == ":\n")
        #expect(await complete("runs", "-C", "nowhere", "--job", "o") == ":\n")
    }

    @Test func aRunThatIsNotThereIsAnError() async throws {
        let history = try await History()
        let missing = await history.line("status ordres")
        #expect(missing.code == .failed)
        #expect(missing.messages.hasPrefix("error: no run or job is called \"ordres\"\nhint: 'sluice runs'"))
        let several = await history.line("status 0199")
        #expect(several.code == .usage)
        #expect(several.messages.contains("several runs are called \"0199\""))
    }
}

@Suite struct LogsTests {
    @Test func linesAreShortForPeopleAndWholeForMachines() async throws {
        let history = try await History()
        let (run, log) = try await history.begin()
        log.write(.debug, "opened", "opened orders.csv")
        log.write(.info, "staged", "10 rows in 1 file", ["rows": .number(10)])
        log.write(.warning, "rejects", "3 rows \u{1b}[31m rejected")
        let lines = await history.line("logs orders").output.split(separator: "\n")
        #expect(lines.map { $0.dropFirst(9) } == ["10 rows in 1 file", "warning: 3 rows \\u{1b}[31m rejected"])
        #expect(lines.allSatisfy { $0.prefixMatch(of: #/\d\d:\d\d:\d\d /#) != nil })
        #expect(await history.line("logs --level warning").output.split(separator: "\n").count == 1)
        #expect(await history.line("logs --level debug").output.split(separator: "\n").count == 3)
        #expect(await history.line("logs -v").output.contains("10 rows in 1 file  rows=10\n"))
        let raw = await history.line("logs \(run.id) --json").output
        #expect(raw == history.folder.read(".sluice/logs/\(run.id).ndjson"))
        #expect(await history.line("logs --json --level warning").output.split(separator: "\n").count == 1)
    }

    @Test func aLineThatIsNoneIsShownAsItIs() async throws {
        let history = try await History()
        let (run, _) = try await history.begin()
        history.folder.write("{\"message\": [\n\u{1b}[2Jhalf", to: ".sluice/logs/\(run.id).ndjson")
        #expect(await history.line("logs").output == "{\"message\": [\n\\u{1b}[2Jhalf\n")
    }

    @Test func followingEndsWithTheRun() async throws {
        let history = try await History()
        var (run, log) = try await history.begin()
        log.write(.info, "a", "first")
        let following = Following("logs --follow", in: history.folder)
        await following.wait(for: "first\n")
        log.write(.info, "b", "second")
        await following.wait(for: "second\n")
        log.write(.info, "c", "last")
        run.state = .succeeded
        try await history.store.finish(run)
        #expect(await following.task.value == .succeeded)
        #expect(following.text().split(separator: "\n").map { $0.dropFirst(9) } == ["first", "second", "last"])
    }

    @Test func followingStopsQuietlyWhenToldTo() async throws {
        let history = try await History()
        let (_, log) = try await history.begin()
        log.write(.info, "a", "first")
        let following = Following("logs --follow", in: history.folder)
        await following.wait(for: "first\n")
        following.task.cancel()
        #expect(await following.task.value == .interrupted)
        #expect(following.text().hasSuffix("first\n"))
        #expect(following.said().isEmpty)
    }

    @Test func aRunWithoutALogIsAnError() async throws {
        let history = try await History()
        let run = await history.line("logs customers")
        #expect(run.code == .failed)
        #expect(run.messages.contains("the run 00000002 has no log"))
    }

    @Test func aLongLogIsReadToItsEnd() async throws {
        let history = try await History()
        let (_, log) = try await history.begin()
        for number in 0..<20_000 { log.write(.info, "n", "line \(number)") }
        let lines = await history.line("logs --json").output.split(separator: "\n")
        #expect(lines.count == 20_000)
        #expect(lines.last?.contains("line 19999") == true)
    }
}

/// A command that goes on beside the test.
private struct Following {
    let task: Task<ExitCode, Never>
    let text: @Sendable () -> String
    let said: @Sendable () -> String

    init(_ line: String, in folder: Folder) {
        let (output, text) = TextOutput.memory()
        let (messages, said) = TextOutput.memory()
        self.text = text
        self.said = said
        task = Task {
            let context = Context(
                output: output, messages: messages,
                input: { MemoryInput(source: MemorySource(Buffer([]), name: "standard input")) },
                binaryOutput: { OutputSink(output) }, folder: folder.path)
            return await Program.run(line.split(separator: " ").map(String.init), in: context)
        }
    }

    /// Waits until it has said so.
    func wait(for end: String) async {
        for _ in 0..<1000 where !text().hasSuffix(end) { try? await Task.sleep(for: .milliseconds(10)) }
    }
}
