// Commands: everything that `sluice` can be asked to do, one file a command.
//
// `Command` is what a command is, `Registry` lists them, and `Program` is the road from the words of a command line to
// an exit code. Commands hold no logic that a library user would miss: they parse, call, and render.

public import CommandLine

/// Something that `sluice` can be asked to do.
///
/// Its parameters are properties, so that the model that declares them and the code that reads them cannot differ:
///
///     struct Greet: Command {
///         let name = Parameter.argument("NAME", .text, help: "Whom to greet")
///         var model: CommandModel { CommandModel("greet", "Greet somebody", [.arguments(name)]) }
///         func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
///             context.output.print("Hello, \(arguments[name])!")
///             return .succeeded
///         }
///     }
public protocol Command: Sendable {
    /// Its words, parameters and help.
    var model: CommandModel { get }
    /// Does it. Throws `SluiceError`; answers go to `context.output`, everything else to `context.messages`.
    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode
}

/// A command that does nothing by itself, and has others below it.
protocol CommandFamily: Command {
    /// Those others.
    var members: [any Command] { get }
}

extension CommandFamily {
    /// Never called: a command line that ends here asks for help.
    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode { .succeeded }
}
