import Columns
import Glibc
import Sales
import Settings
import Support

/// Values of rules that have a notation of their own.
enum RuleValue {
    /// A share from 0 to 1: `0.05` or `5%`.
    static func rate(_ text: String) -> Amount? {
        guard text.hasSuffix("%") else {
            return Amount(text).flatMap { $0 >= Amount(0) && $0 <= Amount(1) ? $0 : nil }
        }
        guard let percent = Amount(String(text.dropLast())), percent >= Amount(0), percent <= Amount(100) else {
            return nil
        }
        return percent.divided(by: Amount(100), Amount.places)
    }

    /// A date or time, in microseconds since 1970; without an offset it is UTC.
    static func time(_ text: String) -> Int64? {
        var text = text
        return text.withUTF8 { bytes in
            let raw = UnsafeRawBufferPointer(bytes)
            if let day = TextParser.date(raw) { return Int64(day) * 86_400_000_000 }
            return TextParser.timestamp(raw)?.ticks(.microsecond)
        }
    }

    /// The latest time. A number alone could be a year or seconds, and is neither.
    static func latest(_ text: String) -> SalesRules.Latest? {
        if text == "none" { return .any }
        if let moment = time(text) { return .moment(moment) }
        guard Double(text) == nil, let duration = Quantities.duration(text) else { return nil }
        return .afterNow(duration.microseconds)
    }

    /// Why `pattern` is no extended regular expression; nil when it is one.
    static func problem(ofPattern pattern: String) -> String? {
        if pattern.utf8.contains(0) { return "a null character cannot stand in a pattern" }
        var compiled = regex_t()
        let code = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB)
        guard code != 0 else {
            regfree(&compiled)
            return nil
        }
        var text = [CChar](repeating: 0, count: 256)
        regerror(code, &compiled, &text, text.count)
        let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Duration {
    /// In whole microseconds.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}

extension Section {
    /// The exact decimal of `key`.
    func amount(_ key: String) -> Amount? { text(key).flatMap { Amount($0) } }

    /// The paths at which the items of a record may be.
    var itemPaths: [[String]] {
        section("fields")?.texts("line_items")?.compactMap(FieldPath.parse) ?? [["line_items"]]
    }

    /// The further checks; one alone may stand without brackets.
    var checks: [Section] {
        guard let node = node["checks"] else { return [] }
        if case .mapping = node.content { return [Section(node, path: "\(path).checks")] }
        return node.items.enumerated().map { Section($1, path: "\(path).checks[\($0)]") }
    }
}
