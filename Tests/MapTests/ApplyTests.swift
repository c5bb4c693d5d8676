import Columns
import ODBC
import Parquet
import Storage
import Support
import Synchronization
import TestData
import Testing

@testable import LakeTables
@testable import Map

/// A database that has these objects, refuses what the test says, and notes what it is told.
private final class NotedTarget: MapTarget {
    let there: MapInventory
    let refused: Set<String>
    let notes = Mutex<[String]>([])

    init(_ there: MapInventory, refusing refused: Set<String> = []) {
        self.there = there
        self.refused = refused
    }

    func inventory() async throws(SluiceError) -> MapInventory { there }
    func prepare(_ changes: [MapChange]) async throws(SluiceError) {
        notes.withLock { $0.append("prepare \(changes.count)") }
    }
    func perform(_ change: MapChange) async throws(SluiceError) {
        notes.withLock {
            $0.append("\(change.action) \(change.name): \(change.sql.joined(separator: "; ").prefix(12))")
        }
        if refused.contains(change.name) { throw SluiceError(.permission, "not you", hint: "ask") }
    }
    func settle(_ changes: [MapChange], failed: Set<String>) async throws(SluiceError) {
        notes.withLock { $0.append("settle without \(failed.sorted())") }
    }
    func close() async { notes.withLock { $0.append("close") } }
}

@Suite struct ApplyTests {
    /// Maps a lake of the tables a, b and theirs.
    private func perform(_ target: NotedTarget, in folder: Folder) async throws -> MapResult {
        let store = FolderStore(folder.path + "/lake")
        for name in ["a", "b", "theirs"] where try await store.facts("\(name)/1.parquet") == nil {
            let schema = Schema([Field("id", .int64)])
            let writer = try await ParquetWriter(try await store.create("\(name)/1.parquet"), schema: schema)
            try await writer.write(RecordBatch(schema: schema, columns: [.nulls(.int64, count: 1)], rowCount: 1))
            _ = try await writer.finish()
        }
        var job = MapJob(name: "x")
        job.dialect = .fabric
        job.connection = "fabric"
        var run = MapRun(
            "run", of: job, over: store, memory: folder.file("map.db"),
            create: { path throws(SluiceError) in try await store.create(path) },
            remove: { path throws(SluiceError) in try await store.remove(path) },
            open: { _ throws(SluiceError) in store })
        run.target = { _, _ in target }
        return try await run.perform()
    }

    private let gone = MapInventory.Owned(name: "gone", kind: "view", source: "gone/*.parquet", definition: "1")

    @Test func aServerIsToldWhatIsMissingAndNothingElse() async throws {
        let folder = try Folder()
        let first = NotedTarget(MapInventory(owned: [gone], foreign: ["theirs"]))
        let result = try await perform(first, in: folder)
        #expect(result.isPartial)
        #expect(result.plan.changes.map(\.action) == [.create, .create, .drop, .blocked])
        #expect(
            first.notes.withLock { $0 } == [
                "prepare 3", "drop gone: DROP VIEW IF", "create a: CREATE VIEW ", "create b: CREATE VIEW ",
                "settle without []", "close",
            ])
        // By the words that their comments bear, they are known again.
        let owned = result.plan.changes.compactMap(\.object).filter { $0.name != "theirs" }.map {
            MapInventory.Owned(name: $0.name, kind: $0.kind, source: $0.source, definition: $0.fingerprint)
        }
        let second = NotedTarget(MapInventory(owned: owned, foreign: ["theirs"]))
        #expect(try await perform(second, in: folder).plan.pending.isEmpty)
        #expect(second.notes.withLock { $0 } == ["close"])
    }

    @Test func whatIsRefusedIsToldAndLeavesTheOthers() async throws {
        let target = NotedTarget(MapInventory(owned: [gone]), refusing: ["a"])
        let result = try await perform(target, in: try Folder())
        #expect(result.plan.changes.map(\.action) == [.failed, .create, .drop, .create])
        #expect(result.plan.failed.first?.failure == "not you")
        #expect(result.isPartial)
        #expect(result.missing == "1 change was refused")
        #expect(target.notes.withLock { $0.suffix(2) } == ["settle without [\"a\"]", "close"])
    }

    /// Where nothing at all can be done, that is no success in part.
    @Test func whenEverythingIsRefusedTheRunFails() async throws {
        let target = NotedTarget(MapInventory(), refusing: ["a", "b", "theirs"])
        let error = await #expect(throws: SluiceError.self) { _ = try await perform(target, in: try Folder()) }
        #expect(error?.code == .permission)
        #expect(error?.message.contains("all 3 changes were refused; that to a: not you") ?? false)
        #expect(target.notes.withLock { $0.last } == "close")
    }
}

@Suite struct TransactMarkTests {
    static let hostile = [
        "{device}/x", "a b", "*/ DROP TABLE x; /*", "注文/*.parquet", "100%/%20", "new\nline", "']]\"`", "", "ledger",
        "é\u{301}", "\u{202e}evil",
    ]

    @Test(arguments: hostile)
    func aMarkReadsAsItWasWritten(source: String) {
        let mark = TransactMark(owner: "sluice map shop.names", hash: "0123456789abcdef", source: source)
        let definition = "CREATE VIEW [dbo].[x] AS\n\(mark.text)\nSELECT 1 AS a"
        #expect(TransactMark(in: definition, of: "sluice map shop.names") == mark)
        // It is one comment on one line.
        #expect(!mark.text.contains("\n"))
        #expect(mark.text.dropFirst(2).dropLast(2).firstRange(of: "*/") == nil)
        #expect(mark.text.dropFirst(2).firstRange(of: "/*") == nil)
    }

    @Test(arguments: [
        "CREATE VIEW x AS SELECT 1", "CREATE VIEW x AS\n/* sluice map other 0123456789abcdef y */\nSELECT 1",
        "CREATE VIEW x AS\n/* sluice map shop.names2 0123456789abcdef y */\nSELECT 1",
        "CREATE VIEW x AS\nSELECT '/* sluice map shop.names 0123456789abcdef y */' AS a",
        "CREATE VIEW x AS\n/* sluice map shop.names nothing y */\nSELECT 1", "", "/* sluice map shop.names",
    ])
    func whatOthersHaveMadeBearsNoMarkOfOurs(definition: String) {
        #expect(TransactMark(in: definition, of: "sluice map shop.names") == nil)
    }

    @Test func aLedgerReadsAsItWasWritten() {
        var ledger = TransactLedger()
        for (number, name) in TransactMarkTests.hostile.enumerated() {
            ledger.entries[name] = .init(place: "source \(name)", hash: number % 2 == 0 ? "" : "abc", source: name)
        }
        #expect(TransactLedger(ledger.text) == ledger)
        #expect(TransactLedger("nonsense\n\n") == TransactLedger())
    }

    @Test func aPasswordIsNeverInTheScriptAndAlwaysQuoted() throws {
        let dialect = TransactDialect(
            engine: .synapse, paths: TablePaths(root: "https://a/lake"), schema: "dbo", mark: "sluice map x")
        let key = try #require(dialect.foundations().first)
        #expect(key.batches.joined().contains("'$(MASTER_KEY_PASSWORD)'"))
        #expect(
            try key.making("it's a'; DROP DATABASE x;--")
                == "CREATE MASTER KEY ENCRYPTION BY PASSWORD = 'it''s a''; DROP DATABASE x;--'")
        let error = #expect(throws: SluiceError.self) { _ = try key.making(nil) }
        #expect(error?.hint?.contains("MASTER_KEY_PASSWORD") ?? false)
    }
}
