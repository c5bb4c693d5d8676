import CommandLine
import Support

/// `sluice completion`: the script by which a shell completes command lines.
struct Completion: Command {
    let shell = Parameter.argument("SHELL", .choice(Shell.self), help: "Which shell")

    var model: CommandModel {
        CommandModel(
            "completion", "Print a script that completes command lines in a shell", [.arguments(shell)],
            discussion: "The script's first lines say how to install it for good.",
            examples: [
                .init("source <(sluice completion bash)", "for this bash or zsh"),
                .init("sluice completion fish | source", "for this fish"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let script = arguments[shell].completionScript(for: "sluice")
        if context.options.isJSON {
            context.answer(["shell": .string(arguments[shell].rawValue), "script": .string(script)])
        } else {
            context.output.write(script)
        }
        return .succeeded
    }
}
