/// What is known of a column's type from the values seen so far: a lattice that only ever moves towards wider types.
///
/// The result depends on which values were seen, never on their order or on how the data was cut, so that chunks can be
/// observed in parallel and merged:
///
///     var left = TypeInference()
///     left.observe(text)          // "12"
///     left.merge(right)           // saw "1.5"
///     left.type                   // float64
///
/// The rules, all of them such that no value is lost:
///
/// - Whole numbers are `int64`; `uint64` or `decimal(38,0)` when they are too large for that; text beyond 38 digits.
///   A leading zero or `+` (`007`, `+49…`) makes text.
/// - With fractions or exponents among them, `float64` when formatting every parsed float gives the number that was
///   written and no whole number exceeds 2⁵³; otherwise `decimal(38,s)` when all fit; otherwise text. `NaN` and
///   `Infinity` (any case, `inf` too, with a sign or without) are floats among numbers, and text on their own.
/// - `bool` when all are `true` or `false`, also written `True` or `TRUE`; never from 0, 1, t, f, yes or no.
/// - `date`, `time(us)` and `timestamp(us)` when the whole column is one; `ns` in place of `us` when a fraction has more than
///   six digits. Dates among timestamps are midnights. With offsets it is `timestamp(…, UTC)`; some with and some
///   without is text.
/// - Everything else, and every mixture, is text.
public struct TypeInference: Sendable, Hashable {
    /// What has been seen.
    public struct Traits: OptionSet, Sendable, Hashable {
        /// The bits.
        public let rawValue: UInt32
        /// A set of bits.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// A missing value.
        public static let null = Traits(rawValue: 1)
        /// True or false.
        public static let bool = Traits(rawValue: 1 << 1)
        /// A whole number, written without point or exponent.
        public static let whole = Traits(rawValue: 1 << 2)
        /// A number with a point or an exponent.
        public static let fraction = Traits(rawValue: 1 << 3)
        /// Not a number, or infinity.
        public static let nonFinite = Traits(rawValue: 1 << 4)
        /// A calendar day.
        public static let date = Traits(rawValue: 1 << 5)
        /// A time of day.
        public static let time = Traits(rawValue: 1 << 6)
        /// A moment on the wall clock.
        public static let localTimestamp = Traits(rawValue: 1 << 7)
        /// A moment with an offset from UTC.
        public static let zonedTimestamp = Traits(rawValue: 1 << 8)
        /// Anything else.
        public static let text = Traits(rawValue: 1 << 9)

        /// A number below zero.
        public static let negative = Traits(rawValue: 1 << 16)
        /// A whole number that exceeds 2⁵³, up to which a float holds them all.
        public static let beyondFloat64 = Traits(rawValue: 1 << 17)
        /// A whole number that `Int64` does not hold.
        public static let beyondInt64 = Traits(rawValue: 1 << 18)
        /// A whole number that exceeds what `UInt64` holds.
        public static let beyondUInt64 = Traits(rawValue: 1 << 19)
        /// A number that a float does not hold exactly as written.
        public static let inexact = Traits(rawValue: 1 << 20)
        /// More than six digits of a second's fraction.
        public static let nanoseconds = Traits(rawValue: 1 << 21)
        /// A moment that 64 bits of nanoseconds do not reach.
        public static let beyondNanoseconds = Traits(rawValue: 1 << 22)

        /// The numbers.
        public static let numbers: Traits = [.whole, .fraction, .nonFinite]
        /// The days and moments.
        public static let moments: Traits = [.date, .localTimestamp, .zonedTimestamp]
    }

    /// What has been seen.
    public private(set) var traits: Traits = []
    /// The most digits that a number had before the point.
    public private(set) var integerDigits = 0
    /// The most digits that a number had behind the point.
    public private(set) var scale = 0

    /// Nothing seen.
    public init() {}

    /// Whether no further value can change the type: it is text.
    public var isSettled: Bool { traits.contains(.text) }

    /// The type that holds every value seen without loss, or nil when there was none but nulls.
    public var type: DataType? {
        if traits.contains(.text) { return .utf8 }
        let isNumber = !traits.isDisjoint(with: .numbers)
        let isMoment = !traits.isDisjoint(with: .moments)
        let families = [traits.contains(.bool), isNumber, isMoment, traits.contains(.time)]
        switch families.count(where: { $0 }) {
        case 0: return nil
        case 1: break
        default: return .utf8
        }
        if isNumber { return numberType }
        if isMoment { return momentType }
        if traits.contains(.time) { return .time(traits.contains(.nanoseconds) ? .nanosecond : .microsecond) }
        return .bool
    }

    private var numberType: DataType {
        if traits.isDisjoint(with: [.fraction, .nonFinite]) {
            if !traits.contains(.beyondInt64) { return .int64 }
            if traits.isDisjoint(with: [.negative, .beyondUInt64]) { return .uint64 }
            return integerDigits <= 38 ? .decimal(precision: 38, scale: 0) : .utf8
        }
        if traits.isDisjoint(with: [.whole, .fraction]) { return .utf8 }
        if traits.isDisjoint(with: [.inexact, .beyondFloat64]) { return .float64 }
        if traits.contains(.nonFinite) { return .utf8 }
        return integerDigits + scale <= 38 ? .decimal(precision: 38, scale: scale) : .utf8
    }

    private var momentType: DataType {
        if !traits.isDisjoint(with: [.localTimestamp, .zonedTimestamp]) {
            let isZoned = traits.contains(.zonedTimestamp)
            if isZoned, !traits.isDisjoint(with: [.date, .localTimestamp]) { return .utf8 }
            if !traits.contains(.nanoseconds) { return .timestamp(.microsecond, zone: isZoned ? "UTC" : nil) }
            if traits.contains(.beyondNanoseconds) { return .utf8 }
            return .timestamp(.nanosecond, zone: isZoned ? "UTC" : nil)
        }
        return .date
    }

    /// Adds all that `other` has seen.
    public mutating func merge(_ other: TypeInference) {
        traits.formUnion(other.traits)
        integerDigits = max(integerDigits, other.integerDigits)
        scale = max(scale, other.scale)
    }

    /// Adds what a parser that knows its values has found out about them.
    public mutating func observe(_ found: Traits, integerDigits: Int = 0, scale: Int = 0) {
        traits.formUnion(found)
        self.integerDigits = max(self.integerDigits, integerDigits)
        self.scale = max(self.scale, scale)
    }
}

// MARK: - Values

extension TypeInference {
    /// Adds a missing value.
    @inline(__always) public mutating func observeNull() { traits.formUnion(.null) }

    /// Adds true or false.
    public mutating func observeBool() { traits.formUnion(.bool) }

    /// Adds a whole number.
    public mutating func observe(_ value: Int64) {
        let magnitude = value.magnitude
        var found: Traits = value < 0 ? [.whole, .negative] : .whole
        if magnitude > 1 << 53 { found.formUnion(.beyondFloat64) }
        observe(found, integerDigits: decimalDigits(magnitude))
    }

    /// Adds a whole number.
    public mutating func observe(_ value: UInt64) {
        if value <= UInt64(Int64.max) { return observe(Int64(value)) }
        observe([.whole, .beyondFloat64, .beyondInt64], integerDigits: decimalDigits(value))
    }

    /// Adds a day, in days since 1970-01-01.
    public mutating func observe(day: Int32) {
        // Its midnight may have to be told in nanoseconds.
        let isFar = TimestampLiteral.isBeyondNanoseconds(Int64(day) * 86_400)
        traits.formUnion(isFar ? [.date, .beyondNanoseconds] : .date)
    }

    /// Adds an untyped value as CSV has it: text that may be anything.
    public mutating func observe(_ text: UnsafeRawBufferPointer) {
        guard text.count > 0, !isSettled else { return traits.formUnion(.text) }
        let first = text[0]
        let isMark = first == UInt8(ascii: "-") || first == UInt8(ascii: "+") || first == UInt8(ascii: ".")
        if first &- 48 <= 9 || isMark {
            let mayBeMoment = text.count >= 8 && (text[2] == UInt8(ascii: ":") || text[4] == UInt8(ascii: "-"))
            if !(mayBeMoment && observeMoment(text)) { observeNumber(text) }
        } else if TextParser.bool(text) != nil {
            traits.formUnion(.bool)
        } else if text.count <= 9, TextParser.nonFinite(text) != nil {
            traits.formUnion(.nonFinite)
        } else {
            traits.formUnion(.text)
        }
    }

    /// Adds a string as JSON has it: a day, a moment, a time of day, or text; never a number.
    public mutating func observeString(_ text: UnsafeRawBufferPointer) {
        guard text.count >= 8, !isSettled, text[0] &- 48 <= 9, observeMoment(text) else {
            return traits.formUnion(.text)
        }
    }

    /// Adds a day, moment or time of day; false when the text is none.
    private mutating func observeMoment(_ text: UnsafeRawBufferPointer) -> Bool {
        if let literal = TextParser.timestamp(text) {
            traits.formUnion(literal.traits)
        } else if let day = TextParser.date(text) {
            observe(day: day)
        } else if let literal = TextParser.time(text) {
            traits.formUnion(literal.fractionDigits > 6 ? [.time, .nanoseconds] : .time)
        } else {
            return false
        }
        return true
    }

    /// Adds a number as it is written, in CSV or JSON; text that is no number counts as text.
    public mutating func observeNumber(_ text: UnsafeRawBufferPointer) {
        guard let literal = NumberLiteral(text) else {
            return traits.formUnion(TextParser.nonFinite(text) == nil ? .text : .nonFinite)
        }
        observe(literal, text)
    }

    /// Adds a number that has been taken apart already; `text` is what it was made from.
    @inline(__always) public mutating func observe(_ literal: NumberLiteral, _ text: UnsafeRawBufferPointer) {
        if literal.isPadded { return traits.formUnion(.text) }
        var found = literal.traits(text)
        if found.contains(.fraction) {
            if let value = literal.float64(text), literal.isExact(as: value, text) {} else { found.formUnion(.inexact) }
        }
        observe(found, integerDigits: literal.integerDigits, scale: literal.scale)
    }
}

extension NumberLiteral {
    /// What the number's way of being written says about its type, except whether a float holds it exactly.
    @inline(__always) func traits(_ text: UnsafeRawBufferPointer) -> TypeInference.Traits {
        // No integer is minus zero.
        guard isWhole, !(isNegative && mantissa == 0) else { return isNegative ? [.fraction, .negative] : .fraction }
        var found: TypeInference.Traits = isNegative ? [.whole, .negative] : .whole
        if significantDigits > 15 { found.formUnion(largeTraits(text)) }
        return found
    }

    @inline(never) private func largeTraits(_ text: UnsafeRawBufferPointer) -> TypeInference.Traits {
        var found: TypeInference.Traits = []
        if significantDigits > 19 || mantissa > 1 << 53 { found.formUnion(.beyondFloat64) }
        if TextParser.int64(text) == nil {
            found.formUnion(.beyondInt64)
            if isNegative || TextParser.uint64(text) == nil { found.formUnion(.beyondUInt64) }
        }
        return found
    }
}

extension TimestampLiteral {
    /// What the moment's way of being written says about its type.
    @inline(__always) public var traits: TypeInference.Traits {
        var found: TypeInference.Traits = hasOffset ? .zonedTimestamp : .localTimestamp
        if fractionDigits > 6 { found.formUnion(.nanoseconds) }
        if TimestampLiteral.isBeyondNanoseconds(seconds) { found.formUnion(.beyondNanoseconds) }
        return found
    }

    /// Whether 64 bits of nanoseconds do not reach the second.
    @inline(__always) static func isBeyondNanoseconds(_ seconds: Int64) -> Bool {
        seconds < -9_223_372_036 || seconds >= 9_223_372_036
    }
}

/// How many digits `value` has; none for 0.
private func decimalDigits(_ value: UInt64) -> Int {
    var digits = 0
    var rest = value
    while rest > 0 {
        rest /= 10
        digits += 1
    }
    return digits
}
