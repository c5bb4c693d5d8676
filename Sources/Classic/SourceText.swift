import CScan

/// Where things stand in a text as Python counts, and what it says of bytes that are no text.
enum SourceText {
    /// The byte order mark, which Python's decoder takes for part of the text.
    static func beginsWithMark(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count >= 3 && text[0] == 0xef && text[1] == 0xbb && text[2] == 0xbf
    }

    /// `message: line 3 column 7 (char 41)`, in characters; `\r\n` and `\r` are one newline each, as they are in files
    /// that are opened as text.
    static func explain(_ message: StaticString, at offset: Int, in text: UnsafeRawBufferPointer) -> String {
        var character = 0
        var line = 1
        var newline = -1
        for index in 0..<offset {
            let byte = text[index]
            if byte & 0xc0 == 0x80 { continue }
            if byte == 0x0d, index + 1 < text.count, text[index + 1] == 0x0a { continue }
            if byte == 0x0a || byte == 0x0d {
                line += 1
                newline = character
            }
            character += 1
        }
        return "\(message): line \(line) column \(character - newline) (char \(character))"
    }

    /// What Python says of the first bytes that are not UTF-8; nil when all are.
    static func undecodable(_ text: UnsafeRawBufferPointer) -> String? {
        guard let base = text.baseAddress else { return nil }
        if sluice_is_utf8(base.assumingMemoryBound(to: UInt8.self), text.count) != 0 { return nil }
        var at = 0
        while at < text.count {
            let lead = text[at]
            guard lead >= 0x80 else {
                at += 1
                continue
            }
            let length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
            if length == 0 { return complaint(text, at, 1, "invalid start byte") }
            var have = 1
            while have < length, at + have < text.count, continues(lead, have, text[at + have]) { have += 1 }
            if have < length {
                return complaint(
                    text, at, have, at + have < text.count ? "invalid continuation byte" : "unexpected end of data")
            }
            at += length
        }
        return nil
    }

    /// Whether `byte` may be the one at `place` behind `lead`.
    private static func continues(_ lead: UInt8, _ place: Int, _ byte: UInt8) -> Bool {
        guard byte & 0xc0 == 0x80 else { return false }
        guard place == 1 else { return true }
        switch lead {
        case 0xe0: return byte >= 0xa0
        case 0xed: return byte < 0xa0
        case 0xf0: return byte >= 0x90
        case 0xf4: return byte < 0x90
        default: return true
        }
    }

    private static func complaint(
        _ text: UnsafeRawBufferPointer, _ at: Int, _ count: Int, _ reason: String
    ) -> String {
        if count > 1 { return "'utf-8' codec can't decode bytes in position \(at)-\(at + count - 1): \(reason)" }
        let hex = String(text[at], radix: 16)
        return "'utf-8' codec can't decode byte 0x\(hex) in position \(at): \(reason)"
    }
}
