import Support

/// Why a query is refused, in the service's own words.
struct KustoProblem: Error, Equatable {
    enum Kind: String {
        /// It cannot be read.
        case syntax = "SyntaxError"
        /// It names what is not there.
        case semantic = "SemanticError"
        /// It is good, but more than the emulator plays.
        case notPlayed = "NotPlayed"
    }

    let kind: Kind
    let message: String

    static func unplayed(_ what: String) -> KustoProblem {
        KustoProblem(
            kind: .notPlayed,
            message:
                "The emulator does not play \(what). It plays where, project, project-away, extend, order by, take, top, distinct, count."
        )
    }
}

/// A word of a query.
struct KustoToken: Equatable {
    enum Kind: Equatable {
        case name
        case string
        case number
        case span
        case mark
        case end
    }

    let kind: Kind
    let text: String
    /// Where it begins, for messages.
    let position: Int
}

/// Takes a query apart into words.
struct KustoTokens {
    private let bytes: [UInt8]
    private var position = 0
    /// The longest query that is read.
    static let longest = 256 << 10

    init(_ text: String) { bytes = Array(text.utf8) }

    static func all(_ text: String) throws(KustoProblem) -> [KustoToken] {
        guard text.utf8.count <= longest else {
            throw KustoProblem(kind: .syntax, message: "The query is longer than \(longest) bytes.")
        }
        var tokens = KustoTokens(text)
        var all: [KustoToken] = []
        while true {
            let token = try tokens.next()
            all.append(token)
            if token.kind == .end { return all }
        }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

    private func peek(_ offset: Int = 0) -> UInt8 { position + offset < bytes.count ? bytes[position + offset] : 0 }

    private mutating func take(_ start: Int, _ kind: KustoToken.Kind, _ isPart: (UInt8) -> Bool) -> KustoToken {
        while position < bytes.count, isPart(bytes[position]) { position += 1 }
        return KustoToken(kind: kind, text: String(decoding: bytes[start..<position], as: UTF8.self), position: start)
    }

    private mutating func next() throws(KustoProblem) -> KustoToken {
        while true {
            while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
            guard peek() == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "/") else { break }
            while position < bytes.count, bytes[position] != 0x0a { position += 1 }
        }
        let start = position
        guard position < bytes.count else { return KustoToken(kind: .end, text: "", position: start) }
        let byte = bytes[position]
        if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") { return try string(start, isVerbatim: false) }
        if byte == UInt8(ascii: "@"), peek(1) == UInt8(ascii: "'") || peek(1) == UInt8(ascii: "\"") {
            position += 1
            return try string(start, isVerbatim: true)
        }
        if Self.isLetter(byte) {
            var token = take(start, .name) { Self.isLetter($0) || Self.isDigit($0) }
            // Operators with a hyphen or a tilde in them.
            if token.text == "in", peek() == UInt8(ascii: "~") {
                position += 1
                token = KustoToken(kind: .name, text: "in~", position: start)
            }
            let hyphened = ["project", "mv", "make", "sample", "top"]
            if hyphened.contains(token.text), peek() == UInt8(ascii: "-"), Self.isLetter(peek(1)) {
                position += 1
                token = take(start, .name) { Self.isLetter($0) || $0 == UInt8(ascii: "-") }
            }
            return token
        }
        if Self.isDigit(byte) { return number(start) }
        if byte == UInt8(ascii: "!"), Self.isLetter(peek(1)) {
            position += 1
            let word = take(start, .name, Self.isLetter)
            if word.text == "!in", peek() == UInt8(ascii: "~") {
                position += 1
                return KustoToken(kind: .name, text: "!in~", position: start)
            }
            return word
        }
        for mark in ["==", "!=", "<=", ">=", "=~", "!~", ".."] where bytes[position...].starts(with: mark.utf8) {
            position += 2
            return KustoToken(kind: .mark, text: mark, position: start)
        }
        guard "|(),<>=+-*/%;[].:{}".utf8.contains(byte) else {
            throw KustoProblem(
                kind: .syntax, message: "Query could not be parsed at '\(UnicodeScalar(byte))' at position \(start).")
        }
        position += 1
        return KustoToken(kind: .mark, text: String(UnicodeScalar(byte)), position: start)
    }

    private mutating func number(_ start: Int) -> KustoToken {
        let whole = take(start, .number, Self.isDigit)
        if peek() == UInt8(ascii: "."), Self.isDigit(peek(1)) {
            position += 1
            _ = take(start, .number, Self.isDigit)
        }
        if Self.isLetter(peek()) { return take(start, .span, Self.isLetter) }
        return position - start == whole.text.utf8.count
            ? whole
            : KustoToken(kind: .number, text: String(decoding: bytes[start..<position], as: UTF8.self), position: start)
    }

    private mutating func string(_ start: Int, isVerbatim: Bool) throws(KustoProblem) -> KustoToken {
        let quote = bytes[position]
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            if byte == quote {
                if isVerbatim, peek() == quote {
                    text.append(quote)
                    position += 1
                    continue
                }
                return KustoToken(kind: .string, text: String(decoding: text, as: UTF8.self), position: start)
            }
            if byte == UInt8(ascii: "\\"), !isVerbatim, position < bytes.count {
                let escaped = bytes[position]
                position += 1
                switch escaped {
                case UInt8(ascii: "n"): text.append(0x0a)
                case UInt8(ascii: "t"): text.append(0x09)
                case UInt8(ascii: "r"): text.append(0x0d)
                default: text.append(escaped)
                }
                continue
            }
            if byte == 0x0a { break }
            text.append(byte)
        }
        throw KustoProblem(
            kind: .syntax, message: "Query could not be parsed: a string at position \(start) has no end.")
    }
}
