import Glibc
import Support

/// How many nulls a column has, and its smallest and largest value; of many batches by adding them one by one.
///
/// Numbers and times compare by value (NaN counts for nothing), text and bytes by their bytes. Nested columns, JSON and
/// nulls have no order.
public struct ColumnRange: Sendable, Hashable {
    /// How many rows there are.
    public private(set) var count = 0
    /// How many of them are null.
    public private(set) var nullCount = 0
    /// The smallest value; nil when there is none.
    public private(set) var minimum: Value?
    /// The largest value; nil when there is none.
    public private(set) var maximum: Value?

    /// Of no rows.
    public init() {}

    /// Takes the rows of `column` in; all columns that are added have the same type.
    public mutating func add(_ column: Column) {
        count += column.count
        nullCount += column.nullCount
        if column.nullCount == column.count { return }
        switch column.type {
        case .null, .list, .structure, .map, .json: return
        case .bool:
            for row in 0..<column.count where !column.isNull(at: row) {
                let bit = column.bit(at: row)
                if case .bool(false) = minimum {} else { minimum = .bool(bit) }
                if case .bool(true) = maximum {} else { maximum = .bool(bit) }
            }
        case .int8: add(column, Int8.self) { .int(Int128($0)) }
        case .int16: add(column, Int16.self) { .int(Int128($0)) }
        case .int32: add(column, Int32.self) { .int(Int128($0)) }
        case .int64: add(column, Int64.self) { .int(Int128($0)) }
        case .uint8: add(column, UInt8.self) { .int(Int128($0)) }
        case .uint16: add(column, UInt16.self) { .int(Int128($0)) }
        case .uint32: add(column, UInt32.self) { .int(Int128($0)) }
        case .uint64: add(column, UInt64.self) { .int(Int128($0)) }
        case .float16: add(column, Float16.self) { .float(Double($0)) }
        case .float32: add(column, Float.self) { .float(Double($0)) }
        case .float64: add(column, Double.self) { .float($0) }
        case .decimal: add(column, Int128.self) { .ticks($0) }
        case .date, .time(.second), .time(.millisecond): add(column, Int32.self) { .ticks(Int128($0)) }
        case .time, .timestamp: add(column, Int64.self) { .ticks(Int128($0)) }
        case .utf8, .binary:
            column.withBytes { offsets, bytes in
                addBytes(column) { row in
                    UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])])
                }
            }
        case .uuid, .fixedBinary:
            guard case .fixed(let width) = column.type.layout, let values = column.values else { return }
            values.withUnsafeBytes { bytes in
                addBytes(column) { row in
                    let start = (column.offset + row) * width
                    return UnsafeRawBufferPointer(rebasing: bytes[start..<start + width])
                }
            }
        }
    }

    private mutating func add<T: BitwiseCopyable & Comparable>(_ column: Column, _: T.Type, _ value: (T) -> Value) {
        let found: (T, T)? = column.withValues(as: T.self) { values in
            var low: T?
            var high: T?
            let hasNulls = column.nullCount > 0
            for row in values.indices {
                let candidate = values[row]
                // A NaN is not equal to itself.
                if (hasNulls && column.isNull(at: row)) || candidate != candidate { continue }
                if let known = low, candidate >= known {} else { low = candidate }
                if let known = high, candidate <= known {} else { high = candidate }
            }
            guard let low, let high else { return nil }
            return (low, high)
        }
        guard let found else { return }
        take(value(found.0), value(found.1))
    }

    private mutating func addBytes(_ column: Column, _ bytes: (Int) -> UnsafeRawBufferPointer) {
        var low: Int?
        var high: Int?
        for row in 0..<column.count where !column.isNull(at: row) {
            if let known = low, compare(bytes(row), bytes(known)) >= 0 {} else { low = row }
            if let known = high, compare(bytes(row), bytes(known)) <= 0 {} else { high = row }
        }
        if let low, let high { take(column.value(at: low), column.value(at: high)) }
    }

    private mutating func take(_ low: Value, _ high: Value) {
        if let known = minimum, !isLess(low, known) {} else { minimum = low }
        if let known = maximum, !isLess(known, high) {} else { maximum = high }
    }

    private func isLess(_ left: Value, _ right: Value) -> Bool {
        switch (left, right) {
        case (.int(let left), .int(let right)), (.ticks(let left), .ticks(let right)): left < right
        case (.float(let left), .float(let right)): left < right
        case (.text(let left), .text(let right)): left.utf8.lexicographicallyPrecedes(right.utf8)
        case (.bytes(let left), .bytes(let right)): left.lexicographicallyPrecedes(right)
        default: false
        }
    }
}

/// Below, at or above zero as `left` comes before, with or after `right`.
private func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
    if let a = left.baseAddress, let b = right.baseAddress {
        let order = memcmp(a, b, min(left.count, right.count))
        if order != 0 { return Int(order) }
    }
    return left.count - right.count
}
