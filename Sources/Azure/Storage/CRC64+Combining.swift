extension CRC64 {
    /// The checksum as a header has it, before Base64.
    public static func bytes(of value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// The checksum that eight bytes of a header hold.
    public static func value(of bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The checksum of bytes and those behind them, from the checksums of both: what is read or sent in pieces side by side
    /// has a checksum as a whole without being looked at twice.
    public static func combined(_ first: UInt64, _ second: UInt64, secondCount: Int) -> UInt64 {
        secondCount == 0 ? first : product(power(of: secondCount), first) ^ second
    }

    private static let polynomial: UInt64 = 0x9a6c_9329_ac4b_c9b5

    /// The product of two polynomials, modulo the checksum's; the highest bit is the power 0.
    private static func product(_ a: UInt64, _ b: UInt64) -> UInt64 {
        var b = b
        var bit: UInt64 = 1 << 63
        var sum: UInt64 = 0
        while bit != 0 {
            if a & bit != 0 { sum ^= b }
            bit >>= 1
            b = b & 1 == 0 ? b >> 1 : b >> 1 ^ polynomial
        }
        return sum
    }

    /// What `count` bytes of zeros do to a checksum before them.
    private static func power(of count: Int) -> UInt64 {
        var result: UInt64 = 1 << 63
        var count = count
        var place = 3
        while count > 0 {
            if count & 1 != 0 { result = product(squares[place & 63], result) }
            count >>= 1
            place += 1
        }
        return result
    }

    /// The powers 1, 2, 4, 8 … of x.
    private static let squares: [UInt64] = {
        var squares: [UInt64] = [1 << 62]
        for _ in 1..<64 {
            let last = squares[squares.count - 1]
            squares.append(product(last, last))
        }
        return squares
    }()
}
