import Columns
import Support

/// How the values of a leaf column become one of Parquet's physical types.
enum LeafStorage: Hashable {
    /// No value is ever stored.
    case nothing
    case boolean
    /// 4-byte values as they are.
    case int32
    /// Narrower integers, widened.
    case int8, int16, uint8, uint16
    /// Seconds of a day, stored as milliseconds.
    case secondsOfDay
    case int64
    /// Seconds since 1970, stored as milliseconds.
    case seconds
    case float
    case double
    /// Decimals of up to 9 and up to 18 digits.
    case decimal32, decimal64
    /// Longer decimals: big-endian, so many bytes.
    case decimalBytes(Int)
    /// Values of so many bytes as they are: half floats, UUIDs, fixed-size binaries.
    case fixed(Int)
    /// Bytes of any length.
    case bytes

    /// The type of what is stored.
    var physicalType: PhysicalType {
        switch self {
        case .nothing, .int32, .int8, .int16, .uint8, .uint16, .secondsOfDay, .decimal32: .int32
        case .boolean: .boolean
        case .int64, .seconds, .decimal64: .int64
        case .float: .float
        case .double: .double
        case .decimalBytes, .fixed: .fixedLengthByteArray
        case .bytes: .byteArray
        }
    }

    /// How many bytes a stored value takes, where that is always the same; a bit counts as none.
    var width: Int? {
        switch self {
        case .decimalBytes(let width), .fixed(let width): width
        case .boolean: 0
        default: physicalType.width
        }
    }
}

/// One step on the way from a column of a batch down to a leaf.
enum LeafStep: Hashable {
    /// A field that may be null: those rows end here, the others are defined one level further.
    case nulls
    /// A field that may not be null.
    case required
    /// Into the field with this index of a structure.
    case field(Int)
    /// Into the items of a list, which repeat at this level.
    case items(level: UInt8)
}

/// What is written for one leaf of the schema: a column of the file.
struct LeafPlan {
    /// Which column of a batch the leaf lies in.
    let column: Int
    /// The names on the way in the file's schema.
    let path: [String]
    /// The way through a batch's column.
    let steps: [LeafStep]
    /// What the leaf's values are.
    let type: DataType
    let storage: LeafStorage
    let maxDefinition: Int
    let maxRepetition: Int

    /// The path as users write it.
    var name: String { path.joined(separator: ".") }
}

/// The file's schema and the leaves in it, for a schema of ours.
struct SchemaPlan {
    /// The tree, depth first, the root included.
    private(set) var elements: [SchemaElement] = []
    /// The leaves in the order of the file's columns.
    private(set) var leaves: [LeafPlan] = []

    /// Lays out `schema`.
    ///
    /// - throws: `SluiceError` when the schema has something that Parquet cannot hold.
    init(_ schema: Schema) throws(SluiceError) {
        var root = SchemaElement(name: "schema")
        root.childCount = Int32(schema.fields.count)
        elements.append(root)
        for (index, field) in schema.fields.enumerated() {
            try add(field, name: field.name, to: Way(column: index))
        }
    }

    /// What is known halfway down to a leaf.
    private struct Way {
        var column: Int
        var path: [String] = []
        var steps: [LeafStep] = []
        var definition = 0
        var repetition = 0
    }

    /// Readers walk schemas recursively and bound their depth; ours has to open what we write.
    private static let maxDepth = ParquetLimits().maxSchemaDepth - 1

    private mutating func add(_ field: Field, name: String, to parent: Way) throws(SluiceError) {
        var way = parent
        way.path.append(name)
        // A column without values is optional whatever it says, for it has only nulls.
        let isOptional = field.isNullable || field.type == .null
        way.steps.append(isOptional ? .nulls : .required)
        if isOptional { way.definition += 1 }
        guard way.path.count <= SchemaPlan.maxDepth else {
            throw SluiceError(
                .unsupported, "the column is nested deeper than the \(SchemaPlan.maxDepth) levels of a Parquet schema",
                place: .init(column: way.path.first), hint: "keep what is inside as JSON text: --nested json")
        }

        var element = SchemaElement(name: name)
        element.repetition = isOptional ? .optional : .required
        switch field.type {
        case .structure(let fields):
            guard !fields.isEmpty else {
                throw SluiceError(
                    .unsupported, "a structure without fields cannot be written to Parquet",
                    place: .init(column: way.path.joined(separator: ".")))
            }
            element.childCount = Int32(fields.count)
            elements.append(element)
            for (index, child) in fields.enumerated() {
                var inner = way
                inner.steps.append(.field(index))
                try add(child, name: child.name, to: inner)
            }
        case .list(let item):
            element.childCount = 1
            element.logicalType = .list
            element.convertedType = .list
            elements.append(element)
            var inner = repeated("list", children: 1, in: way)
            inner.steps.append(.items(level: UInt8(inner.repetition)))
            try add(item, name: "element", to: inner)
        case .map(let key, let value):
            element.childCount = 1
            element.logicalType = .map
            element.convertedType = .map
            elements.append(element)
            var inner = repeated("key_value", children: 2, in: way)
            inner.steps.append(.items(level: UInt8(inner.repetition)))
            inner.steps.append(.required)
            var key = key
            key.isNullable = false
            for (index, child) in [key, value].enumerated() {
                var part = inner
                part.steps.append(.field(index))
                try add(child, name: index == 0 ? "key" : "value", to: part)
            }
        default:
            let storage = annotate(&element, with: field.type)
            elements.append(element)
            leaves.append(
                LeafPlan(
                    column: way.column, path: way.path, steps: way.steps, type: field.type, storage: storage,
                    maxDefinition: way.definition, maxRepetition: way.repetition))
        }
    }

    /// Adds the repeated group inside a list or map.
    private mutating func repeated(_ name: String, children: Int32, in parent: Way) -> Way {
        var element = SchemaElement(name: name)
        element.repetition = .repeated
        element.childCount = children
        elements.append(element)
        var way = parent
        way.path.append(name)
        way.definition += 1
        way.repetition += 1
        return way
    }

    /// Gives a leaf its physical type, its logical type, and what readers from before logical types understand.
    private func annotate(_ element: inout SchemaElement, with type: DataType) -> LeafStorage {
        let storage: LeafStorage
        switch type {
        case .null:
            storage = .nothing
            element.logicalType = .unknown
        case .bool: storage = .boolean
        case .int8:
            storage = .int8
            element.logicalType = .integer(bitWidth: 8, signed: true)
            element.convertedType = .int8
        case .int16:
            storage = .int16
            element.logicalType = .integer(bitWidth: 16, signed: true)
            element.convertedType = .int16
        case .int32: storage = .int32
        case .int64: storage = .int64
        case .uint8:
            storage = .uint8
            element.logicalType = .integer(bitWidth: 8, signed: false)
            element.convertedType = .uint8
        case .uint16:
            storage = .uint16
            element.logicalType = .integer(bitWidth: 16, signed: false)
            element.convertedType = .uint16
        case .uint32:
            storage = .int32
            element.logicalType = .integer(bitWidth: 32, signed: false)
            element.convertedType = .uint32
        case .uint64:
            storage = .int64
            element.logicalType = .integer(bitWidth: 64, signed: false)
            element.convertedType = .uint64
        case .float16:
            storage = .fixed(2)
            element.logicalType = .float16
        case .float32: storage = .float
        case .float64: storage = .double
        case .decimal(let precision, let scale):
            switch precision {
            case ...9: storage = .decimal32
            case ...18: storage = .decimal64
            default: storage = .decimalBytes(SchemaPlan.decimalWidth(precision))
            }
            element.logicalType = .decimal(scale: Int32(scale), precision: Int32(precision))
            element.convertedType = .decimal
            element.precision = Int32(precision)
            element.scale = Int32(scale)
        case .utf8:
            storage = .bytes
            element.logicalType = .string
            element.convertedType = .utf8
        case .json:
            storage = .bytes
            element.logicalType = .json
            element.convertedType = .json
        case .binary: storage = .bytes
        case .fixedBinary(let width): storage = .fixed(width)
        case .uuid:
            storage = .fixed(16)
            element.logicalType = .uuid
        case .date:
            storage = .int32
            element.logicalType = .date
            element.convertedType = .date
        case .time(let unit):
            storage = unit == .second ? .secondsOfDay : unit == .millisecond ? .int32 : .int64
            element.logicalType = .time(SchemaPlan.stored(unit), utc: false)
        case .timestamp(let unit, let zone):
            storage = unit == .second ? .seconds : .int64
            let stored = SchemaPlan.stored(unit)
            element.logicalType = .timestamp(stored, utc: zone != nil)
            // The old types mean moments in UTC; a wall-clock time has none.
            if zone != nil, stored == .millisecond { element.convertedType = .timestampMillis }
            if zone != nil, stored == .microsecond { element.convertedType = .timestampMicros }
        case .list, .structure, .map: storage = .nothing
        }
        element.type = storage.physicalType
        if case .fixedLengthByteArray = storage.physicalType { element.typeLength = storage.width.map { Int32($0) } }
        return storage
    }

    /// Parquet has no seconds.
    private static func stored(_ unit: TimeUnit) -> TimeUnit { unit == .second ? .millisecond : unit }

    /// The fewest bytes that hold every number of `precision` digits, with its sign.
    static func decimalWidth(_ precision: Int) -> Int {
        var largest: Int128 = 1
        for _ in 0..<min(precision, 38) { largest *= 10 }
        return (128 - (largest - 1).leadingZeroBitCount + 1 + 7) / 8
    }
}
