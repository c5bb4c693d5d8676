import Support

/// HTML of which every part was either written by us or escaped: text that is put in by interpolation is escaped, so that
/// nothing out of the data can become a tag.
///
///     page += "<td>\(customer.name)</td>"
struct Markup: ExpressibleByStringInterpolation {
    private(set) var text: String

    init() { text = "" }

    /// For literals only, which are ours.
    init(stringLiteral value: String) { text = value }

    init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

    static func += (left: inout Markup, right: Markup) { left.text += right.text }

    var isEmpty: Bool { text.isEmpty }

    /// Text out of the data: set apart, so that its direction of writing does not reach what stands around it, and cut
    /// where it is so long that it would hide the rest.
    static func data(_ text: String?, to most: Int = 200) -> Markup {
        guard let text, !text.isEmpty else { return "<span class=\"none\">(empty)</span>" }
        let scalars = text.unicodeScalars
        guard let end = scalars.index(scalars.startIndex, offsetBy: most, limitedBy: scalars.endIndex),
            end != scalars.endIndex
        else { return "<bdi>\(text)</bdi>" }
        return "<bdi>\(String(scalars[..<end]))…</bdi>"
    }

    /// What makes the literal and the escaped parts one text.
    struct Interpolation: StringInterpolationProtocol {
        fileprivate var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        mutating func appendLiteral(_ literal: String) { text += literal }

        mutating func appendInterpolation(_ value: Markup) { text += value.text }

        mutating func appendInterpolation(_ value: Int) { text += Figures.count(value) }

        mutating func appendInterpolation(_ value: String) { text += Markup.escaped(value) }

        /// Markup where a condition holds, else nothing.
        mutating func appendInterpolation(if condition: Bool, _ markup: @autoclosure () -> Markup) {
            if condition { text += markup().text }
        }

        /// A place or a length in percent.
        mutating func appendInterpolation(percent value: Double) {
            text += Figures.decimal((value * 1000).rounded() / 1000) + "%"
        }

        /// A number for the machine, which is not grouped.
        mutating func appendInterpolation(number value: Int) { text += String(value) }
    }

    /// `text` for use between tags and in quoted attributes. Control characters are shown as what they are.
    static func escaped(_ text: String) -> String {
        let special = text.utf8.contains {
            $0 < 0x20 || $0 >= 0x7f || $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">")
                || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'")
        }
        if !special { return text }
        var escaped = ""
        for scalar in Display.safe(text).unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            // XML, which drawings are, knows neither of these.
            case "\u{fffe}", "\u{ffff}": escaped += "\u{fffd}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

extension Sequence where Element == Markup {
    /// One after the other.
    func joined(_ separator: Markup = "") -> Markup {
        var all = Markup()
        for (index, markup) in enumerated() {
            if index > 0 { all += separator }
            all += markup
        }
        return all
    }
}
