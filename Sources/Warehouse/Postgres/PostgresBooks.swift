import Postgres
import Support

/// The tables that Sluice keeps for itself in a PostgreSQL database: audit log, ledger, source files, watermarks.
struct PostgresBooks: Sendable {
    private let connection: PostgresConnection

    init(_ connection: PostgresConnection) { self.connection = connection }

    private static let names = ["etl_audit_log", "sluice_ledger", "sluice_source_files", "sluice_watermarks"]

    private static let statements = [
        """
        CREATE TABLE IF NOT EXISTS etl_audit_log (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            run_id varchar(64) NOT NULL,
            pipeline_name varchar(256) NOT NULL,
            source_name varchar(256) NOT NULL,
            protocol varchar(64) NOT NULL,
            target_table varchar(256) NOT NULL,
            status varchar(16) NOT NULL,
            rows_loaded bigint,
            parquet_files integer,
            error_message text,
            started_at timestamptz NOT NULL,
            finished_at timestamptz)
        """,
        "CREATE UNIQUE INDEX IF NOT EXISTS etl_audit_log_run ON etl_audit_log (run_id)",
        """
        CREATE TABLE IF NOT EXISTS sluice_ledger (
            job text NOT NULL, path text NOT NULL, size bigint NOT NULL, hash text NOT NULL, rows bigint NOT NULL,
            source text NOT NULL, run_id text NOT NULL, loaded_at timestamptz NOT NULL, PRIMARY KEY (job, path))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice_source_files (
            job text NOT NULL, path text NOT NULL, size bigint NOT NULL, modified bigint NOT NULL, hash text NOT NULL,
            rows bigint NOT NULL, run_id text NOT NULL, loaded_at timestamptz NOT NULL, PRIMARY KEY (job, path))
        """,
        """
        CREATE TABLE IF NOT EXISTS sluice_watermarks (
            job text PRIMARY KEY, column_name text NOT NULL, type text NOT NULL, value text NOT NULL,
            run_id text NOT NULL, loaded_at timestamptz NOT NULL)
        """,
    ]

    /// Microseconds since 1970 as a timestamptz. The server multiplies intervals as floats, in which the microseconds of
    /// a far year have no room, but its seconds do.
    static func moment(_ microseconds: String) -> String {
        "(timestamptz 'epoch' + \(microseconds)::bigint / 1000000 * interval '1 second' "
            + "+ \(microseconds)::bigint % 1000000 * interval '1 microsecond')"
    }

    private static func moment(_ parameter: Int) -> String { moment("$\(parameter)") }

    /// A timestamptz as microseconds since 1970, without the detour by floats that older servers take.
    static func microseconds(_ moment: String) -> String {
        "(extract(epoch FROM date_trunc('second', \(moment)))::bigint * 1000000 + "
            + "extract(microseconds FROM \(moment))::bigint % 1000000)"
    }

    // MARK: Making them

    func prepare() async throws(SluiceError) {
        if try await areThere() { return }
        do throws(SluiceError) {
            try await connection.execute("BEGIN")
            // `IF NOT EXISTS` looks before it makes, so that two sessions could both find nothing and one would fail.
            try await connection.query("SELECT pg_advisory_xact_lock(hashtextextended('sluice.prepare', 0))")
            if try await !areThere() {
                for statement in Self.statements { try await connection.execute(statement) }
            }
            try await connection.execute("COMMIT")
        } catch {
            try? await connection.execute("ROLLBACK")
            var error = error
            if error.code == .permission {
                error.message = "Sluice's own tables are missing and cannot be made: \(error.message)"
                error.hint =
                    "Run once as a user who may create tables in the schema, then grant SELECT, INSERT, UPDATE and DELETE on "
                    + Self.names.joined(separator: ", ")
            }
            throw error
        }
    }

    private func areThere() async throws(SluiceError) -> Bool {
        let tests = Self.names.map { "to_regclass('\($0)') IS NOT NULL" }
        return try await connection.query("SELECT \(tests.joined(separator: " AND "))").single == "t"
    }

    // MARK: The audit log

    func begin(_ run: AuditRun) async throws(SluiceError) {
        try await connection.query(
            """
            WITH resumed AS (
                UPDATE etl_audit_log SET status = 'running', finished_at = NULL, error_message = NULL, rows_loaded = NULL,
                parquet_files = NULL WHERE run_id = $1 RETURNING 1)
            INSERT INTO etl_audit_log
                (run_id, pipeline_name, source_name, protocol, target_table, status, started_at)
            SELECT $1, left($2, 256), left($3, 256), left($4, 64), left($5, 256), 'running', \(Self.moment(6))
            WHERE NOT EXISTS (SELECT FROM resumed)
            """,
            [run.run, run.pipeline, run.source, run.protocolName, run.table, String(run.startedAt)])
    }

    func end(_ run: String, _ outcome: AuditOutcome) async throws(SluiceError) {
        // A run that is loaded stays so: its commit may have reached the database though its answer did not come back.
        try await connection.query(
            """
            UPDATE etl_audit_log SET status = $2, rows_loaded = 0, parquet_files = $3, error_message = $4,
            finished_at = \(Self.moment(5)) WHERE run_id = $1 AND status NOT IN ('success', 'partial')
            """,
            [run, outcome.status.rawValue, String(outcome.files), outcome.error, String(outcome.finishedAt)])
    }

    func status(of run: String) async throws(SluiceError) -> AuditStatus? {
        try await connection.query("SELECT status FROM etl_audit_log WHERE run_id = $1", [run]).single
            .flatMap(AuditStatus.init(rawValue:))
    }

    func buryDead(of pipeline: String, sparing run: String) async throws(SluiceError) -> [String] {
        try await connection.query(
            """
            UPDATE etl_audit_log SET status = 'died', rows_loaded = 0, finished_at = now(),
            error_message = coalesce(error_message, 'the run ended without a word')
            WHERE pipeline_name = left($1, 256) AND run_id <> $2 AND status = 'running' RETURNING run_id
            """, [pipeline, run]
        ).rows.compactMap { $0[0] }
    }

    // MARK: What is known of a source

    func watermark(of job: String) async throws(SluiceError) -> Watermark? {
        let rows = try await connection.query(
            "SELECT column_name, type, value FROM sluice_watermarks WHERE job = $1", [job]
        ).rows
        guard let row = rows.first, let column = row[0], let type = row[1], let value = row[2] else { return nil }
        return Watermark(column: column, type: type, value: value)
    }

    func sourceFiles(of job: String) async throws(SluiceError) -> [String: SourceFile] {
        let rows = try await connection.query(
            "SELECT path, size, modified, hash, rows FROM sluice_source_files WHERE job = $1", [job]
        ).rows
        var files: [String: SourceFile] = [:]
        for row in rows {
            guard let path = row[0], let hash = row[3] else { continue }
            files[path] = SourceFile(
                path: path, size: row[1].flatMap { Int($0) } ?? 0, modified: row[2].flatMap { Int64($0) } ?? 0,
                hash: hash,
                rows: row[4].flatMap { Int($0) } ?? 0)
        }
        return files
    }

    func stagedFiles(of job: String, from sources: [String]) async throws(SluiceError) -> [String] {
        try await connection.query(
            """
            SELECT path FROM sluice_ledger
            WHERE job = $1 AND source IN (SELECT json_array_elements_text($2::json)) ORDER BY path
            """, [job, JSONText.array(sources.map { .string($0) }).text()]
        ).rows.compactMap { $0[0] }
    }

    func lastLoad(of job: String) async throws(SluiceError) -> Int64? {
        try await connection.query(
            "SELECT \(Self.microseconds("max(loaded_at)")) FROM sluice_ledger WHERE job = $1", [job]
        ).single.flatMap { Int64($0) }
    }

    func recentRuns(of pipeline: String, limit: Int) async throws(SluiceError) -> [AuditEntry] {
        let rows = try await connection.query(
            """
            SELECT run_id, status, rows_loaded, parquet_files, error_message, \(Self.microseconds("started_at")),
            \(Self.microseconds("finished_at"))
            FROM etl_audit_log WHERE pipeline_name = left($1, 256) ORDER BY started_at DESC, id DESC LIMIT $2::bigint
            """, [pipeline, String(max(limit, 0))]
        ).rows
        return rows.compactMap { row in
            // A status that somebody else's program wrote is none of ours to show.
            guard let run = row[0], let status = row[1].flatMap(AuditStatus.init(rawValue:)),
                let startedAt = row[5].flatMap({ Int64($0) })
            else { return nil }
            return AuditEntry(
                run: run, status: status, rows: row[2].flatMap { Int($0) }, files: row[3].flatMap { Int($0) },
                error: row[4], startedAt: startedAt, finishedAt: row[6].flatMap { Int64($0) })
        }
    }

    // MARK: With a load, in its transaction

    /// Writes ledger, source files, watermark and audit row of a load.
    func record(
        _ record: LoadRecord, of load: Load, rows: Int, audit: AuditRun?
    ) async throws(SluiceError) {
        let run = [load.job, load.run, String(load.loadedAt)]
        if load.forgetsFirst {
            for table in ["sluice_watermarks", "sluice_source_files"] {
                try await connection.query("DELETE FROM \(table) WHERE job = $1", [load.job])
            }
        }
        try await enter(record.staged, run)
        if !record.source.isEmpty { try await enter(record.source, run) }
        if let mark = record.watermark {
            try await connection.query(
                """
                INSERT INTO sluice_watermarks (job, column_name, type, value, run_id, loaded_at)
                VALUES ($1, $4, $5, $6, $2, \(Self.moment(3)))
                ON CONFLICT (job) DO UPDATE SET column_name = excluded.column_name, type = excluded.type,
                value = excluded.value, run_id = excluded.run_id, loaded_at = excluded.loaded_at
                """, run + [mark.column, mark.type, mark.value])
        }
        let outcome = record.outcome
        let audit =
            audit
            ?? AuditRun(
                run: load.run, pipeline: load.job, source: "", protocolName: "",
                table: load.plan.request.table.description, startedAt: load.loadedAt)
        try await connection.query(
            """
            WITH ended AS (
                UPDATE etl_audit_log SET status = $2, rows_loaded = $3::bigint, parquet_files = $4::int, error_message = $5,
                finished_at = \(Self.moment(6)) WHERE run_id = $1 RETURNING 1)
            INSERT INTO etl_audit_log (run_id, pipeline_name, source_name, protocol, target_table, status, rows_loaded,
                parquet_files, error_message, started_at, finished_at)
            SELECT $1, left($7, 256), left($8, 256), left($9, 64), left($10, 256), $2, $3::bigint, $4::int, $5,
                \(Self.moment(11)), \(Self.moment(6))
            WHERE NOT EXISTS (SELECT FROM ended)
            """,
            [
                load.run, outcome.status.rawValue, String(rows), String(outcome.files), outcome.error,
                String(outcome.finishedAt), audit.pipeline, audit.source, audit.protocolName, audit.table,
                String(audit.startedAt),
            ])
    }

    private func enter(_ files: [StagedFile], _ run: [String]) async throws(SluiceError) {
        let list = JSONText.array(
            files.map {
                [
                    "path": .string($0.path), "size": .number($0.size), "hash": .string($0.hash),
                    "rows": .number($0.rows),
                    "source": .string($0.source),
                ]
            })
        do throws(SluiceError) {
            try await connection.query(
                """
                INSERT INTO sluice_ledger (job, path, size, hash, rows, source, run_id, loaded_at)
                SELECT $1, f.path, f.size, f.hash, f.rows, f.source, $2, \(Self.moment(3))
                FROM json_to_recordset($4::json) AS f(path text, size bigint, hash text, rows bigint, source text)
                """, run + [list.text()])
        } catch {
            guard error.message.hasSuffix("[23505]") else { throw error }
            throw SluiceError(
                .invalidData, "a staged file of this load is in the ledger already: \(error.message)",
                place: .init(file: connection.name), hint: "It is loaded; nothing is to be done")
        }
    }

    private func enter(_ files: [SourceFile], _ run: [String]) async throws(SluiceError) {
        let list = JSONText.array(
            files.map {
                [
                    "path": .string($0.path), "size": .number($0.size), "modified": .number(Int($0.modified)),
                    "hash": .string($0.hash), "rows": .number($0.rows),
                ]
            })
        try await connection.query(
            """
            INSERT INTO sluice_source_files (job, path, size, modified, hash, rows, run_id, loaded_at)
            SELECT $1, f.path, f.size, f.modified, f.hash, f.rows, $2, \(Self.moment(3))
            FROM json_to_recordset($4::json) AS f(path text, size bigint, modified bigint, hash text, rows bigint)
            ON CONFLICT (job, path) DO UPDATE SET size = excluded.size, modified = excluded.modified,
            hash = excluded.hash, rows = excluded.rows, run_id = excluded.run_id, loaded_at = excluded.loaded_at
            """, run + [list.text()])
    }
}
