/// The page of help for a command: 80 columns, purpose first, global options last.
public struct HelpText: Sendable {
    /// How wide a page is.
    public static let width = 80

    private let root: CommandModel
    private let path: [String]
    private let command: CommandModel
    private var lines: [String] = []

    /// The page for the command that `path` calls below `root`; nil when there is none.
    public static func page(for path: [String], below root: CommandModel) -> String? {
        var command = root
        for word in path {
            guard let next = command.command(word) else { return nil }
            command = next
        }
        var page = HelpText(root: root, path: path, command: command)
        page.write()
        return page.lines.joined(separator: "\n") + "\n"
    }

    private init(root: CommandModel, path: [String], command: CommandModel) {
        self.root = root
        self.path = path
        self.command = command
    }

    private var title: String { ([root.name] + path).joined(separator: " ") }

    private mutating func write() {
        lines += wrap(command.purpose + ".", width: HelpText.width)
        lines.append("")
        lines += usage()
        if !command.examples.isEmpty {
            heading("Common patterns")
            writeExamples()
        }
        let commands = command.subcommands.map { group in
            (group.title, group.commands.filter { !$0.isHidden }.map { ($0.name, $0.purpose) })
        }
        write(commands)
        if !command.discussion.isEmpty {
            for paragraph in command.discussion.split(separator: "\n\n") {
                lines.append("")
                lines += wrap(String(paragraph), width: HelpText.width)
            }
        }
        let parameters = ((path.isEmpty ? [] : command.groups) + root.groups).map { group in
            (group.title, group.parameters.filter { !$0.isHidden }.map { ($0.heading, $0.explanation) })
        }
        write(parameters)
        write(command.notes.map { ($0.title, $0.rows.map { ($0.word, $0.meaning) }) })
        lines.append("")
        lines.append(closing)
    }

    private var closing: String {
        if !command.subcommands.isEmpty { return "Run '\(title) COMMAND --help' for how a command is used." }
        return "Run '\(root.name) --help' for all commands and exit codes."
    }

    private mutating func heading(_ title: String) {
        lines.append("")
        lines.append("\(title):")
    }

    private func usage() -> [String] {
        var words = [title]
        if !command.subcommands.isEmpty {
            words.append("COMMAND")
        } else if !command.options.isEmpty {
            words += command.options.filter { $0.isRequired && !$0.isHidden }.map(\.usage)
            words.append("[OPTION…]")
        }
        words += command.arguments.map(\.usage)
        return ["Usage: " + words.joined(separator: " ")]
    }

    /// Commands with a word about each beside them, or above them where the two do not fit one line.
    private mutating func writeExamples() {
        let column = (command.examples.map(\.line.count).max() ?? 0) + 4
        let fit = command.examples.allSatisfy { column + $0.does.count <= HelpText.width }
        for example in command.examples {
            if fit {
                lines.append("  " + pad(example.line, to: column - 2) + example.does)
            } else {
                lines.append("  # " + example.does)
                lines.append("  " + example.line)
            }
        }
    }

    /// Tables whose second columns begin at the same place.
    private mutating func write(_ groups: [(title: String, rows: [(String, String)])]) {
        let widest = groups.flatMap(\.rows).map(\.0.count).filter { $0 <= 28 }.max() ?? 0
        for group in groups where !group.rows.isEmpty {
            heading(group.title)
            table(group.rows, widest)
        }
    }

    private mutating func table(_ rows: [(String, String)], _ widest: Int) {
        let column = widest + 4
        for (left, right) in rows {
            var text = wrap(right, width: HelpText.width - column)
            if left.count <= widest {
                lines.append("  " + pad(left, to: widest + 2) + (text.isEmpty ? "" : text.removeFirst()))
            } else {
                lines.append("  " + left)
            }
            lines += text.map { String(repeating: " ", count: column) + $0 }
        }
    }

    private func pad(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func wrap(_ text: String, width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\n" }) {
            if !line.isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return line.isEmpty ? lines : lines + [line]
    }
}

extension ParameterSpec {
    /// `-n, --rows N`
    var heading: String {
        if form == .argument { return usage }
        let short = short.map { "-\($0), " } ?? "    "
        let long = isInvertible ? "--[no-]\(name)" : "--\(name)"
        return short + long + (form == .option ? " \(placeholder)" : "")
    }

    /// The help, then what is allowed, what holds when nothing is given, and which variable is read.
    var explanation: String {
        var text = help
        if !choices.isEmpty { text += ": " + choices.map(\.word).joined(separator: ", ") }
        var remarks: [String] = []
        if let defaultText { remarks.append("default: \(defaultText)") }
        if let environment { remarks.append("variable: \(environment)") }
        if isRepeated, form == .option { remarks.append("repeatable") }
        return remarks.isEmpty ? text : text + " [\(remarks.joined(separator: "; "))]"
    }
}
