import Support

/// Writes values as `json.dump(value, file, indent=2)` does.
struct PythonJSON: ~Copyable {
    /// Whether everything beyond ASCII is escaped.
    private let isASCII: Bool
    private let text = MutableBuffer(capacity: 4096)
    /// How many containers stand open.
    private var depth = 0

    private init(isASCII: Bool) { self.isASCII = isASCII }

    /// The JSON of `value`, without a newline behind it.
    ///
    /// - throws: What Python says when a text holds a lone surrogate, which UTF-8 cannot, or when it goes too deep.
    static func bytes(_ value: PythonValue, isASCII: Bool = false) throws(PythonFailure) -> Buffer {
        var writer = PythonJSON(isASCII: isASCII)
        // The first thing written is a piece of its own.
        try writer.write(value, pieceBegins: 0)
        return writer.text.freeze()
    }

    /// Writes a value; `pieceBegins` is where the piece of text begins that Python hands to the file with a string.
    private mutating func write(_ value: PythonValue, pieceBegins: Int) throws(PythonFailure) {
        switch value {
        case .null: text.append(utf8: "null")
        case .bool(let value): text.append(utf8: value ? "true" : "false")
        case .integer(let value):
            try check(calls: 1)
            text.append(utf8: String(value))
        case .bigInteger(let digits):
            try check(calls: 1)
            text.append(digits)
        case .real(let value):
            try check(calls: 2)
            text.append(utf8: PythonJSON.real(value))
        case .string(let value):
            try check(calls: 1)
            try quote(value, pieceBegins: pieceBegins)
        case .list(let items):
            try list(items)
        case .object(let members):
            try object(members)
        }
    }

    private mutating func list(_ items: [PythonValue]) throws(PythonFailure) {
        depth += 1
        try check(calls: 0)
        text.append(UInt8(ascii: "["))
        for (index, item) in items.enumerated() {
            var begins = text.count - 1
            if index > 0 {
                begins = text.count
                text.append(UInt8(ascii: ","))
            }
            newline()
            try write(item, pieceBegins: begins)
        }
        depth -= 1
        if !items.isEmpty { newline() }
        text.append(UInt8(ascii: "]"))
    }

    private mutating func object(_ members: [(name: [UInt8], value: PythonValue)]) throws(PythonFailure) {
        depth += 1
        try check(calls: members.isEmpty ? 0 : 1)
        text.append(UInt8(ascii: "{"))
        for (index, member) in members.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            newline()
            try quote(member.name, pieceBegins: text.count)
            text.append(utf8: ": ")
            try write(member.value, pieceBegins: text.count)
        }
        depth -= 1
        if !members.isEmpty { newline() }
        text.append(UInt8(ascii: "}"))
    }

    private func newline() {
        text.append(UInt8(ascii: "\n"))
        text.append(repeating: UInt8(ascii: " "), count: depth * 2)
    }

    /// Python stops at a thousand calls: four lead to the first container, each container is one, and scalars take
    /// some. What `Scanner` lets pass can go beyond that by one or two.
    private func check(calls: Int) throws(PythonFailure) {
        if 4 + depth + calls > 1000 {
            throw .exception("maximum recursion depth exceeded while calling a Python object")
        }
    }

    // MARK: - Scalars

    /// A float as JSON spells it in Python, which knows infinities and NaN.
    static func real(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return PythonFloat.repr(value)
    }

    private func quote(_ value: [UInt8], pieceBegins: Int) throws(PythonFailure) {
        text.append(UInt8(ascii: "\""))
        var index = 0
        while index < value.count {
            let byte = value[index]
            switch byte {
            case UInt8(ascii: "\""): text.append(utf8: "\\\"")
            case UInt8(ascii: "\\"): text.append(utf8: "\\\\")
            case 8: text.append(utf8: "\\b")
            case 9: text.append(utf8: "\\t")
            case 10: text.append(utf8: "\\n")
            case 12: text.append(utf8: "\\f")
            case 13: text.append(utf8: "\\r")
            case ..<0x20: escape(UInt32(byte))
            case 0x7f where isASCII: escape(UInt32(byte))
            case ..<0x80: text.append(byte)
            default:
                let count = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
                let scalar = value[index..<index + count]
                if isASCII {
                    escape(PythonJSON.scalar(scalar))
                } else if PythonJSON.isSurrogate(value, index) {
                    throw unencodable(value, index, pieceBegins: pieceBegins)
                } else {
                    for byte in scalar { text.append(byte) }
                }
                index += count - 1
            }
            index += 1
        }
        text.append(UInt8(ascii: "\""))
    }

    private static func isSurrogate(_ value: [UInt8], _ index: Int) -> Bool {
        index + 1 < value.count && value[index] == 0xed && value[index + 1] >= 0xa0
    }

    private static func scalar(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        let lead = bytes[bytes.startIndex]
        let first = UInt32(lead) & (lead < 0xe0 ? 0x1f : lead < 0xf0 ? 0x0f : 0x07)
        return bytes.dropFirst().reduce(first) { $0 << 6 | UInt32($1 & 0x3f) }
    }

    private func escape(_ scalar: UInt32) {
        if scalar > 0xffff {
            escape(0xd800 + ((scalar - 0x10000) >> 10))
            escape(0xdc00 + ((scalar - 0x10000) & 0x3ff))
            return
        }
        text.append(utf8: "\\u" + PythonJSON.hex(scalar))
    }

    private static func hex(_ scalar: UInt32) -> String {
        let hex = String(scalar, radix: 16)
        return String(repeating: "0", count: max(0, 4 - hex.count)) + hex
    }

    /// What Python says of the surrogates that begin at `index`: where they stand in the piece that it was encoding.
    private func unencodable(_ value: [UInt8], _ index: Int, pieceBegins: Int) -> PythonFailure {
        let written = text.withUnsafeBytes { bytes in
            bytes[pieceBegins...].count { $0 & 0xc0 != 0x80 }
        }
        var count = 1
        while PythonJSON.isSurrogate(value, index + 3 * count) { count += 1 }
        let reason = "surrogates not allowed"
        if count > 1 {
            return .exception(
                "'utf-8' codec can't encode characters in position \(written)-\(written + count - 1): \(reason)")
        }
        let scalar = PythonJSON.hex(PythonJSON.scalar(value[index..<index + 3]))
        return .exception("'utf-8' codec can't encode character '\\u\(scalar)' in position \(written): \(reason)")
    }
}
