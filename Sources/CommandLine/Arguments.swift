/// The values of a command's parameters, from the command line, the environment or the defaults.
public struct Arguments: Sendable {
    /// Where a value came from.
    public enum Source: Sendable {
        /// The user typed it.
        case commandLine
        /// An environment variable held it.
        case environment
        /// Nobody gave it.
        case absent
    }

    private var values: [String: any Sendable] = [:]
    private var sources: [String: Source] = [:]

    /// No values yet.
    init() {}

    mutating func set(_ spec: ParameterSpec, _ value: any Sendable, from source: Source) {
        values[spec.name] = value
        sources[spec.name] = source
    }

    /// The value of a parameter, which the command's model has to list.
    public subscript<Value>(_ parameter: Parameter<Value>) -> Value {
        guard let value = values[parameter.spec.name] as? Value else {
            preconditionFailure("the command's model does not list \(parameter.spec.name)")
        }
        return value
    }

    /// Where the value of a parameter came from.
    public func source(of parameter: some ParameterDeclaration) -> Source { sources[parameter.spec.name] ?? .absent }

    /// Whether the user gave the parameter, in one way or the other.
    public func isGiven(_ parameter: some ParameterDeclaration) -> Bool { source(of: parameter) != .absent }
}
