import CommandLine

/// How a project is seen: the options of every command that needs one.
struct ProjectParameters: Sendable {
    let environment = Parameter.optional(
        "environment", .environment, short: "e", environment: "SLUICE_ENVIRONMENT",
        help: "See the project as this one of its environments does")
    let variables = Parameter.repeated(
        "var", .assignment, help: "A value for ${var.NAME}; wins over what the project says")

    let variablesFile = Parameter.optional(
        "vars", .path, environment: "SLUICE_VARS", help: "A file of such values, as YAML or JSON: NAME: VALUE")

    var group: ParameterGroup { ParameterGroup("The project", [environment, variables, variablesFile]) }

    /// The variables by name; the last of two with one name counts.
    func values(_ arguments: Arguments) -> [String: String] {
        Dictionary(arguments[variables].map { ($0.name, $0.value) }) { $1 }
    }

    /// The words of a command line that sees the project in the same way.
    func words(_ arguments: Arguments, in context: Context) -> [String] {
        (arguments[environment].map { ["-e", $0] } ?? [])
            + (arguments[variablesFile].map { ["--vars", context.resolve($0)] } ?? [])
            + arguments[variables].flatMap { ["--var", "\($0.name)=\($0.value)"] }
    }
}

/// A name and its value: `region=eu`.
struct Assignment: Sendable {
    let name: String
    let value: String
}

extension ValueKind where Value == Assignment {
    /// A name and its value.
    static var assignment: ValueKind {
        ValueKind("NAME=VALUE") { text throws(ValueProblem) in
            guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
                throw ValueProblem("has no name before a =", hint: "Write NAME=VALUE.")
            }
            return Assignment(name: String(text[..<equals]), value: String(text[text.index(after: equals)...]))
        }
    }
}
