import LakeTables
import Map
import Sluice
import Support

/// What a mapping found and did, for people.
struct MapLines {
    private let result: MapResult

    init(_ result: MapResult) { self.result = result }

    /// Shows it: the table of changes as the answer, everything else as messages.
    func show(in context: Context) {
        if context.options.isJSON { return context.answer(result.json) }
        showTable(in: context)
        tell("map", in: context)
    }

    /// The changes, a row each; what is unchanged only for those who look closely.
    func showTable(in context: Context) {
        let rows = Dictionary(result.tables.map { ($0.name, $0) }) { first, _ in first }
        let shown = result.plan.changes.filter { $0.action != .unchanged || context.options.isVerbose }
        if shown.isEmpty { return }
        let renderer = TableRenderer(
            [
                .init(title: "change"), .init(title: "name"), .init(title: "files", isNumber: true),
                .init(title: "rows", isNumber: true), .init(title: "of"),
            ], in: context)
        let (lines, hidden) = renderer.render(
            shown.map { change in
                let table = rows[change.name]
                return [
                    .plain(change.action.rawValue), .text(change.name),
                    table.map { .plain(ProgressView.count($0.files)) } ?? .plain(""),
                    table.map { .plain(ProgressView.count($0.rows)) } ?? .plain(""), .text(change.source),
                ]
            })
        for line in lines { context.output.print(line) }
        for line in TableRenderer.note(hidden, in: context) { context.output.print(line) }
    }

    /// Tells what was found, what does not fit, and how it ended.
    func tell(_ title: String, in context: Context) {
        func say(_ text: String) { context.say("\(title): \(text)") }
        func warn(_ text: String) { context.messages.print("\(title): \(text)") }
        for note in result.notes { say(Display.safe(note)) }
        for problem in result.problems.prefix(20) { warn(problem) }
        if result.problems.count > 20 { warn("and \(result.problems.count - 20) more: see --json") }
        for file in result.unreadable.prefix(10) {
            warn("cannot be read: \(Display.safe(file.name)): \(Display.safe(file.reason))")
        }
        if result.unreadable.count > 10 { warn("and \(result.unreadable.count - 10) more that cannot be read") }
        for change in result.plan.blocked {
            warn("\(Display.safe(change.name)) is there already, was not made by Sluice, and is left alone")
        }
        for change in result.plan.failed.prefix(20) {
            warn("\(Display.safe(change.name)) was refused: \(Display.safe(change.failure ?? ""))")
        }
        if result.plan.failed.count > 20 {
            warn("and \(result.plan.failed.count - 20) more that were refused: see --json")
        }
        if let errors = result.errors { say("unreadable files are listed in \(Display.safe(errors))") }
        let footers = result.footersRead == 1 ? "1 footer" : "\(ProgressView.count(result.footersRead)) footers"
        say(
            "\(MapLines.count(result.files, "file")) of \(MapLines.count(result.tables.count, "table")), "
                + "\(Quantities.describe(bytes: result.bytes)); \(footers) read"
                + (result.bytesRead == 0 ? "" : ", \(Quantities.describe(bytes: result.bytesRead))"))
        if !result.lookups.isEmpty {
            let written = result.lookups.count { $0.state == "written" }
            let verb = result.isApplied ? "written" : "to write"
            say(
                MapLines.count(result.lookups.count, "lookup")
                    + (written == 0 ? ", nothing new in them" : ", \(ProgressView.count(written)) \(verb)"))
        }
        let counts = MapChange.Action.allCases.compactMap { action -> String? in
            let count = result.plan.count(action)
            if count == 0 { return nil }
            let word =
                switch action {
                case .create: result.isApplied ? "created" : "to create"
                case .alter: result.isApplied ? "altered" : "to alter"
                case .drop: result.isApplied ? "dropped" : "to drop"
                case .unchanged: "unchanged"
                case .blocked: "left alone"
                case .failed: "refused"
                }
            return "\(ProgressView.count(count)) \(word)"
        }
        let summary = counts.isEmpty ? "no tables" : counts.joined(separator: ", ")
        let script = result.script.map { $0 == "-" ? "" : "; the script is in \($0)" } ?? ""
        say("\(result.isApplied ? "" : "plan: ")\(summary)\(Display.safe(script))")
    }

    private static func count(_ count: Int, _ noun: String) -> String {
        count == 1 ? "1 \(noun)" : "\(ProgressView.count(count)) \(noun)s"
    }
}
