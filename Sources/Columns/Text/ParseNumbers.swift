import CNumbers

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Text → values. Each function reads all of the text it is given and returns nil when that is not exactly one value;
/// none allocates. CSV and JSON readers, casts and type inference stand on them.
public enum TextParser {
    /// A whole number in `Int64`: an optional sign, then digits.
    public static func int64(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard let start = text.baseAddress, text.count > 0 else { return nil }
        let first = start.load(as: UInt8.self)
        let signed = first == UInt8(ascii: "-") || first == UInt8(ascii: "+") ? 1 : 0
        guard let magnitude = digits(start + signed, text.count - signed) else { return nil }
        if first == UInt8(ascii: "-") {
            return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil
        }
        return Int64(exactly: magnitude)
    }

    /// A whole number in `UInt64`: an optional `+`, then digits.
    public static func uint64(_ text: UnsafeRawBufferPointer) -> UInt64? {
        guard let start = text.baseAddress, text.count > 0 else { return nil }
        let signed = start.load(as: UInt8.self) == UInt8(ascii: "+") ? 1 : 0
        return digits(start + signed, text.count - signed)
    }

    /// `count` digits, of any number of leading zeros.
    @inline(__always) static func digits(_ start: UnsafeRawPointer, _ count: Int) -> UInt64? {
        guard count > 0 else { return nil }
        var value: UInt64 = 0
        var index = 0
        // Nineteen digits cannot overflow; what comes behind them is checked.
        let safe = min(count, 19)
        while index < safe {
            let digit = start.load(fromByteOffset: index, as: UInt8.self) &- 48
            if digit > 9 { return nil }
            value = value &* 10 &+ UInt64(digit)
            index &+= 1
        }
        while index < count {
            let digit = start.load(fromByteOffset: index, as: UInt8.self) &- 48
            if digit > 9 { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            if overflow || carry { return nil }
            value = sum
            index &+= 1
        }
        return value
    }

    /// A float, correctly rounded: a number with optional sign, fraction and exponent, or (in any case) `nan`, `inf`
    /// or `infinity` with an optional sign. A number that `Double` cannot hold (`1e400`, `1e-400`) is nil, not infinity
    /// or zero.
    public static func float64(_ text: UnsafeRawBufferPointer) -> Double? {
        if let literal = NumberLiteral(text) { return literal.float64(text) }
        return nonFinite(text)
    }

    /// `nan`, `inf` or `infinity` in any case, with an optional sign.
    public static func nonFinite(_ text: UnsafeRawBufferPointer) -> Double? {
        var word = text
        var negative = false
        if let sign = word.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            negative = sign == UInt8(ascii: "-")
            word = UnsafeRawBufferPointer(rebasing: word.dropFirst())
        }
        if matches(word, "nan") { return .nan }
        if matches(word, "inf") || matches(word, "infinity") { return negative ? -.infinity : .infinity }
        return nil
    }

    /// Whether `text` is `word`, which is in lower case, in any case.
    static func matches(_ text: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard text.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<text.count where text[index] | 0x20 != word.utf8Start[index] { return false }
        return true
    }

    /// An exact number as `value × 10^scale`, when it has at most `scale` digits behind the point (zeros at the end do
    /// not count) and at most `precision` digits in all.
    public static func decimal(_ text: UnsafeRawBufferPointer, precision: Int, scale: Int) -> Int128? {
        guard let literal = NumberLiteral(text) else { return nil }
        return literal.decimal(text, precision: precision, scale: scale)
    }
}

/// A number as it is written, taken apart: `mantissa × 10^exponent`, and how many digits were written where.
public struct NumberLiteral: Sendable {
    /// The first (at most 19) significant digits.
    public private(set) var mantissa: UInt64 = 0
    /// The power of ten that `mantissa` is to be multiplied with.
    public private(set) var exponent = 0
    /// How many digits were written, zeros before the first other digit of the whole part left out, those at the end
    /// counted. At most 15 mean that the mantissa is less than 10^15.
    public private(set) var significantDigits = 0
    /// The power of ten of the last digit written.
    public private(set) var lastDigitExponent = 0
    /// Whether there is a `-`.
    public private(set) var isNegative = false
    /// Whether there is neither point nor exponent.
    public private(set) var isWhole = true
    /// Whether the first digit is a zero that stands before another digit, or the sign is a `+`: how codes are written,
    /// telephone numbers and postcodes among them, and not numbers.
    public private(set) var isPadded = false

    /// Takes `text` apart; nil when it is not a number: digits with an optional sign, point and exponent.
    @inline(__always) public init?(_ text: UnsafeRawBufferPointer) {
        guard var cursor = text.baseAddress else { return nil }
        let end = cursor + text.count
        guard cursor < end else { return nil }
        var byte = cursor.load(as: UInt8.self)
        if byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+") {
            isNegative = byte == UInt8(ascii: "-")
            isPadded = !isNegative
            cursor += 1
        }
        let whole = cursor
        var mantissa: UInt64 = 0
        while cursor < end {
            let digit = cursor.load(as: UInt8.self) &- 48
            if digit > 9 { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            cursor += 1
        }
        let wholeDigits = cursor - whole
        var fractionDigits = 0
        if cursor < end, cursor.load(as: UInt8.self) == UInt8(ascii: ".") {
            isWhole = false
            cursor += 1
            let fraction = cursor
            while cursor < end {
                let digit = cursor.load(as: UInt8.self) &- 48
                if digit > 9 { break }
                mantissa = mantissa &* 10 &+ UInt64(digit)
                cursor += 1
            }
            fractionDigits = cursor - fraction
        }
        let written = wholeDigits + fractionDigits
        guard written > 0 else { return nil }
        let digitsEnd = cursor
        var power = 0
        if cursor < end {
            byte = cursor.load(as: UInt8.self)
            guard byte | 0x20 == UInt8(ascii: "e") else { return nil }
            guard let read = NumberLiteral.power(cursor + 1, end) else { return nil }
            power = read
            isWhole = false
        }
        self.mantissa = mantissa
        significantDigits = written
        exponent = power - fractionDigits
        lastDigitExponent = exponent
        if wholeDigits > 0, whole.load(as: UInt8.self) == UInt8(ascii: "0") {
            isPadded = isPadded || wholeDigits > 1
            significantDigits = fractionDigits
        }
        if written > 19 { countDigits(from: whole, to: digitsEnd) }
    }

    /// An exponent's digits with an optional sign, held within ±100 000, where every number is 0 or too large.
    @inline(never) private static func power(_ start: UnsafeRawPointer, _ end: UnsafeRawPointer) -> Int? {
        var cursor = start
        guard cursor < end else { return nil }
        let sign = cursor.load(as: UInt8.self)
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { cursor += 1 }
        guard cursor < end else { return nil }
        var value = 0
        while cursor < end {
            let digit = cursor.load(as: UInt8.self) &- 48
            if digit > 9 { return nil }
            value = min(value * 10 + Int(digit), 100_000)
            cursor += 1
        }
        return sign == UInt8(ascii: "-") ? -value : value
    }

    /// Counts the significant digits, and takes the mantissa again from the first 19 of them when there are more.
    @inline(never) private mutating func countDigits(from start: UnsafeRawPointer, to end: UnsafeRawPointer) {
        var first = start
        while first < end, first.load(as: UInt8.self) == 48 || first.load(as: UInt8.self) == UInt8(ascii: ".") {
            first += 1
        }
        significantDigits = 0
        mantissa = 0
        for cursor in first..<end {
            let digit = cursor.load(as: UInt8.self) &- 48
            if digit > 9 { continue }
            significantDigits += 1
            if significantDigits <= 19 { mantissa = mantissa &* 10 &+ UInt64(digit) }
        }
        if significantDigits > 19 { exponent += significantDigits - 19 }
    }

    /// How many digits the number has before the point when written without an exponent.
    public var integerDigits: Int { mantissa == 0 ? 0 : max(0, significantDigits + lastDigitExponent) }
    /// How many digits the number has behind the point when written without an exponent.
    public var scale: Int { max(0, -lastDigitExponent) }

    /// The float nearest to the number, or nil when the number is too large or too small for one. `text` is what this
    /// was made from.
    @inline(__always) public func float64(_ text: UnsafeRawBufferPointer) -> Double? {
        // Both sides of the one operation are exact, so its result is the rounded true value.
        if significantDigits <= 19, mantissa <= 1 << 53, exponent >= -22, exponent <= 22 {
            let whole = Double(mantissa)
            let value = exponent < 0 ? whole / powerOfTen(-exponent) : whole * powerOfTen(exponent)
            return isNegative ? -value : value
        }
        return slowFloat64(text)
    }

    @inline(never) private func slowFloat64(_ text: UnsafeRawBufferPointer) -> Double? {
        if mantissa == 0 { return isNegative ? -0.0 : 0 }
        guard let start = text.baseAddress else { return nil }
        let plus = text[0] == UInt8(ascii: "+") ? 1 : 0
        var value = 0.0
        let read = sluice_parse_double(
            (start + plus).assumingMemoryBound(to: CChar.self), text.count - plus, &value)
        return read == 1 && value.isFinite && value != 0 ? value : nil
    }

    /// Whether `value`, the nearest float, stands for exactly the number that was written: formatting it in the
    /// shortest way gives the same number. `text` is what this was made from.
    @inline(__always) public func isExact(as value: Double, _ text: UnsafeRawBufferPointer) -> Bool {
        // A float holds any 15 digits, except near the ends of its range.
        if significantDigits <= 15, lastDigitExponent > -290, lastDigitExponent < 290 { return true }
        return isExactSlow(as: value, text)
    }

    @inline(never) private func isExactSlow(as value: Double, _ text: UnsafeRawBufferPointer) -> Bool {
        if mantissa == 0 { return value == 0 }
        // More than 19 digits are fine when all behind the 19th are zeros, but nobody writes those: they count as inexact.
        guard significantDigits <= 19 else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 40, alignment: 1) { room in
            guard let start = room.baseAddress else { return false }
            let length = sluice_format_double(value, start.assumingMemoryBound(to: CChar.self))
            // Most such numbers were written in the shortest way to begin with.
            if length == text.count, let given = text.baseAddress, memcmp(start, given, length) == 0 { return true }
            guard let shortest = NumberLiteral(UnsafeRawBufferPointer(start: start, count: length)) else {
                return false
            }
            let (a, b) = (normalised, shortest.normalised)
            return a.mantissa == b.mantissa && a.exponent == b.exponent && isNegative == shortest.isNegative
        }
    }

    /// The mantissa without zeros at its end.
    private var normalised: (mantissa: UInt64, exponent: Int) {
        var (mantissa, exponent) = (mantissa, exponent)
        while mantissa != 0, mantissa % 10 == 0 {
            mantissa /= 10
            exponent += 1
        }
        return (mantissa, exponent)
    }

    /// The number as `value × 10^scale`, or nil when it has more digits behind the point than `scale`, or more than
    /// `precision` in all. `text` is what this was made from.
    public func decimal(_ text: UnsafeRawBufferPointer, precision: Int, scale: Int) -> Int128? {
        var value = Int128(mantissa)
        var power = exponent
        if significantDigits > 19 {
            // The digits once more, all of them: at most 38 fit, and zeros behind those must not hide a digit.
            value = 0
            power = lastDigitExponent
            var taken = 0
            for byte in text {
                if byte | 0x20 == UInt8(ascii: "e") { break }
                let digit = byte &- 48
                if digit > 9 || (taken == 0 && digit == 0) { continue }
                taken += 1
                if taken <= 38 {
                    value = value * 10 + Int128(digit)
                } else if digit == 0 {
                    power += 1
                } else {
                    return nil
                }
            }
        }
        if value == 0 { return 0 }
        power += scale
        if power < -60 || power > 38 { return nil }
        while power < 0 {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            if remainder != 0 { return nil }
            value = quotient
            power += 1
        }
        while power > 0 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            value = product
            power -= 1
        }
        if value >= wholePowerOfTen(precision) { return nil }
        return isNegative ? -value : value
    }
}

/// 10^`exponent` for 0 to 22, which a `Double` holds exactly.
@inline(__always) func powerOfTen(_ exponent: Int) -> Double {
    switch exponent {
    case 0: 1e0
    case 1: 1e1
    case 2: 1e2
    case 3: 1e3
    case 4: 1e4
    case 5: 1e5
    case 6: 1e6
    case 7: 1e7
    case 8: 1e8
    case 9: 1e9
    case 10: 1e10
    case 11: 1e11
    case 12: 1e12
    case 13: 1e13
    case 14: 1e14
    case 15: 1e15
    case 16: 1e16
    case 17: 1e17
    case 18: 1e18
    case 19: 1e19
    case 20: 1e20
    case 21: 1e21
    default: 1e22
    }
}

/// 10^`exponent` for 0 to 38; one of more than 38 is as good as no bound.
func wholePowerOfTen(_ exponent: Int) -> Int128 {
    if exponent > 38 { return .max }
    if exponent == 38 { return 100_000_000_000_000_000_000_000_000_000_000_000_000 }
    var low: Int64 = 1
    for _ in 0..<min(max(0, exponent), 18) { low &*= 10 }
    var value = Int128(low)
    for _ in 0..<max(0, exponent - 18) { value *= 10 }
    return value
}
