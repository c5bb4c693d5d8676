/// A value as SQLite has them, for parameters and small answers.
public enum SQLiteValue: Sendable, Hashable {
    /// No value.
    case null
    /// A whole number.
    case integer(Int64)
    /// A float.
    case real(Double)
    /// Text.
    case text(String)
    /// Bytes.
    case blob([UInt8])

    /// The whole number, if it is one.
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    /// The text, if it is some.
    public var text: String? { if case .text(let value) = self { value } else { nil } }
    /// Whether there is no value.
    public var isNull: Bool { self == .null }
}

/// A small answer.
public struct SQLiteRows: Sendable {
    /// The columns' names.
    public let names: [String]
    /// The rows.
    public let rows: [[SQLiteValue]]
    /// How many rows the statement inserted, updated or deleted, those that triggers did not counted.
    public let changed: Int
    /// The id of the row that was inserted last.
    public let lastRowID: Int64

    /// The first value of the first row.
    public var single: SQLiteValue? { rows.first?.first }
}
