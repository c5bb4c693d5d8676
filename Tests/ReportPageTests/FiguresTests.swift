import Sales
import Testing

@testable import ReportPage

@Suite struct FiguresTests {
    @Test(
        "groups digits in threes and leaves sign and fraction",
        arguments: [
            ("0", "0"), ("999", "999"), ("1000", "1,000"), ("-1234567.89", "-1,234,567.89"), ("-123.4567", "-123.4567"),
            ("170141183460469231731.69", "170,141,183,460,469,231,731.69"),
        ])
    func groups(_ number: String, _ expected: String) { #expect(Figures.grouped(number) == expected) }

    @Test(
        "tells shares that are neither nothing nor all",
        arguments: [
            (1, 3, "33.3%"), (0, 9, "0.0%"), (9, 9, "100.0%"), (1, 100_000, "<0.1%"), (99_999, 100_000, ">99.9%"),
        ])
    func shares(_ part: Int, _ whole: Int, _ expected: String) { #expect(Figures.share(part, of: whole) == expected) }

    @Test("tells no share of nothing, nor of a sum that others count against")
    func noShare() {
        #expect(Figures.share(0, of: 0) == nil)
        #expect(Figures.share(Amount(-1), of: Amount(5)) == nil)
        #expect(Figures.share(Amount(6), of: Amount(5)) == nil)
    }

    @Test(
        "counts days as the calendar does",
        arguments: [("1970-01-01", 0), ("2000-02-29", 11_016), ("2024-12-31", 20_088), ("0001-01-01", -719_162)])
    func days(_ name: String, _ ordinal: Int) throws {
        #expect(try #require(CalendarDate(name)).ordinal == ordinal)
    }

    @Test(
        "knows what is no date",
        arguments: ["", "2025", "2025-13", "2025-01-32", "2025-00-01", "x-01-01", "2025-01-01-01"])
    func noDates(_ name: String) {
        #expect(CalendarDate(name) == nil)
        #expect(Figures.date(name) == name)
    }

    @Test(
        "makes an axis of round numbers",
        arguments: [
            (0, 31_925, "0 10k 20k 30k 40k"), (0, 3, "0 1 2 3"), (0, 0.5, "0 0.2 0.4 0.6"),
            (-40, 100, "-50 0 50 100"), (0, 0, "0 0.25"),
            (0, 1e20, "0 25,000,000T 50,000,000T 75,000,000T 100,000,000T"),
            (0, 0.00004, "0 0.00001 0.00002 0.00003 0.00004"),
        ])
    func axis(_ least: Double, _ most: Double, _ expected: String) {
        let scale = Scale(from: least, to: most)
        #expect(scale.ticks.map(scale.label).joined(separator: " ") == expected)
        #expect(scale.place(most) <= 100 && scale.place(least) >= 0)
    }

    @Test(
        "leaves out of a reason what differs from record to record",
        arguments: [
            ("line_items[2].quantity: 101 is above 100", "line_items[].quantity: … is above 100"),
            (#"customer.email: "a\"b: c" is not an e-mail address"#, "customer.email: … is not an e-mail address"),
            ("total: is missing", "total: is missing"), ("and 3 more", "and 3 more"),
            ("total: -5 is not above 0", "total: … is not above 0"),
            (#"timestamp: "never ends"#, #"timestamp: "never ends"#),
        ])
    func reasons(_ reason: String, _ expected: String) { #expect(Reasons.kind(reason) == expected) }
}
