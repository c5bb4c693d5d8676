/// What a `sales/1` report holds: docs/report.md says what each part means. Amounts are rounded already.
public struct SalesReport: Sendable {
    /// The batch, as the document names it; nil when it does not.
    public var batch: SalesReport.BatchID?
    /// When the report was made, in microseconds since 1970.
    public var processedAt: Int64 = 0
    /// How long that took.
    public var processingSeconds: Double = 0
    /// What was read, by name.
    public var inputs: [Input] = []
    /// The currency of all amounts.
    public var currency = "USD"
    /// How many decimals amounts are written with.
    public var decimals = 2
    /// Which rules it was made with: equal rules have equal fingerprints.
    public var rules = ""
    /// How many records were read.
    public var records = 0
    /// How many of them were valid.
    public var valid = 0
    /// The first rejected records.
    public var errors: [Rejection] = []
    /// Totals over all orders.
    public var summary = Summary()
    /// The customers who spent most.
    public var topCustomers: [Customer] = []
    /// The products that brought most.
    public var topProducts: [Product] = []
    /// What each category brought, highest first.
    public var categories: [(name: String, revenue: Amount)] = []
    /// Totals by day, in order.
    public var daily: [Period] = []
    /// Totals by month, in order.
    public var monthly: [Period] = []
    /// How many customers ordered.
    public var customerCount = 0
    /// How many of them more than once.
    public var returningCustomers = 0
    /// The customers with the highest totals.
    public var customers: [Customer] = []
    /// How many products were ordered.
    public var productCount = 0
    /// The products with the highest revenue.
    public var products: [Product] = []
    /// How often each status occurs.
    public var statuses: [Share] = []
    /// How often each payment method occurs.
    public var payments: [Share] = []
    /// How often each shipping method occurs.
    public var shippings: [Share] = []
    /// What looks odd.
    public var anomalies = Anomalies()

    /// An empty report.
    public init() {}

    /// A batch's id: text, or a number as it was written.
    public enum BatchID: Sendable, Equatable {
        /// Text.
        case text(String)
        /// A number's literal.
        case number(String)
    }

    /// One input of the report.
    public struct Input: Sendable, Equatable {
        /// Its name.
        public var file: String
        /// The batch that it says it is.
        public var batch: BatchID?
        /// How many records it has.
        public var records: Int
        /// How many of them are valid.
        public var valid: Int
    }

    /// A record that was rejected.
    public struct Rejection: Sendable, Equatable {
        /// The input that it is in.
        public var file: String
        /// Its place in the input, from 0.
        public var index: Int
        /// Its id, when it has one.
        public var transaction: String?
        /// Why.
        public var reasons: [String]
    }

    /// Totals over all orders.
    public struct Summary: Sendable, Equatable {
        /// How many orders there are.
        public var orders = 0
        /// The sum of their totals.
        public var revenue = Amount()
        /// The sum of their taxes.
        public var tax = Amount()
        /// The sum of their shipping costs.
        public var shipping = Amount()
        /// How many pieces were ordered.
        public var items = Amount()
        /// Revenue by order.
        public var averageOrder = Amount()
        /// Tax by order.
        public var averageTax = Amount()
        /// Shipping by order.
        public var averageShipping = Amount()
    }

    /// A customer's orders.
    public struct Customer: Sendable, Equatable {
        /// The id.
        public var id: String
        /// The latest name, if there is any.
        public var name: String?
        /// How many orders.
        public var orders: Int
        /// What they come to.
        public var total: Amount
        /// What one comes to.
        public var mean: Amount
        /// The first, in microseconds since 1970.
        public var first: Int64
        /// The last, in microseconds since 1970.
        public var last: Int64
        /// How many days lie between two, in hundredths; nil with one order.
        public var daysBetween: Amount?
    }

    /// A product's sales.
    public struct Product: Sendable, Equatable {
        /// The id, or the name of a product without one.
        public var id: String
        /// The latest name, if there is any.
        public var name: String?
        /// The latest category.
        public var category: String
        /// How many were sold.
        public var units: Amount
        /// What they brought.
        public var revenue: Amount
        /// How many orders have it.
        public var orders: Int
        /// What one cost.
        public var meanPrice: Amount
        /// Its part of all revenue, in percent; nil when there is none.
        public var share: Amount?
    }

    /// A day or a month.
    public struct Period: Sendable, Equatable {
        /// `2025-01-15` or `2025-01`.
        public var name: String
        /// How many orders.
        public var orders: Int
        /// The sum of their totals.
        public var revenue: Amount
        /// The sum of their taxes.
        public var tax: Amount
        /// The sum of their shipping costs.
        public var shipping: Amount
        /// How many pieces.
        public var items: Amount
    }

    /// How often something occurs among valid records.
    public struct Share: Sendable, Equatable {
        /// What it is.
        public var name: String
        /// How often.
        public var count: Int
        /// The sum of the totals.
        public var total: Amount
    }

    /// What looks odd.
    public struct Anomalies: Sendable {
        /// Which percentile counts as high, such as `95`.
        public var rank = "95"
        /// Its value; nil without records.
        public var percentile: Amount?
        /// The fixed limit above which a total is high.
        public var threshold = Amount()
        /// How many records are above either limit.
        public var high = 0
        /// How many are above the percentile.
        public var abovePercentile = 0
        /// How many are above the fixed limit.
        public var aboveThreshold = 0
        /// The highest.
        public var highValues: [HighValue] = []
        /// How many suspicious patterns of each type there are, in the report's order.
        public var counts: [(type: PatternType, count: Int)] = []
        /// The most telling of each type.
        public var patterns: [Pattern] = []
        /// How many customers are frequent.
        public var frequentCount = 0
        /// The most frequent.
        public var frequent: [Customer] = []
        /// The window of rapid purchases, as the concern names it.
        public var window = "1 hour"
    }

    /// A transaction with a high total.
    public struct HighValue: Sendable, Equatable {
        /// The transaction.
        public var transaction: String
        /// Its customer.
        public var customer: String
        /// Its time, in microseconds since 1970.
        public var time: Int64
        /// Its total.
        public var total: Amount
        /// Whether it is above the percentile; else above the fixed limit alone.
        public var isAbovePercentile: Bool
        /// Whether it is above the fixed limit.
        public var isAboveThreshold: Bool
    }

    /// The kinds of suspicious patterns, in the report's order.
    public enum PatternType: String, Sendable, CaseIterable {
        case rapid = "rapid_high_value"
        case duplicate = "duplicate_transaction_id"
        case quantity = "high_quantity"
        case line = "line_mismatch"
        case subtotal = "subtotal_mismatch"
        case tax = "tax_mismatch"
        case total = "total_mismatch"
    }

    /// Something suspicious. Which parts it has depends on its type.
    public struct Pattern: Sendable, Equatable {
        /// What kind.
        public var type: PatternType
        /// In words.
        public var concern: String
        /// The transaction.
        public var transaction: String?
        /// The customer.
        public var customer: String?
        /// The product.
        public var product: String?
        /// The item's place in its transaction, from 0.
        public var line: Int?
        /// How often.
        public var count: Int?
        /// The sum over a window.
        public var total: Amount?
        /// The unusual quantity.
        public var quantity: Amount?
        /// What it should be.
        public var expected: Amount?
        /// What it is.
        public var found: Amount?
        /// The window's first purchase, in microseconds since 1970.
        public var from: Int64?
        /// The window's last purchase.
        public var to: Int64?

        /// A pattern of which only the kind is known yet.
        public init(_ type: PatternType, _ concern: String) {
            self.type = type
            self.concern = concern
        }
    }
}
