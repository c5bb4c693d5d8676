import Columns
import SQLite
import Support
import TestData
import Testing
import Warehouse

/// Tables get the shape that rows need, whatever they are called, and keep what is in them.
@Suite struct SQLiteShapeTests {
    @Test(arguments: [
        (
            DataType.int64, Value.int(9_007_199_254_740_993), DataType.decimal(precision: 12, scale: 2),
            Value.ticks(150),
            "DECIMAL_TEXT(21,2)", [["9007199254740993.00"], ["1.50"]]
        ),
        (
            .decimal(precision: 5, scale: 2), .ticks(12345), .decimal(precision: 8, scale: 3), .ticks(1),
            "DECIMAL(8,3)", [["123.45"], ["0.001"]]
        ),
        (
            .date, .ticks(0), .timestamp(.microsecond, zone: nil), .ticks(1),
            "TIMESTAMP", [["1970-01-01T00:00:00.000000"], ["1970-01-01T00:00:00.000001"]]
        ),
        (
            .timestamp(.microsecond, zone: "UTC"), .ticks(5), .timestamp(.nanosecond, zone: "UTC"), .ticks(5),
            "TIMESTAMPTZ_NS", [["1970-01-01T00:00:00.000005000Z"], ["1970-01-01T00:00:00.000000005Z"]]
        ),
    ])
    func aColumnIsWidened(
        _ old: DataType, _ first: Value, _ new: DataType, _ second: Value, _ declared: String, _ expected: [[String]]
    ) async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("t")
        try await load([("a", [[first, .int(1)]])], [Field("v", old), Field("w", .int64)], into: table, on: session)
        try await place.admin.execute("CREATE INDEX other ON t (w)")
        let request = TableRequest(table: table, schema: Schema([Field("v", new), Field("w", .int64)]))
        #expect(try await session.plan(request).changes.count == 1)
        try await load([("b", [[second, .int(2)]])], request.schema.fields, into: table, on: session)
        #expect(try await session.plan(request).changes.isEmpty)
        #expect(try await place.rows("SELECT v FROM t ORDER BY w") == expected)
        #expect(try await place.single("SELECT type FROM pragma_table_info('t') WHERE name = 'v'") == declared)
        #expect(try await place.single("SELECT count(*) FROM pragma_index_list('t') WHERE name = 'other'") == "1")
        var frozen = request
        frozen.contract = .freeze
        frozen.schema = Schema([Field("v", .utf8), Field("w", .int64)])
        await #expect(throws: SluiceError.self) { _ = try await session.plan(frozen) }
    }

    @Test func aColumnThatSomethingHangsOnIsNotWidened() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("t")
        let old = [Field("d", .date)]
        let new = [Field("d", .timestamp(.microsecond, zone: nil))]
        try await load([("a", [[.ticks(0)]])], old, into: table, on: session)
        try await place.admin.execute("CREATE INDEX i ON t (d)")
        let refused = await #expect(throws: SluiceError.self) {
            try await load([("b", [[.ticks(1)]])], new, into: table, on: session)
        }
        #expect(refused?.message.contains("timestamp(us)") == true && refused?.message.contains("DATE") == true)
        try await place.admin.execute("DROP INDEX i; CREATE VIEW v AS SELECT d FROM t")
        let error = await #expect(throws: SluiceError.self) {
            try await load([("b", [[.ticks(1)]])], new, into: table, on: session)
        }
        #expect(error?.message.contains("hangs on it") == true)
        #expect(try await place.rows("SELECT * FROM v") == [["1970-01-01"]])
        #expect(try await place.rows("SELECT count(*) FROM pragma_table_info('t')") == [["4"]])
    }

    @Test func textDoesNotGoWhereItWouldBecomeANumber() async throws {
        let place = try await SQLitePlace()
        try await place.admin.execute("CREATE TABLE t (n NUMERIC, i INTEGER, r REAL, x TEXT, open)")
        let session = try await place.session()
        for name in ["n", "i", "r"] {
            let error = await #expect(throws: SluiceError.self) {
                try await load([("a", [[.text("007")]])], [Field(name, .utf8)], into: TableName("t"), on: session)
            }
            #expect(error?.message.contains("utf8") == true)
        }
        for name in ["x", "open"] {
            try await load([("a", [[.text("007")]])], [Field(name, .utf8)], into: TableName("t"), on: session)
        }
        #expect(try await place.rows("SELECT x, open FROM t") == [["007", "∅"], ["∅", "007"]])
    }

    @Test func contractsDecideOverNewColumns() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let table = TableName("t")
        try await load([("a", [[.int(1)]])], [Field("id", .int64)], into: table, on: session)
        let wider = Schema([Field("id", .int64), Field("extra", .utf8)])
        func plan(_ contract: ContractMode) async throws -> TablePlan {
            try await session.plan(TableRequest(table: table, schema: wider, contract: contract))
        }
        await #expect(throws: SluiceError.self) { _ = try await plan(.freeze) }
        #expect(try await plan(.discardColumns).discarded == ["extra"])
        #expect(try await plan(.discardRows).rejecting == ["extra"])
        #expect(try await plan(.evolve).changes == [.add(column: "extra", type: "TEXT")])
        try await load([("b", [[.int(2), .text("x")]])], wider.fields, into: table, on: session)
        #expect(try await place.rows("SELECT id, extra FROM t ORDER BY id") == [["1", "∅"], ["2", "x"]])
    }

    @Test func lineageIsAddedToATableThatLacksIt() async throws {
        let place = try await SQLitePlace()
        try await place.admin.execute("CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (1)")
        let session = try await place.session()
        let table = TableName(schema: "main", "t")
        try await load([("a", [[.int(2)]])], [Field("id", .int64)], into: table, run: "r", on: session)
        #expect(
            try await place.rows("SELECT id, _source_file, _run_id FROM t ORDER BY id")
                == [["1", "∅", "∅"], ["2", "a", "r"]])
    }

    @Test func aTableThatChangesBehindThePlanStopsTheLoad() async throws {
        let place = try await SQLitePlace()
        let session = try await place.session()
        let plan = try await session.plan(TableRequest(table: TableName("t"), schema: Schema([Field("id", .int64)])))
        try await place.admin.execute("CREATE TABLE t (id TEXT)")
        let error = await #expect(throws: SluiceError.self) {
            _ = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
        }
        #expect(error?.isTransient == true)
    }

    @Test(arguments: [
        "a view", "etl_audit_log", "SLUICE_LEDGER", "sqlite_thing", "", "a\u{0}b",
    ])
    func whatIsNoTableForRowsIsRefused(_ name: String) async throws {
        let place = try await SQLitePlace()
        try await place.admin.execute("CREATE VIEW \"a view\" AS SELECT 1 AS id")
        let session = try await place.session()
        await #expect(throws: SluiceError.self) {
            try await load([("a", [[.int(1)]])], [Field("id", .int64)], into: TableName(name), on: session)
        }
        let error = await #expect(throws: SluiceError.self) {
            _ = try await session.plan(TableRequest(table: TableName(schema: "other", "t"), schema: Schema([])))
        }
        #expect(error?.message.contains("no schema") == true)
    }

    @Test(arguments: 0..<60) func anyNameNamesATableOrAColumn(seed: Int) async throws {
        var random = Randomness(UInt64(seed))
        let pieces = [
            "\"", "'", "`", "[", "]", ";", "--", "/*", "\n", "\t", " ", ".", "select", "DROP TABLE t", "é", "漢", "😀",
            "\u{301}", "%", "?", ":a", "\\", "rowid", "_sluice_arrival", "(", ")", ",", "\u{feff}", "x",
        ]
        func name() -> String {
            (0..<Int.random(in: 1...5, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "x" }
                .joined()
        }
        let table = TableName("t" + name())
        var names: [String] = []
        while names.count < 4 {
            let next = name()
            if !names.contains(where: { $0.lowercased() == next.lowercased() }) { names.append(next) }
        }
        let fields = names.map { Field($0, .int64) }
        let place = try await SQLitePlace()
        let session = try await place.session()
        let mode = LoadMode.merge(
            key: [names[0], names[1]], order: names[2], deletion: DeletionMarker(column: names[3], value: "5"))
        try await load([("a", [[.int(1), .int(2), .int(3), .int(4)]])], fields, into: table, mode, on: session)
        let result = try await load(
            [("b", [[.int(1), .int(2), .int(9), .int(6)], [.int(2), .int(2), .int(1), .int(1)]])], fields, into: table,
            mode, on: session)
        #expect(result == LoadResult(inserted: 1, updated: 1))
        let sql = try SQLiteDialect().quote(table)
        let found = try await session.query("SELECT * FROM \(sql)", limit: 10)
        #expect(found.schema.fields.map(\.name) == names + Lineage.columns)
        #expect(found.columns[2].allValues == [.int(9), .int(1)])
        #expect(
            try await place.single(
                "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
                == "5")
        #expect(
            try await place.single("SELECT target_table FROM etl_audit_log LIMIT 1") == String(table.name.prefix(256)))
    }
}
