public import Support

extension SalesRules.Caps {
    /// Lists as long as what was kept.
    public static var unlimited: SalesRules.Caps {
        var caps = SalesRules.Caps()
        (caps.errors, caps.top, caps.anomalies, caps.details) = (.max, .max, .max, .max)
        return caps
    }
}

extension SalesPartial {
    /// The report, made at `now` (microseconds since 1970) in so many seconds; with other `caps` than the rules' if given.
    ///
    /// - throws: `SluiceError` when parts of an input are missing, when too many records are invalid, or when a temporary file
    ///   cannot be read.
    public func report(
        at now: Int64, seconds: Double, caps: SalesRules.Caps? = nil
    ) throws(SluiceError) -> SalesReport {
        let caps = caps ?? rules.caps
        var report = SalesReport()
        report.processedAt = now
        report.processingSeconds = seconds
        report.currency = rules.currency
        report.decimals = rules.decimals
        report.rules = try rules.fingerprint
        report.records = records
        report.valid = valid
        try fillInputs(&report, caps)
        if let most = rules.maxInvalidRate, report.records > 0 {
            let invalid = Int128(report.records - report.valid) * Amount.one
            if invalid > most.raw * Int128(report.records) {
                throw SluiceError(
                    .invalidData,
                    "\(report.records - report.valid) of \(report.records) records are invalid, which is more than max_invalid_rate (\(most.plain)) allows",
                    hint: report.errors.first.map {
                        "the first: record \($0.index): \($0.reasons.joined(separator: "; "))"
                    })
            }
        }
        let ranking = Ranking(tally, rules, caps)
        ranking.fillPeriods(&report)
        ranking.fillCustomers(&report)
        ranking.fillProducts(&report)
        ranking.fillShares(&report)
        try Suspicion(tally, rules, caps).fill(&report)
        return report
    }

    private func fillInputs(_ report: inout SalesReport, _ caps: SalesRules.Caps) throws(SluiceError) {
        let byFile = Dictionary(grouping: inputs, by: \.file)
        for file in byFile.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            let parts = (byFile[file] ?? []).sorted { $0.part.index < $1.part.index }
            let of = parts.first?.part.of ?? 1
            guard parts.allSatisfy({ $0.part.of == of }), parts.count == of else {
                let known = Set(parts.map(\.part.index))
                let missing = (0..<of).filter { !known.contains($0) }.map { String($0 + 1) }
                throw SluiceError(
                    .invalidConfiguration,
                    missing.isEmpty
                        ? "\(file) was divided in different ways"
                        : "of the \(of) parts of \(file) these are missing: \(missing.prefix(20).joined(separator: ", "))",
                    hint: "merge all parts of an input, divided in one way")
            }
            var input = SalesReport.Input(file: file, batch: nil, records: 0, valid: 0)
            for part in parts {
                if report.errors.count < caps.errors {
                    report.errors += part.errors.prefix(caps.errors - report.errors.count).map {
                        var error = $0
                        error.index += input.records
                        return error
                    }
                }
                input.batch = part.batch ?? input.batch
                input.records += part.records
                input.valid += part.records - part.invalid
            }
            report.inputs.append(input)
        }
        if let first = report.inputs.first?.batch, report.inputs.allSatisfy({ $0.batch == first }) {
            report.batch = first
        }
    }
}

/// Sums and rankings out of a tally.
struct Ranking {
    private let tally: Tally
    private let rules: SalesRules
    private let caps: SalesRules.Caps

    init(_ tally: Tally, _ rules: SalesRules, _ caps: SalesRules.Caps) {
        self.tally = tally
        self.rules = rules
        self.caps = caps
    }

    /// The first `limit` rows that `isIn`, by `value`, the highest first, then by key.
    static func first<Row: BitwiseCopyable, V: Comparable>(
        _ limit: Int, of table: KeyTable<Row>, where isIn: (Row) -> Bool, by value: (Int, Row) -> V
    ) -> [Int] {
        var ranked: [(row: Int, value: V)] = []
        for row in 0..<table.count where isIn(table[row]) { ranked.append((row, value(row, table[row]))) }
        func precedes(_ left: (row: Int, value: V), _ right: (row: Int, value: V)) -> Bool {
            if left.value != right.value { return left.value > right.value }
            return table.key(left.row).compare(table.key(right.row)) < 0
        }
        if limit < ranked.count / 8 {
            // Few of many: what is not among them is dropped as soon as it is seen.
            var best: [(row: Int, value: V)] = []
            for candidate in ranked {
                if best.count >= limit, let last = best.last, !precedes(candidate, last) { continue }
                let at = best.firstIndex { precedes(candidate, $0) } ?? best.count
                best.insert(candidate, at: at)
                if best.count > limit { best.removeLast() }
            }
            return best.map(\.row)
        }
        return ranked.sorted(by: precedes).prefix(limit).map(\.row)
    }

    // MARK: Periods

    func fillPeriods(_ report: inout SalesReport) {
        let table = tally.days
        var days: [(day: Int, row: Int)] = []
        for row in 0..<table.count {
            days.append((Day.number(table.key(row)), row))
        }
        days.sort { $0.day < $1.day }
        report.daily = days.map { day, row in
            let sums = table[row]
            return SalesReport.Period(
                name: Moment(microseconds: Int64(day) * 86_400_000_000).day, orders: sums.orders,
                revenue: table.total(sums.revenue, row, 0), tax: table.total(sums.tax, row, 1),
                shipping: table.total(sums.shipping, row, 2), items: table.total(sums.items, row, 3))
        }
        for day in report.daily {
            let month = String(day.name.prefix(7))
            if report.monthly.last?.name != month {
                report.monthly.append(
                    .init(
                        name: month, orders: 0, revenue: Amount(), tax: Amount(), shipping: Amount(), items: Amount()))
            }
            let last = report.monthly.count - 1
            report.monthly[last].orders += day.orders
            report.monthly[last].revenue += day.revenue
            report.monthly[last].tax += day.tax
            report.monthly[last].shipping += day.shipping
            report.monthly[last].items += day.items
            report.summary.revenue += day.revenue
            report.summary.tax += day.tax
            report.summary.shipping += day.shipping
            report.summary.items += day.items
        }
        report.summary.orders = tally.summary.orders
        let orders = Amount(report.summary.orders)
        report.summary.averageOrder = report.summary.revenue.divided(by: orders, rules.decimals)
        report.summary.averageTax = report.summary.tax.divided(by: orders, rules.decimals)
        report.summary.averageShipping = report.summary.shipping.divided(by: orders, rules.decimals)
    }

    // MARK: Customers

    func fillCustomers(_ report: inout SalesReport) {
        let table = tally.customers
        for row in 0..<table.count where table[row].orders > 0 {
            report.customerCount += 1
            if table[row].orders > 1 { report.returningCustomers += 1 }
        }
        let rows = Ranking.first(max(caps.details, caps.top), of: table) {
            $0.orders > 0
        } by: { row, sums in
            table.total(sums.spent, row, 1)
        }
        let customers = rows.map { row in
            let sums = table[row]
            let total = table.total(sums.spent, row, 1)
            let span = Amount(raw: Int128(sums.lastOrder &- sums.firstOrder) * (Amount.one / 1_000_000))
            return SalesReport.Customer(
                id: table.key(row).text, name: tally.texts.text(sums.name), orders: sums.orders, total: total,
                mean: total.divided(by: Amount(sums.orders), rules.decimals), first: sums.firstOrder,
                last: sums.lastOrder,
                daysBetween: sums.orders > 1 ? span.divided(by: Amount(86_400 * (sums.orders - 1)), 2) : nil)
        }
        report.topCustomers = Array(customers.prefix(caps.top))
        report.customers = Array(customers.prefix(caps.details))
    }

    // MARK: Products

    func fillProducts(_ report: inout SalesReport) {
        let categories = tally.categories
        var revenue = Amount()
        for row in 0..<categories.count { revenue += categories.total(categories[row].revenue, row, 0) }
        report.categories = Ranking.first(.max, of: categories) {
            $0.lines > 0
        } by: { row, sums in
            categories.total(sums.revenue, row, 0)
        }.map { (categories.key($0).text, categories.total(categories[$0].revenue, $0, 0)) }

        let table = tally.products
        for row in 0..<table.count where table[row].orders > 0 { report.productCount += 1 }
        let rows = Ranking.first(max(caps.details, caps.top), of: table) {
            $0.orders > 0
        } by: { row, sums in
            table.total(sums.revenue, row, 1)
        }
        let hundred = Amount(100)
        let products = rows.map { row in
            let sums = table[row]
            let units = table.total(sums.units, row, 0)
            let brought = table.total(sums.revenue, row, 1)
            return SalesReport.Product(
                id: table.key(row).text, name: tally.texts.text(sums.name),
                category: tally.texts.text(sums.category) ?? Judge.unknownText.text, units: units, revenue: brought,
                orders: sums.orders, meanPrice: brought.divided(by: units, rules.decimals),
                share: revenue.raw == 0 ? nil : brought.divided(by: revenue, 2, times: hundred))
        }
        report.topProducts = Array(products.prefix(caps.top))
        report.products = Array(products.prefix(caps.details))
    }

    // MARK: Shares

    func fillShares(_ report: inout SalesReport) {
        report.statuses = shares(tally.statuses)
        report.payments = shares(tally.payments)
        report.shippings = shares(tally.shippings)
    }

    private func shares(_ table: KeyTable<Tally.ShareRow>) -> [SalesReport.Share] {
        Ranking.first(.max, of: table) {
            $0.count > 0
        } by: {
            $1.count
        }.map {
            .init(
                name: table.key($0).text, count: table[$0].count, total: table.total(table[$0].total, $0, 0))
        }
    }
}
