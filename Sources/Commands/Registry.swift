public import CommandLine

/// All commands, in the groups in which help lists them. A new command is added here and nowhere else.
public struct Registry: Sendable {
    /// Commands under a heading.
    public struct Group: Sendable {
        let title: String
        let commands: [any Command]

        /// Commands under a heading.
        public init(_ title: String, _ commands: [any Command]) {
            self.title = title
            self.commands = commands
        }
    }

    private let groups: [Group]

    /// A registry of these commands.
    public init(_ groups: [Group]) { self.groups = groups }

    /// The commands of the program.
    public static var all: Registry {
        Registry([
            Group("Projects", [Init(), Validate(), SchemaCommand()]),
            Group(
                "Work",
                [
                    RunCommand(), StartCommand(), CancelCommand(), PlanCommand(), Check(), DoctorCommand(),
                    AutoscaleCommand(), Discover(),
                    IngestCommand(),
                    Query(),
                ]),
            Group("History", [RunsCommand(), Status(), Logs()]),
            Group("Data", [Inspect(), ConvertCommand(), ReportCommand(), MapCommand(), Generate(), Lake()]),
            Group("Deployment", [Deploy(), Undeploy(), Resize(), Image(), PackageCommand(), AutoscaleCommand()]),
            Group("Development", [Emulate()]),
            Group("The program itself", [Completion(), Help()]),
        ])
    }

    /// The model of the whole program.
    public var model: CommandModel {
        CommandModel(
            "sluice", "Define, run, deploy and watch data jobs", [GlobalOptions.group],
            examples: [],
            subcommands: groups.map { group in .init(group.title, group.commands.map(\.model)) },
            notes: [.init("Exit codes", ExitCode.explained)])
    }

    /// The command that `path` calls.
    func command(_ path: [String]) -> (any Command)? {
        var commands = groups.flatMap(\.commands)
        var found: (any Command)?
        for word in path {
            guard let next = commands.first(where: { $0.model.name == word }) else { return nil }
            found = next
            commands = (next as? any CommandFamily)?.members ?? []
        }
        return found
    }
}
