import ODBC
import Support

/// Where the rows of a load wait until all are there.
///
/// A temporary table as a rule: nobody else sees it, it needs no rights, and it goes with the session. Before it copies, the
/// driver asks the server what the table looks like, which some servers that speak T-SQL cannot say of temporary ones. There
/// rows wait in an ordinary table, whose name no other load has. A lock of the session says that it is in use: one without
/// is what a killed run left behind, and the next load drops it.
package struct SQLServerStage: Sendable {
    /// The table as SQL.
    package let sql: String
    /// What it is called in its schema; nil for a temporary table.
    let name: String?

    /// The temporary table.
    package static let temporary = SQLServerStage(sql: "#sluice_stage", name: nil)

    private static let prefix = "sluice_stage_"

    private init(sql: String, name: String?) {
        self.sql = sql
        self.name = name
    }

    /// A stage that the driver can copy to, if `copies`, and which is there when this returns.
    static func make(
        _ script: SQLServerScript, in catalogue: SQLServerCatalogue, copies: Bool, needsTable: Bool = false
    ) async throws(SluiceError) -> SQLServerStage {
        let connection = catalogue.connection
        // Without parameters, since a temporary table that is made with some is gone with the statement.
        for statement in script.makeStage(temporary) { try await connection.query(statement.sql) }
        if !needsTable {
            guard copies, try await !canDescribeTemporary(connection) else { return temporary }
        }
        try await connection.query("DROP TABLE IF EXISTS \(temporary.sql)")
        await dropLeftBehind(in: catalogue)
        let name = prefix + String(UInt64.random(in: 0...UInt64.max), radix: 16)
        let stage = SQLServerStage(
            sql: try catalogue.dialect.quote(TableName(schema: catalogue.schema, name)), name: name)
        guard try await take(name, connection) else {
            throw SluiceError(.inputOutput, "the lock of the new table \(name) is taken", isTransient: true)
        }
        for statement in script.makeStage(stage) { try await connection.query(statement.sql) }
        return stage
    }

    /// Drops it, whether the task is cancelled or not.
    func drop(_ connection: ODBCConnection) async {
        await connection.insist("DROP TABLE IF EXISTS \(sql)")
        await connection.insist("DROP TABLE IF EXISTS \(SQLServerScript.files)")
        guard let name, let lock = try? SQLServerLock.stage(name) else { return }
        await connection.insist(SQLServerLock.release, [.text(lock)])
    }

    /// Asks what the driver asks before it copies.
    private static func canDescribeTemporary(_ connection: ODBCConnection) async throws(SluiceError) -> Bool {
        do throws(SluiceError) {
            try await connection.query("EXEC sp_describe_first_result_set N'SELECT * FROM \(temporary.sql)'")
            return true
        } catch {
            if error.isTransient || error.code == .cancelled { throw error }
            return false
        }
    }

    private static func take(_ name: String, _ connection: ODBCConnection) async throws(SluiceError) -> Bool {
        let answer = try await connection.query(
            SQLServerLock.takeForSession, [.text(try SQLServerLock.stage(name)), .integer(0)])
        return answer.single.flatMap { Int($0) } ?? -999 >= 0
    }

    /// The stages of a schema: the schema.
    package static let leftBehind = """
        SELECT t.name FROM sys.tables AS t INNER JOIN sys.schemas AS s ON s.schema_id = t.schema_id
        WHERE s.name = ? AND t.name LIKE 'sluice[_]stage[_]%'
        """

    /// Drops stages whose session is no more. What fails here stays for the next load.
    private static func dropLeftBehind(in catalogue: SQLServerCatalogue) async {
        let connection = catalogue.connection
        let found = try? await connection.query(leftBehind, [.text(catalogue.schema)])
        for name in (found?.rows ?? []).compactMap({ $0.first ?? nil }) where name.hasPrefix(prefix) {
            guard (try? await take(name, connection)) == true,
                let sql = try? catalogue.dialect.quote(TableName(schema: catalogue.schema, name))
            else { continue }
            await SQLServerStage(sql: sql, name: name).drop(connection)
        }
    }
}
