/// A parameter of a command: declared as a property, listed in the command's model, and read from `Arguments`.
///
///     let size = Parameter.option("row-group-size", .byteSize, default: "64MB", help: "…")   // Parameter<Int>
///     let codec = Parameter.optional("codec", .choice(Codec.self), help: "…")                // Parameter<Codec?>
///     let rename = Parameter.repeated("rename", .text.named("OLD=NEW"), help: "…")           // Parameter<[String]>
///     let header = Parameter.flag("header", default: true, help: "…")                        // Parameter<Bool>
///     let file = Parameter.argument("FILE", .path, help: "…")                                // Parameter<String>
public struct Parameter<Value: Sendable>: ParameterDeclaration {
    /// What the parser, help and completion know of it.
    public let spec: ParameterSpec
}

/// A parameter of any type.
public protocol ParameterDeclaration: Sendable {
    /// What the parser, help and completion know of it.
    var spec: ParameterSpec { get }
}

/// A parameter without its type.
public struct ParameterSpec: ParameterDeclaration {
    /// How a parameter is written.
    public enum Form: Sendable {
        /// `--name`.
        case flag
        /// `--name VALUE`.
        case option
        /// A word by itself.
        case argument
    }

    /// The name without dashes; of an argument, its placeholder.
    public let name: String
    /// The letter behind a single dash.
    public let short: Character?
    /// How it is written.
    public let form: Form
    /// Whether a command line without it is wrong.
    public let isRequired: Bool
    /// Whether it may be given several times.
    public let isRepeated: Bool
    /// What separates values given at once.
    public let separator: Character?
    /// Whether `--no-name` is understood.
    public let isInvertible: Bool
    /// What help writes for the value.
    public let placeholder: String
    /// The words that are allowed, when only some are.
    public let choices: [ValueChoice]
    /// What completion offers for the value.
    public let completion: ValueCompletion
    /// The value when nothing is given, as text.
    public let defaultText: String?
    /// The environment variable that is read when nothing is given.
    public let environment: String?
    /// Whether help and completion leave it out.
    public let isHidden: Bool
    /// What it does, in a phrase.
    public let help: String
    /// Turns all that was given (or the default) into the value of the parameter's type.
    let make: @Sendable ([String]) throws(ValueProblem) -> any Sendable

    /// This.
    public var spec: ParameterSpec { self }
}

extension Parameter {
    private init<Element>(
        _ name: String, short: Character?, form: ParameterSpec.Form, kind: ValueKind<Element>, isRequired: Bool = false,
        isRepeated: Bool = false, separator: Character? = nil, isInvertible: Bool = false, defaultText: String? = nil,
        environment: String?, isHidden: Bool, help: String,
        make: @escaping @Sendable ([String]) throws(ValueProblem) -> any Sendable
    ) {
        spec = ParameterSpec(
            name: name, short: short, form: form, isRequired: isRequired, isRepeated: isRepeated, separator: separator,
            isInvertible: isInvertible, placeholder: form == .argument ? name : kind.placeholder, choices: kind.choices,
            completion: kind.completion, defaultText: defaultText, environment: environment, isHidden: isHidden,
            help: help, make: make)
    }

    /// `--name VALUE`, with a value when it is not given: `default` is what the user would have to type.
    public static func option(
        _ name: String, _ kind: ValueKind<Value>, short: Character? = nil, default text: String,
        environment: String? = nil, hidden: Bool = false, help: String
    ) -> Parameter {
        Parameter(
            name, short: short, form: .option, kind: kind, defaultText: text, environment: environment,
            isHidden: hidden, help: help
        ) { given throws(ValueProblem) in try kind.parse(given.last ?? text) }
    }

    /// `--name VALUE`, without which the command line is wrong.
    public static func required(
        _ name: String, _ kind: ValueKind<Value>, short: Character? = nil, environment: String? = nil,
        hidden: Bool = false, help: String
    ) -> Parameter {
        Parameter(
            name, short: short, form: .option, kind: kind, isRequired: true, environment: environment,
            isHidden: hidden, help: help
        ) { given throws(ValueProblem) in try kind.parse(given.last ?? "") }
    }

    /// `--name VALUE`, or nil.
    public static func optional<Wrapped>(
        _ name: String, _ kind: ValueKind<Wrapped>, short: Character? = nil, environment: String? = nil,
        hidden: Bool = false, help: String
    ) -> Parameter where Value == Wrapped? {
        Parameter(
            name, short: short, form: .option, kind: kind, environment: environment, isHidden: hidden, help: help
        ) { given throws(ValueProblem) in
            guard let last = given.last else { return Wrapped?.none }
            return Wrapped?.some(try kind.parse(last))
        }
    }

    /// `--name VALUE`, any number of times. With a separator, one value may hold several: `--columns a,b`, in which
    /// `\,` is a comma of the value itself.
    public static func repeated<Element>(
        _ name: String, _ kind: ValueKind<Element>, short: Character? = nil, separator: Character? = nil,
        environment: String? = nil, hidden: Bool = false, help: String
    ) -> Parameter where Value == [Element] {
        Parameter(
            name, short: short, form: .option, kind: kind, isRepeated: true, separator: separator,
            environment: environment, isHidden: hidden, help: help
        ) { given throws(ValueProblem) in
            var values: [Element] = []
            for text in given { values.append(try kind.parse(text)) }
            return values
        }
    }

    /// A word by itself.
    public static func argument(_ name: String, _ kind: ValueKind<Value>, help: String) -> Parameter {
        Parameter(
            name, short: nil, form: .argument, kind: kind, isRequired: true, environment: nil, isHidden: false,
            help: help
        ) { given throws(ValueProblem) in try kind.parse(given.last ?? "") }
    }

    /// A word by itself, or nil.
    public static func optionalArgument<Wrapped>(
        _ name: String, _ kind: ValueKind<Wrapped>, help: String
    ) -> Parameter where Value == Wrapped? {
        Parameter(name, short: nil, form: .argument, kind: kind, environment: nil, isHidden: false, help: help) {
            given throws(ValueProblem) in
            guard let last = given.last else { return Wrapped?.none }
            return Wrapped?.some(try kind.parse(last))
        }
    }

    /// Words by themselves: at least one, unless `required` is false.
    public static func arguments<Element>(
        _ name: String, _ kind: ValueKind<Element>, required: Bool = true, help: String
    ) -> Parameter where Value == [Element] {
        Parameter(
            name, short: nil, form: .argument, kind: kind, isRequired: required, isRepeated: true, environment: nil,
            isHidden: false, help: help
        ) { given throws(ValueProblem) in
            var values: [Element] = []
            for text in given { values.append(try kind.parse(text)) }
            return values
        }
    }
}

extension Parameter where Value == Bool {
    /// `--name`; with `default: true` or `invertible: true` also `--no-name`.
    public static func flag(
        _ name: String, short: Character? = nil, default value: Bool = false, invertible: Bool = false,
        environment: String? = nil, hidden: Bool = false, help: String
    ) -> Parameter {
        Parameter(
            name, short: short, form: .flag, kind: ValueKind<Bool>.truth, isInvertible: invertible || value,
            defaultText: value ? "on" : nil, environment: environment, isHidden: hidden, help: help
        ) { given throws(ValueProblem) in
            guard let last = given.last else { return value }
            return try ValueKind<Bool>.truth.parse(last)
        }
    }
}

extension ValueKind where Value == Bool {
    /// What an environment variable says of a flag.
    static var truth: ValueKind {
        ValueKind("") { text throws(ValueProblem) in
            switch text.lowercased() {
            case "1", "true", "yes", "on": return true
            case "0", "false", "no", "off", "": return false
            default: throw ValueProblem("is neither true nor false", hint: "Write 1 or 0.")
            }
        }
    }
}

extension ParameterSpec {
    /// How usage lines write it: `FILE…`, `[OUT]`.
    public var usage: String {
        switch form {
        case .argument:
            let many = isRepeated ? "\(name)…" : name
            return isRequired ? many : "[\(many)]"
        case .option: return "--\(name) \(placeholder)"
        case .flag: return "--\(name)"
        }
    }

    /// The values that one text holds: itself, or what its separators divide.
    func pieces(of text: String) -> [String] {
        guard let separator else { return [text] }
        var pieces = [""]
        var isEscaped = false
        for character in text {
            if isEscaped {
                if character != separator { pieces[pieces.count - 1].append("\\") }
                pieces[pieces.count - 1].append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == separator {
                pieces.append("")
            } else {
                pieces[pieces.count - 1].append(character)
            }
        }
        if isEscaped { pieces[pieces.count - 1].append("\\") }
        return pieces
    }
}
