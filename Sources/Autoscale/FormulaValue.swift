import Support

/// A value of the language.
enum FormulaValue: Sendable {
    case number(Double)
    case vector([Double])
    case text(String)
    /// Seconds since 1970.
    case time(Double)
    /// Seconds.
    case interval(Double)
    /// A metric that was named and not yet asked for samples.
    case metric(String)

    /// What it is called in messages.
    var kind: String {
        switch self {
        case .number: "a double"
        case .vector: "a doubleVec"
        case .text: "a string"
        case .time: "a timestamp"
        case .interval: "a timeinterval"
        case .metric(let name): "the metric \(name)"
        }
    }

    /// The value as Batch tells it in results.
    var shown: String {
        switch self {
        case .number(let value): Self.describe(value)
        case .vector(let values): "[" + values.map(Self.describe).joined(separator: ",") + "]"
        case .text(let text): text
        case .time(let seconds): Self.moment(seconds)?.isoSeconds ?? "out of the calendar"
        case .interval(let seconds):
            Self.describe(seconds) + "s"
        case .metric(let name): name
        }
    }

    static func describe(_ value: Double) -> String {
        if let whole = Int(exactly: value), abs(whole) < 1 << 53 { return String(whole) }
        return "\(value)"
    }

    /// The moment of so many seconds since 1970; nil when no calendar has it.
    static func moment(_ seconds: Double) -> Moment? {
        // The years 1 to 9999.
        guard seconds >= -62_135_596_800, seconds < 253_402_300_800 else { return nil }
        return Moment(microseconds: Int64((seconds * 1_000_000).rounded(.down)))
    }
}
