/// What stands out among the valid transactions, of whatever status.
struct Anomalies {
    private static let threshold = 5000
    private static let highQuantity = 20
    /// From how many transactions on a customer is a frequent one.
    private static let frequent = 11
    /// How many entries the lists keep: the first ones.
    private static let kept = 20

    private var highValues: [PythonValue] = []
    private var highValueCount = 0
    private var patterns: [PythonValue] = []
    private var patternCount = 0
    private var transactionIDs = KeyTable()
    private var customers = KeyTable()
    private var customerTransactions: [Int] = []
    private var customerSpent: [PythonSum] = []

    /// Takes in a valid transaction. What cannot be a key ends the row where Python would stumble over it.
    mutating func add(_ record: borrowing Record, on tape: Tape) {
        guard let total = tape.number(tape[record.total]) else { return }
        if total.exceeds(Anomalies.threshold) { addHighValue(record, on: tape) }
        guard let id = transactionIDs.find(tape, record.transactionID) else { return }
        if !id.isNew {
            addPattern {
                [
                    "type": .text("duplicate_transaction_id"), "transaction_id": tape.value(record.transactionID),
                    "description": .text("Transaction ID appears multiple times"),
                ]
            }
        }
        guard let customer = customers.find(tape, record.customerID) else { return }
        if customer.isNew {
            customerTransactions.append(0)
            customerSpent.append(PythonSum())
        }
        customerTransactions[customer.index] += 1
        customerSpent[customer.index].add(total)
        for index in 0..<record.itemCount { check(record.items[index], of: record, on: tape) }
    }

    private mutating func addHighValue(_ record: borrowing Record, on tape: Tape) {
        highValueCount += 1
        if highValues.count == Anomalies.kept { return }
        highValues.append(
            .members([
                "transaction_id": tape.value(record.transactionID), "total": tape.value(record.total),
                "timestamp": tape.value(record.timestamp), "customer_id": tape.value(record.customerID),
            ]))
    }

    private mutating func check(_ item: Record.Item, of record: borrowing Record, on tape: Tape) {
        let node = tape[item.quantity]
        guard let quantity = tape.number(node), quantity.exceeds(Anomalies.highQuantity) else { return }
        addPattern {
            [
                "type": .text("high_quantity"), "transaction_id": tape.value(record.transactionID),
                "product": item.productName == 0 ? .null : tape.value(item.productName),
                "quantity": tape.value(item.quantity),
                "description": .text("Unusually high quantity: \(PythonText.of(node, on: tape))"),
            ]
        }
    }

    private mutating func addPattern(_ pattern: () -> KeyValuePairs<String, PythonValue>) {
        patternCount += 1
        if patterns.count < Anomalies.kept { patterns.append(.members(pattern())) }
    }

    /// The report's `anomalies`.
    func report() -> PythonValue {
        let frequent = customerTransactions.indices.filter { customerTransactions[$0] >= Anomalies.frequent }
        return .members([
            "high_value_transactions": .members([
                "count": .integer(highValueCount), "threshold": .real(Double(Anomalies.threshold)),
                "transactions": .list(highValues),
            ]),
            "suspicious_patterns": .members(["count": .integer(patternCount), "patterns": .list(patterns)]),
            "frequent_customers": .members([
                "count": .integer(frequent.count),
                "customers": .list(
                    frequent.map {
                        .members([
                            "customer_id": customers.value($0),
                            "transaction_count": .integer(customerTransactions[$0]),
                            "total_spent": customerSpent[$0].value,
                        ])
                    }),
            ]),
        ])
    }
}
