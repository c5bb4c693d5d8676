public import Columns
import Support

/// Hands out the rows of a query in batches.
///
/// The types come from the declared types of the query's columns and from the values, since SQLite lets any value into
/// any column. What does not fit the types found so far makes the reader look at the rest of the rows and throw
/// `SchemaWidened`, so that nothing is rejected or changed for being of another type than was declared:
///
/// - Integers and floats in one column become floats where these hold all of the integers; anything with text becomes
///   text, bytes among text as base64; text that is not UTF-8 becomes bytes.
/// - Days, times and moments are read where they are declared and all values are written as ISO 8601 says, and are text
///   or numbers as they stand otherwise.
///
/// A column that is declared as nothing and shows nothing but nulls is text.
public final class SQLiteReader: BatchReader, @unchecked Sendable {
    // `@unchecked Sendable` because `rows` is used on the database's thread only.

    /// The schema of every batch.
    public let schema: Schema
    /// The columns that have shown nothing but nulls so far, which say nothing about their type.
    public let columnsWithoutValues: Set<String>
    private let database: SQLiteDatabase
    private let rows: Rows

    /// Carries the rows from the database's thread and back.
    final class Rows: @unchecked Sendable {
        // `@unchecked Sendable` because `source` is used on the database's thread only.
        let source: SQLiteRowSource
        let schema: Schema
        let columnsWithoutValues: Set<String>

        init(_ source: SQLiteRowSource) {
            self.source = source
            schema = source.schema
            columnsWithoutValues = source.columnsWithoutValues
        }
    }

    init(_ database: SQLiteDatabase, _ rows: Rows) {
        self.database = database
        self.rows = rows
        schema = rows.schema
        columnsWithoutValues = rows.columnsWithoutValues
    }

    deinit {
        let rows = rows
        database.queue.start { rows.source.statement.finalize() }
    }

    /// The next rows; nil at the end.
    ///
    /// - throws: `SchemaWidened` when the types turn out too narrow; `SluiceError` when reading fails.
    public func next() async throws -> RecordBatch? {
        let rows = rows
        let next = try await database.run { _ throws(SluiceError) in
            let next = try rows.source.next()
            switch next {
            case .batch: break
            // The statement keeps others from cleaning up the log as long as it lives.
            case .end, .widened: rows.source.statement.finalize()
            }
            return next
        }
        switch next {
        case .batch(let batch): return batch
        case .end: return nil
        case .widened(let widened): throw widened
        }
    }
}
