import Support

/// A condition as OData writes it: `state eq 'active' and startswith(id, 'run-')`.
struct BatchFilter: Sendable {
    private indirect enum Condition: Sendable {
        case both(Condition, Condition)
        case either(Condition, Condition)
        case not(Condition)
        case compare(String, String, Value)
        case starts(String, String)
    }

    private enum Value: Sendable {
        case text(String)
        case number(Double)
        case flag(Bool)
        case moment(Moment)
    }

    private let condition: Condition

    init(_ text: String) throws(BatchFault) {
        var reader = Reader(words: try Self.words(text), text: text)
        condition = try reader.either(0)
        guard reader.position == reader.words.count else { throw Self.invalid(text) }
    }

    fileprivate static func invalid(_ text: String) -> BatchFault {
        BatchFault(
            400, "InvalidQueryParameterValue",
            "An invalid value was specified for one of the query parameters in the request URI.",
            ["QueryParameterName": "$filter", "QueryParameterValue": text, "Reason": "The expression is not valid."])
    }

    /// Whether something fits.
    func holds(for json: JSONText) -> Bool { Self.holds(condition, json) }

    private static func holds(_ condition: Condition, _ json: JSONText) -> Bool {
        switch condition {
        case .both(let a, let b): holds(a, json) && holds(b, json)
        case .either(let a, let b): holds(a, json) || holds(b, json)
        case .not(let a): !holds(a, json)
        case .starts(let path, let prefix): find(path, json)?.text?.hasPrefix(prefix) ?? false
        case .compare(let path, let sign, let value): compare(find(path, json), sign, value)
        }
    }

    private static func find(_ path: String, _ json: JSONText) -> JSONText? {
        path.split(separator: "/").reduce(Optional(json)) { $0?[String($1)] }
    }

    private static func compare(_ found: JSONText?, _ sign: String, _ value: Value) -> Bool {
        func holds<T: Comparable>(_ a: T?, _ b: T) -> Bool {
            guard let a else { return sign == "ne" }
            return switch sign {
            case "eq": a == b
            case "ne": a != b
            case "lt": a < b
            case "le": a <= b
            case "gt": a > b
            default: a >= b
            }
        }
        switch value {
        case .text(let text): return holds(found?.text?.lowercased(), text.lowercased())
        case .number(let number): return holds(found?.integer.map(Double.init), number)
        case .flag(let flag): return holds(found?.flag.map { $0 ? 1 : 0 }, flag ? 1 : 0)
        case .moment(let moment): return holds(found?.text.flatMap { Moment(iso: $0) }, moment)
        }
    }

    private static func words(_ text: String) throws(BatchFault) -> [String] {
        var words: [String] = []
        var rest = Array(text.utf8)[...]
        while let first = rest.first {
            if first == 32 {
                rest.removeFirst()
            } else if "(),".utf8.contains(first) {
                words.append(String(UnicodeScalar(first)))
                rest.removeFirst()
            } else if first == UInt8(ascii: "'") {
                guard let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "'")) else { throw invalid(text) }
                words.append(String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
                rest = rest[(end + 1)...]
            } else {
                let word = rest.prefix { $0 != 32 && !"(),'".utf8.contains($0) }
                words.append(String(decoding: word, as: UTF8.self))
                rest = rest.dropFirst(word.count)
            }
        }
        guard words.count <= 200 else { throw invalid(text) }
        return words
    }

    private struct Reader {
        let words: [String]
        let text: String
        var position = 0

        init(words: [String], text: String) {
            self.words = words
            self.text = text
        }

        var word: String { position < words.count ? words[position] : "" }

        mutating func next() -> String {
            defer { position += 1 }
            return word
        }

        mutating func either(_ depth: Int) throws(BatchFault) -> Condition {
            if depth > 20 { throw BatchFilter.invalid(text) }
            var left = try both(depth)
            while word == "or" {
                position += 1
                left = .either(left, try both(depth))
            }
            return left
        }

        mutating func both(_ depth: Int) throws(BatchFault) -> Condition {
            var left = try single(depth)
            while word == "and" {
                position += 1
                left = .both(left, try single(depth))
            }
            return left
        }

        mutating func single(_ depth: Int) throws(BatchFault) -> Condition {
            switch next() {
            case "(":
                let inner = try either(depth + 1)
                guard next() == ")" else { throw BatchFilter.invalid(text) }
                return inner
            case "not":
                if depth > 20 { throw BatchFilter.invalid(text) }
                return .not(try single(depth + 1))
            case "startswith":
                guard next() == "(" else { throw BatchFilter.invalid(text) }
                let path = next()
                guard next() == ",", case .text(let prefix) = try value(), next() == ")" else {
                    throw BatchFilter.invalid(text)
                }
                return .starts(path, prefix)
            case let path:
                let sign = next()
                guard ["eq", "ne", "lt", "le", "gt", "ge"].contains(sign), let first = path.utf8.first,
                    UInt8(ascii: "a")...UInt8(ascii: "z") ~= first | 0x20
                else { throw BatchFilter.invalid(text) }
                return .compare(path, sign, try value())
            }
        }

        mutating func value() throws(BatchFault) -> Value {
            let word = next()
            if word.hasPrefix("'") { return .text(String(word.dropFirst())) }
            if word.lowercased() == "datetime" {
                let moment = next()
                guard let found = Moment(iso: String(moment.dropFirst())) else { throw BatchFilter.invalid(text) }
                return .moment(found)
            }
            if word == "true" || word == "false" { return .flag(word == "true") }
            guard let number = Double(word) else { throw BatchFilter.invalid(text) }
            return .number(number)
        }
    }
}
