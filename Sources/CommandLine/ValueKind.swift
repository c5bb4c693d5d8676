import Support

/// How the text of a value becomes a value, and what help and completion say about it.
public struct ValueKind<Value: Sendable>: Sendable {
    /// What help writes for the value: `N`, `FILE`.
    public var placeholder: String
    /// The words that are allowed, when only some are.
    public var choices: [ValueChoice]
    /// What completion offers.
    public var completion: ValueCompletion
    /// Turns text into a value, or says what was expected.
    public let parse: @Sendable (String) throws(ValueProblem) -> Value

    /// A kind of value.
    public init(
        _ placeholder: String, choices: [ValueChoice] = [], completion: ValueCompletion = .nothing,
        parse: @escaping @Sendable (String) throws(ValueProblem) -> Value
    ) {
        self.placeholder = placeholder
        self.choices = choices
        self.completion = choices.isEmpty ? completion : .choices
        self.parse = parse
    }

    /// The same kind under another placeholder.
    public func named(_ placeholder: String) -> ValueKind {
        var kind = self
        kind.placeholder = placeholder
        return kind
    }
}

/// A word that a parameter allows.
public struct ValueChoice: Sendable {
    /// The word.
    public let word: String
    /// What it means, for completion; may be empty.
    public let help: String

    /// A word and what it means.
    public init(_ word: String, _ help: String = "") {
        self.word = word
        self.help = help
    }
}

/// What completion offers for a value.
public enum ValueCompletion: Sendable, Equatable {
    /// Nothing.
    case nothing
    /// The allowed words.
    case choices
    /// Files, and folders on the way to them.
    case files
    /// Folders.
    case folders
    /// The commands of the program.
    case commands
    /// Words that the program finds out while the user types: its `jobs`, its `runs`.
    case known(String)
}

/// Why a text is not a value: `is not a whole number`, and how it could be mended.
public struct ValueProblem: Error, Sendable {
    /// What is wrong, to follow the quoted text.
    public let message: String
    /// How to mend it.
    public let hint: String?

    /// What is wrong with a text, and how to mend it.
    public init(_ message: String, hint: String? = nil) {
        self.message = message
        self.hint = hint
    }
}

extension ValueKind where Value == String {
    /// Any text.
    public static var text: ValueKind { ValueKind("TEXT") { text throws(ValueProblem) in text } }

    /// The name of a command.
    public static var commandName: ValueKind {
        ValueKind("COMMAND", completion: .commands) { text throws(ValueProblem) in text }
    }

    /// The path of a file.
    public static var path: ValueKind {
        ValueKind("FILE", completion: .files) { text throws(ValueProblem) in
            if text.isEmpty { throw ValueProblem("is empty, a path was expected") }
            return text
        }
    }

    /// The path of a folder.
    public static var folder: ValueKind {
        ValueKind("FOLDER", completion: .folders) { text throws(ValueProblem) in
            if text.isEmpty { throw ValueProblem("is empty, a folder was expected") }
            return text
        }
    }
}

extension ValueKind where Value == Int {
    /// A whole number.
    public static var integer: ValueKind { integer(in: Int.min...Int.max) }

    /// A whole number from `range.lowerBound` on.
    public static func integer(_ range: PartialRangeFrom<Int>) -> ValueKind { integer(in: range.lowerBound...Int.max) }

    /// A whole number in `range`.
    public static func integer(in range: ClosedRange<Int>) -> ValueKind {
        ValueKind("N") { text throws(ValueProblem) in
            guard let value = Int(text.filter { $0 != "_" }) else { throw ValueProblem("is not a whole number") }
            if range.contains(value) { return value }
            if range.upperBound == Int.max { throw ValueProblem("is below \(range.lowerBound)") }
            throw ValueProblem("is not between \(range.lowerBound) and \(range.upperBound)")
        }
    }

    /// A number of bytes: `4096`, `64MB` (10⁶), `64MiB` (2²⁰), `64M` (2²⁰).
    public static var byteSize: ValueKind {
        ValueKind("SIZE") { text throws(ValueProblem) in
            guard let size = Quantities.bytes(text) else {
                throw ValueProblem("is not a number of bytes", hint: "Write a size like 64MB, 1.5GiB or 4096.")
            }
            return size
        }
    }
}

extension ValueKind where Value == Duration {
    /// A length of time: `250ms`, `30s`, `1h30m`, `7d`; a bare number is seconds.
    public static var duration: ValueKind {
        ValueKind("TIME") { text throws(ValueProblem) in
            guard let duration = Quantities.duration(text) else {
                throw ValueProblem("is not a length of time", hint: "Write a time like 30s, 250ms, 1h30m or 7d.")
            }
            return duration
        }
    }
}

extension ValueKind {
    /// One of some words, each of which stands for a value.
    public static func choice(_ words: [(ValueChoice, Value)], _ placeholder: String = "WORD") -> ValueKind {
        ValueKind(placeholder, choices: words.map(\.0)) { text throws(ValueProblem) in
            if let found = words.first(where: { $0.0.word == text }) { return found.1 }
            let known = words.map(\.0.word)
            let hint = nearestWord(to: text, among: known).map { "Did you mean \($0)?" }
            throw ValueProblem("is not one of \(known.joined(separator: ", "))", hint: hint)
        }
    }
}

extension ValueKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the cases, by its raw value.
    public static func choice(_: Value.Type = Value.self, _ placeholder: String = "WORD") -> ValueKind {
        choice(Value.allCases.map { (ValueChoice($0.rawValue), $0) }, placeholder)
    }
}
