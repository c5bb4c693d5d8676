import Columns
import Support
import Testing

@Suite struct SchemaTextTests {
    @Test(arguments: [
        DataType.null, .bool, .int8, .uint64, .float16, .float64, .decimal(precision: 38, scale: 0),
        .decimal(precision: 10, scale: 2), .utf8, .binary, .fixedBinary(16), .date, .time(.nanosecond),
        .timestamp(.millisecond, zone: nil), .timestamp(.microsecond, zone: "Europe/Berlin"), .uuid, .json,
        .list(Field("item", .utf8)), .list(Field("element", .int32, nullable: false)),
        .structure([
            Field("a", .int32, nullable: false), Field("b", .list(Field("item", .structure([Field("c", .bool)])))),
        ]),
        .map(key: Field("key", .utf8, nullable: false), value: Field("value", .int64)),
        .map(key: Field("key", .utf8, nullable: false), value: Field("value", .int64, nullable: false)),
    ])
    func readsWhatTypesAreDescribedAs(_ type: DataType) throws {
        #expect(try DataType(parsing: type.description) == type)
    }

    @Test(arguments: [
        ("string", DataType.utf8), ("Text", .utf8), ("int", .int64), ("double", .float64), ("boolean", .bool),
        ("timestamp", .timestamp(.microsecond, zone: nil)), ("numeric(5,1)", .decimal(precision: 5, scale: 1)),
        ("list<int8>", .list(Field("item", .int8))),
        (" list < int8 not null > ", .list(Field("item", .int8, nullable: false))),
    ])
    func knowsShorthands(_ text: String, type: DataType) throws {
        #expect(try DataType(parsing: text) == type)
    }

    @Test func readsFields() throws {
        let schema = try Schema(
            parsing: """
                id: int64 not null,   # the key
                "unit ""price"" €": decimal(10,2),
                a.b-c_d$: struct<x: utf8, y: map<utf8, date>>,
                """)
        #expect(
            schema.fields == [
                Field("id", .int64, nullable: false), Field("unit \"price\" €", .decimal(precision: 10, scale: 2)),
                Field(
                    "a.b-c_d$",
                    .structure([
                        Field("x", .utf8),
                        Field("y", .map(key: Field("key", .utf8, nullable: false), value: Field("value", .date))),
                    ])),
            ])
    }

    @Test(arguments: [
        "", "id", "id:", "id: ", ": int64", "id: int64 b: utf8", "id: int64, id: utf8", "id: in64", "id: decimal",
        "id: decimal(39,0)", "id: decimal(5,6)", "id: decimal(5)", "id: decimal(-1,0)", "id: binary(0)",
        "id: binary(99999999999999999999)", "id: timestamp(us", "id: timestamp(us,)", "id: time(h)", "id: list<",
        "id: list<utf8", "id: struct<>", "id: map<utf8>", "\"id: int64", "id: int64 not", "id: int64 not nil",
    ])
    func refusesWithTheSpot(_ text: String) {
        let error = #expect(throws: SluiceError.self) { try Schema(parsing: text) }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.hasPrefix("schema, character ") == true)
    }

    @Test func suggestsTheNearestType() {
        let error = #expect(throws: SluiceError.self) { try Schema(parsing: "id: in64") }
        #expect(error?.hint == "Did you mean 'int64'?")
    }

    @Test func absurdDepthIsRefused() {
        #expect(throws: SluiceError.self) {
            try DataType(
                parsing: String(repeating: "list<", count: 100_000) + "int8" + String(repeating: ">", count: 100_000))
        }
    }
}
