public import Support

/// Builds list and map columns: append items to `items`, then end the row.
public final class ListBuilder: ColumnBuilder {
    /// A list or a map.
    public let type: DataType
    /// Builds the items; for a map, a `StructBuilder` of its entries.
    public let items: any ColumnBuilder
    private let validity = ValidityBuilder()
    private let offsets = MutableBuffer()

    /// An empty builder for a list or map type.
    public init(_ type: DataType) {
        precondition(type.layout == .list, "\(type) is not a list or map")
        self.type = type
        items = makeBuilder(type.childFields[0].type)
        offsets.append(0 as Int32)
    }

    /// How many rows there are so far.
    public var count: Int { validity.count }

    /// Ends a row that holds all items appended since the last one.
    public func endRow() {
        offsets.append(Int32(items.count))
        validity.appendValid()
    }

    /// Appends a row without a list.
    public func appendNull() {
        offsets.append(Int32(items.count))
        validity.appendNull()
    }

    /// Appends any value of the type.
    public func append(_ value: Value) throws(SluiceError) {
        switch value {
        case .null: appendNull()
        case .list(let values):
            for value in values { try items.append(value) }
            endRow()
        default: throw .mismatch(value, type)
        }
    }

    /// The rows as a column.
    public func finish() -> Column {
        let rows = count
        let (bitmap, nulls) = validity.finish()
        let column = Column(
            type: type, count: rows, nullCount: nulls, validity: bitmap, offsets: offsets.freeze(),
            children: [items.finish()])
        offsets.append(0 as Int32)
        return column
    }
}

/// Builds structure columns: append a value to every one of `fields`, then end the row.
public final class StructBuilder: ColumnBuilder {
    /// A structure.
    public let type: DataType
    /// A builder for each field.
    public let fields: [any ColumnBuilder]
    private let validity = ValidityBuilder()

    /// An empty builder for a structure type.
    public init(_ type: DataType) {
        precondition(type.layout == .structure, "\(type) is not a structure")
        self.type = type
        fields = type.childFields.map { makeBuilder($0.type) }
    }

    /// How many rows there are so far.
    public var count: Int { validity.count }

    /// Ends a row; every field has been given one value since the last one.
    public func endRow() { validity.appendValid() }

    /// Appends a row without a structure.
    public func appendNull() {
        for field in fields { field.appendNull() }
        validity.appendNull()
    }

    /// Appends any value of the type, one value a field in the fields' order.
    public func append(_ value: Value) throws(SluiceError) {
        switch value {
        case .null: appendNull()
        case .structure(let values) where values.count == fields.count:
            for (field, value) in zip(fields, values) { try field.append(value) }
            endRow()
        default: throw .mismatch(value, type)
        }
    }

    /// The rows as a column.
    public func finish() -> Column {
        let rows = count
        let (bitmap, nulls) = validity.finish()
        return Column(
            type: type, count: rows, nullCount: nulls, validity: bitmap, children: fields.map { $0.finish() })
    }
}

/// The builder for columns of `type`.
public func makeBuilder(_ type: DataType) -> any ColumnBuilder {
    switch type {
    case .null: NullBuilder()
    case .bool: BoolBuilder()
    case .int8: FixedBuilder<Int8>(type) { $0.integer() }
    case .int16: FixedBuilder<Int16>(type) { $0.integer() }
    case .int32: FixedBuilder<Int32>(type) { $0.integer() }
    case .int64: FixedBuilder<Int64>(type) { $0.integer() }
    case .uint8: FixedBuilder<UInt8>(type) { $0.integer() }
    case .uint16: FixedBuilder<UInt16>(type) { $0.integer() }
    case .uint32: FixedBuilder<UInt32>(type) { $0.integer() }
    case .uint64: FixedBuilder<UInt64>(type) { $0.integer() }
    case .float16: FixedBuilder<Float16>(type) { $0.float.map { Float16($0) } }
    case .float32: FixedBuilder<Float>(type) { $0.float.map { Float($0) } }
    case .float64: FixedBuilder<Double>(type) { $0.float }
    case .decimal: FixedBuilder<Int128>(type) { $0.ticks() }
    case .date, .time(.second), .time(.millisecond): FixedBuilder<Int32>(type) { $0.ticks() }
    case .time, .timestamp: FixedBuilder<Int64>(type) { $0.ticks() }
    case .utf8, .json, .binary: BytesBuilder(type)
    case .uuid, .fixedBinary: FixedBytesBuilder(type)
    case .list, .map: ListBuilder(type)
    case .structure: StructBuilder(type)
    }
}
