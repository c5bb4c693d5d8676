import LakeTables
public import Settings
public import Support

/// What may be written in a job of kind `map`.
public enum MapKeys {
    /// The kind's name.
    public static let kind = "map"

    /// The keys, in the order in which a reader thinks of them: which files, which tables, which names, where to.
    public static let keys: [KeyShape] = [
        KeyShape(
            "lake", .text, "The lake to give names to: a folder or a store's URL", standard: "the project's lake"),
        KeyShape("include", .list(.text), "Only files that fit one of these patterns"),
        KeyShape("exclude", .list(.text), "No files that fit one of these patterns"),
        KeyShape(
            "layout", .text,
            "How paths tell tables: automatic, hive, staged, or a pattern like {device}/{message}/{yyyy}/{mm}/*.parquet",
            standard: "automatic"),
        KeyShape(
            "partitions", .list(.text), "The names in the pattern that are columns; those of dates when not given"),
        KeyShape(
            "where", .map(.text, of: "patterns"),
            "What parts of paths have to look like, by name: a pattern of wildcards for each"),
        KeyShape(
            "lookups", .map(.object(Lookup.shape), of: "lookups"),
            "Tables that the mapping makes itself, by name: of the parts of paths, and of small JSON documents"),
        KeyShape(
            "dialect", .choice(MapDialect.allCases.map(\.rawValue)), "What kind of engine is to know the names",
            standard: "duckdb"),
        KeyShape(
            "name", .text,
            "How tables are named, like tbl_{device}_{message}; their folders with _ between when not given"
        ),
        KeyShape("schema", .text, "The schema that the names are in", standard: "lake, or dbo where T-SQL is spoken"),
        KeyShape(
            "objects", .choice(["views", "tables"]), "For synapse: views over OPENROWSET, or external tables",
            standard: "views"),
        KeyShape(
            "database", .text, "For synapse: the database that the script makes where it is missing, and works in"),
        KeyShape(
            "source", .text,
            "For synapse: the name of the external data source; one of its own for each location when not given"
        ),
        KeyShape(
            "text_length", .text, "How long texts are where T-SQL is spoken: a number up to 8000, or max",
            standard: "8000"),
        KeyShape(
            "location", .text, "Where the engine finds the lake, if that is not where Sluice does: a path or URL"),
        KeyShape(
            "connection", .reference(to: "connections"),
            "For synapse and fabric: the server to make names on, in place of a script to be run there"),
        KeyShape("out", .text, "The file to write the SQL script into"),
        KeyShape("errors", .text, "The file to list unreadable files in; removed when there are none"),
        KeyShape("parallel", .integer(1...256), "How many footers are read side by side", standard: "16"),
    ]

    /// What is wrong with keys that are right one by one, in a section that fits the keys' shapes.
    public static func check(_ job: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        func tell(_ key: String, _ error: SluiceError) {
            problems.append(
                Diagnostic(
                    .error, "\"\(job.path).\(key)\": \(error.message)", at: job.mark(key), path: "\(job.path).\(key)",
                    hint: error.hint))
        }
        do throws(SluiceError) {
            let layout = try MapJob.layout(job.text("layout"), partitions: job.texts("partitions"))
            if case .pattern(let pattern, let partitions) = layout, let name = job.text("name") {
                do throws(SluiceError) {
                    try MapJob.check(name: name, against: pattern, partitions)
                } catch { tell("name", error) }
            }
            do throws(SluiceError) {
                _ = try MapJob.lookups(job.section("lookups"), of: layout)
            } catch { tell("lookups", error) }
        } catch { tell("layout", error) }
        let dialect = job.text("dialect").flatMap(MapDialect.init(rawValue:)) ?? .duckdb
        if let length = job.text("text_length"), length != "max",
            !(Int(length).map { (1...8000).contains($0) } ?? false)
        {
            tell(
                "text_length",
                SluiceError(.invalidConfiguration, "a number from 1 to 8000, or max, was expected"))
        }
        func tellPlainly(_ key: String, _ message: String, _ hint: String) {
            problems.append(
                Diagnostic(.error, message, at: job.mark(key), path: "\(job.path).\(key)", hint: hint))
        }
        if job.has("connection"), !dialect.speaksTransact {
            tellPlainly(
                "connection",
                "\"\(job.path).connection\" is for synapse and fabric, and the dialect is \(dialect.rawValue)",
                dialect.isScript ? "write out: names.sql" : "leave it out: tables are copied into the warehouse")
        } else if job.has("connection"), job.has("out") {
            tellPlainly(
                "out",
                "\"\(job.path).out\" cannot be meant beside connection: names are made there, and no script is written",
                "leave one of them out; sluice map JOB --out FILE writes a script all the same")
        } else if dialect.isScript, dialect != .synapse, !job.has("out"), !job.has("connection") {
            tellPlainly(
                "out", "\"\(job.path).out\" is missing: for \(dialect.rawValue) a job writes a script",
                dialect == .fabric ? "write out: names.sql, or the connection of the server" : "write out: names.sql")
        }
        return problems
    }
}

/// The engines that names can be made for.
public enum MapDialect: String, Sendable, CaseIterable {
    /// Views over `read_parquet`.
    case duckdb
    /// External tables of Spark.
    case spark
    /// External tables of Databricks.
    case databricks
    /// Views and external tables of Synapse's serverless SQL.
    case synapse
    /// Views of Fabric.
    case fabric
    /// Copies in PostgreSQL.
    case postgres
    /// Copies in SQLite.
    case sqlite

    /// Whether names can be made by statements of T-SQL, on a connection.
    public var speaksTransact: Bool { self == .synapse || self == .fabric }

    /// Whether names are made by a script, as opposed to a connection.
    public var isScript: Bool { self != .postgres && self != .sqlite }
}
