import Columns
import Support
import TestData
import Testing

@Suite struct SelectionTests {
    @Test(arguments: 0..<80) func joiningPiecesGivesTheWhole(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let field = random.field("x", depth: 3)
        let pieces = try (0..<Int.random(in: 0...4, using: &random)).map { _ in
            try random.column(field, count: Int.random(in: 0...80, using: &random))
        }
        let whole = try Column.concatenate(pieces, type: field.type)
        #expect(whole.allValues.map { "\($0)" } == pieces.flatMap(\.allValues).map { "\($0)" })
        #expect(whole.nullCount == pieces.reduce(0) { $0 + $1.nullCount })
        let expected = try Column(field.type, pieces.flatMap(\.allValues))
        #expect(whole.equals(expected))
        #expect(whole.byteSize <= expected.byteSize + (whole.count + 7) / 8 * 8 || whole.count == 0)
    }

    @Test(arguments: 0..<80) func takenRowsAreTheRows(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let field = random.field("x", depth: 3)
        let column = try random.column(field, count: 90)
        let values = column.allValues.map { "\($0)" }
        let indices = (0..<200).map { _ in Int32.random(in: 0..<90, using: &random) }
        let taken = try column.take(indices)
        #expect(taken.allValues.map { "\($0)" } == indices.map { values[Int($0)] })
        let mask = BitmapBuilder()
        let keep = (0..<90).map { _ in random.chance(0.3) }
        for bit in keep { mask.append(bit) }
        let filtered = try column.filter(mask.freeze())
        #expect(filtered.allValues.map { "\($0)" } == zip(values, keep).filter(\.1).map(\.0))
        #expect(filtered.nullCount == filtered.allValues.count { $0 == .null })
    }

    @Test(arguments: 0..<80) func equalityIsThatOfTheValues(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let field = random.field("x", depth: 3)
        let column = try random.column(field, count: 40)
        let values = column.allValues
        let same = try Column(field.type, values)
        #expect(column.equals(same))
        let other = random.value(field)
        let row = Int.random(in: 0..<40, using: &random)
        var changed = values
        changed[row] = other
        let different = try Column(field.type, changed)
        #expect(column.equals(different) == ("\(values[row])" == "\(other)"))
    }

    @Test func floatsAreComparedByBitsOrByNumber() throws {
        let a = try Column(.float64, [.float(0), .null])
        let b = try Column(.float64, [.float(-0.0), .null])
        let nan = try Column(.float64, [.float(.nan), .null])
        #expect(!a.equals(b))
        #expect(a.equals(b, floats: .numeric))
        #expect(nan.equals(nan))
        #expect(!nan.equals(nan, floats: .numeric))
    }

    @Test func columnsOfTwoTypesDoNotJoin() throws {
        let batch = RecordBatch(schema: Schema([Field("n", .int8)]), columns: [.nulls(.int8, count: 1)])
        #expect(throws: SluiceError.self) { try RecordBatch.concatenate([batch], schema: Schema([Field("n", .utf8)])) }
    }

    @Test(arguments: 0..<200) func aSchemaReadsBackFromItsDescription(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let names = ["a", "unit price", "say \"x\"", "ä.b-c$d", "", "a:b", "<>", "not null", "漢字 "]
        let fields = names.map { name in
            var field = random.field(name, depth: 3)
            if random.chance(0.2) { field.type = .list(Field("an item", .structure([field]))) }
            return field
        }
        let schema = Schema(fields)
        let parsed = try Schema(parsing: schema.description)
        #expect(parsed == schema, "\(schema)")
        for field in fields {
            let type = try DataType(parsing: field.type.description)
            #expect(type == field.type)
        }
    }
}
