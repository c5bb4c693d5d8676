public import ODBC
public import Postgres
public import SQLite
import Settings
public import Support

/// A session with a database for whoever administers it: statements in the database's own words, instead of rows.
public enum DirectSession: Sendable {
    /// With PostgreSQL.
    case postgres(PostgresConnection)
    /// With an SQLite file.
    case sqlite(SQLiteDatabase)
    /// With SQL Server or Azure SQL.
    case sqlServer(ODBCConnection)

    /// What to call the database in a message.
    public var name: String {
        switch self {
        case .postgres(let session): session.name
        case .sqlite(let session): session.name
        case .sqlServer(let session): session.name
        }
    }

    /// Ends the session; what is open is rolled back.
    public func close() async {
        switch self {
        case .postgres(let session): await session.close()
        case .sqlite(let session): await session.close()
        case .sqlServer(let session): await session.close()
        }
    }
}

extension ConnectionSettings {
    /// Opens a session for statements, secrets looked up.
    ///
    /// - parameter label: What the server calls the session, where it can.
    /// - parameter changes: Settings that take the place of the connection's own: `username`, `password`, `database`.
    /// - parameter isChanging: Whether a database file that is missing is to be made.
    /// - throws: `SluiceError` when the connection's kind knows no such sessions, or none can be had.
    public func openDirectly(
        as label: String, _ changes: [String: String] = [:], isChanging: Bool = true
    ) async throws(SluiceError) -> DirectSession {
        switch protocolName {
        case "postgres":
            var settings = try await PostgresSettings.libpq(self, withSchema: true)
            let names = ["username": "user", "password": "password", "database": "dbname"]
            for (key, value) in changes { settings[names[key] ?? key] = value }
            settings["application_name"] = PostgresSettings.shortened(label)
            let session = try await PostgresConnection.open(settings)
            try await session.execute("SET client_min_messages = error; SET statement_timeout = 0")
            return .postgres(session)
        case "sqlite":
            let path = anchored(try await resolved()["path"] ?? "")
            return .sqlite(try await SQLiteDatabase.open(path, mode: isChanging ? .create : .readOnly))
        case "mssql":
            return .sqlServer(try await ODBCSite(connection: self, kind: .sqlServer).open())
        default:
            throw SluiceError(
                .unsupported, "\(protocolName) is no database that can be set up", place: .init(file: name),
                hint: "name a connection of protocol postgres, sqlite or mssql")
        }
    }
}

extension PostgresSettings {
    /// As much of `label` as a server shows: it would cut at 63 bytes, and might do so within a character.
    static func shortened(_ label: String) -> String {
        var shown = ""
        for character in label where (shown + String(character)).utf8.count <= 63 { shown.append(character) }
        return shown
    }
}
