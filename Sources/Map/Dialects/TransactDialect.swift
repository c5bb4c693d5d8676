import Columns
import LakeTables
import Storage
import Support

/// What the T-SQL of Synapse's serverless pools and of Fabric has in common: views over `OPENROWSET`, of which the
/// wildcards bring the partition columns by `filepath()`, and in Synapse external tables.
///
/// A view bears a comment by which it is known, an external table the data source that Sluice made. A script stops before it
/// changes anything when something of a name is neither.
struct TransactDialect: Dialect {
    /// Which of them.
    enum Engine: Sendable {
        case synapse
        case fabric
    }

    let engine: Engine
    let paths: TablePaths
    let schema: String
    /// What the comments of our views begin with.
    let mark: String
    var makesTables = false
    /// The database that a script makes, and works in; nil where it is there.
    var database: String?
    /// What the data source is called; nil for a name made of its location, so that a lake that moves gets another one.
    var source: String?
    /// How long texts are: a number, or `max`.
    var textLength = "8000"

    var name: String { engine == .synapse ? "Synapse serverless SQL" : "Fabric" }
    var distinguishesCase: Bool { false }
    var terminator: String { "\nGO" }
    var longestName: Int { 128 }

    func length(_ text: String) -> Int { text.utf16.count }

    func quote(_ name: String) -> String { "[" + SQLText.doubled(name, "]") + "]" }

    func text(_ value: String) -> String { "N'" + SQLText.doubled(value, "'") + "'" }

    private func full(_ name: String) -> String { quote(schema) + "." + quote(name) }

    private var sourceName: String { source ?? "sluice_" + MapFingerprint.of(paths.root) }
    private static let formatName = "ParquetFormat"
    private static let credentialName = "sluice_identity"

    // MARK: - Objects

    func object(_ name: String, for table: LakeTable, in catalogue: LakeCatalogue) -> Result<MapObject, Unmappable> {
        var notes: [String] = []
        var columns: [MapObject.Column] = []
        for column in table.columns {
            if let reason = TransactTypes.obstacle(column) {
                notes.append("the column \"\(Display.safe(column.field.name))\" is left out: \(reason)")
            } else if column.field.name.utf16.count > longestName {
                notes.append("the column \"\(Display.safe(column.field.name))\" is left out: its name is too long")
            } else {
                columns.append(.init(column.field.name, sqlType(column.field.type)))
            }
        }
        let shape = table.shape.withStarsOnly
        let isExact =
            !shape.isDeep && !shape.hasStars && !paths.root.utf8.contains(UInt8(ascii: "*"))
            && catalogue.isExact(shape, for: table, seesHidden: false)
        if !isExact, table.files.contains(where: { $0.entry.path.utf8.contains(UInt8(ascii: "*")) }) {
            return .failure(
                Unmappable(reason: "names of its files have a * in them, which \(self.name) takes for others"))
        }
        if columns.isEmpty { return .failure(Unmappable(reason: "it has no column that \(self.name) can read")) }
        if makesTables, isExact {
            for field in table.partitions {
                notes.append(
                    "the column \"\(Display.safe(field.name))\" is left out: external tables have none of partitions")
            }
            let create = """
                CREATE EXTERNAL TABLE \(full(name)) (
                    \(columns.map { "\(quote($0.name)) \($0.type)" }.joined(separator: ",\n    "))
                )
                WITH (
                    LOCATION = \(text("/" + pattern(shape))),
                    DATA_SOURCE = \(quote(sourceName)),
                    FILE_FORMAT = \(quote(TransactDialect.formatName))
                )
                """
            return .success(
                MapObject(
                    name: name, kind: "table", source: table.id, columns: columns, statements: [create], notes: notes,
                    fingerprint: MapFingerprint.of(create)))
        }
        if makesTables { notes.append("it is a view: no pattern stands for exactly its files") }
        let body = view(table, columns, isExact ? shape : nil)
        let all =
            columns + table.partitions.map { MapObject.Column($0.name, sqlType($0.type)) }
        let hash = MapFingerprint.of(body)
        let create =
            "CREATE OR ALTER VIEW \(full(name)) AS\n/* \(SQLText.comment("\(mark) \(hash)")) */\n" + body
        return .success(
            MapObject(
                name: name, kind: "view", source: table.id, columns: all, statements: [create], notes: notes,
                fingerprint: hash))
    }

    private func view(_ table: LakeTable, _ columns: [MapObject.Column], _ shape: PathShape?) -> String {
        var lines = columns.map { "r.\(quote($0.name))" }
        var bulk: String
        var join = ""
        if let shape {
            bulk = bulkPath(pattern(shape))
            let names = shape.wildcards
            for field in table.partitions {
                let number = (names.firstIndex(of: field.name) ?? 0) + 1
                lines.append(
                    "\(value("r.filepath(\(number))", field.type, isHive: table.isHive)) AS \(quote(field.name))")
            }
        } else {
            bulk =
                "(\n        " + table.files.map { bulkPath($0.entry.path) }.joined(separator: ",\n        ") + "\n    )"
            if !table.partitions.isEmpty {
                let rows = table.files.map { file in
                    let values = zip(file.partitions, table.partitions).map { value, field in
                        value.map { field.type == .int32 ? $0 : text($0) } ?? "NULL"
                    }
                    return "(\(([text("/" + file.entry.path)] + values).joined(separator: ", ")))"
                }
                let names = table.partitions.map { quote($0.name) }
                lines += table.partitions.map {
                    "CAST(p.\(quote($0.name)) AS \(sqlType($0.type))) AS \(quote($0.name))"
                }
                join =
                    "\nJOIN (VALUES\n    \(rows.joined(separator: ",\n    "))\n"
                    + ") AS p ([sluice path], \(names.joined(separator: ", ")))\n"
                    + "    ON RIGHT(r.filepath(), LEN(p.[sluice path])) = p.[sluice path]"
            }
        }
        bulk += engine == .synapse ? ", DATA_SOURCE = \(text(sourceName))" : ""
        return """
            SELECT
                \(lines.joined(separator: ",\n    "))
            FROM OPENROWSET(
                BULK \(bulk), FORMAT = 'PARQUET'
            ) WITH (
                \(columns.map { "\(quote($0.name)) \($0.type)" }.joined(separator: ",\n    "))
            ) AS r\(join)
            """
    }

    /// The value of a wildcard as one of a type.
    private func value(_ expression: String, _ type: DataType, isHive: Bool) -> String {
        let plain = isHive ? "NULLIF(\(expression), '__HIVE_DEFAULT_PARTITION__')" : expression
        return "CAST(\(plain) AS \(sqlType(type)))"
    }

    private func bulkPath(_ path: String) -> String {
        text(engine == .synapse ? path : paths.path(path))
    }

    private func pattern(_ shape: PathShape) -> String {
        shape.pattern { token in if case .text(let text) = token { text } else { "*" } }
    }

    private func sqlType(_ type: DataType) -> String { TransactTypes.sqlType(type, textLength, engine) }

    // MARK: - Scripts

    func replace(_ object: MapObject, _ known: MapInventory.Owned) -> [String] {
        // A view is put in place of a view in one step; an external table cannot be.
        if object.kind == "view", known.kind == "view", known.name == object.name { return object.statements }
        return [drop(known.name, known.kind)] + object.statements
    }

    func drop(_ name: String, _ kind: String) -> String {
        kind == "view" ? "DROP VIEW IF EXISTS \(full(name))" : "DROP EXTERNAL TABLE \(full(name))"
    }

    func script(_ plan: MapPlan) -> [String] {
        var batches = prologue()
        let names = plan.changes.map(\.name) + plan.retired
        if !names.isEmpty { batches.append(guardBatch(names)) }
        let gone = plan.changes.filter { $0.action == .drop }.map(\.name) + plan.retired
        for name in gone.sorted() { batches += removal(name) }
        for change in plan.changes where change.action != .blocked {
            guard let object = change.object else { continue }
            if object.kind == "view" {
                batches += removal(object.name, onlyTable: true) + object.statements
            } else {
                if change.action == .alter { batches += removal(object.name) }
                batches += object.statements.map {
                    "IF OBJECT_ID(\(text(full(object.name)))) IS NULL\n\($0)"
                }
            }
        }
        return batches
    }

    /// What views and tables stand on, made where it is missing.
    private func prologue() -> [String] {
        var batches: [String] = []
        if let database {
            batches += [
                "IF NOT EXISTS (SELECT 1 FROM sys.databases WHERE name = \(text(database)))\n"
                    + "CREATE DATABASE \(quote(database)) COLLATE Latin1_General_100_BIN2_UTF8",
                "USE \(quote(database))",
            ]
        }
        if engine == .synapse {
            let place = text(sourceName)
            batches += [
                // The password comes from whoever runs the script: sqlcmd -v MASTER_KEY_PASSWORD=…, or the environment.
                "IF NOT EXISTS (SELECT 1 FROM sys.symmetric_keys WHERE name = N'##MS_DatabaseMasterKey##')\n"
                    + "CREATE MASTER KEY ENCRYPTION BY PASSWORD = '$(MASTER_KEY_PASSWORD)'",
                "IF NOT EXISTS (SELECT 1 FROM sys.database_scoped_credentials WHERE name = "
                    + "\(text(TransactDialect.credentialName)))\n"
                    + "CREATE DATABASE SCOPED CREDENTIAL \(quote(TransactDialect.credentialName)) "
                    + "WITH IDENTITY = 'Managed Identity'",
                "IF EXISTS (SELECT 1 FROM sys.external_data_sources WHERE name = \(place) AND location <> \(text(paths.root)))\n"
                    + "THROW 50000, N'The data source is there, and has another location: remove it, or give the job another.', 1",
                "IF NOT EXISTS (SELECT 1 FROM sys.external_data_sources WHERE name = \(place))\n"
                    + "CREATE EXTERNAL DATA SOURCE \(quote(sourceName)) WITH (LOCATION = \(text(paths.root)), "
                    + "CREDENTIAL = \(quote(TransactDialect.credentialName)))",
                "IF NOT EXISTS (SELECT 1 FROM sys.external_file_formats WHERE name = "
                    + "\(text(TransactDialect.formatName)))\n"
                    + "CREATE EXTERNAL FILE FORMAT \(quote(TransactDialect.formatName)) WITH (FORMAT_TYPE = PARQUET)",
            ]
        }
        if schema.lowercased() != "dbo" {
            batches.append(
                "IF SCHEMA_ID(\(text(schema))) IS NULL\nEXEC(\(text("CREATE SCHEMA \(quote(schema))")))")
        }
        return batches
    }

    /// Stops the script when anything that it would touch is somebody else's.
    private func guardBatch(_ names: [String]) -> String {
        let list = names.map(text).joined(separator: ", ")
        let isTable =
            engine == .synapse
            ? """

                    AND NOT EXISTS (
                        SELECT 1 FROM sys.external_tables t
                        JOIN sys.external_data_sources d ON d.data_source_id = t.data_source_id
                        WHERE t.object_id = o.object_id AND d.name = \(text(sourceName)))
            """ : ""
        return """
            IF EXISTS (
                SELECT 1 FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id
                LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
                WHERE s.name = \(text(schema)) AND o.name IN (\(list))
                    AND COALESCE(CHARINDEX(\(text("/* \(SQLText.comment(mark)) ")), m.definition), 0) = 0\(isTable)
            )
            THROW 50000, N'A view or table of one of these names was not made by Sluice; give the job another schema.', 1
            """
    }

    /// What removes an object of ours, whatever it is.
    private func removal(_ name: String, onlyTable: Bool = false) -> [String] {
        let table =
            "IF EXISTS (SELECT 1 FROM sys.external_tables t JOIN sys.schemas s ON s.schema_id = t.schema_id "
            + "WHERE s.name = \(text(schema)) AND t.name = \(text(name)))\n\(drop(name, "table"))"
        let tables = engine == .synapse && makesTables ? [table] : []
        return onlyTable ? tables : tables + [drop(name, "view")]
    }
}

/// The types of columns in T-SQL's words.
enum TransactTypes {
    /// Why a column cannot be read; nil when it can.
    static func obstacle(_ column: LakeColumn) -> String? {
        if column.isAmbiguous { return "two columns of one file have its name, whatever the case" }
        let target = column.field.type
        switch target {
        case .float16: return "there is no type for \(target)"
        case .decimal(let precision, let scale) where !(0...precision).contains(scale):
            return "there is no type for \(target)"
        default: break
        }
        let misfits = column.types.filter { !isReadable($0, as: target) }.map { "\($0)" }.sorted()
        return misfits.isEmpty
            ? nil : "files have it as \(misfits.joined(separator: " and ")), which is not read as \(target)"
    }

    /// The type of a column. Texts are UTF-8, in a collation that lets filters on them reach the files.
    static func sqlType(_ type: DataType, _ textLength: String, _ engine: TransactDialect.Engine) -> String {
        let collation = engine == .synapse ? " COLLATE Latin1_General_100_BIN2_UTF8" : ""
        switch type {
        case .bool: return "bit"
        case .int8, .int16: return "smallint"
        case .uint8: return engine == .synapse ? "tinyint" : "smallint"
        case .int32, .uint16: return "int"
        case .int64, .uint32: return "bigint"
        case .uint64: return "decimal(20,0)"
        case .float16, .float32: return "real"
        case .float64: return "float"
        case .decimal(let precision, let scale): return "decimal(\(precision),\(scale))"
        case .null, .utf8: return "varchar(\(textLength))\(collation)"
        case .json, .list, .structure, .map: return "varchar(max)\(collation)"
        case .binary: return "varbinary(\(textLength))"
        case .fixedBinary(let width): return width <= 8000 ? "varbinary(\(width))" : "varbinary(max)"
        case .date: return "date"
        case .time(let unit): return "time(\(digits(unit)))"
        case .timestamp(let unit, _): return "datetime2(\(digits(unit)))"
        case .uuid: return "uniqueidentifier"
        }
    }

    private static func digits(_ unit: TimeUnit) -> Int {
        switch unit {
        case .second: 0
        case .millisecond: 3
        case .microsecond: 6
        case .nanosecond: 7
        }
    }

    /// Whether a column of `type` in a file can be declared as one of `target`.
    static func isReadable(_ type: DataType, as target: DataType) -> Bool {
        if type == target || type == .null { return true }
        switch (type, target) {
        case (.int8, .int16), (.int8, .int32), (.int8, .int64), (.int16, .int32), (.int16, .int64), (.int32, .int64),
            (.uint8, .uint16), (.uint8, .uint32), (.uint16, .uint32), (.uint8, .int32), (.uint8, .int64),
            (.uint16, .int64),
            (.uint32, .int64), (.float32, .float64), (.json, .utf8), (.binary, .fixedBinary), (.fixedBinary, .binary):
            return true
        case (.timestamp(_, let zone), .timestamp(_, let other)): return (zone == nil) == (other == nil)
        case (.time, .time), (.list, .list), (.structure, .structure), (.map, .map): return true
        case (.decimal(let precision, let scale), .decimal(let other, let otherScale)):
            return otherScale >= scale && other - otherScale >= precision - scale
        default: return false
        }
    }
}
