import Columns
import Support
import TestData
import Testing

@Suite struct BuilderTests {
    @Test(arguments: 0..<120) func whatIsAppendedIsWhatTheColumnHoldsAndAnySliceToo(seed: Int) throws {
        var random = Randomness(UInt64(seed))
        let field = random.field("x", depth: 3)
        let values = (0..<100).map { _ in random.value(field) }
        let column = try Column(field.type, values)
        #expect(column.count == 100)
        #expect(column.nullCount == values.count { $0 == .null })
        #expect(column.allValues.map { "\($0)" } == values.map { "\($0)" })
        for _ in 0..<5 {
            let start = Int.random(in: 0...100, using: &random)
            let end = Int.random(in: start...100, using: &random)
            let slice = column.slice(start..<end)
            #expect(slice.allValues.map { "\($0)" } == values[start..<end].map { "\($0)" })
            #expect(slice.nullCount == values[start..<end].count { $0 == .null })
        }
    }

    @Test func aBuilderStartsAnewAfterItsColumn() throws {
        var random = Randomness(9)
        for _ in 0..<40 {
            let field = random.field("x")
            let builder = makeBuilder(field.type)
            for _ in 0..<2 {
                let values = (0..<20).map { _ in random.value(field) }
                for value in values { try builder.append(value) }
                #expect(builder.finish().allValues.map { "\($0)" } == values.map { "\($0)" })
                #expect(builder.count == 0)
            }
        }
    }

    @Test func aValueOfAnotherTypeIsRefused() {
        #expect(throws: SluiceError.self) { try makeBuilder(.int8).append(.int(128)) }
        #expect(throws: SluiceError.self) { try makeBuilder(.utf8).append(.int(1)) }
        #expect(throws: SluiceError.self) { try makeBuilder(.uuid).append(.bytes([1])) }
        #expect(throws: SluiceError.self) { try makeBuilder(.null).append(.bool(true)) }
    }

    @Test(arguments: 0..<40) func aColumnOfNullsIsNullInEveryRow(seed: Int) {
        var random = Randomness(UInt64(seed))
        let type = random.type(depth: 3)
        let column = Column.nulls(type, count: 13)
        #expect(column.nullCount == 13)
        #expect(column.allValues == [Value](repeating: .null, count: 13))
        #expect(column.slice(3..<9).nullCount == 6)
    }

    @Test func runsOfRowsKeepTheirNulls() throws {
        let column = try Column(.int32, [.int(1), .null, .int(3), .null, .null])
        let validity = ValidityBuilder()
        validity.appendValid(count: 3)
        validity.append(column, from: 1, count: 3)
        validity.appendNull(count: 2)
        let (bits, nulls) = validity.finish()
        #expect(nulls == 4)
        #expect(bits?.bytes == [0b0001_0111])
    }
}
