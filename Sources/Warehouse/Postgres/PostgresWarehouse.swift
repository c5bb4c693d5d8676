// The PostgreSQL warehouse.
//
//     PostgresWarehouse ──connect──▶ PostgresSession ──begin──▶ PostgresLoad ──commit──▶ PostgresApply
//                                    PostgresBooks: audit,       COPY into the table,     merge, exchange, swap
//                                    ledger, watermarks          or beside it
//                                    PostgresCatalogue: what a table looks like
import Postgres
public import Support

/// A PostgreSQL database that rows end in.
public struct PostgresWarehouse: Warehouse {
    private let settings: [String: String]
    /// `postgres://host:port/database`
    public let name: String
    /// `postgres`
    public var protocolName: String { "postgres" }
    /// Rows are copied to where nobody waits for them.
    public var loadsWhileReading: Bool { true }

    /// The database that libpq's `settings` (`host`, `dbname`, `user`, `password`, …) lead to.
    public init(settings: [String: String]) {
        self.settings = settings
        let port = settings["port"].map { ":\($0)" } ?? ""
        name = "postgres://\(settings["host"] ?? "localhost")\(port)/\(settings["dbname"] ?? settings["user"] ?? "")"
    }

    /// Opens a session that shows as `label` in `pg_stat_activity`.
    public func connect(as label: String) async throws(SluiceError) -> any WarehouseSession {
        var settings = settings
        var shown = ""
        // The server cuts at 63 bytes, and might do so within a character.
        for character in label where (shown + String(character)).utf8.count <= 63 { shown.append(character) }
        settings["application_name"] = shown
        let connection = try await PostgresConnection.open(settings)
        // Whatever role or database say, text means one thing here. A session that waits for rows to load is no idler.
        try await connection.execute(
            """
            SET client_min_messages = error; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD';
            SET standard_conforming_strings = on; SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0
            """)
        // Since PostgreSQL 14 only. A session that holds a job's lock is idle while others read the job's source.
        try await connection.query(
            "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'idle_session_timeout'")
        return PostgresSession(connection)
    }
}
