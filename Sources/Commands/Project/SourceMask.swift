import Support

/// Hides what looks like a secret in a line of a user's file, sign by sign, so that a caret below still fits.
///
/// Secrets belong in `${secret.…}`; where one was written out, a message about its neighbour must not spread it.
enum SourceMask {
    /// `line` with the values of secret-like keys and the passwords of URLs replaced by asterisks.
    static func hidingSecrets(in line: String) -> String {
        var letters = Array(line.unicodeScalars)
        hideValues(&letters)
        hideUserInfo(&letters)
        var text = ""
        text.unicodeScalars.append(contentsOf: letters)
        return text
    }

    private static func hideValues(_ letters: inout [Unicode.Scalar]) {
        for colon in letters.indices where letters[colon] == ":" {
            var end = colon
            while end > 0, isQuote(letters[end - 1]) || letters[end - 1] == " " { end -= 1 }
            var start = end
            while start > 0, isWord(letters[start - 1]) { start -= 1 }
            guard Redactor.isSecret(key: String(String.UnicodeScalarView(letters[start..<end]))) else { continue }
            var value = colon + 1
            while value < letters.count, letters[value] == " " { value += 1 }
            guard value < letters.count else { continue }
            var stop = value + 1
            if isQuote(letters[value]) {
                while stop < letters.count, letters[stop] != letters[value] { stop += 1 }
                value += 1
            } else {
                while stop < letters.count, letters[stop] != ",", letters[stop] != "}" { stop += 1 }
            }
            hide(&letters, value..<min(max(stop, value), letters.count))
        }
    }

    /// The password of `scheme://user:password@host`.
    private static func hideUserInfo(_ letters: inout [Unicode.Scalar]) {
        guard letters.count > 4 else { return }
        for index in 0..<(letters.count - 3)
        where letters[index] == ":" && letters[index + 1] == "/" && letters[index + 2] == "/" {
            let rest = (index + 3)..<letters.count
            let end = rest.first { isQuote(letters[$0]) || letters[$0] == " " } ?? letters.count
            guard let at = (index + 3..<end).last(where: { letters[$0] == "@" }),
                let colon = (index + 3..<at).first(where: { letters[$0] == ":" })
            else { continue }
            hide(&letters, colon + 1..<at)
        }
    }

    /// A reference is no secret.
    private static func hide(_ letters: inout [Unicode.Scalar], _ range: Range<Int>) {
        let text = String(String.UnicodeScalarView(letters[range]))
        if text.contains("${") { return }
        for index in range where letters[index] != " " { letters[index] = "*" }
    }

    private static func isQuote(_ letter: Unicode.Scalar) -> Bool { letter == "\"" || letter == "'" }

    private static func isWord(_ letter: Unicode.Scalar) -> Bool {
        letter == "_" || letter == "-" || letter.properties.isAlphabetic || ("0"..."9").contains(letter)
    }
}
