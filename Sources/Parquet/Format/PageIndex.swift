import Support

/// Minimum and maximum of every page of a column chunk.
public struct ColumnIndex: Sendable, Hashable {
    /// Whether a page holds nothing but nulls.
    public var nullPages: [Bool] = []
    /// The minimum of each page, or something below it; empty for null pages.
    public var minValues: [[UInt8]] = []
    /// The maximum of each page, or something above it; empty for null pages.
    public var maxValues: [[UInt8]] = []
    /// How the pages are ordered.
    public var boundaryOrder = BoundaryOrder.unordered
    /// How many nulls each page has.
    public var nullCounts: [Int64]?
    /// For each page, how many values have each repetition level.
    public var repetitionLevelHistograms: [Int64]?
    /// For each page, how many values have each definition level.
    public var definitionLevelHistograms: [Int64]?
}

/// Where every page of a column chunk is.
public struct OffsetIndex: Sendable, Hashable {
    /// The data pages.
    public var pageLocations: [PageLocation] = []
    /// Bytes of each page's strings.
    public var unencodedByteArrayBytes: [Int64]?
}

/// Where one page is.
public struct PageLocation: Sendable, Hashable {
    /// Where its header begins in the file.
    public var offset: Int64 = 0
    /// Bytes in the file, with the header.
    public var compressedPageSize: Int32 = 0
    /// The row of the row group with which it begins.
    public var firstRowIndex: Int64 = 0
}

extension ColumnIndex: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: nullPages = try reader.bools(field)
            case 2: minValues = try reader.binaries(field)
            case 3: maxValues = try reader.binaries(field)
            case 4: boundaryOrder = BoundaryOrder(rawValue: try reader.int32(field)) ?? .unordered
            case 5: nullCounts = try reader.int64s(field)
            case 6: repetitionLevelHistograms = try reader.int64s(field)
            case 7: definitionLevelHistograms = try reader.int64s(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, bools: nullPages)
        writer.field(2, binaries: minValues)
        writer.field(3, binaries: maxValues)
        writer.field(4, int32: boundaryOrder.rawValue)
        writer.field(5, int64s: nullCounts)
        writer.field(6, int64s: repetitionLevelHistograms)
        writer.field(7, int64s: definitionLevelHistograms)
        writer.endStruct()
    }
}

extension OffsetIndex: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: pageLocations = try reader.structs(field)
            case 2: unencodedByteArrayBytes = try reader.int64s(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, structs: pageLocations)
        writer.field(2, int64s: unencodedByteArrayBytes)
        writer.endStruct()
    }
}

extension PageLocation: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: offset = try reader.int64(field)
            case 2: compressedPageSize = try reader.int32(field)
            case 3: firstRowIndex = try reader.int64(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int64: offset)
        writer.field(2, int32: compressedPageSize)
        writer.field(3, int64: firstRowIndex)
        writer.endStruct()
    }
}
