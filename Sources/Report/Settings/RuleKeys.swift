import Sales
public import Settings

/// What may be written under `rules`: every setting of `SalesRules`.
public enum RuleKeys {
    /// The mapping under `rules`, and a file of rules of its own.
    public static let shape = ObjectShape("set of rules", keys: limits + oddities + meaning + places)

    private static let limits = [
        KeyShape("max_unit_price", .decimal(0...Int.max), "The highest valid unit price", standard: "10000"),
        KeyShape("max_quantity", .decimal(0...Int.max), "The highest valid quantity", standard: "100"),
        KeyShape("max_total", .decimal(0...Int.max), "The highest valid total", standard: "100000"),
        KeyShape("not_before", .text, "The earliest valid time: a date, a time, or none", standard: "2000-01-01"),
        KeyShape(
            "not_after", .text, "The latest valid time: a date, a time, how far in the future it may be (24h), or none",
            standard: "24h"),
        KeyShape(
            "required", .list(.choice(SalesField.allCases.map(\.rawValue))),
            "The fields that a record must have, besides those without which it says nothing"),
        KeyShape("checks", .list(.object(check)), "Further checks, which reject the records that do not pass"),
        KeyShape(
            "max_invalid_rate", .text,
            "The share of rejected records above which an input fails: 0.05 or 5%; no limit "
                + "when not given"),
    ]

    private static let oddities = [
        KeyShape(
            "anomaly_threshold", .decimal(0...Int.max), "The total above which a record is of high value",
            standard: "5000"),
        KeyShape("high_quantity", .decimal(0...Int.max), "The quantity above which an item is odd", standard: "20"),
        KeyShape(
            "frequent_above", .integer(0...Int.max), "A customer with more records than this is frequent",
            standard: "10"),
        KeyShape(
            "percentile", .decimal(0...100), "The percentile of totals above which a record is of high value",
            standard: "95"),
        KeyShape("window", .duration, "How long a window of rapid purchases is", standard: "1h"),
        KeyShape(
            "window_count", .integer(2...Int.max), "How many high-value purchases in a window are suspicious",
            standard: "2"),
        KeyShape("tolerance", .decimal(0...Int.max), "How far sums may be off", standard: "0.01"),
        KeyShape(
            "tax_rate", .decimal(0...Int.max), "The rate that tax is checked against, as 0.08; not when not given"),
    ]

    private static let meaning = [
        KeyShape(
            "revenue_statuses", .list(.text), "The statuses whose records are orders", standard: "completed"),
        KeyShape("currency", .text, "The currency of all amounts", standard: "USD"),
        KeyShape("decimals", .integer(0...6), "How many decimals amounts are written with", standard: "2"),
        KeyShape("caps", .object(ObjectShape("set of caps", keys: caps)), "How long the report's lists are"),
    ]

    private static let caps = [
        KeyShape("errors", .integer(0...100_000), "Rejected records in the report", standard: "50"),
        KeyShape("top", .integer(0...100_000), "Top customers and top products", standard: "10"),
        KeyShape(
            "anomalies", .integer(0...100_000), "High values, frequent customers, and suspicious patterns of a type",
            standard: "20"),
        KeyShape("details", .integer(0...100_000), "Customers and products with all figures", standard: "100"),
    ]

    private static let places = [
        KeyShape(
            "transactions", .text, "Where the array of transactions is in a document, as keys with dots between them",
            standard: "transactions"),
        KeyShape("batch_id", .text, "Where the batch's id is in a document", standard: "batch_id"),
        KeyShape(
            "fields",
            .object(
                ObjectShape(
                    "set of fields",
                    keys: SalesField.allCases.map { field in
                        let paths = (SalesLayout().paths[field] ?? []).map { FieldPath.text($0) }
                        return KeyShape(
                            field.rawValue, .list(.text),
                            "Where \(field.rawValue) is, as keys with dots between them"
                                + (field.isInItem ? ", from the item or from the record" : ""),
                            standard: paths.joined(separator: " or "))
                    })),
            "Where the fields are in a record; of several places the first with a value counts"),
    ]

    private static let check = ObjectShape(
        "check",
        keys: [
            KeyShape("path", .text, "Where the value is: country, customer.country, line_items.sku", required: true),
            KeyShape("required", .boolean, "Whether the value must be there and not null"),
            KeyShape("min", .decimal(Int.min...Int.max), "The least number"),
            KeyShape("max", .decimal(Int.min...Int.max), "The greatest number"),
            KeyShape("one_of", .list(.text), "The values that there may be"),
            KeyShape("pattern", .text, "An extended regular expression that the text has to match"),
            KeyShape("equals", .list(.text), "The places of numbers whose sum it has to be"),
            KeyShape("tolerance", .decimal(0...Int.max), "How far that sum may be off; the rules' when not given"),
        ])

    /// The words of a check that each say something of the value.
    static let conditions = ["required", "min", "max", "one_of", "pattern", "equals"]
}
