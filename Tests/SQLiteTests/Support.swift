import Columns
import Glibc
import SQLite
import Support

/// A folder that goes when the test does.
final class Folder {
    let path: String

    init() throws {
        var template = Array("/tmp/sluice-sqlite-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SluiceError(.inputOutput, "no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { removeAll(path) }

    func file(_ name: String) -> String { path + "/" + name }

    private func removeAll(_ folder: String) {
        chmod(folder, 0o700)
        if let stream = opendir(folder) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name == "." || name == ".." { continue }
                if entry.pointee.d_type == UInt8(DT_DIR) { removeAll(folder + "/" + name) }
                unlink(folder + "/" + name)
            }
            closedir(stream)
        }
        rmdir(folder)
    }
}

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
