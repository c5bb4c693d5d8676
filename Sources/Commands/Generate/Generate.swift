import CommandLine

/// `sluice generate`: what can be made up, one command each.
struct Generate: CommandFamily {
    let members: [any Command] = [GenerateSales()]

    var model: CommandModel {
        CommandModel(
            "generate", "Make up data to try things with",
            subcommands: [.init("What is made", members.map(\.model))])
    }
}
