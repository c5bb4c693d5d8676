import Columns
import Support

/// What the values of a column show about its type. Depends on which values were seen and not on their order.
struct ColumnEvidence {
    /// Which kinds of storage there were, as the bits of `SQLiteCell.Storage`.
    var storages: UInt8 = 0
    /// The largest magnitude of an integer.
    var magnitude: UInt64 = 0
    /// Whether an integer was below zero.
    var hasNegative = false
    /// What text in a column of days, times or moments was.
    var moments = TypeInference()
    /// Whether there was text that is not UTF-8.
    var hasBytesAsText = false
    /// Whether a value was not what the declared type says: a UUID, JSON, a decimal, a float. Whoever observes finds out,
    /// by trying.
    var hasStranger = false

    static let integers = SQLiteCell.Storage.integer.rawValue
    static let reals = SQLiteCell.Storage.real.rawValue
    static let texts = SQLiteCell.Storage.text.rawValue
    static let blobs = SQLiteCell.Storage.blob.rawValue

    /// Adds a value of a column that is declared as `declared`.
    mutating func observe(_ cell: SQLiteCell, _ declared: DeclaredType) {
        storages |= cell.storage.rawValue
        switch cell.storage {
        case .null: return
        case .integer: observe(cell.integer)
        case .text:
            if let start = cell.bytes.baseAddress, UTF8Check.firstInvalid(start, count: cell.bytes.count) != nil {
                hasBytesAsText = true
            }
        case .real, .blob: break
        }
        switch declared {
        case .date, .time, .timestamp: if cell.storage == .text { moments.observeString(cell.bytes) }
        default: break
        }
    }

    /// Adds all that `other` has seen.
    mutating func merge(_ other: ColumnEvidence) {
        storages |= other.storages
        magnitude = max(magnitude, other.magnitude)
        hasNegative = hasNegative || other.hasNegative
        moments.merge(other.moments)
        hasBytesAsText = hasBytesAsText || other.hasBytesAsText
        hasStranger = hasStranger || other.hasStranger
    }

    @inline(__always) mutating func observe(_ value: Int64) {
        if value.magnitude > magnitude { magnitude = value.magnitude }
        if value < 0 { hasNegative = true }
    }

    /// The type that holds every value seen.
    func type(_ declared: DeclaredType) -> DataType {
        if storages == 0 { return declared.columnType ?? (declared == .numeric ? .float64 : .utf8) }
        switch declared {
        case .boolean where storages == Self.integers && magnitude <= 1 && !hasNegative: return .bool
        case .uuid where !hasStranger, .json where !hasStranger, .decimal where !hasStranger,
            .real where !hasStranger:
            if let type = declared.columnType, !hasBytesAsText { return type }
        case .date, .time, .timestamp:
            if storages == Self.texts, let type = momentType(declared) { return type }
        default: break
        }
        return typeByStorage
    }

    private var typeByStorage: DataType {
        if hasBytesAsText { return .binary }
        switch storages {
        case Self.integers: return .int64
        case Self.reals: return .float64
        case Self.integers | Self.reals: return magnitude <= 1 << 53 ? .float64 : .utf8
        case Self.blobs: return .binary
        default: return .utf8
        }
    }

    private func momentType(_ declared: DeclaredType) -> DataType? {
        guard let found = moments.type, found != .utf8 else { return nil }
        switch (declared, found) {
        case (.time(let unit), .time(.microsecond)): return .time(unit)
        case (.timestamp(let unit, false), .date):
            return .timestamp(moments.traits.contains(.beyondNanoseconds) ? .microsecond : unit, zone: nil)
        case (.timestamp(.nanosecond, _), .timestamp(.microsecond, let zone)):
            return .timestamp(moments.traits.contains(.beyondNanoseconds) ? .microsecond : .nanosecond, zone: zone)
        default: return found
        }
    }
}
