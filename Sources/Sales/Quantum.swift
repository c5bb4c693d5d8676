/// A number of a record: ten-thousandths in 64 bits where all of the record's numbers are some, else 10⁻¹⁸ in 128.
///
/// Nearly all records are of the first kind, and the code that adds them up is made twice, once for each.
protocol Quantum: BitwiseCopyable, Comparable {
    /// In ten-thousandths, when it is some.
    var narrow: Int64? { get }
    /// In units of 10⁻¹⁸.
    var raw: Int128 { get }
    /// Zero.
    static var zero: Self { get }
    /// The exact sum.
    static func plus(_ left: Self, _ right: Self) -> Self
    /// `quantity · price`, rounded half to even to 18 places.
    static func times(_ quantity: Self, _ price: Self) -> Int128
    /// Whether the two are surely no further apart than `tolerance`, seen at a glance.
    static func agree(_ left: Self, _ right: Self, _ tolerance: Tolerance) -> Bool
    /// Whether `quantity · price − discount` is surely no further from `subtotal` than `tolerance`.
    static func agree(
        _ quantity: Self, _ price: Self, _ discount: Self, _ subtotal: Self, _ tolerance: Tolerance
    ) -> Bool
    /// Whether it is surely not above a limit, given in both units.
    func isWithin(_ limit: Limit) -> Bool
}

/// How far sums may be off, in all units that are compared in.
struct Tolerance {
    let raw: Int128
    /// In ten-thousandths, and in 10⁻⁸, both rounded down.
    let narrow: Int64
    let square: Int64

    init(_ amount: Amount) {
        raw = amount.raw
        narrow = Int64(clamping: max(0, amount.raw) / Narrow.unit)
        square = Int64(clamping: max(0, amount.raw) / 10_000_000_000)
    }
}

/// A limit, in both units.
struct Limit {
    let raw: Int128
    /// In ten-thousandths, rounded down.
    let narrow: Int64

    init(_ amount: Amount) {
        raw = amount.raw
        narrow = Int64(clamping: (amount.raw >= 0 ? amount.raw : amount.raw - (Narrow.unit - 1)) / Narrow.unit)
    }
}

extension Int64: Quantum {
    @inline(__always) static func agree(_ left: Int64, _ right: Int64, _ tolerance: Tolerance) -> Bool {
        (left &- right).magnitude <= UInt64(tolerance.narrow)
    }
    @inline(__always) static func agree(
        _ quantity: Int64, _ price: Int64, _ discount: Int64, _ subtotal: Int64, _ tolerance: Tolerance
    ) -> Bool {
        let (product, large) = quantity.multipliedReportingOverflow(by: price)
        let (rest, larger) = (discount &+ subtotal).multipliedReportingOverflow(by: 10_000)
        let (difference, largest) = product.subtractingReportingOverflow(rest)
        return !large && !larger && !largest && difference.magnitude <= UInt64(tolerance.square)
    }
    @inline(__always) func isWithin(_ limit: Limit) -> Bool { self <= limit.narrow }
    @inline(__always) var narrow: Int64? { self }
    @inline(__always) var raw: Int128 { Int128(self) * Narrow.unit }
    static var zero: Int64 { 0 }
    @inline(__always) static func plus(_ left: Int64, _ right: Int64) -> Int64 { left &+ right }
    @inline(__always) static func times(_ quantity: Int64, _ price: Int64) -> Int128 {
        // Ten-thousandths twice are 10⁻⁸.
        let (product, overflow) = quantity.multipliedReportingOverflow(by: price)
        return overflow ? Amount(raw: quantity.raw).times(Amount(raw: price.raw)).raw : Int128(product) * 10_000_000_000
    }
}

extension Int128: Quantum {
    static func agree(_ left: Int128, _ right: Int128, _ tolerance: Tolerance) -> Bool { false }
    static func agree(
        _ quantity: Int128, _ price: Int128, _ discount: Int128, _ subtotal: Int128, _ tolerance: Tolerance
    ) -> Bool { false }
    func isWithin(_ limit: Limit) -> Bool { self <= limit.raw }
    var narrow: Int64? { Narrow.of(self) }
    var raw: Int128 { self }
    static var zero: Int128 { 0 }
    static func plus(_ left: Int128, _ right: Int128) -> Int128 { left &+ right }
    static func times(_ quantity: Int128, _ price: Int128) -> Int128 {
        Amount(raw: quantity).times(Amount(raw: price)).raw
    }
}

/// Amounts in ten-thousandths.
enum Narrow {
    /// A ten-thousandth.
    static let unit: Int128 = 100_000_000_000_000

    /// Adds; false, with nothing done, when the sum would be too large.
    @inline(__always) static func add(_ value: Int64, to sum: inout Int64) -> Bool {
        let (result, overflow) = sum.addingReportingOverflow(value)
        if overflow { return false }
        sum = result
        return true
    }

    /// `raw` in ten-thousandths, when it is some.
    @inline(__always) static func of(_ raw: Int128) -> Int64? {
        let (quotient, remainder) = raw.quotientAndRemainder(dividingBy: unit)
        return remainder == 0 ? Int64(exactly: quotient) : nil
    }
}
