public import Settings
public import Support
import Warehouse

/// What may be written in a job of kind `report`.
public enum ReportKeys {
    /// The kind's name.
    public static let kind = "report"

    /// The keys, in the order in which a reader thinks of them: from where, by which rules, to where.
    public static let keys: [KeyShape] = [
        KeyShape(
            "input", .list(.text),
            "The files to read: paths, patterns like inbox/*.json, folders with all that is in them, or - for standard "
                + "input", required: true),
        KeyShape(
            "format", .choice(ReportFormat.allCases.map(\.rawValue)),
            "Which report: sales/1, or classic/1 as the processor wrote it that Sluice replaces", standard: "sales/1"),
        KeyShape("rules", .object(RuleKeys.shape), "What counts as valid, as revenue and as odd"),
        KeyShape("output", .text, "The folder for reports and logs", standard: "./reports"),
        KeyShape(
            "combined", .boolean, "Whether several inputs get a report over all of them, beside their own",
            standard: "true with several inputs"),
        KeyShape("html", .boolean, "Whether each report also becomes a page to look at", standard: "true"),
        KeyShape(
            "tables", .choice(["parquet", "csv", "none"]),
            "Whether days, months, customers, products, categories, anomalies and errors are also written as tables",
            standard: "none"),
        KeyShape(
            "into", .text, "Loads these tables into the warehouse too, under names that begin so: sales, schema.sales"),
        KeyShape(
            "rejects", .boolean, "Whether rejected records are kept in a file beside the report", standard: "true"),
        KeyShape(
            "ledger", .boolean, "Whether what is done is remembered, so that a run does new work only", standard: "true"
        ),
        KeyShape("threads", .integer(1...256), "How many threads work; as many as there are cores when not given"),
        KeyShape("timeout", .duration, "How long the run may take; as long as it takes when not given"),
    ]

    // MARK: Keys together

    /// What is wrong with keys that are right one by one, in a section that fits the keys' shapes.
    public static func check(_ job: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        if job.texts("input")?.isEmpty ?? true {
            problems.append(
                problem(job, "input", "\"\(job.path).input\" is an empty list", "name a file, a pattern or a folder"))
        }
        if job.text("format") == ReportFormat.classic.rawValue {
            for key in ["rules", "into", "tables"] where job.has(key) && job.text(key) != "none" {
                problems.append(
                    problem(
                        job, key, "\"\(key)\" does not go with format classic/1, which is fixed to the last digit",
                        "write format: sales/1, or remove it"))
            }
            if job.boolean("combined") == true {
                problems.append(
                    problem(
                        job, "combined", "classic/1 has no combined report: its sums depend on the order of records",
                        "write format: sales/1, or remove it"))
            }
        }
        if let into = job.text("into"), TableName(parsing: into) == nil {
            problems.append(
                problem(
                    job, "into",
                    "\"\(job.path).into\" is \"\(into)\", the beginning of a table's name was expected",
                    "write sales for sales_daily and so on, or schema.sales"))
        }
        if let rules = job.section("rules") { problems += RuleKeys.check(rules) }
        return problems
    }

    static func problem(_ section: Section, _ key: String, _ message: String, _ hint: String) -> Diagnostic {
        Diagnostic(.error, message, at: section.mark(key), path: "\(section.path).\(key)", hint: hint)
    }
}

/// What a report looks like.
public enum ReportFormat: String, Sendable, CaseIterable {
    /// What docs/report.md says.
    case sales = "sales/1"
    /// What the processor wrote that Sluice replaces, to the last digit.
    case classic = "classic/1"
}
