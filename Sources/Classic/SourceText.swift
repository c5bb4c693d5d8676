import CScan

/// What Python says of bytes that are no text.
enum SourceText {
    /// Whether the text begins with a byte order mark, which Python's decoder takes for part of it.
    static func beginsWithMark(_ text: UnsafeRawBufferPointer) -> Bool {
        text.count >= 3 && text[0] == 0xef && text[1] == 0xbb && text[2] == 0xbf
    }

    /// How many bytes at the end begin a character that is not whole.
    static func unfinished(_ text: UnsafeRawBufferPointer) -> Int {
        for count in 1...3 where count <= text.count {
            let byte = text[text.count - count]
            if byte & 0xc0 != 0x80 { return length(byte) > count ? count : 0 }
        }
        return 0
    }

    /// What Python says of the first bytes that are not UTF-8, of a text that stands at `position`; nil when all are.
    static func undecodable(_ text: UnsafeRawBufferPointer, at position: Int) -> String? {
        guard let base = text.baseAddress else { return nil }
        if sluice_is_utf8(base.assumingMemoryBound(to: UInt8.self), text.count) != 0 { return nil }
        var at = 0
        while at < text.count {
            let lead = text[at]
            let length = length(lead)
            if length == 0 { return complaint(lead, position + at, 1, "invalid start byte") }
            var have = 1
            while have < length, at + have < text.count, continues(lead, have, text[at + have]) { have += 1 }
            if have < length {
                let reason = at + have < text.count ? "invalid continuation byte" : "unexpected end of data"
                return complaint(lead, position + at, have, reason)
            }
            at += length
        }
        return nil
    }

    /// How many bytes a character has that begins with `lead`; 0 when none does.
    private static func length(_ lead: UInt8) -> Int {
        switch lead {
        case ..<0x80: 1
        case 0xc2..<0xe0: 2
        case 0xe0..<0xf0: 3
        case 0xf0..<0xf5: 4
        default: 0
        }
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

    private static func complaint(_ lead: UInt8, _ at: Int, _ count: Int, _ reason: String) -> String {
        if count > 1 { return "'utf-8' codec can't decode bytes in position \(at)-\(at + count - 1): \(reason)" }
        return "'utf-8' codec can't decode byte 0x\(String(lead, radix: 16)) in position \(at): \(reason)"
    }
}
