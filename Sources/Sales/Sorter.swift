import CSimdjson
import Glibc
import Support

/// Sorts the records of a text into valid and rejected ones: most at a glance, the others with the judge's care.
final class Sorter: @unchecked Sendable {
    // `@unchecked Sendable` because one worker at a time holds a sorter.

    let tally: Tally
    private let rules: SalesRules
    private let latest: Int64
    private let plan: SalesPlan
    private let parser: OpaquePointer
    private let judge: Judge
    private let checks: [CheckRunner]
    private let checksFixed: [[Bool]]
    private let currency: [UInt8]
    private let items = Rows<SalesRecord<Int64>.Item>()
    private let hashes = Rows<UInt64>()
    /// Strings whose escapes were written out, for as long as the text is read.
    private var written: [Buffer] = []
    private let narrowLimits: (quantity: Int64, price: Int64, total: Int64)

    /// A record that was rejected, and where it is in the text.
    struct Rejected: Sendable {
        var record: Int
        var id: String?
        var reasons: [String]
        /// The record's own text.
        var text: String
    }

    /// What a text came to.
    struct Outcome: Sendable {
        var records = 0
        var rejected: [Rejected] = []
    }

    init(_ rules: SalesRules, latest: Int64?) {
        self.rules = rules
        self.latest = latest ?? .max
        tally = Tally(rules)
        plan = SalesPlan(rules, literals: false)
        parser = sluice_json_parser_create()
        judge = Judge(rules, latest: latest)
        checks = rules.checks.map { CheckRunner($0) }
        checksFixed = plan.checkNodes.map { [plan] in $0.map { plan.fixed.contains($0) } }
        currency = Array(rules.currency.utf8)
        // What is beyond the range is beyond any value of a plain record, too.
        func narrow(_ amount: Amount) -> Int64 { Int64(clamping: amount.raw / Narrow.unit) }
        narrowLimits = (narrow(rules.maxQuantity), narrow(rules.maxUnitPrice), narrow(rules.maxTotal))
    }

    deinit { sluice_json_parser_free(parser) }

    /// Reads whole records, which are followed by padding. A failure is one of the text as a whole; nothing is counted then.
    /// `isOne` tells that the text is to be one record.
    func read(_ text: Bytes, commas: Bool, keepsText: Bool, isOne: Bool = false) -> Result<Outcome, Fault> {
        var layout = SalesPlan.layout(commas: commas, keepsBad: true)
        sluice_json_plan_clear(plan.raw)
        let status = sluice_json_project(parser, plan.raw, text.start, text.count, &layout)
        guard status.code == 0 else { return .failure(Fault(status: status)) }
        var outcome = Outcome()
        outcome.records = Int(CellColumn(plan.raw, 0).count)
        if isOne ? outcome.records != 1 : !commas && !isLines(text, outcome.records) {
            let code = Int32(SLUICE_JSON_UNEXPECTED)
            return .failure(Fault(status: sluice_json_status(code: code, node: -1, record: 0, offset: 0)))
        }
        sort(text, &outcome, keepsText: keepsText)
        return .success(outcome)
    }

    /// Whether each of the records has a line of its own.
    private func isLines(_ text: Bytes, _ count: Int) -> Bool {
        guard count > 0, let records = sluice_json_records(plan.raw) else { return true }
        let bytes = UnsafeRawBufferPointer(start: text.start, count: text.count)
        var end = -1
        for row in 0..<count {
            let start = Int(records[row] & 0xffff_ffff)
            if end >= 0, !bytes[end..<start].contains(0x0a) { return false }
            end = start + Int(records[row] >> 32)
            if memchr(text.start + start, 0x0a, end - start) != nil { return false }
        }
        return true
    }

    /// Rejects a record that cannot be read together with others.
    func malformed(_ status: sluice_json_status) -> String { judge.malformed(status) }

    /// Why a text as a whole could not be read.
    struct Fault: Error {
        var status: sluice_json_status
    }

    private func sort(_ text: Bytes, _ outcome: inout Outcome, keepsText: Bool) {
        let glance = Glance(plan)
        let records = sluice_json_records(plan.raw)
        var badCount = 0
        let bad = sluice_json_bad(plan.raw, &badCount)
        var nextBad = 0
        written.removeAll(keepingCapacity: true)
        hashes.resize(0)
        for row in 0..<outcome.records { hashes.append(customerHash(glance, row, text)) }
        for row in 0..<outcome.records {
            // What the customers ahead need is asked for now, since each look at memory is a wait.
            if row &+ 8 < outcome.records { tally.customers.fetchSlot(hashes[row &+ 8]) }
            if row &+ 4 < outcome.records { tally.customers.fetchRow(hashes[row &+ 4]) }
            if take(glance, row, text) { continue }
            guard let span = records?[row] else { continue }
            let own = Bytes(text.start + Int(span & 0xffff_ffff), Int(span >> 32))
            if glance.record[row].tag == Tag.bad, nextBad < badCount, let bad {
                let status = bad[nextBad]
                nextBad += 1
                if Int(status.code) == SLUICE_JSON_DUPLICATE, case .rejected(let id, let reasons) = judge.judge(own) {
                    outcome.rejected.append(
                        Rejected(record: row, id: id, reasons: reasons, text: keepsText ? own.text : ""))
                    continue
                }
                let reason = judge.malformed(status)
                outcome.rejected.append(
                    Rejected(record: row, id: nil, reasons: [reason], text: keepsText ? own.text : ""))
                continue
            }
            switch judge.judge(own) {
            case .valid(let record): tally.add(record, customerHash: record.customer.hash)
            case .rejected(let id, let reasons):
                outcome.rejected.append(
                    Rejected(record: row, id: id, reasons: reasons, text: keepsText ? own.text : ""))
            }
        }
    }

    /// The hash of a record's customer, if that is plain.
    @inline(__always) private func customerHash(_ glance: borrowing Glance, _ row: Int, _ text: Bytes) -> UInt64 {
        let cell = glance.customerID[row]
        return cell.tag == Tag.string ? Bytes(text.start + cell.offset, cell.length).hash : 0
    }

    // MARK: At a glance

    /// The columns of all fields.
    private struct Glance {
        let record, id, time, customer, customerID, name, email: CellColumn
        let lineItems, item, product, productName, category, quantity, price, discount, itemSubtotal: CellColumn
        let subtotal, tax, shipping, total, payment, shippingMethod, status: CellColumn
        /// The other places where a field may be, and the rare fields: something there asks for care.
        let shippings: [CellColumn]
        let others: [CellColumn]
        let itemOthers: [CellColumn]
        let currency: [CellColumn]
        let checks: [[CellColumn]]
        let hasCustomer: Bool
        /// Whether the text has any of the rare fields at all.
        let hasRare: Bool
        let hasRareItems: Bool
        let hasOtherShipping: Bool

        init(_ plan: SalesPlan) {
            func column(_ field: SalesField) -> CellColumn { CellColumn(plan.raw, plan.nodes[field]?.first ?? -1) }
            func rest(_ field: SalesField) -> [CellColumn] {
                (plan.nodes[field] ?? []).dropFirst().map { CellColumn(plan.raw, $0) }
            }
            record = CellColumn(plan.raw, 0)
            id = column(.transactionID)
            time = column(.timestamp)
            hasCustomer = plan.nodes[.customer] != nil
            customer = column(.customer)
            customerID = column(.customerID)
            name = column(.customerName)
            email = column(.email)
            lineItems = column(.lineItems)
            item = CellColumn(plan.raw, plan.item)
            product = column(.productID)
            productName = column(.productName)
            category = column(.category)
            quantity = column(.quantity)
            price = column(.unitPrice)
            discount = column(.discount)
            itemSubtotal = column(.itemSubtotal)
            subtotal = column(.subtotal)
            tax = column(.tax)
            shipping = column(.shipping)
            total = column(.total)
            payment = column(.paymentMethod)
            shippingMethod = column(.shippingMethod)
            status = column(.status)
            shippings = rest(.shipping)
            others = SalesField.allCases.filter { !$0.isInItem && $0 != .shipping && $0 != .currency }.flatMap(rest)
            itemOthers = SalesField.allCases.filter(\.isInItem).flatMap(rest)
            currency = (plan.nodes[.currency] ?? []).map { CellColumn(plan.raw, $0) }
            hasRare = (others + currency).contains { $0.isInUse }
            hasOtherShipping = shippings.contains { $0.isInUse }
            hasRareItems = itemOthers.contains { $0.isInUse }
            checks = plan.checkNodes.map { $0.map { CellColumn(plan.raw, $0) } }
        }
    }

    /// Counts the record if it is plain and valid; false when it needs a closer look.
    @inline(__always) private func take(_ glance: borrowing Glance, _ row: Int, _ text: Bytes) -> Bool {
        guard glance.record[row].tag == Tag.object, !glance.hasCustomer || glance.customer[row].tag == Tag.object,
            let id = string(glance.id[row], text), let customer = string(glance.customerID[row], text),
            let stamp = string(glance.time[row], text), let time = Times.parse(stamp), time <= latest,
            let status = string(glance.status[row], text), let payment = string(glance.payment[row], text)
        else { return false }
        if let earliest = rules.notBefore, time < earliest { return false }
        guard let email = string(glance.email[row], text), EmailAddress.isOne(email) else { return false }
        var name: Bytes?
        guard optional(glance.name[row], text, &name) else { return false }
        var method: Bytes?
        guard optional(glance.shippingMethod[row], text, &method) else { return false }
        let subtotal = glance.subtotal[row]
        let tax = glance.tax[row]
        let total = glance.total[row]
        guard subtotal.tag == Tag.integer, tax.tag == Tag.integer, total.tag == Tag.integer else { return false }
        guard total.number > 0, total.number <= narrowLimits.total else { return false }
        guard let shipping = shipping(glance, row) else { return false }
        if glance.hasRare, !isUsual(glance, row, text) { return false }

        guard glance.lineItems[row].tag == Tag.array, let offsets = glance.lineItems.offsets else { return false }
        let first = Int(offsets[row])
        let count = Int(offsets[row &+ 1]) &- first
        guard count > 0 else { return false }
        items.resize(0)
        for line in first..<first &+ count {
            guard let item = item(glance, line, text) else { return false }
            items.append(item)
        }
        if !checks.isEmpty, !passesAll(glance, row, first..<first + count, text) { return false }
        tally.add(
            SalesRecord<Int64>(
                id: id, time: time, customer: customer, name: name, items: UnsafePointer(items.base),
                itemCount: count, subtotal: subtotal.number, tax: tax.number, shipping: shipping,
                total: total.number, payment: payment, shippingMethod: method ?? Judge.unknownText, status: status),
            customerHash: glance.customerID[row].tag == Tag.string ? hashes[row] : customer.hash)
        return true
    }

    @inline(__always) private func item(
        _ glance: borrowing Glance, _ line: Int, _ text: Bytes
    ) -> SalesRecord<Int64>.Item? {
        let quantity = glance.quantity[line]
        let price = glance.price[line]
        let subtotal = glance.itemSubtotal[line]
        let discount = glance.discount[line]
        guard glance.item[line].tag == Tag.object, quantity.tag == Tag.integer, price.tag == Tag.integer,
            subtotal.tag == Tag.integer, discount.tag == Tag.integer || discount.isAbsent,
            quantity.number > 0, quantity.number <= narrowLimits.quantity, price.number <= narrowLimits.price,
            let product = string(glance.product[line], text)
        else { return nil }
        var name: Bytes?
        var category: Bytes?
        guard optional(glance.productName[line], text, &name), optional(glance.category[line], text, &category) else {
            return nil
        }
        if glance.hasRareItems {
            for column in glance.itemOthers where !column[line].isAbsent { return nil }
        }
        return SalesRecord<Int64>.Item(
            product: product, name: name, category: category ?? Judge.unknownText, quantity: quantity.number,
            price: price.number, discount: discount.tag == Tag.integer ? discount.number : 0,
            subtotal: subtotal.number, isPriced: true)
    }

    /// A string that is not empty.
    @inline(__always) private func string(_ cell: Cell, _ text: Bytes) -> Bytes? {
        if cell.tag == Tag.string { return cell.length > 0 ? Bytes(text.start + cell.offset, cell.length) : nil }
        return cell.tag == Tag.escaped ? unescaped(cell, text) : nil
    }

    /// A string, or none; false for anything else.
    @inline(__always) private func optional(_ cell: Cell, _ text: Bytes, _ value: inout Bytes?) -> Bool {
        if cell.tag == Tag.string {
            if cell.length > 0 { value = Bytes(text.start + cell.offset, cell.length) }
            return true
        }
        if cell.tag == Tag.escaped {
            value = unescaped(cell, text)
            return value != nil
        }
        return cell.isAbsent
    }

    /// A string with its escapes written out; nil when they stand for nothing.
    @inline(never) private func unescaped(_ cell: Cell, _ text: Bytes) -> Bytes? {
        let buffer = MutableBuffer(capacity: cell.length)
        let length = sluice_json_unescape(
            text.start + cell.offset, cell.length, buffer.base.assumingMemoryBound(to: UInt8.self))
        if length <= 0 { return nil }
        buffer.count = Int(length)
        let made = buffer.freeze()
        written.append(made)
        return Bytes(made.unsafeStart.assumingMemoryBound(to: UInt8.self), made.count)
    }

    @inline(__always) private func shipping(_ glance: borrowing Glance, _ row: Int) -> Int64? {
        let cell = glance.shipping[row]
        var found = cell.tag == Tag.integer ? cell.number : 0
        guard cell.tag == Tag.integer || cell.isAbsent else { return nil }
        var isFound = !cell.isAbsent
        if glance.hasOtherShipping {
            for column in glance.shippings {
                let other = column[row]
                if other.isAbsent { continue }
                guard other.tag == Tag.integer, !isFound else { return nil }
                found = other.number
                isFound = true
            }
        }
        return found
    }

    /// Whether nothing rare is in a record that would ask for care.
    private func isUsual(_ glance: borrowing Glance, _ row: Int, _ text: Bytes) -> Bool {
        for column in glance.others where !column[row].isAbsent { return false }
        for column in glance.currency where !isCurrency(column[row], text) { return false }
        return true
    }

    private func passesAll(_ glance: borrowing Glance, _ row: Int, _ lines: Range<Int>, _ text: Bytes) -> Bool {
        for index in checks.indices where !passes(index, glance, row, lines, text) { return false }
        return true
    }

    @inline(__always) private func isCurrency(_ cell: Cell, _ text: Bytes) -> Bool {
        if cell.isAbsent { return true }
        guard let found = string(cell, text) else { return false }
        return currency.withUnsafeBufferPointer { wanted in
            guard let start = wanted.baseAddress else { return false }
            return found.equals(Bytes(start, wanted.count))
        }
    }

    private func passes(
        _ index: Int, _ glance: borrowing Glance, _ row: Int, _ lines: Range<Int>, _ text: Bytes
    ) -> Bool {
        let columns = glance.checks[index]
        let fixed = checksFixed[index]
        let names = [String](repeating: "", count: columns.count)
        for place in checks[index].check.isInItems ? lines : row..<row + 1 {
            let values = columns.indices.map { at in
                let cell = columns[at][place]
                let isNarrow = fixed[at] && cell.tag == Tag.integer
                let literal =
                    isNarrow || cell.isAbsent ? Judge.unknownText : Bytes(text.start + cell.offset, cell.length)
                let number =
                    isNarrow ? cell.number.raw : cell.isNumber ? Decimal.parse(literal) : nil
                return CheckValue(
                    cell: cell, literal: literal, text: cell.tag == Tag.string ? literal : nil, number: number)
            }
            // What is written as a number matters to a choice of values, and strings with escapes have to be written out.
            if case .oneOf = checks[index].check.kind, fixed[0], values[0].cell.tag == Tag.integer { return false }
            if values.contains(where: { $0.cell.tag == Tag.escaped }) { return false }
            if checks[index].problem(values, names: names) != nil { return false }
        }
        return true
    }
}

extension Cell {
    /// A whole number of ten-thousandths.
    @inline(__always) var number: Int64 { Int64(bitPattern: value) }
}
