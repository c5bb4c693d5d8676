import CSQLite
import Columns
import Support

/// A column whose values are bound to a parameter, from where they lie.
struct BoundColumn {
    private enum Kind: UInt8 {
        case null, bool, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, float32, float64
        case wholeDecimal, decimal, decimalText, bytes, text, fixedBytes, uuid, date, time32, time64, timestamp
    }

    /// Keeps the memory alive.
    private let column: Column
    private let kind: Kind
    private let values: UnsafeRawPointer
    private let offsets: UnsafePointer<Int32>
    private let validity: UnsafeRawPointer?
    private let allNull: Bool
    private let first: Int
    private let width: Int
    private let scale: Int
    private let power: Double
    private let unit: TimeUnit
    private let isZoned: Bool
    /// Text that is made for a value; lasts until the next one.
    private let scratch = MutableBuffer(capacity: 64)

    init(_ source: Column) throws(SluiceError) {
        let column = source.type.isNested ? try source.cast(to: .json) : source
        self.column = column
        first = column.offset
        validity = column.validity?.unsafeStart
        allNull = column.nullCount > 0 && column.validity == nil
        values = (column.values ?? .empty).unsafeStart
        offsets = ((column.offsets ?? .empty).unsafeStart + (column.offsets == nil ? 0 : column.offset * 4))
            .assumingMemoryBound(to: Int32.self)
        var width = 0
        var scale = 0
        var power = 1.0
        var unit = TimeUnit.microsecond
        var isZoned = false
        switch column.type {
        case .null: kind = .null
        case .bool: kind = .bool
        case .int8: kind = .int8
        case .int16: kind = .int16
        case .int32: kind = .int32
        case .int64: kind = .int64
        case .uint8: kind = .uint8
        case .uint16: kind = .uint16
        case .uint32: kind = .uint32
        case .uint64: kind = .uint64
        case .float16: kind = .float16
        case .float32: kind = .float32
        case .float64: kind = .float64
        case .decimal(let precision, let places):
            kind = !SQLiteType.isNumber(precision, places) ? .decimalText : places == 0 ? .wholeDecimal : .decimal
            scale = places
            if kind == .decimal { for _ in 0..<places { power *= 10 } }
        case .binary: kind = .bytes
        case .utf8, .json, .list, .structure, .map: kind = .text
        case .fixedBinary(let size):
            kind = .fixedBytes
            width = size
        case .uuid: kind = .uuid
        case .date: kind = .date
        case .time(let tick):
            kind = column.type.layout == .fixed(4) ? .time32 : .time64
            unit = tick
        case .timestamp(let tick, let zone):
            kind = .timestamp
            unit = tick
            isZoned = zone != nil
        }
        self.width = width
        self.scale = scale
        self.power = power
        self.unit = unit
        self.isZoned = isZoned
    }

    @inline(__always) private func load<T: BitwiseCopyable>(_ row: Int, _: T.Type) -> T {
        values.loadUnaligned(fromByteOffset: (first &+ row) &* MemoryLayout<T>.size, as: T.self)
    }

    @inline(__always) private func isNull(_ row: Int) -> Bool {
        guard let validity else { return allNull }
        let bit = first &+ row
        return validity.load(fromByteOffset: bit >> 3, as: UInt8.self) >> UInt8(truncatingIfNeeded: bit & 7) & 1 == 0
    }

    /// The first row whose value has more digits than its type, so that a float would not hold it.
    func firstMisfit() -> Int? {
        guard kind == .decimal || kind == .wholeDecimal else { return nil }
        for row in 0..<column.count where !isNull(row) {
            if load(row, Int128.self).magnitude >= 1_000_000_000_000_000 { return row }
        }
        return nil
    }

    /// Binds a row's value to parameter `index`. What is bound lasts until the next row is.
    @inline(__always) func bind(_ row: Int, to statement: OpaquePointer, at index: Int32) -> Int32 {
        if isNull(row) { return sqlite3_bind_null(statement, index) }
        switch kind {
        case .int64: return sqlite3_bind_int64(statement, index, load(row, Int64.self))
        case .int32: return sqlite3_bind_int64(statement, index, Int64(load(row, Int32.self)))
        case .float64: return bind(load(row, Double.self), statement, index)
        case .text:
            let start = Int(offsets[row])
            return sqlite3_bind_text(
                statement, index, (values + start).assumingMemoryBound(to: CChar.self),
                offsets[row &+ 1] &- offsets[row], nil)
        case .bytes:
            return sqlite3_bind_blob(
                statement, index, values + Int(offsets[row]), offsets[row &+ 1] &- offsets[row], nil)
        default: return bindRest(row, statement, index)
        }
    }

    @inline(__always) private func bind(_ value: Double, _ statement: OpaquePointer, _ index: Int32) -> Int32 {
        if value.isNaN {
            scratch.removeAll()
            scratch.append(utf8: "NaN")
            return bindScratch(statement, index)
        }
        return sqlite3_bind_double(statement, index, value)
    }

    private func bindScratch(_ statement: OpaquePointer, _ index: Int32) -> Int32 {
        sqlite3_bind_text(
            statement, index, scratch.base.assumingMemoryBound(to: CChar.self), Int32(scratch.count), nil)
    }

    private func bindRest(_ row: Int, _ statement: OpaquePointer, _ index: Int32) -> Int32 {
        switch kind {
        case .null: return sqlite3_bind_null(statement, index)
        case .bool:
            let bit = first &+ row
            let byte = values.load(fromByteOffset: bit >> 3, as: UInt8.self)
            return sqlite3_bind_int64(statement, index, Int64(byte >> UInt8(truncatingIfNeeded: bit & 7) & 1))
        case .int8: return sqlite3_bind_int64(statement, index, Int64(load(row, Int8.self)))
        case .int16: return sqlite3_bind_int64(statement, index, Int64(load(row, Int16.self)))
        case .uint8: return sqlite3_bind_int64(statement, index, Int64(load(row, UInt8.self)))
        case .uint16: return sqlite3_bind_int64(statement, index, Int64(load(row, UInt16.self)))
        case .uint32: return sqlite3_bind_int64(statement, index, Int64(load(row, UInt32.self)))
        case .float16: return bind(Double(load(row, Float16.self)), statement, index)
        case .float32: return bind(Double(load(row, Float.self)), statement, index)
        case .wholeDecimal, .decimal:
            let whole = Int64(truncatingIfNeeded: load(row, Int128.self))
            if kind == .wholeDecimal { return sqlite3_bind_int64(statement, index, whole) }
            // Both are exact, so that the quotient is the float nearest to the decimal, and fifteen digits come back.
            return sqlite3_bind_double(statement, index, Double(whole) / power)
        case .fixedBytes:
            return sqlite3_bind_blob(statement, index, values + (first &+ row) &* width, Int32(width), nil)
        default: break
        }
        scratch.removeAll()
        switch kind {
        case .uint64: ValueText.append(load(row, UInt64.self), to: scratch)
        case .decimalText: ValueText.append(decimal: load(row, Int128.self), scale: scale, to: scratch)
        case .uuid: ValueText.append(uuid: values + (first &+ row) &* 16, to: scratch)
        case .date: ValueText.append(days: Int(load(row, Int32.self)), to: scratch)
        case .time32: appendTime(Int64(load(row, Int32.self)))
        case .time64: appendTime(load(row, Int64.self))
        default:
            let (seconds, ticks) = divided(load(row, Int64.self))
            ValueText.append(timestamp: seconds, unit: .second, isUTC: false, to: scratch)
            appendFraction(ticks)
            if isZoned { scratch.append(UInt8(ascii: "Z")) }
        }
        return bindScratch(statement, index)
    }

    private func appendTime(_ ticks: Int64) {
        let (seconds, rest) = divided(ticks)
        ValueText.append(time: seconds, unit: .second, to: scratch)
        appendFraction(rest)
    }

    /// Whole seconds, and ticks on top of them.
    private func divided(_ ticks: Int64) -> (seconds: Int64, ticks: Int64) {
        let (quotient, remainder) = ticks.quotientAndRemainder(dividingBy: unit.ticksPerSecond)
        return remainder < 0 ? (quotient - 1, remainder + unit.ticksPerSecond) : (quotient, remainder)
    }

    /// A point and six places, or nine of nanoseconds: always all of them, so that text sorts as the moments do.
    private func appendFraction(_ ticks: Int64) {
        var value = unit == .nanosecond ? ticks : ticks * (1_000_000 / unit.ticksPerSecond)
        let places = unit == .nanosecond ? 9 : 6
        scratch.reserve(16)
        let start = scratch.base + scratch.count
        start.storeBytes(of: UInt8(ascii: "."), as: UInt8.self)
        for place in stride(from: places, through: 1, by: -1) {
            start.storeBytes(
                of: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10), toByteOffset: place, as: UInt8.self)
            value /= 10
        }
        scratch.count += 1 + places
    }
}
