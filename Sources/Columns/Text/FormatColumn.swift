public import Support

/// Writes the values of one column as text, finding out what the type is once and not again for every value.
///
/// | type | plain | json |
/// | --- | --- | --- |
/// | null value | nothing | `null` |
/// | bool, integers, finite floats, decimals | `true`, `-12`, `0.1`, `12.50` | the same |
/// | NaN and infinities | `NaN`, `Infinity`, `-Infinity` | the same in quotes |
/// | utf8 | as it is | a string |
/// | json | as it is | as it is, on one line |
/// | binary, fixed-size binary | base64 | base64 in quotes |
/// | date, time, timestamp, uuid | ISO 8601; `8c8e3f5a-…` | the same in quotes |
/// | list, struct | JSON | an array, an object |
/// | map | JSON | an object; keys that are not text become their plain text |
///
/// A timestamp with a zone is written in UTC with a `Z`, whatever the zone.
public final class ColumnFormatter {
    /// How values are written.
    public enum Style: Sendable {
        /// For a cell: CSV, a terminal, a cast to text.
        case plain
        /// For a value in a JSON document.
        case json
    }

    private enum Kind {
        case null, bool
        case int8, int16, int32, int64, uint8, uint16, uint32, uint64
        case float16, float32, float64, decimal
        case utf8, json, binary, fixedBinary, uuid
        case date, time32, time64, timestamp
        case list, structure, map
    }

    // Everything that a value needs lies in the formatter itself; `column` keeps the memory alive.
    private let column: Column
    private let kind: Kind
    private let isJSON: Bool
    private let quotes: Bool
    private let isUTC: Bool
    private let unit: TimeUnit
    private let scale: Int
    private let width: Int
    private let first: Int
    private let validity: UnsafeRawPointer?
    private let allNull: Bool
    private let values: UnsafeRawPointer
    private let offsets: UnsafePointer<Int32>
    private let parts: [ColumnFormatter]
    private let names: [Buffer]
    private let scratch = MutableBuffer()

    /// A formatter for the rows of `column`.
    public init(_ column: Column, style: Style = .plain) {
        self.column = column
        isJSON = style == .json
        first = column.offset
        validity = column.validity?.unsafeStart
        allNull = column.nullCount > 0 && column.validity == nil
        values = (column.values ?? .empty).unsafeStart
        offsets = ((column.offsets ?? .empty).unsafeStart + (column.offsets == nil ? 0 : column.offset * 4))
            .assumingMemoryBound(to: Int32.self)
        var scale = 0
        var width = 0
        var unit = TimeUnit.second
        var isUTC = false
        var quotes = false
        var names: [Buffer] = []
        var parts: [ColumnFormatter] = []
        switch column.type {
        case .null: kind = .null
        case .bool: kind = .bool
        case .int8: kind = .int8
        case .int16: kind = .int16
        case .int32: kind = .int32
        case .int64: kind = .int64
        case .uint8: kind = .uint8
        case .uint16: kind = .uint16
        case .uint32: kind = .uint32
        case .uint64: kind = .uint64
        case .float16: kind = .float16
        case .float32: kind = .float32
        case .float64: kind = .float64
        case .decimal(_, let places):
            kind = .decimal
            scale = places
        case .utf8: kind = .utf8
        case .json: kind = .json
        case .binary:
            kind = .binary
            quotes = true
        case .fixedBinary(let size):
            kind = .fixedBinary
            width = size
            quotes = true
        case .uuid:
            kind = .uuid
            quotes = true
        case .date:
            kind = .date
            quotes = true
        case .time(let tick):
            kind = column.type.layout == .fixed(4) ? .time32 : .time64
            unit = tick
            quotes = true
        case .timestamp(let tick, let zone):
            kind = .timestamp
            unit = tick
            isUTC = zone != nil
            quotes = true
        case .list:
            kind = .list
            parts = [ColumnFormatter(column.children[0], style: .json)]
        case .structure(let fields):
            kind = .structure
            names = fields.enumerated().map { Self.label($1.name, first: $0 == 0) }
            parts = column.children.map { ColumnFormatter($0, style: .json) }
        case .map(let key, _):
            kind = .map
            let pairs = column.children[0].children
            parts = [
                ColumnFormatter(pairs[0], style: key.type == .utf8 ? .json : .plain),
                ColumnFormatter(pairs[1], style: .json),
            ]
        }
        self.scale = scale
        self.width = width
        self.unit = unit
        self.isUTC = isUTC
        self.quotes = quotes && style == .json
        self.names = names
        self.parts = parts
    }

    /// `"name":`, with a brace before the first name of an object and a comma before the others.
    private static func label(_ name: String, first: Bool) -> Buffer {
        let label = MutableBuffer()
        label.append(first ? UInt8(ascii: "{") : UInt8(ascii: ","))
        var name = name
        name.withUTF8 { ValueText.append(jsonString: UnsafeRawBufferPointer($0), to: label) }
        label.append(UInt8(ascii: ":"))
        return label.freeze()
    }

    /// How many rows there are.
    public var count: Int { column.count }

    /// Whether the row holds no value.
    @inline(__always) public func isNull(at row: Int) -> Bool {
        guard let validity else { return allNull }
        let bit = first &+ row
        return validity.load(fromByteOffset: bit >> 3, as: UInt8.self) >> UInt8(truncatingIfNeeded: bit & 7) & 1 == 0
    }

    /// Appends one row's value.
    public func append(row: Int, to out: MutableBuffer) {
        if isNull(at: row) {
            if isJSON { out.append(0x6c6c_756e as UInt32) }  // "null"
            return
        }
        if quotes { out.append(UInt8(ascii: "\"")) }
        switch kind {
        case .null: break
        case .bool: appendBool(row, to: out)
        case .int8: ValueText.append(Int64(load(row, as: Int8.self)), to: out)
        case .int16: ValueText.append(Int64(load(row, as: Int16.self)), to: out)
        case .int32: ValueText.append(Int64(load(row, as: Int32.self)), to: out)
        case .int64: ValueText.append(load(row, as: Int64.self), to: out)
        case .uint8: ValueText.append(UInt64(load(row, as: UInt8.self)), to: out)
        case .uint16: ValueText.append(UInt64(load(row, as: UInt16.self)), to: out)
        case .uint32: ValueText.append(UInt64(load(row, as: UInt32.self)), to: out)
        case .uint64: ValueText.append(load(row, as: UInt64.self), to: out)
        case .float16:
            let value = load(row, as: Float16.self)
            if isJSON, !value.isFinite {
                appendQuoted(Double(value), to: out)
            } else {
                ValueText.append(value, to: out)
            }
        case .float32:
            let value = load(row, as: Float.self)
            if isJSON, !value.isFinite {
                appendQuoted(Double(value), to: out)
            } else {
                ValueText.append(value, to: out)
            }
        case .float64:
            let value = load(row, as: Double.self)
            if isJSON, !value.isFinite { appendQuoted(value, to: out) } else { ValueText.append(value, to: out) }
        case .decimal: ValueText.append(decimal: load(row, as: Int128.self), scale: scale, to: out)
        case .utf8:
            if isJSON { ValueText.append(jsonString: bytes(row), to: out) } else { out.append(bytes(row)) }
        case .json:
            if isJSON { ValueText.append(json: bytes(row), to: out) } else { out.append(bytes(row)) }
        case .binary: ValueText.append(base64: bytes(row), to: out)
        case .fixedBinary:
            ValueText.append(
                base64: UnsafeRawBufferPointer(start: values + (first &+ row) &* width, count: width), to: out)
        case .uuid: ValueText.append(uuid: values + (first &+ row) &* 16, to: out)
        case .date: ValueText.append(days: Int(load(row, as: Int32.self)), to: out)
        case .time32: ValueText.append(time: Int64(load(row, as: Int32.self)), unit: unit, to: out)
        case .time64: ValueText.append(time: load(row, as: Int64.self), unit: unit, to: out)
        case .timestamp: ValueText.append(timestamp: load(row, as: Int64.self), unit: unit, isUTC: isUTC, to: out)
        case .list: appendList(row, to: out)
        case .structure: appendStructure(row, to: out)
        case .map: appendMap(row, to: out)
        }
        if quotes { out.append(UInt8(ascii: "\"")) }
    }

    @inline(__always) private func load<T: BitwiseCopyable>(_ row: Int, as _: T.Type) -> T {
        values.loadUnaligned(fromByteOffset: (first &+ row) &* MemoryLayout<T>.size, as: T.self)
    }

    @inline(__always) private func bytes(_ row: Int) -> UnsafeRawBufferPointer {
        let start = Int(offsets[row])
        return UnsafeRawBufferPointer(start: values + start, count: Int(offsets[row &+ 1]) &- start)
    }

    private func appendBool(_ row: Int, to out: MutableBuffer) {
        let bit = first &+ row
        let byte = values.load(fromByteOffset: bit >> 3, as: UInt8.self)
        if byte >> UInt8(truncatingIfNeeded: bit & 7) & 1 == 1 {
            out.append(0x6575_7274 as UInt32)  // "true"
        } else {
            out.append(0x736c_6166 as UInt32)  // "fals"
            out.append(UInt8(ascii: "e"))
        }
    }

    private func appendQuoted(_ value: Double, to out: MutableBuffer) {
        out.append(UInt8(ascii: "\""))
        ValueText.append(value, to: out)
        out.append(UInt8(ascii: "\""))
    }

    private func appendList(_ row: Int, to out: MutableBuffer) {
        let items = parts[0]
        out.append(UInt8(ascii: "["))
        for index in Int(offsets[row])..<Int(offsets[row &+ 1]) {
            if index > Int(offsets[row]) { out.append(UInt8(ascii: ",")) }
            items.append(row: index, to: out)
        }
        out.append(UInt8(ascii: "]"))
    }

    private func appendStructure(_ row: Int, to out: MutableBuffer) {
        if parts.isEmpty { out.append(UInt8(ascii: "{")) }
        for index in parts.indices {
            out.append(names[index])
            parts[index].append(row: row, to: out)
        }
        out.append(UInt8(ascii: "}"))
    }

    private func appendMap(_ row: Int, to out: MutableBuffer) {
        let (keys, items) = (parts[0], parts[1])
        out.append(UInt8(ascii: "{"))
        for index in Int(offsets[row])..<Int(offsets[row &+ 1]) {
            if index > Int(offsets[row]) { out.append(UInt8(ascii: ",")) }
            if keys.isJSON {
                keys.append(row: index, to: out)
            } else {
                scratch.removeAll()
                keys.append(row: index, to: scratch)
                scratch.withUnsafeBytes { ValueText.append(jsonString: $0, to: out) }
            }
            out.append(UInt8(ascii: ":"))
            items.append(row: index, to: out)
        }
        out.append(UInt8(ascii: "}"))
    }
}
