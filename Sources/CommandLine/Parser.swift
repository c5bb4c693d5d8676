public import Support

/// Turns the words of a command line into a command and its arguments.
public struct Parser: Sendable {
    /// The command at the top; its options are understood everywhere.
    public let root: CommandModel

    /// What a command line asks for.
    public enum Request: Sendable {
        /// To run the command that these words call.
        case run([String], Arguments)
        /// To explain the command that these words call.
        case help([String])
        /// To say which version this is.
        case version
    }

    /// A command line that does not parse.
    public struct Failure: Error, Sendable {
        /// What is wrong, and what was probably meant; its code is `usage`.
        public let error: SluiceError
        /// The words of the command whose help says how it is done.
        public let command: [String]
    }

    /// A parser for the commands below `root`.
    public init(root: CommandModel) { self.root = root }

    /// What `words` (without the program's own name) ask for.
    public func parse(_ words: [String], environment: [String: String] = [:]) throws(Failure) -> Request {
        var run = ParserRun(root: root)
        do {
            if let request = try run.read(words) { return request }
            return .run(run.path, try run.finish(environment: environment))
        } catch {
            // Somebody who asks for help gets it, whatever else is wrong with the line.
            let help = root.options.first { $0.name == "help" }
            if let help, words.prefix(while: { $0 != "--" }).contains(where: help.isWritten) { return .help(run.path) }
            throw Failure(error: error, command: run.path)
        }
    }
}

/// The state of reading one command line.
struct ParserRun {
    let root: CommandModel
    private(set) var command: CommandModel
    /// The words that called `command`.
    private(set) var path: [String] = []
    private var given: [String: [String]] = [:]
    private var words: [String] = []

    init(root: CommandModel) {
        self.root = root
        command = root
    }

    var scope: [ParameterSpec] { path.isEmpty ? root.options : command.options + root.options }

    /// Sorts the words into commands, options and positional arguments.
    mutating func read(_ line: [String]) throws(SluiceError) -> Parser.Request? {
        var rest = line[...]
        var onlyArguments = false
        var wantsHelp = false
        while let word = rest.popFirst() {
            if !onlyArguments, word == "--" {
                onlyArguments = true
            } else if !onlyArguments, word.hasPrefix("--") {
                try readLong(word, &rest)
            } else if !onlyArguments, word.hasPrefix("-"), word != "-", !isNegativeNumber(word) {
                try readShort(word, &rest)
            } else if command.subcommands.isEmpty {
                words.append(word)
            } else {
                guard let next = command.command(word) else { throw unknownCommand(word) }
                command = next
                path.append(word)
            }
            if given["help"] != nil { wantsHelp = true }
        }
        if wantsHelp { return .help(path) }
        if given["version"] != nil { return .version }
        return command.subcommands.isEmpty ? nil : .help(path)
    }

    private func isNegativeNumber(_ word: String) -> Bool {
        guard let digit = word.dropFirst().first, digit.isNumber else { return false }
        return !scope.contains { $0.short == digit }
    }

    // MARK: Options

    private mutating func readLong(_ word: String, _ rest: inout ArraySlice<String>) throws(SluiceError) {
        let body = word.dropFirst(2)
        let equals = body.firstIndex(of: "=")
        let name = String(body[..<(equals ?? body.endIndex)])
        let value = equals.map { String(body[body.index(after: $0)...]) }
        if let spec = scope.first(where: { $0.name == name }) {
            try accept(spec, as: "--\(name)", attached: value, &rest)
        } else if name.hasPrefix("no-"), let spec = scope.first(where: { $0.isInvertible && "no-\($0.name)" == name }) {
            if value != nil { throw takesNoValue("--\(name)") }
            given[spec.name, default: []].append("false")
        } else {
            throw unknownOption("--\(name)", name)
        }
    }

    private mutating func readShort(_ word: String, _ rest: inout ArraySlice<String>) throws(SluiceError) {
        var letters = word.dropFirst()
        // `-json` is a long option with a dash forgotten, and not a bundle.
        let name = letters.prefix { $0 != "=" }
        if name.count > 1, scope.contains(where: { $0.name == name }) { throw unknownOption("-\(name)", String(name)) }
        while let letter = letters.popFirst() {
            guard let spec = scope.first(where: { $0.short == letter }) else {
                throw unknownOption("-\(letter)", String(word.dropFirst()))
            }
            if spec.form == .option, !letters.isEmpty {
                let value = letters.first == "=" ? letters.dropFirst() : letters
                return try accept(spec, as: "-\(letter)", attached: String(value), &rest)
            }
            if spec.form == .flag, letters.first == "=" { throw takesNoValue("-\(letter)") }
            try accept(spec, as: "-\(letter)", attached: nil, &rest)
        }
    }

    private mutating func accept(
        _ spec: ParameterSpec, as written: String, attached: String?, _ rest: inout ArraySlice<String>
    ) throws(SluiceError) {
        if spec.form == .flag {
            if attached != nil { throw takesNoValue(written) }
            given[spec.name, default: []].append("true")
            return
        }
        var value = attached
        if value == nil {
            // An option of this command in the place of a value is a forgotten value, not a value.
            if let next = rest.first, isOption(next) {
                throw SluiceError(
                    .usage, "option \(written) needs a value, but \(next) follows",
                    hint: "Write \(written) \(spec.placeholder).")
            }
            value = rest.popFirst()
        }
        guard let value else {
            throw SluiceError(
                .usage, "option \(written) needs a value", hint: "Write \(written) \(spec.placeholder).")
        }
        given[spec.name, default: []] += spec.pieces(of: value)
    }

    private func isOption(_ word: String) -> Bool {
        guard word.hasPrefix("-") else { return false }
        if word == "--" { return true }
        if word.hasPrefix("--") {
            let name = word.dropFirst(2).prefix { $0 != "=" }
            return scope.contains { $0.name == name || ($0.isInvertible && "no-\($0.name)" == name) }
        }
        return word.count == 2 && scope.contains { $0.short == word.last }
    }

    // MARK: Values

    /// Turns what was given into values.
    func finish(environment: [String: String]) throws(SluiceError) -> Arguments {
        var arguments = Arguments()
        var given = given
        try assignWords(to: &given)
        for spec in command.parameters + (path.isEmpty ? [] : root.parameters) {
            if let texts = given[spec.name] {
                let value = try make(spec, texts, named: spec.form == .argument ? spec.name : "--\(spec.name)")
                arguments.set(spec, value, from: .commandLine)
            } else if let variable = spec.environment, let text = environment[variable], !text.isEmpty {
                let value = try make(spec, spec.pieces(of: text), named: variable)
                arguments.set(spec, value, from: .environment)
            } else if spec.isRequired {
                throw missing(spec)
            } else {
                arguments.set(spec, try make(spec, [], named: "--\(spec.name)"), from: .absent)
            }
        }
        return arguments
    }

    private func make(_ spec: ParameterSpec, _ texts: [String], named name: String) throws(SluiceError) -> any Sendable
    {
        do {
            return try spec.make(texts)
        } catch {
            let offending = texts.last { text in (try? spec.make([text])) == nil } ?? texts.last ?? ""
            throw SluiceError(.usage, "\(name): \"\(offending)\" \(error.message)", hint: error.hint)
        }
    }

    /// Hands the positional words out: what is required first, then from left to right.
    private func assignWords(to given: inout [String: [String]]) throws(SluiceError) {
        let specs = command.arguments
        var spare = words.count - specs.count { $0.isRequired }
        var rest = words[...]
        for spec in specs {
            var take = spec.isRequired ? 1 : 0
            if spare > 0 {
                let more = spec.isRepeated ? spare : (spec.isRequired ? 0 : 1)
                take += more
                spare -= more
            }
            let taken = rest.prefix(take)
            rest = rest.dropFirst(take)
            if taken.count < take { throw missing(spec) }
            if !taken.isEmpty { given[spec.name] = Array(taken) }
        }
        guard let extra = rest.first else { return }
        let hint: String
        if specs.isEmpty {
            hint = "\(commandLine) takes no arguments."
        } else {
            hint = "\(commandLine) takes \(specs.map(\.usage).joined(separator: " "))."
        }
        throw SluiceError(.usage, "unexpected argument \"\(extra)\"", hint: hint)
    }

    private var commandLine: String { ([root.name] + path).joined(separator: " ") }
}

extension ParameterSpec {
    /// Whether `word` is this flag, long or short.
    fileprivate func isWritten(_ word: String) -> Bool {
        word == "--\(name)" || short.map { word == "-\($0)" } ?? false
    }
}
