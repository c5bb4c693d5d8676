import Support

/// A query in the part of Kusto's language that reading logs needs: a table, and operators one after the other.
struct KustoQuery {
    let table: String
    let operators: [Operator]

    indirect enum Expression {
        case value(KustoValue)
        case column(String, Int)
        case call(String, [Expression], Int)
        case compare(String, Expression, [Expression])
        /// All of them, or any: a list, so that a long condition is no deep one.
        case logic(isAnd: Bool, [Expression])
        case sum(Expression, Expression, sign: Int64)
    }

    enum Operator {
        case filter(Expression)
        case project([(name: String, value: Expression)])
        case projectAway([String])
        case extend([(name: String, value: Expression)])
        case order([(value: Expression, isDescending: Bool)])
        case take(Int)
        case distinct([String])
        case count
    }

    init(_ text: String) throws(KustoProblem) {
        var parser = KustoParser(tokens: try KustoTokens.all(text))
        (table, operators) = try parser.query()
    }
}

/// Reads a query, word by word.
struct KustoParser {
    let tokens: [KustoToken]
    private var position = 0
    private var depth = 0

    init(tokens: [KustoToken]) { self.tokens = tokens }

    private var token: KustoToken { tokens[min(position, tokens.count - 1)] }

    private func unexpected(_ wanted: String) -> KustoProblem {
        let found = token.kind == .end ? "<EOF>" : token.text
        return KustoProblem(
            kind: .syntax,
            message: "Query could not be parsed at '\(found)' at position \(token.position); expected \(wanted).")
    }

    private mutating func accept(_ text: String) -> Bool {
        guard token.text == text, token.kind == .mark || token.kind == .name else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ text: String) throws(KustoProblem) {
        guard accept(text) else { throw unexpected("'\(text)'") }
    }

    private mutating func name() throws(KustoProblem) -> String {
        if accept("[") {
            guard token.kind == .string else { throw unexpected("a column's name in quotes") }
            let text = token.text
            position += 1
            try expect("]")
            return text
        }
        guard token.kind == .name else { throw unexpected("a name") }
        defer { position += 1 }
        return token.text
    }

    mutating func query() throws(KustoProblem) -> (String, [KustoQuery.Operator]) {
        let first = token
        let table = try name()
        if ["let", "union", "search", "print", "datatable", "range", "find", "set", "externaldata"].contains(first.text)
        {
            throw .unplayed("'\(first.text)'")
        }
        if token.text == "(" { throw .unplayed("the function '\(table)'") }
        var operators: [KustoQuery.Operator] = []
        while accept("|") { operators += try oneOperator() }
        _ = accept(";")
        guard token.kind == .end else { throw unexpected("'|' or the end") }
        return (table, operators)
    }

    private mutating func oneOperator() throws(KustoProblem) -> [KustoQuery.Operator] {
        let word = token
        guard word.kind == .name else { throw unexpected("an operator") }
        position += 1
        switch word.text {
        case "where", "filter": return [.filter(try expression())]
        case "project": return [.project(try assignments())]
        case "extend": return [.extend(try assignments())]
        case "project-away", "distinct":
            var names = [try name()]
            while accept(",") { names.append(try name()) }
            return [word.text == "distinct" ? .distinct(names) : .projectAway(names)]
        case "order", "sort":
            try expect("by")
            return [.order(try orders())]
        case "take", "limit": return [.take(try number())]
        case "top":
            let count = try number()
            try expect("by")
            return [.order(try orders()), .take(count)]
        case "count": return [.count]
        default: throw .unplayed("the operator '\(word.text)'")
        }
    }

    private mutating func number() throws(KustoProblem) -> Int {
        guard token.kind == .number, let number = Int(token.text) else { throw unexpected("a whole number") }
        position += 1
        return number
    }

    private mutating func orders() throws(KustoProblem) -> [(value: KustoQuery.Expression, isDescending: Bool)] {
        var all: [(value: KustoQuery.Expression, isDescending: Bool)] = []
        repeat {
            let value = try expression()
            // Kusto's own default is the other way round than SQL's.
            var isDescending = true
            if accept("asc") { isDescending = false } else { _ = accept("desc") }
            if accept("nulls") { throw .unplayed("'nulls first' and 'nulls last'") }
            all.append((value, isDescending))
        } while accept(",")
        return all
    }

    private mutating func assignments() throws(KustoProblem) -> [(name: String, value: KustoQuery.Expression)] {
        var all: [(name: String, value: KustoQuery.Expression)] = []
        repeat {
            if token.kind == .name, position + 1 < tokens.count, tokens[position + 1].text == "=",
                tokens[position + 1].kind == .mark
            {
                let name = try name()
                try expect("=")
                all.append((name, try expression()))
            } else {
                let value = try expression()
                var name = "Column\(all.count + 1)"
                if case .column(let column, _) = value { name = column }
                if case .call("column_ifexists", let arguments, _) = value,
                    case .value(.string(let column))? = arguments.first
                {
                    name = column
                }
                all.append((name, value))
            }
        } while accept(",")
        return all
    }

    // MARK: Expressions

    private mutating func expression() throws(KustoProblem) -> KustoQuery.Expression {
        // Brackets within brackets are followed only so far as a stack reaches.
        depth += 1
        defer { depth -= 1 }
        guard depth < 100 else {
            throw KustoProblem(kind: .syntax, message: "The query is nested too deeply.")
        }
        var all = [try conjunction()]
        while accept("or") { all.append(try conjunction()) }
        return all.count == 1 ? all[0] : .logic(isAnd: false, all)
    }

    private mutating func conjunction() throws(KustoProblem) -> KustoQuery.Expression {
        var all = [try comparison()]
        while accept("and") { all.append(try comparison()) }
        return all.count == 1 ? all[0] : .logic(isAnd: true, all)
    }

    private static let comparisons: Set<String> = [
        "==", "!=", "=~", "!~", "<", "<=", ">", ">=", "has", "!has", "has_cs", "!has_cs", "contains", "!contains",
        "contains_cs", "!contains_cs", "startswith", "!startswith", "startswith_cs", "!startswith_cs", "endswith",
        "!endswith", "endswith_cs", "!endswith_cs",
    ]

    private mutating func comparison() throws(KustoProblem) -> KustoQuery.Expression {
        let left = try sum()
        let word = token.text
        guard token.kind == .mark || token.kind == .name else { return left }
        if Self.comparisons.contains(word) {
            position += 1
            return .compare(word, left, [try sum()])
        }
        switch word {
        case "in", "in~", "!in", "!in~":
            position += 1
            try expect("(")
            var all = [try expression()]
            while accept(",") { all.append(try expression()) }
            try expect(")")
            return .compare(word, left, all)
        case "between", "!between":
            position += 1
            try expect("(")
            let low = try sum()
            try expect("..")
            let high = try sum()
            try expect(")")
            return .compare(word, left, [low, high])
        case "matches", "has_any", "has_all", "hasprefix", "hassuffix", "!hasprefix", "!hassuffix":
            throw .unplayed("the operator '\(word)'")
        default: return left
        }
    }

    private mutating func sum() throws(KustoProblem) -> KustoQuery.Expression {
        var left = try primary()
        for _ in 0..<100 {
            if accept("+") {
                left = .sum(left, try primary(), sign: 1)
            } else if accept("-") {
                left = .sum(left, try primary(), sign: -1)
            } else if token.kind == .mark, ["*", "/", "%"].contains(token.text) {
                throw .unplayed("the operator '\(token.text)'")
            } else {
                return left
            }
        }
        throw KustoProblem(kind: .syntax, message: "The query has a sum of too many parts.")
    }

    private mutating func primary() throws(KustoProblem) -> KustoQuery.Expression {
        let word = token
        switch word.kind {
        case .string:
            position += 1
            return .value(.string(word.text))
        case .number:
            position += 1
            if let whole = Int(word.text) { return .value(.long(whole)) }
            return .value(.real(Double(word.text) ?? 0))
        case .span:
            position += 1
            guard let span = KustoValue.span(word.text) else {
                throw KustoProblem(
                    kind: .syntax, message: "Query could not be parsed at '\(word.text)': no such timespan.")
            }
            return .value(.timespan(span))
        case .mark where word.text == "(":
            position += 1
            let inner = try expression()
            try expect(")")
            return inner
        case .mark where word.text == "-":
            position += 1
            depth += 1
            defer { depth -= 1 }
            guard depth < 100 else { throw unexpected("a value") }
            return .sum(.value(.long(0)), try primary(), sign: -1)
        case .mark where word.text == "[": return .column(try name(), word.position)
        case .name: return try named(word)
        default: throw unexpected("a value")
        }
    }

    private mutating func named(_ word: KustoToken) throws(KustoProblem) -> KustoQuery.Expression {
        position += 1
        if word.text == "true" || word.text == "false" { return .value(.bool(word.text == "true")) }
        guard accept("(") else {
            if token.text == "." || token.text == "[" { throw .unplayed("looking into dynamic values") }
            return .column(word.text, word.position)
        }
        if word.text == "datetime" { return .value(try datetime()) }
        var arguments: [KustoQuery.Expression] = []
        if !accept(")") {
            repeat { arguments.append(try expression()) } while accept(",")
            try expect(")")
        }
        let name = word.text == "columnifexists" ? "column_ifexists" : word.text
        guard let counts = KustoRun.functions[name] else { throw .unplayed("the function '\(word.text)'") }
        guard counts.contains(arguments.count) else {
            throw KustoProblem(
                kind: .semantic, message: "Function '\(word.text)' cannot be invoked with \(arguments.count) arguments."
            )
        }
        return .call(name, arguments, word.position)
    }

    /// What stands in the brackets of `datetime(…)`, with quotes or without.
    private mutating func datetime() throws(KustoProblem) -> KustoValue {
        var text = ""
        var last: Int?
        while token.kind != .end, token.text != ")" {
            // A blank between the day and the hour is a part of it.
            if token.kind != .string, let last, token.position > last { text += " " }
            text += token.text
            last = token.position + token.text.utf8.count
            position += 1
        }
        try expect(")")
        guard let moment = Moment(iso: text) ?? Moment(iso: text.replacing(" ", with: "")) else {
            throw KustoProblem(kind: .syntax, message: "Query could not be parsed: '\(text)' is no datetime.")
        }
        return .datetime(moment)
    }
}
