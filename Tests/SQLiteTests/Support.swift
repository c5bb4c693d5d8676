import Columns
import SQLite
import Support

extension SQLiteDatabase {
    /// All rows of a query under the types that fit all of them, and how often these had to be widened.
    func readAll(
        _ sql: String, batchRows: Int = 65_536, schema: Schema? = nil
    ) async throws -> (batches: [RecordBatch], widened: Int) {
        var schema = schema
        var widened = 0
        while true {
            let reader = try await reader(sql, schema: schema, batchRows: batchRows)
            do {
                var batches: [RecordBatch] = []
                while let batch = try await reader.next() { batches.append(batch) }
                return (batches, widened)
            } catch let error as SchemaWidened {
                widened += 1
                if widened > 3 { throw SluiceError(.invalidData, "widened for ever: \(error.schema)") }
                schema = error.schema
            }
        }
    }

    /// The one column of a query.
    func column(_ sql: String, batchRows: Int = 65_536) async throws -> Column {
        let (batches, _) = try await readAll(sql, batchRows: batchRows)
        guard let first = batches.first else { throw SluiceError(.invalidData, "no rows") }
        return try Column.concatenate(batches.map { $0.columns[0] }, type: first.columns[0].type)
    }
}
