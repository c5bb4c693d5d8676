import Testing

@testable import Sales

@Suite struct TimesTests {
    private func parse(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { bytes in bytes.baseAddress.flatMap { Times.parse(Bytes($0, bytes.count)) } }
    }

    @Test(
        "are read in all forms",
        arguments: [
            ("1970-01-01", 0), ("1970-01-01T00:00:01Z", 1_000_000), ("1970-01-01 00:01", 60_000_000),
            ("1970-01-01t01:00:00+01:00", 0), ("1970-01-01T00:00:00.5z", 500_000),
            ("1970-01-01T00:00:00.1234567", 123_456), ("1969-12-31T23:59:59-0030", 1_799_000_000),
            ("2000-02-29T12:00:00+02", 951_818_400_000_000), ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ] as [(String, Int64)])
    func reads(_ text: String, _ expected: Int64) {
        #expect(parse(text) == expected)
    }

    @Test(
        "are refused when they are none",
        arguments: [
            "", "2025", "2025-1-15", "2025-13-01", "2025-02-29", "1900-02-29", "2025-01-15T24:00:00Z",
            "2025-01-15T23:60:00Z", "2025-01-15T23:59:60Z", "2025-01-15T23", "2025-01-15T23:59:59.Z",
            "2025-01-15X10:00:00Z", "2025-01-15T10:00:00+24:00", "2025-01-15T10:00:00 Z", "0000-01-01",
            "0001-01-01T00:00+01",
            "2025-01-15T10:00.5", "２025-01-15", "2025-01-15T1a:00:00Z",
        ])
    func refuses(_ text: String) {
        #expect(parse(text) == nil)
    }

    @Test(
        "of e-mail: the form of an address",
        arguments: [
            ("a@b.c", true), ("a@b", false), ("a@.b", false), ("a@b.", false), ("@b.c", false), ("a@b@c.d", false),
            ("a b@c.d", false), ("a@b..c", true), ("ä@ö.de", true), ("a@b.c\n", false),
        ])
    func emails(_ text: String, _ expected: Bool) {
        var text = text
        let found = text.withUTF8 { bytes in
            bytes.baseAddress.map { EmailAddress.isOne(Bytes($0, bytes.count)) } ?? false
        }
        #expect(found == expected)
    }
}
