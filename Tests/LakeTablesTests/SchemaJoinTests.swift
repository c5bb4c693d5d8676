import Columns
import Testing

@testable import LakeTables

@Suite struct SchemaJoinTests {
    private func join(_ texts: [String], partitions: Set<String> = []) throws -> SchemaJoin {
        var generations: [(schema: Schema, files: Int)] = []
        for text in texts { generations.append((try Schema(parsing: text), 1)) }
        return SchemaJoin(generations, partitions: partitions)
    }

    @Test(arguments: [
        (["id: int32"], "id: int32"),
        (["id: int32 not null", "id: int64 not null"], "id: int64 not null"),
        // The newest decides on names and order, and what it lacks comes behind.
        (["id: int32, old: utf8", "ID: int32, new: utf8"], "ID: int32, new: utf8, old: utf8"),
        (["a: int32 not null", "b: int32 not null"], "b: int32, a: int32"),
        (["a: float32", "a: float64"], "a: float64"),
        (["a: null", "a: date"], "a: date"),
        (["a: timestamp(ms)", "a: timestamp(us)"], "a: timestamp(us)"),
        (["a: decimal(10,2)", "a: decimal(12,4)"], "a: decimal(12,4)"),
        (["a: struct<x: int32>", "a: struct<x: int64, y: utf8>"], "a: struct<x: int64, y: utf8>"),
    ])
    func typesAreWidenedAndTheNewestNames(texts: [String], expected: String) throws {
        let join = try join(texts)
        #expect(Schema(join.columns.map(\.field)).description == expected)
        #expect(join.conflicts.isEmpty)
    }

    @Test(arguments: [
        ["a: int64", "a: utf8"], ["a: list<int32>", "a: int32"], ["a: timestamp(us)", "a: timestamp(us, UTC)"],
        ["a: decimal(10,2)", "a: float64"], ["a: list<int32>", "a: list<utf8>"],
        ["a: struct<x: int32>", "a: struct<x: utf8>"],
    ])
    func typesWithNothingInCommonAreAConflict(texts: [String]) throws {
        let join = try join(texts)
        #expect(join.columns[0].isConflict)
        #expect(join.columns[0].types.count == 2)
        #expect(join.conflicts.count == 1)
        #expect(join.conflicts[0].contains("\"a\""))
    }

    @Test func columnsThatDifferInCaseOnlyAreTold() throws {
        let join = try join(["a: int32, A: int32, b: int32"])
        #expect(join.columns.map(\.field.name) == ["a", "b"])
        #expect(
            join.conflicts == ["the columns \"a\" and \"A\" of one file have one name to SQL; the second is left out"])
    }

    @Test func partitionsWinOverColumns() throws {
        let join = try join(["Year: int32, b: int32"], partitions: ["year"])
        #expect(join.columns.map(\.field.name) == ["b"])
        #expect(join.conflicts.count == 1)
    }

    @Test(
        arguments: [
            ("year", ["2024", "2025"], "int32"), ("mm", ["01", "12"], "int32"), ("k", ["01", "12"], "utf8"),
            ("k", ["1", "-12", nil], "int32"), ("k", ["0"], "int32"), ("k", [nil], "utf8"), ("k", ["1", "x"], "utf8"),
            ("k", ["12345678901"], "utf8"), ("day", ["2024-02-29"], "date"), ("day", ["2023-02-29"], "utf8"),
            ("day", ["2024-01-01", "1"], "utf8"), ("k", ["-"], "utf8"), ("k", [""], "utf8"),
        ] as [(String, [String?], String)])
    func partitionTypesComeFromAllValues(name: String, values: [String?], expected: String) {
        #expect(PartitionTypes.type(of: name, values).description == expected)
    }
}
