import Columns
public import Settings
public import Support
import Warehouse

/// What may be written in a job of kind `ingest`.
public enum IngestKeys {
    /// The kind's name.
    public static let kind = "ingest"

    /// The keys, in the order in which a reader thinks of them: from where, what, to where, how, with which limits.
    public static let keys: [KeyShape] = source + target + incremental + limits

    private static let source = [
        KeyShape(
            "from", .reference(to: "connections"), "Where rows come from: a connection, a URL or a path", required: true
        ),
        KeyShape("table", .text, "The table or view to read; one of table, query and files is needed"),
        KeyShape("query", .text, "A query in the source's language, with :name for each of the parameters"),
        KeyShape("files", .list(.text), "The files to read, as patterns like orders-*.csv"),
        KeyShape("parameters", .map(.text, of: "texts"), "Values for the :name parameters of the query"),
        KeyShape("columns", .list(.text), "The columns to read, in this order; all when not given"),
        KeyShape("where", .text, "A condition in the source's language, which rows have to meet"),
        KeyShape("format", .text, "The format of files whose names do not tell: csv, tsv, json, ndjson, parquet"),
        KeyShape("delimiter", .text, "What stands between values of delimited text; found out when not given"),
        KeyShape(
            "types", .map(.text, of: "types"), "Types of columns, such as decimal(12,2); the others are found out"),
    ]

    private static let target = [
        KeyShape("into", .text, "The table to fill, as table or schema.table; the job's name when not given"),
        KeyShape(
            "mode", .choice(["append", "replace", "merge"]),
            "How rows go in: behind those that are there, in place of them, or over those with the same key",
            standard: "append"),
        KeyShape("key", .list(.text), "The columns that tell one row from another"),
        KeyShape(
            "delete", .text, "With merge: the column that marks deleted rows, or column=value for a certain value"),
        KeyShape(
            "contract", .choice(["evolve", "freeze", "discard-columns", "discard-rows"]),
            "What may happen when the rows differ from the table: change it, fail, leave columns out, reject rows",
            standard: "evolve"),
    ]

    private static let incremental = [
        KeyShape("cursor", .text, "The column that grows with every change; only rows behind the last load are read"),
        KeyShape("tie_breaker", .list(.text), "Columns that tell rows with the same cursor value apart"),
        KeyShape(
            "late", .text, "How far behind the last load to read again, for late rows: 2h for times, 1000 for numbers"),
        KeyShape(
            "cursor_nulls", .choice(["load", "reject", "fail"]), "What to do with rows whose cursor is null",
            standard: "load"),
    ]

    private static let limits = [
        KeyShape(
            "max_rejects", .text, "How many rejected rows make the run fail, as 100 or 1%; no limit when not given"),
        KeyShape("part_size", .size, "How large a staged file may grow", standard: "256MB"),
        KeyShape("compression", .text, "How staged files are compressed: zstd, zstd:9, snappy, lz4, gzip, none"),
        KeyShape("parallel", .integer(1...16), "How many readers work side by side"),
        KeyShape("retries", .integer(0...10), "How often to try again what may pass by itself", standard: "3"),
        KeyShape("retry_wait", .duration, "How long to wait before the first retry; doubles each time", standard: "1s"),
        KeyShape("lock_wait", .duration, "How long to wait for another run of this job", standard: "0s"),
        KeyShape("timeout", .duration, "How long the run may take; as long as it takes when not given"),
    ]

    // MARK: Keys together

    /// What is wrong with keys that are right one by one, in a section that fits the keys' shapes.
    public static func check(_ job: Section) -> [Diagnostic] {
        selection(job) + modes(job) + cursor(job) + texts(job)
    }

    private static func selection(_ job: Section) -> [Diagnostic] {
        let selections = ["table", "query", "files"].filter(job.has)
        var problems: [Diagnostic] = []
        if selections.isEmpty {
            problems.append(
                Diagnostic(
                    .error, "\(named(job)) does not say what to read", at: job.node.mark, path: job.path,
                    hint: "add one of table, query and files"))
        }
        for extra in selections.dropFirst() {
            problems.append(
                problem(
                    job, extra, "\"\(extra)\" cannot stand beside \"\(selections[0])\"",
                    "keep one of \(selections.joined(separator: ", "))"))
        }
        if job.has("parameters"), !job.has("query") {
            problems.append(problem(job, "parameters", "\"parameters\" needs a query", "write query:, or remove it"))
        }
        return problems
    }

    private static func modes(_ job: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        let mode = job.text("mode") ?? "append"
        if mode == "merge", job.texts("key")?.isEmpty ?? true {
            problems.append(
                problem(job, "mode", "mode merge needs a key", "add key: the columns that tell one row from another"))
        }
        if mode != "merge", job.has("delete") {
            problems.append(
                problem(
                    job, "delete", "\"delete\" works with mode merge only, this is \(mode)",
                    "write mode: merge, or remove it"))
        }
        if mode == "replace", job.has("cursor") {
            problems.append(
                problem(
                    job, "cursor", "mode replace reads everything, a cursor reads what is new",
                    "write mode: append or merge, or remove the cursor"))
        }
        return problems
    }

    private static func cursor(_ job: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        if !job.has("cursor") {
            for key in ["tie_breaker", "late", "cursor_nulls"] where job.has(key) {
                problems.append(problem(job, key, "\"\(key)\" needs a cursor", "add cursor:, or remove it"))
            }
        }
        if let late = job.text("late"), Int(late).map({ $0 < 0 }) ?? (Quantities.duration(late) == nil) {
            problems.append(
                problem(
                    job, "late", "\"\(job.path).late\" is \"\(late)\", a duration or a whole number was expected",
                    "write 2h for a cursor of times, 1000 for one of numbers"))
        }
        return problems
    }

    private static func texts(_ job: Section) -> [Diagnostic] {
        var problems: [Diagnostic] = []
        if let into = job.text("into"), TableName(parsing: into) == nil {
            problems.append(
                problem(
                    job, "into", "\"\(job.path).into\" is \"\(into)\", a table or schema.table was expected",
                    "write a name with dots or other signs in double quotes"))
        }
        if let limit = job.text("max_rejects"), !isLimit(limit) {
            problems.append(
                problem(
                    job, "max_rejects",
                    "\"\(job.path).max_rejects\" is \"\(limit)\", a number or a percentage was expected",
                    "write 100 or 1%"))
        }
        for entry in job.node["types"]?.entries ?? [] {
            guard let text = entry.value.scalar?.literal else { continue }
            do throws(SluiceError) {
                _ = try DataType(parsing: text)
            } catch {
                let path = "\(job.path).types.\(entry.key)"
                problems.append(
                    Diagnostic(
                        .error, "\"\(path)\" is \"\(text)\": \(error.message)", at: entry.value.mark, path: path,
                        hint: error.hint ?? "write a type such as int64, utf8, decimal(12,2) or timestamp(us, UTC)"))
            }
        }
        return problems
    }

    /// Whether `text` is a number of rows or a part of them.
    private static func isLimit(_ text: String) -> Bool {
        if text.hasSuffix("%") { return Double(text.dropLast()).map { (0...100).contains($0) } ?? false }
        return Int(text).map { $0 >= 0 } ?? false
    }

    private static func problem(_ job: Section, _ key: String, _ message: String, _ hint: String) -> Diagnostic {
        Diagnostic(.error, message, at: job.mark(key), path: "\(job.path).\(key)", hint: hint)
    }

    private static func named(_ job: Section) -> String { "job \"\(job.path)\"" }
}
