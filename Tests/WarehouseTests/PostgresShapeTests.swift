import Columns
import Postgres
import Support
import TestServers
import Testing
import Warehouse

/// Names and shapes that come from somewhere else: plan, load, read back.
@Suite(.enabled(if: TestPostgres.shared != nil)) struct PostgresShapeTests {
    /// Names as hostile as a source can make them, all of at most 63 bytes.
    static func hostileNames(_ count: Int, seed: UInt64) -> [String] {
        let pieces = [
            "\"", "'", ";", "--", "/*", "*/", "\\", "$1", "$$", "%s", "%I", "{", "}", ",", "(", ")", " ", "\n", "\r",
            "\t", "a", "B",
            "select", "table", "user", "ü", "é", "e\u{301}", "\"\u{301}", "\u{1F600}", "\u{202E}", "\u{FEFF}", "日本",
            ".", "*", ":x",
            "?", "[", "]", "`", "\u{7F}", "\u{1}",
        ]
        var random = Generator(seed: seed)
        var names = [
            "select", "\"", "'", " ", "\\", "ctid2", String(repeating: "x", count: 63),
            String(repeating: "ü", count: 31) + "z",
        ]
        while names.count < count {
            var name = ""
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let next = name + (pieces.randomElement(using: &random) ?? "")
                if next.utf8.count <= 63 { name = next }
            }
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    @Test(arguments: 0..<6) func hostileNamesAreOnlyNames(_ seed: Int) async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let names = Self.hostileNames(24, seed: UInt64(seed) + 1)
        let dialect = PostgresDialect()
        let schema = place.schema + names[seed + 8].prefix(8)
        try await place.admin.execute("CREATE SCHEMA \(try dialect.quote(String(schema)))")
        let table = TableName(schema: String(schema), names[(seed * 3 + 9) % names.count])
        let fields = names.map { Field($0, .int32) }
        let row = names.indices.map { Value.int(Int128($0)) }
        let key = [names[3], names[10]]
        let modes: [LoadMode] = [
            .append, .appendNew(by: key), .replace, .merge(key: key, order: names[5], deletion: nil),
            .merge(key: key, order: nil, deletion: DeletionMarker(column: names[0])),
        ]
        for mode in modes {
            try await load([(name: "it's \"a\" file\\", rows: [row])], fields, into: table, mode, on: session)
        }
        // A second run adds columns to what is there, beside a view that hinders a swap.
        try await place.admin.execute("CREATE VIEW hinders AS TABLE \(try dialect.quote(table))")
        let more = fields + [Field(names[2] + "+", .utf8)]
        for mode in modes {
            try await load([("f", [row + [.text("x")]])], more, into: table, mode, on: session)
        }
        let found = try await place.admin.query(
            "SELECT * FROM \(try dialect.quote(table)) WHERE _source_file = 'f' LIMIT 1")
        #expect(found.names.count == names.count + 4)
        for (index, name) in names.enumerated() {
            let place = found.names.firstIndex { Array($0.utf8) == Array(name.utf8) }
            #expect(place.map { found.rows[0][$0] } == String(index))
        }
    }

    @Test func aNameTooLongIsRefusedBeforeItIsCut() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let name = String(repeating: "x", count: 64)
        for request in [
            TableRequest(table: TableName(name), schema: Schema([Field("a", .int32)])),
            TableRequest(table: TableName(schema: name, "t"), schema: Schema([Field("a", .int32)])),
            TableRequest(table: TableName("t"), schema: Schema([Field(name, .int32)])),
        ] {
            let error = await #expect(throws: SluiceError.self) { _ = try await session.plan(request) }
            #expect(error?.message.contains("64 bytes") == true)
        }
    }

    @Test(arguments: [
        LoadMode.append, .replace, .appendNew(by: ["id"]), .merge(key: ["id"], order: nil, deletion: nil),
    ])
    func everyTypeComesBackAsItWentInAndATableGrows(_ mode: LoadMode) async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let table = TableName("t")
        let first: [(DataType, Value, String)] = [
            (.bool, .bool(true), "t"), (.int8, .int(-7), "-7"), (.uint8, .int(200), "200"),
            (.uint16, .int(60_000), "60000"),
            (.uint32, .int(4_000_000_000), "4000000000"),
            (.uint64, .int(18_446_744_073_709_551_615), "18446744073709551615"),
            (.float32, .float(1.5), "1.5"), (.float64, .float(-0.1), "-0.1"),
            (.decimal(precision: 38, scale: 10), .ticks(-1), "-0.0000000001"), (.utf8, .text("a\nb"), "a\nb"),
            (.binary, .bytes([0, 255]), "\\x00ff"), (.fixedBinary(2), .bytes([1, 2]), "\\x0102"),
            (.date, .ticks(-1), "1969-12-31"),
            (.time(.millisecond), .ticks(1), "00:00:00.001"),
            (.timestamp(.second, zone: nil), .ticks(1), "1970-01-01 00:00:01"),
            (.timestamp(.nanosecond, zone: "Europe/Berlin"), .ticks(1000), "1970-01-01 00:00:00.000001+00"),
            (.uuid, .bytes(Array(0..<16)), "00010203-0405-0607-0809-0a0b0c0d0e0f"),
            (.json, .text("{\"b\":[1, 2]}"), "{\"b\": [1, 2]}"),
            (.list(Field("item", .int32)), .list([.int(1), .null]), "[1, null]"),
            (.structure([Field("x", .utf8)]), .structure([.text("y")]), "{\"x\": \"y\"}"), (.null, .null, "∅"),
        ]
        let fields = [Field("id", .int32)] + first.enumerated().map { Field("c\($0.offset)", $0.element.0) }
        try await load(
            [("f", [[.int(1)] + first.map(\.1), [.int(2)] + first.map { _ in .null }])], fields, into: table, mode,
            on: session)
        let list = first.indices.map { "c\($0)" }.joined(separator: ", ")
        #expect(try await place.rows("SELECT \(list) FROM t ORDER BY id") == [first.map(\.2), first.map { _ in "∅" }])
        // Wider types and a new column: what was there stays what it was.
        let wider = [
            Field("id", .int64), Field("c1", .int32), Field("c6", .float64),
            Field("c12", .timestamp(.microsecond, zone: "UTC")),
            Field("c2", .decimal(precision: 8, scale: 4)), Field("new", .uint8),
        ]
        try await load(
            [("g", [[.int(1 << 40), .int(1 << 20), .float(1e300), .ticks(5), .ticks(12345), .int(9)]])], wider,
            into: table, mode,
            on: session)
        let grown = "SELECT id, c1, c6, c12, c2, new FROM t ORDER BY id"
        let last = ["1099511627776", "1048576", "1e+300", "1970-01-01 00:00:00.000005+00", "1.2345", "9"]
        let before = [
            ["1", "-7", "1.5", "1969-12-31 00:00:00+00", "200.0000", "∅"], ["2", "∅", "∅", "∅", "∅", "∅"],
        ]
        #expect(try await place.rows(grown) == (mode == .replace ? [last] : before + [last]))
    }

    @Test func whatFreezeRefusesLeavesTheTableAndDiscardingDoesNotTouchIt() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await place.admin.execute("CREATE TABLE t (id int NOT NULL, v smallint)")
        let fields = [Field("id", .int64), Field("v", .utf8), Field("x", .date)]
        let error = await #expect(throws: SluiceError.self) {
            try await load([], fields, into: TableName("t"), contract: .freeze, on: session)
        }
        #expect(error?.message.contains("would need bigint") == true && error?.message.contains("\"x\" (date)") == true)
        for contract in [ContractMode.discardColumns, .discardRows] {
            try await load(
                [("f", [[.int(1), .text("7"), .null]])], fields, into: TableName("t"), contract: contract, on: session)
        }
        #expect(try await place.rows("SELECT id, v FROM t") == [["1", "7"], ["1", "7"]])
        let types = """
            SELECT attname, atttypid::regtype, attnotnull FROM pg_attribute
            WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY attnum
            """
        #expect(
            try await place.rows(types) == [
                ["id", "integer", "t"], ["v", "smallint", "f"], ["_source_file", "text", "f"],
                ["_loaded_at", "timestamp with time zone", "f"], ["_run_id", "text", "f"],
            ])
    }

    @Test(arguments: [
        LoadMode.append, .replace, .appendNew(by: ["id"]), .merge(key: ["id"], order: nil, deletion: nil),
    ])
    func aLimitedTextIsWidenedWhenALongerOneComesAndNotBefore(_ mode: LoadMode) async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await place.admin.execute("CREATE TABLE t (id int, v varchar(3), c char(2))")
        let fields = [Field("id", .int32), Field("v", .utf8), Field("c", .utf8)]
        func row(_ id: Int, _ text: String) -> [Value] { [.int(Int128(id)), .text(text), .text("c")] }
        let type =
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'v'"
        try await load([("f", [row(1, "üüü")])], fields, into: TableName("t"), mode, on: session)
        #expect(try await place.single(type) == "character varying(3)")
        try await load(
            [("f", [row(2, "abc")]), ("g", [row(3, "abcd")]), ("h", [row(4, "äöü and more")])], fields,
            into: TableName("t"), mode,
            on: session)
        #expect(try await place.single(type) == "text")
        #expect(
            try await place.rows("SELECT v, _source_file FROM t WHERE id > 1 ORDER BY id") == [
                ["abc", "f"], ["abcd", "g"], ["äöü and more", "h"],
            ])
    }

    @Test(arguments: [
        (ContractMode.evolve, "CREATE VIEW seen AS TABLE t", "cannot be widened"),
        (.discardRows, "SELECT", "character varying(3)"),
        (.freeze, "SELECT", "character varying(3)"),
    ])
    func aTextThatIsTooLongRefusesItsBatchAlone(_ contract: ContractMode, _ sql: String, _ reason: String) async throws
    {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let fields = [Field("v", .utf8)]
        try await place.admin.execute("CREATE TABLE t (v varchar(3))")
        try await load([], fields, into: TableName("t"), on: session)
        try await place.admin.execute(sql)
        let plan = try await session.plan(
            TableRequest(table: TableName("t"), schema: Schema(fields), contract: contract))
        let open = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
        try await open.write(try batch(fields, [[.text("abc")]]), from: "f")
        let error = await #expect(throws: SluiceError.self) {
            try await open.write(try batch(fields, [[.text("ab")], [.text("abcd")]]), from: "f")
        }
        #expect(error?.code == .conversion)
        #expect(error?.place.column == "v" && error?.place.row == 2)
        #expect(error?.message.contains(reason) == true)
        try await open.write(try batch(fields, [[.text("x")]]), from: "f")
        #expect(
            try await open.commit(LoadRecord(staged: [], outcome: AuditOutcome(.success, finishedAt: 0))).inserted == 2)
    }
}
