import Columns
import Support

/// One column of a batch under construction, fed with binary fields.
///
/// Fixed-width values are written at `row × width` into memory reserved for a whole batch, so that a row which turns out
/// not to fit is taken back by not counting it.
struct CopyField {
    let type: DataType
    let wire: PostgresType.Wire
    /// For arrays: how an element is read.
    let element: PostgresType.Wire?
    private let capacity: Int
    private let values: MutableBuffer
    private let offsets: MutableBuffer?
    private var validity: MutableBuffer?
    private(set) var nullCount = 0
    private var items: (any ColumnBuilder)?
    /// Items set aside when a row after them was taken back, and how many they are.
    private var keptItems: [Column] = []
    private var keptCount = 0
    private let limit: Int128
    private let targetScale: Int
    /// How many bytes of text the rows have so far.
    private(set) var byteCount = 0

    init(_ source: PostgresType, capacity: Int) {
        let reading = source.reading ?? (.utf8, .bytes)
        type = reading.type
        wire = reading.wire
        element = source.element == 0 ? nil : PostgresType(oid: source.element, modifier: source.modifier).reading?.wire
        self.capacity = capacity
        switch type {
        case .decimal(let precision, let scale):
            limit = PowersOfTen.table[precision] - 1
            targetScale = scale
        default:
            limit = 0
            targetScale = 0
        }
        switch type.layout {
        case .fixed(let width):
            values = MutableBuffer(capacity: capacity * width)
            offsets = nil
        case .bits:
            values = MutableBuffer(zeroed: (capacity + 7) / 8)
            offsets = nil
        default:
            values = MutableBuffer(capacity: capacity * 8)
            let starts = MutableBuffer(capacity: (capacity + 1) * 4)
            starts.base.storeBytes(of: 0, as: Int32.self)
            offsets = starts
        }
        if case .list(let item) = type { items = makeBuilder(item.type) }
    }

    /// Why a field cannot be held by the column's type.
    enum Misfit: Error {
        case malformed
        case outOfRange
    }

    // MARK: Filling

    @inline(__always) mutating func setNull(_ row: Int) {
        clearValidity(row)
        switch type.layout {
        case .fixed(let width):
            // A defined value, so that what lies under a null does not depend on old memory.
            UnsafeMutableRawBufferPointer(start: values.base + row * width, count: width).initializeMemory(
                as: UInt8.self, repeating: 0)
        case .bits: setBit(row, false)
        default: endBytes(row)
        }
    }

    @inline(__always) mutating func set(
        _ row: Int, _ field: UnsafeRawPointer, length: Int
    ) throws(Misfit) {
        switch wire {
        case .int64: try store(row, field, length, Int64.self)
        case .int32: try store(row, field, length, Int32.self)
        case .int16: try store(row, field, length, Int16.self)
        case .uint32: try store(row, field, length, UInt32.self)
        case .float64: try store(row, field, length, UInt64.self)
        case .float32: try store(row, field, length, UInt32.self)
        case .bool:
            guard length == 1 else { throw .malformed }
            setBit(row, field.load(as: UInt8.self) != 0)
        case .bytes: appendBytes(row, field, length)
        case .jsonb:
            guard length >= 1, field.load(as: UInt8.self) == 1 else { throw .malformed }
            appendBytes(row, field + 1, length - 1)
        case .date: try storeDate(row, field, length)
        case .time: try store(row, field, length, Int64.self)
        case .timestamp: try storeTimestamp(row, field, length)
        case .numeric: try storeNumeric(row, field, length)
        case .uuid:
            guard length == 16 else { throw .malformed }
            (values.base + row * 16).copyMemory(from: field, byteCount: 16)
        case .numericText:
            guard let number = NumericValue(field, length: length) else { throw .malformed }
            number.append(to: values)
            endBytes(row)
        case .array: try appendArray(row, field, length)
        }
    }

    @inline(__always) private func store<T: FixedWidthInteger & BitwiseCopyable>(
        _ row: Int, _ field: UnsafeRawPointer, _ length: Int, _: T.Type
    ) throws(Misfit) {
        guard length == MemoryLayout<T>.size else { throw .malformed }
        values.base.storeBytes(of: field.bigEndian(0, T.self), toByteOffset: row &* MemoryLayout<T>.size, as: T.self)
    }

    /// Days from 2000-01-01 to days from 1970-01-01; the infinities have no counterpart.
    private func storeDate(_ row: Int, _ field: UnsafeRawPointer, _ length: Int) throws(Misfit) {
        guard length == 4 else { throw .malformed }
        let days = field.bigEndian(0, Int32.self)
        guard days != .max, days != .min else { throw .outOfRange }
        let (moved, overflow) = days.addingReportingOverflow(10_957)
        guard !overflow else { throw .outOfRange }
        values.base.storeBytes(of: moved, toByteOffset: row &* 4, as: Int32.self)
    }

    /// Microseconds from 2000-01-01 to microseconds from 1970-01-01; the infinities have no counterpart.
    @inline(__always) private func storeTimestamp(
        _ row: Int, _ field: UnsafeRawPointer, _ length: Int
    ) throws(Misfit) {
        guard length == 8 else { throw .malformed }
        let ticks = field.bigEndian(0, Int64.self)
        guard ticks != .max, ticks != .min else { throw .outOfRange }
        let (moved, overflow) = ticks.addingReportingOverflow(946_684_800_000_000)
        guard !overflow else { throw .outOfRange }
        values.base.storeBytes(of: moved, toByteOffset: row &* 8, as: Int64.self)
    }

    @inline(__always) private func storeNumeric(_ row: Int, _ field: UnsafeRawPointer, _ length: Int) throws(Misfit) {
        guard let number = NumericValue(field, length: length) else { throw .malformed }
        guard let value = number.scaled(to: targetScale, limit: limit) else { throw .outOfRange }
        values.base.storeBytes(of: value, toByteOffset: row &* 16, as: Int128.self)
    }

    @inline(__always) private mutating func appendBytes(_ row: Int, _ field: UnsafeRawPointer, _ length: Int) {
        values.append(UnsafeRawBufferPointer(start: field, count: length))
        endBytes(row)
    }

    @inline(__always) private mutating func endBytes(_ row: Int) {
        let end = items.map { keptCount &+ $0.count } ?? values.count
        offsets?.base.storeBytes(
            of: Int32(truncatingIfNeeded: end), toByteOffset: (row &+ 1) &* 4, as: Int32.self)
        byteCount = values.count
    }

    @inline(__always) private func setBit(_ row: Int, _ bit: Bool) {
        let place = values.base + (row >> 3)
        let mask: UInt8 = 1 << UInt8(truncatingIfNeeded: row & 7)
        let byte = place.load(as: UInt8.self)
        place.storeBytes(of: bit ? byte | mask : byte & ~mask, as: UInt8.self)
    }

    private mutating func clearValidity(_ row: Int) {
        let bits: MutableBuffer
        if let validity {
            bits = validity
        } else {
            bits = MutableBuffer(capacity: (capacity + 7) / 8)
            bits.append(repeating: 0xff, count: (capacity + 7) / 8)
            validity = bits
        }
        let place = bits.base + (row >> 3)
        place.storeBytes(
            of: place.load(as: UInt8.self) & ~(1 << UInt8(truncatingIfNeeded: row & 7)), as: UInt8.self)
        nullCount += 1
    }

    // MARK: Taking back

    /// Takes back what was stored for `row`, which had been null or not.
    mutating func takeBack(_ row: Int) {
        if let validity {
            let place = validity.base + (row >> 3)
            let mask: UInt8 = 1 << UInt8(truncatingIfNeeded: row & 7)
            if place.load(as: UInt8.self) & mask == 0 { nullCount -= 1 }
            place.storeBytes(of: place.load(as: UInt8.self) | mask, as: UInt8.self)
        }
        guard let offsets else { return }
        let start = Int(offsets.base.load(fromByteOffset: row * 4, as: Int32.self))
        if let items {
            guard keptCount + items.count > start else { return }
            keptItems.append(items.finish().slice(0..<start - keptCount))
            keptCount = start
        } else {
            values.count = start
            byteCount = start
        }
    }

    // MARK: Arrays

    /// Appends an array of at most one dimension; more cannot be told from its type, so they do not fit.
    private mutating func appendArray(_ row: Int, _ field: UnsafeRawPointer, _ length: Int) throws(Misfit) {
        guard length >= 12, let element, let items else { throw .malformed }
        let dimensions = field.bigEndian(0, Int32.self)
        guard dimensions <= 1 else { throw .outOfRange }
        guard dimensions == 1 else { return endBytes(row) }
        guard length >= 20 else { throw .malformed }
        let count = Int(field.bigEndian(12, Int32.self))
        var position = 20
        // One field is decoded at a time by a column of its own, and handed over as a value: arrays are rare, and this
        // keeps their elements as exact as the scalars.
        for _ in 0..<max(count, 0) {
            guard position + 4 <= length else { throw .malformed }
            let size = Int(field.bigEndian(position, Int32.self))
            position += 4
            if size < 0 {
                items.appendNull()
                continue
            }
            guard position + size <= length else { throw .malformed }
            var single = CopyField(elementType: items.type, wire: element)
            try single.set(0, field + position, length: size)
            do { try items.append(try single.finish(rows: 1).value(at: 0)) } catch { throw .outOfRange }
            position += size
        }
        byteCount += length
        endBytes(row)
    }

    private init(elementType: DataType, wire: PostgresType.Wire) {
        type = elementType
        self.wire = wire
        element = nil
        capacity = 1
        if case .decimal(let precision, let scale) = elementType {
            limit = PowersOfTen.table[precision] - 1
            targetScale = scale
        } else {
            limit = 0
            targetScale = 0
        }
        values = MutableBuffer(zeroed: 16)
        if case .bytes = elementType.layout {
            values.removeAll()
            offsets = MutableBuffer(zeroed: 8)
        } else {
            offsets = nil
        }
    }

    // MARK: Finishing

    /// The first `rows` rows as a column.
    mutating func finish(rows: Int) throws(SluiceError) -> Column {
        switch type.layout {
        case .fixed(let width): values.count = rows * width
        case .bits: values.count = (rows + 7) / 8
        default: offsets?.count = (rows + 1) * 4
        }
        validity?.count = (rows + 7) / 8
        var children: [Column] = []
        if let items {
            let last = items.finish()
            children = [keptItems.isEmpty ? last : try Column.concatenate(keptItems + [last], type: items.type)]
        }
        return Column(
            type: type, count: rows, nullCount: nullCount, validity: nullCount == 0 ? nil : validity?.freeze(),
            values: items == nil ? values.freeze() : nil, offsets: offsets?.freeze(), children: children)
    }
}
