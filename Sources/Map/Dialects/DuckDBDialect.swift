import Columns
import LakeTables
import Storage
import Support

/// DuckDB: a view over the files of each table. A pattern stands for them where it means exactly these, so that new files
/// are there without anything to be done; otherwise each file is named.
///
/// The script is one transaction, so that readers have the old views or the new ones. Every view bears a comment that says
/// whose it is; the script stops before it changes anything when a view or table of that name bears none.
struct DuckDBDialect: Dialect {
    let paths: TablePaths
    let schema: String
    /// What the comments of our views begin with.
    let mark: String

    var name: String { "DuckDB" }
    var distinguishesCase: Bool { false }
    var terminator: String { ";" }
    var longestName: Int { 1000 }

    /// What the column is called that brings a file's name.
    private static let fileColumn = "sluice file"

    func quote(_ name: String) -> String { "\"" + SQLText.doubled(name, "\"") + "\"" }

    private func full(_ name: String) -> String { quote(schema) + "." + quote(name) }

    // MARK: - Views

    func object(_ name: String, for table: LakeTable, in catalogue: LakeCatalogue) -> Result<MapObject, Unmappable> {
        var columns = table.columns.map { column in
            MapObject.Column(column.field.name, DuckDBDialect.sqlType(column.field.type, quote))
        }
        columns += table.partitions.map { .init($0.name, DuckDBDialect.sqlType($0.type, quote)) }
        if columns.isEmpty { return .failure(Unmappable(reason: "its files have no columns")) }
        let reads: [String]
        if table.columns.contains(where: \.isConflict) {
            // DuckDB would find a type of its own for what has none in common: a number of 19 digits and a float become floats.
            reads = generations(of: table).map { schema, files in
                select(table, columns, only: Set(schema.fields.map { $0.name.lowercased() }), list(files))
            }
        } else {
            // A pattern's own characters in names can be meant in full paths only.
            let isPlain = table.shape.isPlain && DuckDBDialect.isPlain(paths.root)
            let isExact = isPlain && catalogue.isExact(table.shape, for: table, seesHidden: true)
            let files = isExact ? text(paths.path(table.shape.pattern(DuckDBDialect.glob))) : list(table.files)
            reads = [select(table, columns, only: nil, files)]
        }
        let create = "CREATE OR REPLACE VIEW \(full(name)) AS\n" + reads.joined(separator: "\nUNION ALL\n")
        let hash = MapFingerprint.of(create)
        let comment = "COMMENT ON VIEW \(full(name)) IS \(text("\(mark) \(hash)"))"
        return .success(
            MapObject(
                name: name, kind: "view", source: table.id, columns: columns, statements: [create, comment],
                fingerprint: hash))
    }

    /// What reads `columns` from `files`.
    ///
    /// - parameter only: The columns that are there, in lower case; nil for all.
    private func select(
        _ table: LakeTable, _ columns: [MapObject.Column], only: Set<String>?, _ files: String
    ) -> String {
        let isHive = table.isHive && !table.partitions.isEmpty
        let lines = columns.enumerated().map { place, column in
            let value: String
            if place >= table.columns.count {
                value = isHive ? quote(column.name) : partition(place - table.columns.count, of: table)
            } else {
                value = only?.contains(column.name.lowercased()) ?? true ? quote(column.name) : "NULL"
            }
            return "CAST(\(value) AS \(column.type)) AS \(quote(column.name))"
        }
        var options = ["union_by_name = true"]
        if isHive {
            options += ["hive_partitioning = true", "hive_types_autocast = false"]
        } else {
            options.append("hive_partitioning = false")
            if !table.partitions.isEmpty { options.append("filename = \(text(DuckDBDialect.fileColumn))") }
        }
        return """
            SELECT
                \(lines.joined(separator: ",\n    "))
            FROM read_parquet(
                \(files),
                \(options.joined(separator: ", "))
            )
            """
    }

    private func list(_ files: [LakeFile]) -> String {
        "[\n" + files.map { "        " + text(paths.path($0.entry.path)) }.joined(separator: ",\n") + "\n    ]"
    }

    /// The files of each schema, in the order of their paths.
    private func generations(of table: LakeTable) -> [(schema: Schema, files: [LakeFile])] {
        var order: [Schema] = []
        var files: [Schema: [LakeFile]] = [:]
        for file in table.files {
            if files[file.footer.schema] == nil { order.append(file.footer.schema) }
            files[file.footer.schema, default: []].append(file)
        }
        return order.map { ($0, files[$0] ?? []) }
    }

    /// The value of a partition column, cut out of the file's name.
    private func partition(_ place: Int, of table: LakeTable) -> String {
        let name = table.partitions[place].name
        let file = quote(DuckDBDialect.fileColumn)
        let parts = table.shape.parts
        let isLast = { (index: Int) in !parts[index...].contains(.deep) }
        if let index = parts.firstIndex(of: .tokens([.any(name)])), isLast(index) {
            return "string_split(\(file), '/')[\(index - parts.count)]"
        }
        // Something stands beside it in its part.
        let expression =
            "(?s)^" + DuckDBDialect.expression(paths.root.isEmpty ? "" : paths.root + "/")
            + parts.enumerated().map { index, part -> String in
                let slash = index == parts.count - 1 ? "" : "/"
                guard case .tokens(let tokens) = part else { return "(?:[^/]*/)*" }
                return tokens.map { token -> String in
                    switch token {
                    case .text(let text): DuckDBDialect.expression(text)
                    case .any(name): "([^/]+?)"
                    case .any(let label): label == nil ? "[^/]*?" : "[^/]+?"
                    case .one: "[^/]"
                    }
                }.joined() + slash
            }.joined() + "$"
        return "regexp_extract(\(file), \(text(expression)), 1)"
    }

    fileprivate static func isPlain(_ text: String) -> Bool { !text.utf8.contains { "*?[]{}\\".utf8.contains($0) } }

    private static func glob(_ token: PathShape.Token) -> String {
        switch token {
        case .text(let text): text
        case .any: "*"
        case .one: "?"
        }
    }

    /// `text` as a regular expression that fits it alone.
    private static func expression(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.isASCII, !(scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)), scalar != "_",
                scalar != "/"
            {
                result += "\\"
            }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    // MARK: - Types

    /// The type of a column in DuckDB's words.
    static func sqlType(_ type: DataType, _ quote: (String) -> String) -> String {
        switch type {
        case .null, .utf8: "VARCHAR"
        case .bool: "BOOLEAN"
        case .int8: "TINYINT"
        case .int16: "SMALLINT"
        case .int32: "INTEGER"
        case .int64: "BIGINT"
        case .uint8: "UTINYINT"
        case .uint16: "USMALLINT"
        case .uint32: "UINTEGER"
        case .uint64: "UBIGINT"
        case .float16, .float32: "FLOAT"
        case .float64: "DOUBLE"
        case .decimal(let precision, let scale):
            (0...precision).contains(scale) ? "DECIMAL(\(precision),\(scale))" : "DOUBLE"
        case .binary, .fixedBinary: "BLOB"
        case .date: "DATE"
        case .time: "TIME"
        case .timestamp(.nanosecond, nil): "TIMESTAMP_NS"
        case .timestamp(_, nil): "TIMESTAMP"
        case .timestamp: "TIMESTAMP WITH TIME ZONE"
        case .uuid: "UUID"
        case .json: "JSON"
        case .list(let item): sqlType(item.type, quote) + "[]"
        case .structure(let fields):
            "STRUCT(" + fields.map { "\(quote($0.name)) \(sqlType($0.type, quote))" }.joined(separator: ", ") + ")"
        case .map(let key, let value): "MAP(\(sqlType(key.type, quote)), \(sqlType(value.type, quote)))"
        }
    }

    // MARK: - Scripts

    func replace(_ object: MapObject, _ known: MapInventory.Owned) -> [String] { object.statements }

    func drop(_ name: String, _ kind: String) -> String { "DROP VIEW IF EXISTS \(full(name))" }

    func script(_ plan: MapPlan) -> [String] {
        let names = plan.changes.map(\.name) + plan.retired
        var statements = ["BEGIN TRANSACTION", "CREATE SCHEMA IF NOT EXISTS \(quote(schema))"]
        if !names.isEmpty { statements.append(guardStatement(names)) }
        let gone = plan.changes.filter { $0.action == .drop }.map(\.name) + plan.retired
        statements += gone.sorted().map { drop($0, "view") }
        for change in plan.changes where change.action != .blocked { statements += change.object?.statements ?? [] }
        return statements + ["COMMIT"]
    }

    /// Stops the script when anything that it would touch is somebody else's.
    private func guardStatement(_ names: [String]) -> String {
        let list = names.map { text($0.lowercased()) }.joined(separator: ", ")
        let message = text(" is in the schema, and was not made by Sluice; rename it, or give the job another schema")
        return """
            SELECT error(min(found) || \(message))
            FROM (
                SELECT view_name AS found, comment FROM duckdb_views() WHERE schema_name = \(text(schema))
                    AND database_name = current_database()
                UNION ALL
                SELECT table_name, NULL FROM duckdb_tables() WHERE schema_name = \(text(schema))
                    AND database_name = current_database()
            )
            WHERE lower(found) IN (\(list))
                AND (comment IS NULL OR NOT starts_with(comment, \(text(mark + " "))))
            HAVING count(*) > 0
            """
    }
}

extension PathShape {
    /// Whether its own text has no character that a pattern of DuckDB's takes for something else.
    fileprivate var isPlain: Bool {
        parts.allSatisfy { part in
            guard case .tokens(let tokens) = part else { return true }
            return tokens.allSatisfy { if case .text(let text) = $0 { DuckDBDialect.isPlain(text) } else { true } }
        }
    }
}
