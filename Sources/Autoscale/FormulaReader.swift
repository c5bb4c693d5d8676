import Support

/// A word of a formula, and where it stands.
struct FormulaWord: Sendable {
    enum Kind: Sendable, Equatable {
        case name(String)
        case number(Double)
        case text(String)
        case sign(String)
        case end
    }

    let kind: Kind
    let place: FormulaPlace

    /// The word as messages show it.
    var shown: String {
        switch kind {
        case .name(let name): "'\(name)'"
        case .number(let value): "the number \(FormulaValue.describe(value))"
        case .text(let text): "the text \"\(text)\""
        case .sign(let sign): "'\(sign)'"
        case .end: "its end"
        }
    }
}

/// Where something stands in a formula, from 1.
struct FormulaPlace: Sendable {
    let line: Int
    let column: Int

    func failure(_ message: String, hint: String? = nil) -> SluiceError {
        SluiceError(
            .invalidConfiguration, "column \(column) of the formula: \(message)", place: .init(line: line), hint: hint)
    }
}

/// Cuts a formula into words.
struct FormulaReader {
    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var lineStart = 0

    static func words(of text: String) throws(SluiceError) -> [FormulaWord] {
        var reader = FormulaReader(bytes: Array(text.utf8))
        var words: [FormulaWord] = []
        while true {
            let word = try reader.next()
            words.append(word)
            if word.kind == .end { return words }
        }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private var place: FormulaPlace { FormulaPlace(line: line, column: position - lineStart + 1) }
    private func byte(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    private mutating func step() {
        if bytes[position] == UInt8(ascii: "\n") {
            line += 1
            lineStart = position + 1
        }
        position += 1
    }

    private mutating func skipBlanks() throws(SluiceError) {
        while let byte = byte() {
            if [0x20, 0x09, 0x0a, 0x0d].contains(byte) {
                step()
            } else if byte == UInt8(ascii: "/"), self.byte(1) == UInt8(ascii: "/") {
                while let byte = self.byte(), byte != UInt8(ascii: "\n") { step() }
            } else if byte == UInt8(ascii: "/"), self.byte(1) == UInt8(ascii: "*") {
                let start = place
                step()
                step()
                while self.byte() != nil, !(self.byte() == UInt8(ascii: "*") && self.byte(1) == UInt8(ascii: "/")) {
                    step()
                }
                guard self.byte() != nil else { throw start.failure("the comment has no end; '*/' was expected") }
                step()
                step()
            } else {
                return
            }
        }
    }

    private mutating func next() throws(SluiceError) -> FormulaWord {
        try skipBlanks()
        let start = place
        guard let first = byte() else { return FormulaWord(kind: .end, place: start) }
        let isDot = first == UInt8(ascii: ".")
        if Self.isDigit(first) || isDot && byte(1).map(Self.isDigit) == true {
            return FormulaWord(kind: .number(try number(start)), place: start)
        }
        if Self.isLetter(first) || first == UInt8(ascii: "$") {
            let begin = position
            step()
            while let byte = byte(), Self.isLetter(byte) || Self.isDigit(byte) { step() }
            let name = String(decoding: bytes[begin..<position], as: UTF8.self)
            if name == "$" { throw start.failure("a name was expected behind '$'") }
            return FormulaWord(kind: .name(name), place: start)
        }
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            step()
            let begin = position
            while let byte = byte(), byte != first, byte != UInt8(ascii: "\n") { step() }
            guard byte() == first else {
                throw start.failure("the text has no end; \(Character(Unicode.Scalar(first))) was expected")
            }
            let text = String(decoding: bytes[begin..<position], as: UTF8.self)
            step()
            return FormulaWord(kind: .text(text), place: start)
        }
        for sign in ["<=", ">=", "==", "!=", "&&", "||"] where bytes[position...].starts(with: Array(sign.utf8)) {
            position += 2
            return FormulaWord(kind: .sign(sign), place: start)
        }
        let sign = Character(Unicode.Scalar(first))
        guard "+-*/<>=!?:;,().".contains(sign) else {
            let rest = String(decoding: bytes[position...].prefix(4), as: UTF8.self)
            throw start.failure(
                "\"\(rest.first.map(String.init) ?? "")\" is no sign of the language",
                hint: sign == "[" ? "A vector is written vec(1, 2, 3)." : nil)
        }
        step()
        return FormulaWord(kind: .sign(String(sign)), place: start)
    }

    private mutating func number(_ start: FormulaPlace) throws(SluiceError) -> Double {
        let begin = position
        while let byte = byte(), Self.isDigit(byte) { step() }
        if byte() == UInt8(ascii: "."), byte(1).map(Self.isDigit) == true {
            step()
            while let byte = byte(), Self.isDigit(byte) { step() }
        }
        if byte() == UInt8(ascii: "e") || byte() == UInt8(ascii: "E") {
            let signed = byte(1) == UInt8(ascii: "+") || byte(1) == UInt8(ascii: "-")
            if byte(signed ? 2 : 1).map(Self.isDigit) == true {
                step()
                if signed { step() }
                while let byte = byte(), Self.isDigit(byte) { step() }
            }
        }
        let text = String(decoding: bytes[begin..<position], as: UTF8.self)
        if let byte = byte(), Self.isLetter(byte) {
            throw start.failure("a number is followed by a letter: \(text)\(Character(Unicode.Scalar(byte)))")
        }
        guard let value = Double(text), value.isFinite else { throw start.failure("\(text) is too large for a number") }
        return value
    }

    private static func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
    private static func isLetter(_ byte: UInt8) -> Bool {
        UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || byte == UInt8(ascii: "_")
    }
}
