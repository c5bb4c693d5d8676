import ODBC
import Support

/// How sessions with one database are opened.
struct ODBCSite: Sendable {
    /// Which of our words the database was named by.
    enum Kind: Sendable {
        case any, mySQL, oracle, sqlServer
    }

    let connection: ConnectionSettings
    let kind: Kind

    /// Opens a session, in which moments are told in UTC.
    func open() async throws(SluiceError) -> ODBCConnection {
        let session = try await ODBCConnection.open(try await settings())
        switch session.facts.database {
        case .postgreSQL: try await session.query("SET TIME ZONE 'UTC'")
        case .mySQL: try await session.query("SET time_zone = '+00:00'")
        case .oracle: try await session.query("ALTER SESSION SET TIME_ZONE = 'UTC'")
        case .sqlServer, .other: break
        }
        return session
    }

    /// What the driver is told, secrets looked up.
    func settings() async throws(SluiceError) -> ODBCSettings {
        let values = try await connection.resolved()
        var string = ConnectionString()
        var token: String?
        switch kind {
        case .any: string = try await anyString(values)
        case .mySQL: string = try await mySQLString(values)
        case .oracle:
            string["Driver"] = try await driver(values)
            string["DBQ"] = "//\(values["host"] ?? ""):\(values["port"] ?? "1521")/\(values["database"] ?? "")"
        case .sqlServer: (string, token) = try await sqlServerString(values)
        }
        if token == nil {
            string["UID"] = values["username"] ?? string["UID"]
            string["PWD"] = values["password"] ?? string["PWD"]
        }
        if let options = values["options"] {
            for (key, value) in try ConnectionString(parsing: options).entries { string[key] = value }
        }
        func seconds(_ key: String, _ standard: Int) -> Int {
            values[key].flatMap(Quantities.duration).map { max(0, Int($0.components.seconds)) } ?? standard
        }
        var settings = ODBCSettings(
            name: connection.name, string: string, loginTimeout: max(1, seconds("connect_timeout", 15)),
            accessToken: token)
        if kind == .sqlServer { settings.patience = seconds("wake_timeout", 120) }
        return settings
    }

    private func anyString(_ values: [String: String]) async throws(SluiceError) -> ConnectionString {
        var string = ConnectionString()
        if let text = values["connection_string"] { string = try ConnectionString(parsing: text) }
        if let dsn = values["dsn"] { string["DSN"] = dsn }
        if let driver = values["driver"] { string["Driver"] = driver }
        if string.first(of: "DSN", "Driver", "FILEDSN") == nil {
            throw SluiceError(
                .invalidConfiguration, "neither a dsn nor a driver is named", place: .init(file: connection.name),
                hint: "set dsn, driver, or connection_string; " + (await ODBCSite.seen()))
        }
        return string
    }

    private func mySQLString(_ values: [String: String]) async throws(SluiceError) -> ConnectionString {
        var string = ConnectionString()
        let driver = try await driver(values)
        string["Driver"] = driver
        string["SERVER"] = values["host"]
        string["PORT"] = values["port"] ?? "3306"
        string["DATABASE"] = values["database"]
        let certificates = values["sslrootcert"].map(connection.anchored)
        let mode = values["sslmode"] ?? "prefer"
        if driver.lowercased().contains("mysql") {
            string["SSLMODE"] = ["require": "REQUIRED", "verify-full": "VERIFY_IDENTITY"][mode] ?? "PREFERRED"
            // Rows as they come, instead of all of them in memory first.
            string["NO_CACHE"] = "1"
            string["FORWARD_CURSOR"] = "1"
        } else {
            if mode != "prefer" { string["FORCETLS"] = "1" }
            if mode == "verify-full" { string["SSLVERIFY"] = "1" }
            string["FORWARDONLY"] = "1"
            // Rows as they come, instead of all of them in memory first: since version 3.2 of the driver.
            string["STREAMRS"] = "1"
        }
        string["CHARSET"] = "utf8mb4"
        if let certificates { string["SSLCA"] = certificates }
        return string
    }

    private func sqlServerString(_ values: [String: String]) async throws(SluiceError) -> (ConnectionString, String?) {
        var string = ConnectionString()
        let driver = try await driver(values)
        let isFreeTDS = driver.lowercased().contains("tds")
        string["Driver"] = driver
        let port = values["port"] ?? "1433"
        if isFreeTDS {
            string["Server"] = values["server"]
            string["Port"] = port
            string["TDS_Version"] = "7.4"
            string["ClientCharset"] = "UTF-8"
            string["Encryption"] = values["encrypt"] == "no" ? "off" : "require"
        } else {
            string["Server"] = "tcp:\(values["server"] ?? ""),\(port)"
            string["Encrypt"] = values["encrypt"] ?? "yes"
            string["TrustServerCertificate"] = values["trust_server_certificate"] == "true" ? "yes" : "no"
            string["APP"] = "sluice"
            // The driver itself finds a session again that was lost while idle.
            string["ConnectRetryCount"] = "3"
            string["ConnectRetryInterval"] = "5"
        }
        if let database = values["database"] { string["Database"] = database }
        let auth = values["use_msi"] == "true" ? "managed-identity" : values["auth"]
        switch auth ?? (values["username"] == nil ? "azure" : "password") {
        case "azure", "managed-identity":
            guard let tokens = connection.tokens else {
                throw SluiceError(
                    .unsupported, "there is no Azure identity here to log in with", place: .init(file: connection.name),
                    hint: "set username and password")
            }
            if isFreeTDS {
                throw SluiceError(
                    .unsupported, "FreeTDS cannot log in with a token of Azure's", place: .init(file: connection.name),
                    hint: "install Microsoft's driver, msodbcsql18, or set username and password")
            }
            return (string, try await tokens.databaseToken())
        default: return (string, nil)
        }
    }

    /// The driver to use: the one that is named, or the best installed one for this kind of database.
    private func driver(_ values: [String: String]) async throws(SluiceError) -> String {
        if let named = values["driver"] { return named }
        if let name = kind.driver(among: try await ODBCDrivers.names()) { return name }
        throw SluiceError(
            .unsupported, "no ODBC driver for \(connection.protocolName) is installed",
            place: .init(file: connection.name), hint: "\(kind.package); \(await ODBCSite.seen())")
    }

    /// Which drivers there are, for a message.
    static func seen() async -> String {
        let names = (try? await ODBCDrivers.names()) ?? []
        return names.isEmpty
            ? "unixODBC knows no driver" : "unixODBC knows the drivers \(names.joined(separator: ", "))"
    }
}
