public import Columns
public import Support

/// SQLite's names and types.
///
/// A column's declared type decides by its letters (`affinity`) what SQLite makes of a value: a column declared DECIMAL
/// or NUMERIC turns the text of a number into a float. So whatever must stay text has TEXT in its declared type.
public struct SQLiteDialect: SQLDialect {
    /// The dialect.
    public init() {}

    /// `SQLite`
    public var name: String { "SQLite" }
    /// It does not.
    public var distinguishesCase: Bool { false }
    /// It has no statement for that.
    public var canAllowNull: Bool { false }

    /// A name in double quotes, of any length.
    public func quote(_ name: String) throws(SluiceError) -> String {
        try quote(name, between: "\"", and: "\"", limit: nil)
    }

    /// A declared type that says what the values are, and whose affinity leaves them as they are.
    public func sqlType(for type: DataType) -> String {
        switch storedType(for: type) {
        case .bool: "BOOLEAN"
        case .int64: "INTEGER"
        case .float64: "REAL"
        case .decimal(let precision, let scale): "DECIMAL_TEXT(\(precision),\(scale))"
        case .binary: "BLOB"
        case .date: "DATE_TEXT"
        case .time: "TIME_TEXT"
        case .timestamp(_, nil): "DATETIME_TEXT"
        case .timestamp: "TIMESTAMP_TEXT"
        case .uuid: "UUID_TEXT"
        case .json: "JSON_TEXT"
        default: "TEXT"
        }
    }

    /// What a column of such a type is bound from.
    public func storedType(for type: DataType) -> DataType {
        switch type {
        case .int8, .int16, .int32, .uint8, .uint16, .uint32: .int64
        // Beyond 64 signed bits SQLite has floats only.
        case .uint64: .decimal(precision: 20, scale: 0)
        case .float16, .float32: .float64
        case .decimal(let precision, let scale) where scale < 0:
            precision - scale <= 38 ? .decimal(precision: precision - scale, scale: 0) : .utf8
        case .fixedBinary: .binary
        case .list, .structure, .map: .json
        case .null: .utf8
        default: type
        }
    }

    /// A declared type never changes, and seldom has to: integer columns hold floats as well, and text holds everything.
    public func widening(of column: TableColumn, to type: DataType) -> Widening {
        if type == .null { return .fits(as: column.type) }
        let stored = storedType(for: type)
        switch (column.type, stored) {
        case (let old, let new) where old == new: return .fits(as: old)
        case (.utf8, _): return .fits(as: .utf8)
        case (.json, .utf8): return .impossible
        case (.json, _): return .fits(as: .json)
        case (.binary, .uuid): return .fits(as: .binary)
        case (.int64, .float64): return .fits(as: .float64)
        case (.float64, .int64), (.float64, .decimal): return .fits(as: .float64)
        case (.decimal(let precision, let scale), .float64):
            return .fits(as: .decimal(precision: precision, scale: scale))
        case (.decimal, .decimal), (.decimal, .int64):
            // Kept as text, which has room for more digits than were declared.
            let union = DataType.union(column.type, stored)
            return union.isNumeric ? .fits(as: union) : .impossible
        case (.date, .timestamp): return .impossible
        case (.timestamp(let unit, let zone), .timestamp(let other, let otherZone)):
            guard (zone == nil) == (otherZone == nil) else { return .impossible }
            return .fits(as: .timestamp(unit.ticksPerSecond > other.ticksPerSecond ? unit : other, zone: zone))
        case (.timestamp, .date): return .fits(as: column.type)
        case (.time(let unit), .time(let other)):
            return .fits(as: .time(unit.ticksPerSecond > other.ticksPerSecond ? unit : other))
        default: return .impossible
        }
    }
}
