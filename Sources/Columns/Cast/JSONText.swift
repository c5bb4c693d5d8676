import Support

/// What casts need to know of JSON text. Documents are read by the JSON reader, not here.
enum JSONText {
    /// How deep arrays and objects may lie inside one another.
    private static let deepest = 512

    /// Whether `text` is one JSON value and nothing else.
    static func isValid(_ text: UnsafeRawBufferPointer) -> Bool {
        var cursor = Cursor(text: text)
        cursor.skipSpace()
        guard cursor.value(depth: 0) else { return false }
        cursor.skipSpace()
        return cursor.index == text.count
    }

    private struct Cursor {
        let text: UnsafeRawBufferPointer
        var index = 0

        var next: UInt8 { index < text.count ? text[index] : 0 }

        mutating func take(_ byte: UInt8) -> Bool {
            guard next == byte, index < text.count else { return false }
            index += 1
            return true
        }

        mutating func skipSpace() {
            while next == 0x20 || next == 0x0a || next == 0x0d || next == 0x09 { index += 1 }
        }

        mutating func value(depth: Int) -> Bool {
            switch next {
            case UInt8(ascii: "{"): return items(depth: depth, end: UInt8(ascii: "}"), keyed: true)
            case UInt8(ascii: "["): return items(depth: depth, end: UInt8(ascii: "]"), keyed: false)
            case UInt8(ascii: "\""): return string()
            case UInt8(ascii: "t"): return word("true")
            case UInt8(ascii: "f"): return word("false")
            case UInt8(ascii: "n"): return word("null")
            default: return number()
            }
        }

        private mutating func items(depth: Int, end: UInt8, keyed: Bool) -> Bool {
            if depth == deepest { return false }
            index += 1
            skipSpace()
            if take(end) { return true }
            while true {
                if keyed {
                    skipSpace()
                    guard string() else { return false }
                    skipSpace()
                    guard take(UInt8(ascii: ":")) else { return false }
                }
                skipSpace()
                guard value(depth: depth + 1) else { return false }
                skipSpace()
                if take(end) { return true }
                guard take(UInt8(ascii: ",")) else { return false }
            }
        }

        private mutating func string() -> Bool {
            guard take(UInt8(ascii: "\"")) else { return false }
            while index < text.count {
                let byte = text[index]
                index += 1
                if byte == UInt8(ascii: "\"") { return true }
                if byte < 0x20 { return false }
                if byte != UInt8(ascii: "\\") { continue }
                let escape = next
                index += 1
                switch escape {
                case UInt8(ascii: "u"):
                    guard index + 4 <= text.count, text[index..<index + 4].allSatisfy({ hexDigit($0) != nil }) else {
                        return false
                    }
                    index += 4
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                    UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
                    continue
                default: return false
                }
            }
            return false
        }

        private mutating func word(_ word: StaticString) -> Bool {
            guard index + word.utf8CodeUnitCount <= text.count else { return false }
            for offset in 0..<word.utf8CodeUnitCount where text[index + offset] != word.utf8Start[offset] {
                return false
            }
            index += word.utf8CodeUnitCount
            return true
        }

        private mutating func digits() -> Bool {
            let start = index
            while index < text.count, text[index] &- 48 <= 9 { index += 1 }
            return index > start
        }

        private mutating func number() -> Bool {
            _ = take(UInt8(ascii: "-"))
            if !take(UInt8(ascii: "0")), !digits() { return false }
            if take(UInt8(ascii: ".")), !digits() { return false }
            if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
                if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
                return digits()
            }
            return true
        }
    }

    /// Appends what a JSON value holds: a string's text, anything else as written; false for `null`.
    static func unwrap(_ text: UnsafeRawBufferPointer, into out: MutableBuffer) -> Bool {
        var rest = text[...]
        while let first = rest.first, first == 0x20 || first == 0x0a || first == 0x0d || first == 0x09 {
            rest.removeFirst()
        }
        while let last = rest.last, last == 0x20 || last == 0x0a || last == 0x0d || last == 0x09 { rest.removeLast() }
        if rest.elementsEqual("null".utf8) || rest.isEmpty { return false }
        guard rest.count >= 2, rest.first == UInt8(ascii: "\""), rest.last == UInt8(ascii: "\"") else {
            out.append(UnsafeRawBufferPointer(rebasing: rest))
            return true
        }
        let inner = UnsafeRawBufferPointer(rebasing: rest.dropFirst().dropLast())
        var index = 0
        while index < inner.count {
            let byte = inner[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < inner.count else {
                out.append(byte)
                continue
            }
            let escape = inner[index]
            index += 1
            switch escape {
            case UInt8(ascii: "b"): out.append(8 as UInt8)
            case UInt8(ascii: "f"): out.append(12 as UInt8)
            case UInt8(ascii: "n"): out.append(10 as UInt8)
            case UInt8(ascii: "r"): out.append(13 as UInt8)
            case UInt8(ascii: "t"): out.append(9 as UInt8)
            case UInt8(ascii: "u"):
                var unit = codeUnit(inner, at: index)
                index = min(index + 4, inner.count)
                if unit & 0xfc00 == 0xd800, index + 6 <= inner.count, inner[index] == UInt8(ascii: "\\") {
                    let low = codeUnit(inner, at: index + 2)
                    if low & 0xfc00 == 0xdc00 {
                        unit = 0x10000 + (unit & 0x3ff) << 10 + low & 0x3ff
                        index += 6
                    }
                }
                out.append(utf8: String(Character(Unicode.Scalar(unit) ?? "\u{fffd}")))
            default: out.append(escape)
            }
        }
        return true
    }

    private static func codeUnit(_ text: UnsafeRawBufferPointer, at index: Int) -> UInt32 {
        guard index + 4 <= text.count else { return 0xfffd }
        return text[index..<index + 4].reduce(0) { $0 << 4 | UInt32(hexDigit($1) ?? 0) }
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }

    /// Appends the bytes that base64 text stands for, padded or not; false when it is not base64.
    static func append(base64 text: UnsafeRawBufferPointer, to out: MutableBuffer) -> Bool {
        var end = text.count
        while end > 0, text.count - end < 2, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        if end % 4 == 1 || (end < text.count && text.count % 4 != 0) { return false }
        var bits: UInt32 = 0
        var held = 0
        for byte in text[..<end] {
            let value: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = byte - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = byte - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = byte + 4
            case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
            default: return false
            }
            bits = bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        return true
    }
}
