import CNumbers
import Glibc

/// A number as the rules compare and add it; `true` is 1.
enum PythonNumber {
    case integer(Int)
    /// An integer that no machine word holds: whether it is below zero, and the nearest double, which may be infinite.
    case big(isNegative: Bool, nearest: Double)
    case real(Double)

    /// Whether it is more than `limit`.
    @inline(__always) func exceeds(_ limit: Int) -> Bool {
        switch self {
        case .integer(let value): value > limit
        case .big(let isNegative, _): !isNegative
        case .real(let value): value > Double(limit)
        }
    }

    /// Whether it is zero or less. NaN is not.
    @inline(__always) var isNotPositive: Bool {
        switch self {
        case .integer(let value): value <= 0
        case .big(let isNegative, _): isNegative
        case .real(let value): value <= 0
        }
    }

    /// The number as a float; nil when it is an integer too large for one, which Python refuses to add.
    @inline(__always) var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .big(_, let nearest): nearest.isFinite ? nearest : nil
        case .real(let value): value
        }
    }
}

extension Tape {
    /// The value of `node` as a number, if it is one.
    @inline(__always) func number(_ node: Node) -> PythonNumber? {
        switch node.kind {
        case .real: .real(Double(bitPattern: UInt64(bitPattern: Int64(node.start))))
        case .integer: .integer(node.start)
        case .yes: .integer(1)
        case .no: .integer(0)
        case .bigInteger:
            .big(isNegative: bytes(node).first == UInt8(ascii: "-"), nearest: Scanner.real(bytes(node)))
        default: nil
        }
    }
}

/// A sum that is an integer until a float is added, as Python's are.
struct PythonSum {
    private(set) var value = PythonValue.integer(0)

    /// Adds a number that the rules have found to be small.
    mutating func add(_ number: PythonNumber) {
        switch (value, number) {
        case (.integer(let sum), .integer(let more)): value = .integer(sum &+ more)
        case (.integer(let sum), _): value = .real(Double(sum) + (number.double ?? .nan))
        case (.real(let sum), _): value = .real(sum + (number.double ?? .nan))
        default: break
        }
    }

    /// The sum as a float, for comparing.
    var double: Double {
        switch value {
        case .integer(let sum): Double(sum)
        case .real(let sum): sum
        default: .nan
        }
    }
}

/// How Python rounds and spells floats.
enum PythonFloat {
    /// `round(value, 2)`: the binary value, correctly rounded, and exact halves to the even digit.
    static func round2(_ value: Double) -> Double {
        guard value.isFinite else { return value }
        return strtod(printed(value, "%.2f"), nil)
    }

    /// `repr(value)`: the shortest digits that read back as the same.
    static func repr(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        return String(unsafeUninitializedCapacity: 32) { buffer in
            buffer.withMemoryRebound(to: CChar.self) { Int(sluice_format_double(value, $0.baseAddress)) }
        }
    }

    /// The digits of a float that is a whole number.
    static func digits(_ value: Double) -> [UInt8] {
        printed(value, "%.0f").dropLast().map { UInt8(bitPattern: $0) }
    }

    /// What C's printf makes of `value`, with the zero behind it.
    private static func printed(_ value: Double, _ format: String) -> [CChar] {
        [CChar](unsafeUninitializedCapacity: 400) { buffer, count in
            let room = buffer.count
            count = Int(withVaList([value]) { vsnprintf(buffer.baseAddress, room, format, $0) }) + 1
        }
    }
}
