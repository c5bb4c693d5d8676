import Columns
import SQLite
import Support

/// The tables that Sluice keeps for itself in an SQLite database: audit log, ledger, source files, watermarks.
struct SQLiteBooks: Sendable {
    private let database: SQLiteDatabase

    init(_ database: SQLiteDatabase) { self.database = database }

    static let names = ["etl_audit_log", "sluice_ledger", "sluice_source_files", "sluice_watermarks"]

    private static let statements = """
        CREATE TABLE IF NOT EXISTS main.etl_audit_log (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id TEXT NOT NULL,
            pipeline_name TEXT NOT NULL,
            source_name TEXT NOT NULL,
            protocol TEXT NOT NULL,
            target_table TEXT NOT NULL,
            status TEXT NOT NULL,
            rows_loaded INTEGER,
            parquet_files INTEGER,
            error_message TEXT,
            started_at TIMESTAMPTZ NOT NULL,
            finished_at TIMESTAMPTZ);
        CREATE UNIQUE INDEX IF NOT EXISTS main.etl_audit_log_run ON etl_audit_log (run_id);
        CREATE TABLE IF NOT EXISTS main.sluice_ledger (
            job TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, hash TEXT NOT NULL, rows INTEGER NOT NULL,
            source TEXT NOT NULL, run_id TEXT NOT NULL, loaded_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (job, path));
        CREATE TABLE IF NOT EXISTS main.sluice_source_files (
            job TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, hash TEXT NOT NULL,
            rows INTEGER NOT NULL, run_id TEXT NOT NULL, loaded_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (job, path));
        CREATE TABLE IF NOT EXISTS main.sluice_watermarks (
            job TEXT PRIMARY KEY NOT NULL, column_name TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL,
            run_id TEXT NOT NULL, loaded_at TIMESTAMPTZ NOT NULL);
        """

    private static func moment(_ microseconds: Int64) -> SQLiteValue {
        .text(Moment(microseconds: microseconds).iso)
    }

    private static func microseconds(_ value: SQLiteValue) -> Int64? {
        guard var text = value.text else { return nil }
        return text.withUTF8 { TextParser.timestamp(UnsafeRawBufferPointer($0))?.ticks(.microsecond) }
    }

    private static func cut(_ text: String, _ length: Int) -> SQLiteValue { .text(String(text.prefix(length))) }

    // MARK: Making them

    func prepare() async throws(SluiceError) {
        if try await areThere() { return }
        do throws(SluiceError) {
            try await database.execute("BEGIN IMMEDIATE")
            try await database.execute(Self.statements)
            try await database.execute("COMMIT")
        } catch {
            await database.rollback()
            throw error
        }
    }

    private func areThere() async throws(SluiceError) -> Bool {
        let marks = Self.names.map { _ in "?" }.joined(separator: ", ")
        let found = try await database.query(
            "SELECT count(*) FROM main.sqlite_schema WHERE type = 'table' AND name IN (\(marks))",
            Self.names.map { .text($0) })
        return found.single == .integer(Int64(Self.names.count))
    }

    // MARK: The audit log

    func begin(_ run: AuditRun) async throws(SluiceError) {
        try await database.query(
            """
            INSERT INTO main.etl_audit_log
                (run_id, pipeline_name, source_name, protocol, target_table, status, started_at)
            VALUES (?, ?, ?, ?, ?, 'running', ?)
            ON CONFLICT (run_id) DO UPDATE SET status = 'running', finished_at = NULL, error_message = NULL,
            rows_loaded = NULL, parquet_files = NULL
            """, Self.names(of: run))
    }

    private static func names(of run: AuditRun) -> [SQLiteValue] {
        [
            .text(run.run), cut(run.pipeline, 256), cut(run.source, 256), cut(run.protocolName, 64),
            cut(run.table, 256), moment(run.startedAt),
        ]
    }

    func end(_ run: String, _ outcome: AuditOutcome) async throws(SluiceError) {
        // A run that is loaded stays so: its commit may have been written though nobody was told.
        try await database.query(
            """
            UPDATE main.etl_audit_log SET status = ?, rows_loaded = 0, parquet_files = ?, error_message = ?,
            finished_at = ? WHERE run_id = ? AND status NOT IN ('success', 'partial')
            """,
            [
                .text(outcome.status.rawValue), .integer(Int64(outcome.files)),
                outcome.error.map { .text($0) } ?? .null,
                Self.moment(outcome.finishedAt), .text(run),
            ])
    }

    func status(of run: String) async throws(SluiceError) -> AuditStatus? {
        try await database.query("SELECT status FROM main.etl_audit_log WHERE run_id = ?", [.text(run)]).single?.text
            .flatMap(AuditStatus.init(rawValue:))
    }

    func buryDead(of pipeline: String, sparing run: String) async throws(SluiceError) -> [String] {
        try await database.query(
            """
            UPDATE main.etl_audit_log SET status = 'died', rows_loaded = 0, finished_at = ?,
            error_message = coalesce(error_message, 'the run ended without a word')
            WHERE pipeline_name = ? AND run_id <> ? AND status = 'running' RETURNING run_id
            """, [Self.moment(Moment.now.microseconds), Self.cut(pipeline, 256), .text(run)]
        ).rows.compactMap { $0[0].text }
    }

    func recentRuns(of pipeline: String, limit: Int) async throws(SluiceError) -> [AuditEntry] {
        try await database.query(
            """
            SELECT run_id, status, rows_loaded, parquet_files, error_message, started_at, finished_at
            FROM main.etl_audit_log WHERE pipeline_name = ? ORDER BY started_at DESC, id DESC LIMIT ?
            """, [Self.cut(pipeline, 256), .integer(Int64(max(limit, 0)))]
        ).rows.compactMap { row in
            // A status that somebody else's program wrote is none of ours to show.
            guard let run = row[0].text, let status = row[1].text.flatMap(AuditStatus.init(rawValue:)),
                let startedAt = Self.microseconds(row[5])
            else { return nil }
            return AuditEntry(
                run: run, status: status, rows: row[2].integer.map { Int($0) }, files: row[3].integer.map { Int($0) },
                error: row[4].text, startedAt: startedAt, finishedAt: Self.microseconds(row[6]))
        }
    }

    // MARK: What is known of a source

    func lastLoad(of job: String) async throws(SluiceError) -> Int64? {
        try await database.query("SELECT max(loaded_at) FROM main.sluice_ledger WHERE job = ?", [.text(job)]).single
            .flatMap { Self.microseconds($0) }
    }

    func watermark(of job: String) async throws(SluiceError) -> Watermark? {
        let rows = try await database.query(
            "SELECT column_name, type, value FROM main.sluice_watermarks WHERE job = ?", [.text(job)]
        ).rows
        guard let row = rows.first, let column = row[0].text, let type = row[1].text, let value = row[2].text else {
            return nil
        }
        return Watermark(column: column, type: type, value: value)
    }

    func sourceFiles(of job: String) async throws(SluiceError) -> [String: SourceFile] {
        let rows = try await database.query(
            "SELECT path, size, modified, hash, rows FROM main.sluice_source_files WHERE job = ?", [.text(job)]
        ).rows
        var files: [String: SourceFile] = [:]
        for row in rows {
            guard let path = row[0].text, let hash = row[3].text else { continue }
            files[path] = SourceFile(
                path: path, size: Int(row[1].integer ?? 0), modified: row[2].integer ?? 0, hash: hash,
                rows: Int(row[4].integer ?? 0))
        }
        return files
    }

    func stagedFiles(of job: String, from sources: [String]) async throws(SluiceError) -> [String] {
        var paths: [String] = []
        for source in Set(sources) {
            paths += try await database.query(
                "SELECT path FROM main.sluice_ledger WHERE job = ? AND source = ?", [.text(job), .text(source)]
            ).rows.compactMap { $0[0].text }
        }
        return paths.sorted()
    }

    // MARK: With a load, in its transaction

    /// Writes ledger, source files, watermark and audit row of a load.
    func record(_ record: LoadRecord, of load: Load, rows: Int, audit: AuditRun?) async throws(SluiceError) {
        let tail: [SQLiteValue] = [.text(load.run), Self.moment(load.loadedAt)]
        if load.forgetsFirst {
            for table in ["sluice_watermarks", "sluice_source_files"] {
                try await database.query("DELETE FROM main.\(table) WHERE job = ?", [.text(load.job)])
            }
        }
        for file in record.staged { try await enter(file, load.job, tail) }
        for file in record.source {
            try await database.query(
                """
                INSERT OR REPLACE INTO main.sluice_source_files
                    (job, path, size, modified, hash, rows, run_id, loaded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    .text(load.job), .text(file.path), .integer(Int64(file.size)), .integer(file.modified),
                    .text(file.hash), .integer(Int64(file.rows)),
                ] + tail)
        }
        if let mark = record.watermark {
            try await database.query(
                """
                INSERT OR REPLACE INTO main.sluice_watermarks (job, column_name, type, value, run_id, loaded_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """, [.text(load.job), .text(mark.column), .text(mark.type), .text(mark.value)] + tail)
        }
        let outcome = record.outcome
        let audit =
            audit
            ?? AuditRun(
                run: load.run, pipeline: load.job, source: "", protocolName: "",
                table: load.plan.request.table.description, startedAt: load.loadedAt)
        let end: [SQLiteValue] = [
            .text(outcome.status.rawValue), .integer(Int64(rows)), .integer(Int64(outcome.files)),
            outcome.error.map { .text($0) } ?? .null, Self.moment(outcome.finishedAt),
        ]
        try await database.query(
            """
            INSERT INTO main.etl_audit_log (run_id, pipeline_name, source_name, protocol, target_table, started_at,
                status, rows_loaded, parquet_files, error_message, finished_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, rows_loaded = excluded.rows_loaded,
            parquet_files = excluded.parquet_files, error_message = excluded.error_message,
            finished_at = excluded.finished_at
            """, Self.names(of: audit) + end)
    }

    private func enter(_ file: StagedFile, _ job: String, _ tail: [SQLiteValue]) async throws(SluiceError) {
        let known = try await database.query(
            "SELECT run_id, loaded_at FROM main.sluice_ledger WHERE job = ? AND path = ?",
            [.text(job), .text(file.path)]
        ).rows.first
        if let known {
            throw SluiceError(
                .invalidData,
                "the staged file \(file.path) is in the ledger already: run \(known[0].text ?? "?") loaded it at \(known[1].text ?? "?")",
                place: .init(file: database.name), hint: "It is loaded; nothing is to be done")
        }
        try await database.query(
            """
            INSERT INTO main.sluice_ledger (job, path, size, hash, rows, source, run_id, loaded_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                .text(job), .text(file.path), .integer(Int64(file.size)), .text(file.hash), .integer(Int64(file.rows)),
                .text(file.source),
            ] + tail)
    }
}
