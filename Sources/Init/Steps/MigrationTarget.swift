import Connectors
import ODBC
import Postgres
import SQLite
import Support
import Warehouse

/// A database in which files of SQL are run, with a table that knows which have been.
protocol MigrationTarget: Sendable {
    var language: SQLScript.Language { get }
    /// Makes the ledger where it is missing.
    func prepare() async throws(SluiceError)
    /// What has been run; nothing where there is no ledger.
    func applied() async throws(SluiceError) -> [(name: String, checksum: String)]
    /// Begins a transaction.
    func begin() async throws(SluiceError)
    /// Runs a file in the open transaction; one that is bare, outside of any.
    func execute(_ file: Migration) async throws(SluiceError)
    /// Writes down that a file has been run.
    func note(_ file: Migration, run: String, milliseconds: Int) async throws(SluiceError)
    /// Commits.
    func commit() async throws(SluiceError)
    /// Ends the transaction without a trace, whatever has failed, in a cancelled task as well.
    func rollback() async
}

/// The target that `session` is with.
func migrationTarget(of session: DirectSession, _ ledger: TableName) -> any MigrationTarget {
    switch session {
    case .postgres(let session): PostgresMigrations(session: session, ledger: ledger)
    case .sqlite(let session): SQLiteMigrations(session: session, ledger: ledger)
    case .sqlServer(let session): TransactMigrations(session: session, ledger: ledger)
    }
}

extension MigrationTarget {
    /// Runs files as one transaction with their rows of the ledger; one that is bare by itself.
    func run(_ files: [Migration], run: String, in folder: String) async throws(SluiceError) {
        guard let first = files.first else { return }
        if files.count == 1, first.isBare {
            let milliseconds = try await timed(first, in: folder)
            return try await note(first, run: run, milliseconds: milliseconds)
        }
        try await begin()
        do throws(SluiceError) {
            for file in files {
                let milliseconds = try await timed(file, in: folder)
                try await note(file, run: run, milliseconds: milliseconds)
            }
            FaultPoint.migrationRun.reach()
            try await commit()
        } catch {
            await rollback()
            throw error
        }
        FaultPoint.migrationCommitted.reach()
    }

    private func timed(_ file: Migration, in folder: String) async throws(SluiceError) -> Int {
        let start = ContinuousClock.now
        do throws(SluiceError) {
            try await execute(file)
        } catch {
            // Which server it was is known; which file it was is not.
            var error = error
            let server = error.place.file
            error.place.file = folder.hasSuffix("/") ? folder + file.name : "\(folder)/\(file.name)"
            if let server { error.details.insert("in \(server)", at: 0) }
            // Settings are right, and what was before the file is done: this is what is in it.
            if error.code == .invalidConfiguration || error.code == .notFound { error.code = .invalidData }
            if error.hint == nil { error.hint = "nothing of the file has been kept: mend it, and run the job again" }
            if file.isBare {
                error.hint =
                    "the file is no transaction, and what stands before may have been kept: look, then run again"
            }
            throw error
        }
        let (seconds, attoseconds) = (ContinuousClock.now - start).components
        return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
    }
}

struct PostgresMigrations: MigrationTarget {
    let session: PostgresConnection
    let ledger: TableName

    var language: SQLScript.Language { .postgres }

    private func table() throws(SluiceError) -> String { try PostgresDialect().quote(ledger) }

    func prepare() async throws(SluiceError) {
        if try await exists() { return }
        let sql = """
            CREATE TABLE IF NOT EXISTS \(try table()) (
                name text PRIMARY KEY, checksum text NOT NULL, run_id text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(), milliseconds bigint NOT NULL)
            """
        do throws(SluiceError) {
            try await session.execute(sql)
        } catch {
            // Two that make one table at the same moment both find it missing.
            if try await !exists() { throw error }
        }
    }

    private func exists() async throws(SluiceError) -> Bool {
        try await session.query("SELECT to_regclass($1) IS NOT NULL", [try table()]).single == "t"
    }

    func applied() async throws(SluiceError) -> [(name: String, checksum: String)] {
        guard try await exists() else { return [] }
        return try await session.query("SELECT name, checksum FROM \(try table())").rows.map {
            ($0[0] ?? "", $0[1] ?? "")
        }
    }

    func begin() async throws(SluiceError) { try await session.execute("BEGIN") }

    func execute(_ file: Migration) async throws(SluiceError) {
        if file.isBare {
            for piece in SQLScript(file.text, .postgres).pieces {
                do throws(SluiceError) {
                    try await session.execute(piece.text)
                } catch {
                    throw error.at(.init(line: piece.line))
                }
            }
        } else {
            let before = try await session.query("SELECT txid_current()").single
            try await session.execute(file.text, tellsLine: true)
            guard try await session.query("SELECT txid_current()").single == before else {
                throw SluiceError(
                    .invalidConfiguration, "ended the transaction that it was run in",
                    hint: "what it has done before is kept; leave the END out, and look at what is there")
            }
        }
        // What a file sets is for that file; the role and the path of the session are those of the next one again.
        try await session.execute(
            "RESET ROLE; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; SET client_min_messages = error")
    }

    func note(_ file: Migration, run: String, milliseconds: Int) async throws(SluiceError) {
        try await session.query(
            "INSERT INTO \(try table()) (name, checksum, run_id, milliseconds) VALUES ($1, $2, $3, $4)",
            [file.name, file.checksum, run, String(milliseconds)])
    }

    func commit() async throws(SluiceError) { try await session.execute("COMMIT") }

    func rollback() async {
        let session = session
        await Task { try? await session.execute("ROLLBACK") }.value
    }
}

struct SQLiteMigrations: MigrationTarget {
    let session: SQLiteDatabase
    let ledger: TableName

    var language: SQLScript.Language { .sqlite }

    private func table() throws(SluiceError) -> String { try SQLiteDialect().quote(ledger) }

    func prepare() async throws(SluiceError) {
        try await session.execute(
            """
            CREATE TABLE IF NOT EXISTS \(try table()) (
                name TEXT PRIMARY KEY, checksum TEXT NOT NULL, run_id TEXT NOT NULL,
                applied_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
                milliseconds INTEGER NOT NULL)
            """)
    }

    func applied() async throws(SluiceError) -> [(name: String, checksum: String)] {
        let schema = try SQLiteDialect().quote(ledger.schema ?? "main")
        let found = try await session.query(
            "SELECT count(*) FROM \(schema).sqlite_schema WHERE type = 'table' AND name = ? COLLATE NOCASE",
            [.text(ledger.name)])
        if found.single?.integer == 0 { return [] }
        return try await session.query("SELECT name, checksum FROM \(try table())").rows.map {
            ($0[0].text ?? "", $0[1].text ?? "")
        }
    }

    func begin() async throws(SluiceError) { try await session.execute("BEGIN IMMEDIATE") }

    func execute(_ file: Migration) async throws(SluiceError) { try await session.execute(file.text) }

    func note(_ file: Migration, run: String, milliseconds: Int) async throws(SluiceError) {
        try await session.query(
            "INSERT INTO \(try table()) (name, checksum, run_id, milliseconds) VALUES (?, ?, ?, ?)",
            [.text(file.name), .text(file.checksum), .text(run), .integer(Int64(milliseconds))])
    }

    func commit() async throws(SluiceError) { try await session.execute("COMMIT") }

    func rollback() async { await session.rollback() }
}

struct TransactMigrations: MigrationTarget {
    let session: ODBCConnection
    let ledger: TableName

    var language: SQLScript.Language { .transact }

    private func table() throws(SluiceError) -> String {
        let name = try TransactText.quote(ledger.name)
        return try TransactText.quote(ledger.schema ?? "dbo") + "." + name
    }

    func prepare() async throws(SluiceError) {
        let table = try table()
        try await session.query(
            """
            IF OBJECT_ID(\(TransactText.literal(table)), N'U') IS NULL
            CREATE TABLE \(table) (
                name nvarchar(400) NOT NULL PRIMARY KEY, checksum varchar(64) NOT NULL, run_id varchar(64) NOT NULL,
                applied_at datetime2 NOT NULL DEFAULT SYSUTCDATETIME(), milliseconds bigint NOT NULL)
            """)
    }

    func applied() async throws(SluiceError) -> [(name: String, checksum: String)] {
        let table = try table()
        let found = try await session.query("SELECT OBJECT_ID(\(TransactText.literal(table)), N'U')")
        if found.single == nil { return [] }
        return try await session.query("SELECT name, checksum FROM \(table)").rows.map { ($0[0] ?? "", $0[1] ?? "") }
    }

    func begin() async throws(SluiceError) {
        // What fails in a batch ends it and rolls back, instead of going on with the next statement.
        try await session.query("SET XACT_ABORT ON")
        try await session.setAutocommit(false)
    }

    func execute(_ file: Migration) async throws(SluiceError) {
        for piece in SQLScript(file.text, .transact).pieces {
            for _ in 0..<piece.count {
                do throws(SluiceError) {
                    try await session.query(piece.text)
                } catch {
                    throw error.at(.init(line: piece.line))
                }
            }
        }
    }

    func note(_ file: Migration, run: String, milliseconds: Int) async throws(SluiceError) {
        try await session.query(
            "INSERT INTO \(try table()) (name, checksum, run_id, milliseconds) VALUES (?, ?, ?, ?)",
            [.text(file.name), .text(file.checksum), .text(run), .integer(Int64(milliseconds))])
    }

    func commit() async throws(SluiceError) {
        try await session.end(committing: true)
        try await session.setAutocommit(true)
    }

    func rollback() async {
        let session = session
        await Task {
            try? await session.end(committing: false)
            try? await session.setAutocommit(true)
        }.value
    }
}

/// Names and texts in T-SQL.
enum TransactText {
    /// A name between brackets.
    static func quote(_ name: String) throws(SluiceError) -> String {
        guard !name.isEmpty, !name.utf8.contains(0), name.utf16.count <= 128 else {
            throw SluiceError(
                .invalidConfiguration, "\"\(Display.safe(String(name.prefix(80))))\" is no name for SQL Server",
                hint: "a name has 1 to 128 characters, and no zero among them")
        }
        return "[" + TransactText.doubled(name, "]") + "]"
    }

    /// A text between quotes.
    static func literal(_ text: String) -> String { "N'" + doubled(text, "'") + "'" }

    private static func doubled(_ text: String, _ mark: Unicode.Scalar) -> String {
        // By scalars, not characters: a quote with a combining mark behind it is a quote to the database.
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            result.append(scalar)
            if scalar == mark { result.append(scalar) }
        }
        return String(result)
    }
}
