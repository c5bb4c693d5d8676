import Columns
import Support
import Testing

@testable import TextFormats

/// Malformed records that are left out, and what they leave of the others.
struct CSVBadRowTests {
    /// All rows, and all malformed ones, the way a consumer reads: again from the start under a wider schema.
    private func read(_ bytes: [UInt8], _ options: CSVOptions) async throws -> (Table, [BadRow]) {
        let source = MemorySource(Buffer(bytes), name: "test.csv")
        var schema: Schema?
        while true {
            do {
                let reader = try await CSVReader.open(source, options: options, schema: schema)
                var table = Table(schema: reader.schema, rows: [])
                var bad: [BadRow] = []
                while let batch = try await reader.next() {
                    for row in 0..<batch.rowCount { table.rows.append(batch.columns.map { $0.value(at: row) }) }
                    bad += reader.takeBadRows()
                }
                #expect(reader.takeBadRows().isEmpty)
                return (table, bad)
            } catch let wider as SchemaWidened { schema = wider.schema }
        }
    }

    private func collecting(chunk: Int = 1 << 20, _ change: (inout CSVOptions) -> Void = { _ in }) -> CSVOptions {
        var options = CSVOptions()
        options.badRows = .collect()
        options.chunkBytes = chunk
        change(&options)
        return options
    }

    private static let text: [UInt8] =
        Array("id,name,n\n1,a,1\n2,b\n\"3\",\"x\ny\",2\nx,\"oops,1\n5,e,5\n6,\"fine\",6\n7,g,7,7\n8,".utf8) + [0xe9]
        + Array(",8\nz\n9,ü,2.5\r\n10,j\r\n".utf8)

    @Test func malformedRecordsAreLeftOutWithTheirPlaceAndText() async throws {
        let (table, bad) = try await read(Self.text, collecting())
        #expect(table.column(0) == [.int(1), .int(3), .int(9)])
        #expect(table.column(1) == [.text("a"), .text("x\ny"), .text("ü")])
        #expect(table.types[2] == .float64)
        #expect(bad.map(\.line) == [3, 6, 9, 10, 11, 13])
        #expect(bad.map(\.raw) == ["2,b", "x,\"oops,1\n5,e,5\n6,\"fine\",6", "7,g,7,7", "8,\u{fffd},8", "z", "10,j"])
        for row in bad where row.line != 10 {
            #expect(Array(Self.text[row.offset..<row.offset + row.raw.utf8.count]) == Array(row.raw.utf8))
        }
        #expect(bad[0].reason == "the record has 2 fields where 3 were expected")
        #expect(bad[1].reason.contains("quoted field") && bad[3].reason.contains("UTF-8"))
    }

    @Test func theResultIsTheSameWhereverChunksEnd() async throws {
        let (table, bad) = try await read(Self.text, collecting())
        for size in 1...Self.text.count {
            let (other, otherBad) = try await read(Self.text, collecting(chunk: size) { $0.parallelism = 1 + size % 3 })
            #expect(other == table, "chunks of \(size)")
            #expect(otherBad == bad, "chunks of \(size)")
        }
    }

    @Test func withoutBadRecordsNothingChanges() async throws {
        let text = Array("a,b\n1,\"x\"\"y\nz\"\n\n2,\"u\"v\n3,\"\"\n".utf8)
        let (table, bad) = try await read(text, collecting())
        #expect(table == (try await readCSV(text)))
        #expect(bad.isEmpty && table.rows.count == 3)
    }

    @Test func aFileOfBadRecordsComesInStepsWithoutRows() async throws {
        let text = "a,b\n" + String(repeating: "x\n", count: 1000)
        let source = MemorySource(Buffer(Array(text.utf8)), name: "test.csv")
        let reader = try await CSVReader.open(source, options: collecting(chunk: 64))
        var steps = 0
        var count = 0
        while let batch = try await reader.next() {
            #expect(batch.rowCount == 0)
            steps += 1
            let bad = reader.takeBadRows()
            #expect(bad.count <= 40)
            count += bad.count
        }
        #expect(count == 1000 && steps > 20)
    }

    @Test func theTextIsCutBetweenCharacters() async throws {
        let text = Array("a,b\nüüü\n".utf8)
        let (_, bad) = try await read(text, collecting { $0.badRows = .collect(rawLimit: 3) })
        #expect(bad.map(\.raw) == ["ü"])
    }

    @Test func shortRecordsThatAreAllowedAreNotBad() async throws {
        let (table, bad) = try await read(Array("a,b\n1\n1,2,3\n1,2,\n".utf8), collecting { $0.ragged = .null })
        #expect(table.rows.count == 2)
        #expect(bad.map(\.raw) == ["1,2,3"])
    }

    @Test func aQuoteThatIsNeverClosedFails() async throws {
        await #expect(throws: SluiceError.self) {
            _ = try await read(Array("a,b\n1,\"2\n3,4\n".utf8), collecting())
        }
    }
}
