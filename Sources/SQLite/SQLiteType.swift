public import Columns

/// What columns are declared as in SQLite, and what declared types mean here.
///
/// SQLite keeps any value in any column; a declared type only leans towards a kind of storage, and turns text that looks
/// like a number into one where it leans to numbers. So the words below are chosen such that no value changes:
///
/// | type | declared as | stored as |
/// | --- | --- | --- |
/// | bool | `BOOLEAN` | 0 or 1 |
/// | integers but uint64 | `INTEGER` | an integer |
/// | floats | `REAL` | a float; NaN, which SQLite would take for null, as the text `NaN`; -0.0 becomes 0.0 |
/// | decimal of at most 15 digits | `DECIMAL(p,s)` | a number; a float holds that many digits, so that it is exact |
/// | other decimals, uint64 | `DECIMAL_TEXT(p,s)` | text; compare with `CAST(x AS REAL)` |
/// | utf8 | `TEXT` | text |
/// | json, lists, structures, maps | `JSON_TEXT` | text |
/// | binary, fixed or not | `BLOB` | bytes |
/// | date | `DATE` | `2024-02-29` |
/// | time | `TIME`, `TIME_NS` | `13:07:09.123456`, 9 places for nanoseconds |
/// | timestamp | `TIMESTAMP`, `TIMESTAMP_NS` | `2024-02-29T13:07:09.123456` |
/// | timestamp with a zone | `TIMESTAMPTZ`, `TIMESTAMPTZ_NS` | the same in UTC, with a `Z` |
/// | uuid | `UUID` | `8c8e3f5a-…` |
///
/// Places of fraction are always written in full, so that text sorts as the moments do.
public enum SQLiteType {
    /// The words that a column for values of `type` is declared with.
    public static func declaration(for type: DataType) -> String {
        switch type {
        case .null, .utf8: "TEXT"
        case .bool: "BOOLEAN"
        case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32: "INTEGER"
        case .uint64: "DECIMAL_TEXT(20,0)"
        case .float16, .float32, .float64: "REAL"
        case .decimal(let precision, let scale):
            isNumber(precision, scale) ? "DECIMAL(\(precision),\(scale))" : "DECIMAL_TEXT(\(precision),\(scale))"
        case .json, .list, .structure, .map: "JSON_TEXT"
        case .binary, .fixedBinary: "BLOB"
        case .date: "DATE"
        case .time(.nanosecond): "TIME_NS"
        case .time: "TIME"
        case .timestamp(.nanosecond, nil): "TIMESTAMP_NS"
        case .timestamp(.nanosecond, .some): "TIMESTAMPTZ_NS"
        case .timestamp(_, nil): "TIMESTAMP"
        case .timestamp(_, .some): "TIMESTAMPTZ"
        case .uuid: "UUID"
        }
    }

    /// What values of `type` are when they are read back from a column that is declared for them.
    public static func stored(_ type: DataType) -> DataType {
        switch type {
        case .null: .utf8
        case .int8, .int16, .int32, .uint8, .uint16, .uint32: .int64
        case .uint64: .decimal(precision: 20, scale: 0)
        case .float16, .float32: .float64
        case .list, .structure, .map: .json
        case .fixedBinary: .binary
        case .time(let unit) where unit != .nanosecond: .time(.microsecond)
        case .timestamp(let unit, let zone):
            .timestamp(unit == .nanosecond ? unit : .microsecond, zone: zone == nil ? nil : "UTC")
        default: type
        }
    }

    /// What a column of this declared type holds, by its declaration; nil when that leaves it open.
    ///
    /// A reader goes by the values as well, because SQLite does not hold a column to its declaration.
    public static func columnType(declared: String?) -> DataType? { DeclaredType(declared).columnType }

    /// Whether text that looks like a number becomes one in a column of this declared type, so that `007` would be 7.
    public static func turnsTextIntoNumbers(declared: String?) -> Bool {
        switch Affinity(declared ?? "") {
        case .integer, .real, .numeric: true
        case .text, .blob: false
        }
    }

    /// Whether a decimal is kept as a number, which is exact for so many digits.
    static func isNumber(_ precision: Int, _ scale: Int) -> Bool { precision <= 15 && (0...15).contains(scale) }
}

/// The kind of storage that a declared type leans to, by SQLite's own rules.
enum Affinity {
    case integer, text, blob, real, numeric

    init(_ declared: String) {
        let word = declared.uppercased()
        if word.contains("INT") {
            self = .integer
        } else if word.contains("CHAR") || word.contains("CLOB") || word.contains("TEXT") {
            self = .text
        } else if word.contains("BLOB") || word.isEmpty {
            self = .blob
        } else if word.contains("REAL") || word.contains("FLOA") || word.contains("DOUB") {
            self = .real
        } else {
            self = .numeric
        }
    }
}

/// What a declared type says about the values.
enum DeclaredType: Hashable {
    /// Nothing.
    case open
    case integer, real, text, blob, numeric, boolean, date, uuid, json
    case decimal(precision: Int, scale: Int)
    case time(TimeUnit)
    case timestamp(TimeUnit, isZoned: Bool)

    init(_ declared: String?) {
        guard let declared, !declared.isEmpty else {
            self = .open
            return
        }
        let parts = declared.uppercased().split(separator: "(", maxSplits: 1)
        let word = parts.first.map { $0.split(separator: " ").joined(separator: " ") } ?? ""
        let numbers = parts.count > 1 ? parts[1].split(whereSeparator: { ",) ".contains($0) }).map { Int($0) } : []
        switch word {
        case "BOOLEAN", "BOOL": self = .boolean
        case "DATE": self = .date
        case "TIME", "TIME WITHOUT TIME ZONE": self = .time(.microsecond)
        case "TIME_NS": self = .time(.nanosecond)
        case "DATETIME", "TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE", "DATETIME2", "SMALLDATETIME":
            self = .timestamp(.microsecond, isZoned: false)
        case "TIMESTAMP_NS": self = .timestamp(.nanosecond, isZoned: false)
        case "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "DATETIMEOFFSET":
            self = .timestamp(.microsecond, isZoned: true)
        case "TIMESTAMPTZ_NS": self = .timestamp(.nanosecond, isZoned: true)
        case "UUID", "GUID", "UNIQUEIDENTIFIER": self = .uuid
        case "JSON", "JSONB", "JSON_TEXT": self = .json
        case "ANY": self = .open
        case "DECIMAL", "NUMERIC", "DEC", "NUMBER", "DECIMAL_TEXT":
            if let first = numbers.first, let precision = first, (1...38).contains(precision) {
                let scale = numbers.count > 1 ? numbers[1] : 0
                if let scale, (-38...38).contains(scale) {
                    self = .decimal(precision: precision, scale: scale)
                    return
                }
            }
            self = word == "DECIMAL_TEXT" ? .text : .numeric
        default:
            switch Affinity(declared) {
            case .integer: self = .integer
            case .text: self = .text
            case .blob: self = .blob
            case .real: self = .real
            case .numeric: self = .numeric
            }
        }
    }

    var columnType: DataType? {
        switch self {
        case .open: nil
        case .integer: .int64
        case .real: .float64
        case .text: .utf8
        case .blob: .binary
        case .numeric: nil
        case .boolean: .bool
        case .date: .date
        case .uuid: .uuid
        case .json: .json
        case .decimal(let precision, let scale): .decimal(precision: precision, scale: scale)
        case .time(let unit): .time(unit)
        case .timestamp(let unit, let isZoned): .timestamp(unit, zone: isZoned ? "UTC" : nil)
        }
    }
}
