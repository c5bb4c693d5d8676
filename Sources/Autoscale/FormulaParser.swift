import Support

/// One statement: `name = expression;`, or an expression alone.
struct FormulaStatement: Sendable {
    let name: String?
    let place: FormulaPlace
    let expression: FormulaExpression
}

/// What is computed.
indirect enum FormulaExpression: Sendable {
    case number(Double)
    case text(String)
    case name(String, FormulaPlace)
    case call(String, [FormulaExpression], FormulaPlace)
    case method(FormulaExpression, String, [FormulaExpression], FormulaPlace)
    case member(FormulaExpression, String, FormulaPlace)
    /// Signs before a value, the nearest last.
    case signed([(sign: String, place: FormulaPlace)], FormulaExpression)
    /// Values that operators of one rank stand between: flat, so that a long sum does not become a deep tree.
    case chain(FormulaExpression, [(sign: String, place: FormulaPlace, value: FormulaExpression)])
    case choice(FormulaExpression, FormulaPlace, FormulaExpression, FormulaExpression)
}

/// Makes statements of words.
struct FormulaParser {
    private let words: [FormulaWord]
    private var position = 0
    private var depth = 0

    /// How deep expressions may lie in each other.
    private static let deepest = 32
    /// The operators, the weakest first.
    private static let ranks = [["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "/"]]

    init(_ words: [FormulaWord]) { self.words = words }

    private var word: FormulaWord { words[min(position, words.count - 1)] }
    private func isSign(_ sign: String) -> Bool { word.kind == .sign(sign) }

    private mutating func take(_ sign: String) -> Bool {
        guard isSign(sign) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ sign: String, _ why: String) throws(SluiceError) {
        if !take(sign) { throw word.place.failure("\(why) '\(sign)' was expected, and there is \(word.shown)") }
    }

    mutating func statements() throws(SluiceError) -> [FormulaStatement] {
        var all: [FormulaStatement] = []
        while true {
            while take(";") {}
            if word.kind == .end { break }
            all.append(try statement())
            // The last one needs no semicolon.
            if word.kind != .end { try expect(";", "behind a statement") }
        }
        guard !all.isEmpty else { throw word.place.failure("there is no statement in it") }
        return all
    }

    private mutating func statement() throws(SluiceError) -> FormulaStatement {
        let start = word
        if case .name(let name) = start.kind, position + 1 < words.count, words[position + 1].kind == .sign("=") {
            position += 2
            try FormulaEvaluation.checkAssignable(name, start.place)
            return FormulaStatement(name: name, place: start.place, expression: try expression())
        }
        return FormulaStatement(name: nil, place: start.place, expression: try expression())
    }

    private mutating func expression() throws(SluiceError) -> FormulaExpression {
        depth += 1
        defer { depth -= 1 }
        if depth > Self.deepest {
            throw word.place.failure("it is nested deeper than \(Self.deepest) levels", hint: "Use a variable.")
        }
        let condition = try ranked(0)
        let place = word.place
        guard take("?") else { return condition }
        let yes = try expression()
        try expect(":", "between the two values of '?'")
        return .choice(condition, place, yes, try expression())
    }

    private mutating func ranked(_ rank: Int) throws(SluiceError) -> FormulaExpression {
        guard rank < Self.ranks.count else { return try signed() }
        let first = try ranked(rank + 1)
        var others: [(sign: String, place: FormulaPlace, value: FormulaExpression)] = []
        while case .sign(let sign) = word.kind, Self.ranks[rank].contains(sign) {
            let place = word.place
            position += 1
            others.append((sign, place, try ranked(rank + 1)))
        }
        return others.isEmpty ? first : .chain(first, others)
    }

    private mutating func signed() throws(SluiceError) -> FormulaExpression {
        var signs: [(sign: String, place: FormulaPlace)] = []
        while case .sign(let sign) = word.kind, sign == "-" || sign == "!" || sign == "+" {
            if sign == "+" { throw word.place.failure("a value was expected, and there is '+'") }
            signs.append((sign, word.place))
            position += 1
        }
        let value = try followed()
        return signs.isEmpty ? value : .signed(signs, value)
    }

    /// A value, with the methods and members that are asked of it.
    private mutating func followed() throws(SluiceError) -> FormulaExpression {
        var value = try primary()
        var count = 0
        while isSign(".") {
            let place = word.place
            position += 1
            count += 1
            guard case .name(let name) = word.kind else {
                throw word.place.failure("a method or member was expected behind '.', and there is \(word.shown)")
            }
            if count > 4 { throw place.failure("too many '.' follow each other") }
            position += 1
            value = isSign("(") ? .method(value, name, try arguments(), place) : .member(value, name, place)
        }
        return value
    }

    private mutating func primary() throws(SluiceError) -> FormulaExpression {
        let start = word
        switch start.kind {
        case .number(let value):
            position += 1
            return .number(value)
        case .text(let text):
            position += 1
            return .text(text)
        case .name(let name):
            position += 1
            return isSign("(") ? .call(name, try arguments(), start.place) : .name(name, start.place)
        case .sign("("):
            position += 1
            let inner = try expression()
            try expect(")", "behind what stands in parentheses")
            return inner
        default: throw start.place.failure("a value was expected, and there is \(start.shown)")
        }
    }

    private mutating func arguments() throws(SluiceError) -> [FormulaExpression] {
        try expect("(", "before arguments")
        var all: [FormulaExpression] = []
        if take(")") { return all }
        while true {
            all.append(try expression())
            if take(")") { return all }
            guard take(",") else {
                throw word.place.failure("',' or ')' was expected behind an argument, and there is \(word.shown)")
            }
        }
    }
}
