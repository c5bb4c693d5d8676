/// A valid record on its way into the tally. What it points to lies in the text, or in the judge's scratch.
struct SalesRecord<N: Quantum> {
    var id: Bytes
    /// Microseconds since 1970.
    var time: Int64
    var customer: Bytes
    var name: Bytes?
    /// The items lie one after the other.
    var items: UnsafePointer<Item>
    var itemCount: Int
    var subtotal: N
    var tax: N
    var shipping: N
    var total: N
    var payment: Bytes
    var shippingMethod: Bytes
    var status: Bytes

    struct Item {
        var product: Bytes
        var name: Bytes?
        var category: Bytes
        var quantity: N
        var price: N
        var discount: N
        var subtotal: N
        /// Whether quantity, price and subtotal are all there, so that they can be checked against each other.
        var isPriced: Bool
    }
}
