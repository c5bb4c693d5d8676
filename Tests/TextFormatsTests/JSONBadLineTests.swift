import Columns
import Support
import Testing

@testable import TextFormats

/// Malformed lines that are left out, and what they leave of the others.
struct JSONBadLineTests {
    private func read(_ bytes: [UInt8], chunk: Int = 2 << 20, _ change: (inout JSONOptions) -> Void = { _ in })
        async throws -> (ReadRows, [BadRow])
    {
        var options = JSONOptions.chunks(chunk)
        options.layout = .lines
        options.badRows = .collect()
        change(&options)
        let source = MemorySource(Buffer(bytes), name: "test.ndjson")
        var schema: Schema?
        while true {
            do {
                let reader = try await JSONReader.open(source, options: options, schema: schema)
                var found = ReadRows(schema: reader.schema, rows: [])
                var bad: [BadRow] = []
                while let batch = try await reader.next() {
                    for row in 0..<batch.rowCount { found.rows.append(batch.columns.map { $0.value(at: row) }) }
                    bad += reader.takeBadRows()
                }
                return (found, bad)
            } catch let wider as SchemaWidened { schema = wider.schema }
        }
    }

    private static let text: [UInt8] =
        Array(
            """
            {"a": 1, "b": "x"}
            {"a": "no", "c": }

            {"a": 2, "b": "unclosed}
            [1, 2]
            {"a": 3, "b": "}{"} {"a": 4}
            {"a": 5}}
            {"a": {"deep": [
            1]}}
            17
            {"a": 6, "a": 7}
            null
            {"a": 8, "b": "\\ud800"}
            {"a": "\\q"}
            {"a": 9.5, "b": "
            """.utf8) + [0xff] + Array("\"}\r\n{\"a\": 10.5, \"d\": true}\n{\"a\": 11, ".utf8)

    @Test func malformedLinesAreLeftOutWithTheirPlaceAndText() async throws {
        let (found, bad) = try await read(Self.text)
        #expect(found.schema.fields.map(\.name) == ["a", "b", "d"])
        #expect(found.column("a") == [.float(1), .float(3), .float(4), .null, .float(10.5)])
        #expect(bad.map(\.line) == [2, 4, 5, 7, 8, 9, 10, 11, 13, 14, 15, 17])
        #expect(bad[0].reason == "unexpected }")
        #expect(bad[1].reason == "a string begins here and does not end")
        #expect(bad[2].reason == "the line is not an object")
        #expect(bad[2].raw == "[1, 2]" && bad[11].raw == "{\"a\": 11,")
        for row in bad where row.line != 15 {
            #expect(Array(Self.text[row.offset..<row.offset + row.raw.utf8.count]) == Array(row.raw.utf8))
        }
    }

    @Test func theResultIsTheSameWhereverChunksEnd() async throws {
        let (found, bad) = try await read(Self.text)
        for size in 1...Self.text.count {
            let (other, otherBad) = try await read(Self.text, chunk: size)
            #expect(other.rows == found.rows && other.types == found.types, "chunks of \(size)")
            #expect(otherBad == bad, "chunks of \(size)")
        }
    }

    @Test func withoutBadLinesNothingChanges() async throws {
        let text = "{\"a\":1,\"b\":[{\"c\":null}]}\n\n {\"a\":2} \r\n{\"b\":[],\"d\":\"2024-01-01\"}"
        let (found, bad) = try await read(Array(text.utf8))
        let plain = try await readJSON(text)
        #expect(found.rows == plain.rows && found.types == plain.types && bad.isEmpty)
    }

    @Test func aFileOfBadLinesComesInStepsWithoutRows() async throws {
        var options = JSONOptions.chunks(64)
        options.layout = .lines
        options.badRows = .collect()
        let bytes = Array(String(repeating: "{\"a\n", count: 1000).utf8)
        let reader = try await JSONReader.open(MemorySource(Buffer(bytes), name: "t"), options: options)
        var (steps, count) = (0, 0)
        while let batch = try await reader.next() {
            #expect(batch.rowCount == 0)
            let bad = reader.takeBadRows()
            #expect(bad.count <= 64)
            (steps, count) = (steps + 1, count + bad.count)
        }
        #expect(count == 1000 && steps > 10)
    }

    @Test func aLineBeyondTheLimitFails() async throws {
        let bytes = Array(("{\"a\": \"" + String(repeating: "x", count: 1000) + "\"}\n").utf8)
        await #expect(throws: SluiceError.self) {
            _ = try await read(bytes, chunk: 16) { $0.limits.maxRecordBytes = 100 }
        }
    }

    @Test func otherLayoutsFailAsBefore() async throws {
        await #expect(throws: SluiceError.self) {
            _ = try await read(Array("{\"a\": 1}\n{\"a\n".utf8)) { $0.layout = .auto }
        }
    }
}
