import Columns
import SQLite
import Support
import Testing

/// Types are found such that nothing is lost, however loose the table is.
@Suite struct ReaderTests {
    /// One column of a table: what it is declared as, its values as SQL, and what has to come of it.
    struct Case: Sendable, CustomTestStringConvertible {
        let declared: String
        let values: String
        let type: DataType
        let found: [Value]
        var testDescription: String { "\(declared): \(values)" }

        init(_ declared: String, _ values: String, _ type: DataType, _ found: [Value]) {
            self.declared = declared
            self.values = values
            self.type = type
            self.found = found
        }
    }

    static let cases: [Case] = [
        Case(
            "INTEGER", "(1),(NULL),(-9223372036854775808)", .int64, [.int(1), .null, .int(-9_223_372_036_854_775_808)]),
        Case("INTEGER", "(1),('abc')", .utf8, [.text("1"), .text("abc")]),
        Case("INTEGER", "(1),(1.5)", .float64, [.float(1), .float(1.5)]),
        Case("INTEGER", "(9007199254740993),(1.5)", .utf8, [.text("9007199254740993"), .text("1.5")]),
        Case("BIGINT", "(NULL)", .int64, [.null]),
        Case("REAL", "(1),(2.5),(NULL)", .float64, [.float(1), .float(2.5), .null]),
        Case("REAL", "(1),('x')", .utf8, [.text("1.0"), .text("x")]),
        Case("DOUBLE PRECISION", "(9e999),(-9e999)", .float64, [.float(.infinity), .float(-.infinity)]),
        Case("NUMERIC", "(1),(2)", .int64, [.int(1), .int(2)]),
        Case("NUMERIC", "(1),(2.5)", .float64, [.float(1), .float(2.5)]),
        Case(
            "DECIMAL(10,2)", "(12.34),(5),(NULL),(-0.1)", .decimal(precision: 10, scale: 2),
            [
                .ticks(1234), .ticks(500), .null, .ticks(-10),
            ]),
        Case("DECIMAL(10,2)", "(12.345),(5)", .float64, [.float(12.345), .float(5)]),
        Case("DECIMAL(4,2)", "(100),(5)", .int64, [.int(100), .int(5)]),
        Case("TEXT", "('a'),(5),(NULL)", .utf8, [.text("a"), .text("5"), .null]),
        Case("VARCHAR(20)", "('a'),(x'00ff')", .utf8, [.text("a"), .text("AP8=")]),
        Case("TEXT", "('a'),(CAST(x'ff41' AS TEXT))", .binary, [.bytes([0x61]), .bytes([0xff, 0x41])]),
        // A character cut in two by the border of rows is in neither.
        Case("TEXT", "(CAST(x'c3' AS TEXT)),(CAST(x'a9' AS TEXT))", .binary, [.bytes([0xc3]), .bytes([0xa9])]),
        Case("TEXT", "(''),('a'||char(0)||'b')", .utf8, [.text(""), .text("a\u{0}b")]),
        Case("BLOB", "(x''),(x'0102'),(NULL)", .binary, [.bytes([]), .bytes([1, 2]), .null]),
        Case("BLOB", "(x'0102'),('text')", .utf8, [.text("AQI="), .text("text")]),
        Case("BLOB", "('only'),('text')", .utf8, [.text("only"), .text("text")]),
        Case("", "(1),(2)", .int64, [.int(1), .int(2)]),
        Case("", "('007'),('x')", .utf8, [.text("007"), .text("x")]),
        Case("", "(NULL),(NULL)", .utf8, [.null, .null]),
        Case("BOOLEAN", "(1),(0),(NULL)", .bool, [.bool(true), .bool(false), .null]),
        Case("BOOLEAN", "(1),(2)", .int64, [.int(1), .int(2)]),
        Case("BOOLEAN", "(1),('true')", .utf8, [.text("1"), .text("true")]),
        Case("DATE", "('2024-02-29'),(NULL)", .date, [.ticks(19782), .null]),
        Case("DATE", "('2024-02-30')", .utf8, [.text("2024-02-30")]),
        Case(
            "DATE", "('2024-02-29'),('2024-02-29 12:00:00')", .timestamp(.microsecond, zone: nil),
            [
                .ticks(1_709_164_800_000_000), .ticks(1_709_208_000_000_000),
            ]),
        Case("DATE", "(1709164800),(NULL)", .int64, [.int(1_709_164_800), .null]),
        Case("DATE", "(2460369.5)", .float64, [.float(2_460_369.5)]),
        Case("TIME", "('12:00:00.5')", .time(.microsecond), [.ticks(43_200_500_000)]),
        Case("TIME", "('12:00:00.123456789')", .time(.nanosecond), [.ticks(43_200_123_456_789)]),
        Case("TIME", "('noon')", .utf8, [.text("noon")]),
        Case(
            "DATETIME", "('1970-01-01 00:00:01'),('1970-01-02')", .timestamp(.microsecond, zone: nil),
            [
                .ticks(1_000_000), .ticks(86_400_000_000),
            ]),
        Case(
            "TIMESTAMP", "('1970-01-01T00:00:01.5Z'),('1970-01-01T01:00:00+01:00')",
            .timestamp(.microsecond, zone: "UTC"), [.ticks(1_500_000), .ticks(0)]),
        Case(
            "TIMESTAMP", "('1970-01-01T00:00:01Z'),('1970-01-01T01:00:00')", .utf8,
            [
                .text("1970-01-01T00:00:01Z"), .text("1970-01-01T01:00:00"),
            ]),
        Case("TIMESTAMP", "('1970-01-01T00:00:00.000000001')", .timestamp(.nanosecond, zone: nil), [.ticks(1)]),
        Case("TIMESTAMPTZ", "(NULL)", .timestamp(.microsecond, zone: "UTC"), [.null]),
        Case(
            "UUID", "('00112233-4455-6677-8899-AABBCCDDEEFF'),(x'00112233445566778899aabbccddeeff')", .uuid,
            [
                .bytes([0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]),
                .bytes([0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]),
            ]),
        Case("UUID", "('not one')", .utf8, [.text("not one")]),
        Case("JSON", "('{\"a\": [1]}'),(NULL),(5)", .json, [.text("{\"a\": [1]}"), .null, .text("5")]),
        Case("JSON", "('{\"a\":'),(NULL)", .utf8, [.text("{\"a\":"), .null]),
        Case(
            "DECIMAL_TEXT(20,0)", "('18446744073709551615')", .decimal(precision: 20, scale: 0),
            [
                .ticks(18_446_744_073_709_551_615)
            ]),
        Case(
            "DECIMAL_TEXT(20,0)", "('18446744073709551615'),('x')", .utf8,
            [
                .text("18446744073709551615"), .text("x"),
            ]),
    ]

    /// Whether the odd value comes in the first batch or after it makes no difference to the result.
    @Test(arguments: cases, [1, 65_536]) func aColumnGetsATypeThatHoldsAllOfItsValues(
        _ example: Case, batchRows: Int
    ) async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v \(example.declared)); INSERT INTO t VALUES \(example.values)")
        let (batches, widened) = try await database.readAll("SELECT v FROM t ORDER BY rowid", batchRows: batchRows)
        let column = try Column.concatenate(
            batches.map { $0.columns[0] }, type: batches.first?.columns[0].type ?? .null)
        #expect(column.type == example.type)
        #expect((0..<column.count).map { column.value(at: $0) } == example.found)
        if batchRows > 1 { #expect(widened == 0) }
        #expect(widened <= 1)
        #expect(batches.allSatisfy { $0.rowCount <= batchRows })
    }

    @Test func expressionsHaveNoDeclarationAndAreFoundOut() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        let (batches, _) = try await database.readAll(
            "SELECT 1 + 1 AS a, 'x' || 'y' AS b, NULL AS c, 1.5 AS d, x'01' AS e")
        #expect(
            batches.first?.schema
                == Schema([
                    Field("a", .int64), Field("b", .utf8), Field("c", .utf8), Field("d", .float64), Field("e", .binary),
                ]))
    }

    @Test func aColumnOfNullsIsOpenUntilItShowsSomething() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v, w INTEGER); INSERT INTO t VALUES (NULL, 1), (NULL, 2), (3, 4)")
        let reader = try await database.reader("SELECT * FROM t", batchRows: 2)
        #expect(reader.columnsWithoutValues == ["v"])
        #expect(reader.schema == Schema([Field("v", .utf8), Field("w", .int64)]))
        #expect(try await reader.next()?.rowCount == 2)
        let widened = await #expect(throws: SchemaWidened.self) { try await reader.next() }
        #expect(widened?.schema == Schema([Field("v", .int64), Field("w", .int64)]))
        #expect(widened?.place.column == "v")
        #expect(widened?.place.row == 3)
    }

    @Test func aMisfitLateInTheDataIsFoundWithAllOthersAtOnce() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute(
            """
            CREATE TABLE t (a INTEGER, b DATE, c BOOLEAN, d TEXT);
            INSERT INTO t SELECT value, '2024-01-01', 1, 'x' FROM
              (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 5000) SELECT value FROM n);
            UPDATE t SET a = 'late' WHERE rowid = 4000;
            UPDATE t SET b = '2024-01-01T00:00:01' WHERE rowid = 4500;
            UPDATE t SET c = 7 WHERE rowid = 4999
            """)
        let (batches, widened) = try await database.readAll("SELECT * FROM t", batchRows: 100)
        #expect(widened == 1)
        #expect(
            batches.first?.schema.fields.map(\.type)
                == [.utf8, .timestamp(.microsecond, zone: nil), .int64, .utf8])
        #expect(batches.reduce(0) { $0 + $1.rowCount } == 5000)
        #expect(batches[39].columns[0].value(at: 99) == .text("late"))
    }

    @Test func typesThatTheCallerDemandsAreKeptOrRefused() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v TEXT, w); INSERT INTO t VALUES ('1', 1), ('2', 2), ('x', 3)")
        let types = Schema([Field("w", .int16)])
        let reader = try await database.reader("SELECT w FROM t", types: types)
        #expect(reader.schema == types)
        #expect(try await reader.next()?.columns[0].value(at: 2) == .int(3))
        let error = await #expect(throws: SluiceError.self) {
            let reader = try await database.reader("SELECT v, w FROM t", types: Schema([Field("v", .int64)]))
            _ = try await reader.next()
        }
        #expect(error?.code == .conversion)
        #expect(error?.place.column == "v")
        #expect(error?.place.row == 1)
    }

    @Test func rowsThatChangeBetweenTwoReadingsWidenAgain() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (1), ('x')")
        let first = Schema([Field("v", .int64)])
        let (batches, widened) = try await database.readAll("SELECT v FROM t", batchRows: 1, schema: first)
        #expect(widened == 1)
        #expect(batches.first?.schema == Schema([Field("v", .utf8)]))
    }

    @Test(arguments: [
        "INSERT INTO t VALUES (1)", "DELETE FROM t RETURNING v", "CREATE TABLE u (v)", "ATTACH ':memory:' AS other",
        "PRAGMA user_version = 5",
    ])
    func aReaderOnlyReads(_ sql: String) async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        try await database.execute("CREATE TABLE t (v INTEGER)")
        let error = await #expect(throws: SluiceError.self) { _ = try await database.reader(sql) }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func namedAndCountedParametersAreBound() async throws {
        let database = try await SQLiteDatabase.open(":memory:")
        let rows = try await database.query(
            "SELECT ?, :name, ?, :name, @other",
            [.integer(1), .blob([])], named: ["name": .text("'; DROP TABLE t"), "other": .real(1.5)])
        #expect(
            rows.rows == [
                [
                    .integer(1), .text("'; DROP TABLE t"), .blob([]), .text("'; DROP TABLE t"), .real(1.5),
                ]
            ])
        let missing = await #expect(throws: SluiceError.self) { try await database.query("SELECT :name") }
        #expect(missing?.message.contains(":name") == true)
        let extra = await #expect(throws: SluiceError.self) { try await database.query("SELECT ?", [.null, .null]) }
        #expect(extra?.code == .invalidConfiguration)
    }
}
