import Columns
import Postgres
import Support
import TestServers
import Testing
import Warehouse

/// Rows into a real PostgreSQL, in every mode, and what they look like there.
@Suite(.enabled(if: TestPostgres.shared != nil)) struct PostgresLoadTests {
    private let fields = [Field("id", .int64), Field("name", .utf8)]
    private let table = TableName("orders")

    private func row(_ id: Int, _ name: String?) -> [Value] { [.int(Int128(id)), name.map(Value.text) ?? .null] }

    @Test func aNewTableHasRowsAndLineageOfEveryFile() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let result = try await load(
            [("a.parquet", [row(1, "x"), row(2, nil)]), ("b.parquet", [row(3, "ü\u{1F600}")]), ("c", [row(4, "z")])],
            fields,
            into: table, run: "r1", on: session)
        #expect(result == LoadResult(inserted: 4))
        #expect(
            try await place.rows("SELECT id, name, _source_file, _loaded_at, _run_id FROM orders ORDER BY id") == [
                ["1", "x", "a.parquet", "2023-11-14 22:13:20.123456+00", "r1"],
                ["2", "∅", "a.parquet", "2023-11-14 22:13:20.123456+00", "r1"],
                ["3", "ü\u{1F600}", "b.parquet", "2023-11-14 22:13:20.123456+00", "r1"],
                ["4", "z", "c", "2023-11-14 22:13:20.123456+00", "r1"],
            ])
        // The first file's lineage is stored once for the table, not in its rows.
        let missing = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'orders'::regclass AND atthasmissing"
        #expect(try await place.single(missing) == "3")
        try await place.admin.execute("INSERT INTO orders (id) VALUES (5)")
        #expect(
            try await place.rows("SELECT _source_file, _loaded_at > '2025-01-01', _run_id FROM orders WHERE id = 5")
                == [
                    ["∅", "t", "∅"]
                ])
        await session.close()
    }

    @Test func anEmptyLoadStillMakesTheTable() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        #expect(try await load([], fields, into: table, on: session) == LoadResult())
        #expect(try await place.rows("SELECT * FROM orders") == [])
        #expect(
            try await place.rows(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum")
                == [["id"], ["name"], ["_source_file"], ["_loaded_at"], ["_run_id"]])
    }

    @Test func appendingGoesBehindWhatIsThere() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await load([("a", [row(1, "x")])], fields, into: table, run: "r1", on: session)
        #expect(try await load([("b", [row(1, "y")])], fields, into: table, run: "r2", on: session).inserted == 1)
        #expect(
            try await place.rows("SELECT id, name, _source_file, _run_id FROM orders ORDER BY name") == [
                ["1", "x", "a", "r1"], ["1", "y", "b", "r2"],
            ])
    }

    @Test func aTableOfSomebodyElseGetsLineageAndKeepsItsTypes() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await place.admin.execute(
            """
            CREATE TYPE mood AS ENUM ('good', 'bad');
            CREATE DOMAIN price AS numeric(10,2) CHECK (value >= 0);
            CREATE TABLE orders (id smallint PRIMARY KEY, name varchar(10), m mood, a inet, p price, n numeric, c char(4),
                made int GENERATED ALWAYS AS (length(name)) STORED, j json, d interval);
            INSERT INTO orders (id) VALUES (0)
            """)
        let fields = [
            Field("id", .int32), Field("name", .utf8), Field("m", .utf8), Field("a", .utf8),
            Field("p", .decimal(precision: 5, scale: 1)), Field("n", .float64), Field("c", .utf8), Field("j", .json),
            Field("d", .utf8),
        ]
        try await load(
            [
                (
                    "f",
                    [
                        [
                            .int(70_000), .text("nine"), .text("bad"), .text("10.0.0.1/8"), .ticks(125), .float(1e-30),
                            .text("ab"), .text("{\"a\": 1}"), .text("1 day 02:00:00"),
                        ]
                    ]
                )
            ], fields, into: table, run: "r1", on: session)
        #expect(
            try await place.rows("SELECT id, name, m, a, p, n, c, made, j, d, _run_id FROM orders ORDER BY id") == [
                ["0", "∅", "∅", "∅", "∅", "∅", "∅", "∅", "∅", "∅", "∅"],
                [
                    "70000", "nine", "bad", "10.0.0.1/8", "12.50", "0.000000000000000000000000000001", "ab  ", "4",
                    "{\"a\": 1}", "1 day 02:00:00", "r1",
                ],
            ])
    }

    @Test func aValueThatTheServerCannotHoldLeavesTheLoadAsItWas() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let fields = [Field("v", .utf8), Field("j", .json)]
        let plan = try await session.plan(TableRequest(table: table, schema: Schema(fields)))
        let open = try await session.begin(
            Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
        for bad in [["a\0b", "1"], ["", "\"\\u0000\""], ["", "\"\\ud83d x\""], ["", "[\"\\\\\", \"\\udc00\"]"]] {
            let error = await #expect(throws: SluiceError.self) {
                try await open.write(try batch(fields, [[.text("good"), .null], bad.map(Value.text)]), from: "f")
            }
            #expect(error?.code == .conversion)
        }
        let good = "{\"a\": \"\\\\u0000 \\ud83d\\ude00 \\u00e9\"}"
        try await open.write(try batch(fields, [[.text("x"), .text(good)]]), from: "f")
        let result = try await open.commit(LoadRecord(staged: [], outcome: AuditOutcome(.success, finishedAt: 0)))
        #expect(result.inserted == 1)
        #expect(try await place.rows("SELECT v, j->>'a' FROM orders") == [["x", "\\u0000 \u{1F600} é"]])
    }

    @Test func whatTheServerRefusesNamesColumnAndRowAndLeavesNothing() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await place.admin.execute("CREATE TABLE orders (id bigint, name text CHECK (name <> 'bad'))")
        let error = await #expect(throws: SluiceError.self) {
            try await load([("a", [row(1, "x"), row(2, "bad")])], fields, into: table, on: session)
        }
        #expect(error?.message.contains("orders_name_check") == true)
        #expect(try await place.single("SELECT count(*) FROM orders") == "0")
        #expect(try await place.single("SELECT count(*) FROM sluice_ledger") == "0")
        // The session goes on.
        #expect(try await load([("a", [row(1, "x")])], fields, into: table, on: session).inserted == 1)
    }

    @Test func rowsThatAreThereAreLeftOutNullBeingLikeNull() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await load([("a", [row(1, "x"), row(2, nil)])], fields, into: table, on: session)
        let result = try await load(
            [("b", [row(1, "x"), row(1, "y"), row(2, nil), row(3, nil), row(3, nil), row(4, "n")])], fields,
            into: table,
            .appendNew(by: ["id", "name"]), on: session)
        #expect(result == LoadResult(inserted: 4, skipped: 2))
        #expect(
            try await place.rows("SELECT id, name FROM orders ORDER BY id, name") == [
                ["1", "x"], ["1", "y"], ["2", "∅"], ["3", "∅"], ["3", "∅"], ["4", "n"],
            ])
    }

    @Test func aFullRefreshAndASupersededFileLeaveInTheSameTransaction() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await load([("a", [row(1, "x")]), ("b", [row(2, "y")])], fields, into: table, on: session)
        try await load([("c", [row(3, "z")])], fields, into: table, on: session) { $0.superseded = ["a", "nothing"] }
        #expect(try await place.rows("SELECT id FROM orders ORDER BY id") == [["2"], ["3"]])
        try await load([("d", [row(4, "z")])], fields, into: table, on: session) { $0.clearsFirst = true }
        #expect(try await place.rows("SELECT id FROM orders ORDER BY id") == [["4"]])
        try await load(
            [("e", [row(5, "z")])], fields, into: table, .merge(key: ["id"], order: nil, deletion: nil), on: session
        ) {
            $0.clearsFirst = true
        }
        #expect(try await place.rows("SELECT id FROM orders ORDER BY id") == [["5"]])
    }

    @Test func aPlanThatHasBecomeOldIsTransient() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let plan = try await session.plan(TableRequest(table: table, schema: Schema(fields)))
        try await place.admin.execute("CREATE TABLE orders (id int)")
        let error = await #expect(throws: SluiceError.self) {
            _ = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
        }
        #expect(error?.isTransient == true)
    }

    @Test func whatIsNoTableIsRefused() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await place.admin.execute("CREATE VIEW orders AS SELECT 1 AS id")
        let error = await #expect(throws: SluiceError.self) {
            _ = try await session.plan(TableRequest(table: table, schema: Schema(fields)))
        }
        #expect(error?.message.contains("is a view") == true)
        let other = await #expect(throws: SluiceError.self) {
            _ = try await session.plan(TableRequest(table: TableName(schema: "no\"where", "t"), schema: Schema(fields)))
        }
        #expect(other?.hint?.contains("CREATE SCHEMA \"no\"\"where\"") == true)
    }

    @Test func aPartitionedTableTakesRows() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await place.admin.execute(
            """
            CREATE TABLE orders (id bigint, name text) PARTITION BY RANGE (id);
            CREATE TABLE p1 PARTITION OF orders FOR VALUES FROM (0) TO (10);
            CREATE TABLE p2 PARTITION OF orders FOR VALUES FROM (10) TO (20)
            """)
        for mode in [LoadMode.append, .replace, .merge(key: ["id"], order: nil, deletion: nil)] {
            try await load([("a", [row(1, "x"), row(11, "y")])], fields, into: table, mode, on: session)
        }
        #expect(
            try await place.rows("SELECT tableoid::regclass, id FROM orders ORDER BY id") == [
                ["p1", "1"], ["p2", "11"],
            ])
    }

    @Test func aQueryReturnsTypedColumnsAndWritesNothing() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let found = try await session.query(
            "SELECT 1 AS a, 2.50::numeric(5,2) AS a, ARRAY['x', NULL], interval '1 day', 'y'::name -- the end\n;",
            limit: 5)
        #expect(found.rowCount == 1)
        #expect(
            found.columns.map { $0.value(at: 0) } == [
                .int(1), .ticks(250), .list([.text("x"), .null]), .text("1 day"), .text("y"),
            ])
        #expect(
            try await session.query("SELECT i FROM generate_series(1, 100000) AS i", limit: 70_000).rowCount == 70_000)
        #expect(try await session.query("SELECT 1 AS x WHERE false", limit: 5).rowCount == 0)
        for sql in ["CREATE TABLE x ()", "SELECT 1) TO STDOUT; DROP TABLE sluice_ledger; --", "SELECT nextval('x')"] {
            await #expect(throws: SluiceError.self) { _ = try await session.query(sql, limit: 1) }
        }
        #expect(try await session.query("SELECT count(*) FROM sluice_ledger", limit: 1).rowCount == 1)
    }
}
