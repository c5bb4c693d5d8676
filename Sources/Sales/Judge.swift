import CSimdjson
import Glibc
import Support

/// Looks at one record with care: says why it is rejected, or what it is when it is valid after all.
///
/// Nearly all records are plain and never come here. Those that do have escapes, unusual numbers, or something wrong; they
/// are parsed once more, with every value left as it is written, so that reasons can quote it.
final class Judge {
    /// At most so many reasons are told of a record.
    static let mostReasons = 10

    private let rules: SalesRules
    private let latest: Int64?
    private let plan: SalesPlan
    private let parser: OpaquePointer
    private let checks: [CheckRunner]
    private let text = MutableBuffer(capacity: 4096)
    /// Strings whose escapes were written out, until the next record.
    private var written: [Buffer] = []
    private let items = Rows<SalesRecord<Int128>.Item>()
    private var reasons: [String] = []
    private var more = 0
    private let unknown: Bytes

    init(_ rules: SalesRules, latest: Int64?) {
        self.rules = rules
        self.latest = latest
        plan = SalesPlan(rules, literals: true)
        parser = sluice_json_parser_create()
        checks = rules.checks.map { CheckRunner($0) }
        unknown = Judge.unknownText
    }

    deinit { sluice_json_parser_free(parser) }

    /// `Unknown`, which lives as long as the process.
    nonisolated(unsafe) static let unknownText: Bytes = {
        let text = UnsafeMutablePointer<UInt8>.allocate(capacity: 8)
        for (index, byte) in "Unknown".utf8.enumerated() { text[index] = byte }
        return Bytes(UnsafePointer(text), 7)
    }()

    /// What became of a record.
    enum Verdict {
        case valid(SalesRecord<Int128>)
        case rejected(id: String?, reasons: [String])
    }

    /// Judges the record that `bytes` are.
    func judge(_ bytes: Bytes) -> Verdict {
        text.removeAll()
        text.append(UnsafeRawBufferPointer(start: bytes.start, count: bytes.count))
        text.append(repeating: 0, count: SalesPlan.padding)
        written.removeAll()
        reasons = []
        more = 0
        items.resize(0)
        sluice_json_plan_clear(plan.raw)
        let status = parse(bytes.count)
        if Int(status.code) == SLUICE_JSON_DUPLICATE { return twice(status, bytes.count) }
        if status.code != 0 { return .rejected(id: nil, reasons: [malformed(status)]) }
        let cells = CellColumn(plan.raw, 0)
        let kind = cells[0].tag
        guard kind == Tag.object else {
            return .rejected(id: nil, reasons: ["record: is \(Judge.word(kind)), not an object"])
        }
        let record = read()
        if reasons.isEmpty, let record { return .valid(record) }
        if more > 0 { reasons.append("and \(more) more") }
        return .rejected(id: identity, reasons: reasons)
    }

    /// Parses what is in `text`. With `duplicates` 1 the first value of a key counts, with 2 its last.
    private func parse(_ count: Int, duplicates: Int = 0) -> sluice_json_status {
        sluice_json_plan_clear(plan.raw)
        var layout = SalesPlan.layout(commas: true, keepsBad: false, duplicates: duplicates)
        let start = UnsafePointer(text.base.assumingMemoryBound(to: UInt8.self))
        return sluice_json_project(parser, plan.raw, start, count, &layout)
    }

    /// Rejects a record that has a key twice, unless it is malformed as well.
    private func twice(_ status: sluice_json_status, _ count: Int) -> Verdict {
        let last = parse(count, duplicates: 2)
        if last.code != 0 { return .rejected(id: nil, reasons: [malformed(last)]) }
        let other = find(.transactionID).cell.value
        _ = parse(count, duplicates: 1)
        let id = find(.transactionID).cell.value == other ? identity : nil
        let isInItem = SalesField.allCases.contains { $0.isInItem && plan.nodes[$0]?.contains(status.node) == true }
        let path = path(status.node, isInItem ? Judge.line(at: Int(status.offset), in: text) : nil)
        return .rejected(id: id, reasons: ["\(path): is there twice"])
    }

    /// Says what is wrong with a record that the parser refused.
    func malformed(_ status: sluice_json_status) -> String {
        switch Int(status.code) {
        case SLUICE_JSON_CONTROL: return "record: is not valid JSON: a control character stands in a string"
        case SLUICE_JSON_UNCLOSED_STRING, SLUICE_JSON_TRUNCATED:
            return "record: is not valid JSON: it ends too early"
        case SLUICE_JSON_NUMBER: return "record: is not valid JSON: a number is malformed"
        case SLUICE_JSON_ESCAPE: return "record: is not valid JSON: an escape stands for nothing"
        case SLUICE_JSON_SURROGATE: return "record: is not valid JSON: an escape is half of a character"
        case SLUICE_JSON_DEPTH: return "record: is not valid JSON: it is nested too deep"
        default: return "record: is not valid JSON: something stands where nothing of the kind may"
        }
    }

    // MARK: Values

    private func cell(_ node: Int32, _ row: Int = 0) -> Cell { CellColumn(plan.raw, node)[row] }

    /// The first that is there among the places where a field may be, and the path of it.
    private func find(_ field: SalesField, _ row: Int = 0) -> (cell: Cell, node: Int32) {
        let nodes = plan.nodes[field] ?? []
        let first = nodes.first.map { (cell: cell($0, row), node: $0) }
        for node in nodes {
            let found = cell(node, row)
            if !found.isAbsent { return (found, node) }
        }
        return first ?? (Cell(tag: Tag.missing, value: 0), -1)
    }

    private func literal(_ cell: Cell) -> Bytes {
        Bytes(UnsafePointer(text.base.assumingMemoryBound(to: UInt8.self)) + cell.offset, cell.length)
    }

    /// A string's bytes; nil when its escapes are no text.
    private func string(_ cell: Cell) -> Bytes? {
        let raw = literal(cell)
        guard cell.tag == Tag.escaped else { return raw }
        let buffer = MutableBuffer(capacity: raw.count)
        let length = sluice_json_unescape(raw.start, raw.count, buffer.base.assumingMemoryBound(to: UInt8.self))
        if length < 0 { return nil }
        buffer.count = Int(length)
        written.append(buffer.freeze())
        return written.last.map { Bytes($0.unsafeStart.assumingMemoryBound(to: UInt8.self), $0.count) }
    }

    private func path(_ node: Int32, _ line: Int?) -> String {
        let name = plan.names[node] ?? "record"
        guard let line else { return name }
        let item = "\(plan.names[plan.item]?.dropLast(2) ?? "line_items")[\(line)]"
        return node == plan.item ? item : "\(item).\(name)"
    }

    private func reject(_ reason: @autoclosure () -> String) {
        if reasons.count < Judge.mostReasons { reasons.append(reason()) } else { more += 1 }
    }

    /// What is told of a field that should be there: that it is missing, or null.
    private func absent(_ cell: Cell, _ path: String, _ kind: String) {
        reject(cell.isMissing ? "\(path): is missing" : "\(path): is null, not \(kind)")
    }

    /// Text that is not empty; nil for none, with a reason when there should be some.
    private func text(
        _ field: SalesField, _ row: Int = 0, line: Int? = nil, kind: String = "a string"
    ) -> Bytes? {
        let (cell, node) = find(field, row)
        let isRequired = rules.required.contains(field)
        if cell.isAbsent {
            if isRequired { absent(cell, path(node, line), kind) }
            return nil
        }
        guard cell.isString else {
            reject("\(path(node, line)): is \(Judge.word(cell.tag)), not \(kind)")
            return nil
        }
        guard let text = string(cell) else {
            reject("record: is not valid JSON: an escape is half of a character")
            return nil
        }
        if text.count == 0 {
            if isRequired { reject("\(path(node, line)): is empty") }
            return nil
        }
        return text
    }

    /// An id; nil for none, with a reason when there should be one.
    private func id(_ field: SalesField, _ row: Int = 0, line: Int? = nil) -> Bytes? {
        let (cell, node) = find(field, row)
        guard cell.isNumber else { return text(field, row, line: line, kind: "an id") }
        let literal = literal(cell)
        if cell.tag != Tag.integer {
            reject("\(path(node, line)): \(Judge.quoted(number: literal)) is not a whole number")
            return nil
        }
        return literal
    }

    /// The record's id, as far as it has one.
    private var identity: String? {
        let (cell, _) = find(.transactionID)
        if cell.tag == Tag.integer { return literal(cell).text }
        guard cell.isString, let text = string(cell), text.count > 0 else { return nil }
        return text.text
    }

    /// A number; nil for none, with a reason when there should be one or when it is none.
    private func number(_ field: SalesField, _ row: Int = 0, line: Int? = nil) -> Int128? {
        let (cell, node) = find(field, row)
        if cell.isAbsent {
            if rules.required.contains(field) { absent(cell, path(node, line), "a number") }
            return nil
        }
        guard cell.isNumber else {
            reject("\(path(node, line)): is \(Judge.word(cell.tag)), not a number")
            return nil
        }
        guard let value = Decimal.parse(literal(cell)) else {
            reject("\(path(node, line)): \(Judge.quoted(number: literal(cell))) is too large")
            return nil
        }
        for other in plan.nodes[field] ?? [] where other != node {
            let second = self.cell(other, row)
            guard !second.isAbsent else { continue }
            guard second.isNumber else {
                reject("\(path(other, line)): is \(Judge.word(second.tag)), not a number")
                return nil
            }
            let exact = Decimal.parse(literal(second))
            if exact == nil {
                reject("\(path(other, line)): \(Judge.quoted(number: literal(second))) is too large")
                return nil
            }
            if exact != value {
                reject(
                    "\(path(other, line)): \(Judge.quoted(number: literal(second))) differs from \(path(node, line)), which is \(Judge.quoted(number: literal(cell)))"
                )
                return nil
            }
        }
        return value
    }

    /// A number above zero and not beyond a limit.
    private func limited(
        _ field: SalesField, above zero: Bool, _ most: Amount, _ row: Int = 0, line: Int? = nil
    ) -> Int128? {
        guard let value = number(field, row, line: line) else { return nil }
        let (cell, node) = find(field, row)
        if zero, value <= 0 {
            reject("\(path(node, line)): \(Judge.quoted(number: literal(cell))) is not above 0")
            return nil
        }
        if value > most.raw {
            reject("\(path(node, line)): \(Judge.quoted(number: literal(cell))) is above \(most.plain)")
            return nil
        }
        return value
    }

    // MARK: The record

    private func read() -> SalesRecord<Int128>? {
        let id = id(.transactionID)
        let time = time()
        var customer: Bytes?
        var name: Bytes?
        if isCustomerThere() {
            customer = self.id(.customerID)
            name = text(.customerName)
            email()
        }
        readItems()
        let subtotal = number(.subtotal)
        let tax = number(.tax)
        let shipping = number(.shipping)
        let total = limited(.total, above: true, rules.maxTotal)
        let payment = text(.paymentMethod)
        let shippingMethod = text(.shippingMethod)
        let status = text(.status)
        currency()
        for (index, check) in checks.enumerated() { run(check, plan.checkNodes[index]) }
        guard reasons.isEmpty, let id, let time, let customer, let subtotal, let total, let status else { return nil }
        return SalesRecord(
            id: id, time: time, customer: customer, name: name, items: UnsafePointer(items.base),
            itemCount: items.count, subtotal: subtotal, tax: tax ?? 0, shipping: shipping ?? 0, total: total,
            payment: payment ?? unknown, shippingMethod: shippingMethod ?? unknown, status: status)
    }

    private func time() -> Int64? {
        guard let text = text(.timestamp) else { return nil }
        var path: String { self.path(find(.timestamp).node, nil) }
        guard let time = Times.parse(text) else {
            reject("\(path): \(Judge.quoted(text)) is not a time")
            return nil
        }
        if let earliest = rules.notBefore, time < earliest {
            reject("\(path): \(Judge.quoted(text)) is before \(SalesReport.time(earliest))")
        } else if let latest, time > latest {
            reject("\(path): \(Judge.quoted(text)) is after \(SalesReport.time(latest))")
        }
        return time
    }

    /// Whether the customer's fields can be looked at.
    private func isCustomerThere() -> Bool {
        guard let node = plan.nodes[.customer]?.first else { return true }
        let cell = cell(node)
        if cell.tag == Tag.object { return true }
        if cell.isAbsent {
            absent(cell, path(node, nil), "an object")
        } else {
            reject("\(path(node, nil)): is \(Judge.word(cell.tag)), not an object")
        }
        return false
    }

    private func email() {
        guard let text = text(.email) else { return }
        if !EmailAddress.isOne(text) {
            reject("\(path(find(.email).node, nil)): \(Judge.quoted(text)) is not an e-mail address")
        }
    }

    private func currency() {
        guard let text = text(.currency) else { return }
        if text.text != rules.currency {
            reject(
                "\(path(find(.currency).node, nil)): \(Judge.quoted(text)) is not \(Judge.quoted(rules.currency))")
        }
    }

    private func readItems() {
        let (cell, node) = find(.lineItems)
        if cell.isAbsent { return absent(cell, path(node, nil), "an array") }
        guard cell.tag == Tag.array else {
            return reject("\(path(node, nil)): is \(Judge.word(cell.tag)), not an array")
        }
        let kinds = CellColumn(plan.raw, plan.item)
        let count = Int(CellColumn(plan.raw, node).offsets?[1] ?? 0)
        if count == 0 { return reject("\(path(node, nil)): is empty") }
        for line in 0..<count {
            let kind = kinds[line].tag
            guard kind == Tag.object else {
                reject("\(path(plan.item, line)): is \(Judge.word(kind)), not an object")
                continue
            }
            readItem(line)
        }
    }

    private func readItem(_ line: Int) {
        let before = reasons.count + more
        let product = id(.productID, line, line: line)
        let hasID = reasons.count + more == before
        let name = text(.productName, line, line: line)
        if product == nil, name == nil, hasID, reasons.count + more == before {
            let path = path(plan.nodes[.productID]?.first ?? -1, line)
            let other = plan.names[plan.nodes[.productName]?.first ?? -1] ?? "product_name"
            reject("\(path): is missing, and so is \(other)")
        }
        let category = text(.category, line, line: line)
        let quantity = limited(.quantity, above: true, rules.maxQuantity, line, line: line)
        let price = limited(.unitPrice, above: false, rules.maxUnitPrice, line, line: line)
        let discount = number(.discount, line, line: line)
        let subtotal = number(.itemSubtotal, line, line: line)
        guard reasons.isEmpty, let product = product ?? name, let quantity, let subtotal else { return }
        items.append(
            SalesRecord<Int128>.Item(
                product: product, name: name, category: category ?? unknown, quantity: quantity, price: price ?? 0,
                discount: discount ?? 0, subtotal: subtotal, isPriced: price != nil))
    }

    // MARK: Further checks

    private func run(_ check: CheckRunner, _ nodes: [Int32]) {
        if !check.check.isInItems { return run(check, nodes, 0, nil) }
        let (cell, node) = find(.lineItems)
        guard cell.tag == Tag.array else { return }
        let kinds = CellColumn(plan.raw, plan.item)
        let count = Int(CellColumn(plan.raw, node).offsets?[1] ?? 0)
        for line in 0..<count where kinds[line].tag == Tag.object { run(check, nodes, line, line) }
    }

    private func run(_ check: CheckRunner, _ nodes: [Int32], _ row: Int, _ line: Int?) {
        let values = nodes.map { node -> CheckValue in
            let cell = cell(node, row)
            return CheckValue(
                cell: cell, literal: literal(cell), text: cell.isString ? string(cell) : nil,
                number: cell.isNumber ? Decimal.parse(literal(cell)) : nil)
        }
        guard let problem = check.problem(values, names: nodes.map { path($0, line) }) else { return }
        reject("\(path(nodes[0], line)): \(problem)")
    }
}
