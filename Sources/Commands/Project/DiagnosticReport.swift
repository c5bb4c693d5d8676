import Support

/// How problems in a user's file are shown: all at once, each with the line that it is in.
///
///     sluice.yaml:4:19: error: "connections.db.protocol" is "postgers", one of file, postgres, sqlite was expected
///       db: { protocol: postgers, host: x }
///                       ^
///     hint: did you mean "postgres"?
struct DiagnosticReport: Sendable {
    let problems: [Diagnostic]
    private let sources: [String: String]

    /// A report of `problems`, with the texts of the files that they are in.
    init(_ problems: [Diagnostic], sources: [String: String]) {
        self.problems = problems
        self.sources = sources
    }

    /// How many of them stop the work.
    var errorCount: Int { problems.count { $0.severity == .error } }

    /// Tells people.
    func tell(_ context: Context) {
        let lines = lines(color: context.terminal.colorsMessages, width: context.terminal.width ?? 0)
        if !lines.isEmpty { context.messages.write(lines.joined(separator: "\n") + "\n") }
    }

    /// For machines: an array with the same keys for every problem.
    var json: JSONText {
        .array(
            problems.map { problem in
                [
                    "severity": .string(problem.severity.rawValue), "message": .string(problem.message),
                    "file": .string(problem.mark.file), "line": .number(problem.mark.line),
                    "column": .number(problem.mark.column), "path": .string(problem.path),
                    "hint": problem.hint.map { .string($0) } ?? nil,
                ]
            })
    }

    /// The lines that people see.
    func lines(color: Bool, width: Int) -> [String] {
        var texts: [String: [Substring]] = [:]
        for (file, text) in sources {
            texts[file] = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        }
        // A line may be long, and hold all of the problems: it is looked at once.
        var masked: [Diagnostic.Mark: [Unicode.Scalar]] = [:]
        let shown = problems.prefix(Self.most).flatMap { problem -> [String] in
            var lines = [heading(problem, color)]
            let source = texts[problem.mark.file] ?? []
            let place = Diagnostic.Mark(file: problem.mark.file, line: problem.mark.line, column: 1)
            if masked[place] == nil, source.indices.contains(place.line - 1) {
                masked[place] = scalars(String(source[place.line - 1]))
            }
            lines += excerpt(masked[place] ?? [], problem.mark.column, color, width)
            if let hint = problem.hint { lines.append("hint: " + Display.safe(hint)) }
            return lines
        }
        let hidden = problems.count - Self.most
        return hidden > 0 ? shown + ["… and \(hidden) more, which --json lists"] : shown
    }

    /// Nobody reads more at once, and each may repeat a line that is long.
    private static let most = 50

    private func heading(_ problem: Diagnostic, _ color: Bool) -> String {
        let message = Display.safe(Redactor.shared.redact(problem.message))
        let word = problem.severity.rawValue
        let style = problem.severity == .error ? "1;31" : "1;33"
        return "\(Display.safe("\(problem.mark)")): "
            + (color ? "\u{1b}[\(style)m\(word):\u{1b}[0m " : "\(word): ") + message
    }

    /// A line without its secrets; nothing of one with a secret that is known by its value, since no caret would fit.
    private func scalars(_ line: String) -> [Unicode.Scalar] {
        let line = SourceMask.hidingSecrets(in: line)
        return Redactor.shared.redact(line) == line ? Array(line.unicodeScalars) : []
    }

    /// The line with a caret under the column; of a long line, what is around it.
    private func excerpt(_ scalars: [Unicode.Scalar], _ column: Int, _ color: Bool, _ width: Int) -> [String] {
        if scalars.isEmpty { return [] }
        let at = min(column - 1, scalars.count)
        let room = max(width > 0 ? width - 4 : 116, 20)
        // Part of what stands before the caret, the rest behind it.
        let start = scalars.count <= room ? 0 : max(0, min(at - room / 3, scalars.count - room))
        let before = text(scalars[start..<at]), after = text(scalars[at...].prefix(room))
        let shown = Display.cut((start > 0 ? "…" : "") + before + after, to: room)
        let indent = String(repeating: " ", count: Display.width(before) + (start > 0 ? 1 : 0))
        return ["  " + shown, "  " + indent + (color ? "\u{1b}[1;31m^\u{1b}[0m" : "^")]
    }

    private func text(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
        var text = ""
        text.unicodeScalars.append(contentsOf: scalars)
        return Display.safe(text)
    }
}
