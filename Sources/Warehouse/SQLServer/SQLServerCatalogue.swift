import Columns
import ODBC
import Support

/// What SQL Server's catalogue says of tables.
struct SQLServerCatalogue: Sendable {
    let connection: ODBCConnection
    /// Where a table without a schema is.
    let schema: String
    let dialect: SQLServerDialect

    /// The table that `wanted` names, and where it would be made if there is none.
    func describe(_ wanted: TableName) async throws(SluiceError) -> SQLServerTable {
        let name = TableName(schema: wanted.schema ?? schema, wanted.name)
        // Quoting here only finds out early that a name cannot be one.
        let sql = try dialect.quote(name)
        let found = try await connection.query(
            Self.findObject, [.text(name.schema ?? schema), .text(name.name)])
        guard let row = found.rows.first, let id = row[0], let kind = row[1] else {
            let place = try await connection.query(Self.findSchema, [.text(name.schema ?? schema)])
            guard place.single != nil else {
                throw SluiceError(
                    .notFound,
                    "there is no schema \"\(name.schema ?? schema)\", so that the table \(wanted) cannot be made",
                    place: .init(file: connection.name),
                    hint: "Run CREATE SCHEMA \(try dialect.quote(name.schema ?? schema)), or name another schema")
            }
            return SQLServerTable(name: name, sql: sql, id: nil, columns: [])
        }
        guard kind.trimmed == "U" else {
            let kinds = [
                "V": "a view", "SN": "a synonym", "P": "a procedure", "SO": "a sequence", "ET": "an external table",
            ]
            throw SluiceError(
                .unsupported, "\(name) is \(kinds[kind.trimmed] ?? "no table"), and rows are loaded into tables",
                place: .init(file: connection.name), hint: "Name the table that lies under it, or another one")
        }
        return SQLServerTable(name: name, sql: sql, id: id, columns: try await columns(of: id))
    }

    static let findObject = """
        SELECT CONVERT(VARCHAR(20), o.object_id), CONVERT(VARCHAR(2), o.type)
        FROM sys.objects AS o INNER JOIN sys.schemas AS n ON n.schema_id = o.schema_id
        WHERE n.name = ? AND o.name = ? AND o.type NOT IN ('D', 'F', 'PK', 'UQ', 'C')
        """

    static let findSchema = "SELECT n.name FROM sys.schemas AS n WHERE n.name = ?"

    static let describeColumns = """
        SELECT c.name, b.name, CONVERT(VARCHAR(20), c.max_length), CONVERT(VARCHAR(20), c.precision),
            CONVERT(VARCHAR(20), c.scale), CONVERT(VARCHAR(1), c.is_nullable),
            CASE WHEN c.default_object_id <> 0 OR c.is_identity = 1 THEN '1' ELSE '0' END,
            CONVERT(VARCHAR(1), c.is_identity), CONVERT(VARCHAR(1), c.is_computed), CONVERT(VARCHAR(5), c.generated_always_type),
            c.collation_name, CONVERT(VARCHAR(10), COLLATIONPROPERTY(c.collation_name, 'CodePage')),
            CASE WHEN k.column_id IS NOT NULL THEN '1' ELSE '0' END,
            CASE WHEN u.is_user_defined = 1 OR EXISTS (SELECT 1 FROM sys.index_columns AS y INNER JOIN sys.indexes AS j
                ON j.object_id = y.object_id AND j.index_id = y.index_id
                WHERE y.object_id = c.object_id AND y.column_id = c.column_id AND j.name NOT LIKE 'sluice[_]key%') THEN '1' ELSE '0' END,
            (SELECT CONVERT(VARCHAR(5), y.key_ordinal) FROM sys.index_columns AS y INNER JOIN sys.indexes AS j
                ON j.object_id = y.object_id AND j.index_id = y.index_id
                WHERE y.object_id = c.object_id AND y.column_id = c.column_id AND j.name LIKE 'sluice[_]key%')
        FROM sys.columns AS c
        INNER JOIN sys.types AS u ON u.user_type_id = c.user_type_id
        INNER JOIN sys.types AS b ON b.user_type_id = CASE WHEN u.is_assembly_type = 0
            THEN u.system_type_id ELSE u.user_type_id END
        LEFT JOIN (SELECT i.object_id, x.column_id FROM sys.indexes AS i INNER JOIN sys.index_columns AS x
            ON x.object_id = i.object_id AND x.index_id = i.index_id WHERE i.is_primary_key = 1) AS k
            ON k.object_id = c.object_id AND k.column_id = c.column_id
        WHERE c.object_id = ? ORDER BY c.column_id
        """

    private func columns(of id: String) async throws(SluiceError) -> [SQLServerTable.Column] {
        let rows = try await connection.query(Self.describeColumns, [.integer(Int64(id) ?? 0)]).rows
        var columns: [SQLServerTable.Column] = []
        for row in rows {
            guard let name = row[0], let type = row[1] else { continue }
            func number(_ place: Int) -> Int { row[place].flatMap { Int($0) } ?? 0 }
            let words = SQLServerType.words(type, length: number(2), precision: number(3), scale: number(4))
            let parts = SQLServerType(words)
            var obstacle: String?
            if row[8] == "1" { obstacle = "is computed from others" }
            if row[7] == "1" || number(9) != 0 || parts.name == "TIMESTAMP" || parts.name == "ROWVERSION" {
                obstacle = "is filled by the database alone"
            }
            if parts.name == "SQL_VARIANT" { obstacle = "is a sql_variant" }
            columns.append(
                SQLServerTable.Column(
                    column: TableColumn(
                        name: name, sqlType: words, type: parts.columnType, isNullable: row[5] == "1",
                        hasDefault: row[6] == "1", isInPrimaryKey: row[12] == "1", isAlterable: row[13] != "1",
                        obstacle: obstacle),
                    collation: row[10], codePage: row[11].flatMap { Int($0) }, keyPlace: row[14].flatMap { Int($0) }))
        }
        return columns
    }
}

/// A table, found by name or still to be made.
package struct SQLServerTable: Sendable, Hashable {
    /// A column as planning sees it, and what writing it takes besides.
    package struct Column: Sendable, Hashable {
        /// What planning sees.
        package var column: TableColumn
        /// How texts of it are compared.
        package var collation: String?
        /// In which characters a narrow text is kept: 1252, or 65001 for UTF-8.
        package var codePage: Int?
        /// Its place in the index that Sluice has made of the key.
        package var keyPlace: Int?

        /// A column.
        package init(column: TableColumn, collation: String? = nil, codePage: Int? = nil, keyPlace: Int? = nil) {
            self.column = column
            self.collation = collation
            self.codePage = codePage
            self.keyPlace = keyPlace
        }
    }

    /// Its schema and name.
    package var name: TableName
    /// Both as SQL.
    package var sql: String
    /// Its number; nil when it is still to be made.
    package var id: String?
    /// Its columns; none when it is still to be made.
    package var columns: [Column]

    /// A table.
    package init(name: TableName, sql: String, id: String?, columns: [Column]) {
        self.name = name
        self.sql = sql
        self.id = id
        self.columns = columns
    }

    /// What planning sees; nil when it is still to be made.
    package var planned: [TableColumn]? { id == nil ? nil : columns.map(\.column) }

    /// The column of exactly this name.
    package func column(_ name: String) -> Column? { columns.first { $0.column.name == name } }
}

extension String {
    /// Without blanks at its end.
    fileprivate var trimmed: String {
        var rest = self[...]
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
