public import LakeTables
public import Settings
import Storage
public import Support

/// What a mapping does: which files of which lake become tables, and what they are called where.
public struct MapJob: Sendable {
    /// The job's name.
    public var name: String
    /// The project's name; empty outside of one.
    public var project = ""
    /// The lake; nil for the project's.
    public var lake: String?
    /// Only files that fit one of these.
    public var include: [String] = []
    /// No files that fit one of these.
    public var exclude: [String] = []
    /// How paths tell tables.
    public var layout = LakeLayout.automatic
    /// What parts of paths have to look like.
    public var restrictions: [String: String] = [:]
    /// The tables that it makes itself.
    public var lookups: [Lookup] = []
    /// The engine.
    public var dialect = MapDialect.duckdb
    /// How tables are named.
    public var template: String?
    /// The schema that the names are in; nil for the usual one.
    public var schema: String?
    /// Whether Synapse gets external tables in place of views.
    public var makesTables = false
    /// The database that a script makes and works in; nil where it is there.
    public var database: String?
    /// The name of the external data source; nil for one of the location's own.
    public var source: String?
    /// How long texts are in T-SQL.
    public var textLength = "8000"
    /// Where the engine finds the lake; nil for where Sluice does.
    public var location: String?
    /// The T-SQL server that names are made on, by its connection's name or URL; nil where a script is written.
    public var connection: String?
    /// Whether names are made on the server that the environment names.
    public var usesEnvironmentServer = false
    /// The file of the script.
    public var out: String?
    /// The file that unreadable files are listed in.
    public var errors: String?
    /// How many footers are read side by side.
    public var parallel = 16

    /// The job `name`.
    public init(name: String) { self.name = name }

    /// The job that `section` of a project describes; it has passed its shape's check and `MapKeys.check`.
    public init(_ section: Section, name: String, project: String) throws(SluiceError) {
        self.init(name: name)
        self.project = project
        lake = section.text("lake")
        include = section.texts("include") ?? []
        exclude = section.texts("exclude") ?? []
        layout = try MapJob.layout(section.text("layout"), partitions: section.texts("partitions"))
        restrictions = section.section("where")?.textsByName ?? [:]
        lookups = try MapJob.lookups(section.section("lookups"), of: layout)
        dialect = section.text("dialect").flatMap(MapDialect.init(rawValue:)) ?? .duckdb
        template = section.text("name")
        schema = section.text("schema")
        makesTables = section.text("objects") == "tables"
        database = section.text("database")
        source = section.text("source")
        textLength = section.text("text_length") ?? textLength
        location = section.text("location")
        connection = section.text("connection")
        out = section.text("out")
        errors = section.text("errors")
        parallel = section.integer("parallel") ?? parallel
    }

    /// The layout that a user means by a word or pattern.
    ///
    /// - parameter partitions: The names of the pattern that are columns; nil for those of dates.
    public static func layout(_ text: String?, partitions: [String]?) throws(SluiceError) -> LakeLayout {
        switch text {
        case nil, "automatic": return .automatic
        case "hive": return .hive
        case "staged": return .staged
        case let text?:
            guard text.contains("{") || text.contains("*") else {
                throw SluiceError(
                    .invalidConfiguration, "there is no layout \"\(Display.safe(text))\"",
                    hint: "write automatic, hive, staged, or a pattern like {device}/{message}/{yyyy}/*.parquet")
            }
            let pattern = try TablePattern(text)
            let names = pattern.shape.names
            if let unknown = partitions?.first(where: { !names.contains($0) }) {
                throw SluiceError(
                    .invalidConfiguration, "the pattern has no part \"\(Display.safe(unknown))\" to be a partition",
                    hint: nearestWord(to: unknown, among: names).map { "did you mean \"\($0)\"?" })
            }
            return .pattern(
                pattern,
                partitions: partitions ?? names.filter { TablePattern.dateNames.contains($0.lowercased()) })
        }
    }

    /// The lookups that a user describes.
    ///
    /// - throws: `SluiceError` whose message begins with the name of the lookup that is wrong.
    static func lookups(_ section: Section?, of layout: LakeLayout) throws(SluiceError) -> [Lookup] {
        guard let sections = section?.sections, !sections.isEmpty else { return [] }
        guard case .pattern(let pattern, let partitions) = layout else {
            throw SluiceError(
                .invalidConfiguration, "lookups are made of the parts of a pattern, and the layout is none",
                hint: "write layout: \"{device}/{message}/{yyyy}/*.parquet\", with the names that your paths have")
        }
        let parts = pattern.shape.names.filter { !partitions.contains($0) }
        var lookups: [Lookup] = []
        for (name, section) in sections {
            do throws(SluiceError) {
                lookups.append(try Lookup(section, name: name, parts: parts))
            } catch {
                throw SluiceError(error.code, "\(Display.safe(name)): \(error.message)", hint: error.hint)
            }
        }
        return lookups
    }

    /// Whether a template of names asks for parts that tables have.
    static func check(name: String, against pattern: TablePattern, _ partitions: [String]) throws(SluiceError) {
        let known = pattern.shape.names.filter { !partitions.contains($0) } + ["table"]
        for wanted in Naming.names(in: name) where !known.contains(wanted) {
            throw SluiceError(
                .invalidConfiguration, "tables have no part \"\(Display.safe(wanted))\" to be named after",
                hint: nearestWord(to: wanted, among: known).map { "did you mean \"\($0)\"?" })
        }
    }

    /// Whether names are made on a server, and not by a script.
    public var isConnected: Bool { connection != nil || usesEnvironmentServer }

    /// By which its objects are known: `project.job`.
    var pipeline: String { project.isEmpty ? name : "\(project).\(name)" }
}

/// How a run of a mapping differs from the usual.
public struct MapOptions: Sendable {
    /// Reads all footers, whatever is known, and believes that an empty lake is empty.
    public var full = false
    /// Finds out what would be done, and does nothing.
    public var plansOnly = false

    /// The usual.
    public init() {}

    /// What differs from the usual, for the history.
    public var json: JSONText {
        .members(["full": full ? .bool(true) : nil, "plan": plansOnly ? .bool(true) : nil])
    }
}
