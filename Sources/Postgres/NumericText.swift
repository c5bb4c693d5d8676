import Columns
import Support

/// PostgreSQL's numeric in its binary form: a header of four 16-bit words, then digits in base 10,000.
struct NumericValue {
    /// Digits behind the header, most significant first, as they lie in the message (big-endian).
    let digits: UnsafeRawPointer
    let digitCount: Int
    /// The power of 10,000 of the first digit.
    let weight: Int
    let sign: UInt16
    /// How many decimal digits are shown behind the point.
    let scale: Int

    static let positive: UInt16 = 0x0000
    static let negative: UInt16 = 0x4000
    static let notANumber: UInt16 = 0xC000
    static let positiveInfinity: UInt16 = 0xD000
    static let negativeInfinity: UInt16 = 0xF000

    /// A numeric that fills `length` bytes; nil when they are not one.
    init?(_ start: UnsafeRawPointer, length: Int) {
        guard length >= 8 else { return nil }
        digitCount = Int(start.bigEndian(0, UInt16.self))
        guard length == 8 + digitCount * 2 else { return nil }
        weight = Int(start.bigEndian(2, Int16.self))
        sign = start.bigEndian(4, UInt16.self)
        scale = Int(start.bigEndian(6, UInt16.self))
        digits = start + 8
    }

    func digit(_ index: Int) -> Int { Int(digits.bigEndian(index * 2, UInt16.self)) }

    /// The value times 10^`targetScale`, when it is a number that this holds exactly.
    @inline(__always) func scaled(to targetScale: Int, limit: Int128) -> Int128? {
        guard sign == NumericValue.positive || sign == NumericValue.negative else { return nil }
        if digitCount == 0 { return 0 }
        // The digits make an integer of 10,000^-exponent units.
        let exponent = weight - digitCount + 1
        let shift = exponent * 4 + targetScale
        var whole: Int128 = 0
        // A last group that reaches behind the target's scale gives only its upper digits: with all of them, 38 digits
        // could need 41.
        let isLastCut = shift < 0 && shift > -4
        let wholeGroups = isLastCut ? digitCount - 1 : digitCount
        if wholeGroups <= 4 {
            var small: Int64 = 0
            for index in 0..<wholeGroups { small = small &* 10_000 &+ Int64(digit(index)) }
            whole = Int128(small)
        } else {
            guard wholeGroups <= 10 else { return nil }
            for index in 0..<wholeGroups {
                guard let next = NumericValue.appending(Int128(digit(index)), to: whole, times: 10_000) else {
                    return nil
                }
                whole = next
            }
        }
        if isLastCut {
            let (upper, lost) = Int128(digit(digitCount - 1)).quotientAndRemainder(
                dividingBy: PowersOfTen.table[-shift])
            guard lost == 0, let next = NumericValue.appending(upper, to: whole, times: PowersOfTen.table[4 + shift])
            else { return nil }
            whole = next
        } else if shift > 0 {
            guard shift <= 38, let next = NumericValue.appending(0, to: whole, times: PowersOfTen.table[shift]) else {
                return nil
            }
            whole = next
        } else if shift < 0 {
            guard -shift <= 38 else { return nil }
            let (quotient, remainder) = whole.quotientAndRemainder(dividingBy: PowersOfTen.table[-shift])
            if remainder != 0 { return nil }
            whole = quotient
        }
        guard whole <= limit else { return nil }
        return sign == NumericValue.negative ? -whole : whole
    }

    /// `value` × `factor` + `digits`, unless that overflows.
    @inline(__always) private static func appending(_ digits: Int128, to value: Int128, times factor: Int128) -> Int128?
    {
        let (product, overflow) = value.multipliedReportingOverflow(by: factor)
        let (sum, carry) = product.addingReportingOverflow(digits)
        return overflow || carry ? nil : sum
    }

    /// Appends the value as the server would print it: all digits, `NaN`, `Infinity`.
    func append(to text: MutableBuffer) {
        switch sign {
        case NumericValue.notANumber: return text.append(utf8: "NaN")
        case NumericValue.positiveInfinity: return text.append(utf8: "Infinity")
        case NumericValue.negativeInfinity: return text.append(utf8: "-Infinity")
        case NumericValue.negative: text.append(UInt8(ascii: "-"))
        default: break
        }
        if weight < 0 {
            text.append(UInt8(ascii: "0"))
        } else {
            for group in 0...weight { append(group: group, to: text, skippingZeros: group == 0) }
        }
        guard scale > 0 else { return }
        text.append(UInt8(ascii: "."))
        let start = text.count
        var group = weight + 1
        while text.count - start < scale {
            append(group: group, to: text, skippingZeros: false)
            group += 1
        }
        text.count = start + scale
    }

    /// Four decimal digits of one base-10,000 digit; digits that are not stored are zero.
    private func append(group index: Int, to text: MutableBuffer, skippingZeros: Bool) {
        // The digit at `index` counts from `weight`; groups between the point and the first digit are zero.
        let stored = index >= 0 && index < digitCount ? digit(index) : 0
        var divisor = 1000
        var skipping = skippingZeros
        while divisor > 0 {
            let decimal = stored / divisor % 10
            if decimal != 0 || divisor == 1 { skipping = false }
            if !skipping { text.append(UInt8(ascii: "0") + UInt8(decimal)) }
            divisor /= 10
        }
    }
}

/// 10⁰ … 10³⁸.
enum PowersOfTen {
    static let table: [Int128] = {
        var powers: [Int128] = [1]
        for _ in 0..<38 { powers.append(powers[powers.count - 1] * 10) }
        return powers
    }()
}

extension UnsafeRawPointer {
    /// The integer at `offset`, most significant byte first.
    @inline(__always) func bigEndian<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, _: T.Type) -> T {
        T(bigEndian: loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
