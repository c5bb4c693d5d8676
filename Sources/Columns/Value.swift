import Support

/// One value of any type: for tests, messages and rendering, never for a hot path.
public enum Value: Sendable, Hashable {
    /// No value.
    case null
    /// True or false.
    case bool(Bool)
    /// An integer of any width, signed or not.
    case int(Int128)
    /// A float of any width.
    case float(Double)
    /// A decimal's digits, a date's days, a time's or timestamp's ticks: what they mean is in the column's type.
    case ticks(Int128)
    /// Text or JSON.
    case text(String)
    /// Bytes, UUIDs among them.
    case bytes([UInt8])
    /// The items of a list; the `(key, value)` structures of a map.
    case list([Value])
    /// A structure's values, in its fields' order.
    case structure([Value])

    func integer<T: FixedWidthInteger>() -> T? {
        guard case .int(let value) = self else { return nil }
        return T(exactly: value)
    }

    func ticks<T: FixedWidthInteger>() -> T? {
        guard case .ticks(let value) = self else { return nil }
        return T(exactly: value)
    }

    var float: Double? {
        guard case .float(let value) = self else { return nil }
        return value
    }
}

extension Column {
    /// One row's value.
    public func value(at row: Int) -> Value {
        if isNull(at: row) { return .null }
        switch type {
        case .null: return .null
        case .bool: return .bool(bit(at: row))
        case .int8: return .int(Int128(fixed(at: row, as: Int8.self)))
        case .int16: return .int(Int128(fixed(at: row, as: Int16.self)))
        case .int32: return .int(Int128(fixed(at: row, as: Int32.self)))
        case .int64: return .int(Int128(fixed(at: row, as: Int64.self)))
        case .uint8: return .int(Int128(fixed(at: row, as: UInt8.self)))
        case .uint16: return .int(Int128(fixed(at: row, as: UInt16.self)))
        case .uint32: return .int(Int128(fixed(at: row, as: UInt32.self)))
        case .uint64: return .int(Int128(fixed(at: row, as: UInt64.self)))
        case .float16: return .float(Double(fixed(at: row, as: Float16.self)))
        case .float32: return .float(Double(fixed(at: row, as: Float.self)))
        case .float64: return .float(fixed(at: row, as: Double.self))
        case .decimal: return .ticks(fixed(at: row, as: Int128.self))
        case .date, .time(.second), .time(.millisecond): return .ticks(Int128(fixed(at: row, as: Int32.self)))
        case .time, .timestamp: return .ticks(Int128(fixed(at: row, as: Int64.self)))
        case .utf8, .json: return .text(text(at: row))
        case .binary: return .bytes(bytes(at: row).bytes)
        case .uuid, .fixedBinary:
            guard case .fixed(let width) = type.layout, let values else { return .null }
            let start = (offset + row) * width
            return .bytes(values[start..<start + width].bytes)
        case .list, .map:
            let items = items(at: row)
            return .list((0..<items.count).map { items.value(at: $0) })
        case .structure: return .structure(children.map { $0.value(at: row) })
        }
    }
}
