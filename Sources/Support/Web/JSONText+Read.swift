extension JSONText {
    /// The value that `text` is: what services answer with. Data that travels goes through `TextFormats` instead.
    ///
    /// - throws: `SluiceError` with the byte at which it is not JSON.
    public static func parse(_ text: String, depthLimit: Int = 200) throws(SluiceError) -> JSONText {
        try parse(Array(text.utf8), depthLimit: depthLimit)
    }

    /// The value that `bytes` are.
    ///
    /// - throws: `SluiceError` with the byte at which it is not JSON.
    public static func parse(_ bytes: Buffer, depthLimit: Int = 200) throws(SluiceError) -> JSONText {
        try parse(bytes.bytes, depthLimit: depthLimit)
    }

    private static func parse(_ bytes: [UInt8], depthLimit: Int) throws(SluiceError) -> JSONText {
        var reader = JSONTextReader(bytes: bytes, depthLimit: depthLimit)
        return try reader.document()
    }

    /// The member called `key`, of an object that has one; the last when there are several.
    public subscript(key: String) -> JSONText? {
        if case .object(let members) = self { return members.last { $0.key == key }?.value }
        return nil
    }

    /// The text of a string.
    public var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// The value of a whole number, which some services write as a string.
    public var integer: Int? {
        switch self {
        case .number(let value): value
        case .string(let text): Int(text)
        case .raw(let text): Int(text)
        case .real(let value): Int(exactly: value)
        default: nil
        }
    }

    /// `true` or `false`, which some services write as a string.
    public var flag: Bool? {
        switch self {
        case .bool(let value): value
        case .string(let text): text.lowercased() == "true" ? true : text.lowercased() == "false" ? false : nil
        default: nil
        }
    }

    /// The values of an array.
    public var items: [JSONText]? {
        if case .array(let items) = self { return items }
        return nil
    }

    /// The members of an object.
    public var members: [(key: String, value: JSONText)]? {
        if case .object(let members) = self { return members }
        return nil
    }
}

/// Reads one JSON document strictly, as RFC 8259 has it.
private struct JSONTextReader {
    let bytes: [UInt8]
    let depthLimit: Int
    var position = 0

    init(bytes: [UInt8], depthLimit: Int) {
        self.bytes = bytes
        self.depthLimit = depthLimit
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }
    }

    mutating func document() throws(SluiceError) -> JSONText {
        let value = try value(depth: 0)
        skipBlanks()
        if position < bytes.count { throw failure("there is more behind the JSON value") }
        return value
    }

    private func failure(_ what: String) -> SluiceError {
        SluiceError(.invalidData, "this is not JSON: \(what)", place: .init(offset: position))
    }

    private mutating func skipBlanks() {
        while position < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[position]) { position += 1 }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        let wanted = UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard bytes[position...].starts(with: wanted) else { return false }
        position += wanted.count
        return true
    }

    private mutating func value(depth: Int) throws(SluiceError) -> JSONText {
        skipBlanks()
        guard position < bytes.count else { throw failure("it ends too early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default:
            if take("true") { return .bool(true) }
            if take("false") { return .bool(false) }
            if take("null") { return .null }
            throw failure("a value was expected")
        }
    }

    private mutating func array(depth: Int) throws(SluiceError) -> JSONText {
        if depth >= depthLimit { throw failure("it is nested deeper than \(depthLimit) levels") }
        position += 1
        var items: [JSONText] = []
        skipBlanks()
        if take("]") { return .array(items) }
        while true {
            items.append(try value(depth: depth + 1))
            skipBlanks()
            if take("]") { return .array(items) }
            guard take(",") else { throw failure("',' or ']' was expected") }
        }
    }

    private mutating func object(depth: Int) throws(SluiceError) -> JSONText {
        if depth >= depthLimit { throw failure("it is nested deeper than \(depthLimit) levels") }
        position += 1
        var members: [(key: String, value: JSONText)] = []
        skipBlanks()
        if take("}") { return .object(members) }
        while true {
            skipBlanks()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw failure("a member's name was expected")
            }
            let key = try string()
            skipBlanks()
            guard take(":") else { throw failure("':' was expected") }
            members.append((key, try value(depth: depth + 1)))
            skipBlanks()
            if take("}") { return .object(members) }
            guard take(",") else { throw failure("',' or '}' was expected") }
        }
    }

    private mutating func number() throws(SluiceError) -> JSONText {
        let start = position
        func digits() -> Int { bytes[position...].prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }.count }
        _ = take("-")
        let whole = digits()
        if whole == 0 || whole > 1 && bytes[position] == UInt8(ascii: "0") { throw failure("a number was expected") }
        position += whole
        var isWhole = true
        if take(".") {
            isWhole = false
            let count = digits()
            if count == 0 { throw failure("a digit was expected") }
            position += count
        }
        if take("e") || take("E") {
            isWhole = false
            if !take("+") { _ = take("-") }
            let count = digits()
            if count == 0 { throw failure("a digit was expected") }
            position += count
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isWhole, let value = Int(text) { return .number(value) }
        // As it is written: a double would lose digits of what does not fit.
        return .raw(text)
    }

    private mutating func string() throws(SluiceError) -> String {
        position += 1
        var text: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw failure("a string is not UTF-8")
                }
                return string
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw failure("a control character stands in a string")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw failure("a string has no end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(SluiceError) {
        guard position + 1 < bytes.count else { throw failure("a string has no end") }
        let letter = bytes[position + 1]
        let plain: [UInt8: UInt8] = [
            UInt8(ascii: "n"): 10, UInt8(ascii: "t"): 9, UInt8(ascii: "r"): 13, UInt8(ascii: "b"): 8,
            UInt8(ascii: "f"): 12, UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
            UInt8(ascii: "\""): UInt8(ascii: "\""),
        ]
        if let byte = plain[letter] {
            text.append(byte)
            position += 2
            return
        }
        guard letter == UInt8(ascii: "u"), var scalar = unit(at: position + 2) else {
            throw failure("a string has an escape that JSON lacks")
        }
        position += 6
        if 0xd800..<0xdc00 ~= scalar, bytes[position...].starts(with: Array("\\u".utf8)),
            let low = unit(at: position + 2),
            0xdc00..<0xe000 ~= low
        {
            scalar = 0x10000 + (scalar - 0xd800) << 10 + (low - 0xdc00)
            position += 6
        }
        guard let valid = Unicode.Scalar(scalar) else { throw failure("a string has half of a surrogate pair") }
        text.append(contentsOf: Array(String(Character(valid)).utf8))
    }

    private func unit(at start: Int) -> UInt32? {
        guard start + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[start..<(start + 4)] {
            guard let digit = hexadecimalValue(byte) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
