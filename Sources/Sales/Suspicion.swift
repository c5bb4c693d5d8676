import Support

/// What looks odd, out of a tally.
struct Suspicion {
    private let tally: Tally
    private let rules: SalesRules
    private let caps: SalesRules.Caps

    init(_ tally: Tally, _ rules: SalesRules, _ caps: SalesRules.Caps) {
        self.tally = tally
        self.rules = rules
        self.caps = caps
    }

    func fill(_ report: inout SalesReport) throws(SluiceError) {
        fillHighValues(&report.anomalies)
        let rapid = windows()
        let duplicates = try tally.ids.duplicates(tally.keptDuplicates)
        report.anomalies.counts = [
            (.rapid, rapid.count), (.duplicate, duplicates.count), (.quantity, tally.quantities.count),
            (.line, tally.lines.count), (.subtotal, tally.subtotals.count), (.tax, tally.taxes.count),
            (.total, tally.sums.count),
        ]
        report.anomalies.window = Suspicion.name(rules.window)
        let concern = "Multiple high-value purchases within \(report.anomalies.window)"
        var patterns = rapid.prefix(caps.anomalies).map { window in
            var pattern = SalesReport.Pattern(.rapid, concern)
            pattern.customer = tally.customers.key(window.customer).text
            (pattern.count, pattern.total) = (window.count, Amount(raw: window.total))
            (pattern.from, pattern.to) = (window.from, window.to)
            return pattern
        }
        patterns += duplicates.most.prefix(caps.anomalies).map { duplicate in
            var pattern = SalesReport.Pattern(.duplicate, "Transaction id appears more than once")
            (pattern.transaction, pattern.count) = (duplicate.id, duplicate.count)
            return pattern
        }
        patterns += list(tally.quantities, .quantity, "Unusually high quantity")
        patterns += list(tally.lines, .line, "Quantity, price and discount do not make the line's subtotal")
        patterns += list(tally.subtotals, .subtotal, "Lines do not add up to the subtotal")
        patterns += list(tally.taxes, .tax, "Tax does not follow from the subtotal")
        patterns += list(tally.sums, .total, "Subtotal, tax and shipping do not add up to the total")
        report.anomalies.patterns = patterns
        fillFrequent(&report.anomalies)
    }

    private func list(
        _ findings: Findings, _ type: SalesReport.PatternType, _ concern: String
    ) -> [SalesReport.Pattern] {
        findings.list.elements.prefix(caps.anomalies).map { finding in
            var pattern = SalesReport.Pattern(type, concern)
            pattern.transaction = finding.transaction
            pattern.line = finding.line
            if type == .quantity {
                pattern.product = finding.product
                pattern.quantity = Amount(raw: finding.rank)
            } else {
                pattern.expected = Amount(raw: finding.expected)
                pattern.found = Amount(raw: finding.found)
            }
            return pattern
        }
    }

    private func fillHighValues(_ anomalies: inout SalesReport.Anomalies) {
        anomalies.rank = rules.percentile.plain
        anomalies.threshold = rules.anomalyThreshold
        guard let limits = tally.totals.percentile(rules.percentile, threshold: rules.anomalyThreshold.raw) else {
            return
        }
        anomalies.percentile = Amount(raw: limits.value)
        (anomalies.high, anomalies.abovePercentile, anomalies.aboveThreshold) = (
            limits.either, limits.above, limits.over
        )
        anomalies.highValues = tally.highest.elements.prefix(caps.anomalies).filter {
            $0.total > limits.value || $0.total > rules.anomalyThreshold.raw
        }.map {
            .init(
                transaction: $0.transaction, customer: $0.customer, time: $0.time, total: Amount(raw: $0.total),
                isAbovePercentile: $0.total > limits.value, isAboveThreshold: $0.total > rules.anomalyThreshold.raw)
        }
    }

    // MARK: Windows

    private struct Window {
        var customer: Int
        var count: Int
        var total: Int128
        var from: Int64
        var to: Int64
    }

    /// For each customer the earliest of the windows that have most purchases.
    private func windows() -> [Window] {
        let rows = (0..<tally.high.count).map { tally.high[$0] }.sorted {
            $0.customer != $1.customer ? $0.customer < $1.customer : $0.time < $1.time
        }
        var found: [Window] = []
        var start = 0
        while start < rows.count {
            var end = start
            while end < rows.count, rows[end].customer == rows[start].customer { end += 1 }
            if let best = window(rows[start..<end]) { found.append(best) }
            start = end
        }
        return found.sorted { left, right in
            if left.count != right.count { return left.count > right.count }
            return tally.customers.key(left.customer).compare(tally.customers.key(right.customer)) < 0
        }
    }

    /// Among purchases of one customer in order of time.
    private func window(_ rows: ArraySlice<Tally.HighRow>) -> Window? {
        var best: Range<Int>?
        var end = rows.startIndex
        for start in rows.indices {
            while end < rows.endIndex, rows[end].time &- rows[start].time <= rules.window { end += 1 }
            if end - start > best?.count ?? 0 { best = start..<end }
        }
        guard let best, best.count >= rules.windowCount, let first = rows[best].first, let last = rows[best].last else {
            return nil
        }
        return Window(
            customer: first.customer, count: best.count, total: rows[best].reduce(0) { $0 &+ $1.total },
            from: first.time, to: last.time)
    }

    /// `1 hour`, `30 minutes`, `90 seconds`.
    static func name(_ microseconds: Int64) -> String {
        for (unit, length) in [("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000)]
            as [(String, Int64)]
        where microseconds >= length && microseconds % length == 0 {
            let count = microseconds / length
            return count == 1 ? "1 \(unit)" : "\(count) \(unit)s"
        }
        let seconds = Amount(raw: Int128(microseconds) * (Amount.one / 1_000_000)).plain
        return seconds == "1" ? "1 second" : "\(seconds) seconds"
    }

    // MARK: Frequent customers

    private func fillFrequent(_ anomalies: inout SalesReport.Anomalies) {
        let table = tally.customers
        for row in 0..<table.count where table[row].valid > rules.frequentAbove { anomalies.frequentCount += 1 }
        let rows = Ranking.first(caps.anomalies, of: table) {
            $0.valid > rules.frequentAbove
        } by: {
            $1.valid
        }
        anomalies.frequent = rows.map { row in
            let sums = table[row]
            let total = table.total(sums.all, row, 0)
            return SalesReport.Customer(
                id: table.key(row).text, name: tally.texts.text(sums.name), orders: sums.valid, total: total,
                mean: total.divided(by: Amount(sums.valid), rules.decimals), first: sums.first, last: sums.last,
                daysBetween: nil)
        }
    }
}
