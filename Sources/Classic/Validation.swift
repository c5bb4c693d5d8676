/// What makes a transaction valid, in the order in which it is asked, and what stops the whole batch.
struct Validation {
    private static let maximumUnitPrice = 10_000
    private static let maximumQuantity = 100
    private static let maximumTotal = 100_000

    private var timestamps = IsoTimestamp()

    /// What is wrong with `record`; nothing when it is valid.
    ///
    /// - throws: The exception that ends the batch.
    mutating func errors(of record: borrowing Record, on tape: Tape) throws(PythonFailure) -> [String] {
        var errors: [String] = []
        if !record.isComplete {
            record.missing { errors.append("Missing required field: \($0)") }
            return errors
        }
        let customer = tape[record.customer]
        guard customer.kind == .object else { throw noGet(customer) }
        if !tape.isTrue(record.customerID) { errors.append("Missing customer_id") }
        if !tape.isTrue(record.email) { errors.append("Missing customer email") }
        try checkItems(record, on: tape, &errors)
        try checkTotal(tape[record.total], on: tape, &errors)

        let timestamp = tape[record.timestamp]
        guard timestamp.kind == .string else {
            throw .exception("'\(timestamp.kind.typeName)' object has no attribute 'replace'")
        }
        if !timestamps.accepts(tape.bytes(timestamp)) { errors.append("Invalid timestamp format") }
        return errors
    }

    private func checkItems(
        _ record: borrowing Record, on tape: Tape, _ errors: inout [String]
    ) throws(PythonFailure) {
        let items = tape[record.lineItems]
        if !tape.isTrue(record.lineItems) { errors.append("No line items in transaction") }
        switch items.kind {
        case .array: break
        // What Python finds in these when it goes through them are strings.
        case .object where items.start > 0, .string where items.count > 0:
            throw .exception("'str' object has no attribute 'get'")
        case .object, .string: return
        default: throw .exception("'\(items.kind.typeName)' object is not iterable")
        }
        for index in 0..<record.itemCount {
            let item = record.items[index]
            if item.unitPrice != 0 {
                let price = try number(tape[item.unitPrice], on: tape, comparedTo: "float")
                if price.exceeds(Validation.maximumUnitPrice) {
                    errors.append("Line item \(index): unit_price exceeds maximum")
                }
            }
            var isInvalid = true
            if item.quantity != 0 {
                let quantity = try number(tape[item.quantity], on: tape, comparedTo: "int")
                isInvalid = quantity.isNotPositive
                if quantity.exceeds(Validation.maximumQuantity) {
                    errors.append("Line item \(index): quantity exceeds maximum")
                }
            }
            if isInvalid { errors.append("Line item \(index): invalid quantity") }
        }
        if record.strayItem != 0 { throw noGet(tape[record.strayItem]) }
    }

    private func checkTotal(_ node: Node, on tape: Tape, _ errors: inout [String]) throws(PythonFailure) {
        let total = try number(node, on: tape, comparedTo: "float")
        if total.exceeds(Validation.maximumTotal) {
            errors.append("Total amount exceeds maximum: \(PythonText.of(node, on: tape))")
        }
        if total.isNotPositive { errors.append("Invalid total amount: \(PythonText.of(node, on: tape))") }
    }

    @inline(__always) private func number(
        _ node: Node, on tape: Tape, comparedTo type: StaticString
    ) throws(PythonFailure) -> PythonNumber {
        if let number = tape.number(node) { return number }
        throw .exception("'>' not supported between instances of '\(node.kind.typeName)' and '\(type)'")
    }

    private func noGet(_ node: Node) -> PythonFailure {
        .exception("'\(node.kind.typeName)' object has no attribute 'get'")
    }
}
