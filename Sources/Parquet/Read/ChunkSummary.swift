public import Columns
import Support

/// What the footer says about one leaf in one row group, in the words of its column: for showing.
public struct ChunkSummary: Sendable, Hashable {
    /// The leaf's dotted path.
    public var path: String
    /// How values are stored.
    public var physicalType: PhysicalType
    /// What values are.
    public var type: DataType
    /// Every encoding in use, in the footer's order.
    public var encodings: [Encoding]
    /// How pages are compressed.
    public var codec: Codec
    /// Bytes before compression.
    public var uncompressedSize: Int64
    /// Bytes in the file.
    public var compressedSize: Int64
    /// How many values there are, nulls among them.
    public var valueCount: Int64
    /// How many of them are null, where that is known.
    public var nullCount: Int64?
    /// How many different values there are, where that is known.
    public var distinctCount: Int64?
    /// The smallest value or something below it, where that is known.
    public var minimum: Value?
    /// The largest value or something above it, where that is known.
    public var maximum: Value?
    /// Whether `minimum` and `maximum` are values of the column and have not been cut short, as far as is known.
    public var hasExactBounds: Bool
    /// Whether minima and maxima of every page can be looked up.
    public var hasColumnIndex: Bool
    /// Whether every page can be found without reading those before it.
    public var hasOffsetIndex: Bool
    /// Whether there is a bloom filter.
    public var hasBloomFilter: Bool
}

extension ParquetFile {
    /// What the footer says about every leaf in row group `group`.
    public func chunks(ofRowGroup group: Int) -> [ChunkSummary] {
        zip(leaves, metadata.rowGroups[group].columns).map { leaf, chunk in
            let metadata = chunk.metadata
            let statistics = metadata.statistics
            let (minimum, maximum) = statistics.map { bounds(of: $0, leaf) } ?? (nil, nil)
            return ChunkSummary(
                path: leaf.dottedPath, physicalType: leaf.physical, type: shownType(of: leaf),
                encodings: metadata.encodings,
                codec: metadata.codec, uncompressedSize: metadata.totalUncompressedSize,
                compressedSize: metadata.totalCompressedSize, valueCount: metadata.valueCount,
                nullCount: statistics?.nullCount, distinctCount: statistics?.distinctCount, minimum: minimum,
                maximum: maximum,
                hasExactBounds: statistics?.isMinExact != false && statistics?.isMaxExact != false,
                hasColumnIndex: chunk.columnIndexOffset != nil, hasOffsetIndex: chunk.offsetIndexOffset != nil,
                hasBloomFilter: metadata.bloomFilterOffset != nil)
        }
    }

    /// A leaf's type; where it is a column of its own, with what only the Arrow schema knows, such as a time zone.
    private func shownType(of leaf: Leaf) -> DataType {
        guard let index = schema.index(of: leaf.dottedPath), schema.fields[index].type.layout == leaf.type.layout else {
            return leaf.type
        }
        return schema.fields[index].type
    }

    /// The leaf at a dotted path, named as columns are or as the file has it.
    func leaf(_ path: String) -> Leaf? {
        if let leaf = leaves.first(where: { $0.dottedPath == path }) { return leaf }
        guard let node = try? project([path]).first, node.leaves.count == 1 else { return nil }
        return node.leaves.first
    }

    /// Minimum and maximum as values of the leaf's column; nil where there are none that can be relied on.
    func bounds(of statistics: Statistics, _ leaf: Leaf) -> (Value?, Value?) {
        let order: ColumnOrder? =
            metadata.columnOrders.flatMap { $0.indices.contains(leaf.index) ? $0[leaf.index] : nil }
        // Without a stated order only the old bounds mean something, and those only where signed comparison is right.
        let low: [UInt8]?
        let high: [UInt8]?
        if let order, order != .unknown, statistics.minValue != nil || statistics.maxValue != nil {
            (low, high) = (statistics.minValue, statistics.maxValue)
        } else if leaf.hasSignedOrder {
            (low, high) = (statistics.deprecatedMin, statistics.deprecatedMax)
        } else {
            return (nil, nil)
        }
        let minimum = low.flatMap { leaf.value(ofStatistic: $0, isMinimum: true) }
        let maximum = high.flatMap { leaf.value(ofStatistic: $0, isMinimum: false) }
        // A NaN says that the writer did not know how to treat them: neither bound can be relied on.
        if case .float(let value) = minimum, value.isNaN { return (nil, nil) }
        if case .float(let value) = maximum, value.isNaN { return (nil, nil) }
        return (minimum, maximum)
    }
}

extension Leaf {
    fileprivate var hasSignedOrder: Bool {
        switch type {
        case .bool, .int8, .int16, .int32, .int64, .float32, .float64, .date, .time, .timestamp:
            physical != .int96
        case .decimal: physical == .int32 || physical == .int64
        default: false
        }
    }

    /// A plain-encoded value without a length. Nil when it is not one, or when the type has no order.
    func value(ofStatistic bytes: [UInt8], isMinimum: Bool) -> Value? {
        func number<T: FixedWidthInteger>(_: T.Type) -> T? {
            guard bytes.count == MemoryLayout<T>.size else { return nil }
            return bytes.withUnsafeBytes { T(littleEndian: $0.loadUnaligned(as: T.self)) }
        }
        switch type {
        case .null, .list, .structure, .map: return nil
        case .bool: return bytes.count == 1 ? .bool(bytes[0] != 0) : nil
        case .int8, .int16, .int32: return number(Int32.self).map { .int(Int128($0)) }
        case .int64: return number(Int64.self).map { .int(Int128($0)) }
        case .uint8, .uint16, .uint32: return number(UInt32.self).map { .int(Int128($0)) }
        case .uint64: return number(UInt64.self).map { .int(Int128($0)) }
        // A zero bound stands for either zero.
        case .float16:
            return number(UInt16.self).map { .float(Double(Float16(bitPattern: $0))) }.map { zero($0, isMinimum) }
        case .float32:
            return number(UInt32.self).map { .float(Double(Float(bitPattern: $0))) }.map { zero($0, isMinimum) }
        case .float64: return number(UInt64.self).map { .float(Double(bitPattern: $0)) }.map { zero($0, isMinimum) }
        case .date, .time(.second), .time(.millisecond): return number(Int32.self).map { .ticks(Int128($0)) }
        case .time: return number(Int64.self).map { .ticks(Int128($0)) }
        case .timestamp:
            // The order of INT96 was never defined.
            return physical == .int96 ? nil : number(Int64.self).map { .ticks(Int128($0)) }
        case .decimal:
            switch physical {
            case .int32: return number(Int32.self).map { .ticks(Int128($0)) }
            case .int64: return number(Int64.self).map { .ticks(Int128($0)) }
            default:
                guard
                    let pair = bytes.withUnsafeBytes({ raw in
                        raw.baseAddress.flatMap { try? Conversion.bigEndian($0, raw.count) }
                    })
                else { return nil }
                return .ticks(Int128(truncatingIfNeeded: pair.high) << 64 | Int128(pair.low))
            }
        case .utf8, .json:
            // A bound that was cut short may end inside a character; what is left is no text.
            return String(validating: bytes, as: UTF8.self).map { .text($0) }
        case .binary: return .bytes(bytes)
        // INTERVAL, among others of fixed length, has no order; UUIDs and plain bytes have that of their bytes.
        case .uuid, .fixedBinary: return bytes.count == typeLength ? .bytes(bytes) : nil
        }
    }

    private func zero(_ value: Value, _ isMinimum: Bool) -> Value {
        if case .float(let number) = value, number == 0 { return .float(isMinimum ? -0.0 : 0.0) }
        return value
    }
}
