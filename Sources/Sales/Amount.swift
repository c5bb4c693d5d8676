/// An exact decimal with 18 places: money, quantities, and sums of them.
///
/// Adding is exact, so a sum depends neither on order nor on how the work was divided. It holds up to 1.7 × 10²⁰, which is
/// a hundred million of the largest amounts that a record may have.
public struct Amount: Sendable, Hashable, Comparable {
    /// The value in units of 10⁻¹⁸.
    public var raw: Int128

    /// How many decimal places there are.
    public static let places = 18
    /// The least that is too large for an amount in a record: 10¹².
    public static let limit: Int128 = 1_000_000_000_000 * one
    static let one: Int128 = 1_000_000_000_000_000_000

    /// So many units of 10⁻¹⁸; none at first.
    public init(raw: Int128 = 0) { self.raw = raw }

    /// A whole number.
    public init(_ whole: Int) { raw = Int128(whole) * Amount.one }

    /// What `text` says (`12`, `-0.5`); nil when that is no decimal of at most 18 places below 10¹².
    public init?(_ text: String) {
        var raw: Int128 = 0
        var places = -1
        var digits = 0
        let isNegative = text.hasPrefix("-")
        for byte in text.utf8.dropFirst(isNegative ? 1 : 0) {
            if byte == UInt8(ascii: "."), places < 0, digits > 0 {
                places = 0
                continue
            }
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            if places >= 0 { places += 1 }
            if places > Amount.places || raw > Amount.limit { return nil }
            raw = raw * 10 + Int128(byte - 0x30)
            digits += 1
        }
        guard digits > 0, places != 0 else { return nil }
        for _ in max(places, 0)..<Amount.places {
            let (product, overflow) = raw.multipliedReportingOverflow(by: 10)
            if overflow { return nil }
            raw = product
        }
        guard raw < Amount.limit else { return nil }
        self.raw = isNegative ? -raw : raw
    }

    /// Whether `left` is less.
    public static func < (left: Amount, right: Amount) -> Bool { left.raw < right.raw }
    /// The exact sum, which stays within the range for as many amounts as there can be.
    public static func + (left: Amount, right: Amount) -> Amount { Amount(raw: left.raw &+ right.raw) }
    /// The exact difference.
    public static func - (left: Amount, right: Amount) -> Amount { Amount(raw: left.raw &- right.raw) }
    /// Adds to a sum.
    public static func += (sum: inout Amount, other: Amount) { sum.raw &+= other.raw }

    /// How far it is from zero.
    public var magnitude: UInt128 { raw.magnitude }

    /// The nearest double, for drawing.
    public var double: Double { Double(raw) / 1e18 }

    // MARK: Rounding

    private static let powers: [UInt128] = (0...18).reduce(into: [1]) { powers, _ in
        powers.append((powers.last ?? 1) * 10)
    }

    /// Rounded half to even to `decimals` places (0 … 18).
    public func rounded(_ decimals: Int) -> Amount {
        let unit = Amount.powers[Amount.places - max(0, min(decimals, Amount.places))]
        return Amount.signed(
            min(Amount.quotient(raw.magnitude, 1, unit), UInt128(Int128.max) / unit) * unit, isNegative: raw < 0)
    }

    /// This (so many `times`, a small whole number) by `divisor`, rounded half to even to `decimals` places, and 10²⁰ at most;
    /// zero when the divisor is zero.
    public func divided(by divisor: Amount, _ decimals: Int, times: Amount = Amount(1)) -> Amount {
        guard divisor.raw != 0 else { return Amount() }
        let decimals = max(0, min(decimals, Amount.places))
        let factor = Amount.powers[decimals] * (times.raw.magnitude / UInt128(Amount.one))
        let units = Amount.quotient(raw.magnitude, factor, divisor.raw.magnitude)
        let unit = Amount.powers[Amount.places - decimals]
        let most = 100 * UInt128(Amount.one) * Amount.powers[decimals]
        return Amount.signed(min(units, most) * unit, isNegative: (raw < 0) != (divisor.raw < 0))
    }

    /// The product, rounded half to even to 18 places.
    public func times(_ other: Amount) -> Amount {
        let magnitude = Amount.quotient(raw.magnitude, other.raw.magnitude, UInt128(Amount.one))
        return Amount.signed(min(magnitude, UInt128(Int128.max)), isNegative: (raw < 0) != (other.raw < 0))
    }

    /// `value · factor / divisor`, rounded half to even; as much as fits when it is larger.
    private static func quotient(_ value: UInt128, _ factor: UInt128, _ divisor: UInt128) -> UInt128 {
        let product = value.multipliedFullWidth(by: factor)
        guard product.high < divisor else { return .max }
        let (quotient, remainder) = divisor.dividingFullWidth(product)
        let rest = divisor - remainder
        return remainder > rest || (remainder == rest && quotient & 1 == 1)
            ? (quotient == .max ? .max : quotient + 1) : quotient
    }

    private static func signed(_ magnitude: UInt128, isNegative: Bool) -> Amount {
        let raw = Int128(truncatingIfNeeded: magnitude)
        return Amount(raw: isNegative ? 0 &- raw : raw)
    }

    // MARK: Text

    /// Rounded half to even, with exactly so many decimals: `98765.40`.
    public func text(_ decimals: Int) -> String {
        let decimals = max(0, min(decimals, Amount.places))
        let units = rounded(decimals).raw.magnitude / Amount.powers[Amount.places - decimals]
        var digits = String(units)
        if digits.utf8.count <= decimals {
            digits = String(repeating: "0", count: decimals + 1 - digits.utf8.count) + digits
        }
        let whole = digits.dropLast(decimals)
        let sign = raw < 0 && units != 0 ? "-" : ""
        return decimals == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(digits.suffix(decimals))"
    }

    /// All that there is, without zeros at the end: `40.5`, `3`.
    public var plain: String {
        var text = text(Amount.places)[...]
        while text.hasSuffix("0") { text = text.dropLast() }
        if text.hasSuffix(".") { text = text.dropLast() }
        return String(text)
    }
}
