// CommandLine: what the user types, declared once.
//
// A command is declared as a `CommandModel` whose parameters are typed values (`Parameter<Int?>`); `Parser` turns the
// words of a command line into `Arguments`, which are read with the same parameters. Help (`HelpText`), completion
// (`Completer`, `CompletionScript`) and a description for machines (`CommandModel.json`) come from the same
// declarations. It knows nothing of what the commands do.

/// A command as the user sees it: its words, its parameters, its commands below it.
///
///     struct Inspect {
///         let files = Parameter.arguments("FILE", .path, help: "The files to look into")
///         let rows = Parameter.optional("rows", .integer(0...), short: "n", help: "Show the first N rows")
///         var model: CommandModel {
///             CommandModel("inspect", "Say what is in a file", [.arguments(files), .options(rows)])
///         }
///     }
public struct CommandModel: Sendable {
    /// The word that calls it; empty for the pages of help that are not called.
    public var name: String
    /// What it does, in one line that begins with a verb.
    public var purpose: String
    /// What else there is to say, in paragraphs.
    public var discussion: String
    /// Its parameters in groups, in the order in which help lists them.
    public var groups: [ParameterGroup]
    /// Real command lines with a word about each.
    public var examples: [Example]
    /// The commands below it, in groups. A command that has any does nothing by itself.
    public var subcommands: [CommandGroup]
    /// Lists that help ends with: exit codes, variables.
    public var notes: [Note]
    /// Whether help and completion leave it out.
    public var isHidden: Bool

    /// A command line to copy, and what it does.
    public struct Example: Sendable {
        /// The command line.
        public let line: String
        /// What it does, in a few words.
        public let does: String

        /// A command line and what it does.
        public init(_ line: String, _ does: String) {
            self.line = line
            self.does = does
        }
    }

    /// Commands under a heading.
    public struct CommandGroup: Sendable {
        /// The heading.
        public let title: String
        /// The commands.
        public let commands: [CommandModel]

        /// Commands under a heading.
        public init(_ title: String, _ commands: [CommandModel]) {
            self.title = title
            self.commands = commands
        }
    }

    /// A titled list at the end of help.
    public struct Note: Sendable {
        /// The heading.
        public let title: String
        /// What each word means.
        public let rows: [(word: String, meaning: String)]

        /// A titled list.
        public init(_ title: String, _ rows: [(word: String, meaning: String)]) {
            self.title = title
            self.rows = rows
        }
    }

    /// A command called `name`, which does `purpose`.
    public init(
        _ name: String, _ purpose: String, _ groups: [ParameterGroup] = [], discussion: String = "",
        examples: [Example] = [], subcommands: [CommandGroup] = [], notes: [Note] = [], isHidden: Bool = false
    ) {
        self.name = name
        self.purpose = purpose
        self.groups = groups
        self.discussion = discussion
        self.examples = examples
        self.subcommands = subcommands
        self.notes = notes
        self.isHidden = isHidden
    }

    /// All of its parameters.
    public var parameters: [ParameterSpec] { groups.flatMap(\.parameters) }
    /// Its positional arguments, in order.
    public var arguments: [ParameterSpec] { parameters.filter { $0.form == .argument } }
    /// Its options and flags.
    public var options: [ParameterSpec] { parameters.filter { $0.form != .argument } }
    /// The commands below it, hidden ones too.
    public var commands: [CommandModel] { subcommands.flatMap(\.commands) }

    /// The command below it that `name` calls.
    public func command(_ name: String) -> CommandModel? { commands.first { $0.name == name } }
}

/// Parameters under a heading; a group that several commands share is a struct with the parameters as properties.
public struct ParameterGroup: Sendable {
    /// The heading in help.
    public let title: String
    /// The parameters.
    public let parameters: [ParameterSpec]

    /// Parameters under a heading of their own.
    public init(_ title: String, _ parameters: [any ParameterDeclaration]) {
        self.title = title
        self.parameters = parameters.map(\.spec)
    }

    /// Positional arguments.
    public static func arguments(_ parameters: any ParameterDeclaration...) -> ParameterGroup {
        ParameterGroup("Arguments", parameters)
    }

    /// The options that belong to one command.
    public static func options(_ parameters: any ParameterDeclaration...) -> ParameterGroup {
        ParameterGroup("Options", parameters)
    }
}
