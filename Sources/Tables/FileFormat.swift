import Support

/// What a table's file is made of.
public enum FileFormat: String, Sendable, CaseIterable {
    /// Values between commas, or between what an option says.
    case csv
    /// Values between tabs.
    case tsv
    /// One JSON document: an array of records, or one record.
    case json
    /// A JSON record a line.
    case ndjson
    /// Apache Parquet.
    case parquet

    /// The endings by which names tell of this format; the first is the usual one.
    public var fileExtensions: [String] {
        switch self {
        case .csv: ["csv"]
        case .tsv: ["tsv", "tab"]
        case .json: ["json"]
        case .ndjson: ["ndjson", "jsonl"]
        case .parquet: ["parquet", "pq"]
        }
    }

    /// The format that the ending of `name` tells of; what it is packed with is to be taken off before.
    public init?(fileName name: String) {
        guard let dot = name.lastIndex(of: ".") else { return nil }
        let ending = name[name.index(after: dot)...].lowercased()
        guard let format = FileFormat.allCases.first(where: { $0.fileExtensions.contains(ending) }) else { return nil }
        self = format
    }

    /// The format that the first bytes of a file look like; nil when they look like none.
    public static func detect(_ start: [UInt8]) -> FileFormat? {
        if start.starts(with: Array("PAR1".utf8)) { return .parquet }
        let isUTF16 = start.starts(with: [0xff, 0xfe]) || start.starts(with: [0xfe, 0xff])
        if isUTF16 { return delimited(start) }
        var text = start[...]
        if text.starts(with: [0xef, 0xbb, 0xbf]) { text = text.dropFirst(3) }
        // No format of text has control characters.
        if text.contains(where: { $0 < 32 && !isBlank($0) }) { return nil }
        switch text.first(where: { !isBlank($0) }) {
        case UInt8(ascii: "["): return .json
        case UInt8(ascii: "{"): return looksLikeLines(text) ? .ndjson : .json
        case nil: return nil
        default: return delimited(start)
        }
    }

    /// Whether the record that `text` begins with ends where its line does, and whether another follows if one does.
    private static func looksLikeLines(_ text: ArraySlice<UInt8>) -> Bool {
        var depth = 0
        var isQuoted = false
        var isEscaped = false
        for (index, byte) in zip(text.indices, text) {
            if isQuoted {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isQuoted = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                if depth <= 0 {
                    return text[(index + 1)...].first { !isBlank($0) } == UInt8(ascii: "{")
                }
            // A record that goes over several lines is part of a document.
            case UInt8(ascii: "\n") where depth > 0: return false
            default: break
            }
        }
        // The first record is longer than what was looked at, and on one line.
        return depth > 0
    }

    /// CSV, or TSV when the first line has more tabs than commas and semicolons.
    private static func delimited(_ start: [UInt8]) -> FileFormat {
        let line = start.prefix { $0 != UInt8(ascii: "\n") }
        func count(_ character: Character) -> Int { line.count { $0 == character.asciiValue } }
        return count("\t") > max(count(","), count(";")) ? .tsv : .csv
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    /// The formats' names in a sentence.
    static var listed: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
