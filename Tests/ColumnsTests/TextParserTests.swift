import Testing

@testable import Columns

/// Calls `body` with the bytes of `text`, placed between other digits so that reading too far shows.
private func read<R>(_ text: String, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let bytes = [UInt8](("9" + text + "9").utf8)
    return bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[1..<$0.count - 1])) }
}

@Suite struct TextParserTests {
    @Test(arguments: [
        ("0", 0), ("-0", 0), ("7", 7), ("+7", 7), ("007", 7), ("-42", -42),
        ("1234567890123456789", 1_234_567_890_123_456_789),
        ("9223372036854775807", Int64.max), ("-9223372036854775808", Int64.min), ("000000000000000000000000000012", 12),
    ])
    func wholeNumbersAreRead(text: String, value: Int64) {
        #expect(read(text, TextParser.int64) == value)
    }

    @Test(arguments: [
        "", "-", "+", "--1", "1-", "1 ", " 1", "1.", "1e3", "a", "9223372036854775808", "-9223372036854775809",
        "99999999999999999999", "18446744073709551616", "1\0",
    ])
    func whatIsNoInt64IsRejected(text: String) {
        #expect(read(text, TextParser.int64) == nil)
    }

    @Test func unsignedNumbersReachTheirLimit() {
        #expect(read("18446744073709551615", TextParser.uint64) == .max)
        #expect(read("00018446744073709551615", TextParser.uint64) == .max)
        #expect(read("18446744073709551616", TextParser.uint64) == nil)
        #expect(read("-1", TextParser.uint64) == nil)
    }

    @Test(arguments: [
        "0", "-0.0", "1", "1.5", ".5", "5.", "-.5e-3", "1e22", "1e23", "123456789012345678", "0.1", "0.3", "2.5e-8",
        "9007199254740993", "1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "4.9406564584124654e-324",
        "8.5e-322", "123456789.123456789", "0.000000000000000000000000123", "6.02214076e23", "1e-7",
        "179769313486231570000000000000000000000", "3.14159265358979323846264338327950288419716939937510",
        "0.50000000000000000000000000000000000000000000001", "2.22507385850720138309e-308", "1E5", "1e+5",
        "100000000000000000000000000000000000000000000000000", "0e999999999",
    ])
    func floatsAreCorrectlyRounded(text: String) throws {
        let value = try #require(read(text, TextParser.float64))
        let expected = try #require(Double(text))
        #expect(value.bitPattern == expected.bitPattern)
    }

    @Test(arguments: [
        "", ".", "-", "e5", "1e", "1e+", "1.2.3", "0x10", "1_0", "1e400", "-1e400", "1e-400", "nano", "i", "1 ",
    ])
    func whatIsNoFloatIsRejected(text: String) {
        #expect(read(text, TextParser.float64) == nil)
    }

    @Test func floatsThatAreNoNumbersHaveTheirWords() {
        #expect(read("NaN", TextParser.float64)?.isNaN == true)
        #expect(read("-inf", TextParser.float64) == -.infinity)
        #expect(read("+Infinity", TextParser.float64) == .infinity)
    }

    @Test func randomFloatsReadBackWhatSwiftWrites() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            #expect(read("\(value)", TextParser.float64)?.bitPattern == value.bitPattern, "\(value)")
        }
    }

    @Test(arguments: [
        ("1.5", true), ("0.1", true), ("0.10000000000000001", false), ("1.2345678901234567", true),
        ("123456789012345.60", true), ("0.30000000000000004", true), ("9007199254740993", false),
        ("9007199254740992", true),
        ("1.500000000000000000", true), ("3.14159265358979323846", false), ("1e300", true),
        ("1.2345678901e-315", false),
        ("0.000", true), ("12345678901234567890", false), ("1e22", true),
    ])
    func aFloatIsExactWhenItIsWrittenTheSameAgain(text: String, exact: Bool) throws {
        let value = try #require(read(text, TextParser.float64))
        #expect(read(text) { NumberLiteral($0)?.isExact(as: value, $0) } == exact)
    }

    @Test(
        arguments: [
            ("1", 0, 1), ("1.5", 1, 15), ("-1.50", 1, -15), ("1.5", 3, 1500), ("15e-1", 1, 15), ("1.5e3", 0, 1500),
            ("100", 0, 100), ("0.000", 0, 0), ("-0", 2, 0), ("0e-500", 2, 0), (".05", 2, 5),
        ] as [(String, Int, Int128)])
    func decimalsAreExact(text: String, scale: Int, value: Int128) {
        #expect(read(text) { TextParser.decimal($0, precision: 38, scale: scale) } == value)
    }

    @Test func decimalsReachTheirLimits() {
        let nines = String(repeating: "9", count: 38)
        let most = Int128(nines)
        #expect(read(nines) { TextParser.decimal($0, precision: 38, scale: 0) } == most)
        #expect(read("-0." + nines) { TextParser.decimal($0, precision: 38, scale: 38) } == most.map { -$0 })
        #expect(read(nines + ".000") { TextParser.decimal($0, precision: 38, scale: 0) } == most)
        #expect(read(nines + "0e-1") { TextParser.decimal($0, precision: 38, scale: 0) } == most)
        #expect(read(nines + "9") { TextParser.decimal($0, precision: 38, scale: 0) } == nil)
        #expect(read(nines + ".5") { TextParser.decimal($0, precision: 38, scale: 1) } == nil)
        #expect(read("1e38") { TextParser.decimal($0, precision: 38, scale: 0) } == nil)
        #expect(read("1e99999999999") { TextParser.decimal($0, precision: 38, scale: 0) } == nil)
        #expect(read("100") { TextParser.decimal($0, precision: 2, scale: 0) } == nil)
        #expect(read("1.25") { TextParser.decimal($0, precision: 10, scale: 1) } == nil)
        #expect(
            read("12345678901234567890.5") { TextParser.decimal($0, precision: 38, scale: 2) }
                == 1_234_567_890_123_456_789_050)
        #expect(read("abc") { TextParser.decimal($0, precision: 10, scale: 1) } == nil)
    }

    @Test func boolsAreWordsOnly() {
        for text in ["true", "True", "TRUE"] { #expect(read(text, TextParser.bool) == true) }
        for text in ["false", "False", "FALSE"] { #expect(read(text, TextParser.bool) == false) }
        for text in ["", "t", "1", "yes", "tRUE", "falsE", "truee", "FaLSE", "fALSE"] {
            #expect(read(text, TextParser.bool) == nil)
        }
    }

    @Test(
        arguments: [
            ("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2024-12-31", 20_088),
            ("0001-01-01", -719_162),
            ("0000-01-01", -719_528), ("9999-12-31", 2_932_896),
        ] as [(String, Int32)])
    func datesAreDaysSince1970(text: String, days: Int32) {
        #expect(read(text, TextParser.date) == days)
    }

    @Test(arguments: [
        "", "1970-1-1", "1970-00-01", "1970-13-01", "2023-02-29", "1900-02-29", "2024-04-31", "1970/01/01",
        "1970-01-01 ", "x970-01-01",
    ])
    func whatIsNoDateIsRejected(text: String) {
        #expect(read(text, TextParser.date) == nil)
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0, 0, 0, true), ("1970-01-01 00:00", 0, 0, 0, false),
            ("1970-01-02T03:04:05.5", 97_445, 500_000_000, 1, false),
            ("1969-12-31 23:59:59.999999999", -1, 999_999_999, 9, false),
            ("1970-01-01T02:00:00+02:00", 0, 0, 0, true), ("1970-01-01T00:00:00.123-0130", 5400, 123_000_000, 3, true),
            ("1970-01-01T00:00:00+01", -3600, 0, 0, true),
        ] as [(String, Int64, Int32, Int, Bool)])
    func timestampsAreTakenApart(text: String, seconds: Int64, nanoseconds: Int32, digits: Int, offset: Bool) {
        let expected = TimestampLiteral(
            seconds: seconds, nanoseconds: nanoseconds, fractionDigits: digits, hasOffset: offset)
        #expect(read(text, TextParser.timestamp) == expected)
    }

    @Test(arguments: [
        "", "1970-01-01", "1970-01-01T", "1970-01-01T24:00:00", "1970-01-01T00:60:00", "1970-01-01T00:00:60",
        "1970-01-01T00:00:00.", "1970-01-01T00:00:00.1234567890", "1970-01-01T00:00:00+2", "1970-01-01T00:00:00ZZ",
        "1970-01-01T00:00:00+25:00", "1970-01-01X00:00:00", "1970-02-30T00:00:00", "1970-01-01T00:00:",
        "1970-01-01T00:00:0",
    ])
    func whatIsNoTimestampIsRejected(text: String) {
        #expect(read(text, TextParser.timestamp) == nil)
    }

    @Test func ticksComeOutEvenOrNotAtAll() {
        let literal = TimestampLiteral(seconds: -1, nanoseconds: 500_000_000, fractionDigits: 1, hasOffset: false)
        #expect(literal.ticks(.second) == nil)
        #expect(literal.ticks(.millisecond) == -500)
        #expect(literal.ticks(.nanosecond) == -500_000_000)
        let far = TimestampLiteral(seconds: 1 << 40, nanoseconds: 0, fractionDigits: 0, hasOffset: false)
        #expect(far.ticks(.nanosecond) == nil)
        #expect(far.ticks(.microsecond) == 1_099_511_627_776_000_000)
    }

    @Test func timesAreNanosecondsSinceMidnight() {
        #expect(read("23:59:59.999999999", TextParser.time)?.nanoseconds == 86_399_999_999_999)
        #expect(read("01:02:03", TextParser.time)?.ticks(.second) == 3723)
        for text in ["", "1:02:03", "24:00:00", "10:30", "01:02:03Z", "01:02:03.", "01-02-03"] {
            #expect(read(text, TextParser.time) == nil)
        }
    }

    @Test func uuidsAreSixteenBytes() {
        var bytes = [UInt8](repeating: 0, count: 16)
        let good = bytes.withUnsafeMutableBytes { out in
            guard let start = out.baseAddress else { return false }
            return read("00112233-4455-6677-8899-aAbBcCdDeEfF") { TextParser.uuid($0, into: start) }
        }
        #expect(good)
        #expect(bytes == [0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff])
        for text in ["", "00112233445566778899aabbccddeeff", "0011223g-4455-6677-8899-aabbccddeeff"] {
            let bad = bytes.withUnsafeMutableBytes { out in
                guard let start = out.baseAddress else { return true }
                return read(text) { TextParser.uuid($0, into: start) }
            }
            #expect(!bad)
        }
    }
}
