import Columns
import Support
import Testing
import TextFormats

@Suite struct CSVWideningTests {
    /// Small chunks, so that what is late in the data is late for the reader.
    private func read(_ values: [String], chunkBytes: Int = 4096) async throws -> Table {
        let text = "k,v\n" + values.enumerated().map { "\($0),\($1)\n" }.joined()
        return try await readCSV(text, csv { $0.chunkBytes = chunkBytes })
    }

    @Test func anIntegerThatBecomesAFractionLateSurvives() async throws {
        var values = (0..<6000).map { "\($0)" }
        values[5000] = "1.5"
        let table = try await read(values)
        #expect(table.types == [.int64, .float64])
        #expect(table.rows[5000][1] == .float(1.5))
        #expect(table.rows[5999][1] == .float(5999))
    }

    @Test func nullsThenTextSurvive() async throws {
        let table = try await read([String](repeating: "", count: 4000) + ["word", "7"])
        #expect(table.types == [.int64, .utf8])
        #expect(table.rows[4000][1] == .text("word"))
        #expect(table.rows[4001][1] == .text("7"))
        #expect(table.rows[3999][1] == .null)
    }

    @Test func nullsThenIntegersAreIntegers() async throws {
        let table = try await read([String](repeating: "", count: 4000) + ["12"])
        #expect(table.types == [.int64, .int64])
        #expect(table.rows[4000][1] == .int(12))
    }

    @Test func textInTheLastRowMakesAllText() async throws {
        let table = try await read((0..<5000).map { "\($0)" } + ["x"])
        #expect(table.types == [.int64, .utf8])
        #expect(table.rows[4999][1] == .text("4999"))
        #expect(table.rows[5000][1] == .text("x"))
    }

    @Test(
        arguments: [
            ("5", "007", DataType.utf8), ("5", "9223372036854775808", .uint64),
            ("-5", "9223372036854775808", .decimal(precision: 38, scale: 0)),
            ("9007199254740993", "0.5", .decimal(precision: 38, scale: 1)),
            ("0.25", "9007199254740993", .decimal(precision: 38, scale: 2)),
            ("1.12345678", "0.10000000000000001", .decimal(precision: 38, scale: 17)), ("1.5", "-inf", .float64),
            ("1.5", "1e400", .utf8), ("2024-01-01", "2024-01-01 10:00:00", .timestamp(.microsecond, zone: nil)),
            ("2024-01-01 10:00:00", "2024-01-01 10:00:00.123456789", .timestamp(.nanosecond, zone: nil)),
            ("2500-01-01 10:00:00", "2024-01-01 10:00:00.123456789", .utf8),
            ("2500-01-01", "2024-01-01 10:00:00.123456789", .utf8),
            ("2024-01-01 10:00:00", "2024-01-01 10:00:00Z", .utf8), ("2024-01-01 10:00:00Z", "2024-01-01", .utf8),
            ("true", "1", .utf8), ("10:00:00", "10:00:00.1234567", .time(.nanosecond)), ("1", "\"\"", .utf8),
            ("12345678901234567890", "1.5", .decimal(precision: 38, scale: 1)),
            ("123456789012345678901234567890", "-1", .decimal(precision: 38, scale: 0)), ("1", "-0", .float64),
            ("1", "1 ", .utf8),
        ] as [(String, String, DataType)])
    func lateValuesWidenAsEarlyOnesDo(early: String, late: String, type: DataType) async throws {
        let values = [String](repeating: early, count: 500) + [late] + [String](repeating: early, count: 500)
        let table = try await read(values, chunkBytes: 512)
        #expect(table.types[1] == type)
        let atOnce = try await read(values, chunkBytes: 1 << 20)
        #expect(table == atOnce)
    }

    @Test func theReaderSaysWhereTheTypeBecameWider() async throws {
        let text = "a\n" + String(repeating: "1\n", count: 1000) + "x\n"
        let reader = try await CSVReader.open(
            MemorySource(Buffer(Array(text.utf8)), name: "f.csv"), options: csv { $0.chunkBytes = 100 })
        #expect(reader.schema.fields[0].type == .int64)
        do {
            while try await reader.next() != nil {}
            Issue.record("the reader did not notice the text")
        } catch let wider as SchemaWidened {
            #expect(wider.schema.fields[0].type == .utf8)
            #expect(wider.place.line == 1002)
            #expect(wider.place.column == "a")
        }
    }
}

@Suite struct CSVHostileTests {
    @Test func anOpenQuoteIsPlaced() async throws {
        await #expect {
            try await readCSV("a,b\n1,2\n3,\"x\n4,5\n")
        } throws: { error in
            let error = error as? SluiceError
            return error?.place.line == 3 && error?.place.offset == 8 && error?.code == .invalidData
        }
    }

    @Test func aRecordBeyondTheLimitIsRefused() async throws {
        let options = csv {
            $0.maxRecordBytes = 10_000
            $0.chunkBytes = 1000
        }
        let fits = "a\n" + String(repeating: "x", count: 9000) + "\n"
        #expect(try await readCSV(fits, options).rows.count == 1)
        for text in [
            "a\n" + String(repeating: "x", count: 1 << 20), "a\n\"" + String(repeating: "x\n", count: 1 << 19),
        ] {
            await #expect {
                try await readCSV(text, options)
            } throws: {
                ($0 as? SluiceError)?.code == .limitExceeded
            }
        }
    }

    @Test func tooManyColumnsAreRefused() async throws {
        await #expect(throws: SluiceError.self) {
            try await readCSV(String(repeating: ",", count: 200_000) + "\n")
        }
    }

    @Test func zeroBytesAreCharacters() async throws {
        #expect(try await readCSV("a,b\n\0,\0x\n").rows == [[.text("\0"), .text("\0x")]])
    }

    @Test(arguments: 0..<300)
    func junkNeverCrashes(seed: Int) async throws {
        var generator = SystemRandomNumberGenerator()
        let structure = Array("\"\",,\n\n\r1-.eE:T2024-01-01 tru\\#;|\t".utf8)
        let bytes = (0..<Int.random(in: 0..<2000, using: &generator)).map { _ in
            seed % 2 == 0 || Int.random(in: 0..<20, using: &generator) == 0
                ? UInt8.random(in: 0...255, using: &generator) : structure.randomElement(using: &generator) ?? 10
        }
        let options = csv {
            $0.ragged = seed % 3 == 0 ? .null : .error
            $0.chunkBytes = seed % 5 == 0 ? 16 : 1 << 16
            $0.escape = seed % 7 == 0 ? UInt8(ascii: "\\") : nil
            $0.encoding = [nil, .utf8, .latin1, .utf16le][seed % 4]
            $0.delimiter = seed % 4 == 0 ? 44 : nil
        }
        do {
            let table = try await readCSV(bytes, options)
            #expect(table.rows.allSatisfy { $0.count == table.names.count })
        } catch let error as SluiceError {
            #expect(error.place.file == "test.csv", "\(error)")
        }
    }

    @Test func contradictoryOptionsAreRefused() async throws {
        for change in [{ $0.delimiter = 34 }, { $0.maxRecordBytes = 0 }, { $0.quote = 10 }, { $0.chunkBytes = 0 }]
            as [(inout CSVOptions) -> Void]
        {
            await #expect {
                try await readCSV("a\n", csv(change))
            } throws: {
                ($0 as? SluiceError)?.code == .invalidConfiguration
            }
        }
    }
}
