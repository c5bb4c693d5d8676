package import Columns

/// A type in SQL Server's words, taken apart: `DECIMAL(10,2)`, `NVARCHAR(MAX)`, `DATETIME2(7)`.
package struct SQLServerType: Sendable, Hashable {
    /// The word in front, in capitals.
    package let name: String
    /// The first number in parentheses; nil without one, or for MAX.
    package let first: Int?
    /// The second number.
    package let second: Int?

    /// Takes `text` apart.
    package init(_ text: String) {
        let words = text.uppercased().split(separator: "(", maxSplits: 1)
        name = words.first.map(String.init) ?? ""
        let numbers = words.count > 1 ? words[1].prefix { $0 != ")" }.split(separator: ",").map { Int($0) } : []
        first = numbers.first ?? nil
        second = numbers.count > 1 ? numbers[1] : nil
    }

    /// A column's type, from what `sys.columns` says of it.
    ///
    /// - parameter length: `max_length`: bytes, -1 for any number.
    package static func words(_ name: String, length: Int, precision: Int, scale: Int) -> String {
        let name = name.uppercased()
        return switch name {
        case "NVARCHAR", "NCHAR": length < 0 ? "\(name)(MAX)" : "\(name)(\(length / 2))"
        case "VARCHAR", "CHAR", "VARBINARY", "BINARY": length < 0 ? "\(name)(MAX)" : "\(name)(\(length))"
        case "DECIMAL", "NUMERIC": "DECIMAL(\(precision),\(scale))"
        case "TIME", "DATETIME2", "DATETIMEOFFSET": "\(name)(\(scale))"
        default: name
        }
    }

    /// Whether any text can be written to it, its length aside.
    package var isText: Bool { ["NVARCHAR", "NCHAR", "VARCHAR", "CHAR", "NTEXT", "TEXT"].contains(name) }
    /// Whether each of its characters is one or two bytes of UTF-16, so that it holds any text.
    package var isWide: Bool { name.hasPrefix("N") }
    /// Whether its values are filled up with blanks.
    package var isPadded: Bool { name == "CHAR" || name == "NCHAR" }

    /// Whether times of `unit` are kept whole, as far as the server can.
    package func keeps(_ unit: TimeUnit) -> Bool {
        let digits =
            switch unit {
            case .second: 0
            case .millisecond: 3
            case .microsecond: 6
            case .nanosecond: 7
            }
        return switch name {
        case "TIME", "DATETIME2", "DATETIMEOFFSET": (first ?? 7) >= digits
        // It keeps three-hundredths of a second.
        case "DATETIME": digits == 0
        default: false
        }
    }

    /// What values are cast to for a column of this type; text for one that has no counterpart here, which the server
    /// then reads.
    package var columnType: DataType {
        switch name {
        case "BIT": return .bool
        case "TINYINT": return .uint8
        case "SMALLINT": return .int16
        case "INT": return .int32
        case "BIGINT": return .int64
        case "REAL": return .float32
        case "FLOAT": return .float64
        case "DECIMAL", "NUMERIC":
            let precision = min(max(first ?? 18, 1), 38)
            return .decimal(precision: precision, scale: min(max(second ?? 0, 0), precision))
        case "MONEY": return .decimal(precision: 19, scale: 4)
        case "SMALLMONEY": return .decimal(precision: 10, scale: 4)
        case "BINARY", "VARBINARY", "IMAGE": return .binary
        case "DATE": return .date
        case "TIME": return .time(unit)
        case "DATETIME2": return .timestamp(unit, zone: nil)
        case "DATETIMEOFFSET": return .timestamp(unit, zone: "UTC")
        case "DATETIME", "SMALLDATETIME": return .timestamp(.second, zone: nil)
        case "UNIQUEIDENTIFIER": return .uuid
        default: return .utf8
        }
    }

    /// The finest unit that is kept whole.
    private var unit: TimeUnit {
        switch first ?? 7 {
        case ..<3: .second
        case 3..<6: .millisecond
        case 6: .microsecond
        default: .nanosecond
        }
    }
}
