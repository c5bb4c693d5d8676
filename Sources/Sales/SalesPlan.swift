import CSimdjson

/// What is read of each record: a tree of keys for the parser, and where in it each field is.
final class SalesPlan: @unchecked Sendable {
    // `@unchecked Sendable` because one worker at a time holds a plan.

    let raw: OpaquePointer
    /// The nodes at which each field may be; the first is the usual one.
    private(set) var nodes: [SalesField: [Int32]] = [:]
    /// The nodes that a further check needs, in the order of `SalesCheck.paths`.
    private(set) var checkNodes: [[Int32]] = []
    /// The node of an item, below that of `lineItems`.
    private(set) var item: Int32 = -1
    /// The fields by node, to name them in a reason.
    private(set) var names: [Int32: String] = [:]
    /// The nodes whose whole numbers are ten-thousandths.
    private(set) var fixed: Set<Int32> = []
    private var made: [[String]: Int32] = [:]

    /// A plan for reading by `rules`. With `literals` numbers stay as they are written.
    init(_ rules: SalesRules, literals: Bool) {
        raw = sluice_json_plan_create(0, 1)
        let layout = rules.layout
        // In the order in which documents have them, since the parser expects keys in order; what is rarely there last.
        let usual = SalesField.allCases.filter { !$0.isInItem && $0 != .currency }
        for field in usual {
            guard let path = layout.paths[field]?.first else { continue }
            if field == .customer { continue }
            nodes[field] = [add(path, field == .lineItems ? SLUICE_JSON_LIST : kind(field, literals), below: [])]
            guard field == .lineItems, let list = nodes[field]?.first else { continue }
            item = node(SLUICE_JSON_STRUCT, "item", below: list)
            names[item] = path.joined(separator: ".") + "[]"
            made[["", "item"]] = item
            for inner in SalesField.allCases where inner.isInItem {
                nodes[inner] = (layout.paths[inner] ?? []).prefix(1).map {
                    add($0, kind(inner, literals), below: ["", "item"])
                }
            }
        }
        for field in SalesField.allCases where field != .customer {
            let rest = (layout.paths[field] ?? []).dropFirst(field == .currency ? 0 : 1)
            let below = field.isInItem ? ["", "item"] : []
            nodes[field, default: []] += rest.map { add($0, kind(field, literals), below: below) }
        }
        if let path = layout.paths[.customer]?.first, let node = made[path] { nodes[.customer] = [node] }
        for check in rules.checks {
            let below = check.isInItems ? ["", "item"] : []
            checkNodes.append(check.paths.map { add($0, SLUICE_JSON_SPAN, below: below) })
        }
    }

    deinit { sluice_json_plan_free(raw) }

    /// How many zero bytes the parser needs behind a text.
    static let padding = Int(sluice_json_padding())

    /// How records lie in a text.
    static func layout(commas: Bool, keepsBad: Bool, duplicates: Int = 0) -> sluice_json_layout {
        sluice_json_layout(
            commas: commas ? 1 : 0, max_depth: 1024, duplicates: Int32(duplicates), unknown_keys: 0, strict: 0,
            max_filled: 0, keep_bad: keepsBad ? 1 : 0, whole_characters: 1)
    }

    private func kind(_ field: SalesField, _ literals: Bool) -> Int {
        field.isNumber && !literals ? SLUICE_JSON_FIXED : SLUICE_JSON_SPAN
    }

    /// The node at `path`, with the structures on the way to it. A path that leads through a value stays empty.
    private func add(_ path: [String], _ kind: Int, below: [String]) -> Int32 {
        var at = below
        var parent = made[below] ?? 0
        for (index, key) in path.enumerated() {
            at.append(key)
            let isLast = index == path.count - 1
            if let known = made[at] {
                parent = known
            } else {
                parent = node(isLast ? kind : SLUICE_JSON_STRUCT, key, below: parent)
                made[at] = parent
                names[parent] = (below.isEmpty ? at : Array(at.dropFirst(2))).joined(separator: ".")
            }
        }
        return parent
    }

    private func node(_ kind: Int, _ name: String, below parent: Int32) -> Int32 {
        var node = sluice_json_node()
        node.kind = Int32(kind)
        node.flags = Int32(SLUICE_JSON_TAGGED)
        node.scale = 4
        var name = name
        let id = name.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sluice_json_plan_add(raw, parent, &node, $0.baseAddress, $0.count)
            }
        }
        if kind == SLUICE_JSON_FIXED { fixed.insert(id) }
        return id
    }
}

extension SalesField {
    /// Whether it is a number.
    var isNumber: Bool {
        switch self {
        case .quantity, .unitPrice, .discount, .itemSubtotal, .subtotal, .tax, .shipping, .total: true
        default: false
        }
    }
}

extension SalesCheck {
    /// All paths that it looks at, its own first.
    var paths: [[String]] {
        if case .equals(let sum, _) = kind { return [path] + sum }
        return [path]
    }
}

/// A value of a record, where the parser left it.
struct Cell {
    let tag: UInt8
    let value: UInt64

    @inline(__always) init(tag: UInt8, value: UInt64) {
        self.tag = tag
        self.value = value
    }

    @inline(__always) var offset: Int { Int(value & 0xffff_ffff) }
    @inline(__always) var length: Int { Int(value >> 32) }
    /// Whether nothing is there.
    @inline(__always) var isAbsent: Bool { tag <= Tag.null }
    @inline(__always) var isMissing: Bool { tag == Tag.missing }
    /// Whether it is a string, with escapes or without.
    var isString: Bool { tag == Tag.string || tag == Tag.escaped }
    /// Whether it is a number.
    var isNumber: Bool { tag >= Tag.integer && tag <= Tag.big }
}

/// What a value is.
enum Tag {
    static let missing = UInt8(SLUICE_JSON_TAG_MISSING)
    static let null = UInt8(SLUICE_JSON_TAG_NULL)
    static let bool = UInt8(SLUICE_JSON_TAG_BOOL)
    static let integer = UInt8(SLUICE_JSON_TAG_INT)
    static let double = UInt8(SLUICE_JSON_TAG_DOUBLE)
    static let big = UInt8(SLUICE_JSON_TAG_BIG)
    static let string = UInt8(SLUICE_JSON_TAG_STRING)
    static let array = UInt8(SLUICE_JSON_TAG_ARRAY)
    static let object = UInt8(SLUICE_JSON_TAG_OBJECT)
    static let escaped = UInt8(SLUICE_JSON_TAG_ESCAPED)
    static let bad = UInt8(SLUICE_JSON_TAG_BAD)
}

/// A column of values, where the parser has them.
struct CellColumn {
    private let values: UnsafePointer<UInt64>?
    let tags: UnsafePointer<UInt8>?
    let offsets: UnsafePointer<Int32>?
    let count: Int

    init(_ plan: OpaquePointer, _ node: Int32) {
        let column = sluice_json_peek(plan, node)
        values = column.values.map { UnsafeRawPointer($0).assumingMemoryBound(to: UInt64.self) }
        tags = UnsafePointer(column.tags)
        offsets = UnsafePointer(column.offsets)
        count = Int(column.count)
    }

    /// Whether any value of the text is there, even null.
    var isInUse: Bool {
        guard let tags else { return false }
        return (0..<count).contains { tags[$0] != Tag.missing }
    }

    @inline(__always) subscript(row: Int) -> Cell {
        guard let tags else { return Cell(tag: Tag.missing, value: 0) }
        return Cell(tag: tags[row], value: values.map { $0[row] } ?? 0)
    }
}
