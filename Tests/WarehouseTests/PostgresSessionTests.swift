import Columns
import Postgres
import Support
import TestServers
import Testing
import Warehouse

/// Locks, own tables and what is committed together, against a real PostgreSQL.
@Suite(.enabled(if: TestPostgres.shared != nil)) struct PostgresSessionTests {
    private let fields = [Field("id", .int64)]
    private let table = TableName("t")

    private func record(_ paths: [String], watermark: Watermark? = nil, source: [SourceFile] = []) -> LoadRecord {
        LoadRecord(
            staged: paths.map { StagedFile(path: $0, size: 3, hash: "h'\"\\", rows: 1, source: "s\"1") },
            source: source,
            watermark: watermark, outcome: AuditOutcome(.success, files: paths.count, finishedAt: 1_700_000_000_000_001)
        )
    }

    private func audit(_ run: String, startedAt: Int64 = 1_600_000_000_999_999) -> AuditRun {
        AuditRun(
            run: run, pipeline: "test.job", source: String(repeating: "ü", count: 300), protocolName: "file",
            table: "t",
            startedAt: startedAt)
    }

    @Test func theAuditTableHasTheColumnsThatWereAskedFor() async throws {
        let place = try await PostgresPlace()
        _ = try await place.session()
        let columns = try await place.rows(
            """
            SELECT column_name, data_type, character_maximum_length, is_nullable, is_identity
            FROM information_schema.columns WHERE table_schema = '\(place.schema)' AND table_name = 'etl_audit_log'
            ORDER BY ordinal_position
            """)
        let moment = "timestamp with time zone"
        #expect(
            columns == [
                ["id", "bigint", "∅", "NO", "YES"], ["run_id", "character varying", "64", "NO", "NO"],
                ["pipeline_name", "character varying", "256", "NO", "NO"],
                ["source_name", "character varying", "256", "NO", "NO"],
                ["protocol", "character varying", "64", "NO", "NO"],
                ["target_table", "character varying", "256", "NO", "NO"],
                ["status", "character varying", "16", "NO", "NO"],
                ["rows_loaded", "bigint", "∅", "YES", "NO"], ["parquet_files", "integer", "∅", "YES", "NO"],
                ["error_message", "text", "∅", "YES", "NO"], ["started_at", moment, "∅", "NO", "NO"],
                ["finished_at", moment, "∅", "YES", "NO"],
            ])
    }

    @Test func manySessionsMayPrepareAtOnce() async throws {
        let place = try await PostgresPlace()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 { group.addTask { _ = try await place.session() } }
            try await group.waitForAll()
        }
        #expect(try await place.single("SELECT count(*) FROM pg_tables WHERE schemaname = '\(place.schema)'") == "4")
    }

    @Test func aRoleThatMayMakeNothingLoadsIntoWhatIsThere() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await load([("a", [[.int(1)]])], fields, into: table, on: session)
        let role = "role_\(place.schema)"
        try await place.admin.execute(
            """
            CREATE ROLE \(role) LOGIN; GRANT USAGE ON SCHEMA \(place.schema) TO \(role);
            GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA \(place.schema) TO \(role)
            """)
        var settings = place.settings
        settings["user"] = role
        let limited = try await PostgresWarehouse(settings: settings).connect(as: "limited")
        try await limited.prepare()
        try await limited.begin(audit("r2"))
        for mode in [LoadMode.append, .appendNew(by: ["id"]), .merge(key: ["id"], order: nil, deletion: nil)] {
            try await load([("a", [[.int(2)]])], fields, into: table, mode, on: limited)
        }
        #expect(try await place.single("SELECT count(*) FROM t") == "2")
        let error = await #expect(throws: SluiceError.self) {
            try await load([("a", [[.int(2)]])], fields, into: TableName("other"), on: limited)
        }
        #expect(error?.code == .permission)
        await limited.close()
        try await place.admin.execute("DROP TABLE sluice_watermarks")
        let again = try await PostgresWarehouse(settings: settings).connect(as: "limited")
        let missing = await #expect(throws: SluiceError.self) { try await again.prepare() }
        #expect(missing?.code == .permission)
        #expect(missing?.hint?.contains("grant") == true)
        await again.close()
        try await place.admin.execute("DROP OWNED BY \(role); DROP ROLE \(role)")
    }

    @Test func aLockNamesItsHolderAndDiesWithIt() async throws {
        let place = try await PostgresPlace()
        let long = "sluice shop.orders run 0f3 " + String(repeating: "é", count: 40)
        let first = try await place.session(long)
        let second = try await place.session("second")
        let job = "job \(place.schema)"
        try await first.lock(job, wait: .zero)
        try await second.lock(job + "2", wait: .zero)
        let error = await #expect(throws: SluiceError.self) { try await second.lock(job, wait: .milliseconds(120)) }
        #expect(error?.isTransient == true)
        #expect(error?.message.contains("sluice shop.orders run 0f3 ") == true)
        #expect(error?.message.contains("127.0.0.1") == true)
        // The holder is killed, and its lock goes.
        async let waiting: Void = second.lock(job, wait: .seconds(20))
        try await Task.sleep(for: .milliseconds(100))
        try await place.admin.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice shop.orders run 0f3%'"
        )
        try await waiting
        let third = try await place.session("third")
        await #expect(throws: SluiceError.self) { try await third.lock(job, wait: .zero) }
        await second.close()
        try await third.lock(job, wait: .seconds(10))
        await #expect(throws: SluiceError.self) { _ = try await first.status(of: "r") }
    }

    @Test func rowsLedgerWatermarkAndAuditRowComeTogether() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        #expect(try await session.status(of: "r1") == nil)
        #expect(try await session.watermark(of: "test.job") == nil)
        #expect(try await session.lastLoad(of: "test.job") == nil)
        try await session.begin(audit("r1"))
        try await session.begin(audit("r1"))
        #expect(try await session.status(of: "r1") == .running)
        let mark = Watermark(column: "it's", type: "timestamp(us, UTC)", value: "2024-01-01T00:00:00.000001Z")
        let files = [
            SourceFile(path: "/a\"b\\c\n", size: 1, modified: 1_700_000_000_123_456_789, hash: "x", rows: 2),
            SourceFile(path: "/ü", size: 2, modified: 0, hash: "y", rows: 3),
        ]
        try await load(
            [("a", [[.int(1)]])], fields, into: table, run: "r1",
            record: record(["lake/a", "lake/\"b"], watermark: mark, source: files), on: session)
        #expect(try await session.watermark(of: "test.job") == mark)
        #expect(try await session.sourceFiles(of: "test.job") == [files[0].path: files[0], files[1].path: files[1]])
        #expect(try await session.stagedFiles(of: "test.job", from: ["s\"1", "other"]) == ["lake/\"b", "lake/a"])
        #expect(try await session.stagedFiles(of: "test.job", from: ["other"]) == [])
        #expect(try await session.lastLoad(of: "test.job") == 1_700_000_000_123_456)
        #expect(
            try await session.recentRuns(of: "test.job", limit: 5) == [
                AuditEntry(
                    run: "r1", status: .success, rows: 1, files: 2, startedAt: 1_600_000_000_999_999,
                    finishedAt: 1_700_000_000_000_001)
            ])
        // A run that is loaded cannot be called a failure afterwards.
        try await session.end("r1", AuditOutcome(.failure, error: "late", finishedAt: 0))
        #expect(try await session.status(of: "r1") == .success)
        // The same staged file once more: nothing of that load stays.
        let error = await #expect(throws: SluiceError.self) {
            try await load(
                [("a", [[.int(2)]])], fields, into: table, run: "r2", record: record(["lake/a"]), on: session)
        }
        #expect(error?.message.contains("in the ledger already") == true)
        #expect(try await place.single("SELECT count(*) FROM t") == "1")
        #expect(try await session.status(of: "r2") == nil)
        try await load(
            [("a", [[.int(2)]])], fields, into: table, run: "r3",
            record: record(
                ["lake/c"], watermark: Watermark(column: "id", type: "int64", value: "2"), source: [files[1]]),
            on: session)
        #expect(try await session.watermark(of: "test.job")?.value == "2")
        #expect(try await session.status(of: "r3") == .success)
    }

    @Test(arguments: [-1, 0, 999_999, 253_402_300_799_999_999, -62_135_596_800_000_000, 1_732_167_000_000_003])
    func momentsAreKeptToTheMicrosecond(_ moment: Int64) async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await session.begin(audit("r1", startedAt: moment))
        #expect(try await session.recentRuns(of: "test.job", limit: 1).map(\.startedAt) == [moment])
    }

    @Test func failuresAndTheDeadAreTold() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        for run in ["r1", "r2", "r3", "r4"] { try await session.begin(audit(run)) }
        try await session.end("r1", AuditOutcome(.failure, files: 2, error: "it's \"broken\"", finishedAt: 5))
        #expect(try await session.buryDead(of: "test.job", sparing: "r3").sorted() == ["r2", "r4"])
        #expect(try await session.buryDead(of: "other", sparing: "r3") == [])
        let states = try await place.rows("SELECT run_id, status, error_message FROM etl_audit_log ORDER BY run_id")
        #expect(states[0] == ["r1", "failure", "it's \"broken\""])
        #expect(states.map { $0[1] } == ["failure", "died", "running", "died"])
    }

    @Test(arguments: [LoadMode.append, .replace, .merge(key: ["id"], order: nil, deletion: nil)])
    func aSessionThatDiesBeforeTheCommitLeavesNothing(_ mode: LoadMode) async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        try await load([("a", [[.int(1)]])], fields, into: table, run: "r1", record: record(["one"]), on: session)
        let label = "victim \(place.schema)"
        let victim = try await place.session(label)
        try await victim.begin(audit("r2"))
        let plan = try await victim.plan(TableRequest(table: table, schema: Schema(fields), key: ["id"]))
        let open = try await victim.begin(Load(run: "r2", job: "test.job", plan: plan, mode: mode, loadedAt: 0))
        try await open.write(try batch(fields, [[.int(2)]]), from: "b")
        try await place.admin.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", [label])
        let error = await #expect(throws: SluiceError.self) {
            try await open.write(try batch(fields, (0..<200_000).map { [.int(Int128($0))] }), from: "b")
            _ = try await open.commit(record(["two"], watermark: Watermark(column: "id", type: "int64", value: "2")))
        }
        #expect(error?.isTransient == true)
        await open.rollback()
        await victim.close()
        #expect(try await place.rows("SELECT id FROM t") == [["1"]])
        #expect(try await session.status(of: "r2") == .running)
        #expect(try await session.watermark(of: "test.job") == nil)
        #expect(try await place.rows("SELECT path FROM sluice_ledger") == [["one"]])
    }

    @Test func aRollbackLeavesTheSessionUsable() async throws {
        let place = try await PostgresPlace()
        let session = try await place.session()
        let plan = try await session.plan(TableRequest(table: table, schema: Schema(fields)))
        let open = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: .append, loadedAt: 0))
        try await open.write(try batch(fields, [[.int(2)]]), from: "b")
        await open.rollback()
        await open.rollback()
        #expect(try await place.single("SELECT to_regclass('t') IS NULL") == "t")
        await #expect(throws: SluiceError.self) { _ = try await open.commit(record([])) }
        #expect(try await load([("a", [[.int(1)]])], fields, into: table, on: session).inserted == 1)
    }
}
