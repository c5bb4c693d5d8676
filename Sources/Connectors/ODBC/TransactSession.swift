public import ODBC
public import Support

extension ConnectionSettings {
    /// Opens a session with the T-SQL server that these settings name, to change what it has.
    ///
    /// - parameters:
    ///   - database: The database, in place of the one that the settings mean.
    ///   - host: What the server is called, given what the settings call it.
    /// - throws: `SluiceError` when the settings are those of another kind of database.
    public func openTransact(
        database: String? = nil, host: (String) -> String = { $0 }
    ) async throws(SluiceError) -> ODBCConnection {
        let kinds: [String: ODBCSite.Kind] = ["mssql": .sqlServer, "odbc": .any]
        guard let kind = kinds[protocolName] else {
            throw SluiceError(
                .invalidConfiguration, "this is a connection of \(protocolName), and not to a server that speaks T-SQL",
                place: .init(file: name), hint: "name one of mssql: mssql://USER:PASSWORD@SERVER/DATABASE")
        }
        var settings = try await ODBCSite(connection: self, kind: kind).settings()
        if let database { settings.string["Database"] = database }
        if let server = settings.string["Server"] { settings.string["Server"] = TransactHost.renamed(server, host) }
        return try await ODBCConnection.open(settings)
    }
}

/// How drivers write the name of a server: `tcp:host,port`, `host\instance`.
enum TransactHost {
    /// `server` with its host put through `host`.
    static func renamed(_ server: String, _ host: (String) -> String) -> String {
        var rest = server[...]
        var before = ""
        if rest.lowercased().hasPrefix("tcp:") {
            before = String(rest.prefix(4))
            rest = rest.dropFirst(4)
        }
        let end = rest.firstIndex { $0 == "," || $0 == "\\" } ?? rest.endIndex
        return before + host(String(rest[..<end])) + rest[end...]
    }
}
