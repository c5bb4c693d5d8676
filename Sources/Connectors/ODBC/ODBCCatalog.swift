import Columns
import ODBC
import Support
import Warehouse

/// What a driver's catalogue calls say of tables.
struct ODBCCatalog {
    let session: ODBCConnection

    /// A table or view.
    struct Relation: Sendable {
        let catalog: String?
        let schema: String?
        let name: String
        let isTable: Bool
        /// Whether its name alone finds it.
        let isUsual: Bool

        /// Its name as it is written in a job.
        var shownName: String {
            let owner = schema ?? catalog
            let parts = isUsual || owner == nil ? [name] : [owner ?? "", name]
            return parts.map { part in
                part.contains { $0 == "." || $0 == "\"" } || part.isEmpty
                    ? "\"" + part.replacing("\"", with: "\"\"") + "\"" : part
            }.joined(separator: ".")
        }
    }

    /// Schemas that belong to the server.
    private static let systemSchemas: Set<String> = [
        "information_schema", "pg_catalog", "pg_toast", "sys", "system", "performance_schema", "mysql", "guest",
        "ctxsys",
        "mdsys", "xdb", "wmsys", "outln", "dbsnmp", "ordsys", "olapsys", "lbacsys", "gsmadmin_internal", "dvsys",
        "appqossys",
        "audsys", "ojvmsys", "orddata",
    ]

    /// All tables and views of the user's.
    func relations() async throws(SluiceError) -> [Relation] {
        let facts = session.facts
        let inside = facts.database == .mySQL ? facts.databaseName : nil
        let usual: String? =
            switch facts.database {
            case .sqlServer: try await session.query("SELECT SCHEMA_NAME()").single
            case .postgreSQL: try await session.query("SELECT current_schema()").single
            case .oracle: try await session.query("SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM dual").single
            case .mySQL, .other: nil
            }
        // FreeTDS asks SQL Server by a procedure that other servers of its protocol do not have.
        let listed =
            facts.database == .sqlServer
            ? try await session.query(
                "SELECT TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES")
            : try await session.tables(catalog: inside)
        return listed.rows.compactMap { row in
            guard row.count >= 4, let name = row[2] else { return nil }
            let (catalog, schema) = (row[0].flatMap(Self.nonEmpty), row[1].flatMap(Self.nonEmpty))
            if let owner = schema ?? (facts.database == .mySQL ? catalog : nil),
                Self.systemSchemas.contains(owner.lowercased())
            {
                return nil
            }
            let isUsual = schema == nil ? catalog == nil || catalog == facts.databaseName : schema == usual
            return Relation(
                catalog: catalog, schema: schema, name: name,
                isTable: row[3].map { $0.uppercased().hasSuffix("TABLE") } ?? false, isUsual: isUsual)
        }
    }

    private static func nonEmpty(_ text: String) -> String? { text.isEmpty ? nil : text }

    /// The table that a job names.
    ///
    /// - throws: `SluiceError` with the nearest name.
    func relation(_ written: String) async throws(SluiceError) -> Relation {
        guard let table = TableName(parsing: written) else {
            throw SluiceError(
                .invalidConfiguration, "\"\(written)\" is not the name of a table", place: .init(file: session.name),
                hint: "write table, schema.table, or \"a name.with dots\"")
        }
        let all = try await relations()
        func matches(_ relation: Relation, _ same: (String, String) -> Bool) -> Bool {
            guard same(relation.name, table.name) else { return false }
            guard let schema = table.schema else { return relation.isUsual }
            return same(relation.schema ?? relation.catalog ?? "", schema)
        }
        if let found = all.first(where: { matches($0, ==) }) { return found }
        let folded = all.filter { matches($0) { $0.lowercased() == $1.lowercased() } }
        if folded.count == 1 { return folded[0] }
        // A name alone is enough where only one schema has it.
        let named = table.schema == nil ? all.filter { $0.name == table.name } : []
        if named.count == 1 { return named[0] }
        throw SluiceError(
            .notFound, "there is no table or view \"\(written)\"", place: .init(file: session.name),
            hint: nearestWord(to: written, among: all.map(\.shownName)).map { "Did you mean \"\($0)\"?" }
                ?? "Check the name, its schema, and that the user may see it")
    }

    /// The columns that make the primary key of a table, in its order.
    func key(of relation: Relation) async throws(SluiceError) -> [String] {
        guard relation.isTable else { return [] }
        let answer: ODBCAnswer
        do throws(SluiceError) {
            answer = try await session.primaryKey(
                catalog: relation.catalog, schema: relation.schema, table: relation.name)
        } catch {
            // Not every driver has the call; a key that nobody tells is none.
            if error.code == .cancelled || error.isTransient { throw error }
            return []
        }
        let parts = answer.rows.compactMap { row -> (Int, String)? in
            guard row.count >= 5, let name = row[3] else { return nil }
            return (row[4].flatMap { Int($0) } ?? 0, name)
        }
        return parts.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// The columns of a table, as reading it brings them.
    func schema(of relation: Relation) async throws(SluiceError) -> Schema {
        Schema(try await columns(of: relation).map { Field($0.name, $0.type(in: session.facts.database)) })
    }

    /// The columns of a table, as the driver describes them.
    func columns(of relation: Relation) async throws(SluiceError) -> [ODBCColumn] {
        try await session.describeRunning("SELECT * FROM \(try source(relation)) WHERE 1 = 0")
    }

    /// The table as SQL.
    func source(_ relation: Relation) throws(SluiceError) -> String {
        var parts: [String] = []
        if let schema = relation.schema {
            parts.append(try quote(schema))
        } else if let catalog = relation.catalog, session.facts.database == .mySQL {
            parts.append(try quote(catalog))
        }
        parts.append(try quote(relation.name))
        return parts.joined(separator: ".")
    }

    /// A name as SQL, whatever characters it has.
    func quote(_ name: String) throws(SluiceError) -> String {
        if name.unicodeScalars.contains("\0") || name.isEmpty {
            throw SluiceError(
                .invalidConfiguration, "a name is empty or has a zero byte in it", place: .init(file: session.name))
        }
        let mark = session.facts.quote
        if session.facts.database == .sqlServer {
            // Not all servers that speak T-SQL read `]]`.
            guard name.unicodeScalars.contains("]") else { return "[" + name + "]" }
            return "\"" + Self.doubling("\"", in: name) + "\""
        }
        guard let scalar = mark.unicodeScalars.first else { return name }
        return mark + Self.doubling(scalar, in: name) + mark
    }

    /// By scalars, not characters: a quote with a combining mark behind it is a quote to the database.
    private static func doubling(_ mark: Unicode.Scalar, in name: String) -> String {
        var text = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            text.append(scalar)
            if scalar == mark { text.append(scalar) }
        }
        return String(text)
    }
}
