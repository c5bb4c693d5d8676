extension TextParser {
    /// `true` or `false` in lower case, in capitals, or with a capital first letter; nothing else.
    public static func bool(_ text: UnsafeRawBufferPointer) -> Bool? {
        switch text.count {
        case 4:
            let word = text.loadUnaligned(as: UInt32.self)
            return word == 0x6575_7274 || word == 0x6575_7254 || word == 0x4555_5254 ? true : nil
        case 5:
            let first = text[0]
            let word = text.loadUnaligned(fromByteOffset: 1, as: UInt32.self)
            if word == 0x6573_6c61 { return first | 0x20 == UInt8(ascii: "f") ? false : nil }
            return first == UInt8(ascii: "F") && word == 0x4553_4c41 ? false : nil
        default: return nil
        }
    }

    /// Base64, with `=` at the end or without; the bytes, fewer than `text` has, are written to `out`.
    ///
    /// - returns: how many bytes there are, or nil when the text is not base64.
    public static func base64(_ text: UnsafeRawBufferPointer, into out: UnsafeMutableRawPointer) -> Int? {
        var count = text.count
        while count > 0, text.count - count < 2, text[count - 1] == UInt8(ascii: "=") { count -= 1 }
        if count % 4 == 1 || (count < text.count && text.count % 4 != 0) { return nil }
        var bits: UInt32 = 0
        var held = 0
        var length = 0
        for index in 0..<count {
            let digit: UInt8
            switch text[index] {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = text[index] - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = text[index] - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = text[index] + 4
            case UInt8(ascii: "+"), UInt8(ascii: "-"): digit = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): digit = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(digit)
            held += 6
            if held >= 8 {
                held -= 8
                out.storeBytes(
                    of: UInt8(truncatingIfNeeded: bits >> UInt32(held)), toByteOffset: length, as: UInt8.self)
                length += 1
            }
        }
        // What is left over of the last digit says nothing.
        return bits & ((1 << UInt32(held)) - 1) == 0 ? length : nil
    }

    /// A UUID of 32 hexadecimal digits in any case, grouped 8-4-4-4-12 by hyphens, with braces around it or not;
    /// its 16 bytes are written to `out`.
    ///
    /// - returns: whether the text is a UUID; when it is not, `out` holds anything.
    public static func uuid(_ text: UnsafeRawBufferPointer, into out: UnsafeMutableRawPointer) -> Bool {
        var text = text
        if text.count == 38, text[0] == UInt8(ascii: "{"), text[37] == UInt8(ascii: "}") {
            text = UnsafeRawBufferPointer(rebasing: text[1..<37])
        }
        guard text.count == 36 else { return false }
        var index = 0
        for byte in 0..<16 {
            if byte == 4 || byte == 6 || byte == 8 || byte == 10 {
                if text[index] != UInt8(ascii: "-") { return false }
                index += 1
            }
            guard let high = hexDigit(text[index]), let low = hexDigit(text[index + 1]) else { return false }
            out.storeBytes(of: high << 4 | low, toByteOffset: byte, as: UInt8.self)
            index += 2
        }
        return true
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }
}
