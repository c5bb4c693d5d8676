@testable import Sales

/// Reports of all kinds, made without reading anything: what the page and the summary are tried with.
enum Specimens {
    static let all: [(name: String, report: SalesReport)] = [
        ("typical", typical()), ("empty", SalesReport()), ("single", single()), ("no-orders", noOrders()),
        ("hostile", hostile()), ("extreme", extreme()), ("years", typical(days: 1826, from: 18_628)),
        ("year", typical(days: 366, from: 19_723)), ("categories", manyCategories()), ("unnamed", unnamed()),
        ("several", several()), ("century", century()),
    ]

    static func named(_ name: String) -> SalesReport { all.first { $0.name == name }?.report ?? SalesReport() }

    private static let noon: Int64 = 43_200_000_000

    static func amount(_ text: String) -> Amount { Amount(text) ?? Amount() }

    private static func dayName(_ day: Int) -> String {
        String(SalesReport.time(Int64(day) * 86_400_000_000).prefix(10))
    }

    /// Numbers that look random and are the same every time.
    struct Dice {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15

        mutating func roll(_ sides: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(max(sides, 1)))
        }
    }

    static let names = [
        "Ada Whitfield", "Bruno Castellanos", "Chioma Okafor", "Dilnoza Karimova", "Émile Fournier", "Freya Lindqvist",
        "Giulia Moretti", "Hiroshi Tanaka", "Ines Carvalho", "Jonas Bergmann", "Kavya Raman", "Liam O’Sullivan",
        "Mei-Ling Chou", "Noor Haddad", "Oskar Nowak",
    ]

    static let goods: [(id: String, name: String, category: String, cents: Int)] = [
        ("PROD-1007", "4K Monitor 27″", "Electronics", 34_900),
        ("PROD-1001", "Wireless Headphones", "Electronics", 7999),
        ("PROD-2003", "Standing Desk", "Furniture", 41_500),
        ("PROD-1004", "Mechanical Keyboard", "Electronics", 12_999),
        ("PROD-2001", "Desk Chair", "Furniture", 18_950), ("PROD-3002", "Coffee Machine", "Kitchen", 21_900),
        ("PROD-4001", "Running Shoes", "Sports", 10_900), ("PROD-5005", "Rain Jacket", "Clothing", 8900),
        ("PROD-3001", "Chef’s Knife", "Kitchen", 5450), ("PROD-6001", "Field Guide to Birds", "Books", 2495),
        ("PROD-4003", "Yoga Mat", "Sports", 3200), ("PROD-7002", "Watering Can", "Garden", 1850),
        ("PROD-1010", "USB-C Cable", "Electronics", 1299),
    ]

    /// Some months of a shop.
    static func typical(days: Int = 92, from first: Int = 20_362) -> SalesReport {
        var dice = Dice()
        var report = SalesReport()
        report.batch = .text("2025-Q4")
        report.processedAt = 1_767_225_723_000_000
        report.processingSeconds = 0.418
        report.rules = "6f1c2b9ad04e"
        var months: [String: SalesReport.Period] = [:]
        for day in first..<(first + days) {
            if dice.roll(37) == 0 { continue }
            let orders = 90 + dice.roll(60) + (day % 7 < 2 ? 55 : 0) + (day - first) / 3 % 60
            let revenue = Amount(
                raw: Int128(orders * (9000 + dice.roll(6000)) + dice.roll(100)) * 10_000_000_000_000_000)
            let period = SalesReport.Period(
                name: dayName(day), orders: orders, revenue: revenue,
                tax: revenue.divided(by: Amount(13), 2), shipping: Amount(orders * 6), items: Amount(orders * 3))
            report.daily.append(period)
            let month = String(period.name.prefix(7))
            var sum =
                months[month]
                ?? .init(
                    name: month, orders: 0, revenue: Amount(), tax: Amount(), shipping: Amount(), items: Amount())
            sum.orders += orders
            sum.revenue += period.revenue
            sum.tax += period.tax
            sum.shipping += period.shipping
            sum.items += period.items
            months[month] = sum
        }
        report.monthly = months.values.sorted { $0.name < $1.name }
        for month in report.monthly {
            report.summary.orders += month.orders
            report.summary.revenue += month.revenue
            report.summary.tax += month.tax
            report.summary.shipping += month.shipping
            report.summary.items += month.items
        }
        let orders = Amount(report.summary.orders)
        report.summary.averageOrder = report.summary.revenue.divided(by: orders, 2)
        report.summary.averageTax = report.summary.tax.divided(by: orders, 2)
        report.summary.averageShipping = report.summary.shipping.divided(by: orders, 2)
        report.valid = report.summary.orders + 1274
        report.records = report.valid + 61
        report.inputs = [
            .init(file: "sales-2025-q4.json.gz", batch: report.batch, records: report.records, valid: report.valid)
        ]
        addShares(to: &report)
        addPeople(to: &report, first: first, days: days, &dice)
        addGoods(to: &report, &dice)
        addErrors(to: &report, &dice)
        addAnomalies(to: &report, first: first, &dice)
        return report
    }

    private static func addShares(to report: inout SalesReport) {
        func share(_ name: String, _ count: Int) -> SalesReport.Share {
            .init(name: name, count: count, total: Amount(count * 124) + amount("0.37"))
        }
        func split(_ parts: [(String, Int)]) -> [SalesReport.Share] {
            var left = report.valid
            var shares: [SalesReport.Share] = []
            for (place, part) in parts.enumerated() {
                let count = place == parts.count - 1 ? left : report.valid * part.1 / 100
                left -= count
                shares.append(share(part.0, count))
            }
            return shares.sorted { $0.count > $1.count }
        }
        let other = report.valid - report.summary.orders
        report.statuses = [
            share("completed", report.summary.orders), share("pending", other * 5 / 10),
            share("refunded", other * 3 / 10),
            share("cancelled", other - other * 5 / 10 - other * 3 / 10),
        ]
        report.payments = split([
            ("Credit Card", 46), ("PayPal", 24), ("Debit Card", 14), ("Apple Pay", 9), ("Bank Transfer", 4),
            ("Gift Card", 2),
            ("Invoice", 1),
        ])
        report.shippings = split([("Standard", 61), ("Express", 25), ("Overnight", 8), ("Pickup", 6)])
    }

    private static func addPeople(to report: inout SalesReport, first: Int, days: Int, _ dice: inout Dice) {
        report.customerCount = 4118
        report.returningCustomers = 2764
        var total = 9_800_00
        for place in 0..<100 {
            let orders = 9 + dice.roll(9)
            total -= dice.roll(9000) + 900
            let sum = Amount(raw: Int128(total) * 10_000_000_000_000_000)
            report.customers.append(
                .init(
                    id: "CUST-\(10_000 + dice.roll(80_000))", name: place % 17 == 9 ? nil : names[place % names.count],
                    orders: orders, total: sum, mean: sum.divided(by: Amount(orders), 2),
                    first: Int64(first + dice.roll(9)) * 86_400_000_000 + noon,
                    last: Int64(first + days - 1 - dice.roll(9)) * 86_400_000_000 + noon,
                    daysBetween: Amount(days).divided(by: Amount(orders), 2)))
        }
        report.topCustomers = Array(report.customers.prefix(10))
    }

    private static func addGoods(to report: inout SalesReport, _ dice: inout Dice) {
        report.productCount = goods.count
        var categories: [String: Amount] = [:]
        var whole = Amount()
        for (place, item) in goods.enumerated() {
            let units = 700 + dice.roll(900) + place * 60
            let revenue = Amount(raw: Int128(units * item.cents) * 10_000_000_000_000_000)
            whole += revenue
            categories[item.category, default: Amount()] += revenue
            report.products.append(
                .init(
                    id: item.id, name: item.name, category: item.category, units: Amount(units), revenue: revenue,
                    orders: units * 4 / 5, meanPrice: revenue.divided(by: Amount(units), 2), share: nil))
        }
        report.products.sort { $0.revenue > $1.revenue }
        for place in report.products.indices {
            let part = report.products[place].revenue.divided(by: whole, 18)
            report.products[place].share = Amount(raw: part.raw * 100).rounded(2)
        }
        report.topProducts = Array(report.products.prefix(10))
        report.categories = categories.map { (name: $0.key, revenue: $0.value) }.sorted { $0.revenue > $1.revenue }
    }

    private static func addErrors(to report: inout SalesReport, _ dice: inout Dice) {
        let reasons = [
            #"customer.email: "ada(at)example.com" is not an e-mail address"#, "total: 0 is not above 0",
            "line_items[1].quantity: 101 is above 100", #"timestamp: "15/01/2025" is not a time"#,
            "payment_method: is missing", "line_items: is empty",
        ]
        for place in 0..<50 {
            let picked = Set([reasons[dice.roll(6)], reasons[dice.roll(2)]])
            report.errors.append(
                .init(
                    file: report.inputs.first?.file ?? "", index: place * 231 + 17,
                    transaction: place % 9 == 4 ? nil : id(&dice), reasons: reasons.filter { picked.contains($0) }))
        }
    }

    private static func id(_ dice: inout Dice) -> String {
        "TX-\(100_000 + dice.roll(899_999))-\(String(0x1000 + dice.roll(0xefff), radix: 16))"
    }

    private static func addAnomalies(to report: inout SalesReport, first: Int, _ dice: inout Dice) {
        var found = SalesReport.Anomalies()
        found.percentile = amount("412.85")
        found.threshold = Amount(5000)
        found.abovePercentile = report.valid / 20
        found.aboveThreshold = 11
        found.high = found.abovePercentile
        var total = 942_150
        for place in 0..<20 {
            found.highValues.append(
                .init(
                    transaction: id(&dice), customer: "CUST-\(10_000 + dice.roll(80_000))",
                    time: Int64(first + place) * 86_400_000_000 + Int64(dice.roll(86_400)) * 1_000_000,
                    total: Amount(raw: Int128(total) * 10_000_000_000_000_000), isAbovePercentile: true,
                    isAboveThreshold: place < 11))
            total -= 9000 + dice.roll(58_000)
        }
        found.counts = [(.rapid, 1), (.duplicate, 6), (.quantity, 1234), (.line, 2), (.subtotal, 0), (.total, 3)]
        for place in 0..<20 {
            var pattern = SalesReport.Pattern(.quantity, "Unusually high quantity")
            pattern.transaction = id(&dice)
            pattern.product = goods[place % goods.count].id
            pattern.line = place % 3
            pattern.quantity = Amount(99 - place)
            found.patterns.append(pattern)
        }
        for place in 0..<6 {
            var pattern = SalesReport.Pattern(.duplicate, "Transaction id appears more than once")
            pattern.transaction = id(&dice)
            pattern.count = 5 - place / 2
            found.patterns.append(pattern)
        }
        var rapid = SalesReport.Pattern(.rapid, "Multiple high-value purchases within 1 hour")
        rapid.customer = "CUST-77120"
        rapid.count = 3
        rapid.total = amount("18204.10")
        rapid.from = Int64(first + 4) * 86_400_000_000 + noon
        rapid.to = Int64(first + 4) * 86_400_000_000 + noon + 1_931_000_000
        found.patterns.insert(rapid, at: 0)
        for (type, concern, count) in [
            (SalesReport.PatternType.line, "Quantity, price and discount do not make the line's subtotal", 2),
            (.total, "Subtotal, tax and shipping do not add up to the total", 3),
        ] {
            for place in 0..<count {
                var pattern = SalesReport.Pattern(type, concern)
                pattern.transaction = id(&dice)
                pattern.line = type == .line ? place : nil
                pattern.expected = Amount(150 - place)
                pattern.found = amount("1\(place)5.5")
                found.patterns.append(pattern)
            }
        }
        found.frequentCount = 37
        found.frequent = report.customers.prefix(20).map { $0 }.sorted { $0.orders > $1.orders }
        report.anomalies = found
    }
}
