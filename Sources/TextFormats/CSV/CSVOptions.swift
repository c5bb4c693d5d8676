/// How characters are written as bytes.
public enum TextEncoding: String, Sendable, Hashable, CaseIterable {
    /// UTF-8, with a byte order mark or without.
    case utf8
    /// UTF-16, low byte first.
    case utf16le
    /// UTF-16, high byte first.
    case utf16be
    /// ISO 8859-1: a byte a character.
    case latin1
}

/// What a CSV file is like, and how it is to be read. The defaults fit what most programs write.
public struct CSVOptions: Sendable {
    /// What to do with a record that has fewer fields than the first.
    public enum Ragged: String, Sendable, Hashable, CaseIterable {
        /// Fail, and say where.
        case error
        /// Take the missing fields as null, and leave out empty ones beyond the last column. More fields with something in
        /// them are an error all the same.
        case null
    }

    /// The byte between fields; nil finds out which of `,` `;` tab and `|` it is.
    public var delimiter: UInt8?
    /// The byte around fields that hold delimiters, quotes or line ends; nil when nothing is quoted.
    public var quote: UInt8? = UInt8(ascii: "\"")
    /// The byte that takes the meaning away from the one behind it; nil when a quote is doubled instead.
    public var escape: UInt8?
    /// Whether the first record names the columns; nil finds out, and takes it that it does when that cannot be told.
    public var header: Bool? = true
    /// The encoding; nil goes by the byte order mark, recognises UTF-16 without one, and is UTF-8 otherwise.
    public var encoding: TextEncoding?
    /// What to do with short records.
    public var ragged = Ragged.error
    /// What to do with malformed records: those with too few or too many fields (as `ragged` has it), those that are not
    /// UTF-8, and those with a quoted field that takes in a line end and has text behind its closing quote: a quote was
    /// opened by mistake then, and all lines up to there are one malformed record. A quote that is still open at the end of
    /// the file is an error all the same, because nothing tells where the text was to go on, and so is a record beyond
    /// `maxRecordBytes`; a malformed first record leaves no columns to read the others by.
    public var badRows = BadRows.fail
    /// What stands for no value, when it is not quoted. A quoted empty field is the empty string. Without the empty text here,
    /// an empty field is an empty string too.
    public var nullTexts = [""]
    /// The byte that makes a comment of a line that begins with it.
    public var comment: UInt8?
    /// How many lines to leave out at the start.
    public var skipLines = 0
    /// The columns' names, in place of those in the header.
    public var columnNames: [String]?
    /// Whether to find out the columns' types; when not, all are text.
    public var inference = true
    /// How many chunks are parsed at a time; nil means one a processor.
    public var parallelism: Int?
    /// About how many bytes are parsed at a time into one batch.
    public var chunkBytes = 1 << 20
    /// How long a record may be; a missing quote shows when it is exceeded. At most 1 GiB.
    public var maxRecordBytes = 64 << 20
    /// How many columns there may be.
    public var maxColumns = 100_000

    /// The defaults.
    public init() {}
}

/// What a file turned out to be like.
struct CSVDialect: Sendable, Hashable {
    var delimiter: UInt8
    /// `\n`, or `\r` in a file that has only those.
    var newline: UInt8 = UInt8(ascii: "\n")
    var quote: UInt8?
    var escape: UInt8?
    var comment: UInt8?
}
