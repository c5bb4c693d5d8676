import Columns
import LakeTables
import Support

/// The types of columns in T-SQL's words.
enum TransactTypes {
    /// Why a column cannot be read; nil when it can.
    static func obstacle(_ column: LakeColumn) -> String? {
        if column.isAmbiguous { return "two columns of one file have its name, whatever the case" }
        let target = column.field.type
        switch target {
        case .float16: return "there is no type for \(target)"
        case .decimal(let precision, let scale) where !(0...precision).contains(scale):
            return "there is no type for \(target)"
        default: break
        }
        let misfits = column.types.filter { !isReadable($0, as: target) }.map { "\($0)" }.sorted()
        return misfits.isEmpty
            ? nil : "files have it as \(misfits.joined(separator: " and ")), which is not read as \(target)"
    }

    /// The type of a column. Texts are UTF-8, in a collation that lets filters on them reach the files.
    static func sqlType(_ type: DataType, _ textLength: String, _ engine: TransactDialect.Engine) -> String {
        let collation = engine == .synapse ? " COLLATE Latin1_General_100_BIN2_UTF8" : ""
        switch type {
        case .bool: return "bit"
        case .int8, .int16: return "smallint"
        case .uint8: return engine == .synapse ? "tinyint" : "smallint"
        case .int32, .uint16: return "int"
        case .int64, .uint32: return "bigint"
        case .uint64: return "decimal(20,0)"
        case .float16, .float32: return "real"
        case .float64: return "float"
        case .decimal(let precision, let scale): return "decimal(\(precision),\(scale))"
        case .null, .utf8: return "varchar(\(textLength))\(collation)"
        case .json, .list, .structure, .map: return "varchar(max)\(collation)"
        case .binary: return "varbinary(\(textLength))"
        case .fixedBinary(let width): return width <= 8000 ? "varbinary(\(width))" : "varbinary(max)"
        case .date: return "date"
        case .time(let unit): return "time(\(digits(unit)))"
        case .timestamp(let unit, _): return "datetime2(\(digits(unit)))"
        case .uuid: return "uniqueidentifier"
        }
    }

    private static func digits(_ unit: TimeUnit) -> Int {
        switch unit {
        case .second: 0
        case .millisecond: 3
        case .microsecond: 6
        case .nanosecond: 7
        }
    }

    /// Whether a column of `type` in a file can be declared as one of `target`.
    static func isReadable(_ type: DataType, as target: DataType) -> Bool {
        if type == target || type == .null { return true }
        switch (type, target) {
        case (.int8, .int16), (.int8, .int32), (.int8, .int64), (.int16, .int32), (.int16, .int64), (.int32, .int64),
            (.uint8, .uint16), (.uint8, .uint32), (.uint16, .uint32), (.uint8, .int32), (.uint8, .int64),
            (.uint16, .int64),
            (.uint32, .int64), (.float32, .float64), (.json, .utf8), (.binary, .fixedBinary), (.fixedBinary, .binary):
            return true
        case (.timestamp(_, let zone), .timestamp(_, let other)): return (zone == nil) == (other == nil)
        case (.time, .time), (.list, .list), (.structure, .structure), (.map, .map): return true
        case (.decimal(let precision, let scale), .decimal(let other, let otherScale)):
            return otherScale >= scale && other - otherScale >= precision - scale
        default: return false
        }
    }
}
