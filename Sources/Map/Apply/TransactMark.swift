import Support

/// The comment by which a view of T-SQL is known: `/* sluice map PROJECT.JOB HASH SOURCE */`, first thing behind `AS`.
///
/// It is part of the view's definition, which every server keeps and shows to whoever may see definitions. Serverless pools
/// have neither tables nor extended properties to write such things into.
struct TransactMark: Equatable {
    /// What the source of a view is called that holds a ledger.
    static let ledger = "ledger"

    /// The words for whose it is, without the hash: `sluice map shop.names`.
    var owner: String
    var hash: String
    var source: String

    private static let opening = "/* "
    private static let closing = " */"

    /// The comment.
    var text: String {
        TransactMark.opening + SQLText.comment(owner) + " \(hash) \(TransactMark.encoded(source))"
            + TransactMark.closing
    }

    init(owner: String, hash: String, source: String) {
        self.owner = owner
        self.hash = hash
        self.source = source
    }

    /// The mark of `owner` in the definition of a view; nil where there is none of it.
    init?(in definition: String, of owner: String) {
        guard let words = TransactMark.words(in: definition) else { return nil }
        let prefix = SQLText.comment(owner) + " "
        guard words.hasPrefix(prefix) else { return nil }
        let rest = words.dropFirst(prefix.count).split(separator: " ", maxSplits: 1)
        guard let hash = rest.first, hash.utf8.count == 16, hash.allSatisfy(\.isHexDigit) else {
            return nil
        }
        self.init(owner: owner, hash: String(hash), source: rest.count == 2 ? TransactMark.decoded(rest[1]) : "")
    }

    /// Whether a definition is that of anybody's ledger.
    static func isLedger(_ definition: String) -> Bool {
        words(in: definition)?.hasSuffix(" " + ledger) ?? false
    }

    /// What stands in the comment that a definition begins with; nil when that is none of Sluice's.
    private static func words(in definition: String) -> Substring? {
        // Behind the first `AS` of a line's end: a name with line ends or comments in it comes before, and a text that looks
        // like a mark behind.
        guard
            let start = definition.firstRange(of: " AS\n" + opening + "sluice map ")
                ?? definition.firstRange(of: " AS\r\n" + opening + "sluice map ")
        else { return nil }
        guard let open = definition[start.lowerBound...].firstRange(of: opening) else { return nil }
        let rest = definition[open.upperBound...]
        guard let end = rest.firstRange(of: closing) else { return nil }
        return rest[..<end.lowerBound]
    }

    /// `text` such that it ends no comment and no line, and reads the same again.
    static func encoded(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            // What ends a comment or the mark, and what programs that run scripts take for a variable.
            case "%", "*", " ", "$", "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{2028}"..."\u{202e}",
                "\u{2066}"..."\u{2069}":
                result += String(scalar).percentEncoded
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func decoded(_ text: some StringProtocol) -> String { String(text).percentDecoded() ?? String(text) }
}

/// Which external tables a job has made. They have no definition to bear a mark, so a view of the job's own holds the list.
struct TransactLedger: Equatable {
    /// What is known of one table.
    struct Entry: Equatable {
        /// Its data source.
        var place: String
        /// What it was made by; empty from the moment in which somebody begins to make it until it is there.
        var hash: String
        /// The table of the lake that it stands for.
        var source: String
    }

    var entries: [String: Entry] = [:]

    /// A line for each table.
    var text: String {
        entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { name, entry in
            [name, entry.place, entry.hash.isEmpty ? "-" : entry.hash, entry.source].map(TransactMark.encoded)
                .joined(separator: " ")
        }.joined(separator: "\n")
    }

    init() {}

    /// Reads `text`; lines that are none are passed over.
    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " ", omittingEmptySubsequences: false).map(TransactMark.decoded)
            guard parts.count == 4 else { continue }
            entries[parts[0]] = Entry(place: parts[1], hash: parts[2] == "-" ? "" : parts[2], source: parts[3])
        }
    }
}
