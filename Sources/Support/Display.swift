/// Text on its way to a terminal: what it may hold, and how many columns it takes.
public enum Display {
    /// `text` without anything that a terminal would act on: control characters are written as `\n`, `\u{1b}`.
    public static func safe(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) { return text }
        var safe = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": safe += "\\n"
            case "\r": safe += "\\r"
            case "\t": safe += "\\t"
            // The last two ranges turn the direction of writing, which could make one text look like another.
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}"..."\u{202e}", "\u{2066}"..."\u{2069}":
                safe += "\\u{\(String(scalar.value, radix: 16))}"
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }

    /// How many columns a text without control characters takes.
    public static func width(_ text: String) -> Int {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text.utf8.count }
        return text.reduce(0) { $0 + width($1) }
    }

    /// How many columns a character takes: a base with its marks, or an emoji of several parts, is one.
    public static func width(_ character: Character) -> Int {
        if character.isASCII { return 1 }
        var sum = 0
        var isEmoji = false
        for scalar in character.unicodeScalars {
            sum += width(scalar)
            switch scalar.value {
            // A joiner, "show as emoji", a flag's letter, a skin tone.
            case 0x200d, 0xfe0f, 0x1f1e6...0x1f1ff, 0x1f3fb...0x1f3ff: isEmoji = true
            default: break
            }
        }
        return isEmoji && sum > 0 ? 2 : sum
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return scalar.value == 0xad ? 0 : 1 }
        // The vowels and final consonants of Korean join the syllable before them.
        if (0x1160...0x11ff).contains(scalar.value) || (0xd7b0...0xd7ff).contains(scalar.value) { return 0 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return isWide(scalar.value) ? 2 : 1
        }
    }

    private static func isWide(_ value: UInt32) -> Bool {
        var low = 0
        var high = wide.count / 2
        while low < high {
            let middle = (low + high) / 2
            if value > wide[2 * middle + 1] { low = middle + 1 } else { high = middle }
        }
        return low < wide.count / 2 && value >= wide[2 * low]
    }

    /// The beginning of `text` that fits `room` columns, with `…` in place of what does not.
    public static func cut(_ text: String, to room: Int) -> String {
        if text.utf8.count <= room || width(text) <= room { return text }
        var cut = ""
        var left = room - 1
        for character in text {
            left -= width(character)
            if left < 0 { break }
            cut.append(character)
        }
        return room > 0 ? cut + "…" : ""
    }

    /// `text` with blanks beside it, so that it takes `room` columns.
    public static func pad(_ text: String, to room: Int, right: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, room - width(text)))
        return right ? blanks + text : text + blanks
    }

    /// The first and last of each run of characters that Unicode's EastAsianWidth calls wide or full width, version
    /// 14.0.0; what is not assigned between two runs counts as wide.
    private static let wide: [UInt32] = [
        0x1100, 0x115f, 0x231a, 0x231b, 0x2329, 0x232a, 0x23e9, 0x23ec, 0x23f0, 0x23f0, 0x23f3, 0x23f3,
        0x25fd, 0x25fe, 0x2614, 0x2615, 0x2648, 0x2653, 0x267f, 0x267f, 0x2693, 0x2693, 0x26a1, 0x26a1,
        0x26aa, 0x26ab, 0x26bd, 0x26be, 0x26c4, 0x26c5, 0x26ce, 0x26ce, 0x26d4, 0x26d4, 0x26ea, 0x26ea,
        0x26f2, 0x26f3, 0x26f5, 0x26f5, 0x26fa, 0x26fa, 0x26fd, 0x26fd, 0x2705, 0x2705, 0x270a, 0x270b,
        0x2728, 0x2728, 0x274c, 0x274c, 0x274e, 0x274e, 0x2753, 0x2755, 0x2757, 0x2757, 0x2795, 0x2797,
        0x27b0, 0x27b0, 0x27bf, 0x27bf, 0x2b1b, 0x2b1c, 0x2b50, 0x2b50, 0x2b55, 0x2b55, 0x2e80, 0x303e,
        0x3041, 0x3247, 0x3250, 0x4dbf, 0x4e00, 0xa4c6, 0xa960, 0xa97c, 0xac00, 0xd7a3, 0xf900, 0xfad9,
        0xfe10, 0xfe6b, 0xff01, 0xff60, 0xffe0, 0xffe6, 0x16fe0, 0x18d08, 0x1aff0, 0x1b2fb, 0x1f004, 0x1f004,
        0x1f0cf, 0x1f0cf, 0x1f18e, 0x1f18e, 0x1f191, 0x1f19a, 0x1f200, 0x1f265, 0x1f300, 0x1f320,
        0x1f32d, 0x1f335, 0x1f337, 0x1f37c, 0x1f37e, 0x1f393, 0x1f3a0, 0x1f3ca, 0x1f3cf, 0x1f3d3,
        0x1f3e0, 0x1f3f0, 0x1f3f4, 0x1f3f4, 0x1f3f8, 0x1f43e, 0x1f440, 0x1f440, 0x1f442, 0x1f4fc,
        0x1f4ff, 0x1f53d, 0x1f54b, 0x1f54e, 0x1f550, 0x1f567, 0x1f57a, 0x1f57a, 0x1f595, 0x1f596,
        0x1f5a4, 0x1f5a4, 0x1f5fb, 0x1f64f, 0x1f680, 0x1f6c5, 0x1f6cc, 0x1f6cc, 0x1f6d0, 0x1f6d2,
        0x1f6d5, 0x1f6df, 0x1f6eb, 0x1f6ec, 0x1f6f4, 0x1f6fc, 0x1f7e0, 0x1f7f0, 0x1f90c, 0x1f93a,
        0x1f93c, 0x1f945, 0x1f947, 0x1f9ff, 0x1fa70, 0x1faf6, 0x20000, 0x3fffd,
    ]
}
