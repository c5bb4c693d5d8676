import CSQLite
public import Columns
public import Support

/// A statement that is run for every row of a batch.
///
/// Values are bound where they lie in the columns' memory; how each type is stored is told at `SQLiteType`.
public final class SQLiteInserter: Sendable {
    private let database: SQLiteDatabase
    private let prepared: Prepared
    private let types: [DataType]

    /// Carries the statement from the database's thread and back.
    final class Prepared: @unchecked Sendable {
        // `@unchecked Sendable` because the statement is used on the database's thread only.
        let statement: SQLiteStatement
        init(_ statement: SQLiteStatement) { self.statement = statement }
    }

    init(_ database: SQLiteDatabase, _ prepared: Prepared, types: [DataType]) {
        self.database = database
        self.prepared = prepared
        self.types = types
    }

    deinit { finish() }

    /// Runs the statement for each row of `batch`, inside a transaction of the caller's, since the rows before one that
    /// fails are in the table already.
    ///
    /// - parameter constants: The values of the parameters behind those of the columns.
    /// - returns: How many rows of the table that changed.
    /// - throws: `SluiceError` naming the row of the batch, from 1, that could not be taken. One with code `conversion` has
    ///   taken none of the rows.
    @discardableResult
    public func insert(_ batch: RecordBatch, constants: [SQLiteValue] = []) async throws(SluiceError) -> Int {
        guard batch.schema.fields.map(\.type) == types else {
            throw SluiceError(
                .invalidData, "a batch has other types than were announced: \(batch.schema)",
                place: .init(file: database.name))
        }
        let prepared = prepared
        return try await database.run { handle throws(SluiceError) in
            try Self.insert(batch, constants, prepared.statement, handle)
        }
    }

    /// Gives the statement up; the same happens when the inserter goes.
    public func finish() {
        let prepared = prepared
        database.queue.start { prepared.statement.finalize() }
    }

    private static func insert(
        _ batch: RecordBatch, _ constants: [SQLiteValue], _ statement: SQLiteStatement, _ handle: SQLiteHandle
    ) throws(SluiceError) -> Int {
        let connection = try handle.open()
        guard statement.parameterCount == batch.columns.count + constants.count else {
            throw SluiceError(
                .invalidConfiguration,
                "the statement has \(statement.parameterCount) parameters, for \(batch.columns.count) columns and \(constants.count) constants",
                place: .init(file: handle.name))
        }
        for (index, value) in constants.enumerated() {
            try statement.bind(value, at: Int32(batch.columns.count + index + 1))
        }
        var columns: [BoundColumn] = []
        for (index, column) in batch.columns.enumerated() {
            let field = batch.schema.fields[index]
            do throws(SluiceError) { columns.append(try BoundColumn(column)) } catch {
                throw error.at(.init(file: handle.name, column: field.name))
            }
            if let row = columns[index].firstMisfit() {
                throw SluiceError(
                    .conversion, "the value has more digits than \(field.type)",
                    place: .init(file: handle.name, column: field.name, row: row + 1))
            }
        }
        let before = sqlite3_total_changes64(connection)
        // What was bound points into the columns, so nothing of it may stay.
        defer { sqlite3_clear_bindings(statement.pointer) }
        // In place, since a copy of a column would count references for every value.
        try columns.withUnsafeBufferPointer { (columns) throws(SluiceError) in
            for row in 0..<batch.rowCount {
                if row & 1023 == 0, handle.token?.isSet == true { throw SQLiteErrors.cancelled(handle.name) }
                var result = SQLITE_OK
                for index in columns.indices {
                    result |= columns[index].bind(row, to: statement.pointer, at: Int32(truncatingIfNeeded: index &+ 1))
                }
                guard result == SQLITE_OK else { throw handle.failure().at(.init(row: row + 1)) }
                let stepped = sqlite3_step(statement.pointer)
                if stepped != SQLITE_DONE, stepped != SQLITE_ROW {
                    let error = handle.failure()
                    sqlite3_reset(statement.pointer)
                    throw error.at(.init(row: row + 1))
                }
                sqlite3_reset(statement.pointer)
            }
        }
        return Int(sqlite3_total_changes64(connection) - before)
    }
}
