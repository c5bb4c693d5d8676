import Sales

/// Why records are invalid, with what differs from record to record left out, and counted.
struct Reasons {
    /// The reasons, the commonest first; of those that are equally common, in the order of their text.
    let commonest: [(text: String, count: Int)]
    /// Whether the report names all invalid records, and not only the first.
    let isWhole: Bool

    init(_ report: SalesReport) {
        var counts: [String: Int] = [:]
        for error in report.errors {
            for reason in Set(error.reasons.map(Reasons.kind)) { counts[reason, default: 0] += 1 }
        }
        commonest = counts.map { (text: $0.key, count: $0.value) }
            .sorted { $0.count == $1.count ? $0.text < $1.text : $0.count > $1.count }
        isWhole = report.errors.count >= report.records - report.valid
    }

    /// `line_items[2].quantity: 101 is above 100` → `line_items[].quantity: … is above 100`
    static func kind(_ reason: String) -> String {
        guard let colon = reason.firstRange(of: ": ") else { return reason }
        var path = ""
        var isIndex = false
        for character in reason[..<colon.lowerBound] {
            if character == "]" { isIndex = false }
            if !isIndex { path.append(character) }
            if character == "[" { isIndex = true }
        }
        let rest = reason[colon.upperBound...]
        return "\(path): \(withoutValue(rest))"
    }

    /// `rest` with `…` in place of the text or number that it begins with.
    private static func withoutValue(_ rest: Substring) -> String {
        if rest.first == "\"" {
            var isEscaped = false
            for index in rest.indices.dropFirst() {
                let character = rest[index]
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    return "…" + rest[rest.index(after: index)...]
                }
            }
            return String(rest)
        }
        let number = rest.prefix { $0 != " " }
        guard let first = number.utf8.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else {
            return String(rest)
        }
        return "…" + rest.dropFirst(number.count)
    }
}
