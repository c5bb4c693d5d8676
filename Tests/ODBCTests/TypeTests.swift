import Columns
import ODBC
import Support
import TestServers
import Testing

/// Against MariaDB, through the driver that Debian has for it.
@Suite(.enabled(if: TestMariaDB.shared != nil)) struct MariaDBTypeTests {
    private func one(_ expression: String, _ declared: String) async throws -> (DataType, [Value]) {
        let session = try await #require(TestMariaDB.shared).session()
        let table = "t\(UInt64.random(in: 0 ... .max))"
        try await session.query("CREATE TABLE \(table) (id int, v \(declared))")
        try await session.query("INSERT INTO \(table) VALUES (1, \(expression)), (2, NULL), (3, \(expression))")
        let found = try await values("SELECT v FROM \(table) ORDER BY id", on: session)
        #expect(found.misfits.isEmpty)
        return (found.schema.fields[0].type, found.rows.map { $0[0] })
    }

    @Test(arguments: [
        ("-128", "tinyint", DataType.int8, Value.int(-128)), ("255", "tinyint unsigned", .uint8, .int(255)),
        ("-32768", "smallint", .int16, .int(-32768)), ("65535", "smallint unsigned", .uint16, .int(65535)),
        ("-2147483648", "int", .int32, .int(-2_147_483_648)),
        ("4294967295", "int unsigned", .uint32, .int(4_294_967_295)),
        ("-9223372036854775808", "bigint", .int64, .int(-9_223_372_036_854_775_808)),
        ("18446744073709551615", "bigint unsigned", .uint64, .int(Int128(UInt64.max))),
        ("1.5", "float", .float32, .float(1.5)), ("1e300", "double", .float64, .float(1e300)),
        (
            "-12345678901234567890123456789012.345678", "decimal(38,6)", .decimal(precision: 38, scale: 6),
            .ticks(-12345678901234567890123456789012345678)
        ),
        ("0.05", "decimal(4,2)", .decimal(precision: 4, scale: 2), .ticks(5)),
        ("'héllo €𝄞'", "varchar(100)", .utf8, .text("héllo €𝄞")), ("''", "varchar(10)", .utf8, .text("")),
        ("'ab'", "char(4)", .utf8, .text("ab")), ("x'00ff'", "varbinary(10)", .binary, .bytes([0, 255])),
        ("''", "blob", .binary, .bytes([])), ("'{\"a\": 1}'", "json", .utf8, .text("{\"a\": 1}")),
        ("'1969-12-31'", "date", .date, .ticks(-1)), ("'9999-12-31'", "date", .date, .ticks(2_932_896)),
        ("'23:59:59.999999'", "time(6)", .time(.microsecond), .ticks(86_399_999_999)),
        (
            "'1970-01-01 00:00:01.000001'", "datetime(6)", .timestamp(.microsecond, zone: nil), .ticks(1_000_001)
        ),
        ("'9999-12-31 23:59:59'", "datetime", .timestamp(.microsecond, zone: nil), .ticks(253_402_300_799_000_000)),
        ("2024", "year", .uint16, .int(2024)), ("b'1'", "bit(1)", .bool, .bool(true)),
        ("'two'", "enum('one','two')", .utf8, .text("two")),
    ])
    func aValueOfEachTypeIsRead(_ sql: String, _ declared: String, _ type: DataType, _ expected: Value) async throws {
        let (found, values) = try await one(sql, declared)
        #expect(found == type)
        #expect(values == [expected, .null, expected])
    }

    @Test func momentsComeInUTCWhenTheSessionIs() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        try await session.query("SET time_zone = '+00:00'")
        try await session.query("CREATE TABLE moments (v timestamp(6) NULL)")
        try await session.query("INSERT INTO moments VALUES ('2024-02-29 12:00:00.25')")
        let found = try await values("SELECT v FROM moments", on: session)
        #expect(found.schema.fields[0].type == .timestamp(.microsecond, zone: "UTC"))
        #expect(found.rows == [[.ticks(1_709_208_000_250_000)]])
    }

    @Test func longValuesAreReadToTheirEnd() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        try await session.query("CREATE TABLE longs (id int, t longtext, b longblob)")
        let sizes = [0, 1, 255, 256, 257, 511, 512, 513, 4095, 65_535, 65_536, 200_000]
        for (id, size) in sizes.enumerated() {
            try await session.query(
                "INSERT INTO longs VALUES (\(id), concat(repeat('é', \(size)), 'x'), repeat(x'0102', \(size)))")
        }
        let found = try await values("SELECT id, t, b FROM longs ORDER BY id", on: session)
        #expect(found.rows.count == sizes.count)
        for (row, size) in zip(found.rows, sizes) {
            #expect(row[1] == .text(String(repeating: "é", count: size) + "x"), "\(size)")
            guard case .bytes(let bytes) = row[2] else {
                Issue.record("no bytes")
                continue
            }
            #expect(bytes.count == size * 2)
            #expect(Array(bytes.suffix(2)) == (size == 0 ? [] : [1, 2]))
        }
    }

    @Test func valuesBehindALongColumnAreRead() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        try await session.query(
            "CREATE TABLE behind (t longtext, d date, m datetime(6), c decimal(9,2), s varchar(9), n int, f float, y tinyint)"
        )
        try await session.query(
            "INSERT INTO behind VALUES ('a', '1970-01-02', '1970-01-01 00:00:01', 1.25, 'x', 7, 1.5, 1), "
                + "(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('é', '1970-01-03', NULL, -2, '', 8, 2.5, 2)")
        let found = try await values("SELECT * FROM behind", on: session)
        #expect(
            found.rows == [
                [.text("a"), .ticks(1), .ticks(1_000_000), .ticks(125), .text("x"), .int(7), .float(1.5), .int(1)],
                Array(repeating: .null, count: 8),
                [.text("é"), .ticks(2), .null, .ticks(-200), .text(""), .int(8), .float(2.5), .int(2)],
            ])
        let swapped = try await session.rows("SELECT * FROM behind", columns: ["n", "t", "d"])
        let batch = try #require(try await swapped.next()).batch
        #expect(batch.schema.fields.map(\.name) == ["n", "t", "d"])
        #expect(batch.columns.map { $0.value(at: 2) } == [.int(8), .text("é"), .ticks(2)])
    }

    @Test func aValueThatNoColumnCanHoldIsSetAside() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        try await session.query("SET sql_mode = ''")
        try await session.query("CREATE TABLE odd (id int, d time)")
        try await session.query(
            "INSERT INTO odd VALUES (1, '10:00:00'), (2, '-500:00:00'), (3, '800:00:01'), (4, NULL)")
        let found = try await values("SELECT id, d FROM odd ORDER BY id", on: session)
        #expect(found.rows == [[.int(1), .ticks(36_000_000_000)], [.int(4), .null]])
        #expect(found.misfits.map(\.row) == [2, 3])
        #expect(found.misfits.map(\.column) == ["d", "d"])
    }

    @Test func manyRowsComeInBatchesOfTheAskedSize() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        let reading = try await session.rows(
            "SELECT seq, if(seq % 7 = 0, NULL, concat('row ', seq)) FROM shop.seq_1_to_100000 AS s",
            options: ODBCReadOptions(batchRows: 10_000, limit: 99_999))
        var next = 1
        while let found = try await reading.next() {
            #expect(found.batch.rowCount <= 10_000)
            for row in 0..<found.batch.rowCount {
                #expect(found.batch.columns[0].value(at: row) == .int(Int128(next)))
                let text = found.batch.columns[1].value(at: row)
                if text != (next % 7 == 0 ? .null : .text("row \(next)")) { Issue.record("row \(next): \(text)") }
                next += 1
            }
        }
        #expect(next == 100_000)
    }
}

/// Against PostgreSQL, through psqlODBC.
@Suite(.enabled(if: TestPostgres.shared != nil)) struct PsqlODBCTypeTests {
    @Test(arguments: [
        ("true", DataType.bool, Value.bool(true)), ("'-32768'::int2", .int16, .int(-32768)),
        ("2147483647::int4", .int32, .int(2_147_483_647)),
        ("'-9223372036854775808'::int8", .int64, .int(-9_223_372_036_854_775_808)),
        ("1.5::float4", .float32, .float(1.5)), ("'-Infinity'::float8", .float64, .float(-.infinity)),
        ("'héllo 𝄞'::text", .utf8, .text("héllo 𝄞")), ("'ab'::varchar(5)", .utf8, .text("ab")),
        ("'\\x00ff'::bytea", .binary, .bytes([0, 255])), ("'{\"a\":1}'::jsonb", .utf8, .text("{\"a\": 1}")),

        ("date '1969-12-31'", .date, .ticks(-1)),
        ("time '23:59:59.999999'", .time(.microsecond), .ticks(86_399_999_999)),
        ("timestamp '1970-01-01 00:00:01.5'", .timestamp(.microsecond, zone: nil), .ticks(1_500_000)),
        ("timestamptz '1969-12-31 23:59:59+00'", .timestamp(.microsecond, zone: "UTC"), .ticks(-1_000_000)),
        (
            "'00112233-4455-6677-8899-aabbccddeeff'::uuid", .uuid,
            .bytes([0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff])
        ),
        ("interval '1 day'", .utf8, .text("1 day")),
    ])
    func aValueOfEachTypeIsRead(_ sql: String, _ type: DataType, _ expected: Value) async throws {
        let session = try await #require(TestPostgres.shared).odbcSession()
        let found = try await values(
            "SELECT CASE WHEN g = 2 THEN NULL ELSE \(sql) END AS v FROM generate_series(1,3) g ORDER BY g", on: session)
        #expect(found.misfits.isEmpty)
        #expect(found.schema.fields[0].type == type)
        #expect(found.rows.map { $0[0] } == [expected, .null, expected])
    }

    @Test func longTextIsReadToItsEndWhateverTheDriverSaysOfItsSize() async throws {
        let session = try await #require(TestPostgres.shared).odbcSession()
        let sizes = [0, 1, 254, 255, 256, 8189, 8190, 8191, 70_000]
        let list = sizes.map(String.init).joined(separator: ",")
        let found = try await values(
            "SELECT repeat('é', n)::varchar, repeat('a', n)::text, decode(repeat('01ff', n), 'hex')"
                + " FROM unnest(ARRAY[\(list)]) n", on: session)
        for (row, size) in zip(found.rows, sizes) {
            #expect(row[0] == .text(String(repeating: "é", count: size)))
            #expect(row[1] == .text(String(repeating: "a", count: size)))
            #expect(row[2] == .bytes((0..<size).flatMap { _ in [1, 255] as [UInt8] }))
        }
        #expect(found.rows.count == sizes.count)
    }
}
