import ODBC
import Settings
import Support
import Warehouse

extension ConnectorRegistry.Entry {
    /// Any database with an ODBC driver.
    static let odbc = ConnectorRegistry.Entry(
        name: "odbc", aliases: [],
        summary: "Tables, views and queries of any database that has an ODBC driver",
        keys: [
            KeyShape("dsn", .text, "A data source of odbc.ini, which says driver and server"),
            KeyShape(
                "connection_string", .text,
                "What the driver is told, instead of a dsn: Driver=…;Server=…; a secret when it holds a password"),
            KeyShape("driver", .text, "A driver's name as odbcinst -q -d lists it, or the path of its library"),
        ] + ODBCKeys.common,
        urlForm: "odbc:DSN, or odbc:Driver=NAME;Server=HOST;Database=NAME",
        readURL: { url throws(SluiceError) in
            var values = try ODBCKeys.values(of: url, host: "dsn")
            if let database = values.removeValue(forKey: "database") {
                let text = database.literal ?? database.description
                if values["dsn"] == nil { values[text.contains("=") ? "connection_string" : "dsn"] = database }
            }
            return values
        },
        makeConnector: { settings throws(SluiceError) in ODBCConnector(settings, kind: .any) },
        makeWarehouse: nil)

    /// MySQL and MariaDB.
    static let mysql = ConnectorRegistry.Entry(
        name: "mysql", aliases: ["mariadb"],
        summary: "Tables, views and queries of a MySQL or MariaDB database, through ODBC",
        keys: [
            KeyShape(
                "host", .text, "The server's name or address", required: true, otherNames: ["server", "hostname"]),
            KeyShape("port", .integer(1...65_535), "The port", standard: "3306"),
            KeyShape("database", .text, "The database", required: true),
            KeyShape(
                "sslmode", .choice(["prefer", "require", "verify-full"]),
                "Whether the connection is encrypted; verify-full also makes sure that the server is the right one",
                standard: "prefer"),
            KeyShape("sslrootcert", .text, "A file with the certificates to trust"),
            KeyShape(
                "driver", .text, "The ODBC driver's name, or the path of its library",
                standard: "the first installed one for MariaDB or MySQL"),
        ] + ODBCKeys.common,
        urlForm: "mysql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full",
        readURL: { url throws(SluiceError) in try ODBCKeys.values(of: url, host: "host") },
        makeConnector: { settings throws(SluiceError) in ODBCConnector(settings, kind: .mySQL) },
        makeWarehouse: nil)

    /// Oracle.
    static let oracle = ConnectorRegistry.Entry(
        name: "oracle", aliases: [],
        summary: "Tables, views and queries of an Oracle database, through ODBC",
        keys: [
            KeyShape(
                "host", .text, "The server's name or address", required: true, otherNames: ["server", "hostname"]),
            KeyShape("port", .integer(1...65_535), "The port", standard: "1521"),
            KeyShape("database", .text, "The service", required: true),
            KeyShape(
                "driver", .text, "The ODBC driver's name, or the path of its library",
                standard: "the first installed one for Oracle"),
        ] + ODBCKeys.common,
        urlForm: "oracle://USER:PASSWORD@HOST:PORT/SERVICE",
        readURL: { url throws(SluiceError) in try ODBCKeys.values(of: url, host: "host") },
        makeConnector: { settings throws(SluiceError) in ODBCConnector(settings, kind: .oracle) },
        makeWarehouse: nil)

    /// SQL Server and Azure SQL.
    static let mssql = ConnectorRegistry.Entry(
        name: "mssql", aliases: ["sqlserver", "azure-sql"],
        summary: "Tables, views and queries of SQL Server or Azure SQL, through ODBC",
        keys: [
            KeyShape(
                "server", .text, "The server's name or address", required: true, otherNames: ["host", "hostname"]),
            KeyShape("port", .integer(1...65_535), "The port", standard: "1433"),
            KeyShape("database", .text, "The database", standard: "the one that the user has by default"),
            KeyShape(
                "auth", .choice(["password", "azure", "managed-identity", "driver"]),
                "How to say who one is: by username and password; by a token of the project's Azure identity, which "
                    + "managed-identity means too; or as the driver is told by options",
                standard: "password with a username, azure without"),
            KeyShape("use_msi", .boolean, "The same as auth: managed-identity when true", standard: "false"),
            KeyShape(
                "encrypt", .choice(["yes", "no", "strict"]), "Whether the connection is encrypted", standard: "yes"),
            KeyShape(
                "trust_server_certificate", .boolean, "Whether any certificate of the server will do", standard: "false"
            ),
            KeyShape(
                "driver", .text, "The ODBC driver's name, or the path of its library",
                standard: "the first installed one of Microsoft's, or else FreeTDS"),
            KeyShape(
                "wake_timeout", .duration, "How long to wait for a serverless database to wake up, or to be moved",
                standard: "2m"),
            KeyShape(
                "schema", .text, "As a warehouse: where Sluice's own tables are, and tables that are named without one",
                standard: "dbo"),
            KeyShape(
                "text_length", .integer(1...4000),
                "As a warehouse: how many characters new text columns take; a longer text widens its column",
                standard: "any number"),
            KeyShape(
                "bulk_copy", .boolean,
                "As a warehouse: whether rows may go by bulk copy, which Microsoft's driver has", standard: "true"),
            KeyShape(
                "load_by", .choice(["rows", "openrowset", "copy-into", "copy-into-as-server"]),
                "As a warehouse: whether rows are sent, or the server reads the staged files itself: by OPENROWSET, or by "
                    + "COPY INTO with the rights of the user or with the server's managed identity",
                standard: "rows"),
            KeyShape(
                "data_source", .text,
                "For load_by: openrowset, the external data source whose location is the project's lake"),
            KeyShape(
                "lake_url", .text, "For load_by: copy-into, the https URL of the project's lake, as the server sees it"),
        ] + ODBCKeys.common,
        urlForm: "mssql://USER:PASSWORD@SERVER:PORT/DATABASE?encrypt=yes&auth=azure",
        readURL: { url throws(SluiceError) in try ODBCKeys.values(of: url, host: "server") },
        makeConnector: { settings throws(SluiceError) in ODBCConnector(settings, kind: .sqlServer) },
        makeWarehouse: { settings throws(SluiceError) in
            let values = try await settings.resolved()
            let site = ODBCSite(connection: settings, kind: .sqlServer)
            return SQLServerWarehouse(
                name: "mssql://\(values["server"] ?? "")/\(values["database"] ?? "")",
                options: SQLServerWarehouse.Options(
                    schema: values["schema"] ?? "dbo", textLength: values["text_length"].flatMap { Int($0) },
                    copiesInBulk: values["bulk_copy"] != "false", lake: try ODBCKeys.lake(values)),
                settings: { () async throws(SluiceError) in try await site.settings() })
        })
}

/// What connections through ODBC have in common.
enum ODBCKeys {
    static let common: [KeyShape] = [
        KeyShape("username", .text, "Who logs in", otherNames: ["user", "uid", "login"]),
        KeyShape("password", .text, "The password: a secret", otherNames: ["pwd", "pass"]),
        KeyShape("connect_timeout", .duration, "How long to wait for the server", standard: "15s"),
        KeyShape(
            "options", .text, "More for the driver, which wins over all else: KEY=value;KEY={a value with ; in it}"),
    ]

    /// How the server reads the lake, by `load_by` and what belongs to it.
    static func lake(_ values: [String: String]) throws(SluiceError) -> SQLServerLake? {
        func need(_ key: String, _ hint: String) throws(SluiceError) -> String {
            if let value = values[key], !value.isEmpty { return value }
            throw SluiceError(
                .invalidConfiguration, "load_by: \(values["load_by"] ?? "") needs \(key)", hint: hint)
        }
        switch values["load_by"] ?? "rows" {
        case "openrowset":
            let hint = "Name the external data source that CREATE EXTERNAL DATA SOURCE has made of the lake's URL"
            return .openRowset(dataSource: try need("data_source", hint))
        case "copy-into", "copy-into-as-server":
            let url = try need("lake_url", "Write it as https://ACCOUNT.dfs.core.windows.net/CONTAINER/FOLDER")
            guard url.hasPrefix("https://") else {
                throw SluiceError(
                    .invalidConfiguration, "lake_url is \(url), and a server reads https only",
                    hint: "Write it as https://ACCOUNT.dfs.core.windows.net/CONTAINER/FOLDER")
            }
            return .copyInto(url: url, managedIdentity: values["load_by"] == "copy-into-as-server")
        default: return nil
        }
    }

    /// The values of a URL whose host is called `host`.
    static func values(of url: ConnectionURL, host: String) throws(SluiceError) -> [String: Scalar] {
        var values: [String: Scalar] = [:]
        values[host] = url.host
        values["port"] = url.port
        values["username"] = url.username
        values["password"] = url.password
        if let path = url.path {
            // The slash belongs to the URL and not to the name.
            var parts = path.parts
            if url.host != nil, case .literal(let text)? = parts.first, text.hasPrefix("/") {
                parts[0] = .literal(String(text.dropFirst()))
                if text == "/" { parts.removeFirst() }
            }
            if !parts.isEmpty { values["database"] = Scalar(parts: parts, isPlain: false) }
        }
        for (name, value) in url.query { values[["user": "username", "uid": "username"][name] ?? name] = value }
        return values
    }
}
