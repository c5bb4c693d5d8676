import Columns
import SQLite
import Support

/// What an SQLite database says of its tables.
struct SQLiteCatalogue: Sendable {
    private let database: SQLiteDatabase
    private let dialect = SQLiteDialect()

    init(_ database: SQLiteDatabase) { self.database = database }

    /// A table, found by name or still to be made.
    struct Table: Sendable {
        /// Its name in the database.
        var name: String
        /// The name as SQL.
        var sql: String
        /// Its columns; nil when it is still to be made.
        var columns: [TableColumn]?
        /// Whether it takes the types of SQLite only.
        var isStrict = false
        /// The name by which the number of a row can be asked for; nil when there is none.
        var rowID: String?
        /// The columns by which there is an index, first ones first.
        var indexed: [[String]] = []
    }

    /// The table that `wanted` names.
    func describe(_ wanted: TableName) async throws(SluiceError) -> Table {
        if let schema = wanted.schema, schema.lowercased() != "main" {
            throw SluiceError(
                .invalidConfiguration, "SQLite has no schema \"\(schema)\"", place: .init(file: database.name),
                hint: "leave it out: \(wanted.name)")
        }
        // SQLite would take a NUL for the end of the name.
        let quoted = try dialect.quote(wanted.name)
        try refuseReserved(wanted.name)
        let found = try await database.query(
            "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE",
            [.text(wanted.name)]
        ).rows.first
        guard let row = found, let name = row[0].text else {
            return Table(name: wanted.name, sql: "main.\(quoted)", columns: nil, rowID: nil)
        }
        guard row[1].text == "table" else {
            throw SluiceError(
                .unsupported, "\(name) is a \(row[1].text ?? "?") table or view, and rows are loaded into plain tables",
                place: .init(file: database.name), hint: "name another table")
        }
        var table = Table(name: name, sql: "main.\(try dialect.quote(name))", isStrict: row[3] == .integer(1))
        table.columns = try await columns(of: &table, hasRowID: row[2] == .integer(0))
        return table
    }

    private func refuseReserved(_ name: String) throws(SluiceError) {
        let lower = name.lowercased()
        guard lower.hasPrefix("sqlite_") || SQLiteBooks.names.contains(lower) else { return }
        throw SluiceError(
            .invalidConfiguration,
            "\"\(name)\" is a name that \(lower.hasPrefix("sqlite_") ? "SQLite" : "Sluice") keeps for itself",
            place: .init(file: database.name), hint: "name another table")
    }

    private func columns(of table: inout Table, hasRowID: Bool) async throws(SluiceError) -> [TableColumn] {
        let infos = try await database.query(
            "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?, 'main')",
            [.text(table.name)]
        ).rows
        let indexes = try await database.query(
            """
            SELECT l.name, i.name FROM pragma_index_list(?, 'main') AS l, pragma_index_info(l.name, 'main') AS i
            ORDER BY l.seq, i.seqno
            """, [.text(table.name)]
        ).rows
        var byIndex: [String: [String]] = [:]
        for row in indexes { byIndex[row[0].text ?? "", default: []].append(row[1].text ?? "") }
        // What hangs on a column keeps it from being made anew: indexes, foreign keys, triggers that may name it.
        let keys = try await database.query(
            "SELECT \"from\" FROM pragma_foreign_key_list(?, 'main')", [.text(table.name)]
        ).rows.compactMap { $0[0].text }
        let triggers = try await database.query(
            "SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE",
            [.text(table.name)]
        ).single
        let names = infos.compactMap { $0[0].text?.lowercased() }
        table.rowID = hasRowID ? ["rowid", "_rowid_", "oid"].first { !names.contains($0) } : nil
        let held = Set(byIndex.values.joined() + keys)
        let isFree = table.rowID != nil && triggers == .integer(0)
        let primary = infos.filter { ($0[4].integer ?? 0) > 0 }.sorted { ($0[4].integer ?? 0) < ($1[4].integer ?? 0) }
        table.indexed = byIndex.values + (primary.isEmpty ? [] : [primary.compactMap { $0[0].text }])
        let isRowNumber =
            hasRowID && primary.count == 1 && primary[0][1].text?.uppercased() == "INTEGER"
        return infos.map { row in
            let declared = row[1].text ?? ""
            let name = row[0].text ?? ""
            let isKey = (row[4].integer ?? 0) > 0
            let type = SQLiteType.columnType(declared: declared)
            let usual: DataType = SQLiteType.turnsTextIntoNumbers(declared: declared) ? .float64 : .utf8
            return TableColumn(
                name: name, sqlType: declared, type: type ?? usual,
                isNullable: row[2] == .integer(0) && !(isKey && !hasRowID),
                hasDefault: row[3] != .null || (isKey && isRowNumber), isInPrimaryKey: isKey,
                isAlterable: isFree && !isKey && !held.contains(name) && row[3] == .null && !table.isStrict,
                obstacle: (row[5].integer ?? 0) > 0 ? "is generated from others" : nil)
        }
    }
}
