import CommandLine
import Support

/// `sluice help`: the pages of help by name, and all commands for machines.
struct Help: Command {
    let words = Parameter.arguments("COMMAND", .commandName, required: false, help: "The command to explain")

    var model: CommandModel {
        CommandModel(
            "help", "Explain a command", [.arguments(words)],
            examples: [
                .init("sluice help convert", "how convert is used"),
                .init("sluice help --json", "all commands and options, for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let root = Registry.all.model
        var model = root
        for word in arguments[words] {
            guard let next = model.command(word) else {
                let hint = nearestWord(to: word, among: model.commands.filter { !$0.isHidden }.map(\.name))
                throw SluiceError(
                    .usage, "unknown command \"\(word)\"", hint: hint.map { "Did you mean 'sluice help \($0)'?" })
            }
            model = next
        }
        if context.options.isJSON {
            context.answer(model.json)
        } else {
            context.output.write(HelpText.page(for: arguments[words], below: root) ?? "")
        }
        return .succeeded
    }
}
