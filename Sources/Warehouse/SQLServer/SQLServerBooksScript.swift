package import Support

/// The T-SQL of Sluice's own tables. Paths are told apart by case and accents, whatever the database does; they are longer
/// than keys may be, so that their hash is the key.
package struct SQLServerBooksScript: Sendable {
    private let schema: String

    /// The tables' names.
    package static let names = ["etl_audit_log", "sluice_ledger", "sluice_source_files", "sluice_watermarks"]

    /// The tables in `schema`.
    package init(schema: String) throws(SluiceError) {
        self.schema = try SQLServerDialect().quote(schema)
    }

    /// A table as `OBJECT_ID` takes it.
    package func plain(_ name: String) -> String { "\(schema).[\(name)]" }

    private func table(_ name: String) -> String { "\(schema).[\(name)]" }

    private var audit: String { table("etl_audit_log") }
    private var ledger: String { table("sluice_ledger") }
    private var sources: String { table("sluice_source_files") }
    private var marks: String { table("sluice_watermarks") }

    // MARK: Making them

    /// Whether there is a table: its number.
    package static let find = "SELECT CONVERT(VARCHAR(20), OBJECT_ID(?, 'U')) AS id"

    /// Lets one session at a time make them.
    package static let prepareLock = """
        DECLARE @r INT;
        EXEC @r = sp_getapplock @Resource = N'sluice.prepare', @LockMode = 'Exclusive', @LockOwner = 'Transaction',
            @LockTimeout = 60000;
        IF @r < 0 THROW 50000, N'another session has been making Sluice''s tables for a minute', 1
        """

    /// What makes each table.
    package var tables: [(name: String, statements: [String])] {
        [
            (
                "etl_audit_log",
                [
                    """
                    CREATE TABLE \(audit) (
                        id BIGINT IDENTITY(1,1) PRIMARY KEY,
                        run_id NVARCHAR(64) NOT NULL,
                        pipeline_name NVARCHAR(256) NOT NULL,
                        source_name NVARCHAR(256) NOT NULL,
                        protocol NVARCHAR(64) NOT NULL,
                        target_table NVARCHAR(256) NOT NULL,
                        status NVARCHAR(16) NOT NULL,
                        rows_loaded BIGINT,
                        parquet_files INT,
                        error_message NVARCHAR(MAX),
                        started_at DATETIMEOFFSET NOT NULL,
                        finished_at DATETIMEOFFSET)
                    """,
                    "CREATE UNIQUE INDEX etl_audit_log_run ON \(audit) (run_id)",
                ]
            ),
            (
                "sluice_ledger",
                [
                    """
                    CREATE TABLE \(ledger) (
                        job NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL, path_hash BINARY(32) NOT NULL,
                        path NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2 NOT NULL, size BIGINT NOT NULL,
                        hash NVARCHAR(128) NOT NULL, [rows] BIGINT NOT NULL,
                        source NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2 NOT NULL, run_id NVARCHAR(64) NOT NULL,
                        loaded_at DATETIMEOFFSET NOT NULL, PRIMARY KEY (job, path_hash))
                    """
                ]
            ),
            (
                "sluice_source_files",
                [
                    """
                    CREATE TABLE \(sources) (
                        job NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL, path_hash BINARY(32) NOT NULL,
                        path NVARCHAR(MAX) COLLATE Latin1_General_100_BIN2 NOT NULL, size BIGINT NOT NULL,
                        modified BIGINT NOT NULL, hash NVARCHAR(128) NOT NULL, [rows] BIGINT NOT NULL,
                        run_id NVARCHAR(64) NOT NULL, loaded_at DATETIMEOFFSET NOT NULL, PRIMARY KEY (job, path_hash))
                    """
                ]
            ),
            (
                "sluice_watermarks",
                [
                    """
                    CREATE TABLE \(marks) (
                        job NVARCHAR(400) COLLATE Latin1_General_100_BIN2 NOT NULL PRIMARY KEY,
                        column_name NVARCHAR(128) NOT NULL, type NVARCHAR(128) NOT NULL, value NVARCHAR(MAX) NOT NULL,
                        run_id NVARCHAR(64) NOT NULL, loaded_at DATETIMEOFFSET NOT NULL)
                    """
                ]
            ),
        ]
    }

    // MARK: The audit log

    /// Sets the row of a run that is resumed to running again: run.
    package var resumeRun: String {
        """
        UPDATE \(audit) SET status = N'running', finished_at = NULL, error_message = NULL, rows_loaded = NULL,
            parquet_files = NULL
        WHERE run_id = ?
        """
    }

    /// Writes the row of a run that begins: run, pipeline, source, protocol, table, started.
    package var beginRun: String {
        """
        INSERT INTO \(audit) (run_id, pipeline_name, source_name, protocol, target_table, status, started_at)
        VALUES (?, LEFT(?, 256), LEFT(?, 256), LEFT(?, 64), LEFT(?, 256), N'running', CONVERT(DATETIMEOFFSET, ?))
        """
    }

    /// Writes how a run that loaded nothing ended: status, files, error, finished, run.
    package var endRun: String {
        """
        UPDATE \(audit) SET status = ?, rows_loaded = 0, parquet_files = ?, error_message = ?,
            finished_at = CONVERT(DATETIMEOFFSET, ?)
        WHERE run_id = ? AND status NOT IN (N'success', N'partial')
        """
    }

    /// How a run stands.
    package var runStatus: String { "SELECT status FROM \(audit) WHERE run_id = ?" }

    /// Marks runs as died: pipeline, run that is spared.
    package var buryDead: String {
        """
        UPDATE \(audit) SET status = N'died', rows_loaded = 0, finished_at = SYSUTCDATETIME(),
            error_message = COALESCE(error_message, N'the run ended without a word')
        OUTPUT inserted.run_id
        WHERE pipeline_name = LEFT(?, 256) AND run_id <> ? AND status = N'running'
        """
    }

    /// The newest runs: how many, pipeline.
    package var recentRuns: String {
        """
        SELECT TOP (?) run_id, status, rows_loaded, parquet_files, error_message, \(Self.microseconds("started_at")),
            \(Self.microseconds("finished_at"))
        FROM \(audit) WHERE pipeline_name = LEFT(?, 256) ORDER BY started_at DESC, id DESC
        """
    }

    /// Writes the end of a run that has loaded: status, rows, files, error, finished, run.
    package var recordRun: String {
        """
        UPDATE \(audit) SET status = ?, rows_loaded = ?, parquet_files = ?, error_message = ?,
            finished_at = CONVERT(DATETIMEOFFSET, ?)
        WHERE run_id = ?
        """
    }

    /// The same for a run whose row is gone: run, pipeline, source, protocol, table, status, rows, files, error, started,
    /// finished.
    package var recordLostRun: String {
        """
        INSERT INTO \(audit) (run_id, pipeline_name, source_name, protocol, target_table, status, rows_loaded,
            parquet_files, error_message, started_at, finished_at)
        VALUES (?, LEFT(?, 256), LEFT(?, 256), LEFT(?, 64), LEFT(?, 256), ?, ?, ?, ?, CONVERT(DATETIMEOFFSET, ?),
            CONVERT(DATETIMEOFFSET, ?))
        """
    }

    /// A moment as microseconds since 1970.
    private static func microseconds(_ moment: String) -> String {
        "DATEDIFF_BIG(MICROSECOND, CONVERT(DATETIMEOFFSET, '1970-01-01T00:00:00Z'), \(moment))"
    }

    // MARK: What is known of a source

    /// The watermark of a job.
    package var watermark: String { "SELECT column_name, type, value FROM \(marks) WHERE job = ?" }

    /// The source files of a job.
    package var sourceFiles: String { "SELECT path, size, modified, hash, [rows] FROM \(sources) WHERE job = ?" }

    /// How many rows one statement enters: a statement takes 2,100 values.
    static let filesAtOnce = 300

    /// Question marks for `count` rows of `width` values. Lists are not sent as JSON, which databases at an old
    /// compatibility level do not read.
    private static func rows(_ count: Int, of width: Int) -> String {
        let row = "(" + Array(repeating: "?", count: width).joined(separator: ", ") + ")"
        return Array(repeating: row, count: count).joined(separator: ", ")
    }

    /// The staged files of a job that were read from `count` sources: job, sources.
    package func stagedFiles(_ count: Int) -> String {
        "SELECT path FROM \(ledger) WHERE job = ? AND source IN \(Self.rows(1, of: count)) ORDER BY path"
    }

    /// When a job last loaded.
    package var lastLoad: String { "SELECT \(Self.microseconds("MAX(loaded_at)")) FROM \(ledger) WHERE job = ?" }

    /// Forgets what is known of a job's source, a statement a table: job.
    package var forget: [String] { [marks, sources].map { "DELETE FROM \($0) WHERE job = ?" } }

    /// Enters `count` staged files: job, run, loaded; and for each path, size, hash, rows, source.
    package func enterStaged(_ count: Int) -> String {
        """
        INSERT INTO \(ledger) (job, path_hash, path, size, hash, [rows], source, run_id, loaded_at)
        SELECT v.job, HASHBYTES('SHA2_256', f.path), f.path, f.size, f.hash, f.[rows], f.source, v.run, v.loaded
        FROM (SELECT ? AS job, ? AS run, CONVERT(DATETIMEOFFSET, ?) AS loaded) AS v
        CROSS JOIN (VALUES \(Self.rows(count, of: 5))) AS f (path, size, hash, [rows], source)
        """
    }

    /// Forgets `count` source files that are entered anew: job, paths.
    package func forgetSources(_ count: Int) -> String {
        """
        DELETE FROM \(sources)
        WHERE job = ? AND path_hash IN (
            SELECT HASHBYTES('SHA2_256', f.path) FROM (VALUES \(Self.rows(count, of: 1))) AS f (path))
        """
    }

    /// Enters `count` source files: job, run, loaded; and for each path, size, modified, hash, rows.
    package func enterSources(_ count: Int) -> String {
        """
        INSERT INTO \(sources) (job, path_hash, path, size, modified, hash, [rows], run_id, loaded_at)
        SELECT v.job, HASHBYTES('SHA2_256', f.path), f.path, f.size, f.modified, f.hash, f.[rows], v.run, v.loaded
        FROM (SELECT ? AS job, ? AS run, CONVERT(DATETIMEOFFSET, ?) AS loaded) AS v
        CROSS JOIN (VALUES \(Self.rows(count, of: 5))) AS f (path, size, modified, hash, [rows])
        """
    }

    /// Forgets a job's watermark: job.
    package var forgetMark: String { "DELETE FROM \(marks) WHERE job = ?" }

    /// Writes it: job, run, loaded, column, type, value.
    package var enterMark: String {
        """
        INSERT INTO \(marks) (job, run_id, loaded_at, column_name, type, value)
        VALUES (?, ?, CONVERT(DATETIMEOFFSET, ?), ?, ?, ?)
        """
    }
}
