import Support

/// A text of SQL, cut into what stands between semicolons, or for T-SQL between lines that say `GO`.
///
/// Strings, quoted names, comments and dollar-quoted bodies are gone over whole. The cuts serve to look at statements' first
/// words, and to send batches one by one; a file that is one transaction is sent to the database as it is.
struct SQLScript {
    /// Whose SQL it is.
    enum Language: Sendable {
        case postgres, sqlite, transact
    }

    /// A piece of the text.
    struct Piece: Equatable {
        /// The text, without what it is cut off by.
        var text: String
        /// The line of its first word, from 1.
        var line: Int
        /// How often it is to be run: `GO 3`.
        var count = 1
    }

    /// The pieces that hold more than comments and blanks.
    let pieces: [Piece]

    init(_ text: String, _ language: Language) {
        var cutter = Cutter(bytes: Array(text.utf8), language: language)
        pieces = cutter.cut()
    }

    /// The statement by which a file would end the transaction that it is run in, and its line; nil when there is none.
    ///
    /// `BEGIN` of a procedure's or trigger's body is none.
    var transactionControl: (word: String, line: Int)? {
        for piece in pieces {
            let words = SQLScript.words(of: piece.text, 3)
            switch words.first {
            case "COMMIT", "ABORT": return (words[0], piece.line)
            case "ROLLBACK":
                if words.count > 1,
                    words[1] == "TO" || (words[1] == "TRANSACTION" && words.count > 2 && words[2] == "TO")
                {
                    continue
                }
                return ("ROLLBACK", piece.line)
            case "START" where words.count > 1 && words[1] == "TRANSACTION": return ("START TRANSACTION", piece.line)
            case "BEGIN":
                let next = words.count > 1 ? words[1] : ""
                if ["", "TRANSACTION", "TRAN", "WORK", "IMMEDIATE", "EXCLUSIVE", "DEFERRED", "ISOLATION", "READ"]
                    .contains(next)
                {
                    return ("BEGIN", piece.line)
                }
            default: continue
            }
        }
        return nil
    }

    /// The first words of a statement in upper case, comments left out.
    static func words(of text: String, _ limit: Int) -> [String] {
        var cutter = Cutter(bytes: Array(text.utf8), language: .postgres)
        return cutter.firstWords(limit)
    }
}

private struct Cutter {
    let bytes: [UInt8]
    let language: SQLScript.Language
    var place = 0
    var line = 1

    init(bytes: [UInt8], language: SQLScript.Language) {
        self.bytes = bytes
        self.language = language
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        place + offset < bytes.count ? bytes[place + offset] : 0
    }

    private mutating func step(_ count: Int = 1) {
        for _ in 0..<count where place < bytes.count {
            if bytes[place] == UInt8(ascii: "\n") { line += 1 }
            place += 1
        }
    }

    mutating func cut() -> [SQLScript.Piece] {
        var pieces: [SQLScript.Piece] = []
        var start = 0
        var firstLine: Int?
        var depth = 0
        func end(at stop: Int, _ count: Int = 1) {
            guard let line = firstLine else { return }
            pieces.append(
                SQLScript.Piece(text: String(decoding: bytes[start..<stop], as: UTF8.self), line: line, count: count))
            firstLine = nil
        }
        while place < bytes.count {
            if language == .transact, isAtLineStart, let (length, count) = separator() {
                end(at: place, count)
                step(length)
                start = place
                continue
            }
            if skipComment() { continue }
            let current = byte()
            if current == UInt8(ascii: ";"), language != .transact, depth == 0 {
                end(at: place)
                step()
                start = place
                continue
            }
            if !Cutter.isSpace(current), current != UInt8(ascii: ";"), firstLine == nil {
                firstLine = line
                start = place
            }
            if skipQuoted() { continue }
            if current == UInt8(ascii: "(") { depth += 1 }
            if current == UInt8(ascii: ")"), depth > 0 { depth -= 1 }
            step()
        }
        end(at: bytes.count)
        return pieces
    }

    mutating func firstWords(_ limit: Int) -> [String] {
        var words: [String] = []
        var word = ""
        while place < bytes.count, words.count < limit {
            if word.isEmpty, skipComment() { continue }
            let current = byte()
            if Cutter.isLetter(current) {
                word.unicodeScalars.append(Unicode.Scalar(current))
                step()
                continue
            }
            if !word.isEmpty {
                words.append(word.uppercased())
                word = ""
            } else if !Cutter.isSpace(current) {
                break
            } else {
                step()
            }
        }
        if !word.isEmpty, words.count < limit { words.append(word.uppercased()) }
        return words
    }

    // MARK: Parts

    private var isAtLineStart: Bool { place == 0 || bytes[place - 1] == UInt8(ascii: "\n") }

    /// The length of a line that says `GO`, and how often what stands before it is to be run; nil on any other line.
    private func separator() -> (length: Int, count: Int)? {
        var end = place
        while end < bytes.count, bytes[end] != UInt8(ascii: "\n") { end += 1 }
        let words = String(decoding: bytes[place..<end], as: UTF8.self).uppercased()
            .split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\r" })
        guard words.first == "GO" else { return nil }
        let length = min(end + 1, bytes.count) - place
        if words.count == 1 || words[1].hasPrefix("--") { return (length, 1) }
        guard let count = Int(words[1]), (1...1000).contains(count), words.count == 2 || words[2].hasPrefix("--") else {
            return nil
        }
        return (length, count)
    }

    private mutating func skipComment() -> Bool {
        if byte() == UInt8(ascii: "-"), byte(1) == UInt8(ascii: "-") {
            while place < bytes.count, byte() != UInt8(ascii: "\n") { step() }
            return true
        }
        guard byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") else { return false }
        step(2)
        var depth = 1
        while place < bytes.count, depth > 0 {
            if byte() == UInt8(ascii: "*"), byte(1) == UInt8(ascii: "/") {
                depth -= 1
                step(2)
            } else if language != .sqlite, byte() == UInt8(ascii: "/"), byte(1) == UInt8(ascii: "*") {
                depth += 1
                step(2)
            } else {
                step()
            }
        }
        return true
    }

    /// Goes over a string, a quoted name or a body between dollar signs that begins here.
    private mutating func skipQuoted() -> Bool {
        switch byte() {
        case UInt8(ascii: "'"):
            let letter = place > 0 ? bytes[place - 1] | 0x20 : 0
            let isOwnWord = place < 2 || !Cutter.isLetter(bytes[place - 2])
            skip(
                to: UInt8(ascii: "'"),
                escapes: language == .postgres && letter == UInt8(ascii: "e") && isOwnWord)
        case UInt8(ascii: "\""): skip(to: UInt8(ascii: "\""))
        case UInt8(ascii: "`") where language == .sqlite: skip(to: UInt8(ascii: "`"))
        case UInt8(ascii: "[") where language != .postgres: skip(to: UInt8(ascii: "]"))
        case UInt8(ascii: "$") where language == .postgres: return skipDollars()
        default: return false
        }
        return true
    }

    private mutating func skip(to close: UInt8, escapes: Bool = false) {
        step()
        while place < bytes.count {
            if escapes, byte() == UInt8(ascii: "\\") {
                step(2)
            } else if byte() == close {
                step()
                if byte() != close { return }
                step()
            } else {
                step()
            }
        }
    }

    private mutating func skipDollars() -> Bool {
        if place > 0, Cutter.isLetter(bytes[place - 1]) { return false }
        var end = place + 1
        while end < bytes.count, Cutter.isLetter(bytes[end]) { end += 1 }
        guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else { return false }
        let first = place + 1
        if first < end, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[first]) { return false }
        let mark = Array(bytes[place...end])
        step(mark.count)
        while place < bytes.count {
            if byte() == UInt8(ascii: "$"), bytes[place...].starts(with: mark) {
                step(mark.count)
                break
            }
            step()
        }
        return true
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool {
        byte >= 0x80 || byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
