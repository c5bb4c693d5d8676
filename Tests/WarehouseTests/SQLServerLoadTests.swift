import Columns
import ODBC
import Support
import Testing
import Warehouse

/// Rows into a real SQL Server, in every mode and by both ways of sending them, and what they look like there.
@Suite(.serialized, .enabled(if: TestSQLServer.isThere, TestSQLServer.absence)) struct SQLServerLoadTests {
    private let fields = [Field("id", .int64), Field("name", .utf8)]
    private let table = TableName("orders")

    private func row(_ id: Int, _ name: String?) -> [Value] { [.int(Int128(id)), name.map(Value.text) ?? .null] }

    @Test(arguments: [true, false]) func aNewTableHasRowsAndLineageOfEveryFile(_ copies: Bool) async throws {
        try await SQLServerPlace.with(copies: copies) { place in
            let session = try await place.session()
            let result = try await load(
                [
                    ("a.parquet", [row(1, "x"), row(2, nil)]), ("b.parquet", [row(3, "ü\u{1F600}")]),
                    ("c", [row(4, "")]),
                ],
                fields, into: table, run: "r1", on: session)
            #expect(result == LoadResult(inserted: 4))
            let shown =
                "SELECT id, name, _source_file, CONVERT(VARCHAR(40), CONVERT(DATETIME2(6), _loaded_at), 121), _run_id FROM {}.orders ORDER BY id"
            let at = "2023-11-14 22:13:20.123456"
            let rows = try await place.rows(shown)
            #expect(
                rows == [
                    ["1", "x", "a.parquet", at, "r1"], ["2", "∅", "a.parquet", at, "r1"],
                    ["3", "ü\u{1F600}", "b.parquet", at, "r1"], ["4", "", "c", at, "r1"],
                ])
            try await place.execute("INSERT INTO {}.orders (id) VALUES (5)")
            let now = "SELECT CASE WHEN _loaded_at > '2025-01-01' THEN 'now' END FROM {}.orders WHERE id = 5"
            #expect(try await place.single(now) == "now")
            // The temporary tables are gone with the load, so that the next one can begin.
            #expect(try await load([("d", [row(1, "y")])], fields, into: table, run: "r2", on: session).inserted == 1)
            await session.close()
        }
    }

    @Test func anEmptyLoadStillMakesTheTable() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            #expect(try await load([], fields, into: table, on: session) == LoadResult())
            #expect(
                try await place.rows(
                    "SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('{}.orders') ORDER BY column_id") == [
                        ["id"], ["name"], ["_source_file"], ["_loaded_at"], ["_run_id"],
                    ])
            await session.close()
        }
    }

    @Test func rowsThatAreThereAreLeftOutNullBeingLikeNull() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            let mode = LoadMode.appendNew(by: ["id", "name"])
            let rows = [row(1, "x"), row(2, nil), row(1, "X"), row(1, "x ")]
            #expect(try await load([("a", rows)], fields, into: table, mode, on: session).inserted == 4)
            let result = try await load([("b", rows + [row(2, "n")])], fields, into: table, mode, on: session)
            #expect(result == LoadResult(inserted: 1, skipped: 4))
            await session.close()
        }
    }

    @Test func aFullRefreshAndASupersededFileLeaveInTheSameTransaction() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            try await load([("a", [row(1, "x")]), ("b", [row(2, "y")])], fields, into: table, on: session)
            try await load([("c", [row(3, "z")])], fields, into: table, on: session) { $0.superseded = ["a", "it's"] }
            #expect(try await place.rows("SELECT id FROM {}.orders ORDER BY id") == [["2"], ["3"]])
            try await load([("d", [row(4, "z")])], fields, into: table, on: session) { $0.clearsFirst = true }
            #expect(try await place.rows("SELECT id FROM {}.orders ORDER BY id") == [["4"]])
            try await load([("e", [row(5, "z")])], fields, into: table, .replace, on: session)
            #expect(try await place.rows("SELECT id FROM {}.orders ORDER BY id") == [["5"]])
            await session.close()
        }
    }

    @Test(arguments: [true, false])
    func aValueThatTheServerCannotHoldLeavesTheLoadAsItWas(_ copies: Bool) async throws {
        try await SQLServerPlace.with(copies: copies) { place in
            let session = try await place.session()
            let fields = [
                Field("f", .float64), Field("d", .date), Field("t", .timestamp(.nanosecond, zone: nil)),
                Field("i", .int32),
            ]
            let plan = try await session.plan(TableRequest(table: table, schema: Schema(fields)))
            let open = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
            let good: [Value] = [.float(0.1), .ticks(0), .ticks(place.isBabelfish ? 1000 : 100), .int(1)]
            let bad: [(String, [Value])] = [
                ("f", [.float(.nan), .ticks(0), .ticks(0), .int(1)]), ("f", [.float(.infinity), .null, .null, .null]),
                ("d", [.null, .ticks(2_932_897), .null, .null]), ("t", [.null, .null, .ticks(101), .null]),
            ]
            for (column, row) in bad {
                let rows = try batch(fields, [good, row])
                let error = await #expect(throws: SluiceError.self) {
                    try await open.write(
                        RecordBatch(schema: open.schema, columns: rows.columns, rowCount: 2), from: "f")
                }
                #expect(error?.code == .conversion)
                #expect(error?.place.column == column)
                #expect(error?.place.row == 2)
            }
            let rows = try batch(fields, [good])
            try await open.write(RecordBatch(schema: open.schema, columns: rows.columns, rowCount: 1), from: "f")
            let record = LoadRecord(staged: [], outcome: AuditOutcome(.success, finishedAt: 0))
            #expect(try await open.commit(record).inserted == 1)
            #expect(
                try await place.rows("SELECT f, d, CONVERT(VARCHAR(30), t, 121), i FROM {}.orders")[0].suffix(3) == [
                    "1970-01-01", place.isBabelfish ? "1970-01-01 00:00:00.000001" : "1970-01-01 00:00:00.0000001", "1",
                ])
            await session.close()
        }
    }

    @Test func aTableOfSomebodyElseGetsLineageAndKeepsItsTypes() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            try await place.execute(
                """
                CREATE TABLE {}.orders (id SMALLINT NOT NULL, name VARCHAR(10) COLLATE Latin1_General_CI_AS, c NCHAR(4),
                    m MONEY, d DATETIME2(3), x XML, twice AS (need * 2), number INT IDENTITY(1,1), v \(place.isBabelfish ? "INT" : "ROWVERSION"),
                    need INT NOT NULL DEFAULT 7);
                INSERT INTO {}.orders (id) VALUES (0)
                """)
            let fields = [
                Field("id", .int32), Field("name", .utf8), Field("c", .utf8),
                Field("m", .decimal(precision: 5, scale: 1)),
                Field("d", .timestamp(.millisecond, zone: nil)), Field("x", .utf8),
            ]
            let values: [Value] = [
                .int(70_000), .text("Zoë \u{1F600}"), .text("ab"), .ticks(125), .ticks(1), .text("<a>ü</a>"),
            ]
            try await load([("f", [values])], fields, into: table, run: "r1", on: session)
            let shown = """
                SELECT id, name, c, CASE WHEN m = 12.5 THEN 'same' END, CONVERT(VARCHAR(30), d, 121), CONVERT(NVARCHAR(99), x), twice,
                    number, need, _run_id FROM {}.orders ORDER BY id
                """
            let rows = try await place.rows(shown)
            #expect(
                rows == [
                    ["0", "∅", "∅", "∅", "∅", "∅", "14", "1", "7", "∅"],
                    [
                        "70000", "Zoë \u{1F600}", "ab  ", "same", "1970-01-01 00:00:00.001", "<a>ü</a>", "14",
                        "2", "7",
                        "r1",
                    ],
                ])
            await session.close()
        }
    }

    @Test func aPlanThatHasBecomeOldIsTransient() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            let plan = try await session.plan(TableRequest(table: table, schema: Schema(fields)))
            let open = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
            try await place.execute("CREATE TABLE {}.orders (id INT)")
            let record = LoadRecord(staged: [], outcome: AuditOutcome(.success, finishedAt: 0))
            let late = await #expect(throws: SluiceError.self) { try await open.commit(record) }
            #expect(late?.isTransient == true)
            await open.rollback()
            let error = await #expect(throws: SluiceError.self) {
                try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
            }
            #expect(error?.isTransient == true)
            #expect(try await load([("f", [row(1, "x")])], fields, into: table, on: session).inserted == 1)
            await session.close()
        }
    }

    @Test func aViewIsNoTable() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            try await place.execute("CREATE VIEW {}.orders AS SELECT 1 AS id")
            let error = await #expect(throws: SluiceError.self) {
                try await load([("f", [row(1, "x")])], fields, into: table, on: session)
            }
            #expect(error?.message.contains("is a view") == true)
            let lost = await #expect(throws: SluiceError.self) {
                try await session.plan(TableRequest(table: TableName(schema: "no [such", "t"), schema: Schema(fields)))
            }
            #expect(lost?.hint?.contains("CREATE SCHEMA [no [such]") == true)
            await session.close()
        }
    }

    @Test(arguments: [true, false]) func manyRowsOfEveryLengthArriveWhole(_ copies: Bool) async throws {
        try await SQLServerPlace.with(copies: copies) { place in
            let session = try await place.session()
            let fields = [Field("id", .int32), Field("t", .utf8), Field("b", .binary)]
            let plan = try await session.plan(TableRequest(table: table, schema: Schema(fields)))
            let open = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
            let (ids, texts, blobs) = (
                FixedBuilder<Int32>(.int32, convert: { _ in nil }), BytesBuilder(.utf8), BytesBuilder(.binary)
            )
            let count = copies ? 120_000 : 5000
            var (units, bytes) = (0, 0)
            for id in 0..<count {
                ids.append(Int32(id))
                // Longer and longer ones among the short ones, beyond what a page of the server holds.
                let length = id % 1000 == 7 ? id % 20_000 : id % 30
                texts.append(String(repeating: "é", count: length))
                [UInt8](repeating: UInt8(id & 255), count: length / 2).withUnsafeBytes { blobs.append($0) }
                units += length
                bytes += length / 2
            }
            let columns = [ids.finish(), texts.finish(), blobs.finish()]
            try await open.write(RecordBatch(schema: open.schema, columns: columns, rowCount: count), from: "f")
            let record = LoadRecord(staged: [], outcome: AuditOutcome(.success, finishedAt: 0))
            #expect(try await open.commit(record).inserted == count)
            let sums = """
                SELECT CONVERT(VARCHAR(20), COUNT(*)), CONVERT(VARCHAR(20), SUM(CONVERT(BIGINT, DATALENGTH(t))) / 2),
                    CONVERT(VARCHAR(20), SUM(CONVERT(BIGINT, DATALENGTH(b)))),
                    CONVERT(VARCHAR(20), COUNT(DISTINCT id)), CONVERT(VARCHAR(20), COUNT(t)) FROM {}.orders
                """
            #expect(
                try await place.rows(sums) == [
                    [String(count), String(units), String(bytes), String(count), String(count)]
                ])
            await session.close()
        }
    }

    @Test func aQueryReturnsTypedColumnsAndWritesNothing() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            try await load([("a", [row(1, "x"), row(2, nil), row(3, "z")])], fields, into: table, on: session)
            let found = try await session.query(
                "SELECT id, name FROM [\(place.schema)].orders ORDER BY id", limit: 2)
            #expect(found.rowCount == 2)
            #expect(found.schema.fields.map(\.type) == [.int64, .utf8])
            #expect(found.columns[0].fixed(at: 1, as: Int64.self) == 2)
            _ = try? await session.query("DELETE FROM [\(place.schema)].orders", limit: 2)
            #expect(try await place.single("SELECT CONVERT(VARCHAR(9), COUNT(*)) FROM {}.orders") == "3")
            await #expect(throws: SluiceError.self) {
                _ = try await session.query("COMMIT TRANSACTION; SELECT 1 AS x", limit: 2)
            }
            #expect(try await load([("b", [row(1, "y")])], fields, into: table, on: session).inserted == 1)
            await session.close()
        }
    }
}
