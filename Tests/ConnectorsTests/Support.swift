import Columns
import Connectors
import Foundation
import Settings
import Support
import Warehouse

/// A folder that goes with its last user.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/sluice-conn-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String, _ name: String) throws { try write(Data(text.utf8), name) }

    func write(_ bytes: Data, _ name: String) throws {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try bytes.write(to: URL(fileURLWithPath: file))
    }

    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: path + "/" + name) }

    /// Sets when a file was last changed, in seconds since 1970.
    func touch(_ name: String, _ seconds: Int) {
        var times = [timespec(tv_sec: seconds, tv_nsec: 0), timespec(tv_sec: seconds, tv_nsec: 0)]
        utimensat(AT_FDCWD, path + "/" + name, &times, 0)
    }
}

/// What reading a unit brought, as text.
struct UnitRows {
    var schema: Schema
    var rows: [[String?]]
    var rejects: [RejectedRow]
    var bytesRead: Int
    var batches: Int
    var columnsWithoutValues: Set<String>
    var restarts: Int

    func column(_ name: String) -> [String?] {
        guard let index = schema.index(of: name) else { return [] }
        return rows.map { $0[index] }
    }
}

/// Reads a unit to its end, starting again as often as its types turn out to be wider.
func rows(of unit: any SourceUnit) async throws -> UnitRows {
    var schema: Schema?
    var restarts = 0
    while true {
        do {
            let reader = try await unit.open(under: schema)
            var found = UnitRows(
                schema: reader.schema, rows: [], rejects: [], bytesRead: 0, batches: 0, columnsWithoutValues: [],
                restarts: restarts)
            while let batch = try await reader.next() {
                found.batches += 1
                found.rows += texts(batch)
                found.rejects += reader.takeRejects()
            }
            found.rejects += reader.takeRejects()
            found.bytesRead = reader.bytesRead
            found.columnsWithoutValues = reader.columnsWithoutValues
            return found
        } catch let widened as SchemaWidened {
            schema = widened.schema
            restarts += 1
            if restarts > 3 { throw widened }
        }
    }
}

/// The rows of a batch as text, nil for null.
func texts(_ batch: RecordBatch) -> [[String?]] {
    let formatters = batch.columns.map { ColumnFormatter($0) }
    return (0..<batch.rowCount).map { row in
        formatters.map { formatter in
            if formatter.isNull(at: row) { return nil }
            let out = MutableBuffer()
            formatter.append(row: row, to: out)
            return out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        }
    }
}

/// A connector for a URL, in a project that lies in `folder`.
func connector(
    _ url: String, folder: String = "", environment: [String: String] = [:]
) async throws -> any Connector {
    let registry = ConnectorRegistry.standard
    let context = ConnectionContext(folder: folder, environment: environment)
    return try registry.makeConnector(try await registry.settings(url: Scalar(url), in: context))
}
