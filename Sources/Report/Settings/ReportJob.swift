public import Sales
public import Settings
import Storage
import Support
import Warehouse

/// What a report does: which files become reports, by which rules, and where they go.
public struct ReportJob: Sendable {
    /// In what form tables are written beside a report.
    public enum TableFormat: String, Sendable, CaseIterable {
        case parquet
        case csv
    }

    /// The job's name, by which logs are found: `sales`.
    public var name: String
    /// The project's name; empty outside of one.
    public var project = ""
    /// The files, as paths, patterns and folders; `-` is standard input.
    public var input: [String]
    /// What the reports look like.
    public var format = ReportFormat.sales
    /// What counts as valid, as revenue and as odd.
    public var rules = SalesRules()
    /// Where relative paths start.
    public var folder = "."
    /// The folder for reports and logs.
    public var output = "./reports"
    /// Whether there is a report over all inputs; nil when that follows from how many there are.
    public var combined: Bool?
    /// Whether each report also becomes a page.
    public var html = true
    /// In what form tables are written; nil for none.
    public var tables: TableFormat?
    /// How the names of tables in the warehouse begin; nil for none.
    public var into: String?
    /// Whether rejected records are kept.
    public var keepsRejects = true
    /// Whether what is done is remembered.
    public var hasLedger = true
    /// How many threads work; nil for as many as there are cores.
    public var threads: Int?
    /// How long a run may take; nil for as long as it takes.
    public var timeout: Duration?

    /// The job `name` over `input`.
    public init(name: String, input: [String]) {
        self.name = name
        self.input = input
    }

    /// The job that `section` of a project describes; it has passed its shape's check and `ReportKeys.check`.
    public init(_ section: Section, name: String, project: String, folder: String) {
        self.init(name: name, input: section.texts("input") ?? [])
        self.project = project
        self.folder = folder
        format = section.text("format").flatMap(ReportFormat.init(rawValue:)) ?? .sales
        rules = SalesRules(section.section("rules"))
        output = section.text("output") ?? output
        combined = section.boolean("combined")
        html = section.boolean("html") ?? true
        tables = section.text("tables").flatMap(TableFormat.init(rawValue:))
        into = section.text("into")
        keepsRejects = section.boolean("rejects") ?? true
        hasLedger = section.boolean("ledger") ?? true
        threads = section.integer("threads")
        timeout = section.duration("timeout")
    }

    /// The name by which a warehouse knows it: `project.job`.
    var pipeline: String { project.isEmpty ? name : "\(project).\(name)" }

    /// Whether a later run may need what this one counts, for a report over more inputs.
    var mayCombine: Bool {
        if format == .classic { return false }
        guard combined == nil, input.count == 1, let only = input.first else { return combined != false }
        // One file stays one; what a store has, only the store knows.
        if LocalStores().isURL(only) || only == Storage.standardName { return only != Storage.standardName }
        return FileStamp(InputFinder.absolute(only, from: InputFinder.absolute(folder, from: nil))) == nil
    }

    /// Whether `count` inputs get a report over all of them.
    func isCombined(_ count: Int) -> Bool { format == .sales && (combined ?? (count > 1)) }
}
