public import Support

extension ValueText {
    /// Appends UTF-8 text as a JSON string, quotes included: only what must be escaped is.
    public static func append(jsonString text: UnsafeRawBufferPointer, to out: MutableBuffer) {
        out.reserve(text.count &+ 2)
        out.base.storeBytes(of: UInt8(ascii: "\""), toByteOffset: out.count, as: UInt8.self)
        out.count &+= 1
        if let start = text.baseAddress { appendEscaped(start, count: text.count, to: out) }
        out.append(UInt8(ascii: "\""))
    }

    /// Appends the text with JSON's escapes. Runs without any, which is nearly all text, move eight bytes at a time.
    private static func appendEscaped(_ text: UnsafeRawPointer, count: Int, to out: MutableBuffer) {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var index = 0
        out.reserve(count &+ 8)
        var place = out.base + out.count
        while index < count {
            if index &+ 8 <= count {
                let word = text.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                let quote = word ^ (ones &* 0x22)
                let backslash = word ^ (ones &* 0x5c)
                // A byte's high bit comes up when it is below 0x20, a quote, or a backslash. A borrow can raise it for the
                // byte above a true hit as well, which only sends a clean byte down the slow road.
                let hits =
                    ((word &- ones &* 0x20) & ~word | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash)
                    & highs
                place.storeBytes(of: word, as: UInt64.self)
                if hits == 0 {
                    place += 8
                    index &+= 8
                    continue
                }
                let clean = hits.trailingZeroBitCount >> 3
                place += clean
                index &+= clean
            }
            let byte = text.load(fromByteOffset: index, as: UInt8.self)
            index &+= 1
            if byte >= 0x20, byte != 0x22, byte != 0x5c {
                place.storeBytes(of: byte, as: UInt8.self)
                place += 1
                continue
            }
            out.count = place - out.base
            appendEscape(of: byte, to: out)
            out.reserve(count &- index &+ 8)
            place = out.base + out.count
        }
        out.count = place - out.base
    }

    @inline(never) private static func appendEscape(of byte: UInt8, to out: MutableBuffer) {
        let short: UInt8? =
            switch byte {
            case 0x22, 0x5c: byte
            case 0x08: UInt8(ascii: "b")
            case 0x09: UInt8(ascii: "t")
            case 0x0a: UInt8(ascii: "n")
            case 0x0c: UInt8(ascii: "f")
            case 0x0d: UInt8(ascii: "r")
            default: nil
            }
        out.append(UInt8(ascii: "\\"))
        if let short { return out.append(short) }
        out.append(utf8: "u00")
        out.append(hexDigit(byte >> 4))
        out.append(hexDigit(byte & 15))
    }

    /// Appends JSON text as it is, except that line breaks, which are only ever layout there, become spaces: a document
    /// stays on its line. No text at all becomes `null`.
    static func append(json text: UnsafeRawBufferPointer, to out: MutableBuffer) {
        if text.isEmpty { return out.append(utf8: "null") }
        let start = out.count
        out.append(text)
        for index in start..<out.count {
            let byte = out.base.load(fromByteOffset: index, as: UInt8.self)
            if byte == 0x0a || byte == 0x0d {
                out.base.storeBytes(of: UInt8(ascii: " "), toByteOffset: index, as: UInt8.self)
            }
        }
    }

    /// Appends bytes as base64, padded.
    public static func append(base64 bytes: UnsafeRawBufferPointer, to out: MutableBuffer) {
        let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        let letters = alphabet.utf8Start
        out.reserve((bytes.count + 2) / 3 * 4)
        var place = (out.base + out.count).assumingMemoryBound(to: UInt8.self)
        var index = 0
        while index < bytes.count {
            let left = bytes.count &- index
            let first = UInt32(bytes[index])
            let second = left > 1 ? UInt32(bytes[index &+ 1]) : 0
            let third = left > 2 ? UInt32(bytes[index &+ 2]) : 0
            let group = first << 16 | second << 8 | third
            place[0] = letters[Int(group >> 18)]
            place[1] = letters[Int(group >> 12 & 63)]
            place[2] = left > 1 ? letters[Int(group >> 6 & 63)] : UInt8(ascii: "=")
            place[3] = left > 2 ? letters[Int(group & 63)] : UInt8(ascii: "=")
            place += 4
            index &+= 3
        }
        out.count = UnsafeMutableRawPointer(place) - out.base
    }

    /// Appends 16 bytes as `8c8e3f5a-…`, in lower case.
    public static func append(uuid bytes: UnsafeRawPointer, to out: MutableBuffer) {
        out.reserve(36)
        var place = (out.base + out.count).assumingMemoryBound(to: UInt8.self)
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 {
                place.pointee = UInt8(ascii: "-")
                place += 1
            }
            let byte = bytes.load(fromByteOffset: index, as: UInt8.self)
            place[0] = hexDigit(byte >> 4)
            place[1] = hexDigit(byte & 15)
            place += 2
        }
        out.count &+= 36
    }

    @inline(__always) private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &- 10 &+ value
    }
}
