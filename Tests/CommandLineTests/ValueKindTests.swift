import Testing

@testable import CommandLine

@Suite struct ValueKindTests {
    @Test(arguments: [
        ("64MB", 64_000_000), ("1.5GiB", 3 << 29), ("4096", 4096), ("0", 0), ("8 KiB", 8192), ("2k", 2048),
    ])
    func sizesAreUnderstood(text: String, bytes: Int) throws {
        #expect(try ValueKind<Int>.byteSize.parse(text) == bytes)
    }

    @Test(arguments: ["", "MB", "-1", "1e3", "12XB", "99999999TB", "nan", "inf", "1.2.3"])
    func whatIsNoSizeIsRefused(text: String) {
        #expect(throws: ValueProblem.self) { try ValueKind<Int>.byteSize.parse(text) }
    }

    @Test(arguments: [
        ("30s", Duration.seconds(30)), ("250ms", .milliseconds(250)), ("1h30m", .seconds(5400)),
        ("7d", .seconds(604_800)), ("5", .seconds(5)),
    ])
    func timesAreUnderstood(text: String, time: Duration) throws {
        #expect(try ValueKind<Duration>.duration.parse(text) == time)
    }

    @Test(arguments: ["", "s", "-5s", "1x", "5s3", "nan", "1e99d"])
    func whatIsNoTimeIsRefused(text: String) {
        #expect(throws: ValueProblem.self) { try ValueKind<Duration>.duration.parse(text) }
    }

    @Test(arguments: [("12", 12), ("1_000", 1000), ("-3", -3), ("+4", 4), ("9223372036854775807", Int.max)])
    func wholeNumbersAreUnderstood(text: String, number: Int) throws {
        #expect(try ValueKind<Int>.integer.parse(text) == number)
    }

    @Test(arguments: ["", "1.0", "9223372036854775808", "0x10", "٣", " 1"])
    func whatIsNoWholeNumberIsRefused(text: String) {
        #expect(throws: ValueProblem.self) { try ValueKind<Int>.integer.parse(text) }
    }
}
