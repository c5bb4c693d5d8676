import Columns
import Support

/// A text that is not what its column holds, at a row of the column at hand.
struct JSONBadText: Error {
    /// The row; of the records, once the error has left the outermost list.
    var row: Int
    /// The names from the record down to the value.
    var path: [String] = []
    /// What was there.
    var value: String
    /// What should have been.
    var type: DataType
}

/// Text columns as what their text stands for.
enum JSONText {
    /// Whether a type is read as text first.
    static func isText(_ type: DataType) -> Bool {
        switch type {
        case .date, .time, .timestamp, .uuid, .binary, .fixedBinary: true
        default: false
        }
    }

    /// A column of `type` from a text column. `strict`: the text has to be just as inference saw it.
    static func convert(_ column: Column, to type: DataType, strict: Bool) throws(JSONBadText) -> Column {
        switch type {
        case .utf8, .json: return column.reinterpreted(as: type)
        case .date: return try fixed(column, type) { TextParser.date($0) }
        case .time(let unit):
            return unit == .second || unit == .millisecond
                ? try fixed(column, type) { TextParser.time($0)?.ticks(unit).map { Int32(truncatingIfNeeded: $0) } }
                : try fixed(column, type) { text -> Int64? in
                    guard let literal = TextParser.time(text) else { return nil }
                    if strict, unit == .microsecond, literal.fractionDigits > 6 { return nil }
                    return literal.ticks(unit)
                }
        case .timestamp(let unit, let zone):
            let hasZone = zone != nil
            return try fixed(column, type) { text -> Int64? in
                if let literal = TextParser.timestamp(text) {
                    if literal.hasOffset != hasZone { return nil }
                    if strict, unit == .microsecond, literal.fractionDigits > 6 { return nil }
                    return literal.ticks(unit)
                }
                guard !hasZone, let day = TextParser.date(text) else { return nil }
                let ticks = Int64(day).multipliedReportingOverflow(by: 86_400 * unit.ticksPerSecond)
                return ticks.overflow ? nil : ticks.partialValue
            }
        case .uuid:
            return try wide(column, type, width: 16) { text, out in TextParser.uuid(text, into: out) }
        case .fixedBinary(let width):
            let scratch = MutableBuffer()
            return try wide(column, type, width: width) { text, out in
                scratch.removeAll()
                guard decode(base64: text, into: scratch), scratch.count == width else { return false }
                out.copyMemory(from: scratch.base, byteCount: width)
                return true
            }
        case .binary: return try binary(column)
        default:
            return try generic(column, to: type)
        }
    }

    @inline(__always) private static func fixed<T: BitwiseCopyable>(
        _ column: Column, _ type: DataType, _ parse: (UnsafeRawBufferPointer) -> T?
    ) throws(JSONBadText) -> Column {
        let values = MutableBuffer(zeroed: column.count * MemoryLayout<T>.stride)
        let out = values.base.assumingMemoryBound(to: T.self)
        var bad: Int?
        column.withBytes { offsets, bytes in
            for row in 0..<column.count {
                let text = UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])])
                if let value = parse(text) {
                    out[row] = value
                } else if !(text.isEmpty && column.isNull(at: row)) {
                    bad = row
                    return
                }
            }
        }
        if let bad { throw JSONBadText(row: bad, value: column.text(at: bad), type: type) }
        return Column(
            type: type, count: column.count, nullCount: column.nullCount, validity: column.validity,
            values: values.freeze())
    }

    private static func wide(
        _ column: Column, _ type: DataType, width: Int,
        _ parse: (UnsafeRawBufferPointer, UnsafeMutableRawPointer) -> Bool
    ) throws(JSONBadText) -> Column {
        let values = MutableBuffer(zeroed: column.count * width)
        for row in 0..<column.count where !column.isNull(at: row) {
            let isValid = column.withBytes { offsets, bytes in
                parse(
                    UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])]),
                    values.base + row * width)
            }
            if !isValid { throw JSONBadText(row: row, value: column.text(at: row), type: type) }
        }
        return Column(
            type: type, count: column.count, nullCount: column.nullCount, validity: column.validity,
            values: values.freeze())
    }

    private static func binary(_ column: Column) throws(JSONBadText) -> Column {
        let values = MutableBuffer()
        let offsets = MutableBuffer(capacity: (column.count + 1) * 4)
        offsets.append(0 as Int32)
        for row in 0..<column.count {
            if !column.isNull(at: row) {
                let isValid = column.withBytes { offsets, bytes in
                    decode(
                        base64: UnsafeRawBufferPointer(rebasing: bytes[Int(offsets[row])..<Int(offsets[row + 1])]),
                        into: values)
                }
                if !isValid { throw JSONBadText(row: row, value: column.text(at: row), type: .binary) }
            }
            offsets.append(Int32(truncatingIfNeeded: values.count))
        }
        return Column(
            type: .binary, count: column.count, nullCount: column.nullCount, validity: column.validity,
            values: values.freeze(), offsets: offsets.freeze())
    }

    /// Keys of maps that are not text.
    private static func generic(_ column: Column, to type: DataType) throws(JSONBadText) -> Column {
        let builder = makeBuilder(type)
        for row in 0..<column.count {
            if column.isNull(at: row) {
                builder.appendNull()
                continue
            }
            let text = column.text(at: row)
            let value: Value? =
                switch type {
                case .bool: text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
                case .float16, .float32, .float64:
                    bytes(text) { TextParser.float64($0) ?? TextParser.nonFinite($0) }
                        .map { .float($0) }
                case .decimal(let precision, let scale):
                    bytes(text) { TextParser.decimal($0, precision: precision, scale: scale) }.map { .ticks($0) }
                default: bytes(text) { TextParser.decimal($0, precision: 38, scale: 0) }.map { .int($0) }
                }
            do throws(SluiceError) {
                guard let value else { throw SluiceError(.conversion, "") }
                try builder.append(value)
            } catch {
                throw JSONBadText(row: row, value: text, type: type)
            }
        }
        return builder.finish()
    }

    private static func bytes<R>(_ text: String, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        var text = text
        return text.withUTF8 { body(UnsafeRawBufferPointer($0)) }
    }

    /// Appends what base64 text, padded or not, stands for; false when it is not base64.
    static func decode(base64 text: UnsafeRawBufferPointer, into out: MutableBuffer) -> Bool {
        var length = text.count
        if length % 4 == 0, length > 0, text[length - 1] == UInt8(ascii: "=") {
            length -= 1
            if text[length - 1] == UInt8(ascii: "=") { length -= 1 }
        }
        if length % 4 == 1 { return false }
        out.reserve(length / 4 * 3 + 3)
        var bits: UInt32 = 0
        var have = 0
        for index in 0..<length {
            let byte = text[index]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - 65
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - 71
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte + 4
            case UInt8(ascii: "+"), UInt8(ascii: "-"): digit = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): digit = 63
            default: return false
            }
            bits = bits << 6 | UInt32(digit)
            have += 6
            if have >= 8 {
                have -= 8
                out.append(UInt8(truncatingIfNeeded: bits >> UInt32(have)))
            }
        }
        // What is left over has to be zero, or some bits would be lost.
        return bits & ((1 << UInt32(have)) - 1) == 0
    }
}
