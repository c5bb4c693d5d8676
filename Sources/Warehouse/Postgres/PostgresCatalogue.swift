import Columns
import Postgres
import Support

/// What PostgreSQL's catalogues say of tables.
struct PostgresCatalogue: Sendable {
    private let connection: PostgresConnection
    private let dialect = PostgresDialect()

    init(_ connection: PostgresConnection) { self.connection = connection }

    /// A table, found by name or still to be made.
    struct Table: Sendable {
        /// Its schema and name.
        var name: TableName
        /// Both as SQL.
        var sql: String
        /// Its number; nil when it is still to be made.
        var oid: String?
        /// Whether rows lie in its partitions.
        var isPartitioned = false
        /// Its columns; nil when it is still to be made.
        var columns: [TableColumnInfo]?
    }

    /// A column as planning sees it, and what writing it takes besides.
    struct TableColumnInfo: Sendable {
        var column: TableColumn
        /// The type as SQL that names it for sure, domains included.
        var declared: String
        /// The type whose binary form is sent.
        var wire: PostgresType
        /// The collation as SQL, where it is not the type's own.
        var collation: String?
    }

    /// The table that `wanted` names, and where it would be made if there is none.
    func describe(_ wanted: TableName) async throws(SluiceError) -> Table {
        // Quoting here only finds out early that a name cannot be one.
        _ = try dialect.quote(wanted)
        let found = try await connection.query(
            """
            SELECT c.oid, c.relkind, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relname = $1 AND n.oid = CASE WHEN $2::text IS NULL
            THEN (SELECT relnamespace FROM pg_class
                WHERE oid = to_regclass(quote_ident($1)) AND relnamespace <> 'pg_catalog'::regnamespace
                AND relpersistence <> 't')
            ELSE (SELECT oid FROM pg_namespace WHERE nspname = $2) END
            """, [wanted.name, wanted.schema])
        guard let row = found.rows.first, let oid = row[0], let kind = row[1], let schema = row[2] else {
            return try await missing(wanted)
        }
        let name = TableName(schema: schema, wanted.name)
        let kinds = [
            "v": "a view", "m": "a materialised view", "f": "a foreign table", "S": "a sequence", "i": "an index",
            "I": "an index", "c": "a composite type",
        ]
        if let other = kinds[kind] {
            throw SluiceError(
                .unsupported, "\(name) is \(other), and rows are loaded into tables",
                place: .init(file: connection.name),
                hint: "Name the table that lies under it, or another one")
        }
        return Table(
            name: name, sql: try dialect.quote(name), oid: oid, isPartitioned: kind == "p",
            columns: try await columns(of: oid))
    }

    /// Where a table that is still to be made will be.
    private func missing(_ wanted: TableName) async throws(SluiceError) -> Table {
        let schema = try await connection.query(
            """
            SELECT CASE WHEN $1::text IS NULL THEN current_schema()
            ELSE (SELECT nspname FROM pg_namespace WHERE nspname = $1) END
            """, [wanted.schema]
        ).single
        guard let schema else {
            let name = wanted.schema.map { "there is no schema \"\($0)\"" } ?? "no schema of the search path exists"
            let statement = try wanted.schema.map { (name) throws(SluiceError) in
                "CREATE SCHEMA \(try dialect.quote(name))"
            }
            throw SluiceError(
                .notFound, "\(name), so that the table \(wanted) cannot be made", place: .init(file: connection.name),
                hint: statement.map { "Run \($0), or name another schema" } ?? "Name the table with its schema")
        }
        let name = TableName(schema: schema, wanted.name)
        return Table(name: name, sql: try dialect.quote(name), oid: nil, columns: nil)
    }

    private func columns(of oid: String) async throws(SluiceError) -> [TableColumnInfo] {
        let answer = try await connection.query(
            """
            SELECT a.attname, format_type(b.oid, b.modifier), a.attnotnull OR b.required,
                a.atthasdef OR a.attidentity <> '' OR b.defaulted, a.attidentity, a.attgenerated,
                EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY(i.indkey)),
                format_type(a.atttypid, a.atttypmod), b.oid, b.modifier, t.typreceive::oid::regproc::text, b.depth > 0,
                CASE WHEN a.attcollation <> t.typcollation THEN n.nspname END,
                CASE WHEN a.attcollation <> t.typcollation THEN l.collname END
            FROM pg_attribute a
            CROSS JOIN LATERAL (
                WITH RECURSIVE base(oid, modifier, depth, required, defaulted) AS (
                    SELECT a.atttypid, a.atttypmod, 0, false, false
                    UNION ALL
                    SELECT d.typbasetype, d.typtypmod, base.depth + 1, base.required OR d.typnotnull,
                        base.defaulted OR d.typdefault IS NOT NULL
                    FROM base JOIN pg_type d ON d.oid = base.oid WHERE d.typtype = 'd'
                ) SELECT * FROM base ORDER BY depth DESC LIMIT 1) b
            JOIN pg_type t ON t.oid = b.oid
            LEFT JOIN pg_collation l ON l.oid = a.attcollation
            LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
            WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
            """, [oid])
        var columns: [TableColumnInfo] = []
        for row in answer.rows {
            guard let name = row[0], let sqlType = row[1], let declared = row[7] else { continue }
            let obstacle: String? =
                row[5] != "" ? "is generated from others" : row[4] == "a" ? "is numbered by the database alone" : nil
            var collation: String?
            if let schema = row[12], let name = row[13] {
                collation = try dialect.quote(TableName(schema: schema, name))
            }
            columns.append(
                TableColumnInfo(
                    column: TableColumn(
                        name: name, sqlType: sqlType, type: PostgresDialect.columnType(sqlType),
                        isNullable: row[2] != "t", hasDefault: row[3] == "t", isInPrimaryKey: row[6] == "t",
                        isAlterable: row[11] != "t", obstacle: obstacle),
                    declared: declared, wire: wire(oid: row[8], modifier: row[9], receiver: row[10]),
                    collation: collation))
        }
        return columns
    }

    /// What is sent for a type: text for those that read it as text does, enumerations and the like among them.
    private func wire(oid: String?, modifier: String?, receiver: String?) -> PostgresType {
        switch receiver ?? "" {
        case "textrecv", "varcharrecv", "bpcharrecv", "namerecv", "enum_recv", "xml_recv", "citextrecv":
            PostgresType(oid: PostgresType.OID.text)
        default: PostgresType(oid: oid.flatMap { UInt32($0) } ?? 0, modifier: modifier.flatMap { Int32($0) } ?? -1)
        }
    }

    /// The types of a query's columns, with what has to be looked up: the items of arrays, what domains stand for.
    func types(_ columns: [(oid: UInt32, modifier: Int32)]) async throws(SluiceError) -> [PostgresType] {
        let oids = "{\(columns.map { String($0.oid) }.joined(separator: ","))}"
        let rows = try await connection.query(
            "SELECT oid, typelem, typcategory FROM pg_type WHERE oid = ANY($1::oid[])", [oids]
        ).rows
        var elements: [UInt32: UInt32] = [:]
        for row in rows where row[2] == "A" {
            if let oid = row[0].flatMap({ UInt32($0) }) { elements[oid] = row[1].flatMap { UInt32($0) } }
        }
        return columns.map { PostgresType(oid: $0.oid, modifier: $0.modifier, element: elements[$0.oid] ?? 0) }
    }
}
