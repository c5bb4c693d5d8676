/// Where the members of a transaction stand that the rules read: places on the tape, and 0 for what is not there, since
/// no member's value ever stands at the beginning. Of several members of a name the last counts.
struct Record: ~Copyable {
    /// Where the members of a line item stand.
    struct Item {
        var unitPrice = 0
        var quantity = 0
        var category = 0
        var productName = 0
        var subtotal = 0
    }

    private(set) var transactionID = 0
    private(set) var timestamp = 0
    private(set) var customer = 0
    private(set) var lineItems = 0
    private(set) var subtotal = 0
    private(set) var tax = 0
    private(set) var total = 0
    private(set) var paymentMethod = 0
    private(set) var status = 0
    private(set) var shippingCost = 0
    private(set) var shippingMethod = 0
    /// Of the customer.
    private(set) var customerID = 0
    /// Of the customer.
    private(set) var email = 0
    /// The line items that are objects, up to the first that is none.
    private(set) var items: UnsafeMutablePointer<Item>
    private(set) var itemCount = 0
    /// The first line item that is no object.
    private(set) var strayItem = 0
    private var itemRoom = 16

    init() { items = .allocate(capacity: itemRoom) }

    deinit { items.deallocate() }

    /// Whether no required member is missing.
    var isComplete: Bool {
        transactionID != 0 && timestamp != 0 && customer != 0 && lineItems != 0 && subtotal != 0 && tax != 0
            && total != 0 && paymentMethod != 0 && status != 0
    }

    /// Calls `body` with the name of each required member that is missing.
    func missing(_ body: (String) -> Void) {
        let required = [
            (transactionID, "transaction_id"), (timestamp, "timestamp"), (customer, "customer"),
            (lineItems, "line_items"), (subtotal, "subtotal"), (tax, "tax"), (total, "total"),
            (paymentMethod, "payment_method"), (status, "status"),
        ]
        for (place, name) in required where place == 0 { body(name) }
    }

    /// Finds the members of the transaction that the tape holds.
    mutating func read(_ tape: Tape) {
        forget()
        let end = tape[0].count
        var at = 1
        while at < end {
            let value = at &+ 1
            switch tape[at].field {
            case .transactionID: transactionID = value
            case .timestamp: timestamp = value
            case .customer: customer = value
            case .lineItems: lineItems = value
            case .subtotal: subtotal = value
            case .tax: tax = value
            case .total: total = value
            case .paymentMethod: paymentMethod = value
            case .status: status = value
            case .shippingCost: shippingCost = value
            case .shippingMethod: shippingMethod = value
            default: break
            }
            at = tape.next(value)
        }
        if tape[customer].kind == .object, customer != 0 { readCustomer(tape) }
        if tape[lineItems].kind == .array, lineItems != 0 { readItems(tape) }
    }

    private mutating func forget() {
        (transactionID, timestamp, customer, lineItems, subtotal, tax, total) = (0, 0, 0, 0, 0, 0, 0)
        (paymentMethod, status, shippingCost, shippingMethod, customerID, email) = (0, 0, 0, 0, 0, 0)
        (itemCount, strayItem) = (0, 0)
    }

    private mutating func readCustomer(_ tape: Tape) {
        let end = tape[customer].count
        var at = customer &+ 1
        while at < end {
            switch tape[at].field {
            case .customerID: customerID = at &+ 1
            case .email: email = at &+ 1
            default: break
            }
            at = tape.next(at &+ 1)
        }
    }

    private mutating func readItems(_ tape: Tape) {
        let end = tape[lineItems].count
        var place = lineItems &+ 1
        while place < end {
            let node = tape[place]
            guard node.kind == .object else {
                strayItem = place
                return
            }
            var item = Item()
            var at = place &+ 1
            while at < node.count {
                let value = at &+ 1
                switch tape[at].field {
                case .unitPrice: item.unitPrice = value
                case .quantity: item.quantity = value
                case .category: item.category = value
                case .productName: item.productName = value
                case .subtotal: item.subtotal = value
                default: break
                }
                at = tape.next(value)
            }
            keep(item)
            place = node.count
        }
    }

    @inline(__always) private mutating func keep(_ item: Item) {
        if itemCount == itemRoom { grow() }
        items[itemCount] = item
        itemCount &+= 1
    }

    @inline(never) private mutating func grow() {
        let larger = UnsafeMutablePointer<Item>.allocate(capacity: itemRoom * 2)
        larger.moveInitialize(from: items, count: itemCount)
        items.deallocate()
        items = larger
        itemRoom *= 2
    }
}
