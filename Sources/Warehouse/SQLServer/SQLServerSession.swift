import Columns
import ODBC
import Support

/// A session with a SQL Server warehouse.
final class SQLServerSession: WarehouseSession, @unchecked Sendable {
    // `@unchecked Sendable` because a session has one caller at a time, who alone reaches `begun`.

    private let connection: ODBCConnection
    private let books: SQLServerBooks
    private let catalogue: SQLServerCatalogue
    private let options: SQLServerWarehouse.Options
    /// The run that this session began, for an audit row that somebody has removed meanwhile.
    private var begun: AuditRun?

    init(
        _ connection: ODBCConnection, _ options: SQLServerWarehouse.Options, _ engine: SQLServerEngine
    ) throws(SluiceError) {
        self.connection = connection
        self.options = options
        books = try SQLServerBooks(connection, schema: options.schema)
        catalogue = SQLServerCatalogue(
            connection: connection, schema: options.schema,
            dialect: SQLServerDialect(textLength: options.textLength, engine: engine))
    }

    func prepare() async throws(SluiceError) { try await books.prepare() }

    // MARK: The lock

    func lock(_ job: String, wait: Duration) async throws(SluiceError) {
        let clock = ContinuousClock()
        let deadline = clock.now + wait
        let resource = try SQLServerLock.job(job)
        while true {
            // The server waits for us, in the order in which sessions came; but not so long that nobody could stop us.
            let left = max(.zero, deadline - clock.now)
            let milliseconds = min(left, .seconds(1)) / Duration.milliseconds(1)
            // Not zero: Babelfish answers that with -999, as if something were wrong with the question.
            let answer = try await connection.query(
                SQLServerLock.takeForSession, [.text(resource), .integer(max(1, Int64(milliseconds.rounded(.up))))]
            ).single.flatMap { Int($0) }
            if let answer, answer >= 0 { return }
            // -1: waited in vain; anything else is no matter of waiting.
            guard answer == -1 else {
                throw SluiceError(
                    .inputOutput, "the lock of \(job) is not to be had: sp_getapplock says \(answer ?? -999)",
                    place: .init(file: connection.name), isTransient: answer == -3)
            }
            guard clock.now < deadline else { throw await refusal(job, resource) }
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped while waiting for the lock of \(job)") }
        }
    }

    private func refusal(_ job: String, _ resource: String) async -> SluiceError {
        var holder = "somebody whom this login may not see"
        if let row = try? await connection.query(SQLServerLock.holder, [.text(resource)]).rows.first, row.count == 4 {
            let label = row[0].map { $0.isEmpty ? "a session without a name" : "\"\($0)\"" } ?? "another user's session"
            holder = label + (row[1].map { " from \($0)" } ?? "") + (row[3].map { " (session \($0))" } ?? "")
            if let since = row[2] { holder += ", there since \(since) UTC" }
        } else if let run = try? await books.recentRuns(of: job, limit: 20).first(where: { $0.status == .running }) {
            holder = "run \(run.run), under way since \(Moment(microseconds: run.startedAt).iso)"
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

    func recentRuns(of pipeline: String, limit: Int) async throws(SluiceError) -> [AuditEntry] {
        try await books.recentRuns(of: pipeline, limit: limit)
    }

    func lastLoad(of job: String) async throws(SluiceError) -> Int64? { try await books.lastLoad(of: job) }

    func watermark(of job: String) async throws(SluiceError) -> Watermark? { try await books.watermark(of: job) }

    func sourceFiles(of job: String) async throws(SluiceError) -> [String: SourceFile] {
        try await books.sourceFiles(of: job)
    }

    func stagedFiles(of job: String, from sources: [String]) async throws(SluiceError) -> [String] {
        try await books.stagedFiles(of: job, from: sources)
    }

    // MARK: Tables

    func plan(_ request: TableRequest) async throws(SluiceError) -> TablePlan {
        let table = try await catalogue.describe(request.table)
        return try TablePlanner(catalogue.dialect).plan(request, existing: table.planned)
    }

    func begin(_ load: Load) async throws(SluiceError) -> any TableLoad {
        let audit = begun?.run == load.run ? begun : nil
        return try await SQLServerLoad.begin(
            load, audit: audit, books: books, catalogue: catalogue, options: options)
    }

    func close() async { await connection.close() }

    // MARK: Queries

    func query(_ sql: String, limit: Int) async throws(SluiceError) -> RecordBatch {
        // There is no transaction here that only reads: one that is rolled back leaves nothing.
        try await connection.query("BEGIN TRANSACTION")
        let answer: Result<RecordBatch, SluiceError>
        do throws(SluiceError) {
            answer = .success(try await read(sql, limit: limit))
        } catch {
            answer = .failure(error)
        }
        let isOpen = try? await connection.query("SELECT CONVERT(VARCHAR(10), @@TRANCOUNT) AS n").single
        await connection.rollback()
        guard case .success = answer, isOpen == "0" else { return try answer.get() }
        throw SluiceError(
            .invalidConfiguration, "the query has ended the transaction that it ran in, and may have changed something",
            place: .init(file: connection.name), hint: "Ask with SELECT, or WITH … SELECT")
    }

    private func read(_ sql: String, limit: Int) async throws(SluiceError) -> RecordBatch {
        let rows = try await connection.rows(sql, options: ODBCReadOptions(limit: limit))
        var batches: [RecordBatch] = []
        while let next = try await rows.next() {
            if let misfit = next.misfits.first {
                throw SluiceError(
                    .conversion, "the value \(misfit.raw) does not fit its column's type",
                    place: .init(column: misfit.column, row: misfit.row), hint: "Cast the column to text in the query")
            }
            batches.append(next.batch)
        }
        if batches.count == 1 { return batches[0] }
        var columns: [Column] = []
        for (index, field) in rows.schema.fields.enumerated() {
            columns.append(
                batches.isEmpty
                    ? .nulls(field.type, count: 0)
                    : try Column.concatenate(batches.map { $0.columns[index] }, type: field.type))
        }
        return RecordBatch(
            schema: rows.schema, columns: columns, rowCount: batches.reduce(0) { $0 + $1.rowCount })
    }
}

extension ODBCConnection {
    /// Runs a statement that changes rows, and says how many.
    ///
    /// The server is asked behind it: the driver's own count may be a trigger's.
    func changed(_ statement: SQLServerStatement) async throws(SluiceError) -> Int {
        let answer = try await query(
            statement.sql + ";\nSELECT CONVERT(VARCHAR(20), ROWCOUNT_BIG()) AS n", statement.parameters)
        return answer.single.flatMap { Int($0) } ?? 0
    }

    /// Ends the transaction if one is open, whatever becomes of it and of the task.
    func rollback() async { await insist("IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION") }

    /// Runs a statement whether the task is cancelled or not; what it fails with helps nobody.
    func insist(_ sql: String, _ parameters: [ODBCParameter] = []) async {
        // A task of its own, since a call in one that is cancelled does not begin.
        await Task.detached { _ = try? await self.query(sql, parameters) }.value
    }
}
