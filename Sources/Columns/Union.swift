public import Support

extension DataType {
    /// The narrowest type that holds every value of both types, so that each can be cast to it and back.
    ///
    /// - Integers widen to the integer, or to `decimal(20,0)` for `uint64` with a signed one.
    /// - An integer and a float become the float that holds both exactly (`int32` and `float64`: `float64`), else text.
    /// - Decimals and integers become the decimal with the places of both, up to 38 digits, else text; a decimal and a
    ///   float become text, since neither holds the other.
    /// - Times and timestamps take the finer unit; a date and a timestamp become the timestamp. Instants of two zones are
    ///   kept in UTC; an instant and a wall-clock time become text, since neither is the other. A moment too far away
    ///   for the finer unit is an error of the cast, never another moment.
    /// - Bytes of any kind, UUIDs among them, become `binary`.
    /// - Lists, structures and maps are joined part by part; fields missing on one side become nullable.
    /// - JSON stays JSON together with anything but text; nested types with other types become JSON.
    /// - Everything else becomes text, and `null` becomes anything.
    public static func union(_ a: DataType, _ b: DataType) -> DataType {
        if a == b { return a }
        switch (a, b) {
        case (.null, let other), (let other, .null): return other
        case (.utf8, _), (_, .utf8): return .utf8
        case (.list(let left), .list(let right)): return .list(Field.union(left, right))
        case (.structure(let left), .structure(let right)): return .structure(Field.union(left, right))
        case (.map(let key, let value), .map(let otherKey, let otherValue)):
            var joined = Field.union(key, otherKey)
            joined.isNullable = false
            return .map(key: joined, value: Field.union(value, otherValue))
        case (.json, _), (_, .json), (.list, _), (_, .list), (.structure, _), (_, .structure), (.map, _), (_, .map):
            return .json
        case (.binary, let other), (let other, .binary), (.fixedBinary, let other), (let other, .fixedBinary):
            return other.holdsBytes ? .binary : .utf8
        case (.date, .timestamp), (.timestamp, .date):
            return a == .date ? b : a
        case (.time(let unit), .time(let other)): return .time(unit.finer(other))
        case (.timestamp(let unit, let zone), .timestamp(let other, let otherZone)):
            if zone == otherZone { return .timestamp(unit.finer(other), zone: zone) }
            return zone == nil || otherZone == nil ? .utf8 : .timestamp(unit.finer(other), zone: "UTC")
        default: return unionOfNumbers(a, b)
        }
    }

    private static func unionOfNumbers(_ a: DataType, _ b: DataType) -> DataType {
        if let left = a.integerShape, let right = b.integerShape {
            if left.isSigned == right.isSigned { return left.bits > right.bits ? a : b }
            let (signed, unsigned) = left.isSigned ? (left.bits, right.bits) : (right.bits, left.bits)
            switch max(signed, unsigned * 2) {
            case 16: return .int16
            case 32: return .int32
            case 64: return .int64
            default: return .decimal(precision: 20, scale: 0)
            }
        }
        if let left = a.floatDigits, let right = b.floatDigits { return left > right ? a : b }
        if let digits = a.floatDigits ?? b.floatDigits, let shape = a.integerShape ?? b.integerShape {
            // An integer fits a float that has a bit for each of its own, the sign aside.
            switch max(digits, shape.isSigned ? shape.bits - 1 : shape.bits) {
            case ...11: return .float16
            case ...24: return .float32
            case ...53: return .float64
            default: return .utf8
            }
        }
        if let left = a.decimalShape, let right = b.decimalShape {
            let scale = max(left.scale, right.scale)
            let precision = max(left.precision - left.scale, right.precision - right.scale) + scale
            return precision <= 38 && left.scale >= 0 && right.scale >= 0
                ? .decimal(precision: precision, scale: scale) : .utf8
        }
        return .utf8
    }

    private var holdsBytes: Bool {
        switch self {
        case .binary, .fixedBinary, .uuid: true
        default: false
        }
    }

    private var integerShape: (bits: Int, isSigned: Bool)? {
        switch self {
        case .int8: (8, true)
        case .int16: (16, true)
        case .int32: (32, true)
        case .int64: (64, true)
        case .uint8: (8, false)
        case .uint16: (16, false)
        case .uint32: (32, false)
        case .uint64: (64, false)
        default: nil
        }
    }

    /// How many binary digits a float has.
    private var floatDigits: Int? {
        switch self {
        case .float16: 11
        case .float32: 24
        case .float64: 53
        default: nil
        }
    }

    /// The digits that a decimal has, or that an integer needs.
    private var decimalShape: (precision: Int, scale: Int)? {
        switch self {
        case .decimal(let precision, let scale): (precision, scale)
        case .int8, .uint8: (3, 0)
        case .int16, .uint16: (5, 0)
        case .int32, .uint32: (10, 0)
        case .int64: (19, 0)
        case .uint64: (20, 0)
        default: nil
        }
    }
}

extension TimeUnit {
    /// The unit of more ticks a second.
    func finer(_ other: TimeUnit) -> TimeUnit { ticksPerSecond >= other.ticksPerSecond ? self : other }
}

extension Field {
    /// A field that holds the values of both; the name is the first one's.
    public static func union(_ a: Field, _ b: Field) -> Field {
        Field(
            a.name, DataType.union(a.type, b.type),
            nullable: a.isNullable || b.isNullable || a.type == .null || b.type == .null,
            metadata: a.metadata.merging(b.metadata) { first, _ in first })
    }

    /// The fields of both sides, matched by name, in the order of their first appearance; what one side lacks may be null.
    /// Where a name stands twice, the second matches the second.
    static func union(_ a: [Field], _ b: [Field]) -> [Field] {
        struct Key: Hashable {
            let name: String
            let occurrence: Int
        }
        func keys(_ fields: [Field]) -> [Key] {
            var seen: [String: Int] = [:]
            return fields.map { field in
                seen[field.name, default: 0] += 1
                return Key(name: field.name, occurrence: seen[field.name, default: 0])
            }
        }
        let (leftKeys, rightKeys) = (keys(a), keys(b))
        let right = Dictionary(uniqueKeysWithValues: zip(rightKeys, b))
        let left = Set(leftKeys)
        func optional(_ field: Field) -> Field {
            var field = field
            field.isNullable = true
            return field
        }
        let known = zip(leftKeys, a).map { key, field in right[key].map { union(field, $0) } ?? optional(field) }
        return known + zip(rightKeys, b).filter { !left.contains($0.0) }.map { optional($0.1) }
    }
}

extension Schema {
    /// A schema that the rows of both fit: fields matched by name, in the order of their first appearance, each of the
    /// `DataType.union` of its types; a field that one side lacks may be null.
    public func union(_ other: Schema) -> Schema {
        Schema(Field.union(fields, other.fields), metadata: metadata.merging(other.metadata) { first, _ in first })
    }

    /// A schema that the rows of all `schemas` fit; no fields for none.
    public static func union(_ schemas: some Sequence<Schema>) -> Schema {
        var result: Schema?
        for schema in schemas { result = result?.union(schema) ?? schema }
        return result ?? Schema([])
    }
}

extension RecordBatch {
    /// The same rows under another schema: columns are matched by name, cast and put into its order; those that are
    /// missing are null.
    ///
    /// - parameter dropsExtra: whether columns that the schema does not have are left out; otherwise they are an error.
    /// - throws: `SluiceError` naming the column for a value that does not fit, or a null where none may be.
    public func conform(
        to target: Schema, mode: CastMode = .strict, dropsExtra: Bool = false
    ) throws(SluiceError) -> RecordBatch {
        if schema == target { return self }
        if !dropsExtra, let extra = schema.fields.first(where: { target.index(of: $0.name) == nil }) {
            throw SluiceError(
                .conversion, "the schema has no such column, and dropping it would lose its values",
                place: .init(column: extra.name), hint: "Add it to the schema, or name the columns that are wanted")
        }
        var taken: [String: Int] = [:]
        var result: [Column] = []
        for field in target.fields {
            let occurrence = taken[field.name, default: 0]
            taken[field.name] = occurrence + 1
            let matches = schema.fields.indices.filter { schema.fields[$0].name == field.name }
            let column: Column
            do throws(SluiceError) {
                column =
                    occurrence < matches.count
                    ? try columns[matches[occurrence]].cast(to: field.type, mode: mode)
                    : .nulls(field.type, count: rowCount)
            } catch {
                var error = error
                error.place.column = error.place.column.map { field.name + "." + $0 } ?? field.name
                throw error
            }
            if !field.isNullable, column.nullCount > 0, field.type != .null {
                throw SluiceError(
                    .conversion, "there is no value, and the schema says 'not null'",
                    place: .init(
                        column: field.name, row: (0..<column.count).first { column.isNull(at: $0) }.map { $0 + 1 }))
            }
            result.append(column)
        }
        return RecordBatch(schema: target, columns: result, rowCount: rowCount)
    }
}
