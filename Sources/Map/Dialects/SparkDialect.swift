import Columns
import LakeTables
import Storage
import Support

/// Spark and Databricks: external tables over the folders of each table, every partition with its folder, so that folders of
/// dates are partitions as well as those called `key=value`.
///
/// A table is in one folder, and which of its files count is told by the pattern of their names. Spark takes a `LOCATION`
/// as a pattern, and its names are letters, digits and `_`; what cannot be said in these terms is told and left out.
struct SparkDialect: Dialect {
    let paths: TablePaths
    let schema: String
    /// What the property of our tables begins with.
    let mark: String
    var isDatabricks = false

    var name: String { isDatabricks ? "Databricks" : "Spark" }
    var distinguishesCase: Bool { false }
    var terminator: String { ";" }
    var longestName: Int { 200 }

    /// How many partitions one statement adds.
    private static let partitionsAtOnce = 200

    func cleaned(_ name: String) -> String {
        String(name.unicodeScalars.map { SparkDialect.isWord($0) ? Character($0) : "_" })
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_": true
        default: false
        }
    }

    func quote(_ name: String) -> String { "`" + SQLText.doubled(name, "`") + "`" }

    func text(_ value: String) -> String {
        var result = "'"
        for scalar in value.unicodeScalars {
            if scalar == "\\" || scalar == "'" { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
        return result + "'"
    }

    /// The schema, of which Databricks has one in a catalog: `main.lake`.
    private var schemaName: String {
        isDatabricks
            ? schema.split(separator: ".", maxSplits: 1).map { quote(String($0)) }.joined(separator: ".")
            : quote(schema)
    }

    private func full(_ name: String) -> String { schemaName + "." + quote(name) }

    // MARK: - Tables

    func object(_ name: String, for table: LakeTable, in catalogue: LakeCatalogue) -> Result<MapObject, Unmappable> {
        guard let last = table.shape.parts.last, case .tokens(let file) = last else {
            return .failure(Unmappable(reason: "its files are at any depth"))
        }
        let fit = catalogue.fit(table.shape, for: table, seesHidden: false)
        guard fit != .strangers else {
            return .failure(Unmappable(reason: "no pattern of names tells its files from those of other tables"))
        }
        var notes: [String] = []
        var columns: [MapObject.Column] = []
        for column in table.columns {
            let type = column.field.type
            if let reason = SparkTypes.obstacle(column) {
                notes.append("the column \"\(Display.safe(column.field.name))\" is left out: \(reason)")
                continue
            }
            if let note = SparkTypes.note(type) {
                notes.append("the column \"\(Display.safe(column.field.name))\" \(note)")
            }
            columns.append(.init(column.field.name, SparkTypes.sqlType(type, quote)))
        }
        let inFile = Set(file.compactMap { token in if case .any(let name?) = token { name } else { nil } })
        let partitions = table.partitions.indices.filter { !inFile.contains(table.partitions[$0].name) }
        for field in table.partitions where inFile.contains(field.name) {
            notes.append(
                "the column \"\(Display.safe(field.name))\" is left out: it is in names of files, not of folders")
        }
        let folders: [(folder: String, values: [String?])]
        switch self.folders(of: table, partitions) {
        case .success(let found): folders = found
        case .failure(let failure): return .failure(failure)
        }
        for index in partitions {
            let field = table.partitions[index]
            columns.append(.init(field.name, SparkTypes.sqlType(field.type, quote)))
        }
        if columns.isEmpty { return .failure(Unmappable(reason: "it has no column that Spark can read")) }
        let root = partitions.isEmpty ? folders.first?.folder ?? "" : table.shape.folder
        var options = ["pathGlobFilter \(text(SparkDialect.glob(file)))"]
        if fit == .unreadable { options.append("ignoreCorruptFiles 'true'") }
        var create =
            "CREATE TABLE IF NOT EXISTS \(full(name)) (\n    "
            + columns.map { "\(quote($0.name)) \($0.type)" }.joined(separator: ",\n    ")
            + "\n)\nUSING parquet\nOPTIONS (\(options.joined(separator: ", ")))\n"
        if !partitions.isEmpty {
            create +=
                "PARTITIONED BY (" + partitions.map { quote(table.partitions[$0].name) }.joined(separator: ", ") + ")\n"
        }
        create += "LOCATION \(text(location(root, isPattern: partitions.isEmpty)))\n"
        create += "TBLPROPERTIES ('sluice.map' = \(text("\(mark) \(MapFingerprint.of(create))")))"
        var statements = [create]
        var rest = (partitions.isEmpty ? [] : folders)[...]
        while !rest.isEmpty {
            let lines = rest.prefix(SparkDialect.partitionsAtOnce).map { folder, values in
                let pairs = zip(partitions, values).map { index, value in
                    "\(quote(table.partitions[index].name)) = \(literal(value, table.partitions[index].type))"
                }
                return
                    "PARTITION (\(pairs.joined(separator: ", "))) LOCATION \(text(location(folder, isPattern: false)))"
            }
            rest = rest.dropFirst(SparkDialect.partitionsAtOnce)
            statements.append(
                "ALTER TABLE \(full(name)) ADD IF NOT EXISTS\n    " + lines.joined(separator: "\n    "))
        }
        return .success(
            MapObject(
                name: name, kind: "table", source: table.id, columns: columns, statements: statements, notes: notes))
    }

    /// The folders in which a table's files are, each with the values of the partition columns.
    private func folders(
        of table: LakeTable, _ partitions: [Int]
    ) -> Result<[(folder: String, values: [String?])], Unmappable> {
        var found: [(folder: String, values: [String?])] = []
        var folders: [[String?]: String] = [:]
        for file in table.files {
            let folder = file.entry.path.lastIndex(of: "/").map { String(file.entry.path[..<$0]) } ?? ""
            let values = partitions.map { file.partitions[$0] }
            if let known = folders[values] {
                guard known == folder else {
                    return .failure(
                        Unmappable(
                            reason: partitions.isEmpty
                                ? "its files lie in several folders" : "one partition has several folders"))
                }
                continue
            }
            folders[values] = folder
            found.append((folder, values))
        }
        return .success(found)
    }

    /// A folder's place. Where Spark takes it as a pattern, characters of patterns are escaped.
    private func location(_ folder: String, isPattern: Bool) -> String {
        let path = folder.isEmpty ? paths.root : paths.path(folder)
        return isPattern ? SparkDialect.escaped(path) : path
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if "\\*?[]{},^".unicodeScalars.contains(scalar), scalar != "," { result += "\\" }
            result.unicodeScalars.append(scalar)
        }
        return result
    }

    private static func glob(_ tokens: [PathShape.Token]) -> String {
        tokens.map { token in
            switch token {
            case .text(let text): escaped(text)
            case .any: "*"
            case .one: "?"
            }
        }.joined()
    }

    private func literal(_ value: String?, _ type: DataType) -> String {
        guard let value else { return "null" }
        return type == .int32 ? value : text(value)
    }

    // MARK: - Scripts

    func replace(_ object: MapObject, _ known: MapInventory.Owned) -> [String] {
        // When it is only partitions that came, they are added, and the table is there all the time.
        let old = MapObject.statements(of: known.definition)
        if old.first == object.statements.first, known.name == object.name {
            return Array(object.statements.dropFirst())
        }
        return [drop(known.name, known.kind)] + object.statements
    }

    func drop(_ name: String, _ kind: String) -> String { "DROP TABLE IF EXISTS \(full(name))" }

    func script(_ plan: MapPlan) -> [String] {
        var statements = ["CREATE SCHEMA IF NOT EXISTS \(schemaName)"]
        let gone = plan.changes.filter { $0.action == .drop }.map(\.name) + plan.retired
        statements += gone.sorted().map { drop($0, "table") }
        for change in plan.changes {
            switch change.action {
            case .create, .unchanged: statements += change.object?.statements ?? []
            case .alter: statements += change.sql
            case .drop, .blocked, .failed: break
            }
        }
        return statements
    }
}

/// The types of columns in Spark's words, and which of those in files it can read as which.
enum SparkTypes {
    /// Why Spark cannot read a column; nil when it can.
    static func obstacle(_ column: LakeColumn) -> String? {
        if column.isAmbiguous { return "two columns of one file have its name, whatever the case" }
        let target = column.field.type
        if let type = unknown(in: target) { return "Spark has no type for \(type)" }
        let misfits = column.types.filter { !isReadable($0, as: target) }.map { "\($0)" }.sorted()
        return misfits.isEmpty ? nil : "Spark does not read \(misfits.joined(separator: " and ")) as \(target)"
    }

    /// What is to be known of a column of `type`; nil for nothing.
    static func note(_ type: DataType) -> String? {
        switch type {
        case .timestamp(.nanosecond, _): "is a number of nanoseconds since 1970, since Spark has no such timestamps"
        case .time(let unit): "is a number of \(unit.rawValue) since midnight, since Spark reads no times of day"
        default: nil
        }
    }

    /// The type of a column.
    static func sqlType(_ type: DataType, _ quote: (String) -> String) -> String {
        switch type {
        case .bool: "BOOLEAN"
        case .int8: "TINYINT"
        case .int16, .uint8: "SMALLINT"
        case .int32, .uint16: "INT"
        case .int64, .uint32: "BIGINT"
        case .uint64: "DECIMAL(20,0)"
        case .float16, .float32: "FLOAT"
        case .float64: "DOUBLE"
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
        case .null: "INT"
        case .utf8, .json: "STRING"
        case .binary, .fixedBinary, .uuid: "BINARY"
        case .date: "DATE"
        // Numbers of the unit in the file: Spark has no times of day, and no nanoseconds.
        case .time(.second), .time(.millisecond): "INT"
        case .time, .timestamp(.nanosecond, _): "BIGINT"
        case .timestamp(_, nil): "TIMESTAMP_NTZ"
        case .timestamp: "TIMESTAMP"
        case .list(let item): "ARRAY<\(sqlType(item.type, quote))>"
        case .structure(let fields):
            "STRUCT<" + fields.map { "\(quote($0.name)): \(sqlType($0.type, quote))" }.joined(separator: ", ") + ">"
        case .map(let key, let value): "MAP<\(sqlType(key.type, quote)), \(sqlType(value.type, quote))>"
        }
    }

    /// A type that Spark does not have, in `type`.
    private static func unknown(in type: DataType, nested: Bool = false) -> DataType? {
        switch type {
        case .float16: return type
        case .time, .timestamp(.nanosecond, _): return nested ? type : nil
        case .decimal(let precision, let scale): return (0...precision).contains(scale) ? nil : type
        default:
            for field in type.childFields { if let found = unknown(in: field.type, nested: true) { return found } }
            return nil
        }
    }

    /// Whether a column of `type` in a file is read by Spark's readers as one of `target`.
    static func isReadable(_ type: DataType, as target: DataType) -> Bool {
        if type == target || type == .null { return true }
        switch (type, target) {
        case (.int8, .int16), (.int8, .int32), (.int8, .int64), (.int16, .int32), (.int16, .int64), (.int32, .int64),
            (.float32, .float64), (.int8, .float64), (.int16, .float64), (.int32, .float64), (.uint8, .uint16),
            (.uint8, .uint32), (.uint16, .uint32), (.binary, .fixedBinary), (.fixedBinary, .binary):
            return true
        case (.timestamp(let unit, let zone), .timestamp(let other, let otherZone)):
            return (zone == nil) == (otherZone == nil) && unit != .nanosecond && other != .nanosecond
        case (.date, .timestamp(_, nil)): return true
        case (.decimal(let precision, let scale), .decimal(let other, let otherScale)):
            return otherScale >= scale && other - otherScale >= precision - scale
        case (.list(let item), .list(let other)): return isReadable(item.type, as: other.type)
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            return isReadable(key.type, as: otherKey.type) && isReadable(value.type, as: otherValue.type)
        case (.structure(let fields), .structure(let others)):
            return fields.allSatisfy { field in
                others.first { $0.name == field.name }.map { isReadable(field.type, as: $0.type) } ?? false
            }
        default: return false
        }
    }
}
