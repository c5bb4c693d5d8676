@testable import Sales

extension Specimens {
    private static func money(_ raw: Int128) -> Amount { Amount(raw: raw) }

    private static func day(_ name: String, _ orders: Int, _ revenue: Amount) -> SalesReport.Period {
        .init(name: name, orders: orders, revenue: revenue, tax: Amount(1), shipping: Amount(), items: Amount(2))
    }

    /// One order of one record.
    static func single() -> SalesReport {
        var report = SalesReport()
        report.inputs = [.init(file: "one.json", batch: nil, records: 1, valid: 1)]
        report.records = 1
        report.valid = 1
        let total = amount("215.46")
        report.summary = .init(
            orders: 1, revenue: total, tax: amount("15.52"), shipping: amount("5.99"), items: Amount(5),
            averageOrder: total,
            averageTax: amount("15.52"), averageShipping: amount("5.99"))
        report.daily = [day("2025-01-15", 1, total)]
        report.monthly = [day("2025-01", 1, total)]
        report.customerCount = 1
        report.customers = [
            .init(
                id: "CUST-12345", name: "John Smith", orders: 1, total: total, mean: total,
                first: 1_736_950_000_000_000,
                last: 1_736_950_000_000_000, daysBetween: nil)
        ]
        report.topCustomers = report.customers
        report.categories = [("Electronics", amount("193.95"))]
        report.statuses = [.init(name: "completed", count: 1, total: total)]
        report.payments = [.init(name: "Credit Card", count: 1, total: total)]
        report.shippings = [.init(name: "Standard", count: 1, total: total)]
        report.anomalies.percentile = total
        report.anomalies.threshold = Amount(5000)
        return report
    }

    /// Valid records of which none is an order, and some that are invalid.
    static func noOrders() -> SalesReport {
        var report = SalesReport()
        report.inputs = [.init(file: "pending.json", batch: .number("17"), records: 12, valid: 10)]
        report.batch = .number("17")
        report.records = 12
        report.valid = 10
        report.statuses = [.init(name: "pending", count: 10, total: Amount(100))]
        report.payments = report.statuses
        report.shippings = report.statuses
        report.errors = [
            .init(file: "pending.json", index: 3, transaction: nil, reasons: ["record: is a number, not an object"]),
            .init(
                file: "pending.json", index: 9, transaction: "t",
                reasons: ["total: 0 is not above 0", "status: is empty"]),
        ]
        report.anomalies.percentile = Amount(10)
        report.anomalies.threshold = Amount(5000)
        return report
    }

    /// Texts that would like to be something else.
    static let evil = [
        "</script><img src=x onerror=alert(1)>", "\" onmouseover=\"alert(2)", "'><svg/onload=alert(3)>",
        "</title></style>",
        "<!-- ", "]]>", "&lt;b&gt;&amp;", "\u{202e}txt.exe\u{0}\u{1b}[31mred\u{7}", "שלום עולם مرحبا",
        "👩‍👩‍👧‍👦 e\u{301}\u{301}\u{301}",
        "\u{fffe}\u{ffff}\r\n\ttab", String(repeating: "W", count: 3000),
        String(repeating: "very long name ", count: 60), "",
    ]

    static func hostile() -> SalesReport {
        var report = typical(days: 12)
        report.batch = .text(evil[0] + evil[7])
        report.currency = "</b>"
        report.rules = evil[2]
        report.inputs = [.init(file: evil[1], batch: report.batch, records: report.records, valid: report.valid)]
        func bad(_ place: Int) -> String { evil[place % evil.count] }
        for place in report.customers.indices {
            report.customers[place].name = bad(place)
            report.customers[place].id = bad(place + 1)
        }
        report.topCustomers = Array(report.customers.prefix(10))
        for place in report.products.indices {
            report.products[place].name = bad(place)
            report.products[place].id = bad(place + 2)
            report.products[place].category = bad(place + 3)
        }
        report.topProducts = Array(report.products.prefix(10))
        report.categories = evil.enumerated().map { (name: $1, revenue: Amount(90_000 - $0 * 1000)) }
        for place in report.statuses.indices { report.statuses[place].name = bad(place) }
        report.payments = evil.enumerated().map { .init(name: $1, count: 100 - $0, total: Amount(5)) }
        for place in report.shippings.indices { report.shippings[place].name = bad(place + 4) }
        for place in report.errors.indices {
            report.errors[place].transaction = bad(place)
            report.errors[place].reasons = [bad(place + 1), "timestamp: \"" + bad(place), bad(place + 2)]
        }
        for place in report.anomalies.highValues.indices {
            report.anomalies.highValues[place].transaction = bad(place)
            report.anomalies.highValues[place].customer = bad(place + 5)
        }
        for place in report.anomalies.patterns.indices {
            report.anomalies.patterns[place].transaction = bad(place)
            report.anomalies.patterns[place].product = bad(place + 6)
            report.anomalies.patterns[place].concern = evil[0]
        }
        report.anomalies.frequent = Array(report.customers.prefix(20))
        report.anomalies.rank = evil[1]
        report.anomalies.window = evil[0]
        // Days that are none are shown by their names.
        report.daily[0].name = evil[0]
        return report
    }

    /// The largest and the most negative that there can be.
    static func extreme() -> SalesReport {
        let huge = money(Int128.max)
        let low = money(Int128.min + 1)
        var report = typical(days: 40)
        report.decimals = 6
        report.summary = .init(
            orders: .max, revenue: huge, tax: low, shipping: huge, items: huge, averageOrder: huge, averageTax: low,
            averageShipping: money(1))
        report.records = .max
        report.valid = .max - 1
        report.customerCount = .max
        report.processingSeconds = .infinity
        report.processedAt = .max
        report.daily[3].revenue = huge
        report.daily[4].revenue = low
        report.monthly[0].revenue = low
        report.categories = [("All", huge), ("Little", money(1)), ("Returns", low)]
        report.customers[0].total = huge
        report.customers[1].total = low
        report.customers[2].first = -62_135_596_800_000_000
        report.products[0].share = huge
        report.statuses[0].count = .max
        report.statuses[1].count = .max
        report.anomalies.highValues[0].total = huge
        report.anomalies.percentile = low
        report.anomalies.counts = [(.rapid, .max), (.line, .max)]
        return report
    }

    static func manyCategories() -> SalesReport {
        var report = typical(days: 30)
        report.categories = (0..<500).map { ("Category \($0 + 1)", Amount(501 - $0)) }
        report.payments = (0..<300).map { .init(name: "Method \($0)", count: 300 - $0, total: Amount(1)) }
        return report
    }

    static func unnamed() -> SalesReport {
        var report = typical(days: 8)
        report.categories = [("", amount("-12.50"))]
        report.currency = ""
        report.records = report.valid
        report.errors = []
        return report
    }

    static func several() -> SalesReport {
        var report = typical(days: 31)
        report.batch = nil
        report.inputs = (0..<230).map {
            .init(file: "day/\($0 + 1).ndjson", batch: $0 % 2 == 0 ? .text("b\($0)") : nil, records: 120, valid: 118)
        }
        for place in report.errors.indices { report.errors[place].file = "day/\(place + 1).ndjson" }
        return report
    }

    /// Orders that are centuries apart.
    static func century() -> SalesReport {
        var report = single()
        report.daily = [day("0001-01-01", 1, Amount(3)), day("9999-12-31", 1, Amount(4))]
        report.monthly = [day("0001-01", 1, Amount(3)), day("9999-12", 1, Amount(4))]
        return report
    }
}
