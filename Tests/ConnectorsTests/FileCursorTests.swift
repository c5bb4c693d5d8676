import Columns
import Connectors
import Foundation
import Parquet
import Storage
import Support
import Tables
import Testing

/// Stretches of a cursor, declared types, and rows that do not fit them.
struct FileCursorTests {
    private func values(
        _ text: String, _ name: String = "a.csv", column: String = "v", from: String?, to: String?, nulls: Bool = true
    ) async throws -> [String?] {
        let folder = try TemporaryFolder()
        try folder.write(text, name)
        var request = ReadRequest(.files([name]))
        request.cursor = CursorRange(column: column, from: from, to: to, includesNulls: nulls)
        request.columns = ["k"]
        let read = try await connector("file:.", folder: folder.path).read(request)
        return try await rows(of: read.units[0]).rows.map { $0[0] }
    }

    @Test(arguments: [
        ("1", "10", "2", "9"), ("-5", "1.5", "-4.5", "1.25"), ("2024-01-01", "2024-01-31", "2024-01-02", "2024-01-30"),
        (
            "2024-01-01T10:00:00Z", "2024-01-01T11:00:00Z", "2024-01-01T10:00:00.5Z", "2024-01-01T10:59:00Z"
        ), ("a", "é", "ab", "z"), ("08:00:00", "09:00:00", "08:00:01", "08:59:59"),
    ])
    func theFirstValueBelongsToTheStretchAndTheLastDoesNot(
        _ low: String, _ high: String, _ inside: String, _ inside2: String
    ) async throws {
        let text = "k,v\na,\(low)\nb,\(inside)\nc,\(inside2)\nd,\(high)\ne,\(low)\nf,\n"
        #expect(try await values(text, from: low, to: high) == ["a", "b", "c", "e", "f"])
        #expect(try await values(text, from: inside, to: high, nulls: false) == ["b", "c"])
        #expect(try await values(text, from: nil, to: inside, nulls: false) == ["a", "e"])
        #expect(try await values(text, from: nil, to: nil, nulls: false) == ["a", "b", "c", "d", "e"])
        let above = try await values(text, from: high, to: nil)
        #expect(above == ["d", "f"])
    }

    @Test func boundsOfAWiderTypeAreCompared() async throws {
        #expect(try await values("k,v\na,1\nb,2\n", from: "1.5", to: nil) == ["b"])
        #expect(
            try await values("k,v\na,2024-01-01\nb,2024-01-02\n", from: "2024-01-01T12:00:00", to: nil) == ["b"])
        await #expect(throws: SluiceError.self) { try await values("k,v\na,1\n", from: "x", to: nil) }
        await #expect(throws: SluiceError.self) { try await values("k,v\na,true\n", from: "true", to: nil) }
        await #expect(throws: SluiceError.self) { try await values("k,w\na,1\n", from: "1", to: nil) }
    }

    @Test func aFileWhoseEndIsLeftOutIsNotLoaded() async throws {
        let folder = try TemporaryFolder()
        try folder.write("v\n1\n2\n3\n", "a.csv")
        for (to, isLoaded) in [("3", false), ("4", true)] {
            var request = ReadRequest(.files(["a.csv"]))
            request.cursor = CursorRange(column: "v", from: "2", to: to)
            let unit = try await connector("file:.", folder: folder.path).read(request).units[0]
            _ = try await rows(of: unit)
            #expect((try await unit.file() != nil) == isLoaded)
        }
    }

    @Test func parquetIsFilteredToo() async throws {
        let folder = try TemporaryFolder()
        try folder.write("k,v\n" + (0..<1000).map { "\($0),\($0 % 2 == 0 ? "\($0)" : "")\n" }.joined(), "a.csv")
        let target = folder.path + "/a.parquet"
        var options = TableWriteOptions()
        options.parquet.rowGroupRows = 100
        let output = try TableOutput(target, options: options) { () throws(SluiceError) in try Storage.create(target) }
        _ = try await Convert.run([try Storage.open(folder.path + "/a.csv")], output)
        var request = ReadRequest(.files(["a.parquet"]))
        request.cursor = CursorRange(column: "v", from: "150", to: "160", includesNulls: false)
        request.columns = ["k"]
        let unit = try await connector("file:.", folder: folder.path).read(request).units[0]
        #expect(try await rows(of: unit).column("k") == ["150", "152", "154", "156", "158"])
    }

    // MARK: Declared types

    private func read(
        _ text: String, _ name: String, types: String, columns: [String]? = nil
    ) async throws -> UnitRows {
        let folder = try TemporaryFolder()
        try folder.write(text, name)
        var request = ReadRequest(.files([name]))
        request.types = try Schema(parsing: types)
        request.columns = columns
        return try await rows(of: try await connector("file:.", folder: folder.path).read(request).units[0])
    }

    @Test func aValueThatDoesNotParseRejectsItsRowAlone() async throws {
        let found = try await read(
            "id,price,note\n1,1.50,a\n2,abc,b\n3,,c\nx,2.25,d\n5,3.00,e\n", "a.csv",
            types: "id: int64, price: decimal(10,2)")
        #expect(found.schema.description == "id: int64, price: decimal(10,2), note: utf8")
        #expect(found.rows == [["1", "1.50", "a"], ["3", nil, "c"], ["5", "3.00", "e"]])
        #expect(found.rejects.map(\.row) == [2, 4])
        #expect(found.rejects.map(\.column) == ["price", "id"])
        #expect(found.rejects[0].reason == "'abc' is not a value of type decimal(10,2)")
        #expect(found.rejects[0].raw == #"{"id":"2","price":"abc","note":"b"}"#)
        #expect(found.rejects[0].unit == "a.csv")
    }

    @Test func jsonIsRejectedRowByRowToo() async throws {
        let found = try await read(
            """
            {"id": 1, "at": "2024-01-01"}
            {"id": "2", "at": null}
            {"id": true, "at": "2024-01-02"}
            {"id": 4, "at": "never"}
            {"id": 5, "later": [1]}
            """, "a.ndjson", types: "id: int64, at: date")
        #expect(found.column("id") == ["1", "2", "5"])
        #expect(found.column("at") == ["2024-01-01", nil, nil])
        #expect(found.column("later") == [nil, nil, "[1]"])
        #expect(found.rejects.map(\.row) == [3, 4])
        #expect(found.rejects.map(\.column) == ["id", "at"])
    }

    @Test func typesThatAreFoundStillWidenBesideDeclaredOnes() async throws {
        // The first chunk says that n is whole; far behind, it is not. A bad price stands between.
        var text = "id,price,n\n"
        for row in 0..<200_000 { text += "\(row),\(row == 150_000 ? "bad" : "1.5"),\(row == 199_999 ? "0.5" : "7")\n" }
        let found = try await read(text, "a.csv", types: "price: float64")
        #expect(found.schema.description == "id: int64, price: float64, n: float64")
        #expect(found.rows.count == 199_999)
        #expect(found.rejects.map(\.row) == [150_001])
        #expect(found.rows.last == ["199999", "1.5", "0.5"])
        #expect(Set(found.column("id")).count == 199_999)
        #expect(found.restarts == 1)
    }

    @Test func aLateKeyIsNotLostBesideDeclaredTypes() async throws {
        var text = ""
        for row in 0..<200_000 { text += "{\"id\": \(row)\(row == 199_999 ? ", \"late\": 1" : "")}\n" }
        let found = try await read(text, "a.ndjson", types: "id: int32")
        #expect(found.schema.description == "id: int32, late: int64")
        #expect(found.rows.last == ["199999", "1"])
    }

    @Test func nullsInAColumnThatForbidsThemAreRejected() async throws {
        let found = try await read("id,v\n1,a\n,b\n3,c\n", "a.csv", types: "id: int64 not null")
        #expect(found.column("id") == ["1", "3"])
        #expect(found.rejects.map(\.reason) == ["a value is missing in a column that is declared not null"])
    }

    @Test func aDeclaredColumnThatIsNotThereIsAnError() async throws {
        let error = await #expect(throws: SluiceError.self) {
            try await read("id,v\n1,a\n", "a.csv", types: "ids: int64")
        }
        #expect(error?.hint == "Did you mean \"id\"?")
    }

    @Test func declaredTypesApplyToParquet() async throws {
        let folder = try TemporaryFolder()
        try folder.write("id,v\n1,5\n2,x\n3,7\n", "a.csv")
        let target = folder.path + "/a.parquet"
        let output = try TableOutput(target) { () throws(SluiceError) in try Storage.create(target) }
        _ = try await Convert.run([try Storage.open(folder.path + "/a.csv")], output)
        var request = ReadRequest(.files(["a.parquet"]))
        request.types = try Schema(parsing: "v: int16")
        let unit = try await connector("file:.", folder: folder.path).read(request).units[0]
        let found = try await rows(of: unit)
        #expect(found.schema.description == "id: int64, v: int16")
        #expect(found.rows == [["1", "5"], ["3", "7"]])
        #expect(found.rejects.map(\.raw) == [#"{"id":2,"v":"x"}"#])
    }

    // MARK: Payload rules

    @Test(arguments: [
        ("{\"a\": 1}", ["a"], [["1"]]), ("[{\"a\": 1}, {\"a\": 2}]", ["a"], [["1"], ["2"]]),
        ("[1, 2]", ["payload"], [["1"], ["2"]]), ("\"x\"", ["payload"], [["x"]]), ("[]", [], []),
        ("[{\"a\": 1}, 2]", ["a", "payload"], [["1", nil], [nil, "2"]]),
    ])
    func everyPayloadBecomesRows(_ text: String, _ columns: [String], _ expected: [[String?]]) async throws {
        let folder = try TemporaryFolder()
        try folder.write(text, "a.json")
        let unit = try await connector("file:.", folder: folder.path).read(ReadRequest(.files(["a.json"]))).units[0]
        let found = try await rows(of: unit)
        #expect(found.schema.fields.map(\.name) == columns)
        #expect(found.rows == expected)
    }
}
