import Columns
import SQLite
import Support

/// A load into an SQLite table: one transaction, which keeps others from writing and nobody from reading.
///
/// Rows go straight into the table, or into a temporary one when they have to be held against those that are there.
final class SQLiteLoad: TableLoad, @unchecked Sendable {
    // `@unchecked Sendable` because a load has one caller at a time, who alone reaches what varies.

    private let database: SQLiteDatabase
    private let load: Load
    private let shaper: SQLiteShaper
    private let books: SQLiteBooks
    private let audit: AuditRun?
    private let inserter: SQLiteInserter
    private let isStaged: Bool
    private var rows = 0
    private var isOver = false
    /// Why nothing more can be done: SQLite may have ended the transaction itself.
    private var failure: SluiceError?

    private init(
        _ load: Load, audit: AuditRun?, on database: SQLiteDatabase, books: SQLiteBooks, shaper: SQLiteShaper,
        inserter: SQLiteInserter, isStaged: Bool
    ) {
        self.load = load
        self.audit = audit
        self.database = database
        self.books = books
        self.shaper = shaper
        self.inserter = inserter
        self.isStaged = isStaged
    }

    var schema: Schema { load.plan.schema }

    static func begin(
        _ load: Load, audit: AuditRun?, on database: SQLiteDatabase, books: SQLiteBooks, catalogue: SQLiteCatalogue
    ) async throws(SluiceError) -> SQLiteLoad {
        // At once, because a transaction that reads first and writes later may be refused in between.
        try await database.execute("BEGIN IMMEDIATE")
        do throws(SluiceError) {
            FaultPoint.loadBegun.reach()
            let table = try await catalogue.describe(load.plan.request.table)
            try hold(load.plan, against: table)
            let shaper = SQLiteShaper(database, load: load, table: table)
            try await shaper.shape()
            FaultPoint.loadShaped.reach()
            try await clear(load, table, on: database)
            let isStaged = isStaged(load, table)
            if isStaged { try await shaper.makeStage() }
            let inserter = try await database.inserter(
                try insertion(load, shaper, isStaged: isStaged), types: load.plan.targets.map(\.type))
            return SQLiteLoad(
                load, audit: audit, on: database, books: books, shaper: shaper, inserter: inserter, isStaged: isStaged)
        } catch {
            await database.rollback()
            throw error
        }
    }

    /// The plan was made before the transaction began; meanwhile somebody may have changed the table.
    private static func hold(_ plan: TablePlan, against table: SQLiteCatalogue.Table) throws(SluiceError) {
        let now = try TablePlanner(SQLiteDialect()).plan(plan.request, existing: table.columns)
        guard now.changes == plan.changes, now.targets == plan.targets else {
            throw SluiceError(
                .inputOutput, "the table \(table.name) was changed by somebody since the load was planned",
                hint: "Run the job again", isTransient: true)
        }
    }

    /// Deletes what this load takes the place of.
    private static func clear(
        _ load: Load, _ table: SQLiteCatalogue.Table, on database: SQLiteDatabase
    ) async throws(SluiceError) {
        guard table.columns != nil else { return }
        if load.clearsFirst || load.mode == .replace { return try await database.execute("DELETE FROM \(table.sql)") }
        for file in Set(load.superseded) {
            try await database.query(
                "DELETE FROM \(table.sql) WHERE \(try SQLiteDialect().quote(Lineage.sourceFile)) = ?", [.text(file)])
        }
    }

    private static func isStaged(_ load: Load, _ table: SQLiteCatalogue.Table) -> Bool {
        switch load.mode {
        case .append, .replace: false
        case .appendNew: table.columns != nil
        case .merge(_, _, let deletion): table.columns != nil || !load.keysAreUnique || deletion != nil
        }
    }

    /// The statement that takes a row: its values, then what is the same for all rows of a batch.
    private static func insertion(
        _ load: Load, _ shaper: SQLiteShaper, isStaged: Bool
    ) throws(SluiceError) -> String {
        let dialect = SQLiteDialect()
        var columns = try load.plan.targets.map { (target) throws(SluiceError) in try dialect.quote(target.name) }
        columns +=
            isStaged ? [shaper.file] : try Lineage.columns.map { (name) throws(SluiceError) in try dialect.quote(name) }
        let marks = columns.map { _ in "?" }.joined(separator: ", ")
        let table = isStaged ? SQLiteShaper.stage : shaper.table.sql
        return "INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(marks))"
    }

    func write(_ batch: RecordBatch, from file: String) async throws(SluiceError) {
        try check()
        var constants: [SQLiteValue] = [.text(file)]
        if !isStaged { constants += [.text(Moment(microseconds: load.loadedAt).iso), .text(load.run)] }
        do throws(SluiceError) {
            try await database.execute("SAVEPOINT sluice_batch")
            do throws(SluiceError) {
                try await inserter.insert(batch, constants: constants)
            } catch {
                // A value that the table does not hold is its row's fault alone, so the batch leaves no trace.
                guard error.code == .conversion else { throw error }
                try await database.execute("ROLLBACK TO sluice_batch; RELEASE sluice_batch")
                throw error
            }
            try await database.execute("RELEASE sluice_batch")
        } catch {
            if error.code != .conversion { failure = error }
            throw error
        }
        rows += batch.rowCount
        FaultPoint.loadRows.reach()
    }

    private func check() throws(SluiceError) {
        if let failure { throw failure }
        if isOver { throw SluiceError(.inputOutput, "the load is over already", place: .init(file: database.name)) }
    }

    func commit(_ record: LoadRecord) async throws(SluiceError) -> LoadResult {
        try check()
        let result: LoadResult
        do throws(SluiceError) {
            inserter.finish()
            FaultPoint.loadWritten.reach()
            result =
                isStaged
                ? try await SQLiteApply(database, load: load, shaper: shaper, staged: rows).run()
                : LoadResult(inserted: rows)
            FaultPoint.loadApplied.reach()
            try await books.record(
                record, of: load, rows: result.inserted + result.updated + result.deleted, audit: audit)
            FaultPoint.loadRecorded.reach()
            try await database.execute("COMMIT")
        } catch {
            var error = error
            // No single batch is to blame any more.
            if error.code == .conversion { error.code = .invalidData }
            failure = error
            throw error
        }
        isOver = true
        FaultPoint.loadCommitted.reach()
        return result
    }

    func rollback() async {
        if isOver { return }
        isOver = true
        inserter.finish()
        await database.rollback()
    }
}
