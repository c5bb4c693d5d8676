/// What the values of a column are. Each case has one layout in memory, which is Arrow's.
public indirect enum DataType: Sendable, Hashable {
    /// No values at all: every row is null.
    case null
    /// True or false, a bit each.
    case bool
    /// Signed integers.
    case int8, int16, int32, int64
    /// Unsigned integers.
    case uint8, uint16, uint32, uint64
    /// IEEE 754 binary floating point.
    case float16, float32, float64
    /// An exact number of up to 38 digits, `scale` of them behind the point; `Int128` in memory.
    case decimal(precision: Int, scale: Int)
    /// Text, as UTF-8 behind 32-bit offsets.
    case utf8
    /// Bytes behind 32-bit offsets.
    case binary
    /// Bytes of one length.
    case fixedBinary(Int)
    /// A calendar day: days since 1970-01-01 in `Int32`.
    case date
    /// A time of day: seconds and milliseconds in `Int32`, microseconds and nanoseconds in `Int64`.
    case time(TimeUnit)
    /// A moment since 1970-01-01 in `Int64`: UTC when there is a zone (kept for display), wall-clock time when not.
    case timestamp(TimeUnit, zone: String?)
    /// A UUID: 16 bytes, in the order in which it is written.
    case uuid
    /// Text known to be JSON; laid out as `utf8`.
    case json
    /// A list of values of one type behind 32-bit offsets.
    case list(Field)
    /// Named values side by side.
    case structure([Field])
    /// Keys with values: a list of (key, value) pairs. Keys are never null.
    case map(key: Field, value: Field)
}

/// What one tick of a time or timestamp is.
public enum TimeUnit: String, Sendable, Hashable, CaseIterable {
    /// A second.
    case second = "s"
    /// 10⁻³ s.
    case millisecond = "ms"
    /// 10⁻⁶ s.
    case microsecond = "us"
    /// 10⁻⁹ s.
    case nanosecond = "ns"

    /// How many ticks a second has.
    public var ticksPerSecond: Int64 {
        switch self {
        case .second: 1
        case .millisecond: 1_000
        case .microsecond: 1_000_000
        case .nanosecond: 1_000_000_000
        }
    }
}

/// A named column of a schema, or a named part of a nested type.
public struct Field: Sendable, Hashable {
    /// Its name; any text.
    public var name: String
    /// What its values are.
    public var type: DataType
    /// Whether a value may be missing.
    public var isNullable: Bool
    /// What else is known of it.
    public var metadata: [String: String]

    /// A field, nullable unless said otherwise.
    public init(_ name: String, _ type: DataType, nullable: Bool = true, metadata: [String: String] = [:]) {
        self.name = name
        self.type = type
        isNullable = nullable
        self.metadata = metadata
    }
}

/// The named columns of a table, in order.
public struct Schema: Sendable, Hashable {
    /// The columns.
    public var fields: [Field]
    /// What else is known of the table.
    public var metadata: [String: String]

    /// A schema of `fields`.
    public init(_ fields: [Field], metadata: [String: String] = [:]) {
        self.fields = fields
        self.metadata = metadata
    }

    /// Where the column called `name` stands; the first, where a file has several.
    public func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }
}

/// How a type's values lie in memory.
public enum Layout: Sendable, Hashable {
    /// Nothing is stored.
    case null
    /// A bit each.
    case bits
    /// So many bytes each.
    case fixed(Int)
    /// 32-bit offsets, then bytes.
    case bytes
    /// 32-bit offsets, then one child.
    case list
    /// Children side by side.
    case structure
}

extension DataType {
    /// How this type's values lie in memory.
    public var layout: Layout {
        switch self {
        case .null: .null
        case .bool: .bits
        case .int8, .uint8: .fixed(1)
        case .int16, .uint16, .float16: .fixed(2)
        case .int32, .uint32, .float32, .date, .time(.second), .time(.millisecond): .fixed(4)
        case .int64, .uint64, .float64, .time, .timestamp: .fixed(8)
        case .decimal, .uuid: .fixed(16)
        case .fixedBinary(let width): .fixed(width)
        case .utf8, .binary, .json: .bytes
        case .list, .map: .list
        case .structure: .structure
        }
    }

    /// The fields inside a nested type: a list's item, a structure's fields, a map's one `entries` structure.
    public var childFields: [Field] {
        switch self {
        case .list(let item): [item]
        case .structure(let fields): fields
        case .map(let key, let value): [DataType.entries(key: key, value: value)]
        default: []
        }
    }

    /// The pairs inside a map.
    public static func entries(key: Field, value: Field) -> Field {
        var key = key
        key.isNullable = false
        return Field("entries", .structure([key, value]), nullable: false)
    }

    /// Whether this is a list, structure or map.
    public var isNested: Bool {
        switch self {
        case .list, .structure, .map: true
        default: false
        }
    }
}

extension DataType: CustomStringConvertible {
    /// The type as users write it in a schema: `int64`, `decimal(10,2)`, `timestamp(us, UTC)`,
    /// `list<item: utf8>`, `struct<a: int32 not null>`.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool: "bool"
        case .int8: "int8"
        case .int16: "int16"
        case .int32: "int32"
        case .int64: "int64"
        case .uint8: "uint8"
        case .uint16: "uint16"
        case .uint32: "uint32"
        case .uint64: "uint64"
        case .float16: "float16"
        case .float32: "float32"
        case .float64: "float64"
        case .decimal(let precision, let scale): "decimal(\(precision),\(scale))"
        case .utf8: "utf8"
        case .binary: "binary"
        case .fixedBinary(let width): "binary(\(width))"
        case .date: "date"
        case .time(let unit): "time(\(unit.rawValue))"
        case .timestamp(let unit, let zone):
            zone.map { "timestamp(\(unit.rawValue), \($0))" }
                ?? "timestamp(\(unit.rawValue))"
        case .uuid: "uuid"
        case .json: "json"
        case .list(let item): "list<\(item)>"
        case .structure(let fields): "struct<\(fields.map(\.description).joined(separator: ", "))>"
        case .map(let key, let value): "map<\(key.type), \(value.type)\(value.isNullable ? "" : " not null")>"
        }
    }
}

extension Field: CustomStringConvertible {
    /// `name: type`, with ` not null` where that holds; the name in double quotes where it holds anything but letters,
    /// digits and `_-.$`.
    public var description: String {
        let isPlain = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "_-.$".contains($0) }
        let quoted =
            "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        return "\(isPlain ? name : quoted): \(type)\(isNullable ? "" : " not null")"
    }
}

extension Schema: CustomStringConvertible {
    /// The fields as users write them, with commas between: what `Schema(parsing:)` reads.
    public var description: String { fields.map(\.description).joined(separator: ", ") }
}
