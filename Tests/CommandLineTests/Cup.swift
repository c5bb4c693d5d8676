@testable import CommandLine

enum Sugar: String, CaseIterable, Sendable { case none, cubes, loose }

/// A program with a parameter of every kind.
struct Cup {
    let quiet = Parameter.flag("quiet", short: "q", help: "Say nothing")
    let help = Parameter.flag("help", help: "Explain a command")
    let version = Parameter.flag("version", short: "V", help: "Which version this is")

    let drinks = Parameter.arguments("DRINK", .text, help: "What to pour")
    let size = Parameter.option(
        "size", .integer(in: 1...20), short: "s", default: "1", environment: "CUP_SIZE", help: "How much to pour")
    let warmth = Parameter.optional("warmth", .integer, help: "Degrees, where that matters")
    let sugar = Parameter.option("sugar", .choice(Sugar.self), default: "none", help: "What to sweeten it with")
    let with = Parameter.repeated("with", .text, separator: ",", help: "What else goes in")
    let hot = Parameter.flag("hot", short: "h", environment: "CUP_HOT", help: "Serve it hot")
    let lid = Parameter.flag(
        "lid", default: true,
        help: "Put a lid on the cup, so that nothing is spilt however long the way to the table is")
    let secret = Parameter.flag("secret", hidden: true, help: "Nobody should know")

    let inputs = Parameter.arguments("IN", .path, help: "What to mix")
    let output = Parameter.argument("OUT", .path, help: "Where it goes")
    let spoon = Parameter.required("spoon", .text, environment: "CUP_SPOON", help: "What to mix with")
    let times = Parameter.optionalArgument("TIMES", .integer(1...), help: "How often")
    let shelf = Parameter.optional("shelf", .folder, help: "Which shelf")

    var root: CommandModel {
        CommandModel(
            "cup", "Pour drinks", [ParameterGroup("Global options", [quiet, help, version])],
            subcommands: [
                .init(
                    "Drinks",
                    [
                        CommandModel(
                            "pour", "Pour one or more drinks",
                            [
                                .arguments(drinks), .options(size, warmth, hot, lid, secret),
                                ParameterGroup("What goes in", [sugar, with]),
                            ],
                            discussion:
                                "A drink is poured into the cup that is nearest.\n\nWhere no cup is near, it is poured anyway.",
                            examples: [
                                .init("cup pour tea", "a cup of tea"),
                                .init("cup pour --hot --sugar cubes tea", "a hot, sweet one"),
                            ]),
                        CommandModel(
                            "mix", "Mix drinks", [.arguments(inputs, output), .options(spoon)],
                            examples: [
                                .init(
                                    "cup mix --spoon silver milk.cup honey.cup chocolate.cup out.cup",
                                    "everything at once")
                            ]),
                    ]),
                .init(
                    "Housekeeping",
                    [
                        CommandModel("rinse", "Rinse the cup", [.arguments(times)]),
                        CommandModel(
                            "shelf", "Look after the shelf",
                            subcommands: [.init("Commands", [CommandModel("tidy", "Tidy it", [.options(shelf)])])]),
                        CommandModel("break", "Break it", isHidden: true),
                    ]),
            ], notes: [.init("Exit codes", [("0", "poured"), ("1", "spilt")])])
    }

    /// The arguments of a command line that asks to run something; `mix` gets its spoon.
    func run(_ line: [String], _ environment: [String: String] = [:]) throws -> Arguments {
        let environment = environment.merging(["CUP_SPOON": "silver"]) { given, _ in given }
        guard case .run(_, let arguments) = try Parser(root: root).parse(line, environment: environment) else {
            throw NothingToRun()
        }
        return arguments
    }

    struct NothingToRun: Error {}
}
