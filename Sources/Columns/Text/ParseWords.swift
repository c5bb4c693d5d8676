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
