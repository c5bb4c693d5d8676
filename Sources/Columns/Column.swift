public import Support

/// The values of one column for a run of rows, laid out as Arrow lays them out. Immutable and shared by reference.
///
/// Which parts there are depends on `type.layout`:
///
/// | layout | `values` | `offsets` | `children` |
/// | --- | --- | --- | --- |
/// | null | – | – | – |
/// | bits | a bitmap, least significant bit first | – | – |
/// | fixed | `count` values | – | – |
/// | bytes | the bytes of all values | `count + 1` `Int32` | – |
/// | list | – | `count + 1` `Int32` | the items (a map: its `entries` structure) |
/// | structure | – | – | one column a field, each of `count` rows |
///
/// `offset` is the row at which this column begins in `validity`, `values` (bits, fixed) and `offsets`. The children of
/// a structure are cut already and begin at their own row 0; the child of a list is whole.
public struct Column: Sendable {
    /// What the values are.
    public let type: DataType
    /// How many rows there are.
    public let count: Int
    /// How many rows are null.
    public let nullCount: Int
    /// The first row's place in the buffers.
    public let offset: Int
    /// A bit a row, 1 where there is a value; nil when no row is null.
    public let validity: Buffer?
    /// The values or bytes.
    public let values: Buffer?
    /// Where each row's bytes or items begin.
    public let offsets: Buffer?
    /// The columns inside.
    public let children: [Column]

    /// A column over parts that fit `type.layout`; they are trusted to.
    public init(
        type: DataType, count: Int, nullCount: Int, offset: Int = 0, validity: Buffer? = nil, values: Buffer? = nil,
        offsets: Buffer? = nil, children: [Column] = []
    ) {
        self.type = type
        self.count = count
        self.nullCount = type == .null ? count : nullCount
        self.offset = offset
        self.validity = nullCount == 0 ? nil : validity
        self.values = values
        self.offsets = offsets
        self.children = children
    }

    /// Whether the row holds no value.
    @inlinable public func isNull(at row: Int) -> Bool {
        if let validity { return !Bitmap.isSet(validity, at: offset + row) }
        return nullCount != 0
    }

    /// The rows in `range`; the buffers are shared.
    public func slice(_ range: Range<Int>) -> Column {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice out of bounds")
        if range.count == count { return self }
        let nulls: Int
        if let validity {
            nulls = range.count - Bitmap.countSet(validity, from: offset + range.lowerBound, count: range.count)
        } else {
            nulls = nullCount == 0 ? 0 : range.count
        }
        return Column(
            type: type, count: range.count, nullCount: nulls, offset: offset + range.lowerBound, validity: validity,
            values: values, offsets: offsets,
            children: type.layout == .structure ? children.map { $0.slice(range) } : children)
    }

    /// The same memory seen as another type of the same layout, e.g. `int64` as a timestamp.
    public func reinterpreted(as other: DataType) -> Column {
        precondition(other.layout == type.layout, "\(type) and \(other) are laid out differently")
        return Column(
            type: other, count: count, nullCount: nullCount, offset: offset, validity: validity, values: values,
            offsets: offsets, children: children)
    }

    /// A column of `count` nulls.
    public static func nulls(_ type: DataType, count: Int) -> Column {
        let validity = Buffer([UInt8](repeating: 0, count: (count + 7) / 8))
        func zeros(_ size: Int) -> Buffer { MutableBuffer(zeroed: size).freeze() }
        switch type.layout {
        case .null: return Column(type: type, count: count, nullCount: count)
        case .bits:
            return Column(
                type: type, count: count, nullCount: count, validity: validity, values: zeros((count + 7) / 8))
        case .fixed(let width):
            return Column(type: type, count: count, nullCount: count, validity: validity, values: zeros(count * width))
        case .bytes:
            return Column(
                type: type, count: count, nullCount: count, validity: validity, values: .empty,
                offsets: zeros((count + 1) * 4))
        case .list:
            return Column(
                type: type, count: count, nullCount: count, validity: validity, offsets: zeros((count + 1) * 4),
                children: type.childFields.map { .nulls($0.type, count: 0) })
        case .structure:
            return Column(
                type: type, count: count, nullCount: count, validity: validity,
                children: type.childFields.map { .nulls($0.type, count: count) })
        }
    }
}

// MARK: - Typed access

extension Column {
    /// Calls `body` with the fixed-width values of this column's rows; null rows hold anything.
    ///
    /// `T` must have the width of the type's layout: `Int64` for a timestamp, `Int128` for a decimal.
    @inlinable public func withValues<T: BitwiseCopyable, R, E: Error>(
        as _: T.Type = T.self, _ body: (UnsafeBufferPointer<T>) throws(E) -> R
    ) throws(E) -> R {
        guard let values else { return try body(UnsafeBufferPointer(start: nil, count: 0)) }
        return try values.withUnsafeBytes { (bytes) throws(E) -> R in
            let start = bytes.baseAddress?.advanced(by: offset * MemoryLayout<T>.size).assumingMemoryBound(to: T.self)
            return try body(UnsafeBufferPointer(start: start, count: count))
        }
    }

    /// Calls `body` with the `count + 1` offsets of this column's rows.
    @inlinable public func withOffsets<R, E: Error>(
        _ body: (UnsafeBufferPointer<Int32>) throws(E) -> R
    ) throws(E) -> R {
        guard let offsets else { preconditionFailure("\(type) has no offsets") }
        return try offsets.withUnsafeBytes { (bytes) throws(E) -> R in
            let start = bytes.baseAddress?.advanced(by: offset * 4).assumingMemoryBound(to: Int32.self)
            return try body(UnsafeBufferPointer(start: start, count: count + 1))
        }
    }

    /// Calls `body` with the offsets and all the bytes that they point into.
    @inlinable public func withBytes<R, E: Error>(
        _ body: (UnsafeBufferPointer<Int32>, UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        guard let values else { preconditionFailure("\(type) has no bytes") }
        return try withOffsets { (offsets) throws(E) -> R in
            try values.withUnsafeBytes { (bytes) throws(E) -> R in try body(offsets, bytes) }
        }
    }

    /// The bit at `row` of a bool column.
    @inlinable public func bit(at row: Int) -> Bool {
        guard let values else { return false }
        return Bitmap.isSet(values, at: offset + row)
    }

    /// One fixed-width value; anything when the row is null.
    @inlinable public func fixed<T: BitwiseCopyable>(at row: Int, as _: T.Type = T.self) -> T {
        withValues(as: T.self) { $0[row] }
    }

    /// The bytes of one row of a `bytes` column, shared.
    public func bytes(at row: Int) -> Buffer {
        let range = withOffsets { Int($0[row])..<Int($0[row + 1]) }
        return values?[range] ?? .empty
    }

    /// The text of one row.
    public func text(at row: Int) -> String {
        withBytes { offsets, bytes in
            String(decoding: bytes[Int(offsets[row])..<Int(offsets[row + 1])], as: UTF8.self)
        }
    }

    /// The items of one row of a list or map.
    public func items(at row: Int) -> Column {
        let range = withOffsets { Int($0[row])..<Int($0[row + 1]) }
        return children[0].slice(range)
    }
}
