import Columns
import ODBC
import Support
import Testing
import Warehouse

/// What Sluice keeps in a SQL Server for itself, and its locks.
@Suite(.serialized, .enabled(if: TestSQLServer.isThere, TestSQLServer.absence)) struct SQLServerSessionTests {
    private let fields = [Field("id", .int64)]
    private let table = TableName("t")

    private func audit(_ run: String) -> AuditRun {
        AuditRun(
            run: run, pipeline: "test.job", source: "s", protocolName: "file", table: "t",
            startedAt: 1_600_000_000_999_999)
    }

    private func record(
        _ paths: [String], watermark: Watermark? = nil, source: [SourceFile] = []
    ) -> LoadRecord {
        LoadRecord(
            staged: paths.map { StagedFile(path: $0, size: 1, hash: "h", rows: 1, source: "s\"1") }, source: source,
            watermark: watermark, outcome: AuditOutcome(.success, files: paths.count, finishedAt: 1_700_000_000_000_001)
        )
    }

    @Test func theAuditTableHasTheColumnsThatWereAskedFor() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            try await session.prepare()
            #expect(
                try await place.rows(
                    """
                    SELECT c.name, TYPE_NAME(c.system_type_id), c.max_length, CONVERT(INT, c.is_nullable) FROM sys.columns AS c
                    WHERE c.object_id = OBJECT_ID('{}.etl_audit_log') ORDER BY c.column_id
                    """) == [
                        ["id", "bigint", "8", "0"], ["run_id", "nvarchar", "128", "0"],
                        ["pipeline_name", "nvarchar", "512", "0"], ["source_name", "nvarchar", "512", "0"],
                        ["protocol", "nvarchar", "128", "0"], ["target_table", "nvarchar", "512", "0"],
                        ["status", "nvarchar", "32", "0"], ["rows_loaded", "bigint", "8", "1"],
                        ["parquet_files", "int", "4", "1"], ["error_message", "nvarchar", "-1", "1"],
                        ["started_at", "datetimeoffset", "10", "0"], ["finished_at", "datetimeoffset", "10", "1"],
                    ])
            await session.close()
        }
    }

    @Test func manySessionsMayPrepareAtOnce() async throws {
        try await SQLServerPlace.with { place in
            let warehouse = place.warehouse
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 {
                    group.addTask {
                        let session = try await warehouse.connect(as: "prepare")
                        try await session.prepare()
                        await session.close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aLockNamesItsHolderAndDiesWithIt() async throws {
        try await SQLServerPlace.with { place in
            let first = try await place.session("sluice shop.orders run 0f3 " + String(repeating: "é", count: 140))
            let second = try await place.session("second")
            let job = "job \(place.schema)" + String(repeating: "x", count: 300)
            try await first.lock(job, wait: .zero)
            try await first.lock(job, wait: .zero)
            try await second.lock(job + "2", wait: .zero)
            try await first.begin(
                AuditRun(run: "0f3", pipeline: job, source: "", protocolName: "", table: "", startedAt: 0))
            let error = await #expect(throws: SluiceError.self) { try await second.lock(job, wait: .milliseconds(120)) }
            #expect(error?.isTransient == true)
            // By its label or, without the right to see sessions, by its run.
            #expect(error?.message.contains("run 0f3") == true)
            async let waiting: Void = second.lock(job, wait: .seconds(20))
            try await Task.sleep(for: .milliseconds(100))
            await first.close()
            try await waiting
            let third = try await place.session("third")
            await #expect(throws: SluiceError.self) { try await third.lock(job, wait: .zero) }
            await second.close()
            try await third.lock(job, wait: .seconds(10))
            await #expect(throws: SluiceError.self) { _ = try await first.status(of: "r") }
            await third.close()
        }
    }

    @Test func rowsLedgerWatermarkAndAuditRowComeTogether() async throws {
        try await SQLServerPlace.with { place in
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
                SourceFile(path: "/ü" + String(repeating: "x", count: 3000), size: 2, modified: 0, hash: "y", rows: 3),
            ]
            try await load(
                [("a", [[.int(1)]])], fields, into: table, run: "r1",
                record: record(["lake/a", "lake/\"b", "lake/A"], watermark: mark, source: files), on: session)
            #expect(try await session.watermark(of: "test.job") == mark)
            let sources = try await session.sourceFiles(of: "test.job")
            #expect(sources == [files[0].path: files[0], files[1].path: files[1]])
            let staged = try await session.stagedFiles(of: "test.job", from: ["s\"1", "other"])
            #expect(staged == ["lake/\"b", "lake/A", "lake/a"])
            #expect(try await session.stagedFiles(of: "test.job", from: ["other", "S\"1"]) == [])
            #expect(try await session.lastLoad(of: "test.job") == 1_700_000_000_123_456)
            #expect(
                try await session.recentRuns(of: "test.job", limit: 5) == [
                    AuditEntry(
                        run: "r1", status: .success, rows: 1, files: 3, startedAt: 1_600_000_000_999_999,
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
            #expect(try await place.single("SELECT CONVERT(VARCHAR(9), COUNT(*)) FROM {}.t") == "1")
            #expect(try await session.status(of: "r2") == nil)
            try await load(
                [("a", [[.int(2)]])], fields, into: table, run: "r3",
                record: record(
                    ["lake/c"], watermark: Watermark(column: "id", type: "int64", value: "2"), source: [files[1]]),
                on: session
            ) { $0.forgetsFirst = true }
            #expect(try await session.watermark(of: "test.job")?.value == "2")
            #expect(try await session.sourceFiles(of: "test.job").count == 1)
            #expect(try await session.status(of: "r3") == .success)
            await session.close()
        }
    }

    @Test(arguments: [-1, 0, 999_999, 253_402_300_799_999_999, -62_135_596_800_000_000, 1_732_167_000_000_003])
    func momentsAreKeptToTheMicrosecond(_ moment: Int64) async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            var run = audit("r")
            run.startedAt = moment
            try await session.begin(run)
            #expect(try await session.recentRuns(of: "test.job", limit: 1).first?.startedAt == moment)
            await session.close()
        }
    }

    @Test func failuresAndTheDeadAreTold() async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            for run in ["r1", "r2", "r3"] { try await session.begin(audit(run)) }
            try await session.end("r1", AuditOutcome(.failure, error: "it's 'bad'\n", finishedAt: 5))
            #expect(
                try await session.recentRuns(of: "test.job", limit: 9).first { $0.run == "r1" }?.error == "it's 'bad'\n"
            )
            #expect(try await session.buryDead(of: "test.job", sparing: "r2") == ["r3"])
            #expect(try await session.status(of: "r3") == .died)
            #expect(try await session.status(of: "r2") == .running)
            await session.close()
        }
    }

    @Test(arguments: [LoadMode.append, .replace, .merge(key: ["id"], order: nil, deletion: nil)])
    func aLoadThatIsGivenUpLeavesNothingAndTheSessionUsable(_ mode: LoadMode) async throws {
        try await SQLServerPlace.with { place in
            let session = try await place.session()
            try await load([("a", [[.int(1)]])], fields, into: table, mode, on: session)
            let more = fields + [Field("new", .utf8)]
            var key: [String] = []
            if case .merge(let names, _, _) = mode { key = names }
            let plan = try await session.plan(TableRequest(table: table, schema: Schema(more), key: key))
            let open = try await session.begin(Load(run: "r", job: "j", plan: plan, mode: mode, loadedAt: 0))
            let rows = try batch(more, [[.int(2), .text("x")]])
            try await open.write(RecordBatch(schema: open.schema, columns: rows.columns, rowCount: 1), from: "f")
            // Nobody waits for a load that is under way.
            #expect(try await place.rows("SELECT id FROM {}.t") == [["1"]])
            await open.rollback()
            #expect(try await place.rows("SELECT id FROM {}.t") == [["1"]])
            #expect(
                try await place.single(
                    "SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('{}.t') AND name = 'new'") == nil)
            try await load([("b", [[.int(3), .text("y")]])], more, into: table, mode, on: session)
            await session.close()
        }
    }
}
