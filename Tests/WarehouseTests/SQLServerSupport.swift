import Columns
import Glibc
import ODBC
import Support
import Testing
import Warehouse

/// The server that `SLUICE_TEST_MSSQL` names, by an ODBC connection string.
enum TestSQLServer {
    /// The connection string; nil when there is no server to test with.
    static let string: String? = getenv("SLUICE_TEST_MSSQL").map { String(cString: $0) }
    static var isThere: Bool { string?.isEmpty == false }
    /// What is said where there is none.
    static let absence: Comment =
        "skipped: SLUICE_TEST_MSSQL is not set to the ODBC connection string of a SQL Server that tests may use"

    static func settings(bulkCopy: Bool = false) throws -> ODBCSettings {
        var settings = ODBCSettings(name: "test", string: try ConnectionString(parsing: try #require(string)))
        settings.bulkCopy = bulkCopy
        return settings
    }
}

/// A schema of the test's own in the tests' SQL Server, with a warehouse whose usual schema it is.
struct SQLServerPlace {
    let schema: String
    let admin: ODBCConnection
    let options: SQLServerWarehouse.Options
    /// Whether the server is Babelfish, which is PostgreSQL inside: times have six digits there, and names 63 bytes.
    let isBabelfish: Bool

    var warehouse: SQLServerWarehouse {
        SQLServerWarehouse(name: "mssql://test", options: options) { () async throws(SluiceError) in
            do { return try TestSQLServer.settings() } catch {
                throw error as? SluiceError ?? SluiceError(.invalidConfiguration, "no server: \(error)")
            }
        }
    }

    /// Runs `body` in a place that is gone afterwards.
    static func with(
        copies: Bool = true, textLength: Int? = nil, _ body: (SQLServerPlace) async throws -> Void
    ) async throws {
        let admin = try await ODBCConnection.open(try TestSQLServer.settings())
        let schema = "w" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try await admin.query("CREATE SCHEMA [\(schema)]")
        let version = try await admin.query("SELECT CONVERT(NVARCHAR(128), SERVERPROPERTY('BabelfishVersion')) AS v")
        let place = SQLServerPlace(
            schema: schema, admin: admin,
            options: SQLServerWarehouse.Options(schema: schema, textLength: textLength, copiesInBulk: copies),
            isBabelfish: version.single != nil)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(place)) } catch { outcome = .failure(error) }
        await place.remove()
        await admin.close()
        try outcome.get()
    }

    private func remove() async {
        let found = try? await admin.query(
            """
            SELECT CASE o.type WHEN 'V' THEN N'DROP VIEW ' ELSE N'DROP TABLE ' END + QUOTENAME(s.name) + N'.' + QUOTENAME(o.name)
            FROM sys.objects AS o INNER JOIN sys.schemas AS s ON s.schema_id = o.schema_id
            WHERE s.name = ? AND o.type IN ('U', 'V') ORDER BY o.type DESC
            """, [.text(schema)])
        for row in found?.rows ?? [] { if let sql = row[0] { _ = try? await admin.query(sql) } }
        _ = try? await admin.query("DROP SCHEMA [\(schema)]")
    }

    /// A session whose own tables are there.
    func session(_ label: String = "sluice test") async throws -> any WarehouseSession {
        let session = try await warehouse.connect(as: label)
        try await session.prepare()
        return session
    }

    /// The rows that a query returns, as text, `∅` for null. `{}` stands for the schema.
    func rows(_ sql: String) async throws -> [[String]] {
        try await admin.query(sql.replacing("{}", with: "[\(schema)]")).rows.map { $0.map { $0 ?? "∅" } }
    }

    func single(_ sql: String) async throws -> String? {
        try await admin.query(sql.replacing("{}", with: "[\(schema)]")).single
    }

    func execute(_ sql: String) async throws { try await admin.query(sql.replacing("{}", with: "[\(schema)]")) }
}
