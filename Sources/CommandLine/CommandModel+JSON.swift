public import Support

extension CommandModel {
    /// The command, its parameters and the commands below it, for machines that write documentation or forms.
    public var json: JSONText {
        .members([
            "name": .string(name),
            "purpose": .string(purpose),
            "discussion": discussion.isEmpty ? nil : .string(discussion),
            "parameters": .array(
                groups.flatMap { group in group.parameters.filter { !$0.isHidden }.map { $0.json(in: group.title) } }),
            "examples": .array(examples.map { ["line": .string($0.line), "does": .string($0.does)] }),
            "commands": subcommands.isEmpty ? nil : .array(commands.filter { !$0.isHidden }.map(\.json)),
        ])
    }
}

extension ParameterSpec {
    func json(in group: String) -> JSONText {
        let form: JSONText =
            switch self.form {
            case .flag: "flag"
            case .option: "option"
            case .argument: "argument"
            }
        return .members([
            "name": .string(name),
            "form": form,
            "group": .string(group),
            "short": short.map { .string(String($0)) },
            "value": self.form == .flag ? nil : .string(placeholder),
            "choices": choices.isEmpty ? nil : .array(choices.map { .string($0.word) }),
            "default": defaultText.map { .string($0) },
            "environment": environment.map { .string($0) },
            "required": .bool(isRequired),
            "repeated": .bool(isRepeated),
            "invertible": isInvertible ? true : nil,
            "help": .string(help),
        ])
    }
}
