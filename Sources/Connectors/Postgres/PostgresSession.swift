import Postgres
import Support
import Warehouse

/// How sessions with one database are opened and prepared for reading.
struct PostgresSettings: Sendable {
    let connection: ConnectionSettings
    var schema: String? { connection.text("schema") }

    /// libpq's words for our keys.
    private static let libpqNames = [
        "host": "host", "port": "port", "database": "dbname", "username": "user", "password": "password",
        "sslmode": "sslmode", "sslrootcert": "sslrootcert", "sslcert": "sslcert", "sslkey": "sslkey",
        "application_name": "application_name",
    ]

    /// What libpq is given, secrets looked up.
    ///
    /// - parameter withSchema: Whether the session looks for tables in our schema from its beginning.
    static func libpq(
        _ settings: ConnectionSettings, withSchema: Bool = false
    ) async throws(SluiceError) -> [String: String] {
        let values = try await settings.resolved()
        var result: [String: String] = [:]
        for (key, name) in libpqNames { result[name] = values[key] }
        for key in ["sslrootcert", "sslcert", "sslkey"] where result[key] != nil && result[key] != "system" {
            result[key] = settings.anchored(result[key] ?? "")
        }
        if let timeout = values["connect_timeout"].flatMap(Quantities.duration) {
            result["connect_timeout"] = String(max(1, timeout.components.seconds))
        }
        if let auth = values["auth"], auth != "password" {
            guard let tokens = settings.tokens else {
                throw SluiceError(
                    .unsupported, "there is no Azure identity here to log in with", place: .init(file: settings.name),
                    hint: "set a password")
            }
            let token = try await tokens.postgresToken()
            Redactor.shared.protect(token)
            result["password"] = token
            // A token is worth as much as a password, and the server is not on this machine.
            if result["sslmode"] == nil { result["sslmode"] = "require" }
        }
        // A firewall that forgets an idle connection would leave a reader waiting for hours.
        result["keepalives_idle"] = "60"
        if withSchema, let schema = values["schema"] {
            let path = "\(try PostgresDialect().quote(schema)),public"
            // In libpq's options a backslash stands before a blank or a backslash that belongs to a value.
            result["options"] = "-csearch_path=" + path.flatMap { $0 == " " || $0 == "\\" ? ["\\", $0] : [$0] }
        }
        return result
    }

    /// Opens a session.
    func open() async throws(SluiceError) -> PostgresConnection {
        try await PostgresConnection.open(try await PostgresSettings.libpq(connection))
    }

    /// Begins a transaction that sees one moment of the database and changes nothing.
    ///
    /// - parameter snapshot: The moment of another transaction; nil for now.
    func begin(_ session: PostgresConnection, at snapshot: String? = nil) async throws(SluiceError) {
        var statements = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
        if let snapshot { statements.append("SET TRANSACTION SNAPSHOT \(try SQLParameters.literal(snapshot))") }
        statements += [
            "SET LOCAL TimeZone = 'UTC'", "SET LOCAL DateStyle = 'ISO, YMD'", "SET LOCAL IntervalStyle = 'iso_8601'",
            "SET LOCAL bytea_output = 'hex'", "SET LOCAL extra_float_digits = 1",
            "SET LOCAL standard_conforming_strings = on",
            // The rows come in their order in the table, in every reading the same.
            "SET LOCAL synchronize_seqscans = off",
            // A long reading is none of the statements that these limits are meant for.
            "SET LOCAL statement_timeout = 0", "SET LOCAL idle_in_transaction_session_timeout = 0",
        ]
        if let schema {
            statements.append("SET LOCAL search_path = \(try PostgresDialect().quote(schema)), public")
        }
        try await session.execute(statements.joined(separator: "; "))
        guard let schema else { return }
        let found = try await session.query("SELECT nspname FROM pg_namespace ORDER BY nspname")
        let names = found.rows.compactMap { $0.first ?? nil }
        if !names.contains(schema) {
            throw SluiceError(
                .notFound, "there is no schema \"\(schema)\"", place: .init(file: session.name),
                hint: nearestWord(to: schema, among: names).map { "Did you mean \"\($0)\"?" })
        }
    }
}
