import Columns
import Support
import Testing
import TextFormats

/// A batch of `rows` under `schema`.
func batch(_ schema: Schema, _ rows: [[Value]]) throws -> RecordBatch {
    let columns = try schema.fields.enumerated().map { index, field in
        let builder = makeBuilder(field.type)
        for row in rows { try builder.append(row[index]) }
        return builder.finish()
    }
    return RecordBatch(schema: schema, columns: columns, rowCount: rows.count)
}

private func write(_ batches: [RecordBatch], _ schema: Schema, _ options: CSVWriterOptions = .init()) async throws
    -> [UInt8]
{
    let sink = MemorySink()
    let writer = try CSVWriter(sink, schema: schema, options: options)
    for batch in batches { try await writer.write(batch) }
    try await writer.finish()
    return sink.contents?.bytes ?? []
}

@Suite struct CSVWriterTests {
    @Test func everyKindOfValueHasItsText() async throws {
        let schema = Schema([
            Field("i", .int64), Field("s,", .utf8), Field("f", .float64), Field("b", .bool), Field("d", .date),
            Field("t", .timestamp(.millisecond, zone: "UTC")), Field("l", .list(Field("item", .int64))),
            Field("x", .binary), Field("m", .decimal(precision: 5, scale: 2)),
        ])
        let rows: [[Value]] = [
            [
                .int(1), .text("a\"b"), .float(0.1), .bool(true), .ticks(0), .ticks(1500), .list([.int(1), .int(2)]),
                .bytes([1]), .ticks(-5),
            ],
            [.null, .text(""), .null, .null, .null, .null, .null, .null, .null],
        ]
        let text = String(decoding: try await write([batch(schema, rows)], schema), as: UTF8.self)
        #expect(
            text == """
                i,"s,",f,b,d,t,l,x,m
                1,"a""b",0.1,true,1970-01-01,1970-01-01T00:00:01.500Z,"[1,2]",AQ==,-0.05
                ,"",,,,,,,

                """)
    }

    @Test func optionsAreFollowed() async throws {
        var options = CSVWriterOptions()
        options.delimiter = UInt8(ascii: "\t")
        options.lineEnd = "\r\n"
        options.nullText = "NULL"
        options.byteOrderMark = true
        options.header = false
        options.quotesAllText = true
        let schema = Schema([Field("a", .utf8), Field("b", .int64)])
        let bytes = try await write(
            [batch(schema, [[.text("x"), .null], [.text("NULL"), .int(5)], [.null, .null]])], schema, options)
        #expect(bytes == [0xef, 0xbb, 0xbf] + Array("\"x\"\tNULL\r\n\"NULL\"\t5\r\nNULL\tNULL\r\n".utf8))
    }

    @Test func contradictionsAreRefused() throws {
        var options = CSVWriterOptions()
        options.delimiter = UInt8(ascii: "\"")
        #expect(throws: SluiceError.self) { try CSVWriter(MemorySink(), schema: Schema([]), options: options) }
        options = CSVWriterOptions()
        options.nullText = "a,b"
        #expect(throws: SluiceError.self) { try CSVWriter(MemorySink(), schema: Schema([]), options: options) }
    }

    @Test func aTableWithoutRowsHasItsHeader() async throws {
        let schema = Schema([Field("a", .utf8), Field("b", .int64)])
        #expect(try await write([], schema) == Array("a,b\n".utf8))
    }

    @Test func manyBlocksStayInOrder() async throws {
        let schema = Schema([Field("n", .int64)])
        let rows = (0..<50_000).map { [Value.int(Int128($0))] }
        var options = CSVWriterOptions()
        options.parallelism = 3
        let batch = try batch(schema, rows)
        let bytes = try await write([batch, batch.slice(7..<20_000)], schema, options)
        #expect(bytes == Array(("n\n" + (Array(0..<50_000) + Array(7..<20_000)).map { "\($0)\n" }.joined()).utf8))
    }
}

@Suite struct CSVRoundTripTests {
    /// A schema and rows that CSV can tell apart.
    static func randomTable(_ generator: inout some RandomNumberGenerator, rows: Int) -> Table {
        let types: [DataType] = [
            .int64, .float64, .bool, .date, .timestamp(.microsecond, zone: nil), .timestamp(.nanosecond, zone: "UTC"),
            .time(.microsecond), .utf8, .utf8, .uint64, .decimal(precision: 38, scale: 4), .int16, .float32, .uuid,
            .binary,
        ]
        let width = Int.random(in: 1...6, using: &generator)
        let names = ["a", "b,", "c\"", "d\ne", "e", " f"]
        let fields = (0..<width).map { Field(names[$0], types.randomElement(using: &generator) ?? .utf8) }
        let alphabet = [
            "a", "b", ",", ";", "\"", "'", "\n", "\r", "\r\n", " ", "é", "😀", "\t", "|", "#", "1", "NA", "\0", "\\",
            "long enough to need more than sixteen bytes",
        ]
        func value(_ type: DataType) -> Value {
            if Int.random(in: 0..<5, using: &generator) == 0 { return .null }
            switch type {
            case .int64:
                return .int(
                    Int128(
                        Int64.random(in: .min ... .max, using: &generator)
                            >> Int64.random(in: 0..<64, using: &generator)))
            case .int16: return .int(Int128(Int16.random(in: .min ... .max, using: &generator)))
            case .uint64: return .int(Int128(UInt64.random(in: 0 ... .max, using: &generator)))
            case .float64:
                return .float(
                    Double.random(in: -1e6...1e6, using: &generator) * (Bool.random(using: &generator) ? 1e-200 : 1))
            case .float32: return .float(Double(Float.random(in: -1e6...1e6, using: &generator)))
            case .bool: return .bool(Bool.random(using: &generator))
            case .date: return .ticks(Int128.random(in: -700_000...2_900_000, using: &generator))
            case .time: return .ticks(Int128.random(in: 0..<86_400_000_000, using: &generator))
            case .timestamp(.nanosecond, _):
                return .ticks(
                    Int128(Int64.random(in: -9_000_000_000_000_000_000...9_000_000_000_000_000_000, using: &generator)))
            case .timestamp:
                return .ticks(
                    Int128(Int64.random(in: -60_000_000_000_000_000...200_000_000_000_000_000, using: &generator)))
            case .decimal: return .ticks(Int128.random(in: -(Int128(1) << 120)...(Int128(1) << 120), using: &generator))
            case .uuid: return .bytes((0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
            case .binary:
                return .bytes(
                    (0..<Int.random(in: 0..<9, using: &generator)).map { _ in
                        UInt8.random(in: 0...255, using: &generator)
                    })
            default:
                let length = Int.random(in: 0..<6, using: &generator)
                return .text((0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "" }.joined())
            }
        }
        return Table(schema: Schema(fields), rows: (0..<rows).map { _ in fields.map { value($0.type) } })
    }

    @Test(arguments: 0..<60)
    func randomTablesComeBackInEveryDialect(seed: Int) async throws {
        var generator = SystemRandomNumberGenerator()
        let rows = Int.random(in: 0..<40, using: &generator)
        let table = Self.randomTable(&generator, rows: rows)
        var options = CSVWriterOptions()
        options.delimiter = [",", ";", "\t", "|", "a"].map { UInt8(ascii: $0) }.randomElement(using: &generator) ?? 44
        options.quote = Bool.random(using: &generator) ? UInt8(ascii: "\"") : UInt8(ascii: "'")
        options.lineEnd = Bool.random(using: &generator) ? "\n" : "\r\n"
        options.nullText = ["", "NULL", "-"].randomElement(using: &generator) ?? ""
        if options.delimiter == UInt8(ascii: "a") { options.nullText = "" }
        options.byteOrderMark = Bool.random(using: &generator)
        options.quotesAllText = Bool.random(using: &generator)
        let bytes = try await write(rows == 0 ? [] : [batch(table.schema, table.rows)], table.schema, options)

        var reading = CSVOptions()
        reading.delimiter = options.delimiter
        reading.quote = options.quote
        reading.nullTexts = [options.nullText]
        reading.columnNames = table.names
        reading.chunkBytes = [1, 7, 64, 1 << 20].randomElement(using: &generator) ?? 1
        let back = try await readCSV(bytes, reading, schema: table.schema)
        #expect(back == table, "\(String(decoding: bytes, as: UTF8.self))")
    }

    @Test(arguments: 0..<30)
    func cutsAndProcessorsChangeNothing(seed: Int) async throws {
        var generator = SystemRandomNumberGenerator()
        let table = Self.randomTable(&generator, rows: Int.random(in: 1..<60, using: &generator))
        let bytes = try await write([batch(table.schema, table.rows)], table.schema)
        let whole = try await readCSV(bytes, csv { $0.parallelism = 1 })
        for size in [1, 2, 3, 5, 8, 13, 64, 65, 100, 1000] {
            for parallelism in [1, 4] {
                let cut = try await readCSV(
                    bytes,
                    csv {
                        $0.chunkBytes = size
                        $0.parallelism = parallelism
                    })
                #expect(cut == whole, "\(size) bytes, \(parallelism) at a time")
            }
        }
    }

    @Test(arguments: 0..<200)
    func bothScansFindTheSameFields(seed: Int) async throws {
        // A comment character that does not occur sends the same text through the scan byte by byte.
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array("a,\"\n\rb1".utf8)
        let length = Int.random(in: 0..<300, using: &generator)
        let sparse = Bool.random(using: &generator)
        let bytes = (0..<length).map { _ in
            sparse && Int.random(in: 0..<4, using: &generator) > 0
                ? UInt8(ascii: "x") : alphabet.randomElement(using: &generator) ?? 10
        }
        func read(_ change: (inout CSVOptions) -> Void) async -> String {
            do {
                let table = try await readCSV(
                    bytes,
                    csv {
                        $0.ragged = .null
                        $0.delimiter = 44
                        $0.header = false
                        change(&$0)
                    })
                return "\(table)"
            } catch {
                // Which of several errors comes first depends on how the data is cut.
                return "error"
            }
        }
        let fast = await read { _ in }
        #expect(await read { $0.comment = UInt8(ascii: "~") } == fast)
        #expect(await read { $0.chunkBytes = 30 } == fast, "\(String(decoding: bytes, as: UTF8.self).debugDescription)")
    }
}
