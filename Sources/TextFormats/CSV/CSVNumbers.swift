import Columns

/// Digits eight at a time. The callers see to it that eight bytes can be read.
enum CSVDigits {
    /// The number of the `count` (1 to 8) digits at `start`, or nil when they are not all digits.
    @inline(__always) static func upTo8(_ start: UnsafeRawPointer, _ count: Int) -> UInt64? {
        let shift = UInt64(truncatingIfNeeded: 64 &- count &* 8)
        let word = start.loadUnaligned(as: UInt64.self).littleEndian &<< shift
        // Zeros go in front. Shifting in two steps keeps eight digits from shifting by all 64 bits.
        let padding: UInt64 = (0x3030_3030_3030_3030 &>> 8) &>> (56 &- shift)
        let digits = word | padding
        let isDigits =
            (digits & 0xf0f0_f0f0_f0f0_f0f0)
            | (((digits &+ 0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0) &>> 4) == 0x3333_3333_3333_3333
        if !isDigits { return nil }
        let pairs = ((digits & 0x0f0f_0f0f_0f0f_0f0f) &* 2561) &>> 8
        let fours = ((pairs & 0x00ff_00ff_00ff_00ff) &* 6_553_601) &>> 16
        return ((fours & 0x0000_ffff_0000_ffff) &* 42_949_672_960_001) &>> 32
    }

    /// Where the first `.` among the eight bytes at `start` is; 8 when there is none.
    @inline(__always) static func point(_ start: UnsafeRawPointer) -> Int {
        let word = start.loadUnaligned(as: UInt64.self).littleEndian ^ 0x2e2e_2e2e_2e2e_2e2e
        let hits = (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
        return hits.trailingZeroBitCount &>> 3
    }
}

/// Turns a field's text into one value of a column. The 16 bytes behind the text can be read.
protocol CSVConversion {
    associatedtype Value: BitwiseCopyable
    /// What a row without a value holds.
    static var empty: Value { get }
    /// The value of a text, or nil when it is none of the column's type. Adds to `found`, now or in `finish`, what another
    /// type would have to know of the value.
    mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Value?
    /// Adds to `found` what has not been added yet.
    func finish(_ found: inout TypeInference)
}

extension CSVConversion {
    func finish(_ found: inout TypeInference) {}
}

/// Whole numbers written in their one canonical way, for a column that has had only those so far.
struct CSVCanonicalInt64: CSVConversion {
    static var empty: Int64 { 0 }

    @inline(__always) mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Int64? {
        guard let start = text.baseAddress, text.count > 0 else { return nil }
        let isNegative = start.load(as: UInt8.self) == UInt8(ascii: "-")
        let digits = start + (isNegative ? 1 : 0)
        let count = text.count &- (isNegative ? 1 : 0)
        if count < 1 || (digits.load(as: UInt8.self) == UInt8(ascii: "0") && (count > 1 || isNegative)) { return nil }
        if count <= 8 {
            guard let value = CSVDigits.upTo8(digits, count) else { return nil }
            return isNegative ? 0 &- Int64(truncatingIfNeeded: value) : Int64(truncatingIfNeeded: value)
        }
        if count <= 16 {
            guard let high = CSVDigits.upTo8(digits, count &- 8), let low = CSVDigits.upTo8(digits + (count &- 8), 8)
            else { return nil }
            let value = Int64(truncatingIfNeeded: high &* 100_000_000 &+ low)
            return isNegative ? 0 &- value : value
        }
        return start.load(as: UInt8.self) == UInt8(ascii: "+") ? nil : TextParser.int64(text)
    }
}

/// Floats for a column of numbers some of which have a fraction: only those that stand for exactly what is written.
struct CSVExactFloat64: CSVConversion {
    // The most digits before and behind a point; -1 for no number with a point yet.
    private var mostWhole = 0
    private var mostFraction = -1
    static var empty: Double { 0 }

    @inline(__always) mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Double? {
        guard let start = text.baseAddress, text.count > 0 else { return nil }
        let isNegative = start.load(as: UInt8.self) == UInt8(ascii: "-")
        let digits = start + (isNegative ? 1 : 0)
        let count = text.count &- (isNegative ? 1 : 0)
        // Up to seven digits, a point, and up to eight digits: 15 digits at most, so that the division rounds correctly.
        let whole = CSVDigits.point(digits)
        let fraction = count &- whole &- 1
        if whole >= 1, whole <= 7, fraction >= 1, fraction <= 8,
            let high = CSVDigits.upTo8(digits, whole), let low = CSVDigits.upTo8(digits + (whole &+ 1), fraction)
        {
            let isZero = digits.load(as: UInt8.self) == UInt8(ascii: "0")
            if isZero, whole > 1 { return nil }
            mostWhole = max(mostWhole, isZero ? 0 : whole)
            mostFraction = max(mostFraction, fraction)
            let power = CSVExactFloat64.powers(fraction)
            let value = Double(Int64(truncatingIfNeeded: high &* power &+ low)) / Double(Int64(power))
            return isNegative ? -value : value
        }
        return slow(text, &found)
    }

    func finish(_ found: inout TypeInference) {
        if mostFraction >= 0 { found.observe(.fraction, integerDigits: mostWhole, scale: mostFraction) }
    }

    @inline(__always) private static func powers(_ exponent: Int) -> UInt64 {
        switch exponent {
        case 1: 10
        case 2: 100
        case 3: 1_000
        case 4: 10_000
        case 5: 100_000
        case 6: 1_000_000
        case 7: 10_000_000
        default: 100_000_000
        }
    }

    @inline(never) private func slow(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Double? {
        guard let literal = NumberLiteral(text) else {
            guard let value = TextParser.nonFinite(text) else { return nil }
            found.observe(.nonFinite)
            return value
        }
        if literal.isPadded { return nil }
        found.observe(literal, text)
        return literal.float64(text)
    }
}

/// Any value that the inference has seen and that converts leniently.
struct CSVObserved<Base: CSVConversion>: CSVConversion {
    var base: Base
    static var empty: Base.Value { Base.empty }

    @inline(__always) mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Base.Value? {
        found.observe(text)
        return base.value(text, &found)
    }
}

/// Integers of a width that the schema asks for.
struct CSVInteger<Value: FixedWidthInteger & BitwiseCopyable>: CSVConversion {
    static var empty: Value { 0 }

    @inline(__always) mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Value? {
        if Value.isSigned { return TextParser.int64(text).flatMap { Value(exactly: $0) } }
        return TextParser.uint64(text).flatMap { Value(exactly: $0) }
    }
}

/// Floats of a width that the schema asks for: the nearest one.
struct CSVFloat<Value: BinaryFloatingPoint & BitwiseCopyable>: CSVConversion {
    static var empty: Value { 0 }

    @inline(__always) mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Value? {
        guard let double = TextParser.float64(text) else { return nil }
        let value = Value(double)
        return value.isInfinite && double.isFinite ? nil : value
    }
}

/// Decimals.
struct CSVDecimal: CSVConversion {
    let precision: Int
    let scale: Int
    static var empty: Int128 { 0 }

    @inline(__always) mutating func value(_ text: UnsafeRawBufferPointer, _ found: inout TypeInference) -> Int128? {
        TextParser.decimal(text, precision: precision, scale: scale)
    }
}
