import Columns
import Sales
import Support

/// One of the tables of a report, whole.
struct ReportTable: Sendable {
    /// Its name: `daily`.
    let name: String
    /// Its rows.
    let batch: RecordBatch

    /// The names of all tables, in the order in which they are written.
    static let names = ["daily", "monthly", "customers", "products", "categories", "anomalies", "errors"]

    /// The tables of `report`, whose lists are whole. `input` is the first column of each; null of several inputs.
    static func all(of report: SalesReport, input: String?) -> [ReportTable] {
        let decimals = report.decimals
        return [
            periods("daily", report.daily, input, decimals), periods("monthly", report.monthly, input, decimals),
            customers(report.customers, input, decimals), products(report.products, input, decimals),
            categories(report, input), anomalies(report, input), errors(report.errors, input),
        ]
    }

    // MARK: Each

    private static func periods(
        _ name: String, _ rows: [SalesReport.Period], _ input: String?, _ decimals: Int
    ) -> ReportTable {
        var table = TableMaker(name, rows, input, decimals)
        if name == "daily" {
            table.day("date") { $0.name }
        } else {
            table.text("month") { $0.name }
        }
        table.integer("orders") { $0.orders }
        table.amount("revenue") { $0.revenue }
        table.amount("tax") { $0.tax }
        table.amount("shipping") { $0.shipping }
        table.quantity("items") { $0.items }
        return table.finish()
    }

    private static func customers(
        _ rows: [SalesReport.Customer], _ input: String?, _ decimals: Int
    ) -> ReportTable {
        var table = TableMaker("customers", rows, input, decimals)
        table.text("customer_id") { $0.id }
        table.text("name") { $0.name }
        table.integer("orders") { $0.orders }
        table.amount("total") { $0.total }
        table.amount("mean") { $0.mean }
        table.time("first_at") { $0.first }
        table.time("last_at") { $0.last }
        table.amount("mean_days_between", places: 2) { $0.daysBetween }
        return table.finish()
    }

    private static func products(_ rows: [SalesReport.Product], _ input: String?, _ decimals: Int) -> ReportTable {
        var table = TableMaker("products", rows, input, decimals)
        table.text("product_id") { $0.id }
        table.text("product_name") { $0.name }
        table.text("category") { $0.category }
        table.quantity("units_sold") { $0.units }
        table.amount("revenue") { $0.revenue }
        table.integer("orders") { $0.orders }
        table.amount("mean_price") { $0.meanPrice }
        table.amount("share", places: 2) { $0.share }
        return table.finish()
    }

    private static func categories(_ report: SalesReport, _ input: String?) -> ReportTable {
        var table = TableMaker("categories", report.categories, input, report.decimals)
        table.text("category") { $0.name }
        table.amount("revenue") { $0.revenue }
        return table.finish()
    }

    /// Patterns, high values and frequent customers: what they have in common has one column.
    private static func anomalies(_ report: SalesReport, _ input: String?) -> ReportTable {
        let found = report.anomalies
        let percentile = "Exceeds \(found.rank)th percentile"
        var rows = found.patterns.map { Oddity($0) }
        rows += found.highValues.map { Oddity($0, $0.isAbovePercentile ? percentile : "Exceeds threshold") }
        rows += found.frequent.map { Oddity($0) }
        var table = TableMaker("anomalies", rows, input, report.decimals)
        table.text("type") { $0.type }
        table.text("concern") { $0.concern }
        table.text("transaction_id") { $0.transaction }
        table.text("customer_id") { $0.customer }
        table.text("product_id") { $0.product }
        table.integer("line") { $0.line }
        table.integer("count") { $0.count }
        table.quantity("quantity") { $0.quantity }
        table.amount("total") { $0.total }
        table.amount("expected") { $0.expected }
        table.amount("found") { $0.found }
        table.time("from_at") { $0.from }
        table.time("to_at") { $0.to }
        return table.finish()
    }

    private static func errors(_ rows: [SalesReport.Rejection], _ input: String?) -> ReportTable {
        var table = TableMaker("errors", rows, nil, 0)
        // Of several inputs, each of these is known by its own.
        table.replaceInput { $0.file }
        table.integer("record_index") { $0.index }
        table.text("transaction_id") { $0.transaction }
        table.text("errors") { $0.reasons.joined(separator: "; ") }
        return table.finish()
    }
}

/// Anything odd, as a row.
private struct Oddity {
    var type: String
    var concern: String?
    var transaction: String?
    var customer: String?
    var product: String?
    var line: Int?
    var count: Int?
    var quantity: Amount?
    var total: Amount?
    var expected: Amount?
    var found: Amount?
    var from: Int64?
    var to: Int64?

    init(_ pattern: SalesReport.Pattern) {
        type = pattern.type.rawValue
        concern = pattern.concern
        transaction = pattern.transaction
        customer = pattern.customer
        product = pattern.product
        line = pattern.line
        count = pattern.count
        quantity = pattern.quantity
        total = pattern.total
        expected = pattern.expected
        found = pattern.found
        from = pattern.from
        to = pattern.to
    }

    init(_ value: SalesReport.HighValue, _ reason: String) {
        type = "high_value"
        concern = reason
        transaction = value.transaction
        customer = value.customer
        total = value.total
        from = value.time
        to = value.time
    }

    init(_ customer: SalesReport.Customer) {
        type = "frequent_customer"
        self.customer = customer.id
        count = customer.orders
        total = customer.total
        from = customer.first
        to = customer.last
    }
}

/// Makes a table of rows, a column at a time.
private struct TableMaker<Row> {
    private let name: String
    private let rows: [Row]
    private let decimals: Int
    private var fields: [Field] = []
    private var columns: [Column] = []

    /// How many digits a sum may have in databases.
    private static var precision: Int { 38 }
    /// The places of quantities, which have no currency to say so.
    private static var quantityPlaces: Int { 6 }

    init(_ name: String, _ rows: [Row], _ input: String?, _ decimals: Int) {
        self.name = name
        self.rows = rows
        self.decimals = decimals
        text("input") { _ in input }
    }

    mutating func replaceInput(_ value: (Row) -> String?) {
        fields = []
        columns = []
        text("input", value)
    }

    mutating func text(_ name: String, _ value: (Row) -> String?) {
        let builder = BytesBuilder(.utf8, capacity: rows.count)
        for row in rows {
            if let text = value(row) { builder.append(text) } else { builder.appendNull() }
        }
        add(name, builder.finish())
    }

    mutating func integer(_ name: String, _ value: (Row) -> Int?) {
        fixed(name, .int64) { value($0).map { Int64($0) } }
    }

    mutating func time(_ name: String, _ value: (Row) -> Int64?) {
        fixed(name, .timestamp(.microsecond, zone: "UTC"), value)
    }

    mutating func day(_ name: String, _ value: (Row) -> String) {
        fixed(name, .date) { row -> Int32? in
            var text = value(row)
            return text.withUTF8 { TextParser.date(UnsafeRawBufferPointer($0)) }
        }
    }

    mutating func amount(_ name: String, places: Int? = nil, _ value: (Row) -> Amount?) {
        let places = places ?? decimals
        let unit = (places..<Amount.places).reduce(Int128(1)) { product, _ in product * 10 }
        fixed(name, .decimal(precision: Self.precision, scale: places)) {
            value($0).map { $0.rounded(places).raw / unit }
        }
    }

    mutating func quantity(_ name: String, _ value: (Row) -> Amount?) {
        amount(name, places: Self.quantityPlaces, value)
    }

    private mutating func fixed<T: BitwiseCopyable>(_ name: String, _ type: DataType, _ value: (Row) -> T?) {
        let builder = FixedBuilder<T>(type, capacity: rows.count) { _ in nil }
        for row in rows {
            if let number = value(row) { builder.append(number) } else { builder.appendNull() }
        }
        add(name, builder.finish())
    }

    private mutating func add(_ name: String, _ column: Column) {
        fields.append(Field(name, column.type))
        columns.append(column)
    }

    func finish() -> ReportTable {
        ReportTable(
            name: name, batch: RecordBatch(schema: Schema(fields), columns: columns, rowCount: rows.count))
    }
}
