import Sales
import Settings
import Support
import Testing

@testable import Report

/// The job that `yaml` describes, and what is wrong with it.
private func job(_ yaml: String) -> (section: Section?, problems: [Diagnostic]) {
    let (node, parsing) = parseDocument(yaml, file: "job.yaml")
    guard let node else { return (nil, parsing) }
    let shape = Shape.object(ObjectShape("job", keys: ReportKeys.keys))
    let problems = parsing + shape.check(node, path: "jobs.sales")
    if !problems.isEmpty { return (nil, problems) }
    let section = Section(node, path: "jobs.sales")
    return (section, ReportKeys.check(section))
}

private func rules(_ yaml: String) throws -> SalesRules {
    let indented = yaml.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
    let (section, problems) = job("input: a.json\nrules:\n" + indented)
    #expect(problems.map(\.description) == [])
    return SalesRules(try #require(section).section("rules"))
}

@Suite("Rules in settings")
struct RuleSettingsTests {
    @Test func nothingWrittenMeansTheRulesByDefault() {
        #expect(SalesRules(nil) == SalesRules())
    }

    @Test func everySettingReachesTheRulesExactly() throws {
        let rules = try rules(
            """
            max_unit_price: 0.1
            max_quantity: "2.5"
            max_total: 999999999999.999999999999999999
            anomaly_threshold: 1000
            high_quantity: 7
            frequent_above: 3
            percentile: 99.9
            window: 30m
            window_count: 3
            tolerance: 0
            tax_rate: 0.0825
            revenue_statuses: [completed, paid]
            currency: EUR
            decimals: 3
            not_before: 2020-02-29
            not_after: 2030-01-01T00:00:00+01:00
            max_invalid_rate: 5%
            caps: { errors: 1, top: 2, anomalies: 3, details: 4 }
            """)
        #expect(rules.maxUnitPrice == Amount("0.1"))
        #expect(rules.maxQuantity == Amount("2.5"))
        #expect(rules.maxTotal == Amount("999999999999.999999999999999999"))
        #expect(rules.anomalyThreshold == Amount(1000))
        #expect(rules.highQuantity == Amount(7))
        #expect(rules.frequentAbove == 3)
        #expect(rules.percentile == Amount("99.9"))
        #expect(rules.window == 1_800_000_000)
        #expect(rules.windowCount == 3)
        #expect(rules.tolerance == Amount())
        #expect(rules.taxRate == Amount("0.0825"))
        #expect(rules.revenueStatuses == ["completed", "paid"])
        #expect(rules.currency == "EUR")
        #expect(rules.decimals == 3)
        #expect(rules.notBefore == 1_582_934_400_000_000)
        #expect(rules.notAfter == .moment(1_893_452_400_000_000))
        #expect(rules.maxInvalidRate == Amount("0.05"))
        #expect(rules.caps.errors == 1 && rules.caps.top == 2 && rules.caps.anomalies == 3 && rules.caps.details == 4)
    }

    @Test(arguments: [
        ("not_after: none", SalesRules.Latest.any), ("not_after: 36h", .afterNow(129_600_000_000)),
        ("not_after: 2030-01-01", .moment(1_893_456_000_000_000)),
    ])
    func theLatestTimeIsAMomentOrADistance(yaml: String, latest: SalesRules.Latest) throws {
        #expect(try rules(yaml).notAfter == latest)
    }

    @Test func timesNeedNoLimit() throws {
        #expect(try rules("not_before: none").notBefore == nil)
    }

    @Test func fieldsOfItemsAreWrittenFromTheItemOrFromTheRecord() throws {
        let layout = try rules(
            """
            transactions: data.rows
            batch_id: id
            fields:
              line_items: [lines, order.positions]
              unit_price: order.positions.price
              quantity: qty
              shipping: [freight, "cost.of\\\\.freight"]
            """
        ).layout
        #expect(layout.transactions == ["data", "rows"])
        #expect(layout.batchID == ["id"])
        #expect(layout.paths[.lineItems] == [["lines"], ["order", "positions"]])
        #expect(layout.paths[.unitPrice] == [["price"]])
        #expect(layout.paths[.quantity] == [["qty"]])
        #expect(layout.paths[.shipping] == [["freight"], ["cost", "of.freight"]])
        #expect(layout.paths[.email] == SalesLayout().paths[.email])
    }

    @Test func requiredFieldsTakeThePlaceOfTheUsualOnes() throws {
        #expect(try rules("required: [tax]").required == SalesField.alwaysRequired.union([.tax]))
    }

    @Test func aCheckMayAskForSeveralThings() throws {
        let checks = try rules(
            """
            tolerance: 0.05
            checks:
              - { path: customer.country, required: true, one_of: [US, CA] }
              - { path: line_items.sku, pattern: "^[A-Z]{3}$" }
              - { path: total, min: -1, max: 10.5, equals: [subtotal, tax] }
              - { path: line_items.gross, equals: line_items.net, tolerance: 1 }
            """
        ).checks
        #expect(
            checks == [
                SalesCheck(path: ["customer", "country"], kind: .required),
                SalesCheck(path: ["customer", "country"], kind: .oneOf(["US", "CA"])),
                SalesCheck(path: ["sku"], isInItems: true, kind: .pattern("^[A-Z]{3}$")),
                SalesCheck(path: ["total"], kind: .range(min: Amount(-1), max: Amount("10.5"))),
                SalesCheck(
                    path: ["total"], kind: .equals(sum: [["subtotal"], ["tax"]], tolerance: Amount("0.05") ?? Amount())),
                SalesCheck(path: ["gross"], isInItems: true, kind: .equals(sum: [["net"]], tolerance: Amount(1))),
            ])
    }
}

@Suite("Wrong settings of a report")
struct WrongReportSettingsTests {
    static let wrong: [(yaml: String, line: Int, column: Int, says: String, hint: String?)] = [
        ("input: []", 1, 8, "\"jobs.sales.input\" is an empty list", "name a file, a pattern or a folder"),
        ("output: x", 1, 1, "\"input\" is missing from job \"jobs.sales\"", nil),
        ("input: a\nformat: sales/2", 2, 9, "one of sales/1, classic/1 was expected", "did you mean \"sales/1\"?"),
        ("input: a\ntabels: csv", 2, 1, "\"tabels\" is not known", "did you mean \"tables\"?"),
        ("input: a\nformat: classic/1\ncombined: true", 3, 11, "classic/1 has no combined report", nil),
        (
            "input: a\nformat: classic/1\nrules: { decimals: 3 }", 3, 8, "\"rules\" does not go with format classic/1",
            nil
        ),
        ("input: a\ninto: a.b.c.d", 2, 7, "\"a.b.c.d\", the beginning of a table's name was expected", nil),
        ("input: a\nrules: { max_totl: 5 }", 2, 10, "\"max_totl\" is not known", "did you mean \"max_total\"?"),
        ("input: a\nrules: { max_total: 1e5 }", 2, 21, "a decimal number of at least 0", "write it with digits alone"),
        ("input: a\nrules: { max_total: -1 }", 2, 21, "a decimal number of at least 0 was expected", nil),
        ("input: a\nrules: { max_total: 0.0 }", 2, 21, "a decimal number above 0 was expected", nil),
        ("input: a\nrules: { tax_rate: 0.1234567890123456789 }", 2, 20, "a decimal number of at least 0", nil),
        ("input: a\nrules: { percentile: 100.5 }", 2, 22, "a decimal number from 0 to 100 was expected", nil),
        ("input: a\nrules: { window: 0s }", 2, 18, "a duration above 0 was expected", nil),
        ("input: a\nrules: { window_count: 1 }", 2, 24, "a whole number of at least 2 was expected", nil),
        ("input: a\nrules: { not_after: 2025 }", 2, 21, "a date, a time, a duration or none", "for a day after now"),
        ("input: a\nrules: { not_before: 2025-02-29 }", 2, 22, "a date, a time or none was expected", nil),
        (
            "input: a\nrules: { not_after: 1999-01-01, not_before: 2000-01-01 }", 2, 21, "which is before not_before",
            nil
        ),
        ("input: a\nrules: { max_invalid_rate: 120% }", 2, 28, "a share from 0 to 1", "write 0.05 or 5%"),
        ("input: a\nrules: { required: [totl] }", 2, 21, "\"totl\"", "did you mean \"total\"?"),
        ("input: a\nrules: { fields: { toal: x } }", 2, 20, "\"toal\" is not known", "did you mean \"total\"?"),
        ("input: a\nrules: { fields: { total: a..b } }", 2, 27, "keys with dots between them were expected", nil),
        ("input: a\nrules: { checks: [{ path: x }] }", 2, 19, "the check of \"x\" asks for nothing", nil),
        ("input: a\nrules: { checks: { path: x, pattern: \"(\" } }", 2, 38, "Unmatched ( or \\(", nil),
        (
            "input: a\nrules: { checks: { path: x, equals: line_items.y } }", 2, 37,
            "has \"line_items.y\", a place beside \"x\" was expected", nil
        ),
        ("input: a\nrules: { checks: { path: x, min: 2, max: 1 } }", 2, 42, "at least min, which is 2", nil),
    ]

    @Test(arguments: 0..<wrong.count)
    func isToldWithItsPlaceAndTheWayOut(index: Int) throws {
        let expected = Self.wrong[index]
        let problems = job(expected.yaml).problems
        let first = try #require(problems.first, "nothing is wrong with \(expected.yaml)")
        #expect(problems.count == 1, "\(problems)")
        #expect(first.mark.line == expected.line && first.mark.column == expected.column, "\(first)")
        #expect(first.message.contains(expected.says), "\(first.message)")
        if let hint = expected.hint { #expect(first.hint?.contains(hint) == true, "\(first.hint ?? "no hint")") }
    }
}
