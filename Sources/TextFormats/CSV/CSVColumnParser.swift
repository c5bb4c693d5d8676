import Columns
import Support

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Builds one column of a chunk, block of rows by block of rows.
class CSVColumnParser {
    let column: Int
    let type: DataType
    let rows: Int
    /// What the values say about the column's type, as far as a wider type would have to know.
    var found = TypeInference()
    /// The first row that holds something else than the type.
    private(set) var misfit: Int?
    let scratch = MutableBuffer()
    private var validity: MutableBuffer?
    private(set) var nullCount = 0

    init(_ type: DataType, column: Int, rows: Int) {
        self.type = type
        self.column = column
        self.rows = rows
    }

    /// Parses the rows in `range`, which follow on those parsed before.
    func parse(_ fields: CSVFields, _ range: Range<Int>) {}

    /// The column, of which all rows have been parsed.
    func finish() -> Column { .nulls(type, count: rows) }

    final func stop(at row: Int) { if misfit == nil { misfit = row } }

    /// Says that the row holds no value.
    final func setNull(_ row: Int) {
        let bits = validity ?? makeValidity()
        let place = bits.base + (row &>> 3)
        let bit = 1 as UInt8 &<< UInt8(truncatingIfNeeded: row & 7)
        place.storeBytes(of: place.load(as: UInt8.self) & ~bit, as: UInt8.self)
        nullCount &+= 1
    }

    private func makeValidity() -> MutableBuffer {
        let bits = MutableBuffer(capacity: (rows + 7) / 8)
        bits.append(repeating: 0xff, count: (rows + 7) / 8)
        // The bits behind the last row are zero.
        if rows & 7 != 0 { bits.base.storeBytes(of: (1 << (rows & 7)) - 1, toByteOffset: rows >> 3, as: UInt8.self) }
        validity = bits
        return bits
    }

    final func finish(values: Buffer?, offsets: Buffer? = nil) -> Column {
        Column(
            type: type, count: rows, nullCount: nullCount, validity: nullCount == 0 ? nil : validity?.freeze(),
            values: values, offsets: offsets)
    }
}

/// Builds columns of values of fixed width.
///
/// The loops are closures made where the conversion's type is known, because the compiler specialises functions, and
/// not the methods of generic classes.
final class CSVFixedParser: CSVColumnParser {
    private var body: (CSVFixedParser, CSVFields, Range<Int>) -> Void = { _, _, _ in }
    private var end: (inout TypeInference) -> Void = { _ in }
    private let values: MutableBuffer
    private let width: Int

    private init(_ type: DataType, column: Int, rows: Int, width: Int) {
        self.width = width
        values = MutableBuffer(capacity: rows * width)
        super.init(type, column: column, rows: rows)
    }

    /// A parser that turns texts into values by `conversion`. A lenient one takes blanks around values, and quoted empty
    /// fields, which no type but text has, as null.
    @inline(__always) static func make<Conversion: CSVConversion>(
        _ type: DataType, column: Int, rows: Int, lenient: Bool, _ conversion: Conversion,
        summarise: ((UnsafeBufferPointer<Conversion.Value>, inout TypeInference) -> Void)? = nil
    ) -> CSVFixedParser {
        let parser = CSVFixedParser(type, column: column, rows: rows, width: MemoryLayout<Conversion.Value>.stride)
        let values = parser.values.base.assumingMemoryBound(to: Conversion.Value.self)
        var state = conversion
        parser.body = { parser, fields, range in
            // A copy, so that the loop keeps it in registers.
            var conversion = state
            parser.run(&conversion, fields, range, values, lenient)
            state = conversion
        }
        parser.end = { found in
            state.finish(&found)
            summarise?(UnsafeBufferPointer(start: values, count: rows), &found)
        }
        return parser
    }

    override func parse(_ fields: CSVFields, _ range: Range<Int>) {
        if misfit == nil { body(self, fields, range) }
    }

    @inline(__always) private func run<Conversion: CSVConversion>(
        _ conversion: inout Conversion, _ fields: CSVFields, _ range: Range<Int>,
        _ out: UnsafeMutablePointer<Conversion.Value>, _ isLenient: Bool
    ) {
        var found = found
        defer { self.found = found }
        let isLast = column &+ 1 == fields.width
        var index = range.lowerBound &* fields.width &+ column
        for row in range {
            var text = fields.raw(at: index, isLast: isLast)
            index &+= fields.width
            if fields.isQuoted(text) {
                text = fields.content(text, scratch)
                if text.count == 0, isLenient {
                    setNull(row)
                    out[row] = Conversion.empty
                    continue
                }
            } else if fields.nulls.contains(text) {
                setNull(row)
                out[row] = Conversion.empty
                continue
            } else if fields.hasEscapes {
                text = fields.content(text, scratch)
            }
            if let value = conversion.value(text, &found) {
                out[row] = value
            } else if isLenient, let value = conversion.value(CSVFixedParser.trimmed(text), &found) {
                out[row] = value
            } else {
                return stop(at: row)
            }
        }
    }

    /// The text without the blanks around it.
    @inline(never) private static func trimmed(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var range = 0..<text.count
        while let first = range.first, text[first] == 32 || text[first] == 9 { range = range.dropFirst() }
        while let last = range.last, text[last] == 32 || text[last] == 9 { range = range.dropLast() }
        return UnsafeRawBufferPointer(rebasing: text[range])
    }

    override func finish() -> Column {
        end(&found)
        values.count = rows * width
        return finish(values: values.freeze())
    }
}

/// Builds columns of text.
final class CSVTextParser: CSVColumnParser {
    private let bytes = MutableBuffer()
    private let offsets: MutableBuffer

    override init(_ type: DataType, column: Int, rows: Int) {
        offsets = MutableBuffer(capacity: (rows + 1) * 4)
        offsets.append(0 as Int32)
        super.init(type, column: column, rows: rows)
    }

    override func parse(_ fields: CSVFields, _ range: Range<Int>) {
        let isLast = column &+ 1 == fields.width
        let first = range.lowerBound &* fields.width &+ column
        var index = first
        var most = 0
        for _ in range {
            most &+= Int(fields.ends[index] & ~CSVChunk.recordEnd) &- Int(fields.ends[index &- 1] & ~CSVChunk.recordEnd)
            index &+= fields.width
        }
        // Values are written 16 bytes at a time.
        bytes.reserve(most &+ 16)
        let base = bytes.base
        var length = bytes.count
        let out = offsets.base.assumingMemoryBound(to: Int32.self) + 1
        index = first
        for row in range {
            let raw = fields.raw(at: index, isLast: isLast)
            index &+= fields.width
            if fields.isQuoted(raw) {
                if let inner = fields.simpleContent(raw) {
                    CSVTextParser.copy(inner, to: base + length)
                    length &+= inner.count
                } else {
                    length &+= fields.decode(raw, into: base + length)
                }
            } else if fields.nulls.contains(raw) {
                setNull(row)
            } else if fields.hasEscapes {
                length &+= fields.decode(raw, into: base + length)
            } else {
                CSVTextParser.copy(raw, to: base + length)
                length &+= raw.count
            }
            out[row] = Int32(truncatingIfNeeded: length)
        }
        bytes.count = length
    }

    @inline(__always) private static func copy(_ text: UnsafeRawBufferPointer, to out: UnsafeMutableRawPointer) {
        guard let start = text.baseAddress else { return }
        out.storeBytes(of: start.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
        if text.count > 16 { memcpy(out + 16, start + 16, text.count &- 16) }
    }

    override func finish() -> Column {
        found.observe(.text)
        offsets.count = (rows + 1) * 4
        return finish(values: bytes.freeze(), offsets: offsets.freeze())
    }
}

/// Builds columns of bools.
final class CSVBoolParser: CSVColumnParser {
    private let bits: MutableBuffer
    private let isLenient: Bool

    init(column: Int, rows: Int, lenient: Bool) {
        bits = MutableBuffer(zeroed: (rows + 7) / 8)
        isLenient = lenient
        super.init(.bool, column: column, rows: rows)
    }

    override func parse(_ fields: CSVFields, _ range: Range<Int>) {
        if misfit != nil { return }
        for row in range {
            var text = fields.raw(row, column)
            let isQuoted = fields.isQuoted(text)
            if !isQuoted, fields.nulls.contains(text) {
                setNull(row)
                continue
            }
            if isQuoted || fields.hasEscapes { text = fields.content(text, scratch) }
            if text.count == 0, isQuoted, isLenient {
                setNull(row)
            } else if let value = TextParser.bool(text) ?? (isLenient ? CSVBoolParser.word(text) : nil) {
                if value {
                    let place = bits.base + (row &>> 3)
                    place.storeBytes(of: place.load(as: UInt8.self) | 1 &<< UInt8(row & 7), as: UInt8.self)
                }
            } else {
                return stop(at: row)
            }
        }
    }

    /// Other words for true and false, for a schema that says that they are.
    private static func word(_ text: UnsafeRawBufferPointer) -> Bool? {
        switch String(decoding: text.prefix(8), as: UTF8.self).lowercased() {
        case "true", "t", "yes", "y", "1", "on": true
        case "false", "f", "no", "n", "0", "off": false
        default: nil
        }
    }

    override func finish() -> Column {
        if nullCount < rows { found.observeBool() }
        return finish(values: bits.freeze())
    }
}

/// Builds columns of bytes from base64, and of UUIDs.
final class CSVBytesParser: CSVColumnParser {
    private let builder: any ColumnBuilder

    override init(_ type: DataType, column: Int, rows: Int) {
        builder = makeBuilder(type)
        super.init(type, column: column, rows: rows)
    }

    override func parse(_ fields: CSVFields, _ range: Range<Int>) {
        if misfit != nil { return }
        for row in range {
            var text = fields.raw(row, column)
            let isQuoted = fields.isQuoted(text)
            if !isQuoted, fields.nulls.contains(text) {
                builder.appendNull()
                continue
            }
            if isQuoted || fields.hasEscapes { text = fields.content(text, scratch) }
            if !append(text) { return stop(at: row) }
        }
    }

    private func append(_ text: UnsafeRawBufferPointer) -> Bool {
        let room = MutableBuffer(capacity: max(16, text.count))
        if type == .uuid {
            guard TextParser.uuid(text, into: room.base) else { return false }
            room.count = 16
        } else {
            guard let count = TextParser.base64(text, into: room.base) else { return false }
            room.count = count
        }
        switch builder {
        case let builder as BytesBuilder: room.withUnsafeBytes { builder.append($0) }
        case let builder as FixedBytesBuilder:
            if room.count != builder.width { return false }
            room.withUnsafeBytes { builder.append($0) }
        default: return false
        }
        return true
    }

    override func finish() -> Column { builder.finish() }
}
