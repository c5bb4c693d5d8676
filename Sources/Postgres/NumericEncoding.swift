import Support

/// Writes PostgreSQL's binary numeric.
enum NumericEncoding {
    /// How many bytes the longest numeric of 38 digits takes, length included.
    static let maximumBytes = 4 + 8 + 2 * 12

    /// Writes the length and the binary form of `value` × 10^−`scale` to `out`.
    ///
    /// - returns: The number of bytes written.
    static func write(_ value: Int128, scale: Int, to out: UnsafeMutableRawPointer) -> Int {
        let magnitude = value.magnitude
        if let small = UInt64(exactly: magnitude) {
            return write(small, isNegative: value < 0, scale: scale, powers: smallPowers, to: out)
        }
        return write(magnitude, isNegative: value < 0, scale: scale, powers: largePowers, to: out)
    }

    private static let smallPowers: [UInt64] = (0...19).map { PowersOfTen.table[$0] }.map { UInt64($0) }
    private static let largePowers: [UInt128] = PowersOfTen.table.map { UInt128($0) }

    /// The digits in base 10,000 are cut at the decimal point: whole groups before it, padded groups behind it.
    @inline(__always) private static func write<T: FixedWidthInteger & UnsignedInteger>(
        _ magnitude: T, isNegative: Bool, scale: Int, powers: [T], to out: UnsafeMutableRawPointer
    ) -> Int {
        var whole: T = magnitude
        var fraction: T = 0
        if scale > 0 {
            if scale < powers.count {
                (whole, fraction) = magnitude.quotientAndRemainder(dividingBy: powers[scale])
            } else {
                (whole, fraction) = (0, magnitude)
            }
        }
        // Whole groups come out least significant first; they are written backwards behind room for the most there are.
        let digits = out + 12
        var count = 0
        var groups: (UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16, UInt16) =
            (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        withUnsafeMutableBytes(of: &groups) { bytes in
            while whole > 0 {
                let (rest, group) = whole.quotientAndRemainder(dividingBy: 10_000)
                bytes.storeBytes(of: UInt16(truncatingIfNeeded: group), toByteOffset: count * 2, as: UInt16.self)
                whole = rest
                count += 1
            }
            for index in 0..<count {
                let group = bytes.load(fromByteOffset: (count - 1 - index) * 2, as: UInt16.self)
                digits.storeBytes(of: group.bigEndian, toByteOffset: index * 2, as: UInt16.self)
            }
        }
        var weight = count - 1
        var position = scale - 4
        while fraction > 0 {
            var group: T
            if position >= powers.count {
                group = 0
            } else if position >= 0 {
                (group, fraction) = fraction.quotientAndRemainder(dividingBy: powers[position])
            } else {
                group = fraction * powers[-position]
                fraction = 0
            }
            position -= 4
            if count == 0, group == 0 {
                weight -= 1
                continue
            }
            digits.storeBytes(of: UInt16(truncatingIfNeeded: group).bigEndian, toByteOffset: count * 2, as: UInt16.self)
            count += 1
        }
        if count == 0 { weight = 0 }
        // Zero groups at the end say nothing; the server drops them as well.
        while count > 0, digits.loadUnaligned(fromByteOffset: (count - 1) * 2, as: UInt16.self) == 0 { count -= 1 }
        out.storeBytes(of: Int32(8 + count * 2).bigEndian, as: Int32.self)
        out.storeBytes(of: UInt16(count).bigEndian, toByteOffset: 4, as: UInt16.self)
        out.storeBytes(of: Int16(weight).bigEndian, toByteOffset: 6, as: Int16.self)
        let sign = isNegative && count > 0 ? NumericValue.negative : NumericValue.positive
        out.storeBytes(of: sign.bigEndian, toByteOffset: 8, as: UInt16.self)
        out.storeBytes(of: UInt16(scale).bigEndian, toByteOffset: 10, as: UInt16.self)
        return 12 + count * 2
    }
}
