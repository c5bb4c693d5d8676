public import Support

extension SalesReport {
    /// The document, as docs/report.md describes it.
    public var document: JSONText {
        var members: [(key: String, value: JSONText)] = [
            ("batch_id", batch?.json ?? .null),
            ("processed_at", .string(SalesReport.time(processedAt))),
            (
                "processing_time_seconds",
                .raw(Amount(raw: Int128(processingSeconds * 1000) * (Amount.one / 1000)).text(3))
            ),
            ("input_file", inputs.count == 1 ? .string(inputs[0].file) : .null),
            ("format", "sales/1"),
            ("currency", .string(currency)),
            ("rules", .string(rules)),
        ]
        if inputs.count != 1 {
            members.append(("inputs", .array(inputs.map(\.json))))
        }
        members += [
            ("validation", validation),
            ("summary", summary.json(customers: customerCount, decimals)),
            ("top_customers", .array(topCustomers.map { $0.ranking(decimals) })),
            ("top_products", .array(topProducts.map { $0.ranking(decimals) })),
            ("revenue_by_category", .object(categories.map { ($0.name, money($0.revenue)) })),
            ("daily", .array(daily.map { $0.json("date", decimals) })),
            ("monthly", .array(monthly.map { $0.json("month", decimals) })),
            ("customers", customersJSON),
            (
                "products",
                ["count": .number(productCount), "list": .array(products.map { $0.json(decimals) })]
            ),
            ("status_breakdown", breakdown(statuses)),
            ("payment_methods", breakdown(payments)),
            ("shipping_methods", breakdown(shippings)),
            ("anomalies", anomaliesJSON),
            ("status", "success"),
        ]
        return .object(members)
    }

    /// The document's text, indented by two spaces.
    public func json() -> String { document.text(pretty: true) + "\n" }

    /// `2025-01-15T14:23:45Z`, with six decimals when there is a fraction.
    public static func time(_ microseconds: Int64) -> String {
        let iso = Moment(microseconds: microseconds).iso
        return microseconds % 1_000_000 == 0 ? iso.prefix(19) + "Z" : iso
    }

    private func money(_ amount: Amount) -> JSONText { .raw(amount.text(decimals)) }

    private var validation: JSONText {
        [
            "total_transactions": .number(records),
            "valid_transactions": .number(valid),
            "invalid_transactions": .number(records - valid),
            "validation_errors": .array(
                errors.map { error in
                    .members([
                        "file": inputs.count == 1 ? nil : .string(error.file),
                        "index": .number(error.index),
                        "transaction_id": error.transaction.map { .string($0) } ?? .null,
                        "errors": .array(error.reasons.map { .string($0) }),
                    ])
                }),
        ]
    }

    private var customersJSON: JSONText {
        let orders = Amount(summary.orders)
        return [
            "count": .number(customerCount),
            "returning": .number(returningCustomers),
            "orders_per_customer": .raw(orders.divided(by: Amount(customerCount), 2).text(2)),
            "list": .array(customers.map { $0.json(decimals) }),
        ]
    }

    private func breakdown(_ shares: [Share]) -> JSONText {
        .object(shares.map { ($0.name, ["count": .number($0.count), "total": money($0.total)]) })
    }

    private var anomaliesJSON: JSONText {
        [
            "percentile": anomalies.percentile.map {
                ["rank": .raw(anomalies.rank), "value": money($0), "method": "nearest rank"]
            } ?? .null,
            "high_value": [
                "count": .number(anomalies.high), "above_percentile": .number(anomalies.abovePercentile),
                "above_threshold": .number(anomalies.aboveThreshold), "threshold": money(anomalies.threshold),
            ],
            "high_value_transactions": .array(
                anomalies.highValues.map { value in
                    [
                        "transaction_id": .string(value.transaction), "customer_id": .string(value.customer),
                        "timestamp": .string(SalesReport.time(value.time)), "total": money(value.total),
                        "reason": .string(
                            value.isAbovePercentile
                                ? "Exceeds \(anomalies.rank)\(ordinal(anomalies.rank)) percentile" : "Exceeds threshold"
                        ),
                        "above_threshold": .bool(value.isAboveThreshold),
                    ]
                }),
            "suspicious_counts": .object(anomalies.counts.map { ($0.type.rawValue, .number($0.count)) }),
            "suspicious_patterns": .array(anomalies.patterns.map { $0.json(decimals) }),
            "frequent_customer_count": .number(anomalies.frequentCount),
            "frequent_customers": .array(
                anomalies.frequent.map { customer in
                    [
                        "customer_id": .string(customer.id), "name": customer.name.map { .string($0) } ?? .null,
                        "transaction_count": .number(customer.orders), "total_spent": money(customer.total),
                        "first": .string(SalesReport.time(customer.first)),
                        "last": .string(SalesReport.time(customer.last)),
                    ]
                }),
        ]
    }

    /// `st`, `nd`, `rd` or `th`.
    private func ordinal(_ rank: String) -> String {
        if rank.contains(".") || rank.hasSuffix("11") || rank.hasSuffix("12") || rank.hasSuffix("13") { return "th" }
        return switch rank.last {
        case "1": "st"
        case "2": "nd"
        case "3": "rd"
        default: "th"
        }
    }
}

extension SalesReport.BatchID {
    /// As it was in the document.
    public var json: JSONText {
        switch self {
        case .text(let text): .string(text)
        case .number(let literal): .raw(literal)
        }
    }
}

extension SalesReport.Input {
    fileprivate var json: JSONText {
        [
            "file": .string(file), "batch_id": batch?.json ?? .null, "total_transactions": .number(records),
            "valid_transactions": .number(valid), "invalid_transactions": .number(records - valid),
        ]
    }
}

extension SalesReport.Summary {
    fileprivate func json(customers: Int, _ decimals: Int) -> JSONText {
        func money(_ amount: Amount) -> JSONText { .raw(amount.text(decimals)) }
        return [
            "orders": .number(orders), "total_revenue": money(revenue), "total_tax": money(tax),
            "total_shipping": money(shipping), "total_items": .raw(items.plain),
            "average_order_value": money(averageOrder), "average_tax": money(averageTax),
            "average_shipping": money(averageShipping), "unique_customers": .number(customers),
        ]
    }
}

extension SalesReport.Customer {
    fileprivate func ranking(_ decimals: Int) -> JSONText {
        [
            "customer_id": .string(id), "name": name.map { .string($0) } ?? .null,
            "total_spent": .raw(total.text(decimals)), "order_count": .number(orders),
        ]
    }

    fileprivate func json(_ decimals: Int) -> JSONText {
        [
            "customer_id": .string(id), "name": name.map { .string($0) } ?? .null, "orders": .number(orders),
            "total": .raw(total.text(decimals)), "mean": .raw(mean.text(decimals)),
            "first": .string(SalesReport.time(first)), "last": .string(SalesReport.time(last)),
            "mean_days_between": daysBetween.map { .raw($0.text(2)) } ?? .null,
        ]
    }
}

extension SalesReport.Product {
    fileprivate func ranking(_ decimals: Int) -> JSONText {
        [
            "product_id": .string(id), "product_name": name.map { .string($0) } ?? .null,
            "category": .string(category), "units_sold": .raw(units.plain), "revenue": .raw(revenue.text(decimals)),
        ]
    }

    fileprivate func json(_ decimals: Int) -> JSONText {
        [
            "product_id": .string(id), "product_name": name.map { .string($0) } ?? .null,
            "category": .string(category), "units_sold": .raw(units.plain), "revenue": .raw(revenue.text(decimals)),
            "orders": .number(orders), "mean_price": .raw(meanPrice.text(decimals)),
            "share": share.map { .raw($0.text(2)) } ?? .null,
        ]
    }
}

extension SalesReport.Period {
    fileprivate func json(_ key: String, _ decimals: Int) -> JSONText {
        .object([
            (key, .string(name)), ("orders", .number(orders)), ("revenue", .raw(revenue.text(decimals))),
            ("tax", .raw(tax.text(decimals))), ("shipping", .raw(shipping.text(decimals))),
            ("items", .raw(items.plain)),
        ])
    }
}

extension SalesReport.Pattern {
    fileprivate func json(_ decimals: Int) -> JSONText {
        .members([
            "type": .string(type.rawValue), "concern": .string(concern),
            "customer_id": customer.map { .string($0) },
            "transaction_id": transaction.map { .string($0) },
            "product_id": product.map { .string($0) },
            "line": line.map { .number($0) },
            "count": count.map { .number($0) },
            "total": total.map { .raw($0.text(decimals)) },
            "quantity": quantity.map { .raw($0.plain) },
            "expected": expected.map { .raw($0.text(decimals)) },
            "found": found.map { .raw($0.text(decimals)) },
            "from": from.map { .string(SalesReport.time($0)) },
            "to": to.map { .string(SalesReport.time($0)) },
        ])
    }
}
