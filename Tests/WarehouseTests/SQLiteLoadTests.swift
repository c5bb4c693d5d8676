import Columns
import SQLite
import Support
import TestData
import Testing
import Warehouse

/// Rows, ledger, watermark and audit row get into an SQLite file together or not at all.
@Suite struct SQLiteLoadTests {
    static let fields = [Field("id", .int64), Field("name", .utf8)]

    private func row(_ id: Int, _ name: String?) -> [Value] {
        [.int(Int128(id)), name.map { .text($0) } ?? .null]
    }

    @Test func appendMakesTheTableAndAddsLineage() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("orders")
        let first = try await load(
            [("a.parquet", [row(1, "x"), row(2, nil)]), ("b.parquet", [row(3, "z")])], Self.fields, into: table,
            run: "r1", on: session)
        #expect(first == LoadResult(inserted: 3))
        try await load([("c.parquet", [row(4, "y")])], Self.fields, into: table, run: "r2", on: session)
        #expect(
            try await place.rows("SELECT * FROM orders ORDER BY id") == [
                ["1", "x", "a.parquet", "2023-11-14T22:13:20.123456Z", "r1"],
                ["2", "∅", "a.parquet", "2023-11-14T22:13:20.123456Z", "r1"],
                ["3", "z", "b.parquet", "2023-11-14T22:13:20.123456Z", "r1"],
                ["4", "y", "c.parquet", "2023-11-14T22:13:20.123456Z", "r2"],
            ])
        #expect(
            try await place.rows("SELECT run_id, status, rows_loaded, parquet_files FROM etl_audit_log ORDER BY id")
                .map { $0.prefix(3).joined(separator: " ") } == ["r1 success 3", "r2 success 1"])
        #expect(
            try await place.rows("SELECT path, rows, run_id FROM sluice_ledger ORDER BY path")
                == [
                    ["lake/r1/a.parquet", "2", "r1"], ["lake/r1/b.parquet", "1", "r1"],
                    ["lake/r2/c.parquet", "1", "r2"],
                ])
        #expect(try await session.lastLoad(of: "test.job") == 1_700_000_000_123_456)
        #expect(try await session.stagedFiles(of: "test.job", from: ["src"]).count == 3)
    }

    @Test func theAuditTableHasExactlyItsColumns() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        try await session.prepare()
        let other = try await place.session()
        await other.close()
        #expect(
            try await place.rows("SELECT name, type, \"notnull\" FROM pragma_table_info('etl_audit_log')") == [
                ["id", "INTEGER", "0"], ["run_id", "TEXT", "1"], ["pipeline_name", "TEXT", "1"],
                ["source_name", "TEXT", "1"], ["protocol", "TEXT", "1"], ["target_table", "TEXT", "1"],
                ["status", "TEXT", "1"], ["rows_loaded", "INTEGER", "0"], ["parquet_files", "INTEGER", "0"],
                ["error_message", "TEXT", "0"], ["started_at", "TIMESTAMPTZ", "1"],
                ["finished_at", "TIMESTAMPTZ", "0"],
            ])
    }

    @Test func aRunIsRunningUntilItEndsAndStaysLoadedOnceItIs() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        func run(_ id: String) -> AuditRun {
            AuditRun(
                run: id, pipeline: "p.j", source: "s", protocolName: "file", table: "t",
                startedAt: 1_700_000_000_000_000)
        }
        try await session.begin(run("r1"))
        #expect(try await session.status(of: "r1") == .running)
        try await session.begin(run("r2"))
        #expect(try await session.buryDead(of: "p.j", sparing: "r2") == ["r1"])
        #expect(try await session.status(of: "r1") == .died)
        #expect(try await session.status(of: "r3") == nil)
        try await session.end("r2", AuditOutcome(.failure, error: "it's \"broken\"", finishedAt: 1_700_000_001_000_000))
        let entries = try await session.recentRuns(of: "p.j", limit: 10)
        #expect(entries.map(\.run) == ["r2", "r1"])
        #expect(entries[0].error == "it's \"broken\"")
        #expect(entries[0].startedAt == 1_700_000_000_000_000)
        #expect(entries[0].finishedAt == 1_700_000_001_000_000)
        try await session.begin(run("r2"))
        #expect(try await session.status(of: "r2") == .running)
        try await load([("a", [row(1, "x")])], Self.fields, into: TableName("t"), run: "r2", on: session)
        try await session.end("r2", AuditOutcome(.failure, finishedAt: 0))
        #expect(try await session.status(of: "r2") == .success)
        #expect(try await place.single("SELECT count(*) FROM etl_audit_log WHERE run_id = 'r2'") == "1")
    }

    @Test func aStagedFileIsLoadedOnceAndTheSecondTimeLeavesNoTrace() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("orders")
        try await load([("a", [row(1, "x")])], Self.fields, into: table, run: "r1", on: session)
        let error = await #expect(throws: SluiceError.self) {
            try await load([("a", [row(1, "x")])], Self.fields, into: table, run: "r1", on: session)
        }
        #expect(error?.message.contains("lake/r1/a is in the ledger already: run r1") == true)
        #expect(try await place.single("SELECT count(*) FROM orders") == "1")
        try await load([("a", [row(2, "y")])], Self.fields, into: table, run: "r2", on: session)
        #expect(try await place.single("SELECT count(*) FROM orders") == "2")
    }

    @Test func watermarkAndSourceFilesAreKept() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        #expect(try await session.watermark(of: "test.job") == nil)
        for (index, value) in ["5", "7"].enumerated() {
            let record = LoadRecord(
                staged: [], source: [SourceFile(path: "in/'a'.csv", size: index, modified: 9, hash: "h", rows: 2)],
                watermark: Watermark(column: "i\"d", type: "int64", value: value),
                outcome: AuditOutcome(.partial, files: 1, error: "1 row", finishedAt: 1))
            try await load([], Self.fields, into: TableName("t"), run: "r\(index)", record: record, on: session)
        }
        #expect(try await session.watermark(of: "test.job") == Watermark(column: "i\"d", type: "int64", value: "7"))
        #expect(
            try await session.sourceFiles(of: "test.job")
                == ["in/'a'.csv": SourceFile(path: "in/'a'.csv", size: 1, modified: 9, hash: "h", rows: 2)])
        #expect(try await session.status(of: "r1") == .partial)
    }

    @Test func aReaderSeesTheOldRowsUntilAReplaceIsCommitted() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("orders")
        try await load([("a", [row(1, "x"), row(2, "y")])], Self.fields, into: table, on: session)
        try await place.admin.execute("CREATE VIEW v AS SELECT count(*) AS n FROM orders")
        let plan = try await session.plan(TableRequest(table: table, schema: Schema(Self.fields)))
        let open = try await session.begin(
            Load(run: "r", job: "test.job", plan: plan, mode: .replace, loadedAt: 0))
        try await open.write(try batch(Self.fields, [row(7, "new")]), from: "b")
        #expect(try await place.single("SELECT n FROM v") == "2")
        let result = try await open.commit(LoadRecord(staged: [], outcome: AuditOutcome(.success, finishedAt: 0)))
        #expect(result == LoadResult(inserted: 1))
        #expect(try await place.rows("SELECT id, (SELECT n FROM v) FROM orders") == [["7", "1"]])
    }

    @Test func rollbackAndDeathLeaveNothing() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let plan = try await session.plan(TableRequest(table: TableName("t"), schema: Schema(Self.fields)))
        let load = Load(run: "r", job: "test.job", plan: plan, mode: .append, loadedAt: 0)
        let open = try await session.begin(load)
        try await open.write(try batch(Self.fields, [row(1, "x")]), from: "a")
        await open.rollback()
        await open.rollback()
        #expect(try await place.single("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0")
        let again = try await session.begin(load)
        try await again.write(try batch(Self.fields, [row(1, "x")]), from: "a")
        await session.close()
        #expect(try await place.single("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0")
        await #expect(throws: SluiceError.self) {
            try await again.commit(LoadRecord(staged: [], outcome: AuditOutcome(.success, finishedAt: 0)))
        }
    }

    @Test func appendNewLeavesOutWhatIsThere() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("t")
        try await load([("a", [row(1, "x"), row(2, nil)])], Self.fields, into: table, on: session)
        let result = try await load(
            [("b", [row(2, nil), row(1, "x"), row(1, "y"), row(3, nil)])], Self.fields, into: table,
            .appendNew(by: ["id", "name"]), on: session)
        #expect(result == LoadResult(inserted: 2, skipped: 2))
        #expect(
            try await place.rows("SELECT id, name FROM t ORDER BY rowid")
                == [["1", "x"], ["2", "∅"], ["1", "y"], ["3", "∅"]])
    }

    @Test func aFullRefreshClearsAndAChangedFileTakesThePlaceOfItsEarlierRows() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("t")
        try await load([("a", [row(1, "x")]), ("b", [row(2, "y")])], Self.fields, into: table, on: session)
        try await load([("c", [row(3, "z")])], Self.fields, into: table, on: session) { $0.superseded = ["a"] }
        #expect(try await place.rows("SELECT id FROM t ORDER BY id") == [["2"], ["3"]])
        try await load([("d", [row(4, "w")])], Self.fields, into: table, on: session) { $0.clearsFirst = true }
        #expect(try await place.rows("SELECT id FROM t ORDER BY id") == [["4"]])
    }

    @Test func aTableOfOthersKeepsItsIndexesTriggersAndDefaults() async throws {
        let place = try await SQLitePlace()
        try await place.admin.execute(
            """
            CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) UNIQUE, made TEXT DEFAULT 'now', twice AS (id * 2));
            CREATE TABLE trail (n);
            CREATE TRIGGER watch AFTER INSERT ON people BEGIN INSERT INTO trail VALUES (new.id), (new.id); END;
            INSERT INTO people (id, name) VALUES (1, 'one')
            """)
        let session = try await place.session()
        let result = try await load(
            [("a", [row(1, "uno"), row(2, "two")])], Self.fields, into: TableName("PEOPLE"),
            .merge(key: ["id"], order: nil, deletion: nil), on: session)
        #expect(result == LoadResult(inserted: 1, updated: 1))
        #expect(
            try await place.rows("SELECT id, name, made, twice, _source_file FROM people ORDER BY id")
                == [["1", "uno", "now", "2", "a"], ["2", "two", "now", "4", "a"]])
        #expect(try await place.single("SELECT count(*) FROM trail") == "4")
        let error = await #expect(throws: SluiceError.self) {
            try await load([("b", [row(9, "two")])], Self.fields, into: TableName("people"), on: session)
        }
        #expect(error?.message.contains("UNIQUE") == true)
        #expect(try await place.single("SELECT count(*) FROM people") == "2")
        #expect(try await place.single("PRAGMA integrity_check") == "ok")
    }

    @Test func valuesThatATableDoesNotHoldRejectTheirBatchAndLeaveTheLoadOpen() async throws {
        let place = try await SQLitePlace()
        try await place.admin.execute("CREATE TABLE t (id INTEGER, name TEXT) STRICT")
        let session = try await place.session()
        let fields = [Field("id", .float64), Field("name", .utf8)]
        let plan = try await session.plan(TableRequest(table: TableName("t"), schema: Schema(fields)))
        let open = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
        try await open.write(try batch(fields, [[.float(1), .text("a")]]), from: "a")
        let error = await #expect(throws: SluiceError.self) {
            try await open.write(try batch(fields, [[.float(2), .text("b")], [.float(2.5), .text("c")]]), from: "a")
        }
        #expect(error?.code == .conversion)
        #expect(error?.place.row == 2)
        try await open.write(try batch(fields, [[.float(3), .text("d")]]), from: "a")
        let result = try await open.commit(LoadRecord(staged: [], outcome: AuditOutcome(.success, finishedAt: 0)))
        #expect(result.inserted == 2)
        #expect(try await place.rows("SELECT id, name FROM t") == [["1", "a"], ["3", "d"]])
    }

    @Test func aFullDiskLeavesTheStateAsItWas() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("t")
        try await load([("a", [row(1, "x")])], Self.fields, into: table, run: "r1", on: session)
        let text = String(repeating: "x", count: 100_000)
        _ = try await session.query("PRAGMA max_page_count = 60", limit: 1)
        let error = await #expect(throws: SluiceError.self) {
            try await load(
                [("b", (0..<50).map { row($0, text) })], Self.fields, into: table, run: "r2", on: session)
        }
        #expect(error?.message.contains("full") == true)
        #expect(try await place.rows("SELECT id FROM t") == [["1"]])
        #expect(try await session.status(of: "r2") == nil)
    }

    @Test func anotherWriterMakesALoadWaitAndThenFailAsTransient() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session(busyTimeout: .milliseconds(100))
        let plan = try await session.plan(TableRequest(table: TableName("t"), schema: Schema(Self.fields)))
        try await place.admin.execute("BEGIN IMMEDIATE")
        let error = await #expect(throws: SluiceError.self) {
            _ = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
        }
        #expect(error?.isTransient == true)
        await place.admin.rollback()
        let open = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
        await open.rollback()
    }

    @Test func aQueryOfTheUsersOnlyReads() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        try await load([("a", (0..<100).map { row($0, "x") })], Self.fields, into: TableName("t"), on: session)
        let rows = try await session.query("SELECT id, name FROM t ORDER BY id DESC", limit: 3)
        #expect(rows.columns[0].allValues == [.int(99), .int(98), .int(97)])
        #expect(try await session.query("SELECT 1 AS one WHERE 0", limit: 3).rowCount == 0)
        for sql in ["DELETE FROM t", "DROP TABLE t", "DELETE FROM t RETURNING id", "SELECT 1; DELETE FROM t"] {
            await #expect(throws: SluiceError.self) { _ = try await session.query(sql, limit: 1) }
        }
        #expect(try await place.single("SELECT count(*) FROM t") == "100")
    }
}
