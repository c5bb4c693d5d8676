import ODBC
import Support

/// The tables that Sluice keeps for itself in a SQL Server database: audit log, ledger, source files, watermarks.
struct SQLServerBooks: Sendable {
    let connection: ODBCConnection
    let sql: SQLServerBooksScript

    init(_ connection: ODBCConnection, schema: String) throws(SluiceError) {
        self.connection = connection
        sql = try SQLServerBooksScript(schema: schema)
    }

    // MARK: Making them

    func prepare() async throws(SluiceError) {
        if try await areThere() { return }
        do throws(SluiceError) {
            try await connection.query("BEGIN TRANSACTION")
            // Two sessions could both find nothing, and one would fail.
            try await connection.query(SQLServerBooksScript.prepareLock)
            for (name, statements) in sql.tables {
                let isThere = try await connection.query(SQLServerBooksScript.find, [.text(sql.plain(name))]).single
                if isThere != nil { continue }
                for statement in statements { try await connection.query(statement) }
            }
            try await connection.query("COMMIT TRANSACTION")
        } catch {
            await connection.rollback()
            var error = error
            if error.code == .permission {
                error.message = "Sluice's own tables are missing and cannot be made: \(error.message)"
                error.hint =
                    "Run once as a user who may create tables in the schema, then grant SELECT, INSERT, UPDATE and DELETE on "
                    + SQLServerBooksScript.names.joined(separator: ", ")
            }
            throw error
        }
    }

    private func areThere() async throws(SluiceError) -> Bool {
        for name in SQLServerBooksScript.names {
            let found = try await connection.query(SQLServerBooksScript.find, [.text(sql.plain(name))]).single
            if found == nil { return false }
        }
        return true
    }

    // MARK: The audit log

    func begin(_ run: AuditRun) async throws(SluiceError) {
        let resumed = try await connection.changed(SQLServerStatement(sql.resumeRun, [.text(run.run)]))
        if resumed > 0 { return }
        try await connection.query(
            sql.beginRun,
            [
                .text(run.run), .text(run.pipeline), .text(run.source), .text(run.protocolName), .text(run.table),
                Self.moment(run.startedAt),
            ])
    }

    func end(_ run: String, _ outcome: AuditOutcome) async throws(SluiceError) {
        // A run that is loaded stays so: its commit may have reached the database though its answer did not come back.
        try await connection.query(
            sql.endRun,
            [
                .text(outcome.status.rawValue), .integer(Int64(outcome.files)), Self.text(outcome.error),
                Self.moment(outcome.finishedAt), .text(run),
            ])
    }

    func status(of run: String) async throws(SluiceError) -> AuditStatus? {
        try await connection.query(sql.runStatus, [.text(run)]).single.flatMap(AuditStatus.init(rawValue:))
    }

    func buryDead(of pipeline: String, sparing run: String) async throws(SluiceError) -> [String] {
        try await connection.query(sql.buryDead, [.text(pipeline), .text(run)]).rows.compactMap { $0[0] }
    }

    func recentRuns(of pipeline: String, limit: Int) async throws(SluiceError) -> [AuditEntry] {
        let rows = try await connection.query(sql.recentRuns, [.integer(Int64(max(limit, 0))), .text(pipeline)]).rows
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

    // MARK: What is known of a source

    func watermark(of job: String) async throws(SluiceError) -> Watermark? {
        let rows = try await connection.query(sql.watermark, [.text(job)]).rows
        guard let row = rows.first, let column = row[0], let type = row[1], let value = row[2] else { return nil }
        return Watermark(column: column, type: type, value: value)
    }

    func sourceFiles(of job: String) async throws(SluiceError) -> [String: SourceFile] {
        var files: [String: SourceFile] = [:]
        for row in try await connection.query(sql.sourceFiles, [.text(job)]).rows {
            guard let path = row[0], let hash = row[3] else { continue }
            files[path] = SourceFile(
                path: path, size: row[1].flatMap { Int($0) } ?? 0, modified: row[2].flatMap { Int64($0) } ?? 0,
                hash: hash, rows: row[4].flatMap { Int($0) } ?? 0)
        }
        return files
    }

    func stagedFiles(of job: String, from sources: [String]) async throws(SluiceError) -> [String] {
        var found: [String] = []
        for some in parts(of: sources) {
            let answer = try await connection.query(
                sql.stagedFiles(some.count), [.text(job)] + some.map(ODBCParameter.text))
            found += answer.rows.compactMap { $0[0] }
        }
        return sources.count > SQLServerBooksScript.filesAtOnce ? found.sorted() : found
    }

    func lastLoad(of job: String) async throws(SluiceError) -> Int64? {
        try await connection.query(sql.lastLoad, [.text(job)]).single.flatMap { Int64($0) }
    }

    // MARK: With a load, in its transaction

    /// Writes ledger, source files, watermark and audit row of a load.
    func record(_ record: LoadRecord, of load: Load, rows: Int, audit: AuditRun?) async throws(SluiceError) {
        let run: [ODBCParameter] = [.text(load.job), .text(load.run), Self.moment(load.loadedAt)]
        if load.forgetsFirst {
            for statement in sql.forget { try await connection.query(statement, [.text(load.job)]) }
        }
        try await enter(record.staged, run)
        for files in parts(of: record.source) {
            try await connection.query(
                sql.forgetSources(files.count), [.text(load.job)] + files.map { .text($0.path) })
            let values: [ODBCParameter] = files.flatMap {
                [
                    .text($0.path), .integer(Int64($0.size)), .integer($0.modified), .text($0.hash),
                    .integer(Int64($0.rows)),
                ]
            }
            try await connection.query(sql.enterSources(files.count), run + values)
        }
        if let mark = record.watermark {
            try await connection.query(sql.forgetMark, [.text(load.job)])
            try await connection.query(sql.enterMark, run + [.text(mark.column), .text(mark.type), .text(mark.value)])
        }
        let outcome = record.outcome
        let ended = try await connection.changed(
            SQLServerStatement(
                sql.recordRun,
                [
                    .text(outcome.status.rawValue), .integer(Int64(rows)), .integer(Int64(outcome.files)),
                    Self.text(outcome.error), Self.moment(outcome.finishedAt), .text(load.run),
                ]))
        if ended > 0 { return }
        // Somebody has removed the row that the run began with.
        let audit =
            audit
            ?? AuditRun(
                run: load.run, pipeline: load.job, source: "", protocolName: "",
                table: load.plan.request.table.description, startedAt: load.loadedAt)
        try await connection.query(
            sql.recordLostRun,
            [
                .text(load.run), .text(audit.pipeline), .text(audit.source), .text(audit.protocolName),
                .text(audit.table),
                .text(outcome.status.rawValue), .integer(Int64(rows)), .integer(Int64(outcome.files)),
                Self.text(outcome.error), Self.moment(audit.startedAt), Self.moment(outcome.finishedAt),
            ])
    }

    private func enter(_ files: [StagedFile], _ run: [ODBCParameter]) async throws(SluiceError) {
        do throws(SluiceError) {
            for some in parts(of: files) {
                let values: [ODBCParameter] = some.flatMap {
                    [
                        .text($0.path), .integer(Int64($0.size)), .text($0.hash), .integer(Int64($0.rows)),
                        .text($0.source),
                    ]
                }
                try await connection.query(sql.enterStaged(some.count), run + values)
            }
        } catch {
            // 2627: the primary key.
            guard error.message.hasSuffix(", 2627]") else { throw error }
            throw SluiceError(
                .invalidData, "a staged file of this load is in the ledger already: \(error.message)",
                place: .init(file: connection.name), hint: "It is loaded; nothing is to be done")
        }
    }

    /// As many as one statement takes, at a time.
    private func parts<Element>(of list: [Element]) -> [ArraySlice<Element>] {
        stride(from: 0, to: list.count, by: SQLServerBooksScript.filesAtOnce).map {
            list[$0..<min(list.count, $0 + SQLServerBooksScript.filesAtOnce)]
        }
    }

    private static func moment(_ microseconds: Int64) -> ODBCParameter {
        .text(Moment(microseconds: microseconds).iso)
    }

    private static func text(_ text: String?) -> ODBCParameter { text.map(ODBCParameter.text) ?? .null }
}
