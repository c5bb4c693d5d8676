import Sales
import Testing

@Suite struct AmountTests {
    @Test(
        "is written with exactly so many decimals, rounded half to even",
        arguments: [
            ("0.125", 2, "0.12"), ("0.375", 2, "0.38"), ("2.675", 2, "2.68"), ("1.005", 2, "1.00"),
            ("-0.004", 2, "0.00"),
            ("-0.006", 2, "-0.01"), ("999999999999.995", 2, "1000000000000.00"), ("7", 0, "7"), ("0.5", 0, "0"),
            ("1.5", 0, "2"),
        ])
    func rounds(_ text: String, _ decimals: Int, _ expected: String) throws {
        #expect(try #require(Amount(text)).text(decimals) == expected)
    }

    @Test("holds 18 places exactly")
    func exact() throws {
        var sum = Amount()
        for _ in 0..<1000 { sum += try #require(Amount("0.000000000000000001")) }
        #expect(sum.plain == "0.000000000000001")
    }

    @Test(
        "divides with one rounding",
        arguments: [("100", 3, 2, "33.33"), ("1", 8, 2, "0.12"), ("3", 8, 2, "0.38"), ("-2", 3, 2, "-0.67")])
    func divides(_ text: String, _ divisor: Int, _ decimals: Int, _ expected: String) throws {
        let amount = try #require(Amount(text))
        #expect(amount.divided(by: Amount(divisor), decimals).text(decimals) == expected)
    }

    @Test(
        "is not made of what is no decimal",
        arguments: ["", "-", ".5", "5.", "1e3", "1000000000000", "0.1234567890123456789", "٣"])
    func refuses(_ text: String) {
        #expect(Amount(text) == nil)
    }

    @Test("divides by nothing without harm")
    func zero() {
        #expect(Amount(5).divided(by: Amount(), 2) == Amount())
    }
}
