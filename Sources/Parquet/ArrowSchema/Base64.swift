/// Bytes as text of 64 letters, as RFC 4648 has it.
enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let padding = UInt8(ascii: "=")

    /// The text of `bytes`, padded.
    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word: UInt32 = 0
            for (k, byte) in group.enumerated() { word |= UInt32(byte) << UInt32(16 - 8 * k) }
            for k in 0..<4 {
                text.append(k <= group.count ? letters[Int(word >> UInt32(18 - 6 * k)) & 63] : padding)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of `text`, padded or not; nil when it is not Base64.
    static func decode(_ text: String) -> [UInt8]? {
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        var bytes: [UInt8] = []
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
}
