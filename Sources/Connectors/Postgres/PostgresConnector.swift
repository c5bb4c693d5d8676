import Columns
import Postgres
import Settings
import Support
import Warehouse

extension ConnectorRegistry.Entry {
    /// PostgreSQL.
    static let postgres = ConnectorRegistry.Entry(
        name: "postgres", aliases: ["postgresql", "pg"],
        summary: "Tables, views and queries of a PostgreSQL database",
        keys: [
            KeyShape(
                "host", .text, "The server's name or address, or the folder of its socket", required: true,
                otherNames: ["server", "hostname"]),
            KeyShape("port", .integer(1...65_535), "The port", standard: "5432"),
            KeyShape("database", .text, "The database", required: true),
            KeyShape(
                "username", .text, "Who logs in", standard: "the user of the operating system",
                otherNames: ["user", "uid", "login"]),
            KeyShape("password", .text, "The password: a secret", standard: "what libpq finds in ~/.pgpass"),
            KeyShape(
                "auth", .choice(["password", "azure", "managed-identity"]),
                "How to say who one is: by password, or by a token of the project's Azure identity, which "
                    + "managed-identity means too", standard: "password"),
            KeyShape(
                "sslmode", .choice(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
                "Whether the connection is encrypted; verify-full also makes sure that the server is the right one, and is "
                    + "what belongs into production",
                standard: "prefer"),
            KeyShape("sslrootcert", .text, "A file with the certificates to trust", standard: "~/.postgresql/root.crt"),
            KeyShape("sslcert", .text, "A file with the client's certificate"),
            KeyShape("sslkey", .text, "A file with the client's key"),
            KeyShape("connect_timeout", .duration, "How long to wait for the server", standard: "15s"),
            KeyShape("application_name", .text, "What the server calls the session", standard: "sluice"),
            KeyShape("schema", .text, "Where tables are looked for", standard: "the user's search path"),
        ],
        urlForm: "postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full",
        readURL: { url throws(SluiceError) in
            var values: [String: Scalar] = [:]
            values["host"] = url.host
            values["port"] = url.port
            values["username"] = url.username
            values["password"] = url.password
            if let path = url.path {
                // The slash belongs to the URL and not to the name.
                var parts = path.parts
                if case .literal(let text)? = parts.first, text.hasPrefix("/") {
                    parts[0] = .literal(String(text.dropFirst()))
                    if text == "/" { parts.removeFirst() }
                }
                if !parts.isEmpty { values["database"] = Scalar(parts: parts, isPlain: false) }
            }
            for (name, value) in url.query {
                // libpq's own names for what we call otherwise.
                let key = ["user": "username", "dbname": "database"][name] ?? name
                values[key] = value
            }
            return values
        },
        makeConnector: { settings throws(SluiceError) in PostgresConnector(settings) },
        makeWarehouse: { settings throws(SluiceError) in
            PostgresWarehouse(settings: try await PostgresSettings.libpq(settings, withSchema: true))
        })
}

/// Reads a PostgreSQL database.
struct PostgresConnector: Connector {
    let name: String
    var protocolName: String { "postgres" }
    private let settings: PostgresSettings

    init(_ settings: ConnectionSettings) {
        name = settings.name
        self.settings = PostgresSettings(connection: settings)
    }

    func check() async throws(SluiceError) -> String {
        let session = try await settings.open()
        try await settings.begin(session)
        let version = try await session.query("SHOW server_version").single ?? ""
        // Debian writes its package's version behind the server's.
        return "PostgreSQL \(version.split(separator: " ").first.map(String.init) ?? version)"
    }

    func read(_ request: ReadRequest) async throws(SluiceError) -> any SourceRead {
        let session = try await settings.open()
        try await settings.begin(session)
        let query = try await PostgresQuery(request, on: session)
        return PostgresRead(
            PostgresUnit(query, settings: settings, prepared: session, parallelism: max(1, request.parallelism)))
    }

    func discover() async throws(SluiceError) -> [SourceTable] {
        let session = try await settings.open()
        try await settings.begin(session)
        let catalog = PostgresCatalog(session: session)
        let relations = try await catalog.relations()
        let attributes = try await catalog.attributes(relations)
        let keys = try await catalog.keys(relations)
        let types = try await catalog.types(Set(attributes.values.joined().map(\.oid)))
        return relations.map { relation in
            let columns = (attributes[relation.oid] ?? []).map { attribute in
                PostgresColumn(attribute, types: types, reference: "", moneyScale: 2).field
            }
            return SourceTable(
                name: relation.shownName, schema: Schema(columns), key: keys[relation.oid] ?? [], rows: relation.rows)
        }
    }
}
