import Columns
import Support
import Testing

@testable import TextFormats

@Suite struct JSONWriterTests {
    @Test func recordsAreLinesOrAnArray() async throws {
        let schema = Schema([
            Field("n", .int64), Field("f", .float64), Field("d", .decimal(precision: 10, scale: 2)),
            Field("j", .json), Field("b", .binary), Field("t", .timestamp(.microsecond, zone: "UTC")),
            Field("l", .list(Field("item", .utf8))),
            Field("m", .map(key: Field("key", .utf8), value: Field("value", .int8))),
        ])
        let rows: [[Value]] = [
            [
                .int(Int128(Int64.max)), .float(.nan), .ticks(1250), .text("{\"a\":\n [1]}"), .bytes([0, 255]),
                .ticks(1_500_000), .list([.text("a\"\n"), .null]), .list([.structure([.text("k"), .int(1)])]),
            ],
            Array(repeating: .null, count: 8),
        ]
        let first =
            "{\"n\":9223372036854775807,\"f\":\"NaN\",\"d\":12.50,\"j\":{\"a\": [1]},\"b\":\"AP8=\","
            + "\"t\":\"1970-01-01T00:00:01.500000Z\",\"l\":[\"a\\\"\\n\",null],\"m\":{\"k\":1}}"
        let second =
            "{\"n\":null,\"f\":null,\"d\":null,\"j\":null,\"b\":null,\"t\":null,\"l\":null,\"m\":null}"
        let lines = try await written(schema, rows, .init())
        #expect(normal(lines) == normal("\(first)\n\(second)\n"))
        #expect(
            normal(try await written(schema, rows, .init(layout: .array))) == normal("[\n\(first),\n\(second)\n]\n"))
        #expect(try await written(schema, [], .init(layout: .array)) == "[]\n")
        #expect(try await written(schema, [], .init()) == "")
        let indented = try await written(
            Schema([Field("a", .list(Field("item", .int8))), Field("b", .list(Field("item", .int8)))]),
            [[.list([.int(1), .int(2)]), .list([])]], .init(layout: .array, indent: 2))
        #expect(
            indented == """
                [
                  {
                    "a": [
                      1,
                      2
                    ],
                    "b": []
                  }
                ]

                """)
    }

    /// How many digits of a fraction are written, and the spaces inside json, are the formatter's business.
    private func normal(_ text: String) -> String {
        text.replacing("01.500Z", with: "01.500000Z").replacing("{\"a\": [1]}", with: "{\"a\":  [1]}")
    }

    @Test func twoColumnsOfOneNameAreAnError() throws {
        #expect(throws: SluiceError.self) {
            try JSONWriter(MemorySink(), schema: Schema([Field("a", .int8), Field("a", .int8)]))
        }
    }

    @Test func whatWasWrittenReadsBackEqual() async throws {
        var random = TestRandom(seed: 5)
        for round in 0..<40 {
            let fields = (0..<Int.random(in: 1...6, using: &random)).map { index in
                Field(
                    "c\(index)\(["", "\"", "\\", "é", "\n"].randomElement(using: &random) ?? "")", anyType(&random, 0))
            }
            let schema = Schema(fields)
            let rows = (0..<Int.random(in: 0...60, using: &random)).map { _ in
                fields.map { anyValue($0.type, &random) }
            }
            let layout: JSONWriterOptions.Layout = round % 2 == 0 ? .array : .lines
            let text = try await written(
                schema, rows, .init(layout: layout, indent: "\(schema)".contains("json") ? 0 : round % 3))
            for size in [1, 100, 1 << 20] {
                let read = try await readJSON(text, .chunks(size), schema: schema)
                #expect(read.rows.map { "\($0)" } == rows.map { "\($0)" }, "\(schema)")
            }
            // Without a schema, nothing may fail either, and the number of rows is the same.
            let inferred = try await readJSON(text, .chunks(200))
            #expect(inferred.rows.count == rows.count)
        }
    }

    @Test func manyRowsAreWrittenInOrder() async throws {
        let rows: [[Value]] = (0..<30_000).map { [.int(Int128($0))] }
        let schema = Schema([Field("value", .int32)])
        let text = try await written(schema, rows, .init(layout: .array))
        #expect(try await readJSON(text, .chunks(10_000), schema: schema).rows == rows)
    }

    private func written(_ schema: Schema, _ rows: [[Value]], _ options: JSONWriterOptions) async throws -> String {
        let builders = schema.fields.map { makeBuilder($0.type) }
        for row in rows { for (builder, value) in zip(builders, row) { try builder.append(value) } }
        let batch = RecordBatch(schema: schema, columns: builders.map { $0.finish() }, rowCount: rows.count)
        let sink = MemorySink()
        let writer = try JSONWriter(sink, schema: schema, options: options)
        // In two batches, so that the second continues the first.
        try await writer.write(batch.slice(0..<rows.count / 2))
        try await writer.write(batch.slice(rows.count / 2..<rows.count))
        try await writer.finish()
        return String(decoding: sink.contents?.bytes ?? [], as: UTF8.self)
    }

    private func anyType(_ random: inout TestRandom, _ depth: Int) -> DataType {
        let simple: [DataType] = [
            .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float16, .float32, .float64,
            .decimal(precision: 38, scale: 10), .decimal(precision: 5, scale: 0), .utf8, .binary, .fixedBinary(3),
            .date, .time(.microsecond), .time(.nanosecond), .time(.second), .time(.millisecond),
            .timestamp(.microsecond, zone: nil), .timestamp(.nanosecond, zone: "UTC"), .timestamp(.second, zone: nil),
            .timestamp(.millisecond, zone: "UTC"), .uuid, .json,
        ]
        if depth < 3, Int.random(in: 0..<3, using: &random) == 0 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0: return .list(Field("item", anyType(&random, depth + 1)))
            case 1:
                return .structure(
                    (0..<Int.random(in: 1...3, using: &random)).map { Field("f\($0)", anyType(&random, depth + 1)) })
            default:
                let key: DataType = [.utf8, .int32, .date].randomElement(using: &random) ?? .utf8
                return .map(key: Field("key", key, nullable: false), value: Field("value", anyType(&random, depth + 1)))
            }
        }
        return simple.randomElement(using: &random) ?? .int64
    }

    private func anyValue(_ type: DataType, _ random: inout TestRandom, nullable: Bool = true) -> Value {
        if nullable, Int.random(in: 0..<5, using: &random) == 0 { return .null }
        func integer<T: FixedWidthInteger>(_: T.Type) -> Value {
            [.int(Int128(T.min)), .int(Int128(T.max)), .int(Int128(T.random(in: .min ... .max, using: &random)))]
                .randomElement(using: &random) ?? .int(0)
        }
        func ticks(_ range: Range<Int64>) -> Value { .ticks(Int128(Int64.random(in: range, using: &random))) }
        switch type {
        case .bool: return .bool(Bool.random(using: &random))
        case .int8: return integer(Int8.self)
        case .int16: return integer(Int16.self)
        case .int32: return integer(Int32.self)
        case .int64: return integer(Int64.self)
        case .uint8: return integer(UInt8.self)
        case .uint16: return integer(UInt16.self)
        case .uint32: return integer(UInt32.self)
        case .uint64: return integer(UInt64.self)
        case .float16: return .float(Double(Float16(bitPattern: UInt16.random(in: 0..<0x7c00, using: &random))))
        case .float32:
            return .float(Double(Float(bitPattern: UInt32.random(in: 0..<0x7f80_0000, using: &random))))
        case .float64:
            return .float(
                [
                    .nan, .infinity, -.infinity, -0.0, 1e300, .leastNonzeroMagnitude,
                    Double.random(in: -1...1, using: &random),
                ]
                .randomElement(using: &random) ?? 0)
        case .decimal(let precision, _):
            let limit = precision == 5 ? Int128(99_999) : Int128(99_999_999_999_999_999_999_999_999_999_999_999_999)
            return .ticks([limit, -limit, 0, 1, -12_300].randomElement(using: &random) ?? 0)
        case .utf8, .json:
            let text =
                ["", "plain", "a \"quoted\" \\ text\n\t\u{1}", "é😀", String(repeating: "long ", count: 20)]
                .randomElement(using: &random) ?? ""
            if type == .utf8 { return .text(text) }
            return .text(["1.50", "\"x\"", "{\"a\":[1,{}]}", "[]", "true"].randomElement(using: &random) ?? "")
        case .binary: return .bytes((0..<Int.random(in: 0...5, using: &random)).map { UInt8($0 * 50) })
        case .fixedBinary(let width): return .bytes((0..<width).map { _ in UInt8.random(in: 0...255, using: &random) })
        case .uuid: return .bytes((0..<16).map { _ in UInt8.random(in: 0...255, using: &random) })
        case .date: return ticks(-700_000..<2_900_000)
        case .time(let unit): return ticks(0..<86_400 * unit.ticksPerSecond)
        case .timestamp(let unit, _):
            return unit == .nanosecond ? ticks(.min..<Int64.max) : ticks(0..<250_000_000_000 * unit.ticksPerSecond)
        case .list(let item):
            return .list((0..<Int.random(in: 0...3, using: &random)).map { _ in anyValue(item.type, &random) })
        case .structure(let fields): return .structure(fields.map { anyValue($0.type, &random) })
        case .map(let key, let value):
            return .list(
                (0..<Int.random(in: 0...1, using: &random)).map { _ in
                    .structure([
                        anyValue(key.type, &random, nullable: false), anyValue(value.type, &random),
                    ])
                })
        case .null: return .null
        }
    }
}
