package import Columns
import Support

/// Random numbers that are the same in every run, so that a failure can be seen again.
package struct Randomness: RandomNumberGenerator {
    private var state: UInt64
    /// The numbers that belong to `seed`.
    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }

    package mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &self) < share }

    /// An integer whose size is as random as its digits, the borders among them.
    package mutating func integer<T: FixedWidthInteger>(_: T.Type) -> T {
        switch Int.random(in: 0..<8, using: &self) {
        case 0: return T.max
        case 1: return T.min
        case 2: return 0
        default: return T.random(in: T.min...T.max, using: &self) >> T(Int.random(in: 0..<T.bitWidth, using: &self))
        }
    }

    /// Any float, the special ones among them.
    package mutating func double() -> Double {
        switch Int.random(in: 0..<10, using: &self) {
        case 0:
            return [.nan, .infinity, -.infinity, -0.0, .greatestFiniteMagnitude, .leastNonzeroMagnitude].randomElement(
                using: &self)
                ?? 0
        case 1: return Double(Int.random(in: -1000...1000, using: &self)) / 4
        case 2: return Double(integer(Int64.self))
        default:
            // Text has one NaN only.
            let value = Double(bitPattern: next())
            return value.isNaN ? .nan : value
        }
    }

    package mutating func text() -> String {
        let letters = ["a", "Z", "0", " ", "\"", "\\", "\n", "\t", "é", "漢", "😀", "\u{1}", "\u{7f}", "null", ",", "-"]
        return (0..<Int.random(in: 0...20, using: &self)).map { _ in letters.randomElement(using: &self) ?? "" }
            .joined()
    }

    /// A type, nested at most `depth` deep.
    package mutating func type(depth: Int = 2) -> DataType {
        let unit = TimeUnit.allCases.randomElement(using: &self) ?? .second
        let precision = Int.random(in: 1...38, using: &self)
        switch Int.random(in: 0..<(depth > 0 ? 25 : 22), using: &self) {
        case 0: return .null
        case 1: return .bool
        case 2: return .int8
        case 3: return .int16
        case 4: return .int32
        case 5: return .int64
        case 6: return .uint8
        case 7: return .uint16
        case 8: return .uint32
        case 9: return .uint64
        case 10: return .float16
        case 11: return .float32
        case 12: return .float64
        case 13: return .decimal(precision: precision, scale: Int.random(in: 0...precision, using: &self))
        case 14: return .utf8
        case 15: return .binary
        case 16: return .fixedBinary(Int.random(in: 1...20, using: &self))
        case 17: return .date
        case 18: return .time(unit)
        case 19:
            return .timestamp(
                unit, zone: chance(0.5) ? nil : ["UTC", "Europe/Berlin", "+02:00"].randomElement(using: &self))
        case 20: return .uuid
        case 21: return .json
        case 22: return .list(field("item", depth: depth - 1))
        case 23:
            let count = Int.random(in: 1...3, using: &self)
            return .structure((0..<count).map { field("f\($0)", depth: depth - 1) })
        default:
            var key = Field("key", .utf8, nullable: false)
            if chance(0.3) { key.type = .int32 }
            return .map(key: key, value: field("value", depth: depth - 1))
        }
    }

    package mutating func field(_ name: String, depth: Int = 2) -> Field {
        let type = type(depth: depth)
        return Field(name, type, nullable: type == .null || chance(0.7))
    }

    /// A value of the type of `field`; null only where it may be.
    package mutating func value(_ field: Field) -> Value {
        if field.type == .null || (field.isNullable && chance(0.2)) { return .null }
        switch field.type {
        case .null: return .null
        case .bool: return .bool(chance(0.5))
        case .int8: return .int(Int128(integer(Int8.self)))
        case .int16: return .int(Int128(integer(Int16.self)))
        case .int32: return .int(Int128(integer(Int32.self)))
        case .int64: return .int(Int128(integer(Int64.self)))
        case .uint8: return .int(Int128(integer(UInt8.self)))
        case .uint16: return .int(Int128(integer(UInt16.self)))
        case .uint32: return .int(Int128(integer(UInt32.self)))
        case .uint64: return .int(Int128(integer(UInt64.self)))
        case .float16: return .float(Double(Float16(double())))
        case .float32: return .float(Double(Float(double())))
        case .float64: return .float(double())
        case .decimal(let precision, _):
            var bound: Int128 = 1
            for _ in 0..<precision { bound *= 10 }
            return .ticks(integer(Int128.self) % bound)
        case .utf8: return .text(text())
        case .binary: return .bytes((0..<Int.random(in: 0...20, using: &self)).map { _ in integer(UInt8.self) })
        case .fixedBinary(let width): return .bytes((0..<width).map { _ in integer(UInt8.self) })
        case .uuid: return .bytes((0..<16).map { _ in integer(UInt8.self) })
        case .date: return .ticks(Int128(Int32.random(in: -800_000...3_000_000, using: &self)))
        case .time(let unit): return .ticks(Int128(Int64.random(in: 0..<86400 * unit.ticksPerSecond, using: &self)))
        case .timestamp(let unit, _):
            let seconds = Int64.random(in: -8_000_000_000...8_000_000_000, using: &self)
            let ticks = Int64.random(in: 0..<unit.ticksPerSecond, using: &self)
            return .ticks(Int128(seconds) * Int128(unit.ticksPerSecond) + Int128(ticks))
        case .json: return .text(["1", "[1,2]", "{\"a\":null}", "\"x\"", "true"].randomElement(using: &self) ?? "0")
        case .list(let item): return .list((0..<Int.random(in: 0...4, using: &self)).map { _ in value(item) })
        case .structure(let fields): return .structure(fields.map { value($0) })
        case .map(let key, let item):
            return .list((0..<Int.random(in: 0...3, using: &self)).map { _ in .structure([value(key), value(item)]) })
        }
    }

    /// `count` values as a column, sometimes cut out of a longer one so that it begins at an odd bit.
    package mutating func column(_ field: Field, count: Int) throws -> Column {
        let lead = chance(0.5) ? 0 : Int.random(in: 1...70, using: &self)
        let tail = chance(0.5) ? 0 : 3
        let builder = makeBuilder(field.type)
        for _ in 0..<(lead + count + tail) { try builder.append(value(field)) }
        return builder.finish().slice(lead..<lead + count)
    }
}

extension Column {
    /// All rows' values.
    package var allValues: [Value] { (0..<count).map { value(at: $0) } }

    /// A column of `values`.
    package init(_ type: DataType, _ values: [Value]) throws {
        let builder = makeBuilder(type)
        for value in values { try builder.append(value) }
        self = builder.finish()
    }
}
