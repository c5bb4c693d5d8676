/// What counts as valid, as revenue and as odd; the defaults are those of docs/report.md.
public struct SalesRules: Sendable, Equatable {
    /// The highest valid unit price.
    public var maxUnitPrice = Amount(10_000)
    /// The highest valid quantity.
    public var maxQuantity = Amount(100)
    /// The highest valid total.
    public var maxTotal = Amount(100_000)
    /// The total above which a record is of high value.
    public var anomalyThreshold = Amount(5000)
    /// The quantity above which an item is unusual.
    public var highQuantity = Amount(20)
    /// A customer with more valid records than this is frequent.
    public var frequentAbove = 10
    /// Which percentile of the totals counts as high: above 0, at most 100.
    public var percentile = Amount(95)
    /// How long a window of rapid purchases is, in microseconds.
    public var window: Int64 = 3_600_000_000
    /// How many high-value purchases in a window are suspicious.
    public var windowCount = 2
    /// How far sums may be off.
    public var tolerance = Amount(raw: Amount.one / 100)
    /// The tax rate that tax is checked against; nil for no such check.
    public var taxRate: Amount?
    /// The statuses whose records are orders.
    public var revenueStatuses = ["completed"]
    /// The currency of all amounts.
    public var currency = "USD"
    /// How many decimals amounts are written with, 0 … 6.
    public var decimals = 2
    /// The earliest valid time, in microseconds since 1970; nil for none.
    public var notBefore: Int64? = 946_684_800_000_000
    /// The latest valid time.
    public var notAfter: Latest = .afterNow(86_400_000_000)
    /// The fields that must be there, beyond those without which a record is not understood.
    public var required: Set<SalesField> = SalesField.requiredByDefault
    /// Where the fields are.
    public var layout = SalesLayout()
    /// Further checks.
    public var checks: [SalesCheck] = []
    /// How long lists are.
    public var caps = Caps()
    /// The share of invalid records above which the report fails; nil for no limit.
    public var maxInvalidRate: Amount?

    /// The rules by default.
    public init() {}

    /// The latest valid time.
    public enum Latest: Sendable, Equatable {
        /// Any time is valid.
        case any
        /// This moment, in microseconds since 1970.
        case moment(Int64)
        /// So many microseconds after the time of processing.
        case afterNow(Int64)
    }

    /// How long lists are.
    public struct Caps: Sendable, Equatable {
        /// Validation errors in the report; the file of rejects has them all.
        public var errors = 50
        /// Top customers and top products.
        public var top = 10
        /// High values, frequent customers, and suspicious patterns of a type.
        public var anomalies = 20
        /// Customers and products with all figures.
        public var details = 100

        /// The caps by default.
        public init() {}
    }
}

/// The fields of a record and of its items, in the order in which reasons are told.
public enum SalesField: String, Sendable, CaseIterable {
    case transactionID = "transaction_id"
    case timestamp
    case customer
    case customerID = "customer_id"
    case customerName = "customer_name"
    case email
    case lineItems = "line_items"
    case productID = "product_id"
    case productName = "product_name"
    case category
    case quantity
    case unitPrice = "unit_price"
    case discount
    case itemSubtotal = "item_subtotal"
    case subtotal
    case tax
    case shipping
    case total
    case paymentMethod = "payment_method"
    case shippingMethod = "shipping_method"
    case status
    case currency

    /// What is required unless settings say otherwise.
    public static let requiredByDefault: Set<SalesField> = [
        .transactionID, .timestamp, .customer, .customerID, .email, .lineItems, .quantity, .unitPrice, .itemSubtotal,
        .subtotal, .tax, .total, .paymentMethod, .status,
    ]

    /// Without these there is nothing to compute, whatever the settings.
    public static let alwaysRequired: Set<SalesField> = [
        .transactionID, .timestamp, .customer, .customerID, .lineItems, .quantity, .itemSubtotal, .subtotal, .total,
        .status,
    ]

    /// Whether it is in an item.
    public var isInItem: Bool {
        switch self {
        case .productID, .productName, .category, .quantity, .unitPrice, .discount, .itemSubtotal: true
        default: false
        }
    }
}

/// Where the fields are in a document.
public struct SalesLayout: Sendable, Equatable {
    /// The keys that lead to the array of transactions.
    public var transactions = ["transactions"]
    /// The keys that lead to the batch's id.
    public var batchID = ["batch_id"]
    /// For each field the paths at which it may be, each a list of keys; of an item's field, from the item.
    public var paths: [SalesField: [[String]]] = [
        .transactionID: [["transaction_id"]], .timestamp: [["timestamp"]], .customer: [["customer"]],
        .customerID: [["customer", "customer_id"]], .customerName: [["customer", "name"]],
        .email: [["customer", "email"]], .lineItems: [["line_items"]], .productID: [["product_id"]],
        .productName: [["product_name"]], .category: [["category"]], .quantity: [["quantity"]],
        .unitPrice: [["unit_price"]], .discount: [["discount"]], .itemSubtotal: [["subtotal"]],
        .subtotal: [["subtotal"]], .tax: [["tax"]], .shipping: [["shipping_cost"], ["shipping"]],
        .total: [["total"]], .paymentMethod: [["payment_method"]], .shippingMethod: [["shipping_method"]],
        .status: [["status"]], .currency: [["currency"]],
    ]

    /// The sample document's layout.
    public init() {}
}

/// A further check of the simple kind, which rejects the records that do not pass.
public struct SalesCheck: Sendable, Equatable {
    /// Where the value is: keys from the record, or from each item when `isInItems`.
    public var path: [String]
    /// Whether the check is made on every item.
    public var isInItems: Bool
    /// What has to hold.
    public var kind: Kind

    /// What has to hold of a value.
    public enum Kind: Sendable, Equatable {
        /// The value is there and not null.
        case required
        /// A number within limits.
        case range(min: Amount?, max: Amount?)
        /// A string that is one of these, or a number, true or false that is written like one of them.
        case oneOf([String])
        /// A string that an extended regular expression matches.
        case pattern(String)
        /// A number that equals the sum of others, give or take the tolerance.
        case equals(sum: [[String]], tolerance: Amount)
    }

    /// A check of the value at `path`.
    public init(path: [String], isInItems: Bool = false, kind: Kind) {
        self.path = path
        self.isInItems = isInItems
        self.kind = kind
    }
}
