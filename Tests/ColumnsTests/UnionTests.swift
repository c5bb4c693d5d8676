import Columns
import Support
import TestData
import Testing

@Suite struct UnionTests {
    @Test(arguments: [
        ("int8", "uint8", "int16"), ("int16", "uint8", "int16"), ("uint32", "int8", "int64"),
        ("uint64", "int64", "decimal(20,0)"), ("int32", "float64", "float64"), ("int32", "float32", "float64"),
        ("int8", "float16", "float16"), ("uint16", "float16", "float32"), ("int64", "float64", "utf8"),
        ("float16", "float64", "float64"), ("decimal(5,2)", "decimal(6,4)", "decimal(7,4)"),
        ("decimal(38,0)", "decimal(38,10)", "utf8"), ("decimal(4,2)", "int32", "decimal(12,2)"),
        ("decimal(4,2)", "float64", "utf8"), ("date", "timestamp(ms)", "timestamp(ms)"),
        ("timestamp(s)", "timestamp(ns)", "timestamp(ns)"), ("timestamp(us, UTC)", "timestamp(us)", "utf8"),
        ("timestamp(s, UTC)", "timestamp(us, Europe/Berlin)", "timestamp(us, UTC)"),
        ("time(s)", "time(us)", "time(us)"),
        ("bool", "int8", "utf8"), ("null", "list<item: int8>", "list<item: int8>"), ("binary(3)", "uuid", "binary"),
        ("binary", "int8", "utf8"), ("json", "int8", "json"), ("json", "utf8", "utf8"),
        ("list<item: int8>", "int8", "json"),
        ("list<item: int8 not null>", "list<item: uint8>", "list<item: int16>"), ("utf8", "date", "utf8"),
        (
            "struct<a: int8 not null, b: utf8>", "struct<c: bool, a: int64 not null>",
            "struct<a: int64 not null, b: utf8, c: bool>"
        ),
        ("map<utf8, int8>", "map<int8, int16 not null>", "map<utf8, int16>"),
    ])
    func twoTypesMeetInTheNarrowestThatHoldsBoth(a: String, b: String, expected: String) throws {
        let (left, right) = (try DataType(parsing: a), try DataType(parsing: b))
        #expect(DataType.union(left, right).description == expected)
        let swapped = DataType.union(right, left)
        if !left.isNested { #expect(swapped.description == expected) }
    }

    @Test(arguments: 0..<400) func everyValueSurvivesTheUnionOrIsReported(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let fields = (0..<2).map { _ in random.field("x") }
        let union = Field.union(fields[0], fields[1])
        for field in fields {
            let column = try random.column(field, count: 60)
            let wide: Column
            do throws(SluiceError) {
                wide = try column.cast(to: union.type)
            } catch {
                // A moment may be out of the finer unit's reach; nothing else may fail.
                #expect("\(field.type)".contains("timestamp") || "\(field.type)".contains("date"), "\(error)")
                continue
            }
            #expect(wide.type == union.type)
            #expect(wide.nullCount == column.nullCount)
            // Nested values do not come back out of text: a JSON document is for the JSON reader.
            if field.type.isNested,
                !union.type.isNested || "\(union.type)".contains("json") || "\(union.type)".contains("utf8")
            {
                continue
            }
            if "\(union.type)" != "\(field.type)", field.type == .json, union.type == .utf8 { continue }
            guard case .structure = field.type else {
                let back = try wide.cast(to: field.type)
                #expect(back.allValues.map { "\($0)" } == column.allValues.map { "\($0)" }, "\(field) by \(union)")
                continue
            }
        }
    }

    @Test func schemasMeetByNameInOrderOfFirstAppearance() throws {
        let a = try Schema(parsing: "id: int32 not null, name: utf8 not null")
        let b = try Schema(parsing: "price: decimal(5,2) not null, id: int64 not null")
        #expect(Schema.union([a, b]).description == "id: int64 not null, name: utf8, price: decimal(5,2)")
        #expect(Schema.union([]).fields.isEmpty)
    }

    @Test func aBatchTakesOnTheOrderTypesAndGapsOfASchema() throws {
        let schema = try Schema(parsing: "b: int32, a: utf8")
        let batch = RecordBatch(
            schema: schema,
            columns: [
                try Column(.int32, [.int(1), .null]), try Column(.utf8, [.text("2024-01-01"), .text("1970-01-02")]),
            ])
        let target = try Schema(parsing: "a: date, new: float32, b: int64")
        let result = try batch.conform(to: target)
        #expect(result.columns.map(\.allValues) == [[.ticks(19723), .ticks(1)], [.null, .null], [.int(1), .null]])

        let narrow = try Schema(parsing: "a: utf8")
        #expect(throws: SluiceError.self) { try batch.conform(to: narrow) }
        let kept = try batch.conform(to: narrow, dropsExtra: true)
        #expect(kept.columns.count == 1)

        let strict = try Schema(parsing: "a: utf8, b: int32 not null")
        let error = #expect(throws: SluiceError.self) { try batch.conform(to: strict) }
        #expect(error?.description.hasPrefix("column \"b\", row 2: ") == true)
        let wrong = try Schema(parsing: "a: int8, b: int32")
        let failure = #expect(throws: SluiceError.self) { try batch.conform(to: wrong) }
        #expect(failure?.description == "column \"a\", row 1: '2024-01-01' does not fit int8")
    }
}
