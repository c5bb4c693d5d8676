import Columns
import Support
import Testing

@testable import Parquet

/// Damaged and hostile files: an error that says where, never a crash, a hang, or memory beyond the limits.
@Suite struct DamageTests {
    static let limits = ParquetLimits(maxPageBytes: 1 << 20, maxBatchBytes: 1 << 20, windowBytes: 1 << 12)

    private func int32s(
        _ pages: [[UInt8]], valueCount: Int, rowCount: Int, repetition: Repetition = .required
    ) -> Forge {
        Forge(
            elements: [SchemaElement(type: .int32, repetition: repetition, name: "x")], topCount: 1,
            chunks: [.init(type: .int32, valueCount: valueCount, pages: pages)], rowCount: rowCount)
    }

    private func failure(_ forge: Forge, _ limits: ParquetLimits = Self.limits) async throws -> SluiceError {
        try #require(
            await #expect(throws: SluiceError.self) { _ = try await readAll(forge.bytes, limits: limits) })
    }

    @Test(arguments: ReaderTests.fixtures)
    func everyTruncationIsAnError(name: String) async throws {
        let bytes = try fixture(name)
        for count in stride(from: 0, to: bytes.count, by: 7) {
            let error = await #expect(throws: SluiceError.self) { _ = try await readAll(Array(bytes[..<count])) }
            #expect(error?.place.file == "test.parquet")
        }
    }

    @Test(arguments: ReaderTests.fixtures)
    func everyDamagedByteIsReadOrRefused(name: String) async throws {
        let bytes = try fixture(name)
        for index in stride(from: 0, to: bytes.count, by: 3) {
            for mask in [1 << UInt8(index % 8), 0xff] as [UInt8] {
                var damaged = bytes
                damaged[index] ^= mask
                _ = try? await readAll(damaged, limits: Self.limits)
            }
        }
    }

    @Test func aPageWithAWrongChecksumIsRefused() async throws {
        var bytes = try fixture("flat-v1-snappy.parquet")
        let file = try await ParquetFile.open(MemorySource(Buffer(bytes)))
        let chunk = file.metadata.rowGroups[0].columns[3].metadata
        let end = Int(chunk.dictionaryPageOffset ?? chunk.dataPageOffset) + Int(chunk.totalCompressedSize)
        bytes[end - 1] ^= 1
        let error = await #expect(throws: SluiceError.self) { _ = try await readAll(bytes, columns: ["i32"]) }
        #expect(error?.message.contains("checksum") == true)
        #expect(error?.place.column == "i32")
        #expect((error?.place.offset ?? 0) > 0)
    }

    @Test func aFileThatIsNotParquetIsToldApart() async throws {
        let error = await #expect(throws: SluiceError.self) { _ = try await readAll(Array("id,name\n1,a\n".utf8)) }
        #expect(error?.message.contains("not a Parquet file") == true)
        let encrypted = Array("PARE........PARE".utf8)
        let other = await #expect(throws: SluiceError.self) { _ = try await readAll(encrypted) }
        #expect(other?.code == .unsupported)
    }

    @Test func hugeDeclaredSizesAreHeldAgainstTheLimits() async throws {
        var header = PageHeader(uncompressedSize: .max, compressedSize: 8)
        header.data = DataPageHeader(valueCount: 2)
        let bomb = ThriftWriter.bytes(of: header).bytes + [UInt8](repeating: 0, count: 8)
        let error = try await failure(int32s([bomb], valueCount: 2, rowCount: 2))
        #expect(error.code == .limitExceeded)
        #expect(error.message == "a page declares 2147483647 bytes, the limit is 1048576")
        header.uncompressedSize = -1
        let negative = ThriftWriter.bytes(of: header).bytes + [UInt8](repeating: 0, count: 8)
        #expect(try await failure(int32s([negative], valueCount: 2, rowCount: 2)).code == .invalidData)
        header.uncompressedSize = 8
        header.compressedSize = 1 << 19
        let beyond = ThriftWriter.bytes(of: header).bytes
        #expect(try await failure(int32s([beyond], valueCount: 2, rowCount: 2)).message.contains("are left"))
    }

    @Test func wrongCountsAreErrors() async throws {
        let page = Forge.page(2, values: Forge.plain([1, 2] as [Int32]))
        // More rows than values, fewer, and pages with more values than their chunk.
        #expect(try await failure(int32s([page], valueCount: 2, rowCount: 3)).message.contains("3 rows"))
        #expect(try await failure(int32s([page, page], valueCount: 4, rowCount: 2)).place.column == "x")
        #expect(try await failure(int32s([page, page], valueCount: 3, rowCount: 3)).message.contains("left"))
        #expect(try await failure(int32s([page], valueCount: 4, rowCount: 4)).code == .invalidData)
        #expect(try await failure(int32s([page], valueCount: -1, rowCount: -1)).code == .invalidData)
        let short = Forge.page(3, values: Forge.plain([1, 2] as [Int32]))
        #expect(try await failure(int32s([short], valueCount: 3, rowCount: 3)).message.contains("page ends"))
    }

    @Test func aRowGroupOfManyNullsInFewBytesStaysWithinTheBatch() async throws {
        // One run of a hundred million nulls.
        let count = 100_000_000
        var run: [UInt8] = []
        var rest = UInt64(count) << 1
        while rest >= 0x80 {
            run.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        run += [UInt8(rest), 0]
        let body = Forge.plain([UInt32(run.count)]) + run
        var header = PageHeader(uncompressedSize: Int32(body.count), compressedSize: Int32(body.count))
        header.data = DataPageHeader(valueCount: Int32(count))
        let page = ThriftWriter.bytes(of: header).bytes + body
        let forge = int32s([page], valueCount: count, rowCount: count, repetition: .optional)
        let file = try await ParquetFile.open(MemorySource(Buffer(forge.bytes)), limits: Self.limits)
        let reader = try file.reader(batchRows: 1000)
        for _ in 0..<3 { #expect(try await reader.next()?.columns[0].nullCount == 1000) }
        // And one list of them is refused before it fills the memory.
        let list = int32s([page], valueCount: count, rowCount: 1, repetition: .repeated)
        #expect([.invalidData, .limitExceeded].contains(try await failure(list).code))
    }

    @Test func schemasThatLieAreRefused() async throws {
        func failure(_ elements: [SchemaElement], _ limits: ParquetLimits = Self.limits) async throws -> SluiceError {
            let bytes = Forge.file(Array("PAR1".utf8), FileMetadata(schema: elements))
            return try #require(
                await #expect(throws: SluiceError.self) { _ = try await readAll(bytes, limits: limits) })
        }
        let leaf = SchemaElement(type: .int32, repetition: .required, name: "x")
        func root(_ count: Int32) -> SchemaElement { SchemaElement(name: "root", childCount: count) }
        #expect(try await failure([]).message.contains("empty"))
        #expect(try await failure([root(2), leaf]).message.contains("declares 2 children"))
        #expect(try await failure([root(-1), leaf]).message.contains("declares -1 children"))
        #expect(try await failure([root(.max)]).message.contains("children"))
        #expect(try await failure([root(1), leaf, leaf]).message.contains("in its tree"))
        #expect(try await failure([root(1), SchemaElement(name: "g")]).message.contains("neither"))
        let deep = (0..<100).map { SchemaElement(repetition: .optional, name: "g\($0)", childCount: 1) }
        #expect(try await failure([root(1)] + deep + [leaf]).message.contains("64 levels"))
        let many = [SchemaElement](repeating: leaf, count: 11)
        #expect(try await failure([root(11)] + many, ParquetLimits(maxColumns: 10)).code == .limitExceeded)
        let endless = SchemaElement(
            type: .fixedLengthByteArray, typeLength: 0, repetition: .required, name: "f")
        #expect(try await failure([root(1), endless]).place.column == "f")
    }

    @Test func positionsOutsideTheDictionaryAreRefused() async throws {
        let dictionary = Forge.dictionary(2, values: Forge.plain([5, 6] as [Int32]))
        func page(_ position: UInt8) -> [UInt8] {
            Forge.page(3, encoding: .rleDictionary, values: [2, 6, position])
        }
        let rows = try await readAll(int32s([dictionary, page(1)], valueCount: 3, rowCount: 3).bytes).rows
        #expect(rows == [[.int(6)], [.int(6)], [.int(6)]])
        let error = try await failure(int32s([dictionary, page(3)], valueCount: 3, rowCount: 3))
        #expect(error.message == "a value is number 3 of a dictionary of 2 entries")
        #expect(try await failure(int32s([page(0)], valueCount: 3, rowCount: 3)).message.contains("dictionary"))
        let lying = Forge.dictionary(1000, values: Forge.plain([5, 6] as [Int32]))
        #expect(try await failure(int32s([lying, page(1)], valueCount: 3, rowCount: 3)).message.contains("page ends"))
    }

    @Test func textThatIsNotUTF8IsRefusedWhereItStands() async throws {
        func forge(_ pages: [[UInt8]]) -> Forge {
            Forge(
                elements: [
                    SchemaElement(type: .byteArray, repetition: .required, name: "s", convertedType: .utf8)
                ], topCount: 1, chunks: [.init(type: .byteArray, valueCount: 2, pages: pages)], rowCount: 2)
        }
        let whole = Forge.plain([2] as [UInt32]) + [0xff, 0x61] + Forge.plain([1] as [UInt32]) + [0x61]
        // A character cut in two between values is text only when they are joined.
        let cut = Forge.plain([1] as [UInt32]) + [0xc3] + Forge.plain([1] as [UInt32]) + [0xbc]
        for values in [whole, cut] {
            let plain = try await failure(forge([Forge.page(2, values: values)]))
            #expect(plain.message.contains("UTF-8"))
            #expect(plain.place.column == "s")
            #expect(plain.place.offset == 4)
            let positions = Forge.page(2, encoding: .rleDictionary, values: [1, 4, 0])
            let entries = try await failure(forge([Forge.dictionary(2, values: values), positions]))
            #expect(entries.message.contains("UTF-8"))
        }
    }

    @Test func stringsThatReachBeyondTheirPageAreRefused() async throws {
        for length in [100, UInt32.max, 0x7fff_ffff] as [UInt32] {
            let page = Forge.page(1, values: Forge.plain([length]) + [0x61])
            let forge = Forge(
                elements: [SchemaElement(type: .byteArray, repetition: .required, name: "s")], topCount: 1,
                chunks: [.init(type: .byteArray, valueCount: 1, pages: [page])], rowCount: 1)
            #expect(try await failure(forge).message.contains("page ends"))
        }
    }

    @Test func offsetsOutsideTheFileAreRefused() async throws {
        for offset in [-1, 0, 1 << 40, Int64.max] {
            var column = ColumnChunk()
            column.metadata = ColumnMetadata(
                type: .int32, path: ["x"], valueCount: 1, totalCompressedSize: 10, dataPageOffset: offset)
            let metadata = FileMetadata(
                schema: [
                    SchemaElement(name: "root", childCount: 1),
                    SchemaElement(type: .int32, repetition: .required, name: "x"),
                ], rowCount: 1, rowGroups: [RowGroup(columns: [column], rowCount: 1)])
            let bytes = Forge.file(Array("PAR1".utf8), metadata)
            await #expect(throws: SluiceError.self) { _ = try await readAll(bytes) }
        }
    }
}
