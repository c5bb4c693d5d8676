import Columns
import Postgres
import Support
import Warehouse

/// What the server's catalogue says of types and tables.
struct PostgresCatalog {
    let session: PostgresConnection

    // MARK: Types

    /// A type, and what it is made of.
    struct TypeFacts: Sendable {
        let oid: UInt32
        /// `b` base, `c` composite, `d` domain, `e` enum, `p` pseudo, `r` range, `m` multirange.
        let kind: String
        /// A domain's type.
        let base: UInt32
        /// What a domain declares with it.
        let modifier: Int32
        /// An array's element; 0 for anything else.
        let element: UInt32
        let name: String
    }

    /// The types `oids` and all that they are made of.
    func types(_ oids: Set<UInt32>) async throws(SluiceError) -> [UInt32: TypeFacts] {
        let sql = """
            WITH RECURSIVE needed(oid) AS (
              SELECT unnest($1::oid[])
              UNION
              SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END
              FROM needed n JOIN pg_catalog.pg_type t ON t.oid = n.oid
              WHERE t.typtype = 'd' OR (t.typlen = -1 AND t.typelem <> 0)
            )
            SELECT t.oid, t.typtype, t.typbasetype, t.typtypmod, CASE WHEN t.typlen = -1 THEN t.typelem ELSE 0 END,
              pg_catalog.format_type(t.oid, NULL)
            FROM needed n JOIN pg_catalog.pg_type t ON t.oid = n.oid
            """
        let list = "{" + oids.sorted().map(String.init).joined(separator: ",") + "}"
        var types: [UInt32: TypeFacts] = [:]
        for row in try await session.query(sql, [list]).rows {
            let texts = row.map { $0 ?? "" }
            let oid = UInt32(texts[0]) ?? 0
            types[oid] = TypeFacts(
                oid: oid, kind: texts[1], base: UInt32(texts[2]) ?? 0, modifier: Int32(texts[3]) ?? -1,
                element: UInt32(texts[4]) ?? 0, name: texts[5])
        }
        return types
    }

    // MARK: Tables

    /// A table, view, or whatever else has rows.
    struct Relation: Sendable {
        let oid: String
        let schema: String
        let name: String
        /// `r` table, `p` partitioned, `v` view, `m` materialized view, `f` foreign.
        let kind: String
        let hasChildren: Bool
        /// How many rows, about; nil when nobody has counted.
        let rows: Int?
        /// Whether its name alone finds it.
        let isVisible: Bool
        let isHeap: Bool
        /// How many pages its rows lie in.
        let pages: Int

        /// Whether the catalogue's word that a column is never null, or a key is one, can be relied on.
        var isEnforced: Bool { kind == "r" || kind == "p" }

        /// Its name as it is written in a job.
        var shownName: String {
            let parts = isVisible ? [name] : [schema, name]
            return parts.map { part in
                part.contains { $0 == "." || $0 == "\"" } || part.isEmpty
                    ? "\"" + part.replacing("\"", with: "\"\"") + "\"" : part
            }.joined(separator: ".")
        }
    }

    private static let relationColumns = """
        c.oid, n.nspname, c.relname, c.relkind, c.relhassubclass, c.reltuples::bigint,
        pg_catalog.pg_table_is_visible(c.oid), COALESCE(a.amname = 'heap', false),
        CASE WHEN c.relkind = 'r'
          THEN pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::int ELSE 0 END
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
        """

    private static func relation(_ row: [String?]) -> Relation {
        let texts = row.map { $0 ?? "" }
        let rows = Int(texts[5]) ?? -1
        return Relation(
            oid: texts[0], schema: texts[1], name: texts[2], kind: texts[3], hasChildren: texts[4] == "t",
            rows: rows < 0 ? nil : rows, isVisible: texts[6] == "t", isHeap: texts[7] == "t", pages: Int(texts[8]) ?? 0)
    }

    /// The table that a job names.
    ///
    /// - throws: `SluiceError` with the nearest name.
    func relation(_ written: String) async throws(SluiceError) -> Relation {
        guard let table = TableName(parsing: written) else {
            throw SluiceError(
                .invalidConfiguration, "\"\(written)\" is not the name of a table", place: .init(file: session.name),
                hint: "write table, schema.table, or \"a name.with dots\"")
        }
        let quoted = try PostgresDialect().quote(table)
        let sql = "SELECT \(Self.relationColumns) WHERE c.oid = pg_catalog.to_regclass($1)"
        if let row = try await session.query(sql, [quoted]).rows.first {
            let found = Self.relation(row)
            guard ["r", "p", "v", "m", "f"].contains(found.kind) else {
                throw SluiceError(
                    .invalidConfiguration, "\"\(written)\" is not a table or view", place: .init(file: session.name))
            }
            return found
        }
        let all = try await relations().flatMap { relation in
            [relation.shownName, "\(relation.schema).\(relation.name)"]
        }
        let user = try await session.query("SELECT current_user").single ?? "the user"
        throw SluiceError(
            .notFound, "there is no table or view \"\(written)\"", place: .init(file: session.name),
            hint: nearestWord(to: written, among: all).map { "Did you mean \"\($0)\"?" }
                ?? "Check the name, its schema, and that \(user) may see it")
    }

    /// All tables and views of the user's that may be read, partitions left out.
    func relations() async throws(SluiceError) -> [Relation] {
        let sql = """
            SELECT \(Self.relationColumns)
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
              AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
              AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
              AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
            ORDER BY n.nspname, c.relname
            """
        return try await session.query(sql).rows.map(Self.relation)
    }

    /// A column as it was declared.
    struct Attribute: Sendable {
        let name: String
        let oid: UInt32
        let modifier: Int32
        let isNullable: Bool
        /// How many dimensions an array was declared with, which nobody checks.
        let dimensions: Int
    }

    /// The columns of tables, by the tables' numbers.
    func attributes(_ relations: [Relation]) async throws(SluiceError) -> [String: [Attribute]] {
        let enforced = Set(relations.filter(\.isEnforced).map(\.oid))
        let sql = """
            SELECT attrelid, attname, atttypid, atttypmod, attnotnull, attndims FROM pg_catalog.pg_attribute
            WHERE attrelid = ANY($1::oid[]) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum
            """
        var found: [String: [Attribute]] = [:]
        for row in try await session.query(sql, [Self.list(relations)]).rows {
            let texts = row.map { $0 ?? "" }
            found[texts[0], default: []].append(
                Attribute(
                    name: texts[1], oid: UInt32(texts[2]) ?? 0, modifier: Int32(texts[3]) ?? -1,
                    isNullable: texts[4] != "t" || !enforced.contains(texts[0]), dimensions: Int(texts[5]) ?? 0))
        }
        return found
    }

    /// The primary keys of tables, by the tables' numbers. A table that others inherit from has none that holds for all of
    /// its rows.
    func keys(_ relations: [Relation]) async throws(SluiceError) -> [String: [String]] {
        let able = relations.filter { $0.kind == "p" || ($0.kind == "r" && !$0.hasChildren) }
        let sql = """
            SELECT i.indrelid, a.attname FROM pg_catalog.pg_index i
            CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k(number, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
            WHERE i.indrelid = ANY($1::oid[]) AND i.indisprimary AND i.indisvalid AND k.place <= i.indnkeyatts
            ORDER BY i.indrelid, k.place
            """
        var found: [String: [String]] = [:]
        for row in try await session.query(sql, [Self.list(able)]).rows {
            found[row[0] ?? "", default: []].append(row[1] ?? "")
        }
        return found
    }

    private static func list(_ relations: [Relation]) -> String {
        "{" + relations.map(\.oid).joined(separator: ",") + "}"
    }
}
