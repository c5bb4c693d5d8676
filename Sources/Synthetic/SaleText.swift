import Support

extension Sale {
    /// The sale as a tree, from which broken ones are made. Slower than `SaleWriter`, which writes the same.
    var members: [(key: String, value: JSONText)] {
        let land = SalesCatalog.countries[customer.country]
        let first = land.firstNames[customer.firstName]
        let last = land.lastNames[customer.lastName]
        let person: JSONText = [
            "customer_id": .string("CUST-\(customer.number)"),
            "name": .string("\(first.text) \(last.text)"),
            "email": .string("\(first.address).\(last.address).\(customer.number)@example.com"),
            "country": .string(land.name),
            "state": land.states.isEmpty ? nil : .string(land.states[customer.state]),
        ]
        let lines = (0..<itemCount).map { index in items[index].text }
        return [
            ("transaction_id", .string(id)), ("timestamp", .string(Timestamp(second: second).text)),
            ("customer", person), ("line_items", .array(lines)), ("subtotal", .money(subtotal)), ("tax", .money(tax)),
            ("shipping_cost", .money(shipping)), ("total", .money(total)),
            ("payment_method", .string(SalesCatalog.paymentMethods[paymentMethod])),
            ("shipping_method", .string(SalesCatalog.shippingMethods[shippingMethod].name)),
            ("status", .string(SalesCatalog.statuses[status])), ("_is_synthetic_anomaly", .bool(isAnomaly)),
        ]
    }

    /// `550e8400-e29b-41d4-a716-446655440001`
    var id: String {
        func hex(_ bits: UInt64, _ count: Int) -> String {
            let text = String(bits, radix: 16)
            return String(repeating: "0", count: count - text.count) + text
        }
        return [
            hex(idHigh >> 32, 8), hex(idHigh >> 16 & 0xffff, 4), hex(idHigh & 0xffff, 4), hex(idLow >> 48, 4),
            hex(idLow & 0xffff_ffff_ffff, 12),
        ].joined(separator: "-")
    }
}

extension SaleItem {
    var text: JSONText {
        let found = SalesCatalog.products[product]
        return [
            "product_id": .string(found.id), "product_name": .string(found.name), "category": .string(found.category),
            "quantity": .number(quantity), "unit_price": .money(unitPrice), "discount": .money(discount),
            "subtotal": .money(subtotal),
        ]
    }
}

extension JSONText {
    /// Cents, with two digits behind the point.
    static func money(_ cents: Int) -> JSONText {
        let rest = abs(cents) % 100
        return .raw("\(cents < 0 ? "-" : "")\(abs(cents) / 100).\(rest < 10 ? "0" : "")\(rest)")
    }
}
