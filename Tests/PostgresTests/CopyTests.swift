import Columns
import Postgres
import Support
import TestServers
import Testing

/// Against a real server: what it sends is read, and what is written it takes.
@Suite(.enabled(if: TestPostgres.shared != nil)) struct CopyTests {
    private func session() async throws -> PostgresConnection {
        try await PostgresConnection.open(#require(TestPostgres.shared).settings)
    }

    private func read(_ sql: String, on session: PostgresConnection) async throws -> (
        RecordBatch?, [CopyDecoder.Rejection]
    ) {
        let columns = try await session.describe(sql).map { column in
            (name: column.name, type: PostgresType(oid: column.oid, modifier: column.modifier), isNullable: true)
        }
        try await session.startCopy("COPY (\(sql)) TO STDOUT (FORMAT binary)", expecting: .out)
        let decoder = CopyDecoder(columns: columns)
        nonisolated(unsafe) let shared = decoder
        let batch = try await session.copyOut(into: shared)
        return (batch, shared.takeRejections())
    }

    private func values(_ sql: String) async throws -> [[Value]] {
        let (batch, rejections) = try await read(sql, on: try await session())
        #expect(rejections.isEmpty)
        let found = try #require(batch)
        return (0..<found.rowCount).map { row in found.columns.map { $0.value(at: row) } }
    }

    @Test(arguments: [
        ("true", Value.bool(true)), ("'-32768'::int2", .int(-32768)), ("2147483647::int4", .int(2_147_483_647)),
        ("'-9223372036854775808'::int8", .int(-9_223_372_036_854_775_808)), ("4294967295::oid", .int(4_294_967_295)),
        ("1.5::float4", .float(1.5)), ("'-Infinity'::float8", .float(-.infinity)), ("'héllo'::text", .text("héllo")),
        ("'ab'::varchar(5)", .text("ab")), ("'ab'::char(4)", .text("ab  ")), ("'\\x00ff'::bytea", .bytes([0, 255])),
        ("'{\"a\": 1}'::json", .text("{\"a\": 1}")), ("'{\"a\":1}'::jsonb", .text("{\"a\": 1}")),
        ("date '1969-12-31'", .ticks(-1)), ("date '2000-01-01'", .ticks(10_957)),
        ("time '23:59:59.999999'", .ticks(86_399_999_999)), ("timestamp '1970-01-01 00:00:01'", .ticks(1_000_000)),
        ("timestamptz '1969-12-31 23:59:59+00'", .ticks(-1_000_000)),
        (
            "'00112233-4455-6677-8899-aabbccddeeff'::uuid",
            .bytes([0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff])
        ),
        ("null::int8", .null), ("null::text", .null), ("null::numeric(5,2)", .null), ("null::bool", .null),
        ("'{1,null,3}'::int4[]", .list([.int(1), .null, .int(3)])), ("'{}'::text[]", .list([])),
        ("'{1.50,-2.25}'::numeric(5,2)[]", .list([.ticks(150), .ticks(-225)])), ("null::int4[]", .null),
    ])
    func aValueOfEachTypeIsRead(_ sql: String, _ expected: Value) async throws {
        let session = try await session()
        let element = try await session.query("SELECT typelem FROM pg_type WHERE oid = pg_typeof(\(sql))::oid").single
        let described = try await session.describe("SELECT \(sql) AS v")
        let isArray = sql.hasSuffix("[]")
        let type = PostgresType(
            oid: described[0].oid, modifier: described[0].modifier, element: isArray ? UInt32(element ?? "") ?? 0 : 0)
        try await session.startCopy("COPY (SELECT \(sql)) TO STDOUT (FORMAT binary)", expecting: .out)
        nonisolated(unsafe) let decoder = CopyDecoder(columns: [("v", type, true)])
        let batch = try await session.copyOut(into: decoder)
        #expect(batch?.columns[0].value(at: 0) == expected)
    }

    @Test(arguments: [
        "0", "1", "-1", "0.1", "-0.0001", "1234.5678", "99999999999999999999.999999999999999999",
        "-12345678901234567890.123456789012345678", "10000", "10000.0001", "0.000000000000000001", "100000000",
        "9999", "0.9999", "42.42",
    ])
    func numericsAreExactBothWays(_ number: String) async throws {
        let session = try await session()
        let sql = "SELECT '\(number)'::numeric(38,18) AS exact, '\(number)'::numeric AS free"
        let batch = try #require(try await read(sql, on: session).0)
        #expect(batch.schema.fields.map(\.type) == [.decimal(precision: 38, scale: 18), .utf8])
        #expect(batch.columns[1].text(at: 0) == number)
        try await session.execute("CREATE TEMP TABLE n (v numeric(38,18))")
        let out = MutableBuffer()
        let encoder = CopyEncoder(types: [PostgresType(oid: PostgresType.OID.numeric)])
        try encoder.encode(
            RecordBatch(schema: Schema([batch.schema.fields[0]]), columns: [batch.columns[0]]), to: out)
        encoder.finish(to: out)
        try await session.startCopy("COPY n FROM STDIN (FORMAT binary)", expecting: .in)
        try await session.copyIn(out.freeze())
        #expect(try await session.endCopyIn() == 1)
        #expect(try await session.query("SELECT v = '\(number)'::numeric(38,18) FROM n").single == "t")
    }

    @Test func numericTextIsWhatTheServerPrints() async throws {
        let session = try await session()
        let sql = """
            SELECT v::numeric, v::numeric::text FROM (VALUES ('NaN'), ('Infinity'), ('-Infinity'), ('1e100'), ('1e-50'),
            ('-0.00000000000000000000000000000123456'), ('123456789012345678901234567890123456789012345.678'), ('0.10'),
            ('1000000000000'), ('-10000.00001000')) AS t(v)
            """
        let batch = try #require(try await read(sql, on: session).0)
        for row in 0..<batch.rowCount { #expect(batch.columns[0].text(at: row) == batch.columns[1].text(at: row)) }
        #expect(batch.rowCount == 10)
    }

    @Test func aValueThatDoesNotFitRejectsItsRowAlone() async throws {
        let sql = """
            SELECT * FROM (VALUES (1, date '2024-01-01', 'a', ARRAY[1]), (2, date 'infinity', 'b', ARRAY[2]),
            (3, NULL, 'c', NULL), (4, date '-infinity', NULL, ARRAY[4]), (5, date '2024-01-02', 'e', NULL))
            AS t(id, day, name, list)
            """
        let (batch, rejections) = try await read("SELECT id, name, day FROM (\(sql)) AS s", on: try await session())
        let found = try #require(batch)
        #expect((0..<found.rowCount).map { found.columns[0].value(at: $0) } == [.int(1), .int(3), .int(5)])
        #expect((0..<found.rowCount).map { found.columns[1].value(at: $0) } == [.text("a"), .text("c"), .text("e")])
        #expect((0..<found.rowCount).map { found.columns[2].value(at: $0) } == [.ticks(19723), .null, .ticks(19724)])
        #expect(rejections.map(\.row) == [2, 4])
        #expect(rejections.map(\.column) == ["day", "day"])
        #expect(rejections.first?.reason == "the value does not fit date")
    }

    @Test func itemsOfARejectedRowDoNotReachTheNext() async throws {
        let session = try await session()
        let sql = """
            SELECT * FROM (VALUES (ARRAY[1,2], date '2024-01-01'), (ARRAY[3,4,5], date 'infinity'),
            (NULL, date '2024-01-02'), (ARRAY[6], date '-infinity'), (ARRAY[7,8], NULL)) AS t(list, day)
            """
        try await session.startCopy("COPY (\(sql)) TO STDOUT (FORMAT binary)", expecting: .out)
        nonisolated(unsafe) let decoder = CopyDecoder(columns: [
            ("list", PostgresType(oid: 1007, element: PostgresType.OID.int4), true),
            ("day", PostgresType(oid: PostgresType.OID.date), true),
        ])
        let batch = try #require(try await session.copyOut(into: decoder))
        #expect(
            (0..<batch.rowCount).map { batch.columns[0].value(at: $0) } == [
                .list([.int(1), .int(2)]), .null, .list([.int(7), .int(8)]),
            ])
        #expect(decoder.takeRejections().map(\.row) == [2, 4])
    }

    @Test(arguments: [
        (DataType.timestamp(.nanosecond, zone: nil), Value.ticks(1_500), PostgresType.OID.timestamp),
        (.timestamp(.second, zone: "UTC"), .ticks(Int128(Int64.max)), PostgresType.OID.timestamptz),
        (.timestamp(.microsecond, zone: nil), .ticks(-999_999_999_999_999_999), PostgresType.OID.timestamp),
        (.date, .ticks(Int128(Int32.min)), PostgresType.OID.date),
        (.time(.microsecond), .ticks(-1), PostgresType.OID.time),
    ])
    func aMomentThatTheServerDoesNotHoldIsRefused(_ type: DataType, _ value: Value, _ oid: UInt32) throws {
        let builder = makeBuilder(type)
        try builder.append(value)
        let batch = RecordBatch(schema: Schema([Field("at", type)]), columns: [builder.finish()])
        let out = MutableBuffer()
        let error = #expect(throws: SluiceError.self) {
            try CopyEncoder(types: [PostgresType(oid: oid)]).encode(batch, to: out)
        }
        #expect(error?.code == .conversion)
        #expect(error?.place.column == "at")
        #expect(out.count == 0)
    }

    @Test func manyRowsComeInBatchesAndGoBackUnchanged() async throws {
        let session = try await session()
        let sql = """
            SELECT i AS id, i % 3 = 0 AS flag, CASE WHEN i % 5 = 0 THEN NULL ELSE 'text ' || i END AS name,
            (i * 7 - 100000)::numeric(12,3) / 1000 AS amount, i / 7.0::float8 AS ratio,
            date '2020-01-01' + i % 1000 AS day, timestamptz '2020-01-01' + i * interval '1 second' AS at
            FROM generate_series(1, 150000) AS i
            """
        try await session.execute("CREATE TEMP TABLE a AS \(sql); ALTER TABLE a ALTER amount TYPE numeric(12,3)")
        try await session.execute("CREATE TEMP TABLE b (LIKE a)")
        let other = try await PostgresConnection.open(#require(TestPostgres.shared).settings)
        try await session.execute(
            "DROP TABLE IF EXISTS public.a2, public.b2; CREATE TABLE public.a2 AS TABLE a; CREATE TABLE public.b2 (LIKE a)"
        )
        let columns = try await session.describe("SELECT * FROM public.a2").map {
            (name: $0.name, type: PostgresType(oid: $0.oid, modifier: $0.modifier), isNullable: true)
        }
        try await session.startCopy("COPY public.a2 TO STDOUT (FORMAT binary)", expecting: .out)
        try await other.startCopy("COPY public.b2 FROM STDIN (FORMAT binary)", expecting: .in)
        nonisolated(unsafe) let decoder = CopyDecoder(columns: columns)
        let encoder = CopyEncoder(types: columns.map(\.type))
        let out = MutableBuffer()
        var batches = 0
        while let batch = try await session.copyOut(into: decoder) {
            try encoder.encode(batch, to: out)
            try await other.copyIn(out.freeze())
            batches += 1
        }
        encoder.finish(to: out)
        try await other.copyIn(out.freeze())
        #expect(try await other.endCopyIn() == 150_000)
        #expect(batches == 3)
        let differences = "SELECT count(*) FROM (TABLE public.a2 EXCEPT ALL TABLE public.b2) AS d"
        #expect(try await session.query(differences).single == "0")
    }

    @Test func aWrongPasswordAndAMissingTableSaySo() async throws {
        let session = try await session()
        await #expect(throws: SluiceError.self) { try await session.query("SELECT * FROM nowhere") }
        do {
            try await session.execute("SELECT * FROM nowhere")
        } catch {
            #expect(error.code == .notFound)
            #expect(error.message.contains("nowhere"))
        }
        var settings = try #require(TestPostgres.shared).settings
        settings["dbname"] = "nothing"
        do {
            _ = try await PostgresConnection.open(settings)
            Issue.record("a database that does not exist was opened")
        } catch {
            #expect(error.code == .notFound)
            #expect(error.hint == "check the database's name")
        }
    }
}
