import Columns
import Support
import Testing

@testable import Parquet

@Suite struct ThriftTests {
    private func read<T: ThriftStruct>(_ bytes: [UInt8], as _: T.Type = T.self) throws -> T {
        try bytes.withUnsafeBytes { raw in
            var reader = ThriftReader(raw, origin: 100)
            return try T(from: &reader)
        }
    }

    static let metadata: FileMetadata = {
        var chunk = ColumnChunk()
        chunk.metadata = ColumnMetadata(
            type: .byteArray, encodings: [.rleDictionary, .plain, Encoding(rawValue: 77)], path: ["a", "b"],
            codec: .zstd, valueCount: 12, totalUncompressedSize: 1 << 40, totalCompressedSize: 99,
            keyValues: [KeyValue(key: "k", value: nil)], dataPageOffset: 4, indexPageOffset: 5,
            dictionaryPageOffset: 6,
            statistics: Statistics(
                deprecatedMax: [1], deprecatedMin: [], nullCount: 3, distinctCount: 4, maxValue: [0xff], minValue: [0],
                isMaxExact: true, isMinExact: false),
            encodingStats: [PageEncodingStats(pageType: 2, encoding: .plain, count: 1)], bloomFilterOffset: 7,
            bloomFilterLength: 8,
            sizeStatistics: SizeStatistics(
                unencodedByteArrayBytes: 9, repetitionLevelHistogram: [1, 2],
                definitionLevelHistogram: Array(0..<20)))
        chunk.offsetIndexOffset = 1
        chunk.offsetIndexLength = 2
        chunk.columnIndexOffset = 3
        chunk.columnIndexLength = 4
        let leaves: [LogicalType] = [
            .string, .map, .list, .enumeration, .decimal(scale: 2, precision: 38), .date,
            .time(.millisecond, utc: true),
            .timestamp(.nanosecond, utc: false), .integer(bitWidth: 8, signed: false), .unknown, .json, .bson, .uuid,
            .float16, .other(18),
        ]
        let root = SchemaElement(name: "root", childCount: Int32(leaves.count))
        let elements = leaves.enumerated().map { index, logical in
            SchemaElement(
                type: .byteArray, typeLength: 16, repetition: .optional, name: "leaf \(index) ü",
                convertedType: .timestampMicros, scale: -1, precision: 5, fieldID: .min, logicalType: logical)
        }
        let group = RowGroup(
            columns: [chunk], totalByteSize: 5, rowCount: .max,
            sortingColumns: [SortingColumn(columnIndex: 1, isDescending: true, nullsFirst: false)], fileOffset: 4,
            totalCompressedSize: 3, ordinal: -2)
        return FileMetadata(
            version: 1, schema: [root] + elements, rowCount: 10, rowGroups: [group, group],
            keyValues: [KeyValue(key: "x", value: "y")], createdBy: "tests",
            columnOrders: [.typeDefined, .ieee754Total, .unknown])
    }()

    @Test func footerSurvivesWritingAndReading() throws {
        let bytes = ThriftWriter.bytes(of: Self.metadata).bytes
        #expect(try read(bytes) == Self.metadata)
    }

    @Test func pageHeadersSurviveWritingAndReading() throws {
        var header = PageHeader(type: .data, uncompressedSize: 1, compressedSize: .max, crc: -5)
        header.data = DataPageHeader(
            valueCount: 7, encoding: .deltaByteArray, definitionLevelEncoding: .bitPacked, repetitionLevelEncoding: .rle
        )
        header.dictionary = DictionaryPageHeader(valueCount: 3, encoding: .plainDictionary, isSorted: true)
        header.dataV2 = DataPageHeaderV2(
            valueCount: 1, nullCount: 2, rowCount: 3, encoding: .byteStreamSplit, definitionLevelsByteLength: 4,
            repetitionLevelsByteLength: 5, isCompressed: false)
        #expect(try read(ThriftWriter.bytes(of: header).bytes) == header)
    }

    @Test func pageIndexesSurviveWritingAndReading() throws {
        let columns = ColumnIndex(
            nullPages: [true, false], minValues: [[], [1]], maxValues: [[], [2, 3]], boundaryOrder: .descending,
            nullCounts: [4, 5], repetitionLevelHistograms: [1], definitionLevelHistograms: [2])
        #expect(try read(ThriftWriter.bytes(of: columns).bytes) == columns)
        let offsets = OffsetIndex(
            pageLocations: [PageLocation(offset: 1 << 50, compressedPageSize: 2, firstRowIndex: 3)],
            unencodedByteArrayBytes: [6])
        #expect(try read(ThriftWriter.bytes(of: offsets).bytes) == offsets)
    }

    @Test func unknownFieldsOfEveryTypeArePassedOver() throws {
        // key (1), then fields 100… of every wire type, then value (2) with a long header.
        let bytes: [UInt8] = [
            0x18, 1, 0x6b,  // key = "k"
            0x01, 0xc8, 0x01,  // 100: true
            0x12, 0x13, 0x7f, 0x14, 0x02, 0x15, 0x02, 0x16, 0x02,  // false, byte, i16, i32, i64
            0x17, 0, 0, 0, 0, 0, 0, 0, 0,  // double
            0x18, 2, 1, 2,  // binary
            0x19, 0x21, 1, 2,  // list of two bools
            0x1a, 0x19, 0x15, 2,  // set of one list of one i32
            0x1b, 1, 0x85, 1, 0x61, 2,  // map of one string to one i32
            0x1b, 0,  // map of nothing
            0x1c, 0x15, 2, 0,  // structure
            0x1d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // uuid
            0x08, 0x04, 1, 0x76,  // value = "v"
            0,
        ]
        #expect(try read(bytes) == KeyValue(key: "k", value: "v"))
    }

    @Test(arguments: [
        ([0x28, 0xff, 0xff, 0xff, 0xff, 0x07], "declares"),  // a string longer than the bytes left
        ([0x18, 1], "declares"),
        ([0x15, 2], "not a string"),
        ([0x09, 0xc8, 0x01, 0xf5, 0xff, 0xff, 0x7f], "elements"),  // a list of two million elements
        ([0x16] + [UInt8](repeating: 0xff, count: 12), "not a string"),
        ([0x56] + [UInt8](repeating: 0xff, count: 12), "64 bits"),
        ([0x1e], "wire type"),
        ([UInt8](repeating: 0x5c, count: 200), "deep"),
        ([UInt8](repeating: 0x59, count: 1) + [UInt8](repeating: 0x19, count: 200), "deep"),
        ([], "ends"),
    ])
    func damageIsAnErrorWithItsPlace(bytes: [UInt8], message: String) throws {
        let error = #expect(throws: SluiceError.self) { _ = try read(bytes, as: KeyValue.self) }
        #expect(error?.message.contains(message) == true, "\(String(describing: error))")
        #expect((error?.place.offset ?? 0) >= 100)
    }

    @Test func everyTruncationOfAFooterIsAnError() throws {
        let bytes = ThriftWriter.bytes(of: Self.metadata).bytes
        for count in 0..<bytes.count {
            #expect(throws: SluiceError.self) { _ = try read(Array(bytes[..<count]), as: FileMetadata.self) }
        }
    }

    @Test func everyBitFlipOfAFooterIsReadOrRefused() throws {
        let bytes = ThriftWriter.bytes(of: Self.metadata).bytes
        for index in bytes.indices {
            for bit in 0..<8 {
                var damaged = bytes
                damaged[index] ^= 1 << UInt8(bit)
                _ = try? read(damaged, as: FileMetadata.self)
            }
        }
    }
}
