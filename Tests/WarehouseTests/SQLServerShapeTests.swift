import Columns
import ODBC
import Support
import Testing
import Warehouse

/// Names and shapes that come from somewhere else: plan, load, read back.
@Suite(.serialized, .enabled(if: TestSQLServer.isThere, TestSQLServer.absence)) struct SQLServerShapeTests {
    /// What Babelfish's catalogue keeps of a name: small letters of one code page, and 63 bytes.
    private static func plainer(_ name: String) -> String {
        String(String.UnicodeScalarView(name.lowercased().unicodeScalars.filter { $0.value < 0x100 }.prefix(25)))
    }

    @Test(arguments: 0..<3) func hostileNamesAreOnlyNames(_ seed: Int) async throws {
        try await SQLServerPlace.with(copies: seed % 3 != 2) { place in
            let session = try await place.session()
            // Numbered, since the server takes names for the same that differ in case or in signs that show nothing.
            let names = PostgresShapeTests.hostileNames(24, seed: UInt64(seed) + 1).enumerated()
                .map { "\(place.isBabelfish ? Self.plainer($1) : $1)\($0)" }
            let dialect = SQLServerDialect()
            let table = TableName(schema: place.schema, names[(seed * 3 + 9) % names.count])
            let fields = names.map { Field($0, .int32) }
            let row = names.indices.map { Value.int(Int128($0)) }
            let key = [names[3], names[10]]
            let modes: [LoadMode] = [
                .append, .appendNew(by: key), .replace, .merge(key: key, order: names[5], deletion: nil),
                .merge(key: key, order: nil, deletion: DeletionMarker(column: names[0])),
            ]
            for mode in modes {
                try await load([(name: "it's [a] file\\", rows: [row])], fields, into: table, mode, on: session)
            }
            // A second run adds columns to what is there, beside a view.
            try await place.execute("CREATE VIEW {}.beside AS SELECT * FROM \(try dialect.quote(table))")
            let more = fields + [Field(names[2] + "+", .utf8)]
            for mode in modes {
                try await load([("f", [row + [.text("x")]])], more, into: table, mode, on: session)
            }
            let found = try await place.admin.query(
                "SELECT TOP (1) * FROM \(try dialect.quote(table)) WHERE _source_file = N'f'")
            #expect(found.names.count == names.count + 4)
            for (index, name) in names.enumerated() {
                let place = found.names.firstIndex { Array($0.utf8) == Array(name.utf8) }
                #expect(place.map { found.rows[0][$0] } == String(index))
            }
            await session.close()
        }
    }

    @Test(arguments: [
        LoadMode.append, .replace, .appendNew(by: ["id"]), .merge(key: ["id"], order: nil, deletion: nil),
    ])
    func everyTypeComesBackAsItWentInAndATableGrows(_ mode: LoadMode) async throws {
        for copies in [true, false] {
            try await SQLServerPlace.with(copies: copies) { place in try await everyType(mode, place) }
        }
    }

    private func everyType(_ mode: LoadMode, _ place: SQLServerPlace) async throws {
        let session = try await place.session()
        let table = TableName("t")
        let finest = place.isBabelfish ? "1970-01-01 00:00:00.000001" : "1970-01-01 00:00:00.0000011"
        // What is read back, and how, as text.
        let first: [(DataType, Value, String, String)] = [
            (.bool, .bool(true), "#", "1"), (.int8, .int(-7), "#", "-7"), (.uint8, .int(200), "#", "200"),
            (.uint16, .int(60_000), "#", "60000"), (.uint32, .int(4_000_000_000), "#", "4000000000"),
            (.uint64, .int(18_446_744_073_709_551_615), "#", "18446744073709551615"),
            (.float32, .float(1.5), "CONVERT(VARCHAR(30), #)", "1.5"),
            (.float64, .float(-0.1), "CASE WHEN # = CONVERT(FLOAT, -0.1) THEN 'same' END", "same"),
            (.decimal(precision: 38, scale: 10), .ticks(-1), "CONVERT(VARCHAR(50), #)", "-0.0000000001"),
            // Babelfish holds no zero in a text.
            (
                .utf8, .text(place.isBabelfish ? "a\nb" : "a\n\0b"), "REPLACE(#, CHAR(10), N'|')",
                place.isBabelfish ? "a|b" : "a|\0b"
            ),
            (.binary, .bytes([0, 255]), "CASE WHEN # = 0x00FF THEN 'same' END", "same"),
            (.fixedBinary(2), .bytes([1, 2]), "CASE WHEN # = 0x0102 THEN 'same' END", "same"),
            (.date, .ticks(-1), "CONVERT(VARCHAR(10), #, 120)", "1969-12-31"),
            (.time(.millisecond), .ticks(1), "LEFT(CONVERT(VARCHAR(30), #, 121), 12)", "00:00:00.001"),
            (.timestamp(.second, zone: nil), .ticks(1), "CONVERT(VARCHAR(19), #, 120)", "1970-01-01 00:00:01"),
            (
                .timestamp(.nanosecond, zone: "Europe/Berlin"), .ticks(place.isBabelfish ? 1000 : 1100),
                "CONVERT(VARCHAR(40), CONVERT(DATETIME2, #), 121)", finest
            ),
            (
                .timestamp(.microsecond, zone: nil), .ticks(-62_135_596_800_000_000), "CONVERT(VARCHAR(10), #, 120)",
                "0001-01-01"
            ),
            (
                .timestamp(.microsecond, zone: nil), .ticks(253_402_300_799_999_999), "CONVERT(VARCHAR(30), #, 121)",
                "9999-12-31 23:59:59.999999"
            ),
            (.uuid, .bytes(Array(0..<16)), "LOWER(CONVERT(VARCHAR(50), #))", "00010203-0405-0607-0809-0a0b0c0d0e0f"),
            (.json, .text("{\"b\":[1, 2]}"), "#", "{\"b\":[1, 2]}"),
            (.list(Field("item", .int32)), .list([.int(1), .null]), "JSON_VALUE(#, '$[0]')", "1"),
            (.structure([Field("x", .utf8)]), .structure([.text("y")]), "JSON_VALUE(#, '$.x')", "y"),
            (.null, .null, "#", "∅"),
        ]
        let fields = [Field("id", .int32)] + first.enumerated().map { Field("c\($0.offset)", $0.element.0) }
        try await load(
            [("f", [[.int(1)] + first.map(\.1), [.int(2)] + first.map { _ in .null }])], fields, into: table, mode,
            on: session)
        let list = first.enumerated().map { $0.element.2.replacing("#", with: "c\($0.offset)") }.joined(separator: ", ")
        let shown = try await place.rows("SELECT \(list) FROM {}.t ORDER BY id")
        #expect(shown == [first.map(\.3), first.map { _ in "∅" }])
        // Wider types and a new column: what was there stays what it was.
        let wider = [
            Field("id", .int64), Field("c1", .int32), Field("c6", .float64),
            Field("c12", .timestamp(.microsecond, zone: nil)), Field("c2", .decimal(precision: 8, scale: 4)),
            Field("new", .uint8),
        ]
        try await load(
            [("g", [[.int(1 << 40), .int(1 << 20), .float(1.25), .ticks(5), .ticks(12345), .int(9)]])], wider,
            into: table, mode, on: session)
        let grown = """
            SELECT id, c1, CASE c6 WHEN 1.5 THEN 'old' WHEN 1.25 THEN 'new' END,
                CASE c12 WHEN '1969-12-31' THEN 'old' WHEN '1970-01-01T00:00:00.000005' THEN 'new' END, CONVERT(VARCHAR(30), c2), new
            FROM {}.t ORDER BY id
            """
        let last = ["1099511627776", "1048576", "new", "new", "1.2345", "9"]
        let before = [
            ["1", "-7", "old", "old", "200.0000", "∅"], ["2", "∅", "∅", "∅", "∅", "∅"],
        ]
        let after = try await place.rows(grown)
        #expect(after == (mode == .replace ? [last] : before + [last]))
        await session.close()
    }

    @Test(arguments: [
        LoadMode.append, .replace, .appendNew(by: ["id"]), .merge(key: ["id"], order: nil, deletion: nil),
    ])
    func whatFreezeRefusesLeavesTheTableAndDiscardingDoesNotTouchIt(_ mode: LoadMode) async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            try await place.execute("CREATE TABLE {}.t (id INT NOT NULL, v NVARCHAR(3))")
            let shape = """
                SELECT name, max_length, CONVERT(INT, is_nullable) FROM sys.columns
                WHERE object_id = OBJECT_ID('{}.t') AND name NOT LIKE '[_]%' ORDER BY column_id
                """
            let before = try await place.rows(shape)
            let more = [Field("id", .int64), Field("v", .utf8), Field("w", .bool)]
            let error = await #expect(throws: SluiceError.self) {
                try await load(
                    [("f", [[.int(1), .null, .null]])], more, into: TableName("t"), mode, contract: .freeze, on: session
                )
            }
            #expect(error?.message.contains("\"w\"") == true)
            #expect(error?.message.contains("BIGINT") == true)
            #expect(try await place.rows(shape) == before)
            try await load(
                [("f", [[.int(1), .text("abc"), .bool(true)]])], more, into: TableName("t"), mode,
                contract: .discardColumns, on: session)
            #expect(try await place.rows(shape) == before)
            let long = await #expect(throws: SluiceError.self) {
                try await load(
                    [("f", [[.int(1), .text("abcd"), .null]])], more, into: TableName("t"), mode,
                    contract: .discardRows,
                    on: session)
            }
            #expect(long?.code == .conversion)
            #expect(long?.place.column == "v")
            #expect(try await place.rows(shape) == before)
            // To evolve is to widen.
            try await load(
                [("f", [[.int(1 << 40), .text("abcd"), .null]])], more, into: TableName("t"), mode, on: session)
            #expect(try await place.rows("SELECT v FROM {}.t WHERE id > 9999999") == [["abcd"]])
            await session.close()
        }
    }

    @Test func textColumnsOfALengthGrowWhenTheyHaveTo() async throws {
        try await SQLServerPlace.with(textLength: 5) { place in
            let session = try await place.session()
            let fields = [Field("a", .utf8), Field("b", .utf8)]
            try await load(
                [("f", [[.text("12345"), .text("123456")]])], fields, into: TableName("t"), on: session)
            let shape =
                "SELECT max_length FROM sys.columns WHERE object_id = OBJECT_ID('{}.t') AND name IN ('a', 'b') ORDER BY name"
            #expect(try await place.rows(shape) == [["10"], ["-1"]])
            try await load([("f", [[.text("\u{1F600}\u{1F600}x"), .null]])], fields, into: TableName("t"), on: session)
            #expect(try await place.rows(shape) == [["10"], ["-1"]])
            try await load(
                [("f", [[.text("\u{1F600}\u{1F600}xy"), .null]])], fields, into: TableName("t"), on: session)
            #expect(try await place.rows(shape) == [["-1"], ["-1"]])
            #expect(try await place.single("SELECT CONVERT(VARCHAR(9), COUNT(*)) FROM {}.t") == "3")
            await session.close()
        }
    }
}
