import Columns
import Support
import Testing

@Suite struct ColumnRangeTests {
    private func range(_ type: DataType, _ batches: [[Value]]) throws -> ColumnRange {
        var range = ColumnRange()
        for values in batches {
            let builder = makeBuilder(type)
            for value in values { try builder.append(value) }
            range.add(builder.finish())
        }
        return range
    }

    @Test(arguments: [
        (DataType.int8, [[Value.int(3), .int(-4)], [.null, .int(127)]], Value.int(-4), Value.int(127)),
        (.uint64, [[.int(Int128(UInt64.max))], [.int(0)]], .int(0), .int(Int128(UInt64.max))),
        (.float64, [[.float(.nan), .float(1.5)], [.float(-.infinity)]], .float(-.infinity), .float(1.5)),
        (.decimal(precision: 38, scale: 2), [[.ticks(5)], [.ticks(-7)]], .ticks(-7), .ticks(5)),
        (.bool, [[.bool(true), .null], [.bool(false)]], .bool(false), .bool(true)),
        (.utf8, [[.text("b"), .text("")], [.text("ä"), .text("bb")]], .text(""), .text("ä")),
        (.fixedBinary(2), [[.bytes([1, 255])], [.bytes([2, 0])]], .bytes([1, 255]), .bytes([2, 0])),
        (.timestamp(.second, zone: nil), [[.ticks(-1), .ticks(9)]], .ticks(-1), .ticks(9)),
    ])
    func theSmallestAndTheLargestAreFound(
        type: DataType, batches: [[Value]], minimum: Value, maximum: Value
    ) throws {
        let range = try range(type, batches)
        #expect(range.minimum == minimum)
        #expect(range.maximum == maximum)
        #expect(range.count == batches.joined().count)
        #expect(range.nullCount == batches.joined().count { $0 == .null })
    }

    @Test(arguments: [
        (DataType.int32, [Value.null, .null]), (.utf8, []), (.float32, [.float(.nan)]), (.json, [.text("{}")]),
        (.list(Field("item", .int32)), [.list([.int(1)])]), (.null, [.null]),
    ])
    func whatHasNoOrderHasNoRange(type: DataType, values: [Value]) throws {
        let range = try range(type, [values])
        #expect(range.minimum == nil)
        #expect(range.maximum == nil)
        #expect(range.count == values.count)
    }

    @Test func slicesCountOnlyTheirRows() throws {
        let builder = makeBuilder(.utf8)
        for text in ["a", "m", "z"] { try builder.append(.text(text)) }
        var range = ColumnRange()
        range.add(builder.finish().slice(1..<2))
        #expect(range.minimum == .text("m"))
        #expect(range.maximum == .text("m"))
    }
}
