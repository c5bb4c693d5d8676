import Columns
import ODBC
import Support
import TestServers

extension TestMariaDB {
    /// What the driver is told to connect to it.
    func string(database: String = "shop") -> ConnectionString {
        var string = ConnectionString()
        string["Driver"] = "MariaDB Unicode"
        string["SERVER"] = "127.0.0.1"
        string["PORT"] = "\(port)"
        string["UID"] = user
        string["PWD"] = password
        string["DATABASE"] = database
        return string
    }

    func session() async throws -> ODBCConnection {
        try await ODBCConnection.open(ODBCSettings(name: "maria", string: string()))
    }
}

extension TestPostgres {
    /// What the driver is told to connect to it.
    var string: ConnectionString {
        var string = ConnectionString()
        string["Driver"] = "PostgreSQL Unicode"
        string["Servername"] = "127.0.0.1"
        string["Port"] = "\(port)"
        string["UID"] = "postgres"
        string["Database"] = "postgres"
        string["UseDeclareFetch"] = "1"
        string["Fetch"] = "1000"
        return string
    }

    func odbcSession() async throws -> ODBCConnection {
        let session = try await ODBCConnection.open(ODBCSettings(name: "postgres", string: string))
        try await session.query("SET TIME ZONE 'UTC'")
        return session
    }
}

/// All values of a statement's rows, and the misfits.
func values(
    _ sql: String, _ parameters: [ODBCParameter] = [], on session: ODBCConnection, options: ODBCReadOptions = .init()
) async throws -> (schema: Schema, rows: [[Value]], misfits: [ODBCBatch.Misfit]) {
    let reading = try await session.rows(sql, parameters, options: options)
    var rows: [[Value]] = []
    var misfits: [ODBCBatch.Misfit] = []
    while let found = try await reading.next() {
        misfits += found.misfits
        for row in 0..<found.batch.rowCount { rows.append(found.batch.columns.map { $0.value(at: row) }) }
    }
    return (reading.schema, rows, misfits)
}
