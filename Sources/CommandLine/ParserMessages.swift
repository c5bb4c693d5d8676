import Support

extension ParserRun {
    func takesNoValue(_ written: String) -> SluiceError {
        SluiceError(.usage, "option \(written) takes no value", hint: "Write \(written) by itself.")
    }

    func missing(_ spec: ParameterSpec) -> SluiceError {
        if spec.form == .argument {
            return SluiceError(.usage, "missing argument \(spec.usage)", hint: "\(spec.name): \(spec.explanation).")
        }
        let variable = spec.environment.map { " or set \($0)" } ?? ""
        return SluiceError(
            .usage, "option --\(spec.name) is required", hint: "Write --\(spec.name) \(spec.placeholder)\(variable).")
    }

    func unknownCommand(_ word: String) -> SluiceError {
        let names = command.commands.filter { !$0.isHidden }.map(\.name)
        let title = ([root.name] + path).joined(separator: " ")
        let hint =
            nearestWord(to: word, among: names).map { "Did you mean '\(title) \($0)'?" }
            ?? "The commands are \(names.joined(separator: ", "))."
        return SluiceError(.usage, "unknown command \"\(word)\"", hint: hint)
    }

    /// `written` is the option as typed, `body` the text from which its meaning is guessed: of `-json` all of it.
    func unknownOption(_ written: String, _ body: String) -> SluiceError {
        let visible = scope.filter { !$0.isHidden }
        let name = String(body.prefix { $0 != "=" })
        let isShort = !written.hasPrefix("--")
        var hint: String?
        if isShort, name.count > 1, visible.contains(where: { $0.name == name }) {
            hint = "Did you mean --\(name)?"
        } else if !isShort {
            let words = visible.flatMap { $0.isInvertible ? [$0.name, "no-\($0.name)"] : [$0.name] }
            hint = nearestWord(to: name, among: words).map { "Did you mean --\($0)?" }
        }
        if hint == nil, path.isEmpty {
            // The option of a command, written before it.
            let owner = root.commands.first { below in
                !below.isHidden && below.options.contains { isShort ? $0.short == written.last : $0.name == name }
            }
            hint = owner.map { "It belongs behind the command: '\(root.name) \($0.name) \(written)'." }
        }
        let title = ([root.name] + path).joined(separator: " ")
        return SluiceError(
            .usage, "unknown option \(written)",
            hint: hint ?? "An argument that begins with a dash goes behind --: '\(title) -- \(written)'.")
    }
}
