import Columns
import SQLite
import Support
import TestData
import Testing
import Warehouse

/// A warehouse in a folder of the test's own, and a second connection to look at it.
final class SQLitePlace: Sendable {
    private let folder: Folder
    let path: String
    let admin: SQLiteDatabase

    init() async throws {
        folder = try Folder()
        path = folder.file("warehouse.db")
        admin = try await SQLiteDatabase.open(path)
    }

    func warehouse(busyTimeout: Duration = .seconds(10)) -> SQLiteWarehouse {
        SQLiteWarehouse(path: path, busyTimeout: busyTimeout)
    }

    /// A session whose own tables are there.
    func session(_ label: String = "sluice test", busyTimeout: Duration = .seconds(10)) async throws
        -> any WarehouseSession
    {
        let session = try await warehouse(busyTimeout: busyTimeout).connect(as: label)
        try await session.prepare()
        return session
    }

    /// The rows that a query returns, as text, `∅` for null.
    func rows(_ sql: String) async throws -> [[String]] {
        try await admin.query(sql).rows.map { row in
            row.map { value in
                switch value {
                case .null: "∅"
                case .integer(let value): "\(value)"
                case .real(let value): "\(value)"
                case .text(let text): text
                case .blob(let bytes): "\(bytes)"
                }
            }
        }
    }

    func single(_ sql: String) async throws -> String? { try await rows(sql).first?.first }
}
