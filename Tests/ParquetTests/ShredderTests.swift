import Columns
import Support
import Testing

@testable import Parquet

@Suite struct ShredderTests {
    /// A leaf's slots as (repetition, definition) pairs, and its values.
    private func shred(_ field: Field, _ rows: [Value], leaf: Int) throws -> (levels: [[Int]], values: [Value]) {
        let builder = makeBuilder(field.type)
        for row in rows { try builder.append(row) }
        let plan = try SchemaPlan(Schema([field])).leaves[leaf]
        let shredder = Shredder(plan)
        let shredded = try shredder.shred(builder.finish())
        let levels = (0..<shredded.slotCount).map { slot in
            let repetition = shredded.repetition.map { Int($0[slot]) } ?? 0
            switch shredded.definition {
            case .full: return [repetition, plan.maxDefinition]
            case .bitmap(let bits, let from): return [repetition, Bitmap.isSet(bits, at: from + slot) ? 1 : 0]
            case .levels(let levels): return [repetition, Int(levels[slot])]
            }
        }
        let values = (0..<shredded.valueCount).map { index in
            let row = shredded.indices.map { Int($0[index]) } ?? shredded.firstValue + index
            return shredded.source.value(at: row)
        }
        withExtendedLifetime(shredder) {}
        return (levels, values)
    }

    // MARK: - The example of the Dremel paper

    private static let links = Field(
        "Links",
        .structure([
            Field("Backward", .list(Field("item", .int64, nullable: false)), nullable: false),
            Field("Forward", .list(Field("item", .int64, nullable: false)), nullable: false),
        ]))
    private static let language = Field(
        "item", .structure([Field("Code", .utf8, nullable: false), Field("Country", .utf8)]), nullable: false)
    private static let name = Field(
        "Name",
        .list(
            Field(
                "item", .structure([Field("Language", .list(language), nullable: false), Field("Url", .utf8)]),
                nullable: false)), nullable: false)

    private static let linkRows: [Value] = [
        .structure([.list([]), .list([.int(20), .int(40), .int(60)])]),
        .structure([.list([.int(10), .int(30)]), .list([.int(80)])]),
    ]
    private static let nameRows: [Value] = [
        .list([
            .structure([
                .list([
                    .structure([.text("en-us"), .text("us")]), .structure([.text("en"), .null]),
                ]), .text("http://A"),
            ]),
            .structure([.list([]), .text("http://B")]),
            .structure([.list([.structure([.text("en-gb"), .text("gb")])]), .null]),
        ]),
        .list([.structure([.list([]), .text("http://C")])]),
    ]

    @Test func linksOfTheDremelPaper() throws {
        let backward = try shred(Self.links, Self.linkRows, leaf: 0)
        #expect(backward.levels == [[0, 1], [0, 2], [1, 2]])
        #expect(backward.values == [.int(10), .int(30)])
        let forward = try shred(Self.links, Self.linkRows, leaf: 1)
        #expect(forward.levels == [[0, 2], [1, 2], [1, 2], [0, 2]])
        #expect(forward.values == [.int(20), .int(40), .int(60), .int(80)])
    }

    @Test func namesOfTheDremelPaper() throws {
        let code = try shred(Self.name, Self.nameRows, leaf: 0)
        #expect(code.levels == [[0, 2], [2, 2], [1, 1], [1, 2], [0, 1]])
        #expect(code.values == [.text("en-us"), .text("en"), .text("en-gb")])
        let country = try shred(Self.name, Self.nameRows, leaf: 1)
        #expect(country.levels == [[0, 3], [2, 2], [1, 1], [1, 3], [0, 1]])
        #expect(country.values == [.text("us"), .text("gb")])
        let url = try shred(Self.name, Self.nameRows, leaf: 2)
        #expect(url.levels == [[0, 2], [1, 2], [1, 1], [0, 2]])
        #expect(url.values == [.text("http://A"), .text("http://B"), .text("http://C")])
    }

    // MARK: - Nulls and empty lists

    @Test func aFlatColumnHasItsBitmap() throws {
        let found = try shred(Field("a", .int32), [.int(1), .null, .int(3)], leaf: 0)
        #expect(found.levels == [[0, 1], [0, 0], [0, 1]])
        #expect(found.values == [.int(1), .int(3)])
    }

    @Test func nullListsEmptyListsAndNullItemsDiffer() throws {
        let found = try shred(
            Field("a", .list(Field("item", .int32))),
            [.null, .list([]), .list([.null]), .list([.int(7), .null, .int(8)])], leaf: 0)
        #expect(found.levels == [[0, 0], [0, 1], [0, 2], [0, 3], [1, 2], [1, 3]])
        #expect(found.values == [.int(7), .int(8)])
    }

    @Test func mapsAreListsOfPairs() throws {
        let field = Field("m", .map(key: Field("key", .utf8, nullable: false), value: Field("value", .int32)))
        let rows: [Value] = [
            .list([.structure([.text("a"), .int(1)]), .structure([.text("b"), .null])]), .null, .list([]),
        ]
        let keys = try shred(field, rows, leaf: 0)
        #expect(keys.levels == [[0, 2], [1, 2], [0, 0], [0, 1]])
        #expect(keys.values == [.text("a"), .text("b")])
        let values = try shred(field, rows, leaf: 1)
        #expect(values.levels == [[0, 3], [1, 2], [0, 0], [0, 1]])
        #expect(values.values == [.int(1)])
    }

    @Test func structuresInListsEndWhereTheyAreNull() throws {
        let field = Field("a", .list(Field("item", .structure([Field("b", .int32), Field("c", .utf8)]))))
        let rows: [Value] = [.list([.null, .structure([.null, .text("x")]), .structure([.int(1), .null])]), .null]
        let numbers = try shred(field, rows, leaf: 0)
        #expect(numbers.levels == [[0, 2], [1, 3], [1, 4], [0, 0]])
        #expect(numbers.values == [.int(1)])
        let texts = try shred(field, rows, leaf: 1)
        #expect(texts.levels == [[0, 2], [1, 4], [1, 3], [0, 0]])
        #expect(texts.values == [.text("x")])
    }

    @Test func slicesShredLikeTheirRows() throws {
        let field = Field("a", .list(Field("item", .int32)))
        let builder = makeBuilder(field.type)
        for row in 0..<20 {
            try builder.append(row % 5 == 0 ? .null : .list((0..<row % 4).map { .int(Int128(row * 10 + $0)) }))
        }
        let column = builder.finish()
        let shredder = Shredder(try SchemaPlan(Schema([field])).leaves[0])
        let part = try shredder.shred(column.slice(6..<9))
        // Rows 6, 7 and 8 have two, three and no items.
        #expect(part.slotCount == 6)
        #expect(part.valueCount == 5)
        #expect(part.source.value(at: part.firstValue) == .int(60))
        #expect(part.indices == nil)
    }

    @Test func nullsWhereNoneMayBeAreRefused() throws {
        let error = #expect(throws: SluiceError.self) {
            _ = try shred(Field("a", .int32, nullable: false), [.int(1), .null], leaf: 0)
        }
        #expect(error?.place.column == "a")
        #expect(throws: SluiceError.self) {
            _ = try shred(
                Field("a", .list(Field("item", .int32, nullable: false))), [.list([.int(1), .null])], leaf: 0)
        }
    }

    @Test func nullsUnderANullParentAreNoneOfTheField() throws {
        let field = Field("a", .structure([Field("b", .int32, nullable: false)]))
        let found = try shred(field, [.structure([.int(1)]), .null], leaf: 0)
        #expect(found.levels == [[0, 1], [0, 0]])
    }
}
