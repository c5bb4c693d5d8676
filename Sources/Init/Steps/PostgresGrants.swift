import Connectors
import Postgres
import Settings
import Support
import Warehouse

/// What a role of PostgreSQL lacks, and the statements that give it.
///
/// One definition serves the plan, the act and the verification: what is asked for is what `has_…_privilege` and the default
/// privileges are held against. Names get into SQL by `quote`, and values are bound.
struct PostgresGrants {
    private let step: GrantStep
    private let session: PostgresConnection
    private let scene: Scene

    init(_ step: GrantStep, _ session: PostgresConnection, _ scene: Scene) {
        self.step = step
        self.session = session
        self.scene = scene
    }

    private var schemas: [String] { step.schemas.isEmpty ? ["public"] : step.schemas }

    // MARK: What the rights are

    /// The privileges of each kind of object that `rights` are.
    static func privileges(_ rights: [GrantStep.Right]) -> (schema: [String], table: [String], sequence: [String]) {
        var schema = ["USAGE"]
        var table: [String] = []
        var sequence: [String] = []
        if rights.contains(.read) {
            table += ["SELECT"]
            sequence += ["SELECT"]
        }
        if rights.contains(.write) {
            table += ["INSERT", "UPDATE", "DELETE"]
            sequence += ["USAGE", "UPDATE"]
        }
        if rights.contains(.ddl) {
            schema += ["CREATE"]
            table += ["TRUNCATE", "REFERENCES", "TRIGGER"]
        }
        return (schema, table, sequence)
    }

    private static func quote(_ name: String) throws(SluiceError) -> String { try PostgresDialect().quote(name) }

    // MARK: Look

    /// What is missing, a line each, and what there is to know besides.
    func missing() async throws(SluiceError) -> (missing: [String], notes: [String]) {
        // A name that the server would cut is another role's.
        _ = try PostgresGrants.quote(step.identity)
        try await requireSchemas()
        let wanted = PostgresGrants.privileges(step.rights)
        let shown = Display.safe(step.identity)
        let creators = try await creators()
        let notes =
            creators.deaf.isEmpty
            ? []
            : [
                "tables that \(Display.safe(creators.deaf.joined(separator: ", "))) will make are not covered: "
                    + "only a member of that role may say so"
            ]
        guard try await exists() else {
            var lines = ["create the role \(shown)"]
            for schema in schemas {
                let rights = step.rights.map(\.rawValue).joined(separator: ", ")
                lines.append("grant \(rights) in schema \(Display.safe(schema)), for tables of now and to come")
            }
            return (lines, notes)
        }
        var lines: [String] = []
        if try await single("SELECT has_database_privilege($1, current_database(), 'CONNECT')", [step.identity]) != "t"
        {
            lines.append("grant CONNECT on the database")
        }
        if try await passwordIsWrong() { lines.append("set the password of \(shown)") }
        for schema in schemas {
            for privilege in wanted.schema
            where try await single("SELECT has_schema_privilege($1, $2, $3)", [step.identity, schema, privilege])
                != "t"
            {
                lines.append("grant \(privilege) on schema \(Display.safe(schema))")
            }
            lines += try await lacking(wanted.table, "tables", "has_table_privilege", kinds: "r,p,v,m,f", in: schema)
            lines += try await lacking(wanted.sequence, "sequences", "has_sequence_privilege", kinds: "S", in: schema)
            for creator in creators.able {
                for (kind, objects, privileges) in [("r", "tables", wanted.table), ("S", "sequences", wanted.sequence)]
                {
                    let lacking = try await lackingDefaults(creator, schema, kind, privileges)
                    if lacking.isEmpty { continue }
                    lines.append(
                        "grant \(lacking.joined(separator: ", ")) on \(objects) that \(Display.safe(creator)) will make in "
                            + Display.safe(schema))
                }
            }
        }
        return (lines, notes)
    }

    private func requireSchemas() async throws(SluiceError) {
        let rows = try await session.query(
            "SELECT nspname FROM pg_namespace WHERE nspname = ANY(SELECT json_array_elements_text($1::json))",
            [JSONText.array(schemas.map { .string($0) }).text()]
        ).rows.map { $0[0] ?? "" }
        guard let absent = schemas.first(where: { !rows.contains($0) }) else { return }
        throw SluiceError(
            .notFound, "there is no schema \"\(Display.safe(absent))\" to grant in", place: .init(file: session.name),
            hint: "make it with a migrate step before this one, or mend the name")
    }

    private func exists() async throws(SluiceError) -> Bool {
        try await single("SELECT 1 FROM pg_roles WHERE rolname = $1", [step.identity]) != nil
    }

    /// Which privileges the role lacks on objects of a schema that are there, with how many of them and the first ones.
    private func lacking(
        _ privileges: [String], _ objects: String, _ function: String, kinds: String, in schema: String
    ) async throws(SluiceError) -> [String] {
        var lines: [String] = []
        for privilege in privileges {
            // The server asks in an order of its own, and a table has no rights of a sequence: hence the CASE.
            // A materialised view cannot be written to, and a view is granted on whether it can or not.
            let applies = privilege == "SELECT" ? "" : "AND c.relkind <> 'm'"
            let rows = try await session.query(
                """
                SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE CASE WHEN n.nspname = $1 AND c.relkind::text = ANY(string_to_array($2, ',')) \(applies)
                THEN NOT \(function)($3, c.oid, $4) ELSE false END ORDER BY c.relname
                """, [schema, kinds, step.identity, privilege]
            ).rows.map { $0[0] ?? "" }
            if rows.isEmpty { continue }
            let names = rows.prefix(3).joined(separator: ", ") + (rows.count > 3 ? ", …" : "")
            lines.append(
                "grant \(privilege) on \(rows.count == 1 ? String(objects.dropLast()) : "\(rows.count) \(objects)") of "
                    + "\(Display.safe(schema)): \(Display.safe(names))")
        }
        return lines
    }

    /// Which of `privileges` the role will not have on objects that `creator` makes in a schema from now on.
    private func lackingDefaults(
        _ creator: String, _ schema: String, _ kind: String, _ privileges: [String]
    ) async throws(SluiceError) -> [String] {
        let rows = try await session.query(
            """
            SELECT x.privilege_type FROM pg_default_acl d
            JOIN pg_roles o ON o.oid = d.defaclrole JOIN pg_namespace n ON n.oid = d.defaclnamespace
            CROSS JOIN LATERAL aclexplode(d.defaclacl) x JOIN pg_roles g ON g.oid = x.grantee
            WHERE o.rolname = $1 AND n.nspname = $2 AND d.defaclobjtype = $3::"char" AND g.rolname = $4
            """, [creator, schema, kind, step.identity]
        ).rows.map { $0[0] ?? "" }
        return privileges.filter { !rows.contains($0) }
    }

    /// The roles whose tables yet to come can be covered, and owners of tables whose cannot.
    private func creators() async throws(SluiceError) -> (able: [String], deaf: [String]) {
        if let creators = step.creators { return (creators, []) }
        let rows = try await session.query(
            """
            SELECT r.rolname, pg_has_role(current_user, r.oid, 'MEMBER') FROM pg_roles r
            WHERE (r.rolname = current_user OR r.oid IN (
                SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = ANY(SELECT json_array_elements_text($1::json)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')))
            AND r.rolname <> $2 ORDER BY r.rolname
            """, [JSONText.array(schemas.map { .string($0) }).text(), step.identity]
        ).rows
        return (
            rows.filter { $0[1] == "t" }.map { $0[0] ?? "" }, rows.filter { $0[1] != "t" }.map { $0[0] ?? "" }
        )
    }

    /// Whether the role cannot log in with the password that it is to have.
    private func passwordIsWrong() async throws(SluiceError) -> Bool {
        guard let password = step.password else { return false }
        if try await single("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", [step.identity]) != "t" {
            return true
        }
        let text = try await secret(password)
        let settings = try await scene.sites.settings(scene.entry.database)
        do throws(SluiceError) {
            let probe = try await settings.openDirectly(
                as: "sluice \(scene.job.pipeline)", ["username": step.identity, "password": text])
            await probe.close()
            return false
        } catch {
            // Refused for any reason but the password, it is not the password that is missing.
            if error.code == .permission, error.message.contains("password") { return true }
            if error.code == .permission { return false }
            throw error
        }
    }

    private func secret(_ scalar: Scalar) async throws(SluiceError) -> String {
        let text = try await scene.sites.secrets.text(of: scalar)
        Redactor.shared.protect(text)
        guard !text.isEmpty, !text.utf8.contains(0) else {
            throw SluiceError(
                .invalidConfiguration,
                "the password of \(Display.safe(step.identity)) is empty or has a zero byte in it")
        }
        return text
    }

    private func single(_ sql: String, _ parameters: [String?]) async throws(SluiceError) -> String? {
        try await session.query(sql, parameters).single
    }

    // MARK: Act

    /// Gives the role what it lacks, in one transaction.
    func grant() async throws(SluiceError) {
        let verifier = try await verifier()
        let road = try await road()
        let creators = try await creators().able
        if case .elsewhere(let database) = road, try await !exists() {
            // Azure keeps the function in one database of the server, and roles are of the server.
            try await scene.withDatabase(["database": database]) { (session) throws(SluiceError) in
                guard case .postgres(let session) = session else { return }
                try await createPrincipal(on: session)
            }
        }
        try await session.execute("BEGIN")
        do throws(SluiceError) {
            // One at a time, whatever job they are of: rights of one object are one row, that two cannot write at once.
            try await session.query("SELECT pg_advisory_xact_lock(hashtextextended('sluice.grants', 0))")
            if try await !exists() {
                if case .here = road {
                    try await createPrincipal(on: session)
                } else {
                    try await createRole(verifier)
                }
            } else if let verifier, try await passwordIsWrong() {
                try await session.execute(
                    "ALTER ROLE \(try PostgresGrants.quote(step.identity)) LOGIN PASSWORD '\(verifier)'")
            }
            for statement in try await statements(creators) { try await session.execute(statement) }
            try await session.execute("COMMIT")
        } catch {
            let session = session
            await Task { try? await session.execute("ROLLBACK") }.value
            throw error
        }
    }

    /// How a role comes into being.
    private enum Road {
        /// By Azure's function, which this database has.
        case here
        /// By Azure's function, in another database of the server.
        case elsewhere(String)
        /// As a plain role.
        case plain
    }

    private static let azureFunction = "SELECT 1 FROM pg_proc WHERE proname = 'pgaadauth_create_principal' LIMIT 1"

    private func road() async throws(SluiceError) -> Road {
        if step.password != nil { return .plain }
        if try await single(PostgresGrants.azureFunction, []) != nil { return .here }
        let host = try await scene.sites.settings(scene.entry.database).text("host") ?? ""
        let isAzure = host.lowercased().contains(".postgres.database.")
        return isAzure ? .elsewhere("postgres") : .plain
    }

    private func createPrincipal(on session: PostgresConnection) async throws(SluiceError) {
        guard let objectID = step.objectID else {
            try await session.query("SELECT pgaadauth_create_principal($1, false, false)", [step.identity])
            return
        }
        try await session.query(
            "SELECT pgaadauth_create_principal_with_oid($1, $2, $3, false, false)",
            [step.identity, objectID, step.principalType])
    }

    private func createRole(_ verifier: String?) async throws(SluiceError) {
        let password = verifier.map { " PASSWORD '\($0)'" } ?? ""
        // Made in a part of its own: somebody else may make it at the same moment, for another database of the server.
        try await session.execute("SAVEPOINT sluice_role")
        do throws(SluiceError) {
            try await session.execute("CREATE ROLE \(try PostgresGrants.quote(step.identity)) LOGIN\(password)")
        } catch {
            try await session.execute("ROLLBACK TO SAVEPOINT sluice_role")
            if try await !exists() { throw error }
        }
    }

    private func verifier() async throws(SluiceError) -> String? {
        guard let password = step.password else { return nil }
        let text = try await session.verifier(of: try await secret(password), for: step.identity)
        // The verifier stands between quotes, and has none in it.
        return text.replacing("'", with: "''")
    }

    private func statements(_ creators: [String]) async throws(SluiceError) -> [String] {
        let database = try await single("SELECT current_database()", []) ?? ""
        return try PostgresGrants.statements(
            identity: step.identity, rights: step.rights, database: database, schemas: schemas, creators: creators)
    }

    /// The statements that give `identity` its rights.
    static func statements(
        identity: String, rights: [GrantStep.Right], database: String, schemas: [String], creators: [String]
    ) throws(SluiceError) -> [String] {
        let role = try quote(identity)
        let wanted = privileges(rights)
        var statements = ["GRANT CONNECT ON DATABASE \(try quote(database)) TO \(role)"]
        for name in schemas {
            let schema = try quote(name)
            statements.append("GRANT \(wanted.schema.joined(separator: ", ")) ON SCHEMA \(schema) TO \(role)")
            for (kind, privileges) in [("TABLES", wanted.table), ("SEQUENCES", wanted.sequence)]
            where !privileges.isEmpty {
                let list = privileges.joined(separator: ", ")
                statements.append("GRANT \(list) ON ALL \(kind) IN SCHEMA \(schema) TO \(role)")
                for creator in creators {
                    statements.append(
                        "ALTER DEFAULT PRIVILEGES FOR ROLE \(try quote(creator)) IN SCHEMA \(schema) "
                            + "GRANT \(list) ON \(kind) TO \(role)")
                }
            }
        }
        return statements
    }
}
