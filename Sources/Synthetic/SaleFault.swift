import Support

/// A way in which a transaction is broken. Every one of them is valid JSON, and none is a valid transaction.
public enum SaleFault: String, Sendable, CaseIterable {
    /// The whole record is null, a text, a number or an array.
    case record
    /// A required field is missing.
    case missing
    /// A required field is null.
    case null
    /// The customer is null.
    case customerNull = "customer-null"
    /// The customer is its id, a text.
    case customerText = "customer-text"
    /// The customer has no id.
    case customerID = "customer-id"
    /// The e-mail address has no `@`.
    case email
    /// There are no items.
    case itemsEmpty = "items-empty"
    /// The items are an object, not an array.
    case itemsType = "items-type"
    /// One of the items is null or a text.
    case item
    /// A quantity is a text.
    case quantityText = "quantity-text"
    /// A quantity is zero or less.
    case quantityRange = "quantity-range"
    /// A price has its currency with it.
    case priceText = "price-text"
    /// The total is below zero.
    case totalNegative = "total-negative"
    /// The total is a text.
    case totalText = "total-text"
    /// The timestamp is none.
    case timestamp
    /// The timestamp is a number of seconds.
    case timestampNumber = "timestamp-number"
    /// The status is a number, a boolean or an array.
    case status

    private static let required = [
        "transaction_id", "timestamp", "customer", "line_items", "subtotal", "tax", "total", "payment_method", "status",
    ]

    /// The transaction that `sale` becomes when it is broken in this way.
    func broken(_ sale: Sale, _ random: inout Randomness) -> JSONText {
        var record = sale.members
        switch self {
        case .record:
            return random.pick([.null, .string(sale.id), .number(17), .array([])])
        case .missing:
            let key = random.pick(SaleFault.required)
            record.removeAll { $0.key == key }
        case .null: record.set(random.pick(SaleFault.required), .null)
        case .customerNull: record.set("customer", .null)
        case .customerText: record.set("customer", .string("CUST-\(sale.customer.number)"))
        case .customerID: record.change("customer") { $0.set("customer_id", "") }
        case .email: record.change("customer") { $0.set("email", .string("\(sale.customer.number) at example.com")) }
        case .itemsEmpty: record.set("line_items", .array([]))
        case .itemsType: record.set("line_items", sale.items[0].text)
        case .item: record.changeItem(of: sale, &random) { random, item in item = random.pick([.null, "PROD-1001"]) }
        case .quantityText:
            record.changeItem(of: sale, &random) { random, item in
                item.set("quantity", random.pick(["two", "3", ""]))
            }
        case .quantityRange:
            record.changeItem(of: sale, &random) { random, item in
                item.set("quantity", random.pick([0, -1, .raw("-2.5"), 1_000_000]))
            }
        case .priceText:
            record.changeItem(of: sale, &random) { _, item in item.set("unit_price", .string("79.99 USD")) }
        case .totalNegative: record.set("total", .money(-sale.total))
        case .totalText: record.set("total", random.pick([.string("n/a"), .string("1,299.00"), .string("12.99")]))
        case .timestamp:
            record.set("timestamp", random.pick(["2025-02-30T10:00:00Z", "yesterday", "15/01/2025 14:23", ""]))
        case .timestampNumber: record.set("timestamp", .number(sale.second))
        case .status: record.set("status", random.pick([.number(1), true, .array(["completed"])]))
        }
        return .object(record)
    }
}

extension Randomness {
    fileprivate mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }
}

extension [(key: String, value: JSONText)] {
    fileprivate mutating func set(_ key: String, _ value: JSONText) {
        guard let index = firstIndex(where: { $0.key == key }) else { return }
        self[index].value = value
    }

    fileprivate mutating func change(_ key: String, _ change: (inout JSONText) -> Void) {
        guard let index = firstIndex(where: { $0.key == key }) else { return }
        change(&self[index].value)
    }

    /// Changes one of the items, whichever.
    fileprivate mutating func changeItem(
        of sale: Sale, _ random: inout Randomness, _ change: (inout Randomness, inout JSONText) -> Void
    ) {
        let place = random.below(sale.itemCount)
        self.change("line_items") { items in
            guard case .array(var lines) = items else { return }
            change(&random, &lines[place])
            items = .array(lines)
        }
    }
}

extension JSONText {
    fileprivate mutating func set(_ key: String, _ value: JSONText) {
        guard case .object(var members) = self else { return }
        members.set(key, value)
        self = .object(members)
    }
}
