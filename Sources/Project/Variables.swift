import Settings
import Support

/// What `variables:` declares, and the value that each has: the default, over it a file of values, over it the environment,
/// over it the command line. The same words mean the same wherever a job runs, since a platform hands them on as
/// environment variables.
struct Variables {
    /// The variables in the order of the file.
    private(set) var declared: [Declaration] = []
    /// The default of each that has one.
    private(set) var standards: [String: Node] = [:]
    /// What was given, whatever the way, checked and in the one way in which its type is written.
    private(set) var given: [String: String] = [:]
    /// What is wrong with what was given.
    private(set) var problems: [Diagnostic] = []

    /// One declared variable.
    struct Declaration {
        let name: String
        let type: VariableType
        let mark: Diagnostic.Mark
        let path: String
    }

    /// The variable of the environment that gives a value to `name`: `SLUICE_VAR_LOAD_DAY` to `load-day`.
    static func environmentName(of name: String) -> String {
        "SLUICE_VAR_"
            + String(
                name.uppercased().unicodeScalars.map { scalar in
                    scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
                        ? Character(scalar) : "_"
                })
    }

    /// The variables of `document`, with what `inputs` give them.
    init(of document: Node, inputs: ProjectInputs) {
        for entry in document["variables"]?.entries ?? [] {
            let settings = Section(entry.value)
            let isTyped = if case .mapping = entry.value.content { true } else { false }
            standards[entry.key] = isTyped ? entry.value["default"] : entry.value
            declared.append(
                Declaration(
                    name: entry.key, type: isTyped ? VariableType(settings) : VariableType(), mark: entry.keyMark,
                    path: "variables.\(entry.key)"))
        }
        if let file = inputs.variablesFile { read(file) }
        var named: [String: String] = [:]
        for variable in declared {
            let name = Variables.environmentName(of: variable.name)
            if let other = named.updateValue(variable.name, forKey: name), inputs.environmentVariables[name] != nil {
                problems.append(
                    Diagnostic(
                        .error, "\(name) is set, and could mean \"\(other)\" as well as \"\(variable.name)\"",
                        at: variable.mark, path: variable.path, hint: "rename one of them, or use --var"))
            }
            if let text = inputs.environmentVariables[name] { give(text, to: variable.name, by: name, variable.mark) }
        }
        for (name, text) in inputs.variables.sorted(by: { $0.key < $1.key }) {
            give(text, to: name, by: "--var \(name)", document.mark)
        }
    }

    /// What is wrong with the defaults, when everything in them is replaced.
    func standardProblems(in resolved: Node) -> [Diagnostic] {
        declared.compactMap { variable in
            guard let value = resolved["variables"]?[variable.name]?["default"], let text = value.scalar?.literal,
                !text.contains("${"), variable.type.value(text) == nil
            else { return nil }
            return Diagnostic(
                .error,
                "the default of the variable \"\(variable.name)\" is \"\(Display.safe(text))\"; "
                    + "\(variable.type.expectation) was expected", at: value.mark, path: "\(variable.path).default")
        }
    }

    private mutating func read(_ file: ProjectInputs.VariablesFile) {
        let (node, found) = parseDocument(file.text, file: file.name)
        problems += found
        guard let node else { return }
        guard case .mapping(let entries) = node.content else {
            problems.append(
                Diagnostic(
                    .error, "the file of variables is \(node.summary); names with values were expected",
                    at: node.mark, hint: "write a line for each: NAME: VALUE"))
            return
        }
        for entry in entries {
            guard let text = entry.value.scalar?.literal, !entry.value.isNull else {
                problems.append(
                    Diagnostic(
                        .error, "the variable \"\(entry.key)\" is \(entry.value.summary); one value was expected",
                        at: entry.value.mark, path: entry.key))
                continue
            }
            if !declared.contains(where: { $0.name == entry.key }) {
                let names = declared.map(\.name)
                problems.append(
                    Diagnostic(
                        .warning, "no variable is called \"\(entry.key)\", so that its value changes nothing",
                        at: entry.keyMark, path: entry.key,
                        hint: nearestWord(to: entry.key, among: names).map { "did you mean \"\($0)\"?" }))
            }
            give(text, to: entry.key, by: nil, entry.value.mark)
        }
    }

    /// - parameter source: Where the value was given, when that is no place in a file.
    private mutating func give(_ text: String, to name: String, by source: String?, _ mark: Diagnostic.Mark) {
        let variable = declared.first { $0.name == name }
        let type = variable?.type ?? VariableType()
        let value = type.value(text)
        // What is wrong is told here, once.
        given[name] = value ?? text
        if value != nil { return }
        // A value of the environment may be a secret, and is shown by nobody who cannot know.
        let isShown = source?.hasPrefix("SLUICE_VAR_") != true
        problems.append(
            Diagnostic(
                .error,
                "\(source ?? "the variable \"\(name)\"") is \(isShown ? "\"\(Display.safe(text))\"; " : "not ")"
                    + type.expectation + (isShown ? " was expected" : ""),
                at: source == nil ? mark : variable?.mark ?? mark, path: "variables.\(name)"))
    }
}

/// What a variable may be.
struct VariableType: Sendable {
    private let shape: Shape
    private let kind: String
    private let bounds: (least: Int?, most: Int?)
    private let choices: [String]

    /// The shape of a variable that is declared at length.
    static let shape = ObjectShape(
        "variable",
        keys: [
            KeyShape(
                "type", .choice(["text", "integer", "decimal", "boolean", "date", "timestamp", "duration", "size"]),
                "What it may be", standard: "text"),
            KeyShape("default", .text, "Its value when nobody gives one; without it somebody has to"),
            KeyShape("choices", .list(.text), "The values that it may have"),
            KeyShape("min", .integer(Int.min...Int.max), "The least, of an integer or decimal"),
            KeyShape("max", .integer(Int.min...Int.max), "The most, of an integer or decimal"),
            KeyShape("description", .text, "What it is for"),
        ])

    /// Any text.
    init() {
        (kind, shape, choices) = ("text", .text, [])
        bounds = (nil, nil)
    }

    /// What `settings` say.
    init(_ settings: Section) {
        kind = settings.text("type") ?? "text"
        choices = settings.texts("choices") ?? []
        bounds = (settings.integer("min"), settings.integer("max"))
        let least = bounds.least ?? Int.min
        let range = least...max(least, bounds.most ?? Int.max)
        switch kind {
        case "integer": shape = .integer(range)
        case "decimal": shape = .decimal(range)
        case "boolean": shape = .boolean
        case "duration": shape = .duration
        case "size": shape = .size
        default: shape = .text
        }
    }

    /// `text` as a value of this type, in the one way in which it is written; nil when it is none.
    func value(_ text: String) -> String? {
        var value = kind == "text" ? text : text.trimmingBlanks
        if kind == "boolean" { value = VariableType.truths[value.lowercased()] ?? value }
        if kind == "integer", let number = Int(value) { value = String(number) }
        if kind == "date" || kind == "timestamp", !VariableType.isTime(value, hasTime: kind == "timestamp") {
            return nil
        }
        if !choices.isEmpty, !choices.contains(value) { return nil }
        let node = Node(.scalar(Scalar(value)), at: .init(file: "", line: 1, column: 1))
        return shape.check(node).isEmpty ? value : nil
    }

    /// What is expected, for a message.
    var expectation: String {
        if !choices.isEmpty { return "one of \(choices.joined(separator: ", "))" }
        let noun =
            switch kind {
            case "integer": "a whole number"
            case "decimal": "a decimal number"
            case "boolean": "true or false"
            case "date": "a date such as 2026-01-31"
            case "timestamp": "a time such as 2026-01-31T06:30:00Z"
            case "duration": "a duration such as 30s, 5m or 1h30m"
            case "size": "a size such as 64MB or 1GiB"
            default: "text"
            }
        guard kind == "integer" || kind == "decimal" else { return noun }
        switch bounds {
        case (let least?, let most?): return "\(noun) from \(least) to \(most)"
        case (let least?, nil): return "\(noun) of at least \(least)"
        case (nil, let most?): return "\(noun) of at most \(most)"
        case (nil, nil): return noun
        }
    }

    private static let truths = [
        "true": "true", "yes": "true", "on": "true", "1": "true",
        "false": "false", "no": "false", "off": "false", "0": "false",
    ]

    /// Whether `text` is a day of the calendar, or one with a time of day and a zone.
    private static func isTime(_ text: String, hasTime: Bool) -> Bool {
        let bytes = Array(text.utf8)
        func number(_ place: Int, _ count: Int) -> Int? {
            guard place + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[place..<place + count] {
                guard 48...57 ~= byte else { return nil }
                value = value * 10 + Int(byte - 48)
            }
            return value
        }
        guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), year >= 1,
            bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), 1...12 ~= month
        else { return false }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard 1...days[month - 1] ~= day else { return false }
        guard hasTime else { return bytes.count == 10 }
        guard bytes.count >= 20, bytes[10] == UInt8(ascii: "T"), let hour = number(11, 2), let minute = number(14, 2),
            let second = number(17, 2), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"), hour < 24,
            minute < 60, second < 60
        else { return false }
        var place = 19
        if bytes[place] == UInt8(ascii: ".") {
            place += 1
            let start = place
            while place < bytes.count, 48...57 ~= bytes[place] { place += 1 }
            guard 1...9 ~= place - start else { return false }
        }
        guard place < bytes.count else { return false }
        if bytes[place] == UInt8(ascii: "Z") { return place + 1 == bytes.count }
        guard bytes[place] == UInt8(ascii: "+") || bytes[place] == UInt8(ascii: "-"), place + 6 == bytes.count,
            bytes[place + 3] == UInt8(ascii: ":"), let hours = number(place + 1, 2), let minutes = number(place + 4, 2)
        else { return false }
        return hours < 15 && minutes < 60
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
