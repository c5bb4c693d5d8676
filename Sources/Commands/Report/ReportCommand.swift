import CommandLine
import Sluice
import Storage
import Support

/// `sluice report`: files of sales become reports, without a project.
struct ReportCommand: Command {
    let inputs = Parameter.arguments(
        "INPUT", .path, required: false,
        help: "Files, patterns and folders; - is standard input; 'merge' and partials, to merge them")
    let format = Parameter.option(
        "format", .choice(ReportFormat.self, "FORMAT"), default: "sales/1",
        help: "Which report: classic/1 is, to the byte, what Python made of it")
    let output = Parameter.option(
        "output", .path, short: "o", default: "./reports",
        help: "The folder for reports; a file that ends in .json; - is standard output")
    let standardOutput = Parameter.flag("stdout", help: "The same as --output -")
    let combined = Parameter.flag(
        "combined", default: true, help: "With several inputs, a report over all of them too")
    let html = Parameter.flag("html", default: true, help: "A page to look at beside each report")
    let tables = Parameter.optional(
        "tables", .choice(ReportJob.TableFormat.self, "FORMAT"),
        help: "Days, customers, products and more as tables beside each report")
    let rejects = Parameter.flag("rejects", default: true, help: "Rejected records in a file beside each report")
    let rules = RuleParameters()
    let again = Parameter.flag("again", help: "Report on what has been reported on, too")
    let threads = Parameter.optional(
        "threads", .integer(in: 1...256), help: "How many processors to use; all when not given")
    let partial = Parameter.optional(
        "partial", .path, help: "Write what is in the input to this file, to be merged later, and no report")
    let part = Parameter.optional(
        "part", .text.named("I/K"), help: "Read the I-th of K parts of the input, from 1")
    let fromEnvironment = Parameter.flag(
        "from-env", help: "Do what the environment variables of a task container say")

    var model: CommandModel {
        CommandModel(
            "report", "Check and sum up batches of sales transactions",
            [
                .arguments(inputs),
                ParameterGroup("Reports", [format, output, standardOutput, combined, html, tables, rejects]),
                rules.group, ParameterGroup("Work", [again, threads, partial, part, fromEnvironment]),
            ],
            discussion: """
                Every input becomes a report, a page and, where records are invalid, a file of these with their \
                reasons. Names follow from what is in them, and what was reported on before is left alone.

                A large input can be shared by several machines: each writes a partial with --partial and --part, and \
                'sluice report merge' makes of these the report that one machine would have made.

                An input that fails leaves the others as they are: exit code 3, or 1 when all fail.
                """,
            examples: [
                .init("sluice report sales.json", "into ./reports, and a summary"),
                .init("sluice report inbox -o out --tables parquet", "all files of a folder, and tables"),
                .init("sluice report sales.json --set max_total=5000", "by other rules"),
                .init("cat sales.ndjson | sluice report - -o -", "the report on standard output"),
                .init("sluice report big.json --partial 1.partial --part 1/4", "the first fourth of an input"),
                .init("sluice report merge *.partial -o out", "one report of partials"),
                .init("sluice report sales.json --format classic/1 -o report.json", "as Python made it"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        if arguments[fromEnvironment] { return try await ReportTaskCommand().run(arguments[inputs], in: context) }
        guard let first = arguments[inputs].first else {
            throw SluiceError(
                .usage, "what to report on is missing", hint: "Name a file, a folder or a pattern; - is standard input."
            )
        }
        var job = ReportJob(name: "report", input: arguments[inputs])
        job.folder = context.resolve(".")
        job.format = arguments[format]
        job.html = arguments[html]
        job.tables = arguments[tables]
        job.keepsRejects = arguments[rejects]
        job.threads = arguments[threads]
        if !arguments[combined] { job.combined = false }
        job.output = arguments[standardOutput] ? Storage.standardName : arguments[output]
        if let rules = try await rules.rules(arguments, in: context) {
            if job.format == .classic {
                throw SluiceError(
                    .usage, "the rules of classic/1 are fixed to the last digit", hint: "Leave --rules and --set out.")
            }
            job.rules = rules
        }
        let work = ReportWork(job: job, context: context)
        if first == "merge" { return try await work.merge(Array(arguments[inputs].dropFirst())) }
        if let file = arguments[partial] { return try await work.partial(file, part: arguments[part]) }
        if arguments[part] != nil {
            throw SluiceError(.usage, "--part goes with --partial only", hint: "Name the partial's file.")
        }
        let isOne = try job.output == Storage.standardName || context.shown(job.output).hasSuffix(".json")
        if isOne { return try await work.direct() }
        return try await work.folder(again: arguments[again])
    }
}

/// The options by which rules are given without a project.
struct RuleParameters: Sendable {
    let file = Parameter.optional(
        "rules", .path, help: "A YAML or JSON file of rules, as they stand under 'rules' in a project")
    let set = Parameter.repeated(
        "set", .assignment, help: "One rule: max_total=5000, caps.top=20; wins over the file")

    var group: ParameterGroup { ParameterGroup("Rules", [file, set]) }

    /// The rules that are given; nil when none are.
    func rules(_ arguments: Arguments, in context: Context) async throws -> SalesRules? {
        if arguments[file] == nil, arguments[set].isEmpty { return nil }
        var node = Node(.mapping([]), at: .init(file: "--set", line: 1, column: 1))
        var problems: [Diagnostic] = []
        var sources: [String: String] = [:]
        if let name = arguments[file] {
            guard let bytes = try SmallFile.read(context.resolve(name), named: name, limit: 16 << 20) else {
                throw SluiceError(.notFound, "there is no such file", place: .init(file: name))
            }
            let text = String(decoding: bytes, as: UTF8.self)
            sources[name] = text
            let (parsed, found) = parseDocument(text, file: name)
            problems = found
            if let parsed, !parsed.isNull { node = parsed }
        }
        for assignment in arguments[set] { node = node.overlaid(by: RuleParameters.node(assignment)) }
        if problems.isEmpty { problems = Shape.object(RuleKeys.shape).check(node) }
        if problems.isEmpty { problems = RuleKeys.check(Section(node)) }
        guard let first = problems.first else { return SalesRules(Section(node)) }
        if sources.isEmpty {
            throw SluiceError(.usage, "--set: \(problems.map(\.message).joined(separator: "; "))", hint: first.hint)
        }
        let report = DiagnosticReport(problems, sources: sources)
        report.tell(context)
        let count = report.errorCount == 1 ? "1 error" : "\(report.errorCount) errors"
        throw SluiceError(.invalidConfiguration, "\(count) in the rules", place: .init(file: arguments[file]))
    }

    /// `caps.top=20` as the document that says so. Where the rules have a list, commas stand between its items.
    private static func node(_ assignment: Assignment) -> Node {
        let mark = Diagnostic.Mark(file: "--set \(assignment.name)", line: 1, column: 1)
        let keys = assignment.name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isList = ["revenue_statuses", "required"].contains(keys[0]) || keys[0] == "fields"
        let words = isList ? assignment.value.split(separator: ",").map(String.init) : [assignment.value]
        let scalars = words.map { Node(.scalar(Scalar($0)), at: mark) }
        var node = isList ? Node(.sequence(scalars), at: mark) : scalars.first ?? Node(.sequence([]), at: mark)
        for key in keys.reversed() { node = Node(.mapping([.init(key: key, keyMark: mark, value: node)]), at: mark) }
        return node
    }
}
