public import Columns
import SQLite
public import Support

/// SQLite's names and types. What a column is declared as, and why, is told at `SQLiteType`.
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

    /// A declared type that says what the values are, and that leaves them as they are.
    public func sqlType(for type: DataType) -> String { SQLiteType.declaration(for: type) }

    /// What a column of such a type is written with, and read as.
    public func storedType(for type: DataType) -> DataType { SQLiteType.stored(type) }

    /// A declared type binds only as far as it turns text into numbers, so integers, floats and text go into more columns
    /// than their own. Where it says how values are to be read, the column is made anew with a wider one.
    public func widening(of column: TableColumn, to type: DataType) -> Widening {
        if type == .null { return .fits(as: column.type) }
        let wanted = unconstrained(of: column, to: SQLiteType.stored(type))
        if case .alter = wanted, !column.isAlterable { return .impossible }
        return wanted
    }

    private func unconstrained(of column: TableColumn, to stored: DataType) -> Widening {
        guard let old = SQLiteType.columnType(declared: column.sqlType) else { return undeclared(column, stored) }
        switch (old, stored) {
        case _ where old == stored: return .fits(as: old)
        case (.utf8, _): return .fits(as: .utf8)
        case (.json, .utf8): return .impossible
        case (.json, _): return .fits(as: .json)
        case (.binary, .uuid): return .fits(as: .binary)
        case (.date, .timestamp): return .alter(to: sqlType(for: stored), as: stored)
        case (.timestamp, .date): return .fits(as: old)
        case (.timestamp(let unit, let zone), .timestamp(let other, let otherZone)):
            guard (zone == nil) == (otherZone == nil) else { return .impossible }
            return other.ticksPerSecond > unit.ticksPerSecond
                ? .alter(to: sqlType(for: stored), as: stored) : .fits(as: old)
        case (.time(let unit), .time(let other)):
            return other.ticksPerSecond > unit.ticksPerSecond
                ? .alter(to: sqlType(for: stored), as: stored) : .fits(as: old)
        case _ where old.isNumeric && stored.isNumeric: return numbers(old, stored)
        default: return .impossible
        }
    }

    private func numbers(_ old: DataType, _ new: DataType) -> Widening {
        switch (old, new) {
        // An integer column keeps a float as it is.
        case (.int64, .float64), (.float64, _): return .fits(as: .float64)
        case (.decimal, .float64): return .fits(as: old)
        default: break
        }
        let union = DataType.union(old, new)
        if union == old { return .fits(as: old) }
        return union.isNumeric ? .alter(to: sqlType(for: union), as: SQLiteType.stored(union)) : .impossible
    }

    /// A column that is declared as nothing in particular keeps what it is given, unless that is text and would be a
    /// number.
    private func undeclared(_ column: TableColumn, _ stored: DataType) -> Widening {
        guard SQLiteType.turnsTextIntoNumbers(declared: column.sqlType) else { return .fits(as: stored) }
        switch stored {
        case .utf8, .json: return .impossible
        case .decimal: return sqlType(for: stored).hasPrefix("DECIMAL(") ? .fits(as: stored) : .impossible
        default: return .fits(as: stored)
        }
    }
}
