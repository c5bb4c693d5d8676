import Columns
import ODBC
import Support

/// A load into a table of SQL Server.
///
/// Rows are sent to a table of their own, so that nobody waits for the load while it reads. Once all are there, one
/// transaction brings the table into shape, the rows into it, and ledger, watermark and audit row with them.
final class SQLServerLoad: TableLoad, @unchecked Sendable {
    // `@unchecked Sendable` because a load has one caller at a time, who alone reaches what varies.

    private let connection: ODBCConnection
    private let load: Load
    /// The table as it was when the load began.
    private let table: SQLServerTable
    private let books: SQLServerBooks
    private let catalogue: SQLServerCatalogue
    private let audit: AuditRun?
    private let stage: SQLServerStage
    private let bulk: ODBCBulk
    private let numbersRows: Bool
    private let lake: SQLServerLake?
    private var lengths: SQLServerLengths
    private var files: [String: Int32] = [:]
    private var rows = 0
    private var isOver = false
    /// Why nothing more can be done.
    private var failure: SluiceError?

    private init(
        _ load: Load, audit: AuditRun?, books: SQLServerBooks, catalogue: SQLServerCatalogue, table: SQLServerTable,
        stage: SQLServerStage, bulk: ODBCBulk, numbersRows: Bool, lake: SQLServerLake?
    ) {
        self.load = load
        self.audit = audit
        connection = catalogue.connection
        self.books = books
        self.catalogue = catalogue
        self.table = table
        self.stage = stage
        self.bulk = bulk
        self.numbersRows = numbersRows
        self.lake = lake
        lengths = SQLServerLengths(load, table)
    }

    var schema: Schema { load.plan.schema }

    static func begin(
        _ load: Load, audit: AuditRun?, books: SQLServerBooks, catalogue: SQLServerCatalogue,
        options: SQLServerWarehouse.Options
    ) async throws(SluiceError) -> SQLServerLoad {
        FaultPoint.loadBegun.reach()
        let table = try await catalogue.describe(load.plan.request.table)
        try hold(load.plan, against: table, catalogue.dialect)
        try options.lake?.check(load)
        var script = SQLServerScript(load, into: table, dialect: catalogue.dialect)
        script.lake = options.lake
        let columns = script.stageColumns
        let copies = options.copiesInBulk && options.lake == nil
        let stage = try await SQLServerStage.make(
            script, in: catalogue, copies: copies && catalogue.connection.obstacleToBulkCopy == nil,
            needsTable: options.lake?.needsTable == true)
        let bulk = catalogue.connection.bulk(into: stage.sql, columns: columns, allowsCopy: copies)
        return SQLServerLoad(
            load, audit: audit, books: books, catalogue: catalogue, table: table, stage: stage, bulk: bulk,
            numbersRows: script.numbersRows, lake: options.lake)
    }

    /// The plan was made before the load began; meanwhile somebody may have changed the table.
    private static func hold(
        _ plan: TablePlan, against table: SQLServerTable, _ dialect: SQLServerDialect
    ) throws(SluiceError) {
        let now = try TablePlanner(dialect).plan(plan.request, existing: table.planned)
        guard now.changes == plan.changes, now.targets == plan.targets else {
            throw SluiceError(
                .inputOutput, "the table \(table.name) was changed by somebody since the load was planned",
                hint: "Run the job again", isTransient: true)
        }
    }

    // MARK: Rows

    func write(_ batch: RecordBatch, from file: String) async throws(SluiceError) {
        try check()
        if batch.rowCount == 0 { return }
        while let (limit, row, reason) = lengths.excess(in: batch) {
            guard limit.wider != nil else {
                throw SluiceError(
                    .conversion, reason, place: .init(column: limit.name, row: row + 1),
                    hint: "Widen the column in the database, or change the text in the query that reads it")
            }
            lengths.widen(limit)
        }
        if lake != nil {
            // The server reads them; that all of them are wanted is held against what it has read.
            rows += batch.rowCount
            return
        }
        do throws(SluiceError) {
            let number = files[file] ?? Int32(truncatingIfNeeded: files.count + 1)
            try await bulk.write(staged(batch, file: number))
            // Behind the rows: while they are copied, the session takes no other statement.
            files[file] = number
            rows += batch.rowCount
        } catch {
            // A value that the server does not hold is its row's fault alone, and nothing has been sent.
            if error.code != .conversion { failure = error }
            throw error
        }
        FaultPoint.loadRows.reach()
    }

    private func check() throws(SluiceError) {
        if let failure { throw failure }
        if isOver { throw SluiceError(.inputOutput, "the load is over already", place: .init(file: connection.name)) }
    }

    /// The batch with the columns of the stage that are not the table's.
    private func staged(_ batch: RecordBatch, file: Int32) -> RecordBatch {
        var fields = batch.schema.fields
        var columns = batch.columns
        let numbers = MutableBuffer(capacity: batch.rowCount * 4)
        for _ in 0..<batch.rowCount { numbers.append(file) }
        fields.append(Field("file", .int32))
        columns.append(Column(type: .int32, count: batch.rowCount, nullCount: 0, values: numbers.freeze()))
        if numbersRows {
            let places = MutableBuffer(capacity: batch.rowCount * 8)
            for row in 0..<batch.rowCount { places.append(Int64(rows &+ row)) }
            fields.append(Field("arrival", .int64))
            columns.append(Column(type: .int64, count: batch.rowCount, nullCount: 0, values: places.freeze()))
        }
        return RecordBatch(schema: Schema(fields), columns: columns, rowCount: batch.rowCount)
    }

    // MARK: The end

    func commit(_ record: LoadRecord) async throws(SluiceError) -> LoadResult {
        try check()
        let result: LoadResult
        do throws(SluiceError) {
            let taken = if let lake { try await read(record.staged, by: lake) } else { try await bulk.finish() }
            FaultPoint.loadWritten.reach()
            try await connection.query("BEGIN TRANSACTION")
            result = try await apply(taken)
            FaultPoint.loadApplied.reach()
            try await books.record(
                record, of: load, rows: result.inserted + result.updated + result.deleted, audit: audit)
            FaultPoint.loadRecorded.reach()
        } catch {
            // What the server refuses now, it has taken from us before: no single batch is to blame any more.
            let error = error.code == .conversion ? error.changed(to: .invalidData) : error
            failure = error
            throw error
        }
        isOver = true
        do throws(SluiceError) {
            try await connection.query("COMMIT TRANSACTION")
        } catch {
            guard error.isTransient, error.hint == nil else { throw error }
            var error = error
            error.message = "the session was lost while it committed: \(error.message)"
            error.hint = "The audit log says whether run \(load.run) is loaded"
            throw error
        }
        FaultPoint.loadCommitted.reach()
        await stage.drop(connection)
        return result
    }

    /// Lets the server read the staged files, and holds its counts against ours.
    private func read(_ staged: [StagedFile], by lake: SQLServerLake) async throws(SluiceError) -> Int {
        let wanted = staged.reduce(0) { $0 + $1.rows }
        guard wanted == rows else {
            throw SluiceError(
                .invalidData, "\(wanted - rows) of \(wanted) staged rows were rejected, and a server reads whole files",
                place: .init(file: connection.name),
                hint: "Mend the rows, or set load_by: rows on the warehouse, which sends those that are good")
        }
        let script = SQLServerScript(load, into: table, dialect: catalogue.dialect, from: stage)
        for file in staged {
            let number = files.count + 1
            files[file.name] = Int32(truncatingIfNeeded: number)
            // The last statement says how many rows of the file there are.
            var taken = 0
            for statement in try script.read(file.path, number, by: lake) {
                taken = try await connection.changed(statement)
            }
            guard taken == file.rows else {
                throw SluiceError(
                    .invalidData, "the server has read \(taken) rows of \(file.rows)", place: .init(file: file.path),
                    hint: "Make sure that its data source or URL is the project's lake")
            }
        }
        return rows
    }

    func rollback() async {
        if isOver { return }
        isOver = true
        await bulk.abandon()
        await connection.rollback()
        await stage.drop(connection)
    }

    /// Brings the rows into the table, in the transaction that is open.
    private func apply(_ taken: Int) async throws(SluiceError) -> LoadResult {
        try await connection.query(SQLServerLock.takeForTransaction, [.text(try SQLServerLock.table(table.sql))])
        let now = try await catalogue.describe(load.plan.request.table)
        guard now == table else {
            throw SluiceError(
                .inputOutput, "the table \(table.name) was changed by somebody while it was loaded",
                hint: "Run the job again", isTransient: true)
        }
        let script = SQLServerScript(
            load, into: table, dialect: catalogue.dialect, from: stage, widened: lengths.widened)
        for (name, number) in files.sorted(by: { $0.value < $1.value }) {
            try await run(script.noteFile(Int(number), name))
        }
        for statement in try script.shape { try await run(statement) }
        FaultPoint.loadShaped.reach()
        var result = LoadResult()
        switch load.mode {
        case .append, .replace:
            for statement in try script.clear { try await run(statement) }
            result.inserted = try await connection.changed(try script.insert())
        case .appendNew(let names):
            for statement in try script.clear { try await run(statement) }
            if table.id != nil { try await run(script.hold) }
            result.inserted = try await connection.changed(
                table.id == nil || load.clearsFirst ? try script.insert() : try script.insertNew(by: names))
            result.skipped = taken - result.inserted
        case .merge(let key, let order, let deletion):
            for statement in try script.clear { try await run(statement) }
            result = try await merge(script, key, order, deletion)
        }
        return result
    }

    private func merge(
        _ script: SQLServerScript, _ key: [String], _ order: String?, _ deletion: DeletionMarker?
    ) async throws(SluiceError) -> LoadResult {
        var result = LoadResult()
        if numbersRows { result.skipped = try await connection.changed(try script.keepLast(key, order: order)) }
        let isThere = table.id != nil
        if isThere { try await run(script.hold) }
        if let deletion {
            if isThere { result.deleted = try await connection.changed(try script.deleteMarked(key, deletion)) }
            let dropped = try await connection.changed(try script.dropMarked(deletion))
            result.skipped += max(0, dropped - result.deleted)
        }
        guard isThere else {
            result.inserted = try await connection.changed(try script.insert())
            if let index = try script.indexKey { try await makeIndex(index) }
            return result
        }
        result.updated = try await connection.changed(try script.update(key))
        result.inserted = try await connection.changed(try script.insertMissing(key))
        return result
    }

    private func makeIndex(_ index: SQLServerStatement) async throws(SluiceError) {
        do throws(SluiceError) {
            try await run(index)
        } catch {
            // 1505: two rows have the same key.
            guard error.message.hasSuffix(", 1505]") else { throw error }
            throw SluiceError(
                .invalidData, "two rows have the same key, which their source promised not to happen: \(error.message)",
                place: error.place, hint: "Name a key that tells the rows apart")
        }
    }

    private func run(_ statement: SQLServerStatement) async throws(SluiceError) {
        try await connection.query(statement.sql, statement.parameters)
    }
}
