public import Support

/// A column under construction. `finish` hands out what was built and starts anew.
public protocol ColumnBuilder: AnyObject {
    /// What is being built.
    var type: DataType { get }
    /// How many rows there are so far.
    var count: Int { get }
    /// Appends a row without a value.
    func appendNull()
    /// Appends any value of the type; `.null` for none.
    ///
    /// - throws: `SluiceError` with code `conversion` when the value is of another type.
    func append(_ value: Value) throws(SluiceError)
    /// The rows as a column; the builder is empty afterwards.
    func finish() -> Column
}

/// Which rows hold a value. No bit is written before the first null.
public final class ValidityBuilder {
    @usableFromInline let bits = BitmapBuilder()
    @exclusivity(unchecked) @usableFromInline var rows = 0
    @exclusivity(unchecked) @usableFromInline var hasNulls = false

    /// No rows.
    public init() {}

    /// How many rows there are.
    @inlinable public var count: Int { rows }

    /// How many of the rows are null.
    public var nullCount: Int { bits.zeroCount }

    /// Appends a row that holds a value.
    @inlinable @inline(__always) public func appendValid() {
        if hasNulls { bits.append(true) }
        rows &+= 1
    }

    /// Appends `extra` rows that hold values.
    public func appendValid(count extra: Int) {
        if hasNulls { bits.append(repeating: true, count: extra) }
        rows += extra
    }

    /// Appends a row without a value.
    @inlinable @inline(__always) public func appendNull() {
        if !hasNulls { beginNulls() }
        bits.append(false)
        rows &+= 1
    }

    /// Appends `extra` rows without a value.
    public func appendNull(count extra: Int) {
        if !hasNulls { beginNulls() }
        bits.append(repeating: false, count: extra)
        rows += extra
    }

    /// Appends `extra` rows of a column from row `start` on.
    public func append(_ column: Column, from start: Int, count extra: Int) {
        if let validity = column.validity {
            if !hasNulls { beginNulls() }
            bits.append(validity, from: column.offset + start, count: extra)
            rows += extra
        } else if column.nullCount > 0 {
            appendNull(count: extra)
        } else {
            appendValid(count: extra)
        }
    }

    @inline(never) @usableFromInline func beginNulls() {
        bits.append(repeating: true, count: rows)
        hasNulls = true
    }

    /// The bitmap and the number of nulls; empty afterwards.
    public func finish() -> (validity: Buffer?, nullCount: Int) {
        let nulls = nullCount
        let bitmap = bits.freeze()
        rows = 0
        hasNulls = false
        return (nulls == 0 ? nil : bitmap, nulls)
    }
}

/// Builds columns of fixed-width values: integers, floats, decimals, dates, times, timestamps.
public final class FixedBuilder<T: BitwiseCopyable>: ColumnBuilder {
    /// What is being built; its layout is `T`'s width.
    public let type: DataType
    @usableFromInline let validity = ValidityBuilder()
    @usableFromInline let storage: MutableBuffer
    private let convert: (Value) -> T?

    /// A builder for `type`, whose layout has `T`'s width; `convert` turns any value of that type into a `T`.
    public init(_ type: DataType, capacity: Int = 0, convert: @escaping (Value) -> T?) {
        precondition(type.layout == .fixed(MemoryLayout<T>.size), "\(type) is not \(MemoryLayout<T>.size) bytes wide")
        self.type = type
        self.convert = convert
        storage = MutableBuffer(capacity: capacity * MemoryLayout<T>.size)
    }

    /// How many rows there are so far.
    public var count: Int { validity.count }

    /// Appends a value.
    @inlinable @inline(__always) public func append(_ value: T) {
        storage.append(value)
        validity.appendValid()
    }

    /// Appends as many values as there are in `values`.
    @inlinable public func append(contentsOf values: UnsafeBufferPointer<T>) {
        storage.append(UnsafeRawBufferPointer(values))
        validity.appendValid(count: values.count)
    }

    /// Appends a row without a value.
    @inlinable public func appendNull() {
        storage.append(repeating: 0, count: MemoryLayout<T>.size)
        validity.appendNull()
    }

    /// Appends any value of the type.
    public func append(_ value: Value) throws(SluiceError) {
        if case .null = value { return appendNull() }
        guard let converted = convert(value) else { throw .mismatch(value, type) }
        append(converted)
    }

    /// The rows as a column.
    public func finish() -> Column {
        let rows = count
        let (bits, nulls) = validity.finish()
        return Column(type: type, count: rows, nullCount: nulls, validity: bits, values: storage.freeze())
    }
}

/// Builds bool columns.
public final class BoolBuilder: ColumnBuilder {
    /// Always `bool`.
    public let type = DataType.bool
    @usableFromInline let validity = ValidityBuilder()
    @usableFromInline let bits = BitmapBuilder()

    /// An empty builder.
    public init() {}

    /// How many rows there are so far.
    public var count: Int { validity.count }

    /// Appends a value.
    @inlinable public func append(_ value: Bool) {
        bits.append(value)
        validity.appendValid()
    }

    /// Appends a row without a value.
    public func appendNull() {
        bits.append(false)
        validity.appendNull()
    }

    /// Appends any value of the type.
    public func append(_ value: Value) throws(SluiceError) {
        switch value {
        case .null: appendNull()
        case .bool(let value): append(value)
        default: throw .mismatch(value, type)
        }
    }

    /// The rows as a column.
    public func finish() -> Column {
        let rows = count
        let (bitmap, nulls) = validity.finish()
        return Column(type: type, count: rows, nullCount: nulls, validity: bitmap, values: bits.freeze())
    }
}

/// Builds columns of text, JSON or bytes of any length.
public final class BytesBuilder: ColumnBuilder {
    /// `utf8`, `json` or `binary`.
    public let type: DataType
    @usableFromInline let validity = ValidityBuilder()
    @usableFromInline let offsets: MutableBuffer
    @usableFromInline let storage: MutableBuffer

    /// An empty builder for `utf8`, `json` or `binary`.
    public init(_ type: DataType, capacity: Int = 0) {
        precondition(type.layout == .bytes, "\(type) does not hold bytes")
        self.type = type
        offsets = MutableBuffer(capacity: (capacity + 1) * 4)
        offsets.append(0 as Int32)
        storage = MutableBuffer(capacity: capacity * 8)
    }

    /// How many rows there are so far.
    public var count: Int { validity.count }
    /// How many bytes the values have so far; a column holds at most 2³¹ − 1.
    public var byteCount: Int { storage.count }

    /// Appends a value.
    @inlinable @inline(__always) public func append(_ bytes: UnsafeRawBufferPointer) {
        storage.append(bytes)
        endRow()
    }

    /// Appends a value.
    public func append(_ text: String) {
        storage.append(utf8: text)
        endRow()
    }

    @inlinable @inline(__always) func endRow() {
        if storage.count > Int(Int32.max) { BytesBuilder.tooLong() }
        offsets.append(Int32(truncatingIfNeeded: storage.count))
        validity.appendValid()
    }

    @inline(never) @usableFromInline static func tooLong() -> Never {
        preconditionFailure("a column holds at most 2 GiB of bytes; cut batches earlier")
    }

    /// Appends a row without a value.
    @inlinable public func appendNull() {
        offsets.append(Int32(truncatingIfNeeded: storage.count))
        validity.appendNull()
    }

    /// Appends any value of the type.
    public func append(_ value: Value) throws(SluiceError) {
        switch (value, type) {
        case (.null, _): appendNull()
        case (.text(let text), .utf8), (.text(let text), .json): append(text)
        case (.bytes(let bytes), .binary): bytes.withUnsafeBytes { append($0) }
        default: throw .mismatch(value, type)
        }
    }

    /// The rows as a column.
    public func finish() -> Column {
        let rows = count
        let (bitmap, nulls) = validity.finish()
        let column = Column(
            type: type, count: rows, nullCount: nulls, validity: bitmap, values: storage.freeze(),
            offsets: offsets.freeze())
        offsets.append(0 as Int32)
        return column
    }
}

/// Builds columns of byte strings of one length, UUIDs among them.
public final class FixedBytesBuilder: ColumnBuilder {
    /// `fixedBinary` or `uuid`.
    public let type: DataType
    /// How long each value is.
    public let width: Int
    private let validity = ValidityBuilder()
    private let storage = MutableBuffer()

    /// An empty builder for values of `type.layout`'s width.
    public init(_ type: DataType) {
        guard case .fixed(let width) = type.layout else { preconditionFailure("\(type) has no fixed width") }
        self.type = type
        self.width = width
    }

    /// How many rows there are so far.
    public var count: Int { validity.count }

    /// Appends a value, which is `width` bytes long.
    public func append(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == width, "a value of \(type) has \(width) bytes, not \(bytes.count)")
        storage.append(bytes)
        validity.appendValid()
    }

    /// Appends a row without a value.
    public func appendNull() {
        storage.append(repeating: 0, count: width)
        validity.appendNull()
    }

    /// Appends any value of the type.
    public func append(_ value: Value) throws(SluiceError) {
        switch value {
        case .null: appendNull()
        case .bytes(let bytes) where bytes.count == width: bytes.withUnsafeBytes { append($0) }
        default: throw .mismatch(value, type)
        }
    }

    /// The rows as a column.
    public func finish() -> Column {
        let rows = count
        let (bitmap, nulls) = validity.finish()
        return Column(type: type, count: rows, nullCount: nulls, validity: bitmap, values: storage.freeze())
    }
}

/// Builds columns that hold nothing.
public final class NullBuilder: ColumnBuilder {
    /// Always `null`.
    public let type = DataType.null
    /// How many rows there are so far.
    public private(set) var count = 0

    /// An empty builder.
    public init() {}

    /// Appends a row.
    public func appendNull() { count += 1 }

    /// Appends `.null`.
    public func append(_ value: Value) throws(SluiceError) {
        guard case .null = value else { throw .mismatch(value, type) }
        count += 1
    }

    /// The rows as a column.
    public func finish() -> Column {
        defer { count = 0 }
        return Column(type: .null, count: count, nullCount: count)
    }
}

extension SluiceError {
    static func mismatch(_ value: Value, _ type: DataType) -> SluiceError {
        SluiceError(.conversion, "\(value) is not a value of type \(type)")
    }
}
