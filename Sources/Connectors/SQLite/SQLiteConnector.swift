import Columns
import SQLite
import Settings
import Support
import Warehouse

extension ConnectorRegistry.Entry {
    /// SQLite.
    static let sqlite = ConnectorRegistry.Entry(
        name: "sqlite", aliases: ["sqlite3"],
        summary: "Tables, views and queries of a SQLite database file",
        keys: [KeyShape("path", .text, "The database's file", required: true)],
        urlForm: "sqlite:PATH",
        readURL: { url throws(SluiceError) in
            if let parameter = url.query.first {
                throw ConnectionURL.malformed(
                    "has a parameter '\(parameter.name)', and SQLite has none", url.scheme,
                    hint: "write %3F for a '?' in a name")
            }
            if let host = url.host?.description {
                throw ConnectionURL.malformed(
                    "names the host '\(host)', and a database file lies on this machine", url.scheme,
                    hint: "write sqlite:\(host)\(url.path?.description ?? "") for a path from here on, "
                        + "sqlite:///\(host)… for an absolute one")
            }
            return url.path.map { ["path": $0] } ?? [:]
        },
        makeConnector: { settings throws(SluiceError) in SQLiteConnector(settings) },
        makeWarehouse: { settings throws(SluiceError) in
            SQLiteWarehouse(path: settings.anchored(try await settings.resolved()["path"] ?? ""))
        })
}

/// Reads a SQLite database file.
struct SQLiteConnector: Connector {
    let name: String
    var protocolName: String { "sqlite" }
    private let settings: ConnectionSettings

    init(_ settings: ConnectionSettings) {
        name = settings.name
        self.settings = settings
    }

    private func open() async throws(SluiceError) -> SQLiteDatabase {
        let path = try await settings.resolved()["path"] ?? ""
        return try await SQLiteDatabase.open(settings.anchored(path), mode: .readOnly)
    }

    func check() async throws(SluiceError) -> String {
        let database = try await open()
        let version = try await database.query("SELECT sqlite_version(), count(*) FROM sqlite_schema").single?.text
        await database.close()
        return "SQLite \(version ?? "")"
    }

    func read(_ request: ReadRequest) async throws(SluiceError) -> any SourceRead {
        let database = try await open()
        do throws(SluiceError) {
            // What is read from the first look at the schema to the last row is of one moment.
            try await database.execute("BEGIN")
            let query = try await SQLiteQuery(request, on: database)
            return SQLiteRead(SQLiteUnit(query, database: database))
        } catch {
            await database.close()
            throw error
        }
    }

    func discover() async throws(SluiceError) -> [SourceTable] {
        let database = try await open()
        let found: Result<[SourceTable], SluiceError>
        do throws(SluiceError) {
            let catalog = SQLiteCatalog(database: database)
            var tables: [SourceTable] = []
            for table in try await catalog.tables() {
                let columns = try await catalog.columns(of: table)
                tables.append(
                    SourceTable(
                        name: table.shownName,
                        schema: Schema(
                            columns.map { column in
                                Field(
                                    column.name, SQLiteType.columnType(declared: column.declaredType) ?? .utf8,
                                    nullable: !column.isNeverNull)
                            }),
                        key: catalog.key(of: table, columns), rows: try await catalog.rows(of: table)))
            }
            found = .success(tables)
        } catch {
            found = .failure(error)
        }
        await database.close()
        return try found.get()
    }
}

/// What a database file says of its tables.
struct SQLiteCatalog {
    let database: SQLiteDatabase

    /// A table or view.
    struct Table: Sendable {
        let name: String
        let isView: Bool
        let hasRowIDs: Bool

        /// Its name as it is written in a job.
        var shownName: String {
            name.contains { $0 == "." || $0 == "\"" } || name.isEmpty
                ? "\"" + name.replacing("\"", with: "\"\"") + "\"" : name
        }
    }

    /// A column as it is declared.
    struct TableColumn: Sendable {
        let name: String
        let declaredType: String
        let isNeverNull: Bool
        /// Its place in the primary key, from 1; 0 when it is not in it.
        let keyPlace: Int
    }

    /// The tables and views of the user's, by name.
    func tables() async throws(SluiceError) -> [Table] {
        let sql = """
            SELECT name, type, wr FROM pragma_table_list
            WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
            ORDER BY name
            """
        return try await database.query(sql).rows.map { row in
            Table(name: row[0].text ?? "", isView: row[1].text == "view", hasRowIDs: row[2].integer == 0)
        }
    }

    /// The table that a job names, in whatever case.
    ///
    /// - throws: `SluiceError` with the nearest name.
    func table(_ written: String) async throws(SluiceError) -> Table {
        guard let name = TableName(parsing: written), name.schema.map({ $0.lowercased() == "main" }) ?? true else {
            throw SluiceError(
                .invalidConfiguration, "\"\(written)\" is not the name of a table", place: .init(file: database.name),
                hint: "write the table's name, in double quotes when it has a dot in it")
        }
        let all = try await tables()
        if let table = all.first(where: { $0.name == name.name }) { return table }
        if let table = all.first(where: { $0.name.lowercased() == name.name.lowercased() }) { return table }
        let names = all.map(\.shownName)
        throw SluiceError(
            .notFound, "there is no table or view \"\(written)\"", place: .init(file: database.name),
            hint: nearestWord(to: written, among: names).map { "Did you mean \"\($0)\"?" }
                ?? (names.isEmpty
                    ? "the database has no tables" : "There are: \(names.prefix(20).joined(separator: ", "))"))
    }

    /// A table's columns, those that are computed among them.
    func columns(of table: Table) async throws(SluiceError) -> [TableColumn] {
        let sql = "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo(?) ORDER BY cid"
        return try await database.query(sql, [.text(table.name)]).rows.compactMap { row in
            // A virtual table's hidden columns are arguments.
            if row[4].integer == 1 { return nil }
            return TableColumn(
                name: row[0].text ?? "", declaredType: row[1].text ?? "", isNeverNull: row[2].integer == 1,
                keyPlace: Int(row[3].integer ?? 0))
        }
    }

    /// The primary key, where it tells rows apart: SQLite lets nulls into keys, as often as anybody likes, except where
    /// the key is the row's number or the table has no such numbers.
    func key(of table: Table, _ columns: [TableColumn]) -> [String] {
        let key = columns.filter { $0.keyPlace > 0 }.sorted { $0.keyPlace < $1.keyPlace }
        let isRowID = key.count == 1 && key[0].declaredType.uppercased() == "INTEGER"
        return isRowID || !table.hasRowIDs || key.allSatisfy(\.isNeverNull) ? key.map(\.name) : []
    }

    /// How many rows a table has, about: as many as when it was last analysed, or the largest row's number.
    func rows(of table: Table) async throws(SluiceError) -> Int? {
        if table.isView { return nil }
        let hasStatistics = try await database.query("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'").single
        if hasStatistics != nil {
            let sql = "SELECT max(CAST(stat AS INTEGER)) FROM sqlite_stat1 WHERE tbl = ?"
            if let rows = try await database.query(sql, [.text(table.name)]).single?.integer { return Int(rows) }
        }
        guard table.hasRowIDs else { return nil }
        // A column may be called like the row's number; whatever it is then, it is no number of rows.
        let names = Set(try await columns(of: table).map { $0.name.lowercased() })
        guard let alias = ["rowid", "_rowid_", "oid"].first(where: { !names.contains($0) }) else { return nil }
        let quoted = try SQLiteDialect().quote(table.name)
        return try await database.query("SELECT max(\(alias)) FROM \(quoted)").single?.integer.map { Int($0) } ?? 0
    }
}
