import Columns
import Testing

private func inference(_ texts: some Sequence<String>) -> TypeInference {
    var inference = TypeInference()
    for text in texts { [UInt8](text.utf8).withUnsafeBytes { inference.observe($0) } }
    return inference
}

@Suite struct TextInferenceTests {
    static let nines = String(repeating: "9", count: 38)

    @Test(
        arguments: [
            (["1", "-2", "0"], DataType.int64),
            (["9223372036854775807", "-9223372036854775808"], .int64),
            (["9223372036854775808", "1"], .uint64),
            (["9223372036854775808", "-1"], .decimal(precision: 38, scale: 0)),
            (["18446744073709551616"], .decimal(precision: 38, scale: 0)),
            (["-9223372036854775809"], .decimal(precision: 38, scale: 0)),
            ([nines], .decimal(precision: 38, scale: 0)),
            ([nines + "0"], .utf8),
            (["007"], .utf8), (["+1"], .utf8), (["00"], .utf8), (["1", "007"], .utf8), (["-01"], .utf8),
            (["01.5"], .utf8),
            (["-0", "1"], .float64),
            (["1", "1.5"], .float64), ([".5", "5."], .float64), (["1e5", "-2E-3"], .float64),
            (["0.1", "0.30000000000000004"], .float64),
            (["0.10000000000000001"], .decimal(precision: 38, scale: 17)),
            (["9007199254740992", "0.5"], .float64),
            (["9007199254740993", "0.5"], .decimal(precision: 38, scale: 1)),
            (["12345678901234567890.123", "0.12345"], .decimal(precision: 38, scale: 5)),
            ([nines, "0.5"], .utf8),
            (["1e400"], .utf8), (["1e-400"], .utf8), (["1.1", "NaN"], .float64), (["1", "-inf", "Infinity"], .float64),
            (["NaN"], .utf8), (["inf", "inf"], .utf8), (["0.10000000000000001", "nan"], .utf8),
            (["1.2.3"], .utf8), (["1 "], .utf8), ([" 1"], .utf8), ([""], .utf8), (["1", ""], .utf8), (["-"], .utf8),
            (["."], .utf8), (["1,5"], .utf8), (["0x10"], .utf8), (["1_000"], .utf8),
            (["true", "False", "TRUE"], .bool), (["true", "1"], .utf8), (["yes"], .utf8), (["t"], .utf8),
            (["2024-02-29", "1970-01-01"], .date), (["2024-02-30"], .utf8), (["2024-01-01", "20240101"], .utf8),
            (["20240101"], .int64), (["1234-5678"], .utf8), (["1234-56-78"], .utf8),
            (["2024-02-29T01:02:03", "1970-01-01 00:00:00.123"], .timestamp(.microsecond, zone: nil)),
            (["2024-02-29", "1970-01-01 00:00:00"], .timestamp(.microsecond, zone: nil)),
            (["2024-02-29T01:02:03.1234567", "2024-02-29"], .timestamp(.nanosecond, zone: nil)),
            (["2024-02-29T01:02:03.1234567", "2500-02-28"], .utf8),
            (["2024-02-29T01:02:03.1234567", "1500-02-28 00:00:00"], .utf8),
            (["2024-02-29T01:02:03Z", "1970-01-01 00:00:00.5+01:00"], .timestamp(.microsecond, zone: "UTC")),
            (["2024-02-29T01:02:03Z", "1970-01-01 00:00:00"], .utf8), (["2024-02-29T01:02:03Z", "1970-01-01"], .utf8),
            (["10:11:12", "23:59:59.5"], .time(.microsecond)), (["10:11:12.1234567"], .time(.nanosecond)),
            (["10:11"], .utf8), (["10:11:12", "2024-01-01"], .utf8), (["24:00:00"], .utf8),
            (["123e-5678"], .utf8), (["123e-5", "1.5"], .float64), (["1234567e-3"], .float64), (["123E-100"], .float64),
            (["123456-8"], .utf8), (["00:11:22:33"], .utf8), (["true", "2024-01-01"], .utf8), (["été"], .utf8),
        ] as [([String], DataType)])
    func theTypeHoldsEveryValue(texts: [String], type: DataType) {
        #expect(inference(texts).type == type)
        #expect(inference(texts.reversed()).type == type)
    }

    @Test func nothingButNullsHasNoType() {
        var inference = TypeInference()
        #expect(inference.type == nil)
        inference.observeNull()
        #expect(inference.type == nil)
        inference.observe(5 as Int64)
        #expect(inference.type == .int64)
    }

    @Test func orderAndCutsDoNotMatter() {
        let pool = [
            "1", "-5", "9223372036854775808", "0.5", "0.10000000000000001", "NaN", "2024-01-01", "2024-01-01T00:00:00",
            "2024-01-01T00:00:00Z", "true", "12:00:00", "x", "1e300", Self.nines, "9007199254740993",
        ]
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            let texts = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                pool.randomElement(using: &generator) ?? ""
            }
            let whole = inference(texts)
            var parts = TypeInference()
            for text in texts.shuffled(using: &generator) { parts.merge(inference([text])) }
            #expect(parts.type == whole.type)
        }
    }

    @Test func typedNumbersCountAsWrittenOnes() {
        for value in [0, 1, -1, 1 << 53, (1 << 53) + 1, Int64.max, .min] {
            var typed = TypeInference()
            typed.observe(value)
            #expect(typed == inference(["\(value)"]))
        }
        for value in [UInt64.max, UInt64(Int64.max) + 1, 3] {
            var typed = TypeInference()
            typed.observe(value)
            #expect(typed == inference(["\(value)"]))
        }
    }

    @Test(
        arguments: [
            (["2024-01-01"], DataType.date), (["12"], .utf8), (["12345678"], .utf8),
            (["2024-01-01T00:00:00Z"], .timestamp(.microsecond, zone: "UTC")),
            (["10:00:00"], .time(.microsecond)), ([""], .utf8), (["true"], .utf8), (["123e-5678"], .utf8),
        ] as [([String], DataType)])
    func stringsOfJSONAreNeverNumbers(texts: [String], type: DataType) {
        var inference = TypeInference()
        for text in texts { [UInt8](text.utf8).withUnsafeBytes { inference.observeString($0) } }
        #expect(inference.type == type)
    }
}
