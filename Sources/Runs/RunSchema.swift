import SQLite
import Support

/// The tables of the history, and how a record becomes a row.
enum RunSchema {
    /// Steps from one version of the tables to the next. One that was released is never changed; new ones are added.
    private static let migrations = [
        """
        CREATE TABLE runs (
            id TEXT NOT NULL PRIMARY KEY, project TEXT NOT NULL, job TEXT NOT NULL, kind TEXT NOT NULL,
            environment TEXT, platform TEXT NOT NULL, parameters TEXT NOT NULL, package TEXT NOT NULL,
            who TEXT NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL, process INTEGER, process_started INTEGER,
            state TEXT NOT NULL, started_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, finished_at INTEGER,
            rows_read INTEGER NOT NULL, rows_staged INTEGER NOT NULL, rows_loaded INTEGER NOT NULL,
            rows_rejected INTEGER NOT NULL, bytes_read INTEGER NOT NULL, bytes_staged INTEGER NOT NULL,
            files INTEGER NOT NULL, error TEXT, exit_code INTEGER, log TEXT, cursor_from TEXT, cursor_to TEXT
        ) STRICT;
        CREATE INDEX runs_started ON runs (started_at);
        CREATE INDEX runs_job ON runs (job, started_at);
        CREATE INDEX runs_open ON runs (started_at) WHERE finished_at IS NULL;
        CREATE TABLE attempts (
            run TEXT NOT NULL, number INTEGER NOT NULL, state TEXT NOT NULL, started_at INTEGER NOT NULL,
            finished_at INTEGER, rows_read INTEGER NOT NULL, rows_staged INTEGER NOT NULL,
            rows_loaded INTEGER NOT NULL, rows_rejected INTEGER NOT NULL, bytes_read INTEGER NOT NULL,
            bytes_staged INTEGER NOT NULL, files INTEGER NOT NULL, error TEXT,
            PRIMARY KEY (run, number)
        ) STRICT, WITHOUT ROWID;
        """,
        """
        CREATE TABLE steps (
            run TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, region TEXT,
            state TEXT NOT NULL, started_at INTEGER, finished_at INTEGER, message TEXT NOT NULL,
            PRIMARY KEY (run, number)
        ) STRICT, WITHOUT ROWID;
        """,
        "ALTER TABLE runs ADD COLUMN reference TEXT",
    ]

    /// Brings the tables to this program's version; two processes may do so at once.
    static func migrate(_ database: SQLiteDatabase) async throws(SluiceError) {
        if try await version(of: database) == migrations.count { return }
        try await database.execute("BEGIN IMMEDIATE")
        do throws(SluiceError) {
            // Another process may have done it while this one waited.
            let version = try await version(of: database)
            guard version <= migrations.count else {
                throw SluiceError(
                    .unsupported, "the history of runs was written by a newer Sluice (version \(version))",
                    place: .init(file: database.path),
                    hint: "Update Sluice, or move the file away to begin a new history.")
            }
            // All in one call: others wait for the lock, and this process may be busy between two calls.
            let steps = migrations.dropFirst(version).joined(separator: ";")
            try await database.execute("\(steps); PRAGMA user_version = \(migrations.count); COMMIT")
        } catch {
            await database.rollback()
            throw error
        }
    }

    private static func version(of database: SQLiteDatabase) async throws(SluiceError) -> Int {
        Int(try await database.query("PRAGMA user_version").single?.integer ?? 0)
    }

    // MARK: Statements

    private static let countColumns = [
        "rows_read", "rows_staged", "rows_loaded", "rows_rejected", "bytes_read", "bytes_staged", "files",
    ]
    /// The columns of a run, in the order in which they are read.
    static let runColumns =
        [
            "id", "project", "job", "kind", "environment", "platform", "parameters", "package", "who", "host", "boot",
            "process", "process_started", "state", "started_at", "updated_at", "finished_at", "error", "exit_code",
            "log", "cursor_from", "cursor_to", "reference",
        ] + countColumns
    /// The columns of an attempt, in the order in which they are read.
    static let attemptColumns = ["run", "number", "state", "started_at", "finished_at", "error"] + countColumns

    /// The columns of a step, in the order in which they are read.
    static let stepColumns = [
        "run", "number", "name", "kind", "region", "state", "started_at", "finished_at", "message",
    ]

    static let upsertRun = upsert("runs", runColumns, key: ["id"])
    static let upsertAttempt = upsert("attempts", attemptColumns, key: ["run", "number"])
    static let upsertStep = upsert("steps", stepColumns, key: ["run", "number"])
    static let updateCounts =
        "UPDATE runs SET state = :state, updated_at = :updated_at, "
        + countColumns.map { "\($0) = :\($0)" }.joined(separator: ", ") + " WHERE id = :id"

    private static func upsert(_ table: String, _ columns: [String], key: [String]) -> String {
        let changes = columns.filter { !key.contains($0) }.map { "\($0) = excluded.\($0)" }
        return "INSERT INTO \(table) (\(columns.joined(separator: ", "))) "
            + "VALUES (\(columns.map { ":" + $0 }.joined(separator: ", "))) "
            + "ON CONFLICT (\(key.joined(separator: ", "))) DO UPDATE SET \(changes.joined(separator: ", "))"
    }

    // MARK: Records to rows

    static func values(of run: RunRecord) -> [String: SQLiteValue] {
        values(of: run.counts).merging([
            "id": .text(run.id), "project": .text(run.project), "job": .text(run.job), "kind": .text(run.kind),
            "environment": text(run.environment), "platform": .text(run.platform),
            "parameters": text(run.parameters), "package": .text(run.package), "who": .text(run.who),
            "host": .text(HostProcess.host), "boot": .text(HostProcess.boot),
            "process": integer(run.process.map { Int64($0.id) }),
            "process_started": integer(run.process.map { Int64(truncatingIfNeeded: $0.started) }),
            "state": .text(run.state.rawValue), "started_at": .integer(run.startedAt),
            "updated_at": .integer(Moment.now.microseconds), "finished_at": integer(run.finishedAt),
            "error": text(run.error), "exit_code": integer(run.exitCode.map(Int64.init)), "log": text(run.log),
            "cursor_from": text(run.cursorFrom), "cursor_to": text(run.cursorTo), "reference": text(run.reference),
        ]) { $1 }
    }

    static func values(of attempt: AttemptRecord, run: String) -> [String: SQLiteValue] {
        values(of: attempt.counts).merging([
            "run": .text(run), "number": .integer(Int64(attempt.number)), "state": .text(attempt.state.rawValue),
            "started_at": .integer(attempt.startedAt), "finished_at": integer(attempt.finishedAt),
            "error": text(attempt.error),
        ]) { $1 }
    }

    static func values(of step: StepRecord, run: String) -> [String: SQLiteValue] {
        [
            "run": .text(run), "number": .integer(Int64(step.number)), "name": .text(step.name),
            "kind": .text(step.kind), "region": text(step.region), "state": .text(step.state.rawValue),
            "started_at": integer(step.startedAt), "finished_at": integer(step.finishedAt),
            "message": text(step.message),
        ]
    }

    static func values(of counts: RunCounts) -> [String: SQLiteValue] {
        [
            "rows_read": .integer(Int64(counts.rowsRead)), "rows_staged": .integer(Int64(counts.rowsStaged)),
            "rows_loaded": .integer(Int64(counts.rowsLoaded)), "rows_rejected": .integer(Int64(counts.rowsRejected)),
            "bytes_read": .integer(Int64(counts.bytesRead)), "bytes_staged": .integer(Int64(counts.bytesStaged)),
            "files": .integer(Int64(counts.files)),
        ]
    }

    /// What was protected from being shown is not stored either.
    private static func text(_ text: String?) -> SQLiteValue {
        text.map { .text(Redactor.shared.redact($0)) } ?? .null
    }

    private static func integer(_ number: Int64?) -> SQLiteValue { number.map { .integer($0) } ?? .null }
}
