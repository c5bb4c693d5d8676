import Columns
import Connectors
import Foundation
import Postgres
import Settings
import Support
import TestServers
import Testing

/// A schema of the test's own, or a database where that is needed, on the server that all tests share.
struct PostgresFixture {
    let database: String
    let schema: String
    let session: PostgresConnection
    let connector: any Connector

    init(ownDatabase: Bool = false) async throws {
        let server = try #require(TestPostgres.shared)
        let name = "conn_\(UUID().uuidString.lowercased().replacing("-", with: ""))"
        var settings = server.settings
        if ownDatabase {
            let admin = try await PostgresConnection.open(settings)
            try await admin.execute("CREATE DATABASE \(name)")
            settings["dbname"] = name
        }
        database = ownDatabase ? name : "postgres"
        schema = ownDatabase ? "public" : name
        session = try await PostgresConnection.open(settings)
        if !ownDatabase { try await session.execute("CREATE SCHEMA \(name); SET search_path = \(name)") }
        connector = try await Self.connector(database, ownDatabase ? "" : "?schema=\(name)")
    }

    static func connector(_ database: String, _ more: String = "") async throws -> any Connector {
        let server = try #require(TestPostgres.shared)
        return try await connectorFor(
            "postgres://postgres@127.0.0.1:\(server.port)/\(database)\(more)")
    }

    func read(_ request: ReadRequest) async throws -> UnitRows {
        let read = try await connector.read(request)
        let found = try await rows(of: read.units[0])
        await read.close()
        return found
    }

    func query(_ sql: String, _ parameters: [String: String] = [:]) async throws -> UnitRows {
        try await read(ReadRequest(.query(sql, parameters: parameters)))
    }
}

private func connectorFor(_ url: String) async throws -> any Connector { try await connector(url) }

@Suite(.serialized, .enabled(if: TestPostgres.shared != nil)) struct PostgresConnectorTests {
    // MARK: Types

    /// Each: the declared type, some values as SQL, the type that it becomes, and what is expected in place of the
    /// server's own text where ours is another.
    @Test func everyTypeIsReadExactly() async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute(
            """
            SET TimeZone = 'Asia/Kolkata'; SET IntervalStyle = 'iso_8601';
            CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
            CREATE TYPE pair AS (x int, y text);
            CREATE DOMAIN posint AS int CHECK (VALUE > 0);
            CREATE DOMAIN small AS posint CHECK (VALUE < 100);
            CREATE DOMAIN price AS numeric(8,2);
            CREATE TABLE wide (
              a_bool bool, a_int2 int2, a_int4 int4, a_int8 int8, a_float4 float4, a_float8 float8,
              a_numeric numeric(20,5), a_free numeric, a_big numeric(38,0), a_text text, a_varchar varchar(20),
              a_char char(5), a_quoted "char", a_name name, a_bytea bytea, a_date date, a_time time, a_timetz timetz,
              a_timestamp timestamp, a_timestamptz timestamptz, a_interval interval, a_uuid uuid, a_json json,
              a_jsonb jsonb, a_xml xml, a_inet inet, a_cidr cidr, a_mac macaddr, a_money money, a_bit bit(5),
              a_varbit varbit, a_oid oid, a_class regclass, a_tsvector tsvector, a_tsquery tsquery, a_point point,
              a_range int4range, a_multi nummultirange, a_lsn pg_lsn, a_mood mood, a_small small, a_price price,
              a_pair pair, a_ints int4[], a_texts text[], a_moods mood[], a_smalls small[], a_prices price[],
              a_pairs pair[], a_stamps timestamptz[], a_inets inet[], a_spans interval[], a_numerics numeric(6,2)[],
              a_frees numeric[], a_moneys money[], a_matrix int4[][], a_uuids uuid[], a_vector int2vector, a_jsons jsonb[]
            );
            INSERT INTO wide SELECT
              true, -32768, 2147483647, -9223372036854775808, 1.5, '-Infinity', 123456789012345.67891,
              123456789012345678901234567890.123456789, 99999999999999999999999999999999999999, 'héllo "x" \\ y',
              'v', 'ab', '\\301', 'nom', '\\x00ff10', '1969-12-31', '23:59:59.999999', '12:30:00+05:30',
              '2024-02-29 12:34:56.789', '2024-02-29 12:34:56.789+05:30', '1 year 2 mons 3 days 04:05:06.789',
              '00112233-4455-6677-8899-aabbccddeeff', '{"a" :1}', '{"a" :1}', '<a>é</a>', '192.168.0.1/24', '10.0.0.0/8',
              '08:00:2b:01:02:03', '-1234.56', B'10101', B'101', 4294967295, 'pg_class', 'fat:2 cat:3', 'fat & cat',
              '(1,2)', '[1,5)', '{[1,2),[3,4)}', '16/B374D848', 'happy', 42, 12.5, '(1,"a,""b")', '{1,NULL,3}',
              '{"a","b,c",NULL,""}', '{sad,NULL,happy}', '{1,2}', '{1.5,NULL}', ARRAY['(1,x)'::pair],
              '{2024-01-01 00:00:00+00}', '{10.0.0.1}', '{1 day}', '{1.50,-2}', '{1.5,1e30}', '{1.5,-2}',
              '{{1,2},{3,4}}', '{00112233-4455-6677-8899-aabbccddeeff}', '1 2 3', ARRAY['{"k": [1]}'::jsonb];
            INSERT INTO wide (a_bool) VALUES (NULL);
            INSERT INTO wide (a_float4, a_float8, a_free, a_ints, a_date, a_timestamp)
              VALUES ('NaN', 'Infinity', 'NaN', '{}', '4000-01-01', '0044-03-15 BC');
            """)
        let found = try await fixture.read(ReadRequest(.table("wide")))
        #expect(found.rows.count == 3)
        #expect(found.rejects.isEmpty)
        let expected: [(column: String, type: String, value: String)] = [
            ("a_bool", "bool", "true"), ("a_int2", "int16", "-32768"), ("a_int4", "int32", "2147483647"),
            ("a_int8", "int64", "-9223372036854775808"), ("a_float4", "float32", "1.5"),
            ("a_float8", "float64", "-Infinity"),
            ("a_numeric", "decimal(20,5)", "123456789012345.67891"),
            ("a_free", "utf8", "123456789012345678901234567890.123456789"),
            ("a_big", "decimal(38,0)", "99999999999999999999999999999999999999"),
            ("a_text", "utf8", "héllo \"x\" \\ y"), ("a_varchar", "utf8", "v"), ("a_char", "utf8", "ab   "),
            ("a_quoted", "utf8", "\\301"), ("a_name", "utf8", "nom"), ("a_bytea", "binary", "AP8Q"),
            ("a_date", "date", "1969-12-31"), ("a_time", "time(us)", "23:59:59.999999"),
            ("a_timetz", "utf8", "12:30:00+05:30"), ("a_timestamp", "timestamp(us)", "2024-02-29T12:34:56.789"),
            ("a_timestamptz", "timestamp(us, UTC)", "2024-02-29T07:04:56.789Z"),
            ("a_interval", "utf8", "P1Y2M3DT4H5M6.789S"), ("a_uuid", "uuid", "00112233-4455-6677-8899-aabbccddeeff"),
            ("a_json", "json", "{\"a\" :1}"), ("a_jsonb", "json", "{\"a\": 1}"), ("a_xml", "utf8", "<a>é</a>"),
            ("a_inet", "utf8", "192.168.0.1/24"), ("a_cidr", "utf8", "10.0.0.0/8"),
            ("a_mac", "utf8", "08:00:2b:01:02:03"),
            ("a_money", "decimal(19,2)", "-1234.56"), ("a_bit", "utf8", "10101"), ("a_varbit", "utf8", "101"),
            ("a_oid", "uint32", "4294967295"), ("a_class", "utf8", "pg_class"),
            ("a_tsvector", "utf8", "'cat':3 'fat':2"), ("a_tsquery", "utf8", "'fat' & 'cat'"),
            ("a_point", "utf8", "(1,2)"),
            ("a_range", "utf8", "[1,5)"), ("a_multi", "utf8", "{[1,2),[3,4)}"), ("a_lsn", "utf8", "16/B374D848"),
            ("a_mood", "utf8", "happy"), ("a_small", "int32", "42"), ("a_price", "decimal(8,2)", "12.50"),
            ("a_pair", "json", "{\"x\": 1, \"y\": \"a,\\\"b\"}"), ("a_ints", "list<item: int32>", "[1,null,3]"),
            ("a_texts", "list<item: utf8>", "[\"a\",\"b,c\",null,\"\"]"),
            ("a_moods", "list<item: utf8>", "[\"sad\",null,\"happy\"]"), ("a_smalls", "list<item: int32>", "[1,2]"),
            ("a_prices", "list<item: decimal(8,2)>", "[1.50,null]"), ("a_pairs", "json", "[{\"x\": 1, \"y\": \"x\"}]"),
            ("a_stamps", "list<item: timestamp(us, UTC)>", "[\"2024-01-01T00:00:00Z\"]"),
            ("a_inets", "list<item: utf8>", "[\"10.0.0.1\"]"), ("a_spans", "list<item: utf8>", "[\"P1D\"]"),
            ("a_numerics", "list<item: decimal(6,2)>", "[1.50,-2.00]"),
            ("a_frees", "list<item: utf8>", "[\"1.5\",\"1000000000000000000000000000000\"]"),
            ("a_moneys", "list<item: decimal(19,2)>", "[1.50,-2.00]"), ("a_matrix", "json", "[[1, 2], [3, 4]]"),
            ("a_uuids", "list<item: uuid>", "[\"00112233-4455-6677-8899-aabbccddeeff\"]"),
            ("a_vector", "list<item: int16>", "[1,2,3]"), ("a_jsons", "list<item: json>", "[{\"k\": [1]}]"),
        ]
        #expect(found.schema.fields.map(\.name) == expected.map(\.column))
        for (index, (column, type, value)) in expected.enumerated() {
            #expect(found.schema.fields[index].type.description == type, "\(column)")
            #expect(found.rows[0][index] == value, "\(column)")
            #expect(found.rows[1][index] == nil, "\(column)")
        }
        #expect(found.rows[2][4] == "NaN" && found.rows[2][5] == "Infinity" && found.rows[2][7] == "NaN")
        #expect(found.column("a_ints")[2] == "[]")
        #expect(found.column("a_date")[2] == "4000-01-01")
        #expect(found.bytesRead > 1000)
    }

    /// The server's own text of many values against ours, for the types whose text is the same.
    @Test(arguments: [
        ("bool", "i % 3 = 0", "CASE WHEN v THEN 'true' WHEN NOT v THEN 'false' END"), ("int2", "i - 1500", "v::text"),
        ("int4", "i * 700003", "v::text"), ("int8", "i * 1000000007::int8 * 1009", "v::text"),
        ("numeric(30,10)", "(i - 1500) * 1234567.8901234567 * i", "v::text"),
        ("numeric", "(i - 1500) / 7.0 * i", "v::text"),
        ("text", "repeat(chr(200 + i), i % 50) || i", "v::text"), ("uuid", "md5(i::text)::uuid", "v::text"),
        ("date", "date '0001-01-01' + i * 1000", "v::text"), ("jsonb", "to_jsonb(i)", "v::text"),
        ("interval", "i * interval '1 hour 3 min 0.5 sec' - interval '2 mon'", "v::text"),
        ("inet", "'10.0.0.0'::inet + i", "textin(inet_out(v))"),
        ("bytea", "decode(md5(i::text), 'hex')", "encode(v, 'base64')"),
        (
            "timestamptz", "timestamptz '1900-01-01' + i * interval '17 days 3 hours 0.000123 sec'",
            "regexp_replace(to_char(v AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), '000Z$', 'Z')"
        ),
        ("float8", "i / 8.0", "CASE WHEN v = trunc(v) THEN v::text || '.0' ELSE v::text END"),
    ])
    func manyValuesAreWhatTheServerPrints(_ type: String, _ value: String, _ text: String) async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute(
            """
            SET IntervalStyle = 'iso_8601'; CREATE TABLE v AS SELECT i, CASE WHEN i % 11 = 0 THEN NULL ELSE (\(value)) END::\(type) AS v
            FROM generate_series(1, 3000) AS i; ALTER TABLE v ALTER v TYPE \(type)
            """)
        let found = try await fixture.read(ReadRequest(.table("v")))
        let server = try await fixture.session.query("SELECT \(text) FROM v ORDER BY i").rows.map { $0[0] }
        #expect(found.column("v").count == 3000)
        #expect(found.column("v") == server)
    }

    @Test func whatNoColumnHoldsIsRejectedReadably() async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute(
            """
            CREATE TABLE r (id int, day date, at timestamptz, n numeric(5,2), list int[], t text);
            INSERT INTO r VALUES (1, '2024-01-01', '2024-01-01 00:00+00', 1.5, '{1}', 'a'),
              (2, 'infinity', NULL, 2.5, '{2}', 'b"'), (3, '2024-01-01', '-infinity', 3, NULL, 'c'),
              (4, '2024-01-01', NULL, 'NaN', NULL, 'd'), (5, NULL, NULL, NULL, '{{1,2},{3,NULL}}', 'e'),
              (6, NULL, NULL, NULL, NULL, 'f')
            """)
        let found = try await fixture.read(ReadRequest(.table("r")))
        #expect(found.column("id") == ["1", "6"])
        #expect(found.rejects.map(\.row) == [2, 3, 4, 5])
        #expect(found.rejects.map(\.column) == ["day", "at", "n", "list"])
        #expect(
            found.rejects.map(\.reason) == [
                "\"infinity\" does not fit date", "\"-infinity\" does not fit timestamp(us, UTC)",
                "\"NaN\" does not fit decimal(5,2)", "[[1,2],[3,null]] does not fit list<item: int32>",
            ])
        #expect(
            found.rejects[0].raw == #"{"id":2,"day":"infinity","at":null,"n":2.50,"list":[2],"t":"b\""}"#)
        #expect(found.rejects[0].unit == "r")
    }

    // MARK: What is read

    @Test func tablesViewsAndTheirKindAreRead() async throws {
        let fixture = try await PostgresFixture(ownDatabase: true)
        try await fixture.session.execute(
            """
            CREATE SCHEMA shop;
            CREATE TABLE shop.orders (id int PRIMARY KEY, day date NOT NULL, total numeric(10,2));
            INSERT INTO shop.orders SELECT i, date '2024-01-01' + i, i FROM generate_series(1, 10) AS i;
            CREATE VIEW few AS SELECT * FROM shop.orders WHERE id < 4;
            CREATE MATERIALIZED VIEW mat AS SELECT * FROM shop.orders WHERE id > 8;
            CREATE TABLE parts (id int, k int, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
            CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
            CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
            INSERT INTO parts VALUES (1, 1), (2, 2);
            CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent);
            INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1);
            ANALYZE
            """)
        let read = try await fixture.connector.read(ReadRequest(.table("shop.orders")))
        #expect(read.key == ["id"])
        #expect(read.units[0].name == "shop.orders")
        #expect(read.units[0].schema?.description == "id: int32 not null, day: date not null, total: decimal(10,2)")
        await read.close()
        #expect(try await fixture.read(ReadRequest(.table("few"))).rows.count == 3)
        #expect(try await fixture.read(ReadRequest(.table("mat"))).rows.count == 2)
        #expect(try await fixture.read(ReadRequest(.table("\"parts\""))).rows.count == 2)
        #expect(try await fixture.connector.read(ReadRequest(.table("parts"))).key == ["k", "id"])
        // A row of the parent's and one of its child's may have the same key.
        #expect(try await fixture.connector.read(ReadRequest(.table("parent"))).key == [])
        #expect(try await fixture.read(ReadRequest(.table("parent"))).rows.count == 2)
        let tables = try await fixture.connector.discover()
        #expect(tables.map(\.name) == ["child", "few", "mat", "parent", "parts", "shop.orders"])
        let orders = try #require(tables.last)
        #expect(orders.key == ["id"] && orders.rows == 10)
        #expect(orders.schema.description == "id: int32 not null, day: date not null, total: decimal(10,2)")
    }

    @Test func columnsFilterAndLimitAreHeeded() async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute(
            """
            CREATE TABLE o (id int PRIMARY KEY, at int, t text);
            INSERT INTO o SELECT 100 - i, i / 10, 't' || i FROM generate_series(1, 99) AS i
            """)
        var request = ReadRequest(.table("o"))
        request.columns = ["t", "id"]
        request.filter = "id > 50 OR false -- with a comment"
        request.limit = 2
        let found = try await fixture.read(request)
        #expect(found.schema.fields.map(\.name) == ["t", "id"])
        #expect(found.rows == [["t49", "51"], ["t48", "52"]])
        request.filter = nil
        request.cursor = CursorRange(column: "at", from: "3")
        // By the cursor first, then by the key, so that it is the same in every reading.
        #expect(try await fixture.read(request).rows == [["t39", "61"], ["t38", "62"]])
        request.columns = ["t"]
        #expect(try await fixture.connector.read(request).key == [])
        for (change, part) in [("columns", "did"), ("filter", "ids"), ("cursor", "att")] {
            var wrong = ReadRequest(.table("o"))
            if change == "columns" { wrong.columns = [part] }
            if change == "filter" { wrong.filter = "\(part) > 1" }
            if change == "cursor" { wrong.cursor = CursorRange(column: part) }
            let error = await #expect(throws: SluiceError.self) { _ = try await fixture.connector.read(wrong) }
            #expect(error?.description.contains(part) == true)
        }
        var twice = ReadRequest(.table("o"))
        twice.filter = "true); DROP TABLE o; --"
        await #expect(throws: SluiceError.self) { _ = try await fixture.connector.read(twice) }
        #expect(try await fixture.session.query("SELECT count(*) FROM o").single == "99")
    }

    @Test(arguments: [
        ("int8", "1", "3", ["1", "2"]), ("int2", "1", "99999999999", ["1", "2", "3"]),
        ("numeric(8,2)", "1.5", "3", ["2"]),
        ("float8", "1.5", nil, ["2", "3"]), ("text", "1", "3", ["1", "2"]), ("uuid", nil, nil, ["1", "2", "3"]),
        ("date", "2024-01-01T12:00:00", nil, ["2", "3"]), ("date", "2024-01-02", "2024-01-03", ["2"]),
        ("timestamp", "2024-01-01T00:00:00.000001", "2024-01-03T00:00:00", ["2"]),
        ("timestamptz", "2024-01-02T00:00:00Z", nil, ["2", "3"]),
    ])
    func stretchesOfACursorAreRead(_ type: String, _ from: String?, _ to: String?, _ expected: [String]) async throws {
        let fixture = try await PostgresFixture()
        let value =
            switch type {
            case "uuid": "md5(i::text)::uuid"
            case "date", "timestamp", "timestamptz":
                "(timestamptz '2023-12-31 00:00+00' + i * interval '1 day')::\(type)"
            default: "i::\(type)"
            }
        try await fixture.session.execute(
            """
            SET TimeZone = 'UTC'; CREATE TABLE c AS SELECT i AS id, \(value) AS v FROM generate_series(1, 3) AS i;
            INSERT INTO c VALUES (4, NULL)
            """)
        var request = ReadRequest(.table("c"))
        for nulls in [true, false] {
            request.cursor = CursorRange(column: "v", from: from, to: to, includesNulls: nulls)
            #expect(try await fixture.read(request).column("id") == expected + (nulls ? ["4"] : []))
        }
    }

    @Test func textIsOrderedAsWeOrderItAndTiesStayTogether() async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute(
            "CREATE TABLE c (id int, v text COLLATE \"en-x-icu\"); INSERT INTO c VALUES (1, 'a'), (2, 'B'), (3, 'b'), (4, 'b')"
        )
        var request = ReadRequest(.table("c"))
        request.cursor = CursorRange(column: "v", from: "a")
        #expect(try await fixture.read(request).column("id") == ["1", "3", "4"])
        request.cursor = CursorRange(column: "v", from: "b")
        #expect(try await fixture.read(request).column("id") == ["3", "4"])
    }

    @Test(arguments: ["numeric", "interval", "jsonb", "inet", "mood", "int[]"])
    func aCursorWithoutOurOrderIsRefused(_ type: String) async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute("CREATE TYPE mood AS ENUM ('z', 'a'); CREATE TABLE c (v \(type))")
        var request = ReadRequest(.table("c"))
        request.cursor = CursorRange(column: "v", from: "1")
        let error = await #expect(throws: SluiceError.self) { _ = try await fixture.connector.read(request) }
        #expect(error?.code == .invalidConfiguration && error?.hint != nil)
    }

    // MARK: Queries

    @Test func queriesTakeParametersAndKeepTheirText() async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute(
            "CREATE TABLE q AS SELECT i, 'n' || i AS name FROM generate_series(1, 5) AS i")
        let found = try await fixture.query(
            "WITH s AS (SELECT * FROM q WHERE i >= :low::int) SELECT i, name, ':low' AS t, count(*) OVER () AS n FROM s ORDER BY i DESC; -- done",
            ["low": "4"])
        #expect(found.rows == [["5", "n5", ":low", "2"], ["4", "n4", ":low", "2"]])
        #expect(found.schema.description == "i: int32, name: utf8, t: utf8, n: int64")
        let twins = await #expect(throws: SluiceError.self) { try await fixture.query("SELECT 1 AS a, 2 AS a") }
        #expect(twins?.message == "the query has two columns called \"a\"")
        await #expect(throws: SluiceError.self) { try await fixture.query("SELECT 1; DROP TABLE q") }
        await #expect(throws: SluiceError.self) { try await fixture.query("DELETE FROM q RETURNING i") }
        #expect(try await fixture.session.query("SELECT count(*) FROM q").single == "5")
    }

    @Test(arguments: [
        "plain", "it's", "'; DROP TABLE q; --", "\\'; DROP TABLE q; --", "a\\", "\"x\"", "$$", ":a", "%s",
        "é\u{301}'\u{301}",
        "line\nbreak", "", "E'\\x41'", "1) OR (1=1",
    ])
    func noValueLeavesItsPlace(_ value: String) async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute("CREATE TABLE q (v text)")
        try await fixture.session.query("INSERT INTO q VALUES ($1), ('other')", [value])
        let found = try await fixture.query("SELECT v, :v::text AS p FROM q WHERE v = :v", ["v": value])
        #expect(found.rows == [[value, value]])
    }

    @Test(arguments: ["a b", "a\"b", "a;b", "a'b", "select", "ä.ö", "A", "a\\b", "a\nb", "名"])
    func anyNameIsRead(_ name: String) async throws {
        let fixture = try await PostgresFixture(ownDatabase: true)
        let quoted = "\"" + name.replacing("\"", with: "\"\"") + "\""
        try await fixture.session.execute(
            "CREATE SCHEMA \(quoted); CREATE TABLE \(quoted).\(quoted) (\(quoted) int PRIMARY KEY); INSERT INTO \(quoted).\(quoted) VALUES (1), (2)"
        )
        let written = try #require(try await fixture.connector.discover().first).name
        var request = ReadRequest(.table(written))
        request.columns = [name]
        request.cursor = CursorRange(column: name, from: "2")
        let read = try await fixture.connector.read(request)
        #expect(read.key == [name])
        #expect(try await rows(of: read.units[0]).rows == [["2"]])
    }

    // MARK: One moment

    @Test(arguments: [1, 3]) func whatOthersWriteMeanwhileIsNotSeen(_ parallelism: Int) async throws {
        let fixture = try await PostgresFixture(ownDatabase: true)
        try await fixture.session.execute(
            "CREATE TABLE s AS SELECT i AS id, repeat('x', 1000) AS t FROM generate_series(1, 30000) AS i")
        var request = ReadRequest(.table("s"))
        request.parallelism = parallelism
        let read = try await fixture.connector.read(request)
        let reader = try await read.units[0].open(under: nil)
        let first = try #require(try await reader.next())
        try await fixture.session.execute(
            "DELETE FROM s WHERE id % 2 = 0; UPDATE s SET t = 'new'; INSERT INTO s SELECT i, 'new' FROM generate_series(1, 1000) AS i"
        )
        var ids = texts(first).map { $0[0] ?? "" }
        var isOld = texts(first).allSatisfy { $0[1]?.utf8.count == 1000 }
        while let batch = try await reader.next() {
            ids += texts(batch).map { $0[0] ?? "" }
            isOld = isOld && texts(batch).allSatisfy { $0[1]?.utf8.count == 1000 }
        }
        #expect(isOld && ids.count == 30_000 && Set(ids).count == 30_000)
        // Read again, it is of a later moment, and whole as well.
        let again = try await rows(of: read.units[0])
        #expect(again.rows.count == 16_000)
        await read.close()
        let sessions =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        var left = ""
        for _ in 0..<50 {
            left = try await fixture.session.query(sessions).single ?? ""
            if left == "0" { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(left == "0")
    }

    @Test func readingSideBySideIsTheSame() async throws {
        let fixture = try await PostgresFixture()
        try await fixture.session.execute(
            "CREATE TABLE s AS SELECT i AS id, repeat(md5(i::text), 30) AS t FROM generate_series(1, 35000) AS i; DELETE FROM s WHERE id % 7 = 0"
        )
        var request = ReadRequest(.table("s"))
        let single = try await fixture.read(request)
        request.parallelism = 4
        let parallel = try await fixture.read(request)
        let again = try await fixture.read(request)
        #expect(parallel.rows == again.rows)
        #expect(single.rows.count == 30_000)
        #expect(Set(single.rows.map { $0[0] }) == Set(parallel.rows.map { $0[0] }))
        // Each of the stretches has a header of its own.
        #expect(parallel.bytesRead > single.bytesRead)
    }

    @Test func aReadingThatIsGivenUpEndsAtOnce() async throws {
        let fixture = try await PostgresFixture()
        let read = try await fixture.connector.read(
            ReadRequest(.query("SELECT i, pg_sleep(0.001) FROM generate_series(1, 1000000) AS i", parameters: [:])))
        let task = Task { try await rows(of: read.units[0]) }
        try await Task.sleep(for: .milliseconds(100))
        let clock = ContinuousClock.now
        task.cancel()
        await #expect(throws: (any Error).self) { try await task.value }
        await read.close()
        #expect(ContinuousClock.now - clock < .seconds(2))
    }

    @Test func anErrorInTheMiddleOfTheRowsIsTold() async throws {
        let fixture = try await PostgresFixture()
        let error = await #expect(throws: SluiceError.self) {
            try await fixture.query("SELECT 1 / (100000 - i) AS v FROM generate_series(1, 100000) AS i")
        }
        #expect(error?.message.contains("division by zero") == true)
    }

    // MARK: Failures

    @Test func theServerTellsItsVersion() async throws {
        let fixture = try await PostgresFixture()
        #expect(try await fixture.connector.check().wholeMatch(of: /PostgreSQL \d+(\.\d+)?/) != nil)
    }

    @Test func failuresHaveARemedy() async throws {
        let fixture = try await PostgresFixture(ownDatabase: true)
        let server = try #require(TestPostgres.shared)
        try await fixture.session.execute("CREATE TABLE orders (id int)")
        func failure(_ url: String, _ table: String? = nil) async throws -> SluiceError? {
            let connector = try await connector(url)
            return await #expect(throws: SluiceError.self) {
                if let table {
                    _ = try await connector.read(ReadRequest(.table(table)))
                } else {
                    _ = try await connector.check()
                }
            }
        }
        let base = "postgres://postgres@127.0.0.1:\(server.port)"
        let host = try await failure("postgres://no-such-host.invalid/d")
        #expect(host?.code == .notFound && host?.hint != nil)
        let port = try await failure("postgres://127.0.0.1:1/d")
        #expect(port?.isTransient == true && port?.hint != nil)
        let database = try await failure(base + "/nothing")
        #expect(database?.code == .notFound && database?.hint == "check the database's name")
        let user = try await failure("postgres://nobody@127.0.0.1:\(server.port)/postgres")
        #expect(user?.code == .permission && user?.hint != nil)
        let schema = try await failure("\(base)/\(fixture.database)?schema=publik")
        #expect(schema?.hint == "Did you mean \"public\"?")
        let table = try await failure("\(base)/\(fixture.database)", "order")
        #expect(table?.code == .notFound && table?.hint == "Did you mean \"orders\"?")
        let other = try await failure("\(base)/\(fixture.database)", "Orders")
        #expect(other?.hint == "Did you mean \"orders\"?")
    }

    @Test func aWrongPasswordIsToldAndNotShown() async throws {
        let server = try #require(TestPostgres.shared)
        let fixture = try await PostgresFixture(ownDatabase: true)
        let password = "p@ss:w/rd#% 'é\\"
        try await fixture.session.query("SELECT set_config('password_encryption', 'scram-sha-256', false)")
        try await fixture.session.execute(
            "CREATE ROLE \(fixture.database) LOGIN PASSWORD E'p@ss:w/rd#% ''é\\\\'; GRANT CONNECT ON DATABASE \(fixture.database) TO \(fixture.database)"
        )
        // The cluster trusts everybody; what is tested is that the password goes to the server whole and nowhere else.
        let encoded = "p%40ss%3Aw%2Frd%23%25%20%27%C3%A9%5C"
        let right = try await connector(
            "postgres://\(fixture.database):\(encoded)@127.0.0.1:\(server.port)/\(fixture.database)")
        _ = try await right.check()
        #expect(!right.name.contains("p%40") && !right.name.contains("p@ss"))
        let wrong = try await connector("postgres://u:Yb2-not-shown@127.0.0.1:1/d")
        let error = await #expect(throws: SluiceError.self) { try await wrong.check() }
        #expect(error?.description.contains("Yb2") == false)
        _ = password
        try await fixture.session.execute("DROP OWNED BY \(fixture.database); DROP ROLE \(fixture.database)")
    }

    @Test func aSchemaIsLookedInFirst() async throws {
        let fixture = try await PostgresFixture(ownDatabase: true)
        try await fixture.session.execute(
            "CREATE SCHEMA s; CREATE TABLE s.t (v int); INSERT INTO s.t VALUES (1); CREATE TABLE t (v text)")
        let inSchema = try await PostgresFixture.connector(fixture.database, "?schema=s")
        let read = try await inSchema.read(ReadRequest(.table("t")))
        #expect(read.units[0].schema?.description == "v: int32")
    }

    @Test func aTableThatMayNotBeReadSaysSo() async throws {
        let fixture = try await PostgresFixture(ownDatabase: true)
        let server = try #require(TestPostgres.shared)
        let role = fixture.database
        try await fixture.session.execute("CREATE ROLE \(role) LOGIN; CREATE TABLE secret_t (v int)")
        let source = try await connector("postgres://\(role)@127.0.0.1:\(server.port)/\(fixture.database)")
        let error = await #expect(throws: SluiceError.self) {
            let read = try await source.read(ReadRequest(.table("secret_t")))
            _ = try await rows(of: read.units[0])
        }
        #expect(error?.code == .permission)
        #expect(try await source.discover().isEmpty)
        try await fixture.session.execute("DROP ROLE \(role)")
    }
}
