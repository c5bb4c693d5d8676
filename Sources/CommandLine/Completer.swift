/// What could stand where the user is typing.
public struct Completer: Sendable {
    /// What to offer.
    public struct Offer: Sendable {
        /// Whole words, each with what it means.
        public var words: [ValueChoice] = []
        /// Whether the shell offers files or folders besides.
        public var paths: ValueCompletion = .nothing
        /// What of the program's own is offered besides: `jobs`.
        public var known: String?
        /// What those words have to stand behind: `--job=`.
        public var knownPrefix = ""
    }

    private let root: CommandModel

    /// A completer for the commands below `root`.
    public init(root: CommandModel) { self.root = root }

    /// What could stand in the place of the last of `words`, which may be empty or begun; the program's name is not
    /// among them.
    public func offer(for words: [String]) -> Offer {
        var state = State(root: root)
        for word in words.dropLast() { state.read(word) }
        var offer = state.offer(for: words.last ?? "")
        offer.words.removeAll { !$0.word.hasPrefix(words.last ?? "") }
        return offer
    }

    /// The offer as the completion scripts read it: a word and its meaning a line, then `:files`, `:folders` or `:`.
    ///
    /// - parameter known: Finds out words of the program's own.
    public func lines(
        for words: [String], known: (_ kind: String) async -> [ValueChoice] = { _ in [] }
    ) async -> String {
        var offer = offer(for: words)
        if let kind = offer.known {
            let found = await known(kind).map { ValueChoice(offer.knownPrefix + $0.word, $0.help) }
            offer.words += found.filter { $0.word.hasPrefix(words.last ?? "") }
        }
        var text = ""
        for choice in offer.words {
            text += choice.help.isEmpty ? "\(choice.word)\n" : "\(choice.word)\t\(choice.help)\n"
        }
        switch offer.paths {
        case .files: text += ":files\n"
        case .folders: text += ":folders\n"
        case .nothing, .choices, .commands, .known: text += ":\n"
        }
        return text
    }

    private struct State {
        let root: CommandModel
        var command: CommandModel
        var isBelowRoot = false
        var onlyArguments = false
        var pending: ParameterSpec?
        var given: Set<String> = []
        var wordCount = 0

        init(root: CommandModel) {
            self.root = root
            command = root
        }

        var scope: [ParameterSpec] { isBelowRoot ? command.options + root.options : root.options }

        mutating func read(_ word: String) {
            if pending != nil {
                pending = nil
            } else if onlyArguments || word == "-" || !word.hasPrefix("-") {
                guard let next = command.command(word), !onlyArguments else {
                    wordCount += 1
                    return
                }
                command = next
                isBelowRoot = true
            } else if word == "--" {
                onlyArguments = true
            } else if word.hasPrefix("--") {
                let name = word.dropFirst(2).prefix { $0 != "=" }
                let spec = scope.first { $0.name == name || "no-\($0.name)" == name }
                if let spec { given.insert(spec.name) }
                if let spec, spec.form == .option, !word.contains("=") { pending = spec }
            } else {
                for (index, letter) in word.enumerated().dropFirst() {
                    guard let spec = scope.first(where: { $0.short == letter }) else { return }
                    given.insert(spec.name)
                    guard spec.form == .option else { continue }
                    if index == word.count - 1 { pending = spec }
                    return
                }
            }
        }

        func offer(for word: String) -> Offer {
            if let pending { return values(of: pending, before: word) }
            if !onlyArguments, word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
                let name = word[..<equals].dropFirst(2)
                guard let spec = scope.first(where: { $0.name == name }) else { return Offer() }
                return values(of: spec, before: String(word[word.index(after: equals)...]), under: "--\(name)=")
            }
            if !onlyArguments, word.hasPrefix("-") { return Offer(words: optionWords) }
            if !command.subcommands.isEmpty {
                return Offer(words: onlyArguments ? [] : commandWords(of: command))
            }
            let specs = command.arguments
            guard let spec = wordCount < specs.count ? specs[wordCount] : specs.first(where: { $0.isRepeated }) else {
                return Offer()
            }
            return values(of: spec, before: word)
        }

        private func values(of spec: ParameterSpec, before word: String, under prefix: String = "") -> Offer {
            if spec.completion == .commands { return Offer(words: commandWords(of: root)) }
            // Of a list, what was typed up to its last separator stays.
            var kept = prefix
            if let separator = spec.separator, let last = word.lastIndex(of: separator) { kept += word[...last] }
            if case .known(let kind) = spec.completion { return Offer(known: kind, knownPrefix: kept) }
            if spec.completion != .choices { return Offer(paths: spec.completion) }
            return Offer(words: spec.choices.map { ValueChoice(kept + $0.word, $0.help) })
        }

        private func commandWords(of command: CommandModel) -> [ValueChoice] {
            command.commands.filter { !$0.isHidden }.map { ValueChoice($0.name, $0.purpose) }
        }

        private var optionWords: [ValueChoice] {
            scope.filter { !$0.isHidden && ($0.isRepeated || !given.contains($0.name)) }.flatMap { spec in
                var words = [ValueChoice("--\(spec.name)", spec.help)]
                if spec.isInvertible { words.append(ValueChoice("--no-\(spec.name)", "Not: \(spec.help)")) }
                return words
            }
        }
    }
}
