import Glibc
import SQLite
import Support
import Testing

@testable import Runs

/// A folder of a test's own, gone with it.
final class Folder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/sluice-runs-XXXXXX".utf8CString)
        path = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    deinit { _ = system("rm -rf '\(path)'") }

    /// The history in it.
    func store() async throws -> RunStore { try await RunStore.open(path + "/.sluice/runs.db") }
}

/// A run that this process works on.
private func run(
    _ job: String, at startedAt: Int64 = 1_000_000, id: String? = nil, state: RunState = .running
) -> RunRecord {
    var run = RunRecord(
        id: id ?? RunID.make(), project: "shop", job: job, kind: "ingest", startedAt: startedAt)
    run.state = state
    run.process = HostProcess.current
    return run
}

/// A process that was there and is gone.
private func goneProcess() throws -> (id: Int32, started: UInt64) {
    let child = try #require(popen("echo $$", "r"))
    var line = [CChar](repeating: 0, count: 32)
    fgets(&line, 32, child)
    pclose(child)
    let id = try #require(
        Int32(String(decoding: line.prefix { $0 != 10 && $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)))
    return (id, HostProcess.current.started)
}

@Suite struct RunStoreTests {
    @Test func everythingThatIsNotedComesBack() async throws {
        let folder = Folder()
        let store = try await folder.store()
        var record = run("orders", at: 7)
        record.environment = "prod"
        record.platform = "local"
        record.parameters = #"{"fullRefresh":true}"#
        record.package = "1.0 (abc)"
        record.who = "me@here"
        record.log = "/x/y.ndjson"
        record.cursorFrom = "a"
        record.cursorTo = "b"
        try await store.start(record)
        var attempt = AttemptRecord(number: 1, startedAt: 8)
        try await store.attempt(record.id, attempt)
        attempt.state = .failed
        attempt.finishedAt = 9
        attempt.error = "the network is down"
        attempt.counts.rowsRead = 5
        try await store.attempt(record.id, attempt)
        record.state = .partial
        record.finishedAt = 20
        record.exitCode = 3
        record.error = "too many rejects"
        record.counts.rowsRead = 1
        record.counts.rowsStaged = 2
        record.counts.rowsLoaded = 3
        record.counts.rowsRejected = 4
        record.counts.bytesRead = 5
        record.counts.bytesStaged = 6
        record.counts.files = 7
        record.attempts = [attempt, AttemptRecord(number: 2, state: .partial, startedAt: 10)]
        try await store.finish(record)
        await store.close()

        let again = try await folder.store()
        let found = try #require(try await again.run(matching: record.id))
        #expect(found.project == "shop" && found.job == "orders" && found.kind == "ingest")
        #expect(found.environment == "prod" && found.platform == "local" && found.who == "me@here")
        #expect(found.parameters == record.parameters && found.package == record.package)
        #expect(found.process?.id == getpid() && found.process?.started == HostProcess.current.started)
        #expect(found.state == .partial && found.startedAt == 7 && found.finishedAt == 20 && found.exitCode == 3)
        #expect(found.counts == record.counts)
        #expect(found.error == "too many rejects" && found.log == "/x/y.ndjson")
        #expect(found.cursorFrom == "a" && found.cursorTo == "b")
        #expect(found.attempts.map(\.number) == [1, 2])
        #expect(found.attempts[0].error == "the network is down" && found.attempts[0].counts.rowsRead == 5)
        #expect(found.attempts[0].finishedAt == 9 && found.attempts[1].state == .partial)
    }

    @Test func progressIsSeenByOtherProcesses() async throws {
        let folder = Folder()
        let writer = try await folder.store()
        let reader = try await folder.store()
        let record = run("orders")
        try await writer.start(record)
        var counts = RunCounts()
        counts.rowsRead = 12
        try await writer.update(record.id, state: .running, counts: counts)
        #expect(try await reader.latest()?.counts.rowsRead == 12)
        #expect(try await reader.latest()?.state == .running)
        #expect(try await reader.openRuns(of: "orders").map(\.id) == [record.id])
        #expect(try await reader.openRuns(of: "others").isEmpty)
    }

    @Test func aRunIsFoundByEitherEndOfItsId() async throws {
        let store = try await Folder().store()
        let ids = ["0199aaaa-0000-7000-8000-00000000000a", "0199aaab-0000-7000-8000-0000000000aa"]
        for id in ids { try await store.start(run("a", id: id)) }
        #expect(try await store.run(matching: "0199aaab")?.id == ids[1])
        #expect(try await store.run(matching: "0199AAAA")?.id == ids[0])
        #expect(try await store.run(matching: "0a")?.id == ids[0])
        #expect(try await store.run(matching: ids[0])?.id == ids[0])
        #expect(try await store.run(matching: "") == nil)
        #expect(try await store.run(matching: "b") == nil)
        #expect(try await store.run(matching: "0199aa%") == nil)
        await #expect {
            try await store.run(matching: "0199")
        } throws: { error in
            let error = error as? SluiceError
            return error?.code == .usage && ids.allSatisfy { error?.message.contains($0) == true }
        }
    }

    @Test func filtersNarrowTheList() async throws {
        let store = try await Folder().store()
        for number in 0..<10 {
            var record = run(number % 2 == 0 ? "even" : "odd", at: Int64(number), state: .succeeded)
            record.environment = number < 5 ? "test" : nil
            if number == 7 { record.state = .failed }
            try await store.finish(record)
        }
        #expect(try await store.list().map(\.startedAt) == Array((0..<10).reversed()))
        #expect(try await store.list(RunFilter(limit: 2)).map(\.startedAt) == [9, 8])
        #expect(try await store.list(RunFilter(job: "even")).count == 5)
        #expect(try await store.list(RunFilter(state: .failed)).map(\.startedAt) == [7])
        #expect(try await store.list(RunFilter(environment: "test")).count == 5)
        #expect(try await store.list(RunFilter(since: Moment(microseconds: 8))).map(\.startedAt) == [9, 8])
        #expect(try await store.list(RunFilter(job: "odd", state: .succeeded, limit: 1)).map(\.startedAt) == [9])
        #expect(try await store.latest(of: "even")?.startedAt == 8)
        #expect(try await store.latest(of: "none") == nil)
    }

    @Test func aRunWhoseProcessIsGoneHasFailed() async throws {
        let store = try await Folder().store()
        var dead = run("orders", at: 1)
        dead.process = try goneProcess()
        dead.attempts = [AttemptRecord(number: 1, startedAt: 1)]
        try await store.start(dead)
        // The same id, taken over by a process that began at another time.
        var taken = run("orders", at: 2)
        taken.process?.started -= 1
        try await store.start(taken)
        let alive = run("orders", at: 3)
        try await store.start(alive)

        let found = try #require(try await store.run(matching: dead.id))
        #expect(found.state == .failed && found.error == "the process ended without a word")
        #expect(found.finishedAt != nil)
        #expect(found.attempts.first?.state == .failed)
        #expect(try await store.list(RunFilter(state: .failed)).map(\.startedAt) == [2, 1])
        #expect(try await store.list(RunFilter(state: .running)).map(\.startedAt) == [3])
        #expect(try await store.openRuns(of: "orders").map(\.startedAt) == [3])

        // Reading changes nothing; reaping writes it down.
        #expect(
            try await store.database.query("SELECT count(*) FROM runs WHERE state = 'running'").single == .integer(3))
        #expect(Set(try await store.reap()) == [dead.id, taken.id])
        #expect(try await store.reap().isEmpty)
        #expect(
            try await store.database.query("SELECT count(*) FROM runs WHERE state = 'running'").single == .integer(1))
        #expect(try await store.run(matching: dead.id)?.attempts.first?.error == "the process ended without a word")
    }

    @Test func whatRunsOnAnotherMachineIsLeftAlone() async throws {
        let store = try await Folder().store()
        var record = run("orders")
        record.process = try goneProcess()
        try await store.start(record)
        try await store.database.execute("UPDATE runs SET host = 'another'")
        #expect(try await store.latest()?.state == .running)
        #expect(try await store.reap().isEmpty)
        try await store.database.execute("UPDATE runs SET host = '\(HostProcess.host)', boot = 'earlier'")
        #expect(try await store.latest()?.state == .failed)
    }

    @Test func manyProcessesMayBeginAHistoryAtOnce() async throws {
        let folder = Folder()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let store = try await folder.store()
                    for step in 0..<10 { try await store.finish(run("j\(number)", at: Int64(step), state: .succeeded)) }
                    await store.close()
                }
            }
            try await group.waitForAll()
        }
        #expect(try await folder.store().list().count == 80)
    }

    @Test func aHistoryFromBeforeThereWereOtherPlatformsIsBroughtUpToDate() async throws {
        let folder = Folder()
        let old = try await folder.store()
        try await old.finish(run("before", at: 1, state: .succeeded))
        try await old.database.execute("ALTER TABLE runs DROP COLUMN reference; PRAGMA user_version = 2")
        await old.close()
        let store = try await folder.store()
        #expect(try await store.latest()?.reference == nil)
        var elsewhere = run("after", at: 2, state: .running)
        elsewhere.platform = "cloud"
        elsewhere.reference = "shop-after/shop-after-abc1234"
        try await store.start(elsewhere)
        let found = try #require(try await store.latest())
        #expect(found.platform == "cloud")
        #expect(found.reference == "shop-after/shop-after-abc1234")
        // Nobody of this machine works on it, and it is not dead for that.
        #expect(found.state == .running)
        await store.close()
    }

    @Test func aHistoryOfANewerProgramIsRefused() async throws {
        let folder = Folder()
        let store = try await folder.store()
        try await store.database.execute("PRAGMA user_version = 99")
        await store.close()
        await #expect {
            _ = try await folder.store()
        } throws: { error in
            (error as? SluiceError)?.code == .unsupported && "\(error)".contains("newer Sluice (version 99)")
        }
    }

    @Test func noSecretIsStored() async throws {
        let store = try await Folder().store()
        Redactor.shared.protect("tr0ub4dor&3")
        var record = run("orders", state: .failed)
        record.error = "no entry with tr0ub4dor&3"
        try await store.finish(record)
        #expect(try await store.latest()?.error == "no entry with ***")
    }
}

@Suite struct RunIDTests {
    @Test func idsSortByTheirMoment() {
        let ids = (0..<2000).map { RunID.make(at: Moment(microseconds: 1_764_000_000_000_000 + Int64($0))) }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == ids.count)
    }

    @Test func idsAreUUIDs() throws {
        let id = RunID.make()
        let pattern = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/
        #expect(id.wholeMatch(of: pattern) != nil)
        #expect(RunID.short(id).count == 8)
        #expect(RunID.make(at: Moment(microseconds: 0)).hasPrefix("00000000-0000-7000-"))
    }
}

@Suite struct HostProcessTests {
    @Test func thisProcessIsAlive() {
        let (id, started) = HostProcess.current
        #expect(HostProcess.isAlive(id, started: started))
        #expect(!HostProcess.isAlive(id, started: started + 1))
        #expect(!HostProcess.isAlive(0, started: 0))
        #expect(HostProcess.who.hasSuffix("@" + HostProcess.host))
    }

    @Test func stepsAreKeptInTheirOrderAndThatOfADeadRunHasFailed() async throws {
        let folder = Folder()
        let store = try await folder.store()
        var dead = run("setup")
        dead.process = try goneProcess()
        try await store.start(dead)
        let second = StepRecord(
            number: 2, name: "grants", kind: "grant-roles", region: "we", state: .running, startedAt: 5)
        try await store.step(dead.id, second)
        try await store.step(
            dead.id,
            StepRecord(
                number: 1, name: "migrate", kind: "migrate", state: .done, startedAt: 1, finishedAt: 2, message: "ran"))
        let found = try #require(try await store.run(matching: dead.id))
        #expect(found.steps.map(\.state) == [.done, .failed] && found.steps.map(\.number) == [1, 2])
        #expect(found.steps[1].message == RunStore.endedWithoutAWord && found.steps[1].region == "we")
        #expect(found.steps[0].message == "ran" && found.steps[0].finishedAt == 2)
        // What is written again takes the place of what was.
        var whole = run("setup")
        whole.steps = [StepRecord(number: 1, name: "a", kind: "check", state: .checked)]
        try await store.start(whole)
        whole.steps[0].state = .failed
        try await store.finish(whole)
        #expect(try await store.run(matching: whole.id)?.steps == whole.steps)
        await store.close()
    }
}
