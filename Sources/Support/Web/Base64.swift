/// Bytes as text of 64 letters, as RFC 4648 has it.
public enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let forURLs = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let padding = UInt8(ascii: "=")
    private static let standardValues = values(of: standard)
    private static let urlValues = values(of: forURLs)

    /// The text of `bytes`, padded.
    public static func encode(_ bytes: [UInt8]) -> String { encode(bytes, standard, isPadded: true) }

    /// The text of `bytes` with letters that need no escape in a URL, not padded: the form of tokens.
    public static func encodeURL(_ bytes: [UInt8]) -> String { encode(bytes, forURLs, isPadded: false) }

    /// The bytes of `text`, padded or not; nil when it is not Base64.
    public static func decode(_ text: String) -> [UInt8]? { decode(text, standardValues) }

    /// The bytes of `text` in the letters of URLs, padded or not; nil when it is not such.
    public static func decodeURL(_ text: String) -> [UInt8]? { decode(text, urlValues) }

    private static func encode(_ bytes: [UInt8], _ letters: [UInt8], isPadded: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for (k, byte) in group.enumerated() { word |= UInt32(byte) << UInt32(16 - 8 * k) }
            for k in 0..<4 {
                if k <= group.count {
                    text.append(letters[Int(word >> UInt32(18 - 6 * k)) & 63])
                } else if isPadded {
                    text.append(padding)
                }
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func decode(_ text: String, _ values: [UInt8]) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var word: UInt32 = 0
        var filled = 0
        var isPadded = false
        for letter in text.utf8 {
            if letter == padding {
                isPadded = true
                continue
            }
            let value = values[Int(letter)]
            guard value != 0xff, !isPadded else { return nil }
            word = word << 6 | UInt32(value)
            filled += 6
            if filled >= 8 {
                filled -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(filled)))
            }
        }
        // A single letter left over holds no byte.
        return filled == 6 ? nil : bytes
    }

    private static func values(of letters: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        return values
    }
}
