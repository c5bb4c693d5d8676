import Support

/// Runs a query on a table.
struct KustoRun {
    let now: Moment

    /// The functions that are played, with how many arguments they take.
    static let functions: [String: ClosedRange<Int>] = [
        "ago": 1...1, "now": 0...1, "todatetime": 1...1, "tostring": 1...1, "toint": 1...1, "tolong": 1...1,
        "todouble": 1...1, "toreal": 1...1, "tolower": 1...1, "toupper": 1...1, "strlen": 1...1, "strcat": 1...64,
        "isempty": 1...1, "isnotempty": 1...1, "isnull": 1...1, "isnotnull": 1...1, "not": 1...1, "iff": 3...3,
        "column_ifexists": 2...2,
    ]

    func run(_ query: KustoQuery, on source: KustoTable) throws(KustoProblem) -> KustoTable {
        var table = source
        for step in query.operators {
            switch step {
            case .filter(let condition):
                let test = try compile(condition, table, "where")
                table.rows = table.rows.filter { test($0) == .bool(true) }
            case .project(let all):
                table = try assign(all, to: KustoTable(columns: [], rows: []), from: table, "project")
            case .extend(let all): table = try assign(all, to: table, from: table, "extend")
            case .projectAway(let names):
                let gone = try names.map { name throws(KustoProblem) in try index(name, table, "project-away") }
                let kept = table.columns.indices.filter { !gone.contains($0) }
                table = KustoTable(
                    columns: kept.map { table.columns[$0] }, rows: table.rows.map { row in kept.map { row[$0] } })
            case .order(let keys): try sort(&table, keys)
            case .take(let count): table.rows = Array(table.rows.prefix(max(0, count)))
            case .distinct(let names):
                let kept = try names.map { name throws(KustoProblem) in try index(name, table, "distinct") }
                var seen: Set<String> = []
                let rows = table.rows.map { row in kept.map { row[$0] } }
                table = KustoTable(
                    columns: kept.map { table.columns[$0] },
                    rows: rows.filter { row in seen.insert(JSONText.array(row.map(\.json)).text()).inserted })
            case .count:
                table = KustoTable(columns: [("Count", "long")], rows: [[.long(table.rows.count)]])
            }
        }
        return table
    }

    private func unresolved(_ what: String, _ name: String, _ step: String) -> KustoProblem {
        KustoProblem(
            kind: .semantic, message: "'\(step)' operator: Failed to resolve \(what) named '\(name)'")
    }

    private func index(_ name: String, _ table: KustoTable, _ step: String) throws(KustoProblem) -> Int {
        guard let index = table.index(name) else {
            throw unresolved("column or scalar expression", name, step)
        }
        return index
    }

    private func sort(
        _ table: inout KustoTable, _ keys: [(value: KustoQuery.Expression, isDescending: Bool)]
    ) throws(KustoProblem) {
        var values: [(row: [KustoValue], isDescending: Bool)] = []
        for key in keys {
            let value = try compile(key.value, table, "order by")
            values.append((table.rows.map(value), key.isDescending))
        }
        let order = table.rows.indices.sorted { left, right in
            for (column, isDescending) in values {
                let (first, second) = (column[left], column[right])
                // Null is less than everything.
                let order = first.order(second) ?? (first == .null ? -1 : 1)
                if order != 0 { return isDescending ? order > 0 : order < 0 }
            }
            return left < right
        }
        table.rows = order.map { table.rows[$0] }
    }

    private func assign(
        _ all: [(name: String, value: KustoQuery.Expression)], to start: KustoTable, from table: KustoTable,
        _ step: String
    ) throws(KustoProblem) -> KustoTable {
        var made = start
        if step == "project" { made.rows = table.rows.map { _ in [] } }
        for (name, expression) in all {
            let value = try compile(expression, table, step)
            let values = table.rows.map(value)
            var type = values.lazy.compactMap(\.type).first ?? "string"
            if case .column(let column, _) = expression, let found = table.index(column) {
                type = table.columns[found].type
            }
            if let place = made.index(name) {
                made.columns[place].type = type
                for row in made.rows.indices { made.rows[row][place] = values[row] }
            } else {
                made.columns.append((name, type))
                for row in made.rows.indices { made.rows[row].append(values[row]) }
            }
        }
        return made
    }

    // MARK: Expressions

    private typealias Compiled = ([KustoValue]) -> KustoValue

    private func compile(
        _ expression: KustoQuery.Expression, _ table: KustoTable, _ step: String
    ) throws(KustoProblem) -> Compiled {
        switch expression {
        case .value(let value): return { _ in value }
        case .column(let name, _):
            let place = try index(name, table, step)
            return { $0[place] }
        case .logic(let isAnd, let parts):
            let all = try parts.map { part throws(KustoProblem) in try compile(part, table, step) }
            return { row in
                for part in all where (part(row) == .bool(true)) != isAnd { return .bool(!isAnd) }
                return .bool(isAnd)
            }
        case .sum(let left, let right, let sign):
            let (first, second) = (try compile(left, table, step), try compile(right, table, step))
            return { row in first(row).plus(second(row), sign: sign) }
        case .compare(let word, let left, let others):
            let subject = try compile(left, table, step)
            let values = try others.map { other throws(KustoProblem) in try compile(other, table, step) }
            return { row in .bool(Self.compare(word, subject(row), values.map { $0(row) })) }
        case .call("column_ifexists", let arguments, _):
            guard case .value(.string(let name))? = arguments.first else {
                throw KustoProblem(kind: .semantic, message: "column_ifexists(): argument #1 must be a string literal.")
            }
            if let place = table.index(name) { return { $0[place] } }
            return try compile(arguments[1], table, step)
        case .call(let name, let arguments, _):
            let values = try arguments.map { argument throws(KustoProblem) in try compile(argument, table, step) }
            let now = now
            return { row in Self.call(name, values.map { $0(row) }, now) }
        }
    }

    private static func call(_ name: String, _ all: [KustoValue], _ now: Moment) -> KustoValue {
        let first = all.first ?? .null
        switch name {
        case "ago": return KustoValue.datetime(now).plus(first, sign: -1)
        case "now": return all.isEmpty ? .datetime(now) : KustoValue.datetime(now).plus(first, sign: 1)
        case "todatetime":
            if case .datetime = first { return first }
            return Moment(iso: first.text).map { .datetime($0) } ?? .null
        case "tostring": return .string(first.text)
        case "toint", "tolong":
            if case .real(let number) = first {
                return Int(exactly: number.rounded(.towardZero)).map { .long($0) } ?? .null
            }
            return Int(first.text).map { .long($0) } ?? .null
        case "todouble", "toreal": return Double(first.text).map { .real($0) } ?? .null
        case "tolower": return .string(first.text.lowercased())
        case "toupper": return .string(first.text.uppercased())
        case "strlen": return .long(first.text.unicodeScalars.count)
        case "strcat": return .string(all.map(\.text).joined())
        case "isempty": return .bool(first.text.isEmpty)
        case "isnotempty": return .bool(!first.text.isEmpty)
        case "isnull": return .bool(first == .null)
        case "isnotnull": return .bool(first != .null)
        case "not": return .bool(first != .bool(true))
        case "iff": return first == .bool(true) ? all[1] : all[2]
        default: return .null
        }
    }

    private static func compare(_ word: String, _ left: KustoValue, _ others: [KustoValue]) -> Bool {
        let isNegated = word.hasPrefix("!") && word != "!=" && word != "!~"
        let plain = isNegated ? String(word.dropFirst()) : word
        guard let right = others.first else { return false }
        let found: Bool
        switch plain {
        case "==": found = left.order(right) == 0
        case "!=": found = left.order(right) != 0
        case "<": found = (left.order(right) ?? 1) < 0
        case "<=": found = (left.order(right) ?? 1) <= 0
        case ">": found = (left.order(right) ?? -1) > 0
        case ">=": found = (left.order(right) ?? -1) >= 0
        case "=~": found = left.text.lowercased() == right.text.lowercased()
        case "!~": found = left.text.lowercased() != right.text.lowercased()
        case "between":
            found = others.count == 2 && (left.order(others[0]) ?? -1) >= 0 && (left.order(others[1]) ?? 1) <= 0
        case "in": found = others.contains { left.order($0) == 0 }
        case "in~": found = others.contains { left.text.lowercased() == $0.text.lowercased() }
        default: found = matches(plain, left.text, right.text)
        }
        return found != isNegated
    }

    private static func matches(_ word: String, _ text: String, _ part: String) -> Bool {
        let isExact = word.hasSuffix("_cs")
        let (text, part) = isExact ? (text, part) : (text.lowercased(), part.lowercased())
        switch isExact ? String(word.dropLast(3)) : word {
        case "contains": return part.isEmpty || text.contains(part)
        case "startswith": return text.hasPrefix(part)
        case "endswith": return text.hasSuffix(part)
        case "has": return has(Array(text.utf8), Array(part.utf8))
        default: return false
        }
    }

    /// Whether a text has another as whole words in it.
    private static func has(_ text: [UInt8], _ part: [UInt8]) -> Bool {
        guard !part.isEmpty else { return true }
        func isWord(_ byte: UInt8) -> Bool {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                || byte >= 0x80
        }
        guard text.count >= part.count else { return false }
        for start in 0...(text.count - part.count) where text[start...].starts(with: part) {
            let end = start + part.count
            let before = start == 0 || !isWord(text[start - 1]) || !isWord(part[0])
            let after = end == text.count || !isWord(text[end]) || !isWord(part[part.count - 1])
            if before, after { return true }
        }
        return false
    }
}
