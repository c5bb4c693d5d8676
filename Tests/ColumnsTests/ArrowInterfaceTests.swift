import CArrow
import Columns
import Support
import Synchronization
import TestData
import Testing

@Suite struct ArrowInterfaceTests {
    /// Hands a column out and takes it in again.
    private func passed(_ field: Field, _ column: Column) throws -> (field: Field, column: Column) {
        var schema = ArrowSchema()
        var array = ArrowArray()
        ArrowInterface.export(field, to: &schema)
        ArrowInterface.export(column, to: &array)
        return try ArrowInterface.importColumn(&array, &schema)
    }

    @Test(arguments: 0..<150) func whatIsHandedOutComesBackTheSame(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        var field = random.field("x", depth: 3)
        field.metadata = ["a key": "a \"value\"", "": "é"]
        let column = try random.column(field, count: Int.random(in: 0...90, using: &random))
        let back = try passed(field, column)
        #expect(back.field == field)
        #expect(back.column.equals(column))
        #expect(back.column.allValues.map { "\($0)" } == column.allValues.map { "\($0)" })
        let cut = try passed(field, column.slice(column.count / 3..<column.count))
        #expect(cut.column.equals(column.slice(column.count / 3..<column.count)))
    }

    @Test func aBatchComesBackWithItsSchema() throws {
        let schema = Schema(
            [Field("id", .int64, nullable: false), Field("tag", .uuid), Field("doc", .json)],
            metadata: ["made by": "a test"])
        let batch = RecordBatch(
            schema: schema,
            columns: [
                try Column(.int64, [.int(1), .int(2)]), try Column(.uuid, [.null, .bytes(Array(0..<16))]),
                try Column(.json, [.text("{}"), .null]),
            ])
        var exported = ArrowSchema()
        var array = ArrowArray()
        ArrowInterface.export(schema, to: &exported)
        ArrowInterface.export(batch, to: &array)
        let back = try ArrowInterface.importBatch(&array, &exported)
        #expect(back.schema == schema)
        #expect(back.equals(batch))
        #expect(array.release == nil)
        #expect(exported.release == nil)
        ArrowInterface.export(schema, to: &exported)
        let read = try ArrowInterface.importSchema(&exported)
        #expect(read == schema)
    }

    @Test func memoryIsSharedAndReleasedOnceWithItsLastUser() throws {
        let releases = Counter()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 800, alignment: 16)
        defer { memory.deallocate() }
        for row in 0..<100 { memory.storeBytes(of: Int64(row), toByteOffset: row * 8, as: Int64.self) }
        do {
            var slice: Column?
            do {
                let values = Buffer(foreign: memory, count: 800) { releases.add() }
                let column = Column(type: .int64, count: 100, nullCount: 0, values: values)
                let back = try passed(Field("x", .int64), column).column
                #expect(back.values?.unsafeStart == UnsafeRawPointer(memory))
                slice = back.slice(40..<50)
            }
            #expect(releases.count == 0)
            #expect(slice?.allValues == (40..<50).map { .int($0) })
            slice = nil
        }
        #expect(releases.count == 1)
    }

    @Test func aFailedImportReleasesWhatItTook() throws {
        let releases = Counter()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)
        defer { memory.deallocate() }
        for (row, offset) in ([0, 5, 3, 6] as [Int32]).enumerated() {
            memory.storeBytes(of: offset, toByteOffset: row * 4, as: Int32.self)
        }
        var schema = ArrowSchema()
        var array = ArrowArray()
        ArrowInterface.export(Field("x", .utf8), to: &schema)
        // In a function of its own, so that nothing here holds the column.
        func exportColumn() {
            let offsets = Buffer(foreign: memory, count: 16) { releases.add() }
            let column = Column(
                type: .utf8, count: 3, nullCount: 0, values: Buffer(Array("abcdef".utf8)), offsets: offsets)
            ArrowInterface.export(column, to: &array)
        }
        exportColumn()
        #expect(releases.count == 0)
        let error = #expect(throws: SluiceError.self) { try ArrowInterface.importColumn(&array, &schema) }
        #expect(error?.message == "an Arrow array has offsets that do not rise, at row 2")
        #expect(array.release == nil)
        #expect(schema.release == nil)
        #expect(releases.count == 1)
    }

    // The type is spelled out, because finding it out can take the compiler longer than it allows itself.
    @Test(
        arguments: [
            (-1, 0), (0, -1), (Int64.max, 0), (Int64.max, Int64.max), (1 << 31, 0),
        ] as [(Int64, Int64)])
    func absurdLengthsAreRefused(length: Int64, offset: Int64) throws {
        var schema = ArrowSchema()
        var array = ArrowArray()
        ArrowInterface.export(Field("x", .int64), to: &schema)
        ArrowInterface.export(try Column(.int64, [.int(1)]), to: &array)
        array.length = length
        array.offset = offset
        #expect(throws: SluiceError.self) { try ArrowInterface.importColumn(&array, &schema) }
    }

    @Test func anArrayThatDoesNotMatchItsSchemaIsRefused() throws {
        for (field, column) in [
            (Field("x", .utf8), try Column(.int64, [.int(1)])), (Field("x", .int64), try Column(.utf8, [.text("a")])),
            (Field("x", .list(Field("item", .int8))), try Column(.int64, [.int(1)])),
            (Field("x", .structure([Field("a", .int8)])), try Column(.int8, [.int(1)])),
        ] {
            #expect(throws: SluiceError.self) { try passed(field, column) }
        }
    }

    @Test(arguments: [
        "d:50,2,256", "d:76,2", "tdX", "+ud:0,1", "+r", "tiM", "tDs", "w:-1", "w:x", "", "d:5", "+w:x", "é",
    ])
    func typesWithoutACounterpartAreRefusedByName(format: String) throws {
        var schema = ArrowSchema()
        var array = ArrowArray()
        ArrowInterface.export(Field("x", .list(Field("inner", .int8))), to: &schema)
        ArrowInterface.export(try Column(.list(Field("inner", .int8)), [.null]), to: &array)
        format.withCString { text in
            // Without its release the child leaves the borrowed format alone.
            schema.children[0]?.pointee.format = text
            schema.children[0]?.pointee.release = nil
            let error = #expect(throws: SluiceError.self) { try ArrowInterface.importColumn(&array, &schema) }
            #expect(error?.place.column == "inner")
        }
    }
}

/// Counts from any thread.
private final class Counter: Sendable {
    private let value = Mutex(0)
    func add() { value.withLock { $0 += 1 } }
    var count: Int { value.withLock { $0 } }
}
