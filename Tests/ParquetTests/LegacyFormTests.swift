import Columns
import Support
import Testing

@testable import Parquet

/// Lists and maps in the forms that writers used before there was one.
@Suite struct LegacyFormTests {
    private func group(
        _ name: String, _ repetition: Repetition, _ children: Int32, _ converted: ConvertedType? = nil
    ) -> SchemaElement {
        SchemaElement(repetition: repetition, name: name, childCount: children, convertedType: converted)
    }

    private func leaf(_ name: String, _ repetition: Repetition, _ type: PhysicalType = .int32) -> SchemaElement {
        SchemaElement(type: type, repetition: repetition, name: name)
    }

    /// Three rows of 32-bit leaves: two items, none, one item.
    private func read(
        _ elements: [SchemaElement], leaves: Int = 1, empty: UInt8, item: UInt8
    ) async throws -> (DataType, [Value]) {
        let page = Forge.page(
            4, repetitions: [0, 1, 0, 0], definitions: [item, item, empty, item],
            values: Forge.plain([1, 2, 3] as [Int32]))
        let chunk = Forge.Chunk(type: .int32, valueCount: 4, pages: [page])
        let forge = Forge(
            elements: elements, topCount: 1, chunks: [Forge.Chunk](repeating: chunk, count: leaves), rowCount: 3)
        let (schema, rows) = try await readAll(forge.bytes, batchRows: 2)
        return (schema.fields[0].type, rows.map { $0[0] })
    }

    private func ints(_ values: Int128...) -> Value { .list(values.map { .int($0) }) }
    private func structs(_ values: Int128...) -> Value { .list(values.map { .structure([.int($0)]) }) }

    @Test func aRepeatedLeafWithoutAnythingAroundItIsAList() async throws {
        let (type, rows) = try await read([leaf("xs", .repeated)], empty: 0, item: 1)
        #expect(type == .list(Field("xs", .int32, nullable: false)))
        #expect(rows == [ints(1, 2), ints(), ints(3)])
    }

    @Test func aRepeatedGroupWithoutAnythingAroundItIsAListOfStructures() async throws {
        let (type, rows) = try await read(
            [group("xs", .repeated, 1), leaf("x", .required)], empty: 0, item: 1)
        #expect(type == .list(Field("xs", .structure([Field("x", .int32, nullable: false)]), nullable: false)))
        #expect(rows == [structs(1, 2), structs(), structs(3)])
    }

    @Test func twoLevelListsHaveTheRepeatedLeafAsTheirItem() async throws {
        let (type, rows) = try await read(
            [group("a", .optional, 1, .list), leaf("element", .repeated)], empty: 1, item: 2)
        #expect(type == .list(Field("element", .int32, nullable: false)))
        #expect(rows == [ints(1, 2), ints(), ints(3)])
    }

    @Test(arguments: ["array", "a_tuple"])
    func aRepeatedGroupOfATellingNameIsTheItem(name: String) async throws {
        let (type, rows) = try await read(
            [group("a", .optional, 1, .list), group(name, .repeated, 1), leaf("x", .required)], empty: 1, item: 2)
        #expect(type == .list(Field(name, .structure([Field("x", .int32, nullable: false)]), nullable: false)))
        #expect(rows == [structs(1, 2), structs(), structs(3)])
    }

    @Test(arguments: ["list", "bag", "a"])
    func anyOtherRepeatedGroupOfOneFieldIsAWrapper(name: String) async throws {
        let (type, rows) = try await read(
            [group("a", .optional, 1, .list), group(name, .repeated, 1), leaf("x", .optional)], empty: 1, item: 3)
        #expect(type == .list(Field("x", .int32)))
        #expect(rows == [ints(1, 2), ints(), ints(3)])
    }

    @Test func aRepeatedGroupOfTwoFieldsIsTheItem() async throws {
        let (type, rows) = try await read(
            [
                group("a", .optional, 1, .list), group("element", .repeated, 2), leaf("x", .required),
                leaf("y", .required),
            ], leaves: 2, empty: 1, item: 2)
        let pair = [Field("x", .int32, nullable: false), Field("y", .int32, nullable: false)]
        #expect(type == .list(Field("element", .structure(pair), nullable: false)))
        #expect(rows[2] == .list([.structure([.int(3), .int(3)])]))
    }

    @Test(arguments: [ConvertedType.map, .mapKeyValue])
    func mapsAreKnownByEitherName(converted: ConvertedType) async throws {
        let (type, rows) = try await read(
            [
                group("m", .optional, 1, converted), group("map", .repeated, 2, .mapKeyValue), leaf("key", .required),
                leaf("value", .required),
            ], leaves: 2, empty: 1, item: 2)
        #expect(
            type
                == .map(key: Field("key", .int32, nullable: false), value: Field("value", .int32, nullable: false)))
        #expect(rows[0] == .list([.structure([.int(1), .int(1)]), .structure([.int(2), .int(2)])]))
    }

    @Test func aMapWithANullKeyIsRefused() async throws {
        let keys = Forge.page(1, repetitions: [0], definitions: [2], values: [])
        let values = Forge.page(1, repetitions: [0], definitions: [2], values: Forge.plain([1] as [Int32]))
        let forge = Forge(
            elements: [
                group("m", .optional, 1, .map), group("key_value", .repeated, 2), leaf("key", .optional),
                leaf("value", .required),
            ], topCount: 1,
            chunks: [
                .init(type: .int32, valueCount: 1, pages: [keys]), .init(type: .int32, valueCount: 1, pages: [values]),
            ], rowCount: 1)
        let error = await #expect(throws: SluiceError.self) { _ = try await readAll(forge.bytes) }
        #expect(error?.message == "a map has a key that is null")
        #expect(error?.place.column == "m")
    }

    @Test func leavesOfOneListThatDisagreeAreRefused() async throws {
        let one = Forge.page(1, repetitions: [0], definitions: [1], values: Forge.plain([1] as [Int32]))
        let two = Forge.page(2, repetitions: [0, 1], definitions: [1, 1], values: Forge.plain([1, 2] as [Int32]))
        let forge = Forge(
            elements: [group("xs", .repeated, 2), leaf("x", .required), leaf("y", .required)], topCount: 1,
            chunks: [
                .init(type: .int32, valueCount: 1, pages: [one]), .init(type: .int32, valueCount: 2, pages: [two]),
            ], rowCount: 1)
        let error = await #expect(throws: SluiceError.self) { _ = try await readAll(forge.bytes) }
        #expect(error?.message.contains("do not agree") == true)
    }

    @Test func rowsThatGoOnInTheNextPageStayWhole() async throws {
        let pages = [
            Forge.page(1, repetitions: [0], definitions: [1], values: Forge.plain([1] as [Int32])),
            Forge.page(2, repetitions: [1, 1], definitions: [1, 1], values: Forge.plain([2, 3] as [Int32])),
            Forge.page(0, repetitions: [], definitions: [], values: []),
            Forge.page(2, repetitions: [1, 0], definitions: [1, 1], values: Forge.plain([4, 5] as [Int32])),
        ]
        let forge = Forge(
            elements: [leaf("xs", .repeated)], topCount: 1,
            chunks: [.init(type: .int32, valueCount: 5, pages: pages)], rowCount: 2)
        for batchRows in [1, 2, 100] {
            let rows = try await readAll(forge.bytes, batchRows: batchRows).rows
            #expect(rows == [[ints(1, 2, 3, 4)], [ints(5)]])
        }
    }

    @Test func levelsOfVeryOldWritersAreRead() async throws {
        // Definition levels 1, 0, 1, 1 with the highest bit first, then three values.
        let body: [UInt8] = [0b1011_0000] + Forge.plain([7, 8, 9] as [Int32])
        var header = PageHeader(uncompressedSize: Int32(body.count), compressedSize: Int32(body.count))
        header.data = DataPageHeader(valueCount: 4, encoding: .plain, definitionLevelEncoding: .bitPacked)
        let forge = Forge(
            elements: [leaf("x", .optional)], topCount: 1,
            chunks: [.init(type: .int32, valueCount: 4, pages: [ThriftWriter.bytes(of: header).bytes + body])],
            rowCount: 4)
        #expect(try await readAll(forge.bytes).rows == [[.int(7)], [.null], [.int(8)], [.int(9)]])
    }
}
