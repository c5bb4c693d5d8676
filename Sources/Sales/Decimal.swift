/// Numbers as JSON writes them, taken exactly.
enum Decimal {
    /// What a number's literal is in units of 10⁻¹⁸, rounded half to even; nil when it is 10¹² or more, either side of zero.
    ///
    /// The literal is a JSON number: the parser has seen to that.
    static func parse(_ literal: Bytes) -> Int128? {
        let p = literal.start
        var at = 0
        let isNegative = literal.count > 0 && p[0] == 0x2d
        if isNegative { at = 1 }
        let digitsStart = at
        var exponent = 0
        var end = literal.count
        for index in at..<literal.count where p[index] | 0x20 == 0x65 {
            end = index
            exponent = power(Bytes(p + index + 1, literal.count - index - 1))
            break
        }
        // The place of the first digit that is not zero, counted from the point: 1 for the ones.
        var integers = 0
        for index in digitsStart..<end {
            if p[index] == 0x2e { break }
            integers += 1
        }
        var value: Int128 = 0
        var place = integers
        var rest: UInt8 = 0
        var hasMore = false
        var seen = false
        // Digits down to the 18th place are taken; the next one and whether anything follows decide on rounding.
        for index in digitsStart..<end where p[index] != 0x2e {
            let digit = p[index] &- 0x30
            let position = place &+ exponent
            place -= 1
            if digit != 0, !seen {
                seen = true
                if position > 12 { return nil }
            }
            guard seen else { continue }
            if position > -Amount.places {
                value = value * 10 + Int128(digit)
            } else if position == -Amount.places {
                rest = digit
            } else if digit != 0 {
                hasMore = true
            }
        }
        guard seen else { return 0 }
        // Places that were not written.
        var lowest = place &+ exponent
        while lowest > -Amount.places {
            value *= 10
            lowest -= 1
        }
        if rest > 5 || (rest == 5 && (hasMore || value & 1 == 1)) { value += 1 }
        return isNegative ? -value : value
    }

    /// An exponent, kept within what matters.
    private static func power(_ text: Bytes) -> Int {
        var value = 0
        var at = 0
        let isNegative = text.count > 0 && text.start[0] == 0x2d
        if text.count > 0, isNegative || text.start[0] == 0x2b { at = 1 }
        while at < text.count {
            if value < 1 << 40 { value = value * 10 + Int(text.start[at] &- 0x30) }
            at += 1
        }
        return isNegative ? -value : value
    }
}
