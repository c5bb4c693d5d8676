import Support

/// A value of a query.
enum KustoValue: Sendable, Equatable {
    case null
    case string(String)
    case bool(Bool)
    case long(Int)
    case real(Double)
    case datetime(Moment)
    /// In microseconds.
    case timespan(Int64)

    /// What the service calls its type; nil for null, which fits all.
    var type: String? {
        switch self {
        case .null: nil
        case .string: "string"
        case .bool: "bool"
        case .long: "long"
        case .real: "real"
        case .datetime: "datetime"
        case .timespan: "timespan"
        }
    }

    /// As answers have it.
    var json: JSONText {
        switch self {
        case .null: .null
        case .string(let text): .string(text)
        case .bool(let flag): .bool(flag)
        case .long(let number): .number(number)
        case .real(let number): .real(number)
        case .datetime(let moment): .string(moment.iso)
        case .timespan: .string(text)
        }
    }

    /// As `tostring` has it.
    var text: String {
        switch self {
        case .null: return ""
        case .string(let text): return text
        case .bool(let flag): return flag ? "True" : "False"
        case .long(let number): return String(number)
        case .real(let number): return "\(number)"
        case .datetime(let moment): return moment.iso
        case .timespan(let span):
            let seconds = Int(span.magnitude / 1_000_000)
            func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
            let days = seconds / 86_400
            return (span < 0 ? "-" : "") + (days > 0 ? "\(days)." : "")
                + "\(two(seconds / 3600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        }
    }

    private var number: Double? {
        switch self {
        case .long(let number): Double(number)
        case .real(let number): number
        case .datetime(let moment): Double(moment.microseconds)
        case .timespan(let span): Double(span)
        case .bool(let flag): flag ? 1 : 0
        default: nil
        }
    }

    /// Which of two comes first; nil when they cannot be compared.
    func order(_ other: KustoValue) -> Int? {
        switch (self, other) {
        case (.null, .null): return 0
        case (.null, _), (_, .null): return nil
        case (.string(let left), .string(let right)):
            // By bytes, as the service does.
            return left == right ? 0 : left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
        case (.datetime(let moment), .string(let text)):
            return Moment(iso: text).map { moment == $0 ? 0 : moment < $0 ? -1 : 1 }
        case (.string, .datetime): return other.order(self).map { -$0 }
        default:
            guard let left = number, let right = other.number else { return nil }
            return left == right ? 0 : left < right ? -1 : 1
        }
    }

    /// Adds or takes away; null where that makes no sense.
    func plus(_ other: KustoValue, sign: Int64) -> KustoValue {
        switch (self, other) {
        case (.datetime(let moment), .timespan(let span)):
            return .datetime(Moment(microseconds: moment.microseconds &+ sign &* span))
        case (.datetime(let left), .datetime(let right)) where sign < 0:
            return .timespan(left.microseconds &- right.microseconds)
        case (.timespan(let left), .timespan(let right)): return .timespan(left &+ sign &* right)
        case (.long(let left), .long(let right)):
            let (sum, overflow) = left.addingReportingOverflow(sign < 0 ? 0 &- right : right)
            return overflow ? .null : .long(sum)
        case (.long, .real), (.real, .long), (.real, .real):
            return .real((number ?? 0) + Double(sign) * (other.number ?? 0))
        default: return .null
        }
    }

    /// `1h`, `2.5d`, `30s`: the microseconds; nil for a unit that there is not.
    static func span(_ text: String) -> Int64? {
        let digits = text.prefix { $0.isNumber || $0 == "." }
        let units: [String: Double] = [
            "d": 86_400e6, "day": 86_400e6, "days": 86_400e6, "h": 3600e6, "hr": 3600e6, "hour": 3600e6,
            "hours": 3600e6,
            "m": 60e6, "min": 60e6, "minute": 60e6, "minutes": 60e6, "s": 1e6, "sec": 1e6, "second": 1e6,
            "seconds": 1e6,
            "ms": 1e3, "milli": 1e3, "microsecond": 1, "microseconds": 1, "micro": 1,
        ]
        guard let number = Double(digits), let unit = units[String(text.dropFirst(digits.count))] else { return nil }
        return Int64(exactly: (number * unit).rounded())
    }
}

/// Rows with named columns.
struct KustoTable: Sendable {
    var columns: [(name: String, type: String)]
    var rows: [[KustoValue]]

    func index(_ name: String) -> Int? { columns.firstIndex { $0.name == name } }
}
