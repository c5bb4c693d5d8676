import Support

/// What stands before every page.
struct PageHeader: Sendable, Hashable {
    var type = PageType.data
    /// Bytes after decompression; for version 2 pages the levels, which are never compressed, are counted in.
    var uncompressedSize: Int32 = 0
    /// Bytes in the file, after the header.
    var compressedSize: Int32 = 0
    /// CRC-32 of the bytes in the file.
    var crc: Int32?
    var data: DataPageHeader?
    var dictionary: DictionaryPageHeader?
    var dataV2: DataPageHeaderV2?
}

struct DataPageHeader: Sendable, Hashable {
    /// Values with nulls.
    var valueCount: Int32 = 0
    var encoding = Encoding.plain
    var definitionLevelEncoding = Encoding.rle
    var repetitionLevelEncoding = Encoding.rle
    var statistics: Statistics?
}

struct DictionaryPageHeader: Sendable, Hashable {
    var valueCount: Int32 = 0
    var encoding = Encoding.plain
    var isSorted: Bool?
}

struct DataPageHeaderV2: Sendable, Hashable {
    /// Values with nulls.
    var valueCount: Int32 = 0
    var nullCount: Int32 = 0
    var rowCount: Int32 = 0
    var encoding = Encoding.plain
    var definitionLevelsByteLength: Int32 = 0
    var repetitionLevelsByteLength: Int32 = 0
    /// Nil means yes.
    var isCompressed: Bool?
    var statistics: Statistics?
}

extension PageHeader: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        var found = 0
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            if field.id > 0, field.id < 16 { found |= 1 << Int(field.id) }
            switch field.id {
            case 1: type = PageType(rawValue: try reader.int32(field))
            case 2: uncompressedSize = try reader.int32(field)
            case 3: compressedSize = try reader.int32(field)
            case 4: crc = try reader.int32(field)
            case 5:
                let header: DataPageHeader = try reader.structure(field)
                data = header
            case 7:
                let header: DictionaryPageHeader = try reader.structure(field)
                dictionary = header
            case 8:
                let header: DataPageHeaderV2 = try reader.structure(field)
                dataV2 = header
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
        guard found & 0b1110 == 0b1110 else { throw reader.failure("a page header lacks its type or its sizes") }
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: type.rawValue)
        writer.field(2, int32: uncompressedSize)
        writer.field(3, int32: compressedSize)
        writer.field(4, int32: crc)
        writer.field(5, struct: data)
        writer.field(7, struct: dictionary)
        writer.field(8, struct: dataV2)
        writer.endStruct()
    }
}

extension DataPageHeader: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: valueCount = try reader.int32(field)
            case 2: encoding = Encoding(rawValue: try reader.int32(field))
            case 3: definitionLevelEncoding = Encoding(rawValue: try reader.int32(field))
            case 4: repetitionLevelEncoding = Encoding(rawValue: try reader.int32(field))
            // Statistics of pages are of no use once the page has been fetched.
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: valueCount)
        writer.field(2, int32: encoding.rawValue)
        writer.field(3, int32: definitionLevelEncoding.rawValue)
        writer.field(4, int32: repetitionLevelEncoding.rawValue)
        writer.field(5, struct: statistics)
        writer.endStruct()
    }
}

extension DictionaryPageHeader: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: valueCount = try reader.int32(field)
            case 2: encoding = Encoding(rawValue: try reader.int32(field))
            case 3: isSorted = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: valueCount)
        writer.field(2, int32: encoding.rawValue)
        writer.field(3, bool: isSorted)
        writer.endStruct()
    }
}

extension DataPageHeaderV2: ThriftStruct {
    init(from reader: inout ThriftReader) throws(SluiceError) {
        let outer = try reader.beginStruct()
        while let field = try reader.nextField() {
            switch field.id {
            case 1: valueCount = try reader.int32(field)
            case 2: nullCount = try reader.int32(field)
            case 3: rowCount = try reader.int32(field)
            case 4: encoding = Encoding(rawValue: try reader.int32(field))
            case 5: definitionLevelsByteLength = try reader.int32(field)
            case 6: repetitionLevelsByteLength = try reader.int32(field)
            case 7: isCompressed = try reader.bool(field)
            default: try reader.skip(field)
            }
        }
        reader.endStruct(outer)
    }

    func write(to writer: inout ThriftWriter) {
        writer.beginStruct()
        writer.field(1, int32: valueCount)
        writer.field(2, int32: nullCount)
        writer.field(3, int32: rowCount)
        writer.field(4, int32: encoding.rawValue)
        writer.field(5, int32: definitionLevelsByteLength)
        writer.field(6, int32: repetitionLevelsByteLength)
        writer.field(7, bool: isCompressed)
        writer.field(8, struct: statistics)
        writer.endStruct()
    }
}
