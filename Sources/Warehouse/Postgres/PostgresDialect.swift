public import Columns
public import Support

/// PostgreSQL's names and types.
public struct PostgresDialect: SQLDialect {
    /// The dialect.
    public init() {}

    /// `PostgreSQL`
    public var name: String { "PostgreSQL" }
    /// It does, of quoted names, and all of ours are quoted.
    public var distinguishesCase: Bool { true }
    /// It can.
    public var canAllowNull: Bool { true }

    /// A name in double quotes. The server cuts longer ones than 63 bytes without an error, so that two could become one.
    public func quote(_ name: String) throws(SluiceError) -> String {
        try quote(name, between: "\"", and: "\"", limit: 63)
    }

    /// The narrowest type of the server that holds all values of `type` exactly. Nanoseconds are the exception: a value
    /// that needs them is refused by the cast to `storedType`.
    public func sqlType(for type: DataType) -> String {
        switch storedType(for: type) {
        case .bool: "boolean"
        case .int16: "smallint"
        case .int32: "integer"
        case .int64: "bigint"
        case .float32: "real"
        case .float64: "double precision"
        case .decimal(let precision, let scale): "numeric(\(precision),\(scale))"
        case .binary: "bytea"
        case .date: "date"
        case .time: "time"
        case .timestamp(_, nil): "timestamp"
        case .timestamp: "timestamptz"
        case .uuid: "uuid"
        case .json: "jsonb"
        default: "text"
        }
    }

    /// What the binary form of the server's type is written from.
    public func storedType(for type: DataType) -> DataType {
        switch type {
        case .int8, .uint8: .int16
        case .uint16: .int32
        case .uint32: .int64
        case .uint64: .decimal(precision: 20, scale: 0)
        case .float16: .float32
        case .decimal(let precision, let scale) where scale < 0:
            precision - scale <= 38 ? .decimal(precision: precision - scale, scale: 0) : .utf8
        case .decimal(let precision, let scale) where scale > precision: .decimal(precision: scale, scale: scale)
        case .fixedBinary: .binary
        case .time: .time(.microsecond)
        case .timestamp(_, let zone): .timestamp(.microsecond, zone: zone == nil ? nil : "UTC")
        case .list, .structure, .map: .json
        case .null: .utf8
        default: type
        }
    }

    /// Integers widen to integers and numerics, numerics to larger ones, reals to doubles, dates to timestamps, rounded
    /// timestamps to whole ones. Floats go into numerics, and whole numbers and decimals into doubles, as long as each
    /// value does so exactly.
    public func widening(of column: TableColumn, to type: DataType) -> Widening {
        if type == .null { return .fits(as: column.type) }
        let wanted = unconstrained(of: column, to: type)
        if case .alter = wanted, !column.isAlterable { return .impossible }
        return wanted
    }

    private func unconstrained(of column: TableColumn, to type: DataType) -> Widening {
        let stored = storedType(for: type)
        if isFreeNumeric(column.sqlType) { return freeNumeric(stored) }
        switch (column.type, stored) {
        case (.timestamp(let unit, let zone), .timestamp(_, let other)):
            guard (zone == nil) == (other == nil), case .timestamp(let incoming, _) = type else { return .impossible }
            return incoming.ticksPerSecond > unit.ticksPerSecond && unit.ticksPerSecond < 1_000_000
                ? .alter(to: sqlType(for: type), as: stored) : .fits(as: column.type)
        case (.timestamp, .date): return .fits(as: column.type)
        case (.date, .timestamp): return .alter(to: sqlType(for: type), as: stored)
        case (.time(let unit), .time):
            guard case .time(let incoming) = type else { return .impossible }
            return incoming.ticksPerSecond > unit.ticksPerSecond && unit.ticksPerSecond < 1_000_000
                ? .alter(to: sqlType(for: type), as: stored) : .fits(as: column.type)
        case (.utf8, _): return stored == .utf8 || isText(column.sqlType) ? .fits(as: .utf8) : .impossible
        case (.json, .utf8): return .impossible
        case (.json, _): return .fits(as: .json)
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
        case (.float32, _): return .alter(to: "double precision", as: .float64)
        default: break
        }
        if union.isNumeric { return .alter(to: sqlType(for: union), as: storedType(for: union)) }
        guard case .fits(let written) = freeNumeric(new) else { return .impossible }
        return .alter(to: "numeric", as: written)
    }

    /// A numeric without a declared scale takes every number; floats by way of their text, since they have no scale.
    private func freeNumeric(_ stored: DataType) -> Widening {
        switch stored {
        case .int16, .int32, .int64: .fits(as: .int64)
        case .decimal: .fits(as: stored)
        case .float32, .float64: .fits(as: .utf8)
        default: .impossible
        }
    }

    /// What values are cast to for a column of the server's type `sqlType`, as `format_type` writes it; text for a type
    /// that has no counterpart here, which the server then reads.
    package static func columnType(_ sqlType: String) -> DataType {
        let words = sqlType.split(separator: "(", maxSplits: 1)
        let name = words.first.map(String.init) ?? sqlType
        let numbers = words.count > 1 ? words[1].prefix { $0 != ")" }.split(separator: ",").compactMap { Int($0) } : []
        // `timestamp(3) with time zone`: what stands behind the parenthesis belongs to the name.
        let tail = words.count > 1 ? String(words[1].drop { $0 != ")" }.dropFirst()) : ""
        switch name + tail {
        case "boolean": return .bool
        case "smallint": return .int16
        case "integer": return .int32
        case "bigint": return .int64
        case "oid": return .uint32
        case "real": return .float32
        case "double precision": return .float64
        case "numeric":
            guard numbers.count == 2, (1...38).contains(numbers[0]), (0...numbers[0]).contains(numbers[1]) else {
                return .decimal(precision: 38, scale: 18)
            }
            return .decimal(precision: numbers[0], scale: numbers[1])
        case "bytea": return .binary
        case "date": return .date
        case "time without time zone": return .time(unit(numbers.first))
        case "timestamp without time zone", "timestamp": return .timestamp(unit(numbers.first), zone: nil)
        case "timestamp with time zone", "timestamptz": return .timestamp(unit(numbers.first), zone: "UTC")
        case "uuid": return .uuid
        case "json", "jsonb": return .json
        default: return .utf8
        }
    }

    private static func unit(_ places: Int?) -> TimeUnit {
        switch places {
        case 0: .second
        case 1, 2, 3: .millisecond
        default: .microsecond
        }
    }

    private func isFreeNumeric(_ sqlType: String) -> Bool {
        sqlType.hasPrefix("numeric")
            && PostgresDialect.columnType(sqlType) == .decimal(precision: 38, scale: 18) && sqlType != "numeric(38,18)"
    }

    /// Whether any text can be written to a column of the type, its length aside.
    private func isText(_ sqlType: String) -> Bool {
        let name = sqlType.prefix { $0 != "(" }
        return ["text", "character varying", "varchar", "character", "citext", "name"].contains(String(name))
    }
}

extension DataType {
    /// Whether this is an integer, a float or a decimal.
    var isNumeric: Bool {
        switch self {
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64, .decimal:
            true
        default: false
        }
    }
}
