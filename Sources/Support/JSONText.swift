/// A JSON value that is written out: what commands answer with `--json`. Keys keep the order in which they were given.
///
///     let answer: JSONText = ["rows": .number(3), "codec": "zstd", "nulls": nil]
///     answer.text(pretty: true)
public indirect enum JSONText: Sendable, Equatable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A number, written with all of its digits.
    case number(Int)
    /// A number; NaN and the infinities, which JSON lacks, become strings.
    case real(Double)
    /// JSON that is written already; the caller has made sure that it is some.
    case raw(String)
    /// Text.
    case string(String)
    /// Values in order.
    case array([JSONText])
    /// Named values in order.
    case object([(key: String, value: JSONText)])

    /// An object without the members whose value is nil.
    public static func members(_ members: KeyValuePairs<String, JSONText?>) -> JSONText {
        .object(members.compactMap { key, value in value.map { (key, $0) } })
    }

    /// Whether both are written the same.
    public static func == (left: JSONText, right: JSONText) -> Bool { left.text() == right.text() }

    /// The JSON, on one line, or indented by two spaces a level.
    public func text(pretty: Bool = false) -> String {
        var text = ""
        write(to: &text, indent: pretty ? 0 : nil)
        return text
    }

    private func write(to text: inout String, indent: Int?) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .number(let value): text += String(value)
        case .real(let value):
            if value.isFinite { text += "\(value)" } else { JSONText.quote("\(value)", to: &text) }
        case .raw(let value): text += value
        case .string(let value): JSONText.quote(value, to: &text)
        case .array(let items):
            JSONText.write(items, between: "[", "]", to: &text, indent: indent) { item, text, inner in
                item.write(to: &text, indent: inner)
            }
        case .object(let members):
            JSONText.write(members, between: "{", "}", to: &text, indent: indent) { member, text, inner in
                JSONText.quote(member.key, to: &text)
                text += inner == nil ? ":" : ": "
                member.value.write(to: &text, indent: inner)
            }
        }
    }

    private static func write<T>(
        _ items: [T], between open: String, _ close: String, to text: inout String, indent: Int?,
        each: (T, inout String, Int?) -> Void
    ) {
        text += open
        let inner = indent.map { $0 + 1 }
        for (index, item) in items.enumerated() {
            if index > 0 { text += "," }
            if let inner { text += "\n" + String(repeating: "  ", count: inner) }
            each(item, &text, inner)
        }
        if let indent, !items.isEmpty { text += "\n" + String(repeating: "  ", count: indent) }
        text += close
    }

    /// Appends `value` as a JSON string: quotes, backslashes and control characters are escaped, all else is UTF-8.
    public static func quote(_ value: String, to text: inout String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            // U+007F and the C1 controls are legal as they are, but would act on a terminal.
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}":
                let hex = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

extension JSONText: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A number.
    public init(integerLiteral value: Int) { self = .number(value) }
    /// `null`.
    public init(nilLiteral: ()) { self = .null }
    /// Values in order.
    public init(arrayLiteral elements: JSONText...) { self = .array(elements) }
    /// Named values in order.
    public init(dictionaryLiteral elements: (String, JSONText)...) {
        self = .object(elements.map { (key: $0.0, value: $0.1) })
    }
}
