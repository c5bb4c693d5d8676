import Columns
import Support

extension CopyDecoder.Rejection {
    /// The row's fields as JSON values, as far as their types are known here, the infinities among them; nil for null.
    ///
    /// - parameter types: What the decoder was made with.
    public func fields(_ types: [PostgresType]) -> [String?] {
        var fields: [String?] = []
        raw.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return }
            var position = 2
            for type in types {
                guard position + 4 <= bytes.count else { return }
                let size = Int(start.bigEndian(position, Int32.self))
                position += 4
                guard size >= 0 else {
                    fields.append(nil)
                    continue
                }
                guard position + size <= bytes.count else { return }
                fields.append(BinaryText.json(start + position, size, type))
                position += size
            }
        }
        return fields
    }
}

/// Shows binary fields as JSON values. For rejected rows, never for a hot path.
enum BinaryText {
    static func json(_ field: UnsafeRawPointer, _ length: Int, _ type: PostgresType) -> String {
        if case .array? = type.reading?.wire { return array(field, length, type) ?? hex(field, length) }
        return scalar(field, length, type.reading?.wire ?? .bytes, type) ?? hex(field, length)
    }

    private static func scalar(
        _ field: UnsafeRawPointer, _ length: Int, _ wire: PostgresType.Wire, _ type: PostgresType
    ) -> String? {
        switch wire {
        case .bool: return length == 1 ? (field.load(as: UInt8.self) != 0 ? "true" : "false") : nil
        case .int16: return length == 2 ? String(field.bigEndian(0, Int16.self)) : nil
        case .int32: return length == 4 ? String(field.bigEndian(0, Int32.self)) : nil
        case .int64: return length == 8 ? String(field.bigEndian(0, Int64.self)) : nil
        case .uint32: return length == 4 ? String(field.bigEndian(0, UInt32.self)) : nil
        case .float32:
            return length == 4 ? number(Double(Float(bitPattern: field.bigEndian(0, UInt32.self)))) : nil
        case .float64: return length == 8 ? number(Double(bitPattern: field.bigEndian(0, UInt64.self))) : nil
        case .numeric, .numericText:
            guard let value = NumericValue(field, length: length) else { return nil }
            let out = MutableBuffer()
            value.append(to: out)
            let text = out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            return value.sign == NumericValue.positive || value.sign == NumericValue.negative ? text : quoted(text)
        case .date: return length == 4 ? date(field.bigEndian(0, Int32.self)) : nil
        case .timestamp:
            return length == 8
                ? timestamp(field.bigEndian(0, Int64.self), isUTC: type.oid == PostgresType.OID.timestamptz) : nil
        case .time:
            guard length == 8 else { return nil }
            return written { ValueText.append(time: field.bigEndian(0, Int64.self), unit: .microsecond, to: $0) }
        case .uuid: return length == 16 ? written { ValueText.append(uuid: field, to: $0) } : nil
        case .jsonb: return length >= 1 ? text(field + 1, length - 1) : nil
        case .bytes:
            switch type.oid {
            case PostgresType.OID.bytea: return hex(field, length)
            case PostgresType.OID.json: return text(field, length)
            default: return quoted(text(field, length))
            }
        case .array: return nil
        }
    }

    private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : quoted("\(value)") }

    private static func date(_ days: Int32) -> String {
        if days == .max { return quoted("infinity") }
        if days == .min { return quoted("-infinity") }
        return written { ValueText.append(days: Int(days) + 10_957, to: $0) }
    }

    private static func timestamp(_ ticks: Int64, isUTC: Bool) -> String {
        if ticks == .max { return quoted("infinity") }
        if ticks == .min { return quoted("-infinity") }
        let (moved, overflow) = ticks.addingReportingOverflow(946_684_800_000_000)
        if overflow { return quoted("\(ticks) microseconds from 2000-01-01") }
        return written { ValueText.append(timestamp: moved, unit: .microsecond, isUTC: isUTC, to: $0) }
    }

    /// An array of any number of dimensions; nil when the bytes are not one.
    private static func array(_ field: UnsafeRawPointer, _ length: Int, _ type: PostgresType) -> String? {
        guard length >= 12 else { return nil }
        let dimensions = Int(field.bigEndian(0, Int32.self))
        // The server allows six.
        guard (0...6).contains(dimensions), length >= 12 + dimensions * 8 else { return nil }
        if dimensions == 0 { return "[]" }
        let sizes = (0..<dimensions).map { Int(field.bigEndian(12 + $0 * 8, Int32.self)) }
        guard sizes.allSatisfy({ $0 > 0 }) else { return nil }
        let element = PostgresType(oid: type.element, modifier: type.modifier)
        var position = 12 + dimensions * 8
        var isCut = false
        func items(_ dimension: Int) -> String {
            var parts: [String] = []
            for _ in 0..<sizes[dimension] {
                if isCut { break }
                if dimension + 1 < dimensions {
                    parts.append(items(dimension + 1))
                    continue
                }
                guard position + 4 <= length else {
                    isCut = true
                    break
                }
                let size = Int(field.bigEndian(position, Int32.self))
                position += 4
                if size < 0 {
                    parts.append("null")
                } else if position + size <= length {
                    parts.append(json(field + position, size, element))
                    position += size
                } else {
                    isCut = true
                }
            }
            return "[" + parts.joined(separator: ",") + "]"
        }
        let text = items(0)
        return isCut ? nil : text
    }

    private static func written(_ body: (MutableBuffer) -> Void) -> String {
        let out = MutableBuffer()
        body(out)
        return quoted(out.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    }

    private static func text(_ field: UnsafeRawPointer, _ length: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: field, count: length), as: UTF8.self)
    }

    private static func quoted(_ text: String) -> String {
        var result = ""
        JSONText.quote(text, to: &result)
        return result
    }

    /// Bytes as the server writes them: `\x00ff`.
    private static func hex(_ field: UnsafeRawPointer, _ length: Int) -> String {
        let digits = Array("0123456789abcdef".utf8)
        let bytes = UnsafeRawBufferPointer(start: field, count: length)
        return quoted(
            "\\x" + String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self))
    }
}
