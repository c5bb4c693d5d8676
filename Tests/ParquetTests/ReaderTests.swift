import Columns
import Support
import Testing

@testable import Parquet

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A file that another library wrote, from the folder of fixtures.
func fixture(_ name: String) throws -> [UInt8] {
    let path = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Fixtures/" + name
    let file = try #require(fopen(path, "rb"), "\(path) is not there")
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    bytes.removeLast(bytes.count - fread(&bytes, 1, bytes.count, file))
    return bytes
}

/// Counts what is read of it.
final class CountingSource: RandomAccess, @unchecked Sendable {
    // `@unchecked Sendable` because tests read it from one task at a time.

    let name = "counted"
    let contents: MemorySource
    private(set) var ranges: [Range<Int>] = []

    init(_ bytes: [UInt8]) { contents = MemorySource(Buffer(bytes)) }
    var size: Int { contents.size }
    func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer {
        ranges.append(range)
        return try await contents.read(range)
    }
}

@Suite struct ReaderTests {
    static let fixtures = ["flat-v1-snappy.parquet", "flat-v2-zstd.parquet", "nested.parquet"]

    @Test func flatColumnsOfAnotherWriterAreRead() async throws {
        let (schema, rows) = try await readAll(fixture("flat-v1-snappy.parquet"))
        #expect(
            schema.fields.map(\.type) == [
                .bool, .int8, .uint16, .int32, .uint64, .float16, .float64, .decimal(precision: 20, scale: 2), .utf8,
                .binary, .date, .timestamp(.microsecond, zone: "Europe/Berlin"),
            ])
        #expect(rows.count == 40)
        for (index, row) in rows.enumerated() {
            if index % 5 == 3 {
                #expect(row.enumerated().allSatisfy { $0.offset == 3 || $0.element == .null })
                continue
            }
            let i = Int128(index)
            #expect(row[0] == .bool(index % 3 == 0))
            #expect(row[1] == .int(i - 20))
            #expect(row[2] == .int(i * 1000))
            #expect(row[3] == .int(i * 7))
            #expect(row[4] == .int(Int128(UInt64.max) - i))
            #expect(row[5] == .float(Double(index) / 2))
            #expect(row[6] == .float(Double(index) / 4))
            #expect(row[7] == .ticks(i * i - 100))
            #expect(row[8] == .text(["red", "grün", "blue, and much more of it"][index % 3]))
            #expect(row[9] == .bytes([UInt8](repeating: UInt8(index), count: index % 4)))
            #expect(row[10] == .ticks(i - 5))
            #expect(row[11] == .ticks(i * 1_000_000_000_000_000))
        }
    }

    @Test func newerEncodingsHoldTheSameValues() async throws {
        let names = ["b", "i32", "s", "dec", "f64"]
        let expected = try await readAll(fixture("flat-v1-snappy.parquet"), columns: names).rows
        #expect(try await readAll(fixture("flat-v2-zstd.parquet")).rows == expected)
    }

    @Test func nestedColumnsAreRead() async throws {
        let rows = try await readAll(fixture("nested.parquet")).rows
        #expect(rows.count == 20)
        func list(_ values: Value...) -> Value { .list(values) }
        func structure(_ values: Value...) -> Value { .structure(values) }
        for start in stride(from: 0, to: 20, by: 5) {
            let (a, b, c) = (Value.text("a"), Value.text("b"), Value.text("c"))
            let tags: [Value] = [.null, list(), list(a), list(a, .null, b), list(c)]
            #expect(rows[start..<start + 5].map { $0[0] } == tags)
            let deep: [Value] = [
                list(list(.int(1), .int(2)), list()), list(), .null, list(.null, list(.int(3), .null)),
                list(list(.int(4))),
            ]
            #expect(rows[start..<start + 5].map { $0[1] } == deep)
            let structures: [Value] = [
                structure(.int(1), list(structure(.float(1.5)), structure(.null))), .null, structure(.null, .null),
                structure(.int(2), list()), structure(.int(3), list(.null)),
            ]
            #expect(rows[start..<start + 5].map { $0[2] } == structures)
            let maps: [Value] = [
                list(structure(.text("k"), .int(1)), structure(.text("l"), .null)), list(), .null,
                list(structure(.text("k"), .int(2))), list(structure(.text(""), .int(3))),
            ]
            #expect(rows[start..<start + 5].map { $0[3] } == maps)
        }
    }

    @Test(arguments: fixtures, [1, 2, 7])
    func batchesOfAnySizeHoldTheSameRows(name: String, batchRows: Int) async throws {
        let bytes = try fixture(name)
        let whole = try await readAll(bytes).rows
        for parallelism in [1, 3] {
            #expect(try await readAll(bytes, batchRows: batchRows, parallelism: parallelism).rows == whole)
        }
        // Windows far smaller than a page, and batches cut short by their bytes.
        let small = ParquetLimits(maxBatchBytes: 10, windowBytes: 1)
        #expect(try await readAll(bytes, limits: small).rows == whole)
    }

    // MARK: - Columns

    @Test func columnsAreChosenByNameAndPath() async throws {
        let bytes = try fixture("nested.parquet")
        let (schema, rows) = try await readAll(bytes, columns: ["st.y.z", "tags"])
        #expect(
            schema.fields[0].type
                == .structure([Field("y", .list(Field("item", .structure([Field("z", .float64)]))))]))
        #expect(schema.fields.map(\.name) == ["st", "tags"])
        #expect(rows[0][0] == .structure([.list([.structure([.float(1.5)]), .structure([.null])])]))
        #expect(rows[3][1] == .list([.text("a"), .null, .text("b")]))
        #expect(try await readAll(bytes, columns: []).rows == [[Value]](repeating: [], count: 20))
    }

    @Test func aColumnThatIsNotThereIsAnErrorWithAGuess() async throws {
        let error = await #expect(throws: SluiceError.self) {
            _ = try await readAll(fixture("nested.parquet"), columns: ["tag"])
        }
        #expect(error?.message == "there is no column \"tag\"")
        #expect(error?.hint == "did you mean \"tags\"?")
        for path in ["st.q", "tags.x.y", "m.key.k", "st."] {
            await #expect(throws: SluiceError.self) {
                _ = try await readAll(fixture("nested.parquet"), columns: [path])
            }
        }
    }

    @Test func openingReadsTheFooterAndAColumnReadsItsPages() async throws {
        let source = CountingSource([UInt8](repeating: 0, count: 0) + (try fixture("flat-v2-zstd.parquet")))
        let file = try await ParquetFile.open(source)
        #expect(source.ranges.count == 1)
        let reader = try file.reader(columns: ["i32"], parallelism: 1)
        while try await reader.next() != nil {}
        let chunk = try #require(file.metadata.rowGroups.first).columns[1].metadata
        let size = source.ranges.dropFirst().reduce(0) { $0 + $1.count }
        #expect(size == Int(chunk.totalCompressedSize))
    }

    // MARK: - Statistics

    @Test func rowGroupsThatCannotHoldWantedRowsArePassedOver() async throws {
        let bytes = try fixture("flat-v1-snappy.parquet")
        // Rows 0 to 24 and 25 to 39, i32 = 7 × row.
        func count(_ bounds: ColumnBounds...) async throws -> Int {
            try await readAll(bytes, columns: ["i32"], keeping: bounds).rows.count
        }
        #expect(try await count(ColumnBounds("i32", lower: .int(169))) == 15)
        #expect(try await count(ColumnBounds("i32", lower: .int(168))) == 40)
        #expect(try await count(ColumnBounds("i32", lower: .int(168), includesLower: false)) == 15)
        #expect(try await count(ColumnBounds("i32", upper: .int(174))) == 25)
        #expect(try await count(ColumnBounds("i32", lower: .int(1000))) == 0)
        #expect(try await count(ColumnBounds("i32", lower: .int(1000), includesNull: true)) == 0)
        #expect(try await count(ColumnBounds("i8", lower: .int(1000), includesNull: true)) == 40)
        #expect(try await count(ColumnBounds("f64", upper: .float(5))) == 25)
        #expect(try await count(ColumnBounds("s", lower: .text("z"))) == 0)
        #expect(try await count(ColumnBounds("s", lower: .int(1))) == 40)
        await #expect(throws: SluiceError.self) { _ = try await count(ColumnBounds("nothing")) }
    }

    @Test func chunksAreSummedUpInTheWordsOfTheirColumns() async throws {
        let file = try await ParquetFile.open(MemorySource(Buffer(fixture("flat-v1-snappy.parquet"))))
        let chunks = file.chunks(ofRowGroup: 1)
        let text = try #require(chunks.first { $0.path == "s" })
        #expect(text.minimum == .text("blue, and much more of it"))
        #expect(text.maximum == .text("red"))
        #expect(text.nullCount == 3)
        #expect(text.codec == .snappy)
        let decimal = try #require(chunks.first { $0.path == "dec" })
        #expect(decimal.minimum == .ticks(525))
        #expect(decimal.maximum == .ticks(1421))
        #expect(decimal.hasColumnIndex == false)
        let indexed = try await ParquetFile.open(MemorySource(Buffer(fixture("flat-v2-zstd.parquet"))))
        #expect(indexed.chunks(ofRowGroup: 0).allSatisfy { $0.hasColumnIndex && $0.hasOffsetIndex })
    }

    // MARK: - Rare types

    @Test func int96TimestampsAreReadOrRefused() async throws {
        func file(_ nanoseconds: Int64, _ day: UInt32) -> MemorySource {
            let page = Forge.page(1, values: Forge.plain([nanoseconds]) + Forge.plain([day]))
            let element = SchemaElement(type: .int96, repetition: .required, name: "t")
            return MemorySource(
                Buffer(
                    Forge(
                        elements: [element], topCount: 1,
                        chunks: [.init(type: .int96, valueCount: 1, pages: [page])], rowCount: 1
                    ).bytes))
        }
        func value(_ source: MemorySource, _ unit: TimeUnit) async throws -> Value? {
            let reader = try await ParquetFile.open(source, int96Unit: unit).reader()
            return try await reader.next()?.columns[0].value(at: 0)
        }
        let source = file(86_399_999_999_999, 2_440_589)
        #expect(try await value(source, .nanosecond) == .ticks(172_799_999_999_999))
        #expect(try await value(source, .microsecond) == .ticks(172_799_999_999))
        // The last day of the year 9999.
        let far = file(0, 5_373_484)
        await #expect(throws: SluiceError.self) { _ = try await value(far, .nanosecond) }
        #expect(try await value(far, .microsecond) == .ticks(253_402_214_400_000_000))
    }

    @Test func decimalsInByteArraysAreRead() async throws {
        let element = SchemaElement(
            type: .byteArray, repetition: .required, name: "d", convertedType: .decimal, scale: 1, precision: 20)
        let values = Forge.plain([2] as [UInt32]) + [0xff, 0xfe] + Forge.plain([1] as [UInt32]) + [5]
        let forge = Forge(
            elements: [element], topCount: 1,
            chunks: [.init(type: .byteArray, valueCount: 2, pages: [Forge.page(2, values: values)])], rowCount: 2)
        #expect(try await readAll(forge.bytes).rows == [[.ticks(-2)], [.ticks(5)]])
    }

    @Test(arguments: [
        (LogicalType.string, DataType.utf8), (.enumeration, .utf8), (.json, .json), (.bson, .binary),
        (.date, .binary), (.other(99), .binary),
    ])
    func byteArraysAreWhatTheirAnnotationSays(logical: LogicalType, type: DataType) async throws {
        let element = SchemaElement(type: .byteArray, repetition: .required, name: "x", logicalType: logical)
        let forge = Forge(
            elements: [element], topCount: 1,
            chunks: [.init(type: .byteArray, valueCount: 1, pages: [Forge.page(1, values: Forge.plain(["{}"]))])],
            rowCount: 1)
        let (schema, rows) = try await readAll(forge.bytes)
        #expect(schema.fields[0].type == type)
        #expect(rows == [[type == .binary ? .bytes([0x7b, 0x7d]) : .text("{}")]])
    }

    @Test func filesWithoutRowsOrColumnsAreRead() async throws {
        let empty = Forge(elements: [], topCount: 0, chunks: [], rowCount: 3)
        #expect(try await readAll(empty.bytes).rows == [[], [], []])
        let none = Forge.file(Array("PAR1".utf8), FileMetadata(schema: [SchemaElement(name: "root", childCount: 0)]))
        #expect(try await readAll(none).rows == [])
    }
}
