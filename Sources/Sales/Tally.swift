import Support

/// Everything that is counted over valid records. Two tallies merge into one, exactly and in any order.
///
/// It holds sums, the different customers, products and days, the most telling anomalies, and the ids; not records.
final class Tally: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time holds a tally.

    /// How many of each kind of anomaly are kept at least, for tables.
    static let kept = 200

    let rules: SalesRules
    var summary = SummaryRow()
    let customers = KeyTable(CustomerRow())
    let products = KeyTable(ProductRow())
    let categories = KeyTable(CategoryRow())
    let statuses = KeyTable(ShareRow())
    let payments = KeyTable(ShareRow())
    let shippings = KeyTable(ShareRow())
    /// By day since 1970, as eight bytes.
    let days = KeyTable(DayRow())
    let totals = TotalCounts()
    let ids = IDStore()
    /// The names of customers, and the names and categories of products.
    let texts = TextSlots()
    /// Purchases above the fixed limit, for windows.
    let high = Rows<HighRow>()
    var highest: TopList<HighValue>
    var quantities: Findings
    var lines: Findings
    var subtotals: Findings
    var taxes: Findings
    var sums: Findings

    struct SummaryRow {
        var valid = 0
        var orders = 0
    }

    struct CustomerRow: BitwiseCopyable {
        var valid = 0
        var orders = 0
        /// Over valid records, and over orders.
        var all: Int64 = 0
        var spent: Int64 = 0
        var first = Int64.max
        var last = Int64.min
        var firstOrder = Int64.max
        var lastOrder = Int64.min
        var nameTime = Int64.min
        var name = TextSlot()
    }

    struct ProductRow: BitwiseCopyable {
        var orders = 0
        /// The last order that was counted.
        var lastOrder = -1
        var units: Int64 = 0
        var revenue: Int64 = 0
        var time = Int64.min
        var name = TextSlot()
        var category = TextSlot()
    }

    struct CategoryRow: BitwiseCopyable {
        var lines = 0
        var revenue: Int64 = 0
    }

    struct ShareRow: BitwiseCopyable {
        var count = 0
        var total: Int64 = 0
    }

    struct DayRow: BitwiseCopyable {
        var orders = 0
        var revenue: Int64 = 0
        var tax: Int64 = 0
        var shipping: Int64 = 0
        var items: Int64 = 0
    }

    struct HighRow: BitwiseCopyable {
        var customer: Int
        var time: Int64
        var total: Int128
    }

    struct HighValue: Sendable {
        var transaction: String
        var customer: String
        var time: Int64
        var total: Int128
    }

    private let limits: Limits
    private let orderStatuses: Set<[UInt8]>
    /// Whether records of each status are orders, by the status's row.
    private let statusIsOrder = Rows<Bool>()

    /// The rules' limits, ready for comparisons.
    private struct Limits {
        let threshold: Limit
        let quantity: Limit
        let tolerance: Tolerance
        let taxRate: Int128?
    }

    /// What a total has to reach to be among the highest.
    private var lowestHigh = Limit(Amount(raw: .min / 2))

    init(_ rules: SalesRules) {
        self.rules = rules
        limits = Limits(
            threshold: Limit(rules.anomalyThreshold), quantity: Limit(rules.highQuantity),
            tolerance: Tolerance(rules.tolerance), taxRate: rules.taxRate?.raw)
        orderStatuses = Set(rules.revenueStatuses.map { Array($0.utf8) })
        let kept = max(Tally.kept, rules.caps.anomalies)
        highest = TopList(kept) { left, right in
            if left.total != right.total { return left.total > right.total }
            if left.time != right.time { return left.time < right.time }
            if left.transaction != right.transaction {
                return left.transaction.utf8.lexicographicallyPrecedes(right.transaction.utf8)
            }
            return left.customer.utf8.lexicographicallyPrecedes(right.customer.utf8)
        }
        quantities = Findings(kept)
        lines = Findings(kept)
        subtotals = Findings(kept)
        taxes = Findings(kept)
        sums = Findings(kept)
    }

    /// Counts a valid record.
    @inline(__always) func add<N: Quantum>(_ record: SalesRecord<N>, customerHash: UInt64) {
        summary.valid &+= 1
        ids.add(record.id)
        totals.add(record.total)

        let customer = customers.row(record.customer, hash: customerHash)
        let buyer = customers.at(customer)
        buyer.pointee.valid &+= 1
        customers.add(record.total, to: &buyer.pointee.all, customer, 0)
        if record.time < buyer.pointee.first { buyer.pointee.first = record.time }
        if record.time > buyer.pointee.last { buyer.pointee.last = record.time }
        if let name = record.name, record.time >= buyer.pointee.nameTime {
            if record.time > buyer.pointee.nameTime || texts.compare(name, buyer.pointee.name) > 0 {
                texts.set(&buyer.pointee.name, name)
            }
            buyer.pointee.nameTime = record.time
        }

        let status = statuses.row(record.status)
        count(record.total, statuses, status)
        count(record.total, payments, payments.row(record.payment))
        count(record.total, shippings, shippings.row(record.shippingMethod))
        while statusIsOrder.count <= status { judgeStatus(statuses.key(statusIsOrder.count)) }
        let isOrder = statusIsOrder[status]

        var sum = N.zero
        var pieces = N.zero
        for line in 0..<record.itemCount {
            let item = record.items + line
            sum = N.plus(sum, item.pointee.subtotal)
            pieces = N.plus(pieces, item.pointee.quantity)
            add(item, line, record, isOrder)
        }
        check(record, sum, customer)

        guard isOrder else { return }
        summary.orders &+= 1
        buyer.pointee.orders &+= 1
        customers.add(record.total, to: &buyer.pointee.spent, customer, 1)
        if record.time < buyer.pointee.firstOrder { buyer.pointee.firstOrder = record.time }
        if record.time > buyer.pointee.lastOrder { buyer.pointee.lastOrder = record.time }
        let day = self.day(of: record.time)
        let row = days.at(day)
        row.pointee.orders &+= 1
        days.add(record.total, to: &row.pointee.revenue, day, 0)
        days.add(record.tax, to: &row.pointee.tax, day, 1)
        days.add(record.shipping, to: &row.pointee.shipping, day, 2)
        days.add(pieces, to: &row.pointee.items, day, 3)
    }

    @inline(never) private func judgeStatus(_ status: Bytes) {
        statusIsOrder.append(
            orderStatuses.contains(Array(UnsafeBufferPointer(start: status.start, count: status.count))))
    }

    @inline(__always) private func count<N: Quantum>(_ total: N, _ table: KeyTable<ShareRow>, _ row: Int) {
        table.at(row).pointee.count &+= 1
        table.add(total, to: &table.at(row).pointee.total, row, 0)
    }

    @inline(__always) private func add<N: Quantum>(
        _ item: UnsafePointer<SalesRecord<N>.Item>, _ line: Int, _ record: SalesRecord<N>, _ isOrder: Bool
    ) {
        let product = products.row(item.pointee.product)
        let row = products.at(product)
        if record.time >= row.pointee.time { describe(row, item.pointee.name, item.pointee.category, record.time) }
        if isOrder {
            if row.pointee.lastOrder != summary.valid {
                row.pointee.lastOrder = summary.valid
                row.pointee.orders &+= 1
            }
            products.add(item.pointee.quantity, to: &row.pointee.units, product, 0)
            products.add(item.pointee.subtotal, to: &row.pointee.revenue, product, 1)
            let category = categories.row(item.pointee.category)
            categories.at(category).pointee.lines &+= 1
            categories.add(item.pointee.subtotal, to: &categories.at(category).pointee.revenue, category, 0)
        }
        if !item.pointee.quantity.isWithin(limits.quantity) {
            let quantity = item.pointee.quantity.raw
            quantities.count &+= 1
            if !quantities.isBelow(quantity) {
                quantities.offer(
                    Finding(
                        rank: quantity, time: record.time, transaction: record.id.text, line: line,
                        product: item.pointee.product.text))
            }
        }
        if item.pointee.isPriced,
            !N.agree(
                item.pointee.quantity, item.pointee.price, item.pointee.discount, item.pointee.subtotal,
                limits.tolerance)
        {
            let expected = N.times(item.pointee.quantity, item.pointee.price) &- item.pointee.discount.raw
            compare(expected, item.pointee.subtotal.raw, &lines, record, line)
        }
    }

    /// What a product is called, by its latest item; of two at the same time, by the greater.
    @inline(never) func describe(
        _ row: UnsafeMutablePointer<ProductRow>, _ name: Bytes?, _ category: Bytes, _ time: Int64
    ) {
        if time == row.pointee.time {
            let order = texts.compare(name, row.pointee.name)
            if order < 0 || (order == 0 && texts.compare(category, row.pointee.category) <= 0) { return }
        }
        row.pointee.time = time
        texts.set(&row.pointee.name, name)
        texts.set(&row.pointee.category, category)
    }

    @inline(__always) private func check<N: Quantum>(_ record: SalesRecord<N>, _ sum: N, _ customer: Int) {
        if !N.agree(sum, record.subtotal, limits.tolerance) {
            compare(sum.raw, record.subtotal.raw, &subtotals, record, nil)
        }
        if let rate = limits.taxRate {
            compare(
                Amount(raw: record.subtotal.raw).times(Amount(raw: rate)).raw, record.tax.raw, &taxes, record, nil)
        }
        let parts = N.plus(N.plus(record.subtotal, record.tax), record.shipping)
        if !N.agree(parts, record.total, limits.tolerance) {
            compare(parts.raw, record.total.raw, &sums, record, nil)
        }
        if !record.total.isWithin(limits.threshold) {
            high.append(HighRow(customer: customer, time: record.time, total: record.total.raw))
        }
        if !record.total.isWithin(lowestHigh) { offer(record) }
    }

    @inline(never) private func offer<N: Quantum>(_ record: SalesRecord<N>) {
        highest.offer(
            HighValue(
                transaction: record.id.text, customer: record.customer.text, time: record.time,
                total: record.total.raw))
        // One that is as high as the last may still come before it.
        if highest.isFull, let last = highest.elements.last { lowestHigh = Limit(Amount(raw: last.total - 1)) }
    }

    @inline(never) private func compare<N: Quantum>(
        _ expected: Int128, _ found: Int128, _ findings: inout Findings, _ record: SalesRecord<N>, _ line: Int?
    ) {
        let difference = expected &- found
        guard difference > limits.tolerance.raw || difference < 0 &- limits.tolerance.raw else { return }
        findings.count &+= 1
        let rank = difference < 0 ? 0 &- difference : difference
        if findings.isBelow(rank) { return }
        findings.offer(
            Finding(
                rank: rank, time: record.time, transaction: record.id.text, line: line, expected: expected,
                found: found))
    }

    /// The row of the day that a time is on, whose key is the day's number.
    @inline(__always) func day(of time: Int64) -> Int {
        let day = time >= 0 ? time / 86_400_000_000 : (time &- 86_399_999_999) / 86_400_000_000
        return withUnsafeBytes(of: day) { bytes in
            guard let start = bytes.baseAddress else { return 0 }
            return days.row(Bytes(start.assumingMemoryBound(to: UInt8.self), 8))
        }
    }
}
