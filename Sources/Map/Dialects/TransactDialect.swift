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
    /// Whether statements are run one by one by whoever knows what there is, and not as a script on whatever there is.
    var isApplied = false
    /// How long texts are: a number, or `max`.
    var textLength = "8000"

    var name: String { engine == .synapse ? "Synapse serverless SQL" : "Fabric" }
    var distinguishesCase: Bool { false }
    var terminator: String { "\nGO" }
    var longestName: Int { 128 }

    func length(_ text: String) -> Int { text.utf16.count }

    func quote(_ name: String) -> String { "[" + SQLText.doubled(name, "]") + "]" }

    func text(_ value: String) -> String { "N'" + SQLText.doubled(value, "'") + "'" }

    func full(_ name: String) -> String { quote(schema) + "." + quote(name) }

    var sourceName: String { source ?? "sluice_" + MapFingerprint.of(paths.root) }
    private static let formatName = "ParquetFormat"
    private static let credentialName = "sluice_identity"
    /// How a view begins: whoever knows that there is none makes no one else's go.
    private var making: String { isApplied ? "CREATE VIEW" : "CREATE OR ALTER VIEW" }

    /// Without `$(` too.
    func cleaned(_ name: String) -> String {
        var clean = SQLText.cleaned(name)
        while let range = clean.firstRange(of: "$(") { clean.replaceSubrange(range, with: "$_") }
        return clean
    }

    /// Whether a script may have `text` in it. Programs that run scripts read them line by line, whatever is quoted: a line
    /// `GO` ends a batch, one that begins with a colon is a command of theirs, and `$(…)` is a variable anywhere.
    private func isSayable(_ text: String) -> Bool {
        isApplied
            || !(text.unicodeScalars.contains { $0.properties.generalCategory == .control && $0 != "\t" }
                || text.firstRange(of: "$(") != nil)
    }

    // MARK: - Objects

    func object(_ name: String, for table: LakeTable, in catalogue: LakeCatalogue) -> Result<MapObject, Unmappable> {
        var notes: [String] = []
        var columns: [MapObject.Column] = []
        for column in table.columns {
            if let reason = TransactTypes.obstacle(column) {
                notes.append("the column \"\(Display.safe(column.field.name))\" is left out: \(reason)")
            } else if !isSayable(column.field.name) {
                notes.append(
                    "the column \"\(Display.safe(column.field.name))\" is left out: no script can have its name in it")
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
        if table.files.contains(where: { !isSayable($0.entry.path) }) {
            return .failure(
                Unmappable(
                    reason:
                        "names of its files have line ends or $( in them, which no script can have; a connection can"))
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
        let mark = TransactMark(owner: mark, hash: hash, source: table.id)
        let create = "\(making) \(full(name)) AS\n\(mark.text)\n\(body)"
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
        if object.kind == "view", known.kind == "view", known.name == object.name {
            return object.statements.map { "ALTER VIEW" + $0.dropFirst(making.count) }
        }
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
                "IF NOT EXISTS (SELECT 1 FROM sys.databases WHERE name = \(text(database)))\n" + creation(of: database),
                "USE \(quote(database))",
            ]
        }
        return batches + foundations().flatMap { $0.batches }
    }

    /// Makes a database in which texts are UTF-8.
    func creation(of database: String) -> String {
        "CREATE DATABASE \(quote(database)) COLLATE Latin1_General_100_BIN2_UTF8"
    }

    /// Something that views and tables stand on.
    struct Foundation {
        /// What to call it.
        var title: String
        /// Stops when it is there and is not what it should be; none where that cannot be.
        var condition: String?
        /// Finds a row when it is there.
        var search: String
        /// Makes it.
        var make: String
        /// Whether the password stands in `make`, for which there is a variable of `sqlcmd` until it is known.
        var hasPassword = false

        /// It, as batches of a script.
        var batches: [String] {
            [condition, "IF NOT EXISTS (\(search))\n\(make)"].compactMap { $0 }
        }

        /// The statements that make it, with the password of whoever runs them.
        func making(_ password: String?) throws(SluiceError) -> String {
            guard hasPassword else { return make }
            guard let password, !password.isEmpty else {
                throw SluiceError(
                    .invalidConfiguration,
                    "the database has no master key yet, and there is no password to make one with",
                    hint: "set the environment variable MASTER_KEY_PASSWORD")
            }
            Redactor.shared.protect(password)
            return make.replacing(TransactDialect.passwordVariable, with: "'" + SQLText.doubled(password, "'") + "'")
        }
    }

    /// The password comes from whoever runs the script: `sqlcmd -v MASTER_KEY_PASSWORD=…`, or the environment.
    private static let passwordVariable = "'$(MASTER_KEY_PASSWORD)'"

    /// What views and tables stand on, in the order in which it is made.
    func foundations() -> [Foundation] {
        var foundations: [Foundation] = []
        if engine == .synapse {
            let place = text(sourceName)
            let credential = quote(TransactDialect.credentialName)
            foundations += [
                Foundation(
                    title: "the master key",
                    search: "SELECT 1 FROM sys.symmetric_keys WHERE name = N'##MS_DatabaseMasterKey##'",
                    make: "CREATE MASTER KEY ENCRYPTION BY PASSWORD = \(TransactDialect.passwordVariable)",
                    hasPassword: true),
                Foundation(
                    title: "the credential \(TransactDialect.credentialName)",
                    search: "SELECT 1 FROM sys.database_scoped_credentials WHERE name = "
                        + text(TransactDialect.credentialName),
                    make: "CREATE DATABASE SCOPED CREDENTIAL \(credential) WITH IDENTITY = 'Managed Identity'"),
                Foundation(
                    title: "the data source \(Display.safe(sourceName))",
                    condition:
                        "IF EXISTS (SELECT 1 FROM sys.external_data_sources WHERE name = \(place) AND location <> "
                        + "\(text(paths.root)))\n"
                        + "THROW 50000, N'The data source is there, and has another location: remove it, or give the job another.', 1",
                    search: "SELECT 1 FROM sys.external_data_sources WHERE name = \(place)",
                    make: "CREATE EXTERNAL DATA SOURCE \(quote(sourceName)) WITH (LOCATION = \(text(paths.root)), "
                        + "CREDENTIAL = \(credential))"),
                Foundation(
                    title: "the file format \(TransactDialect.formatName)",
                    search: "SELECT 1 FROM sys.external_file_formats WHERE name = \(text(TransactDialect.formatName))",
                    make:
                        "CREATE EXTERNAL FILE FORMAT \(quote(TransactDialect.formatName)) WITH (FORMAT_TYPE = PARQUET)"),
            ]
        }
        if schema.lowercased() != "dbo" {
            foundations.append(
                Foundation(
                    title: "the schema \(Display.safe(schema))",
                    search: "SELECT 1 FROM sys.schemas WHERE name = \(text(schema))",
                    make: "EXEC(\(text("CREATE SCHEMA \(quote(schema))")))"))
        }
        return foundations
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
