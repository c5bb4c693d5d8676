import Columns
import SQLite
import Support

/// A session with an SQLite warehouse.
final class SQLiteSession: WarehouseSession, @unchecked Sendable {
    // `@unchecked Sendable` because a session has one caller at a time, who alone reaches `begun` and `lock`.

    private let database: SQLiteDatabase
    private let books: SQLiteBooks
    private let catalogue: SQLiteCatalogue
    private let label: String
    /// The run that this session began, for an audit row that somebody has removed meanwhile.
    private var begun: AuditRun?
    private var lock: JobLock?

    init(_ database: SQLiteDatabase, label: String) {
        self.database = database
        self.label = label
        books = SQLiteBooks(database)
        catalogue = SQLiteCatalogue(database)
    }

    func prepare() async throws(SluiceError) { try await books.prepare() }

    func lock(_ job: String, wait: Duration) async throws(SluiceError) {
        if lock?.job == job { return }
        lock = try await JobLock.take(job, beside: database.path, as: label, wait: wait)
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
        return try TablePlanner(SQLiteDialect()).plan(request, existing: table.columns)
    }

    func begin(_ load: Load) async throws(SluiceError) -> any TableLoad {
        let audit = begun?.run == load.run ? begun : nil
        return try await SQLiteLoad.begin(load, audit: audit, on: database, books: books, catalogue: catalogue)
    }

    // MARK: Queries

    func query(_ sql: String, limit: Int) async throws(SluiceError) -> RecordBatch {
        var schema: Schema?
        while true {
            let reader = try await database.reader(sql, schema: schema, batchRows: max(1, min(limit, 65_536)))
            do {
                var batches: [RecordBatch] = []
                var rows = 0
                while rows < limit, let batch = try await reader.next() {
                    batches.append(batch.slice(0..<min(batch.rowCount, limit - rows)))
                    rows += batch.rowCount
                }
                return try RecordBatch.concatenate(batches, schema: reader.schema)
            } catch let widened as SchemaWidened {
                schema = widened.schema
            } catch let error as SluiceError {
                throw error
            } catch {
                throw SluiceError(.inputOutput, "\(error)", place: .init(file: database.name))
            }
        }
    }

    func close() async {
        await database.close()
        lock = nil
    }
}
