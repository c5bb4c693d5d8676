public import Columns
import ODBC
public import Support

/// Who makes a server that speaks T-SQL, as far as it matters.
package enum SQLServerEngine: Sendable {
    /// SQL Server, Azure SQL, Fabric.
    case microsoft
    /// Babelfish, which is PostgreSQL inside. A column that gets another type there keeps all else, which cannot be said.
    case babelfish

    /// Asks for Babelfish's version, which others do not have.
    package static let question = "SELECT CONVERT(NVARCHAR(128), SERVERPROPERTY('BabelfishVersion')) AS version"
}

/// SQL Server's names and types.
public struct SQLServerDialect: SQLDialect {
    /// How many characters new text columns take at first; nil for any number.
    private let textLength: Int?
    /// Whose server it is.
    let engine: SQLServerEngine

    /// The dialect.
    ///
    /// - parameter textLength: How many characters (units of UTF-16, at most 4000) new text columns take, where columns of
    ///   any length are not wanted. One that turns out to be too short is widened.
    public init(textLength: Int? = nil) { self.init(textLength: textLength, engine: .microsoft) }

    init(textLength: Int?, engine: SQLServerEngine) {
        self.textLength = textLength.map { min(max($0, 1), 4000) }
        self.engine = engine
    }

    /// `SQL Server`
    public var name: String { "SQL Server" }
    /// As a rule it does not: that is up to the database's collation.
    public var distinguishesCase: Bool { false }
    /// It can, as Microsoft makes it.
    public var canAllowNull: Bool { engine == .microsoft }

    /// A name in brackets, of at most 128 units of UTF-16. One that has a closing bracket stands in quotes, since not all
    /// servers that speak T-SQL read `]]`; sessions have QUOTED_IDENTIFIER on.
    public func quote(_ name: String) throws(SluiceError) -> String {
        let hasBracket = name.unicodeScalars.contains("]")
        let quoted = try quote(name, between: hasBracket ? "\"" : "[", and: hasBracket ? "\"" : "]", limit: nil)
        if name.utf16.count > 128 {
            throw SluiceError(
                .invalidConfiguration,
                "the name \"\(name.prefix(80))…\" has \(name.utf16.count) characters; SQL Server takes 128",
                hint: "Give it a shorter name in the query that reads it, or in the job")
        }
        return quoted
    }

    /// The narrowest type of the server that holds all values of `type` exactly. Nanoseconds are the exception: a value
    /// that is not a whole number of 100 of them is refused when it is written.
    public func sqlType(for type: DataType) -> String {
        switch storedType(for: type) {
        case .bool: "BIT"
        case .uint8: "TINYINT"
        case .int16: "SMALLINT"
        case .int32: "INT"
        case .int64: "BIGINT"
        case .float32: "REAL"
        case .float64: "FLOAT"
        case .decimal(let precision, let scale): "DECIMAL(\(precision),\(scale))"
        case .binary: "VARBINARY(MAX)"
        case .date: "DATE"
        case .time(let unit): "TIME(\(Self.digits(unit)))"
        case .timestamp(let unit, nil): "DATETIME2(\(Self.digits(unit)))"
        case .timestamp(let unit, _): "DATETIMEOFFSET(\(Self.digits(unit)))"
        case .uuid: "UNIQUEIDENTIFIER"
        case .json: "NVARCHAR(MAX)"
        default: textLength.map { "NVARCHAR(\($0))" } ?? "NVARCHAR(MAX)"
        }
    }

    static func digits(_ unit: TimeUnit) -> Int { unit == .nanosecond ? 7 : 6 }

    /// What the server's type is sent from.
    public func storedType(for type: DataType) -> DataType {
        switch type {
        case .int8: .int16
        case .uint16: .int32
        case .uint32: .int64
        case .uint64: .decimal(precision: 20, scale: 0)
        case .float16: .float32
        case .decimal(let precision, let scale) where scale < 0:
            precision - scale <= 38 ? .decimal(precision: precision - scale, scale: 0) : .utf8
        case .decimal(let precision, let scale) where scale > precision:
            scale <= 38 ? .decimal(precision: scale, scale: scale) : .utf8
        case .fixedBinary: .binary
        case .time(let unit): .time(Self.kept(unit))
        case .timestamp(let unit, let zone): .timestamp(Self.kept(unit), zone: zone == nil ? nil : "UTC")
        case .list, .structure, .map: .json
        case .null: .utf8
        default: type
        }
    }

    private static func kept(_ unit: TimeUnit) -> TimeUnit { unit == .nanosecond ? .nanosecond : .microsecond }

    /// Integers widen to integers and decimals, decimals to larger ones, reals to floats, dates to timestamps, rounded
    /// timestamps to finer ones. Floats go into decimals, and whole numbers and decimals into floats, as long as each
    /// value does so exactly.
    public func widening(of column: TableColumn, to type: DataType) -> Widening {
        if type == .null { return .fits(as: column.type) }
        let wanted = unconstrained(of: column, to: type)
        if case .alter = wanted, !column.isAlterable { return .impossible }
        return wanted
    }

    private func unconstrained(of column: TableColumn, to type: DataType) -> Widening {
        let stored = storedType(for: type)
        let word = SQLServerType(column.sqlType)
        switch (column.type, stored) {
        case (.timestamp(_, let zone), .timestamp(_, let other)):
            guard (zone == nil) == (other == nil), case .timestamp(let incoming, _) = type else { return .impossible }
            // Finer than they come need no values be told: years that nanoseconds do not reach stay possible.
            return word.keeps(incoming)
                ? .fits(as: .timestamp(incoming, zone: other)) : .alter(to: sqlType(for: type), as: stored)
        case (.timestamp(_, let zone), .date): return .fits(as: .timestamp(.microsecond, zone: zone))
        case (.date, .timestamp): return .alter(to: sqlType(for: type), as: stored)
        case (.time, .time):
            guard case .time(let incoming) = type else { return .impossible }
            return word.keeps(incoming) ? .fits(as: .time(incoming)) : .alter(to: sqlType(for: type), as: stored)
        case (.utf8, _): return stored == .utf8 || word.isText ? .fits(as: .utf8) : .impossible
        case (.binary, .binary) where word.name == "BINARY":
            // It is filled up with zeros, which are then part of the value.
            if case .fixedBinary(word.first ?? -1) = type { return .fits(as: .binary) }
            return .alter(to: "VARBINARY(MAX)", as: .binary)
        case (.binary, .uuid): return .fits(as: .binary)
        case (let old, let new) where old == new: return .fits(as: old)
        case (let old, let new) where old.isNumeric && new.isNumeric: return numbers(old, new)
        default: return .impossible
        }
    }

    private func numbers(_ old: DataType, _ new: DataType) -> Widening {
        let union = DataType.union(old, new)
        if union == old { return .fits(as: old) }
        switch (old, new) {
        case (.decimal, .float32), (.decimal, .float64): return .fits(as: old)
        case (.float64, _): return .fits(as: .float64)
        case (.float32, _): return .alter(to: "FLOAT", as: .float64)
        default: break
        }
        return union.isNumeric ? .alter(to: sqlType(for: union), as: storedType(for: union)) : .impossible
    }

    /// How values of a column's `type` are sent; nil for types that no column of ours has.
    static func bulkType(_ type: DataType) -> ODBCBulkType? {
        switch type {
        case .bool: .bit
        case .uint8: .tinyint
        case .int16: .smallint
        case .int32: .int
        case .int64: .bigint
        case .float32: .real
        case .float64: .float
        case .decimal(let precision, let scale): .decimal(precision: precision, scale: scale)
        case .utf8, .json: .text(limit: nil)
        case .binary: .bytes
        case .date: .date
        case .time(let unit): .time(digits: digits(unit))
        case .timestamp(let unit, nil): .wallClock(digits: digits(unit))
        case .timestamp(let unit, _): .moment(digits: digits(unit))
        case .uuid: .uuid
        default: nil
        }
    }
}
