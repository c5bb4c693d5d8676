import CArrow
import Support

/// What an imported array is to us, and how it lies in memory, for which Arrow has more ways than our columns.
struct ArrowType {
    /// The ways to lie in memory.
    enum Form {
        case null, bits
        case fixed(Int)
        /// Decimals of 4 or 8 bytes.
        case narrowDecimal(Int)
        /// Days as milliseconds.
        case millisecondDays
        /// Bytes or text behind 32-bit or 64-bit offsets.
        case bytes(isLarge: Bool)
        /// Bytes or text behind 16-byte views.
        case views
        case list(isLarge: Bool)
        /// Lists of one length.
        case fixedList(Int)
        case structure
        /// Indices into a dictionary, which is the one child.
        case dictionary(index: DataType)
    }

    let form: Form
    var type: DataType
    var children: [ArrowType] = []

    /// What a schema says of one field.
    static func read(
        _ pointer: UnsafePointer<ArrowSchema>, depth: Int
    ) throws(SluiceError) -> (type: ArrowType, field: Field) {
        let schema = pointer.pointee
        guard depth <= 64 else { throw SluiceError(.invalidData, "an Arrow schema is nested more than 64 deep") }
        guard let format = schema.format else { throw SluiceError(.invalidData, "an Arrow schema has no format") }
        let name = schema.name.map { String(cString: $0) } ?? ""
        var metadata = try decode(schema.metadata)
        var type: ArrowType
        do throws(SluiceError) {
            type = try read(format: String(cString: format), schema, depth: depth)
            if let dictionary = schema.dictionary {
                let values = try read(dictionary, depth: depth + 1).type
                guard type.type.isNumber, case .fixed = type.form else {
                    throw SluiceError(.invalidData, "Arrow dictionary indices of type \(type.type) are not integers")
                }
                type = ArrowType(form: .dictionary(index: type.type), type: values.type, children: [values])
            }
        } catch { throw error.at(.init(column: name.isEmpty ? nil : name)) }
        let known: DataType? =
            switch (metadata[ArrowExtension.name], type.type) {
            case (ArrowExtension.uuid?, .fixedBinary(16)): .uuid
            case (ArrowExtension.json?, .utf8): .json
            default: nil
            }
        if let known {
            type.type = known
            if case .dictionary = type.form { type.children[0].type = known }
            metadata[ArrowExtension.name] = nil
            metadata[ArrowExtension.metadata] = nil
        }
        let isNullable = schema.flags & Int64(ARROW_FLAG_NULLABLE) != 0
        return (type, Field(name, type.type, nullable: isNullable, metadata: metadata))
    }

    private static func read(
        format: String, _ schema: ArrowSchema, depth: Int
    ) throws(SluiceError) -> ArrowType {
        if let simple = simple(format) { return simple }
        func unknown(_ why: String) -> SluiceError { SluiceError(.unsupported, "Arrow type '\(format)' \(why)") }
        let parts = format.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let rest = parts.count > 1 ? String(parts[1]) : ""
        switch parts[0] {
        case "w":
            guard let width = Int(rest), width >= 0, width <= 1 << 30 else { throw unknown("has no width") }
            return ArrowType(form: .fixed(width), type: .fixedBinary(width))
        case "d":
            let numbers = rest.split(separator: ",").map { Int($0) }
            guard numbers.count >= 2, let precision = numbers[0], let scale = numbers[1] else {
                throw unknown("has no precision and scale")
            }
            guard precision >= 1, precision <= 38, abs(scale) <= 38 else {
                throw unknown("has more than the 38 digits that a decimal holds here")
            }
            let type = DataType.decimal(precision: precision, scale: scale)
            switch numbers.count > 2 ? numbers[2] : 128 {
            case 32: return ArrowType(form: .narrowDecimal(4), type: type)
            case 64: return ArrowType(form: .narrowDecimal(8), type: type)
            case 128: return ArrowType(form: .fixed(16), type: type)
            default: throw unknown("is wider than the 128 bits that a decimal has here")
            }
        case "tss", "tsm", "tsu", "tsn":
            let unit: TimeUnit =
                switch parts[0] {
                case "tss": .second
                case "tsm": .millisecond
                case "tsu": .microsecond
                default: .nanosecond
                }
            return ArrowType(form: .fixed(8), type: .timestamp(unit, zone: rest.isEmpty ? nil : rest))
        case "+l", "+L", "+m", "+w":
            let (item, field) = try children(schema, count: 1, depth: depth)[0]
            if parts[0] == "+w" {
                guard let length = Int(rest), length >= 0, length <= Int(Int32.max) else {
                    throw unknown("has no length")
                }
                return ArrowType(form: .fixedList(length), type: .list(field), children: [item])
            }
            if parts[0] != "+m" {
                return ArrowType(form: .list(isLarge: parts[0] == "+L"), type: .list(field), children: [item])
            }
            guard case .structure(let entries) = field.type, entries.count == 2 else {
                throw SluiceError(.invalidData, "an Arrow map does not consist of keys and values")
            }
            var key = entries[0]
            key.isNullable = false
            let type = DataType.map(key: key, value: entries[1])
            var pairs = item
            pairs.type = type.childFields[0].type
            return ArrowType(form: .list(isLarge: false), type: type, children: [pairs])
        case "+s":
            let parts = try children(schema, count: nil, depth: depth)
            return ArrowType(form: .structure, type: .structure(parts.map(\.field)), children: parts.map(\.type))
        default:
            throw unknown("has no counterpart here")
        }
    }

    private static func simple(_ format: String) -> ArrowType? {
        func fixed(_ type: DataType) -> ArrowType? {
            guard case .fixed(let width) = type.layout else { return nil }
            return ArrowType(form: .fixed(width), type: type)
        }
        switch format {
        case "n": return ArrowType(form: .null, type: .null)
        case "b": return ArrowType(form: .bits, type: .bool)
        case "c": return fixed(.int8)
        case "C": return fixed(.uint8)
        case "s": return fixed(.int16)
        case "S": return fixed(.uint16)
        case "i": return fixed(.int32)
        case "I": return fixed(.uint32)
        case "l": return fixed(.int64)
        case "L": return fixed(.uint64)
        case "e": return fixed(.float16)
        case "f": return fixed(.float32)
        case "g": return fixed(.float64)
        case "u": return ArrowType(form: .bytes(isLarge: false), type: .utf8)
        case "U": return ArrowType(form: .bytes(isLarge: true), type: .utf8)
        case "vu": return ArrowType(form: .views, type: .utf8)
        case "z": return ArrowType(form: .bytes(isLarge: false), type: .binary)
        case "Z": return ArrowType(form: .bytes(isLarge: true), type: .binary)
        case "vz": return ArrowType(form: .views, type: .binary)
        case "tdD": return fixed(.date)
        case "tdm": return ArrowType(form: .millisecondDays, type: .date)
        case "tts": return fixed(.time(.second))
        case "ttm": return fixed(.time(.millisecond))
        case "ttu": return fixed(.time(.microsecond))
        case "ttn": return fixed(.time(.nanosecond))
        default: return nil
        }
    }

    private static func children(
        _ schema: ArrowSchema, count: Int?, depth: Int
    ) throws(SluiceError) -> [(type: ArrowType, field: Field)] {
        guard schema.n_children >= 0, schema.n_children <= 1 << 20, count == nil || schema.n_children == count ?? 0,
            schema.n_children == 0 || schema.children != nil
        else { throw SluiceError(.invalidData, "an Arrow schema has \(schema.n_children) children, which cannot be") }
        var children: [(type: ArrowType, field: Field)] = []
        for index in 0..<Int(schema.n_children) {
            guard let child = schema.children[index] else {
                throw SluiceError(.invalidData, "child \(index) of an Arrow schema is missing")
            }
            children.append(try read(child, depth: depth + 1))
        }
        return children
    }

    /// Pairs of texts behind their lengths, as the interface packs metadata.
    private static func decode(_ packed: UnsafePointer<CChar>?) throws(SluiceError) -> [String: String] {
        guard let packed else { return [:] }
        var cursor = UnsafeRawPointer(packed)
        func number() throws(SluiceError) -> Int {
            let value = cursor.loadUnaligned(as: Int32.self)
            cursor += 4
            guard value >= 0, value <= 1 << 28 else {
                throw SluiceError(.invalidData, "Arrow metadata declares a length of \(value)")
            }
            return Int(value)
        }
        func text() throws(SluiceError) -> String {
            let length = try number()
            defer { cursor += length }
            return String(decoding: UnsafeRawBufferPointer(start: cursor, count: length), as: UTF8.self)
        }
        var metadata: [String: String] = [:]
        for _ in 0..<(try number()) {
            let key = try text()
            metadata[key] = try text()
        }
        return metadata
    }
}
