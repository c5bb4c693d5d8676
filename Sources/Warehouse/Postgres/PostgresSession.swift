import Columns
import Postgres
import Support

/// A session with a PostgreSQL warehouse.
final class PostgresSession: WarehouseSession, @unchecked Sendable {
    // `@unchecked Sendable` because a session has one caller at a time, who alone reaches `begun`.

    let connection: PostgresConnection
    let books: PostgresBooks
    let catalogue: PostgresCatalogue
    /// The run that this session began, for an audit row that somebody has removed meanwhile.
    private var begun: AuditRun?

    init(_ connection: PostgresConnection) {
        self.connection = connection
        books = PostgresBooks(connection)
        catalogue = PostgresCatalogue(connection)
    }

    func prepare() async throws(SluiceError) { try await books.prepare() }

    // MARK: The lock

    func lock(_ job: String, wait: Duration) async throws(SluiceError) {
        let clock = ContinuousClock()
        let deadline = clock.now + wait
        var pause = Duration.milliseconds(50)
        while true {
            let taken = try await connection.query("SELECT pg_try_advisory_lock(\(Self.lockKey))", [job]).single
            if taken == "t" { return }
            guard clock.now < deadline else { throw await refusal(job) }
            do {
                try await Task.sleep(for: min(pause, deadline - clock.now))
            } catch {
                throw SluiceError(.cancelled, "stopped while waiting for the lock of \(job)")
            }
            pause = min(pause * 2, .seconds(1))
        }
    }

    /// One number a job, apart from the numbers that other programs may lock. Advisory locks are a database's own.
    private static let lockKey = "hashtextextended('sluice.job:' || $1::text, 0)"

    private func refusal(_ job: String) async -> SluiceError {
        let sql = """
            SELECT a.application_name, host(a.client_addr), to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS "UTC"'), l.pid
            FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid, (SELECT \(Self.lockKey) AS key) k
            WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND (l.classid::bigint << 32 | l.objid::bigint) = k.key
            """
        var holder = "somebody who has just given it up"
        if let row = try? await connection.query(sql, [job]).rows.first {
            let label = row[0].map { $0.isEmpty ? "a session without a name" : "\"\($0)\"" } ?? "another user's session"
            holder = label + (row[1].map { " from \($0)" } ?? "") + (row[3].map { " (backend \($0))" } ?? "")
            if let since = row[2] { holder += ", there since \(since)" }
        }
        return SluiceError(
            .inputOutput, "another run of \(job) is under way; its lock is held by \(holder)",
            place: .init(file: connection.name), hint: "Wait for it to end, or stop it", isTransient: true)
    }

    // MARK: The audit log and what is known of the source

    func begin(_ run: AuditRun) async throws(SluiceError) {
        begun = run
        try await books.begin(run)
    }

    func end(_ run: String, _ outcome: AuditOutcome) async throws(SluiceError) { try await books.end(run, outcome) }

    func status(of run: String) async throws(SluiceError) -> AuditStatus? { try await books.status(of: run) }

    func buryDead(of pipeline: String, sparing run: String) async throws(SluiceError) -> [String] {
        try await books.buryDead(of: pipeline, sparing: run)
    }

    func watermark(of job: String) async throws(SluiceError) -> Watermark? { try await books.watermark(of: job) }

    func sourceFiles(of job: String) async throws(SluiceError) -> [String: SourceFile] {
        try await books.sourceFiles(of: job)
    }

    func stagedFiles(of job: String, from sources: [String]) async throws(SluiceError) -> [String] {
        try await books.stagedFiles(of: job, from: sources)
    }

    func recentRuns(of pipeline: String, limit: Int) async throws(SluiceError) -> [AuditEntry] {
        try await books.recentRuns(of: pipeline, limit: limit)
    }

    func lastLoad(of job: String) async throws(SluiceError) -> Int64? { try await books.lastLoad(of: job) }

    // MARK: Tables

    func plan(_ request: TableRequest) async throws(SluiceError) -> TablePlan {
        let table = try await catalogue.describe(request.table)
        return try TablePlanner(PostgresDialect()).plan(request, existing: table.columns?.map(\.column))
    }

    func begin(_ load: Load) async throws(SluiceError) -> any TableLoad {
        let audit = begun?.run == load.run ? begun : nil
        return try await PostgresLoad.begin(load, audit: audit, on: connection, books: books, catalogue: catalogue)
    }

    func close() async { await connection.close() }

    // MARK: Queries

    func query(_ sql: String, limit: Int) async throws(SluiceError) -> RecordBatch {
        try await connection.execute("BEGIN READ ONLY")
        let answer: Result<RecordBatch, SluiceError>
        do throws(SluiceError) {
            answer = .success(try await read(sql, limit: limit))
        } catch {
            answer = .failure(error)
        }
        // A failed COPY leaves nothing open but the transaction.
        try? await connection.execute("ROLLBACK")
        return try answer.get()
    }

    private func read(_ sql: String, limit: Int) async throws(SluiceError) -> RecordBatch {
        var sql = sql
        while let last = sql.last, last == ";" || last.isWhitespace { sql.removeLast() }
        // Described alone first: the server takes one whole statement here, so that it cannot end the one around it.
        let described = try await connection.describe(sql)
        let types = try await catalogue.types(described.map { ($0.oid, $0.modifier) })
        let columns = zip(described, types).map { (name: $0.name, type: $1, isNullable: true) }
        // The query's own names may be the same, or none.
        let names = columns.indices.map { "c\($0)" }
        let list = zip(names, columns).map { $1.type.needsTextCast ? "\($0)::text" : $0 }
        let readable = columns.map {
            ($0.name, $0.type.needsTextCast ? PostgresType(oid: PostgresType.OID.text) : $0.type, true)
        }
        let alias = names.isEmpty ? "q" : "q(\(names.joined(separator: ", ")))"
        try await connection.startCopy(
            "COPY (SELECT \(list.joined(separator: ", ")) FROM (\(sql)\n) AS \(alias) LIMIT \(max(limit, 0))) "
                + "TO STDOUT (FORMAT binary)", expecting: .out)
        // Used by one call at a time, of which each ends before the next begins.
        nonisolated(unsafe) let decoder = CopyDecoder(columns: readable, batchRows: 65_536)
        var batches: [RecordBatch] = []
        var refused: CopyDecoder.Rejection?
        while let batch = try await connection.copyOut(into: decoder) {
            batches.append(batch)
            refused = refused ?? decoder.takeRejections().first
        }
        if let refused = refused ?? decoder.takeRejections().first {
            throw SluiceError(
                .conversion, refused.reason, place: .init(column: refused.column, row: refused.row),
                hint: "Cast the column to text in the query")
        }
        return try RecordBatch.concatenate(batches, schema: decoder.schema)
    }
}

extension RecordBatch {
    fileprivate static func concatenate(_ batches: [RecordBatch], schema: Schema) throws(SluiceError) -> RecordBatch {
        if batches.count == 1 { return batches[0] }
        var columns: [Column] = []
        for (index, field) in schema.fields.enumerated() {
            columns.append(
                batches.isEmpty
                    ? .nulls(field.type, count: 0)
                    : try Column.concatenate(batches.map { $0.columns[index] }, type: field.type))
        }
        return RecordBatch(schema: schema, columns: columns, rowCount: batches.reduce(0) { $0 + $1.rowCount })
    }
}
