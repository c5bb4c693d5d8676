import CNumbers
public import Support

/// Writes values as text at the end of a buffer, without allocating for each.
///
/// The text is what `TextParser` reads back to the same value, and what CSV, JSON and the terminal show.
public enum ValueText {
    /// Appends an integer's decimal digits.
    public static func append(_ value: Int64, to out: MutableBuffer) {
        out.reserve(20)
        var place = (out.base + out.count).assumingMemoryBound(to: UInt8.self)
        let start = place
        if value < 0 {
            place.pointee = UInt8(ascii: "-")
            place += 1
        }
        place += writeDigits(value.magnitude, to: place)
        out.count &+= place - start
    }

    /// Appends an integer's decimal digits.
    public static func append(_ value: UInt64, to out: MutableBuffer) {
        out.reserve(20)
        out.count &+= writeDigits(value, to: (out.base + out.count).assumingMemoryBound(to: UInt8.self))
    }

    /// Appends the shortest text that reads back as `value`: `1.0`, `0.1`, `1e+16`, `-0.0`, `NaN`, `Infinity`.
    public static func append(_ value: Double, to out: MutableBuffer) {
        out.reserve(32)
        let place = (out.base + out.count).assumingMemoryBound(to: CChar.self)
        if value.isFinite {
            out.count &+= sluice_format_double(value, place)
        } else {
            appendNotFinite(value, to: out)
        }
    }

    /// Appends the shortest text that reads back as `value`.
    public static func append(_ value: Float, to out: MutableBuffer) {
        out.reserve(32)
        let place = (out.base + out.count).assumingMemoryBound(to: CChar.self)
        if value.isFinite {
            out.count &+= sluice_format_float(value, place)
        } else {
            appendNotFinite(Double(value), to: out)
        }
    }

    /// Appends the shortest text that reads back as `value`.
    public static func append(_ value: Float16, to out: MutableBuffer) {
        // The standard library's text is at most 15 bytes long and so needs no allocation either.
        if value.isFinite { out.append(utf8: value.description) } else { appendNotFinite(Double(value), to: out) }
    }

    @inline(never) private static func appendNotFinite(_ value: Double, to out: MutableBuffer) {
        out.append(utf8: value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity")
    }

    /// Appends `digits` × 10^−`scale`, all of its places and no more: 1250 of scale 2 is `12.50`.
    public static func append(decimal digits: Int128, scale: Int, to out: MutableBuffer) {
        out.reserve(48 + abs(scale))
        var place = (out.base + out.count).assumingMemoryBound(to: UInt8.self)
        let start = place
        if digits < 0 {
            place.pointee = UInt8(ascii: "-")
            place += 1
        }
        let written = writeDigits(digits.magnitude, to: place)
        if scale <= 0 {
            place += written
            if scale < 0, digits != 0 {
                place.update(repeating: UInt8(ascii: "0"), count: -scale)
                place -= scale
            }
        } else if written > scale {
            let point = place + (written - scale)
            for index in stride(from: scale - 1, through: 0, by: -1) { point[index + 1] = point[index] }
            point.pointee = UInt8(ascii: ".")
            place += written + 1
        } else {
            let zeros = scale - written
            for index in stride(from: written - 1, through: 0, by: -1) { place[index + zeros + 2] = place[index] }
            place.update(repeating: UInt8(ascii: "0"), count: zeros + 2)
            place[1] = UInt8(ascii: ".")
            place += scale + 2
        }
        out.count &+= place - start
    }
}

// MARK: - Digits

private let pairs: StaticString = """
    0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
    5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
    """

/// How many decimal digits `value` has.
@inline(__always) func digitCount(_ value: UInt64) -> Int {
    var value = value
    var count = 1
    while true {
        if value < 10 { return count }
        if value < 100 { return count &+ 1 }
        if value < 1000 { return count &+ 2 }
        if value < 10000 { return count &+ 3 }
        value /= 10000
        count &+= 4
    }
}

/// Writes `value` with exactly `count` digits, zeros in front.
@inline(__always) func writeDigits(_ value: UInt64, count: Int, to place: UnsafeMutablePointer<UInt8>) {
    let table = UnsafeRawPointer(pairs.utf8Start)
    var value = value
    var end = count
    while end >= 2 {
        let rest = value / 100
        let pair = Int(truncatingIfNeeded: value &- rest &* 100) &* 2
        end &-= 2
        UnsafeMutableRawPointer(place + end).storeBytes(
            of: table.loadUnaligned(fromByteOffset: pair, as: UInt16.self), as: UInt16.self)
        value = rest
    }
    if end == 1 { place.pointee = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value % 10) }
}

/// Writes the digits of `value`; returns how many.
@inline(__always) func writeDigits(_ value: UInt64, to place: UnsafeMutablePointer<UInt8>) -> Int {
    let count = digitCount(value)
    writeDigits(value, count: count, to: place)
    return count
}

/// Writes the digits of `value`, at most 39 of them; returns how many.
func writeDigits(_ value: UInt128, to place: UnsafeMutablePointer<UInt8>) -> Int {
    if let small = UInt64(exactly: value) { return writeDigits(small, to: place) }
    // 10^19 is the largest power of ten in 64 bits; what an `Int128` leaves above it fits 64 bits too.
    let (high, low) = value.quotientAndRemainder(dividingBy: 10_000_000_000_000_000_000)
    let count = writeDigits(UInt64(truncatingIfNeeded: high), to: place)
    writeDigits(UInt64(truncatingIfNeeded: low), count: 19, to: place + count)
    return count + 19
}
