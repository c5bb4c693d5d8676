/// Sums and counts over the valid transactions. A row that Python would stumble over is abandoned where it would: what
/// was counted of it until then stays counted.
struct Aggregates {
    private var transactions = 0
    private var completed = 0
    private var revenue = 0.0
    private var tax = 0.0
    private var shipping = 0.0
    private var statuses = Counts()
    private var paymentMethods = Counts()
    private var shippingMethods = Counts()
    private var categories = KeyTable()
    private var categoryRevenue: [Double] = []
    private var customers = KeyTable()
    private var customerRevenue: [Double] = []
    private var customerOrders: [Int] = []
    private var products = KeyTable()
    private var productRevenue: [Double] = []
    private var productQuantity: [PythonSum] = []

    /// Takes in a valid transaction.
    mutating func add(_ record: borrowing Record, on tape: Tape) {
        transactions += 1
        guard statuses.add(tape, record.status) else { return }
        let status = tape[record.status]
        if status.kind == .string, tape.isText(status, "completed") {
            guard addSale(record, on: tape) else { return }
        }
        guard paymentMethods.add(tape, record.paymentMethod) else { return }
        _ = shippingMethods.add(tape, record.shippingMethod)
    }

    /// Takes in what only completed transactions count for; false when the row is abandoned.
    private mutating func addSale(_ record: borrowing Record, on tape: Tape) -> Bool {
        completed += 1
        guard let total = tape.number(tape[record.total])?.double else { return false }
        revenue += total
        guard let tax = tape.number(tape[record.tax])?.double else { return false }
        self.tax += tax
        if record.shippingCost != 0 {
            guard let cost = tape.number(tape[record.shippingCost])?.double else { return false }
            shipping += cost
        }
        guard let customer = customers.find(tape, record.customerID) else { return false }
        if customer.isNew {
            customerRevenue.append(0)
            customerOrders.append(0)
        }
        customerRevenue[customer.index] += total
        customerOrders[customer.index] += 1
        for index in 0..<record.itemCount where !addItem(record.items[index], on: tape) { return false }
        return true
    }

    private mutating func addItem(_ item: Record.Item, on tape: Tape) -> Bool {
        guard let category = categories.find(tape, item.category, or: "Unknown") else { return false }
        if category.isNew { categoryRevenue.append(0) }
        var subtotal = 0.0
        if item.subtotal != 0 {
            guard let number = tape.number(tape[item.subtotal])?.double else { return false }
            subtotal = number
        }
        categoryRevenue[category.index] += subtotal
        guard let product = products.find(tape, item.productName, or: "Unknown") else { return false }
        if product.isNew {
            productRevenue.append(0)
            productQuantity.append(PythonSum())
        }
        productRevenue[product.index] += subtotal
        if let quantity = tape.number(tape[item.quantity]) { productQuantity[product.index].add(quantity) }
        return true
    }

    // MARK: - The report

    /// The report's `analytics`.
    func report() -> PythonValue {
        let byCategory = StableOrder.descending(categoryRevenue)
        let byRevenue = StableOrder.descending(productRevenue).prefix(10)
        let byQuantity = StableOrder.descending(productQuantity.map(\.double)).prefix(10)
        return .members([
            "summary": summary(),
            "status_breakdown": statuses.report(),
            "revenue_by_category": .object(byCategory.map { (categories.name($0), rounded(categoryRevenue[$0])) }),
            "top_customers": .list(
                StableOrder.descending(customerRevenue).prefix(10).map {
                    .members([
                        "customer_id": customers.value($0), "total_revenue": rounded(customerRevenue[$0]),
                        "order_count": .integer(customerOrders[$0]),
                    ])
                }),
            "top_products_by_revenue": .list(
                byRevenue.map {
                    .members([
                        "product": products.value($0), "revenue": rounded(productRevenue[$0]),
                        "quantity_sold": productQuantity[$0].value,
                    ])
                }),
            "top_products_by_quantity": .list(
                byQuantity.map {
                    .members([
                        "product": products.value($0), "quantity_sold": productQuantity[$0].value,
                        "revenue": rounded(productRevenue[$0]),
                    ])
                }),
            "payment_methods": paymentMethods.report(),
            "shipping_methods": shippingMethods.report(),
        ])
    }

    private func summary() -> PythonValue {
        .members([
            "total_transactions": .integer(transactions),
            "completed_transactions": .integer(completed),
            "total_revenue": rounded(revenue),
            "total_tax": rounded(tax),
            "total_shipping": rounded(shipping),
            "average_order_value": average(revenue),
            "average_tax": average(tax),
            "average_shipping": average(shipping),
        ])
    }

    private func average(_ sum: Double) -> PythonValue {
        completed == 0 ? .integer(0) : rounded(sum / Double(completed))
    }

    private func rounded(_ value: Double) -> PythonValue { .real(PythonFloat.round2(value)) }
}

/// How often each key came, in the order in which they came.
struct Counts {
    private var keys = KeyTable()
    private var counts: [Int] = []

    /// Counts the value at `place`, or `Unknown` when there is none; false when it cannot be a key.
    mutating func add(_ tape: Tape, _ place: Int) -> Bool {
        guard let key = keys.find(tape, place, or: "Unknown") else { return false }
        if key.isNew { counts.append(0) }
        counts[key.index] += 1
        return true
    }

    /// The counts as an object.
    func report() -> PythonValue { .object(counts.indices.map { (keys.name($0), .integer(counts[$0])) }) }
}
