import CNumbers
import Glibc

extension Scanner {
    /// Parses the number that begins here: digits alone are an integer of any size, all else is a float.
    mutating func number() throws(PythonFailure) {
        let begin = at
        var next = at
        var mantissa: UInt64 = 0
        let negative = base[next] == UInt8(ascii: "-")
        if negative { next &+= 1 }
        guard next < end else { throw .syntax("Expecting value", at: begin) }
        let digits = next
        switch base[next] {
        case UInt8(ascii: "0"): next &+= 1
        case UInt8(ascii: "1")...UInt8(ascii: "9"): takeDigits(&next, into: &mantissa)
        default: throw .syntax("Expecting value", at: begin)
        }
        var count = next &- digits
        var exponent = 0
        var isReal = false
        if next &+ 1 < end, base[next] == UInt8(ascii: "."), isDigit(next &+ 1) {
            isReal = true
            next &+= 1
            let fraction = next
            takeDigits(&next, into: &mantissa)
            exponent = fraction &- next
            count &-= exponent
        }
        // An exponent without digits is not part of the number; what stands there is then one character too many.
        if next &+ 1 < end, base[next] | 0x20 == UInt8(ascii: "e") {
            var behind = next &+ 1
            if behind &+ 1 < end, base[behind] == UInt8(ascii: "-") || base[behind] == UInt8(ascii: "+") {
                behind &+= 1
            }
            if isDigit(behind) {
                isReal = true
                count = .max
                while behind < end, isDigit(behind) { behind &+= 1 }
                next = behind
            }
        }
        at = next
        if !isReal { return try integer(begin, digits, mantissa, negative: negative) }
        // Both are exact as doubles, so that one division rounds as it should.
        if count <= 18, mantissa <= 1 << 53, exponent >= -22 {
            let value = Double(mantissa) / Scanner.powersOfTen[-exponent]
            return keepReal(negative ? -value : value)
        }
        if isRecording { keepReal(Scanner.real(UnsafeBufferPointer(start: base + begin, count: next - begin))) }
    }

    private mutating func integer(
        _ begin: Int, _ digits: Int, _ mantissa: UInt64, negative: Bool
    ) throws(PythonFailure) {
        let count = at &- digits
        if count <= 18 {
            let value = Int(mantissa)
            return keep(Node(kind: .integer, start: negative ? 0 &- value : value))
        }
        if count > 4300 {
            throw .exception(
                "Exceeds the limit (4300 digits) for integer string conversion: value has \(count) digits; "
                    + "use sys.set_int_max_str_digits() to increase the limit")
        }
        let text = UnsafeBufferPointer(start: base + begin, count: at - begin)
        if count == 19, let value = Int(String(decoding: text, as: UTF8.self)) {
            return keep(Node(kind: .integer, start: value))
        }
        keep(Node(kind: .bigInteger, start: begin, count: at - begin))
    }

    @inline(__always) private func takeDigits(_ next: inout Int, into mantissa: inout UInt64) {
        while next < end {
            let digit = base[next] &- UInt8(ascii: "0")
            if digit > 9 { return }
            // What does not fit is not used: numbers of so many digits are read again.
            mantissa = mantissa &* 10 &+ UInt64(digit)
            next &+= 1
        }
    }

    @inline(__always) private func isDigit(_ place: Int) -> Bool { base[place] &- UInt8(ascii: "0") <= 9 }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// The double nearest to a decimal number; infinite when none is near.
    static func real(_ text: UnsafeBufferPointer<UInt8>) -> Double {
        var value = 0.0
        let isRead = text.withMemoryRebound(to: CChar.self) { sluice_parse_double($0.baseAddress, $0.count, &value) }
        if isRead != 0 { return value }
        // Too large or too small, which the C library tells apart.
        return strtod(text.map { CChar(bitPattern: $0) } + [0], nil)
    }
}
