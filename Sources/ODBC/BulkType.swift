import CODBC
public import Columns

/// What a column of a table is, as far as sending rows to it goes.
public enum ODBCBulkType: Sendable, Hashable {
    /// `bit`, from `bool`.
    case bit
    /// `tinyint`, from `uint8`.
    case tinyint
    /// `smallint`, from `int16`.
    case smallint
    /// `int`, from `int32`.
    case int
    /// `bigint`, from `int64`.
    case bigint
    /// `real`, from `float32`.
    case real
    /// `float`, from `float64`.
    case float
    /// `decimal`, from a decimal of the same precision and scale.
    case decimal(precision: Int, scale: Int)
    /// `nvarchar` of so many units of UTF-16 at most, or of any number; from `utf8` or `json`.
    case text(limit: Int?)
    /// `varbinary` of any length, from `binary`.
    case bytes
    /// `date`, from `date`.
    case date
    /// `time` with so many digits behind the second, from `time`.
    case time(digits: Int)
    /// `datetime2`, from a timestamp without a zone.
    case wallClock(digits: Int)
    /// `datetimeoffset`, from a timestamp with a zone, which is sent as UTC.
    case moment(digits: Int)
    /// `uniqueidentifier`, from `uuid`.
    case uuid

    /// Whether values of `type` are sent as this, when each fits.
    public func takes(_ type: DataType) -> Bool {
        switch (self, type) {
        case (.bit, .bool), (.tinyint, .uint8), (.smallint, .int16), (.int, .int32), (.bigint, .int64),
            (.real, .float32),
            (.float, .float64), (.text, .utf8), (.text, .json), (.bytes, .binary), (.date, .date), (.time, .time),
            (.wallClock, .timestamp(_, nil)), (.uuid, .uuid):
            true
        case (.moment, .timestamp(_, let zone)): zone != nil
        case (.decimal(let precision, let scale), .decimal(let other, let places)):
            precision == other && scale == places
        default: false
        }
    }

    /// The driver's number for the cells, and how many bytes each has; 0 for those that differ.
    var copied: (type: Int, width: Int) {
        switch self {
        case .bit: (SLUICE_BCP_BIT, 1)
        case .tinyint: (SLUICE_BCP_INT1, 1)
        case .smallint: (SLUICE_BCP_INT2, 2)
        case .int: (SLUICE_BCP_INT4, 4)
        case .bigint: (SLUICE_BCP_INT8, 8)
        case .real: (SLUICE_BCP_FLT4, 4)
        case .float: (SLUICE_BCP_FLT8, 8)
        case .decimal: (SLUICE_BCP_DECIMAL, 19)
        case .text: (SLUICE_BCP_NVARCHAR, 0)
        case .bytes: (SLUICE_BCP_VARBINARY, 0)
        case .date: (SLUICE_BCP_DATE, 6)
        case .time: (SLUICE_BCP_TIME, 12)
        case .wallClock: (SLUICE_BCP_DATETIME2, 16)
        case .moment: (SLUICE_BCP_DATETIMEOFFSET, 20)
        case .uuid: (SLUICE_BCP_GUID, 16)
        }
    }

    /// The driver's number for cells of more than 8000 bytes.
    var copiedLong: Int {
        switch self {
        case .text: SLUICE_BCP_NTEXT
        case .bytes: SLUICE_BCP_IMAGE
        default: copied.type
        }
    }

    /// How many ticks of nanoseconds the last digit of a time is.
    var step: Int64 {
        switch self {
        case .time(let digits), .wallClock(let digits), .moment(let digits):
            [1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1000, 100][max(0, min(7, digits))]
        default: 1
        }
    }
}
