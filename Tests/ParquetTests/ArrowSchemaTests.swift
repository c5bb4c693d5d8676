import Columns
import Support
import Testing

@testable import Parquet

@Suite struct ArrowSchemaTests {
    private static let types: [DataType] = [
        .null, .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
        .decimal(precision: 38, scale: 9), .decimal(precision: 1, scale: 0), .utf8, .binary, .fixedBinary(7), .date,
        .time(.second), .time(.millisecond), .time(.microsecond), .time(.nanosecond), .timestamp(.second, zone: nil),
        .timestamp(.millisecond, zone: "UTC"), .timestamp(.microsecond, zone: "Europe/Paris"),
        .timestamp(.nanosecond, zone: nil), .uuid, .json, .list(Field("item", .utf8, nullable: false)),
        .structure([Field("a", .int8), Field("b", .list(Field("x", .uuid)), nullable: false)]),
        .map(key: Field("key", .utf8, nullable: false), value: Field("value", .json)),
    ]

    @Test(arguments: types) func everyTypeSurvives(type: DataType) throws {
        let schema = Schema([Field("c", type, nullable: type == .null), Field("", type)])
        #expect(try ArrowSchema.decode(base64: ArrowSchema.encode(schema)) == schema)
    }

    @Test func metadataSurvives() throws {
        let schema = Schema(
            [Field("naïve \"name\"", .int64, metadata: ["k": "v", "empty": "", "PARQUET:field_id": "3"])],
            metadata: ["pandas": "{}", "é": "漢"])
        #expect(try ArrowSchema.decode(base64: ArrowSchema.encode(schema)) == schema)
    }

    @Test func durationsAreIntegersThatRemember() throws {
        let schema = Schema([Field("d", .int64, metadata: [ArrowSchema.durationKey: "us"])])
        #expect(try ArrowSchema.decode(base64: ArrowSchema.encode(schema)) == schema)
    }

    /// A field's schema message, for types that we read and never write.
    private func message(
        _ number: UInt8, _ type: FlatTable, children: [FlatTable] = [], extra: [(slot: Int, value: FlatValue)] = []
    ) -> String {
        let field = FlatTable(
            [(0, .string("f")), (1, .byte(1)), (2, .byte(number)), (3, .table(type)), (5, .tables(children))] + extra)
        let root = FlatTable([(0, .short(4)), (1, .byte(1)), (2, .table(FlatTable([(1, .tables([field]))])))])
        return Base64.encode([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0] + FlatBufferWriter.buffer(root: root).bytes)
    }

    private func child(_ number: UInt8, _ type: FlatTable) -> FlatTable {
        FlatTable([(0, .string("item")), (1, .byte(1)), (2, .byte(number)), (3, .table(type))])
    }

    @Test func otherLayoutsBecomeTheOneWeHave() throws {
        typealias Number = ArrowSchema.TypeNumber
        let int32 = child(Number.int, FlatTable([(0, .int(32)), (1, .byte(1))]))
        let cases: [(UInt8, FlatTable, [FlatTable], DataType)] = [
            (Number.largeUtf8, FlatTable(), [], .utf8), (Number.utf8View, FlatTable(), [], .utf8),
            (Number.largeBinary, FlatTable(), [], .binary), (Number.binaryView, FlatTable(), [], .binary),
            (Number.date, FlatTable(), [], .date),
            (Number.largeList, FlatTable(), [int32], .list(Field("item", .int32))),
            (Number.fixedSizeList, FlatTable([(0, .int(3))]), [int32], .list(Field("item", .int32))),
            (Number.time, FlatTable(), [], .time(.millisecond)),
            (Number.timestamp, FlatTable(), [], .timestamp(.second, zone: nil)),
        ]
        for (number, type, children, expected) in cases {
            #expect(
                try ArrowSchema.decode(base64: message(number, type, children: children)).fields == [
                    Field("f", expected)
                ])
        }
        let dictionary = FlatTable([(0, .long(7))])
        let coded = message(Number.utf8, FlatTable(), extra: [(4, .table(dictionary))])
        #expect(try ArrowSchema.decode(base64: coded).fields == [Field("f", .utf8)])
    }

    @Test func whatWeDoNotHaveIsAnError() {
        for number: UInt8 in [0, 11, 14, 99] {
            #expect(throws: SluiceError.self) { try ArrowSchema.decode(base64: message(number, FlatTable())) }
        }
        let wide = FlatTable([(0, .int(76)), (1, .int(2)), (2, .int(256))])
        #expect(throws: SluiceError.self) {
            try ArrowSchema.decode(base64: message(ArrowSchema.TypeNumber.decimal, wide))
        }
    }

    @Test func aSchemaThatPyarrowWroteIsRead() throws {
        let text = [
            "/////0ACAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAEAAAAkP7//wQAAAAFAAAA5AEAAJQBAAD4AAAARAAAAAQAAACM/v//AAAB",
            "EhAAAAAYAAAABAAAAAAAAAADAAAAZ2FwAAQABgAEAAAAAAASABgACAAGAAcADAAAABAAFAASAAAAAAABDxQAAACcAAAACAAAABAA",
            "AAAAAAAAAwAAAGtleQACAAAASAAAAAQAAADI////GAAAAAQAAAAKAAAAYXJyb3cudXVpZAAAFAAAAEFSUk9XOmV4dGVuc2lvbjpu",
            "YW1lAAAAAAgADAAEAAgACAAAABAAAAAEAAAAAAAAAAAAAAAYAAAAQVJST1c6ZXh0ZW5zaW9uOm1ldGFkYXRhAAAGAAgABAAGAAAA",
            "EAAAAHj///8AAAEVFAAAABwAAAAEAAAAAQAAACQAAAAEAAAAdGFncwAAAACo////EAAYAAgABgAHAAwAEAAUABAAAAAAAAEFFAAA",
            "ADwAAAAgAAAABAAAAAAAAAAEAAAAaXRlbQAAAAAIAAgAAAAEAAgAAAAEAAAAcP///wAAAAEgAAAABAAEAAQAAAAQABQACAAGAAcA",
            "DAAAABAAEAAAAAAAAQoQAAAAHAAAAAQAAAAAAAAAAgAAAGF0AAAIAAwABgAIAAgAAAAAAAIABAAAAAMAAABVVEMAEAAUAAgAAAAH",
            "AAwAAAAQABAAAAAAAAACEAAAABwAAAAEAAAAAAAAAAIAAABpZAAACAAMAAgABwAIAAAAAAAAAUAAAAA=",
        ].joined()
        #expect(
            try ArrowSchema.decode(base64: text).fields == [
                Field("id", .int64, nullable: false), Field("at", .timestamp(.microsecond, zone: "UTC")),
                Field("tags", .list(Field("item", .utf8))), Field("key", .uuid),
                Field("gap", .int64, metadata: [ArrowSchema.durationKey: "ms"]),
            ])
    }

    @Test func damageIsAnErrorAndNeverACrash() throws {
        let schema = Schema(Self.types.enumerated().map { Field("c\($0.offset)", $0.element) }, metadata: ["k": "v"])
        let bytes = try #require(Base64.decode(ArrowSchema.encode(schema)))
        var random = Deterministic(seed: 5)
        for length in stride(from: 0, to: bytes.count, by: 7) {
            _ = try? ArrowSchema.decode(message: Array(bytes[..<length]))
        }
        for _ in 0..<500 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<damaged.count, using: &random)
                damaged[place] = Bool.random(using: &random) ? 0xff : UInt8.random(in: 0...255, using: &random)
            }
            _ = try? ArrowSchema.decode(message: damaged)
        }
    }

    @Test func fieldsThatContainThemselvesAreRefused() {
        // A list whose item is the list: the children's offset points back to the field's own list of tables.
        let schema = Schema([Field("a", .list(Field("a", .list(Field("a", .int8)))))])
        guard let bytes = Base64.decode(ArrowSchema.encode(schema)) else { return }
        var refused = 0
        for place in stride(from: 8, to: bytes.count - 4, by: 12) {
            for target in stride(from: 8, to: bytes.count - 4, by: 20) {
                var looped = bytes
                let offset = UInt32(truncatingIfNeeded: target - place)
                for k in 0..<4 { looped[place + k] = UInt8(truncatingIfNeeded: offset >> UInt32(8 * k)) }
                if (try? ArrowSchema.decode(message: looped)) == nil { refused += 1 }
            }
        }
        #expect(refused > 0)
    }
}
