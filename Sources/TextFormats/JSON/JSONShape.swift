import CSimdjson
import Columns

/// What is made of one place in the records: a column type, and how the parser gets there.
struct JSONShape: Sendable {
    /// The field's name.
    var name: String
    /// What the values become.
    var type: DataType
    /// Whether a value may be missing.
    var isNullable = true
    /// What the parser does: one of its node kinds.
    var kind: Int
    /// The fields of a structure, the item of a list, the entries of a map.
    var children: [JSONShape] = []

    /// The field of a schema that this becomes.
    var field: Field { Field(name, type, nullable: isNullable) }
}

// MARK: - From a schema

extension JSONShape {
    /// The shape that a schema's field asks for.
    init(_ field: Field) {
        name = field.name
        type = field.type
        isNullable = field.isNullable
        switch field.type {
        case .null: kind = SLUICE_JSON_NULL
        case .bool: kind = SLUICE_JSON_BOOL
        case .int8, .int16, .int32, .int64: kind = SLUICE_JSON_INT
        case .uint8, .uint16, .uint32, .uint64: kind = SLUICE_JSON_UINT
        case .float16, .float32, .float64: kind = SLUICE_JSON_FLOAT
        case .decimal: kind = SLUICE_JSON_DECIMAL
        case .json: kind = SLUICE_JSON_RAW
        case .list: kind = SLUICE_JSON_LIST
        case .structure: kind = SLUICE_JSON_STRUCT
        case .map: kind = SLUICE_JSON_MAP
        case .utf8, .binary, .fixedBinary, .date, .time, .timestamp, .uuid: kind = SLUICE_JSON_TEXT
        }
        children = field.type.childFields.map { JSONShape($0) }
        // A key is whatever stands before the colon, so it is read as text and converted then.
        if case .map = field.type { children[0].children[0].kind = SLUICE_JSON_TEXT }
    }
}

// MARK: - From what was seen

extension JSONShape {
    /// The shape of records as inference found them, and whether they are one column of values rather than objects.
    static func resolve(_ tree: JSONTree) -> (fields: [JSONShape], isWrapped: Bool) {
        tree.withRoot { root in
            let seen = sluice_json_tree_seen(root)
            if seen.saw == 0 { return ([], false) }
            let kinds = seen.saw & ~UInt32(SLUICE_JSON_SAW_NULL | SLUICE_JSON_SAW_FIELDS)
            if kinds == UInt32(SLUICE_JSON_SAW_OBJECT), seen.field_count > 0 {
                return ((0..<seen.field_count).map { JSONShape(seen: sluice_json_tree_field(root, $0)) }, false)
            }
            var value = JSONShape(seen: root)
            value.name = "value"
            return ([value], true)
        }
    }

    private init(seen node: UnsafeRawPointer?) {
        let seen = sluice_json_tree_seen(node)
        name = String(
            decoding: UnsafeRawBufferPointer(start: seen.name, count: seen.name_length), as: UTF8.self)
        func saw(_ bits: Int) -> Bool { seen.saw & UInt32(bits) != 0 }
        let isNumber = saw(SLUICE_JSON_SAW_INT | SLUICE_JSON_SAW_UINT | SLUICE_JSON_SAW_BIG_INT | SLUICE_JSON_SAW_FLOAT)
        let families = [
            saw(SLUICE_JSON_SAW_BOOL), isNumber, saw(SLUICE_JSON_SAW_STRING), saw(SLUICE_JSON_SAW_OBJECT),
            saw(SLUICE_JSON_SAW_ARRAY),
        ].count(where: { $0 })
        type = .json
        kind = SLUICE_JSON_RAW
        if families == 0 {
            type = .utf8
            kind = SLUICE_JSON_NULL
        }
        if families != 1 || saw(SLUICE_JSON_SAW_WILD) { return }
        if saw(SLUICE_JSON_SAW_OBJECT) {
            if seen.field_count == 0 {
                // A structure needs fields, and objects without keys are still different from null.
                kind = SLUICE_JSON_EMPTY_OBJECT
                return
            }
            children = (0..<seen.field_count).map { JSONShape(seen: sluice_json_tree_field(node, $0)) }
            type = .structure(children.map(\.field))
            kind = SLUICE_JSON_STRUCT
        } else if saw(SLUICE_JSON_SAW_ARRAY), let item = seen.item {
            var shape = JSONShape(seen: item)
            shape.name = "item"
            children = [shape]
            type = .list(shape.field)
            kind = SLUICE_JSON_LIST
        } else {
            let inferred = TypeInference(seen).type ?? .utf8
            self = JSONShape(Field(name, inferred))
            if isNumber, inferred == .utf8 { kind = SLUICE_JSON_NUMBER_TEXT }
        }
    }
}

extension TypeInference {
    /// What the parser found out about scalars of one family.
    fileprivate init(_ seen: sluice_json_seen) {
        self.init()
        var traits: Traits = []
        func map(_ bit: Int, _ found: Traits) { if seen.saw & UInt32(bit) != 0 { traits.formUnion(found) } }
        map(SLUICE_JSON_SAW_BOOL, .bool)
        map(SLUICE_JSON_SAW_INT, .whole)
        map(SLUICE_JSON_SAW_UINT, [.whole, .beyondInt64])
        map(SLUICE_JSON_SAW_BIG_INT, [.whole, .beyondInt64, .beyondUInt64])
        map(SLUICE_JSON_SAW_NEGATIVE, .negative)
        map(SLUICE_JSON_SAW_INEXACT_INT, .beyondFloat64)
        map(SLUICE_JSON_SAW_FLOAT, .fraction)
        map(SLUICE_JSON_SAW_INEXACT_FLOAT, .inexact)
        if seen.saw & UInt32(SLUICE_JSON_SAW_STRING) != 0 {
            let classes = JSONStrings.traits(ofClasses: seen.saw >> 16)
            traits.formUnion(classes.isEmpty ? .text : classes)
        }
        observe(traits, integerDigits: Int(seen.integer_digits), scale: Int(seen.scale))
    }
}

/// What strings look like, in the few bits that the parser's tree has for it.
enum JSONStrings {
    private static let known: [TypeInference.Traits] = [
        .date, .time, .localTimestamp, .zonedTimestamp, .text, .nanoseconds, .beyondNanoseconds,
    ]
    /// The bits after which no further string matters.
    static let settled: UInt32 = 1 << 4

    static func traits(ofClasses classes: UInt32) -> TypeInference.Traits {
        var traits: TypeInference.Traits = []
        for (bit, trait) in known.enumerated() where classes & (1 << UInt32(bit)) != 0 { traits.formUnion(trait) }
        return traits
    }

    /// The parser calls this for the strings of columns that may still turn out to be dates or times.
    static let classify: sluice_json_classifier = { text, length in
        var inference = TypeInference()
        inference.observeString(UnsafeRawBufferPointer(start: text, count: length))
        var classes: UInt32 = 0
        for (bit, trait) in known.enumerated() where inference.traits.contains(trait) { classes |= 1 << UInt32(bit) }
        return classes
    }
}
