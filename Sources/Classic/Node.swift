import Glibc

/// What a value of a document is; `key` is the name of a member, and the member's value follows.
enum NodeKind: UInt8 {
    case null, no, yes, integer, bigInteger, real, string, array, object, key

    /// What Python calls the type.
    var typeName: StaticString {
        switch self {
        case .null: "NoneType"
        case .no, .yes: "bool"
        case .integer, .bigInteger: "int"
        case .real: "float"
        case .string, .key: "str"
        case .array: "list"
        case .object: "dict"
        }
    }
}

/// The names of members that the rules read.
enum Field: UInt8 {
    case other, transactionID, timestamp, customer, lineItems, subtotal, tax, total, paymentMethod, status
    case shippingCost, shippingMethod, customerID, email, unitPrice, quantity, category, productName
    case transactions, batchID, generatedAt

    /// The field of this name.
    @inline(__always) init(_ name: UnsafePointer<UInt8>, count: Int) {
        self = .other
        switch count {
        case 3: if Field.same(name, "tax") { self = .tax }
        case 5:
            if Field.same(name, "total") { self = .total } else if Field.same(name, "email") { self = .email }
        case 6: if Field.same(name, "status") { self = .status }
        case 8:
            switch name[0] {
            case UInt8(ascii: "q"): if Field.same(name, "quantity") { self = .quantity }
            case UInt8(ascii: "s"): if Field.same(name, "subtotal") { self = .subtotal }
            case UInt8(ascii: "b"): if Field.same(name, "batch_id") { self = .batchID }
            default:
                if Field.same(name, "category") { self = .category }
                if Field.same(name, "customer") { self = .customer }
            }
        case 9: if Field.same(name, "timestamp") { self = .timestamp }
        case 10:
            if Field.same(name, "unit_price") { self = .unitPrice }
            if Field.same(name, "line_items") { self = .lineItems }
        case 11: if Field.same(name, "customer_id") { self = .customerID }
        case 12:
            if Field.same(name, "product_name") { self = .productName }
            if Field.same(name, "transactions") { self = .transactions }
            if Field.same(name, "generated_at") { self = .generatedAt }
        case 13: if Field.same(name, "shipping_cost") { self = .shippingCost }
        case 14:
            if Field.same(name, "transaction_id") { self = .transactionID }
            if Field.same(name, "payment_method") { self = .paymentMethod }
        case 15: if Field.same(name, "shipping_method") { self = .shippingMethod }
        default: break
        }
    }

    @inline(__always) private static func same(_ name: UnsafePointer<UInt8>, _ word: StaticString) -> Bool {
        memcmp(name, word.utf8Start, word.utf8CodeUnitCount) == 0
    }
}

/// A value, or a member's name, in the flat form in which a record is parsed.
struct Node {
    var kind: NodeKind
    /// Which name a key is.
    var field: Field = .other
    /// Whether the bytes of a string lie in the arena, because the document holds escapes in their place.
    var isDecoded = false
    /// Where the bytes of a string or the digits of a big integer begin; an integer's value; a float's bits; how many
    /// elements or members a container has.
    var start: Int
    /// How many bytes there are; of a container, the place behind its last node.
    var count = 0
}

/// Nodes in the order of the document, and the bytes that they speak of. Valid until the next value is parsed.
struct Tape {
    let nodes: UnsafePointer<Node>
    let text: UnsafePointer<UInt8>
    let arena: UnsafePointer<UInt8>

    /// The value or key at `place`.
    @inline(__always) subscript(place: Int) -> Node { nodes[place] }

    /// The bytes of a string, or of a big integer's digits. Lone surrogates are three bytes, as UTF-8 would have them.
    @inline(__always) func bytes(_ node: Node) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: (node.isDecoded ? arena : text) + node.start, count: node.count)
    }

    /// Whether a string is `word`.
    @inline(__always) func isText(_ node: Node, _ word: StaticString) -> Bool {
        guard let start = bytes(node).baseAddress, node.count == word.utf8CodeUnitCount else { return false }
        return memcmp(start, word.utf8Start, node.count) == 0
    }

    /// The place behind the value at `place`.
    @inline(__always) func next(_ place: Int) -> Int {
        let node = nodes[place]
        return node.kind == .array || node.kind == .object ? node.count : place &+ 1
    }

    /// Whether Python takes the value at `place` for true; what is not there, at place 0, is not.
    @inline(__always) func isTrue(_ place: Int) -> Bool {
        if place == 0 { return false }
        let node = nodes[place]
        return switch node.kind {
        case .null, .no: false
        case .yes, .bigInteger: true
        case .integer, .array, .object: node.start != 0
        case .real: Double(bitPattern: UInt64(bitPattern: Int64(node.start))) != 0
        case .string, .key: node.count != 0
        }
    }
}
