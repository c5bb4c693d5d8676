public import Columns

/// What becomes of a row that is malformed.
public enum BadRows: Sendable, Hashable {
    /// Reading fails, and says where.
    case fail
    /// It is left out and handed over by `takeBadRows()`, with up to `rawLimit` bytes of its text. No other row changes,
    /// and types are found out as if it were not there.
    case collect(rawLimit: Int = 64 << 10)

    /// How many bytes of a row's text are kept; nil when a malformed row is an error.
    var rawLimit: Int? { if case .collect(let limit) = self { limit } else { nil } }
}

/// A malformed row that was left out.
public struct BadRow: Sendable, Hashable {
    /// The line that it begins on, from 1.
    public var line: Int
    /// Where it begins, in bytes.
    public var offset: Int
    /// What is wrong with it.
    public var reason: String
    /// Its text, cut where it is longer than was asked for.
    public var raw: String

    /// The row in `bytes`, of which up to `limit` are kept.
    init(line: Int, offset: Int, reason: String, bytes: UnsafeRawBufferPointer, limit: Int) {
        self.line = line
        self.offset = offset
        self.reason = reason
        var length = min(bytes.count, max(0, limit))
        // Not in the middle of a character.
        if length < bytes.count { while length > 0, bytes[length] & 0xc0 == 0x80 { length -= 1 } }
        raw = String(decoding: bytes.prefix(length), as: UTF8.self)
    }
}

/// A reader that can leave malformed rows out.
public protocol BadRowReader: BatchReader {
    /// The malformed rows since this was last asked, in the order of the file. They belong to the batches so far, which may
    /// be empty ones so that many malformed rows in a row need no memory: like the batches' rows, they come again from a
    /// reader that is opened again after `SchemaWidened`.
    func takeBadRows() -> [BadRow]
}

extension CSVReader: BadRowReader {}
extension JSONReader: BadRowReader {}
