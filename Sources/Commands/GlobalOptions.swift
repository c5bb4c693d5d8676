import CommandLine

/// What was asked for with the options that every command has.
public struct GlobalOptions: Sendable {
    /// Whether answers are JSON documents.
    public var isJSON = false
    /// Whether messages that are not errors are left out.
    public var isQuiet = false
    /// Whether details are told.
    public var isVerbose = false

    /// The defaults.
    public init() {}

    static let json = Parameter.flag("json", help: "Answer with one JSON document on standard output")
    static let quiet = Parameter.flag("quiet", short: "q", help: "Only answers and errors, no progress")
    static let verbose = Parameter.flag("verbose", short: "v", help: "Tell what is done, and how long it took")
    static let color = Parameter.flag(
        "color", default: true, help: "Colours on a terminal; the variable NO_COLOR turns them off too")
    static let directory = Parameter.optional(
        "directory", .folder, short: "C", help: "Work as if started in this folder")
    static let help = Parameter.flag("help", short: "h", help: "Explain a command")
    static let version = Parameter.flag("version", short: "V", help: "Which version this is")

    static let group = ParameterGroup(
        "Global options", [json, quiet, verbose, color, directory, help, version])

    init(_ arguments: Arguments) {
        isJSON = arguments[GlobalOptions.json]
        isQuiet = arguments[GlobalOptions.quiet]
        isVerbose = arguments[GlobalOptions.verbose]
    }
}

extension GlobalOptions {
    /// What can be told from a command line that may not parse: in which form to say so.
    init(unparsed words: [String]) {
        for word in words.prefix(while: { $0 != "--" }) {
            if word == "--json" { isJSON = true }
        }
    }
}
