import Columns
import Postgres
import Support

/// A load into a PostgreSQL table: one transaction.
///
/// Rows are copied straight into the table where that is what the load comes to: appending to a table that fits, or
/// filling a new one. Otherwise they are copied beside it, into a temporary table or into the one that will take its
/// place, so that nobody waits for the load while it reads; the table itself is touched when all rows are there.
final class PostgresLoad: TableLoad, @unchecked Sendable {
    // `@unchecked Sendable` because a load has one caller at a time, who alone reaches `isOver`.

    /// How the rows get into the table.
    enum Road: Sendable, Hashable {
        /// They are copied into the table.
        case direct
        /// They are copied into a temporary table, and applied from there.
        case stage
        /// They are copied into a table that takes the place of the one that is there.
        case beside
    }

    let connection: PostgresConnection
    let load: Load
    /// The table as it was when the load began.
    let table: PostgresCatalogue.Table
    let road: Road
    let copy: PostgresCopy
    private let books: PostgresBooks
    private let audit: AuditRun?
    private var isOver = false

    private init(
        _ load: Load, audit: AuditRun?, on connection: PostgresConnection, books: PostgresBooks,
        table: PostgresCatalogue.Table, road: Road, copy: PostgresCopy
    ) {
        self.load = load
        self.audit = audit
        self.connection = connection
        self.books = books
        self.table = table
        self.road = road
        self.copy = copy
    }

    var schema: Schema { load.plan.schema }

    static func begin(
        _ load: Load, audit: AuditRun?, on connection: PostgresConnection, books: PostgresBooks,
        catalogue: PostgresCatalogue
    ) async throws(SluiceError) -> PostgresLoad {
        try await connection.execute("BEGIN")
        do throws(SluiceError) {
            FaultPoint.loadBegun.reach()
            let table = try await catalogue.describe(load.plan.request.table)
            try hold(load.plan, against: table)
            let shaper = PostgresShaper(connection, load: load, table: table)
            let road = try await shaper.road()
            let target = try await shaper.prepare(road)
            if road != .stage { FaultPoint.loadShaped.reach() }
            return PostgresLoad(
                load, audit: audit, on: connection, books: books, table: table, road: road,
                copy: PostgresCopy(
                    target, of: load, lengths: PostgresLengths(load.plan, table), ownsLengths: road != .stage,
                    on: connection))
        } catch {
            try? await connection.execute("ROLLBACK")
            throw error
        }
    }

    /// The plan was made before the transaction began; meanwhile somebody may have changed the table.
    private static func hold(_ plan: TablePlan, against table: PostgresCatalogue.Table) throws(SluiceError) {
        let now = try TablePlanner(PostgresDialect()).plan(plan.request, existing: table.columns?.map(\.column))
        guard now.changes == plan.changes, now.targets == plan.targets else {
            throw SluiceError(
                .inputOutput, "the table \(table.name) was changed by somebody since the load was planned",
                hint: "Run the job again", isTransient: true)
        }
    }

    func write(_ batch: RecordBatch, from file: String) async throws(SluiceError) {
        try await copy.write(batch, from: file)
        FaultPoint.loadRows.reach()
    }

    func commit(_ record: LoadRecord) async throws(SluiceError) -> LoadResult {
        if isOver { throw SluiceError(.inputOutput, "the load is over already") }
        let result: LoadResult
        do throws(SluiceError) {
            try await copy.finish()
            FaultPoint.loadWritten.reach()
            result = try await PostgresApply(self).run()
            FaultPoint.loadApplied.reach()
            try await books.record(
                record, of: load, rows: result.inserted + result.updated + result.deleted, audit: audit)
            FaultPoint.loadRecorded.reach()
        } catch {
            // What the server refuses now, it has taken from us before: no single batch is to blame any more.
            throw error.code == .conversion ? error.changed(to: .invalidData) : error
        }
        isOver = true
        do throws(SluiceError) {
            try await connection.execute("COMMIT")
        } catch {
            if error.isTransient, error.hint == nil {
                var error = error
                error.message = "the session was lost while it committed: \(error.message)"
                error.hint = "The audit log says whether run \(load.run) is loaded"
                throw error
            }
            throw error
        }
        FaultPoint.loadCommitted.reach()
        return result
    }

    func rollback() async {
        if isOver { return }
        isOver = true
        await copy.abandon()
        try? await connection.execute("ROLLBACK")
    }
}

extension SluiceError {
    /// The same error as one of another kind.
    func changed(to code: Code) -> SluiceError {
        var error = self
        error.code = code
        return error
    }
}
