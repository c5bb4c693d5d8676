import Columns
import Support
import Testing

@testable import Parquet

@Suite struct EncoderTests {
    // MARK: - Bits

    @Test func packsAsTheSpecificationShows() {
        let values: [UInt32] = Array(0..<8)
        #expect(packed(values, width: 3) == [0b1000_1000, 0b1100_0110, 0b1111_1010])
    }

    @Test(arguments: 1...64) func packsEveryWidth(width: Int) {
        let mask = UInt64.max >> UInt64(64 - width)
        let values: [UInt64] =
            (0..<64).map { (UInt64($0) &* 0x9e37_79b9_7f4a_7c15) & mask } + [0, mask, 0, mask, 1, 0, 0, mask]
        #expect(Reference.unpack(packed(values, width: width), width: width, count: values.count) == values)
    }

    @Test(arguments: 1...32) func packsEveryWidthOfShorterIntegers(width: Int) {
        let values: [UInt32] = (0..<16).map { (UInt32($0) &* 0x9e37_79b9) >> UInt32(32 - width) }
        #expect(Reference.unpack(packed(values, width: width), width: width, count: 16) == values.map { UInt64($0) })
    }

    private func packed<T: FixedWidthInteger & UnsignedInteger>(_ values: [T], width: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: values.count * width / 8 + BitPacker.slack)
        let size = values.withUnsafeBufferPointer { values in
            bytes.withUnsafeMutableBytes { bytes in
                guard let from = values.baseAddress, let to = bytes.baseAddress else { return 0 }
                return BitPacker.pack(from, groups: values.count / 8, width: width, to: to)
            }
        }
        return Array(bytes[..<size])
    }

    @Test func copiesBitsFromAnyPlaceToAnyPlace() {
        let source = (0..<40).map { UInt8(truncatingIfNeeded: $0 * 73 + 11) }
        let bits = (0..<source.count * 8).map { source[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
        for (start, count) in [(0, 320), (1, 319), (7, 100), (63, 1), (5, 0), (64, 56), (3, 57), (250, 70)] {
            let buffer = BitBuffer()
            buffer.append(repeating: true, count: 3)
            source.withUnsafeBytes { buffer.append($0, from: start, count: count) }
            buffer.append(repeating: false, count: 2)
            let expected = [true, true, true] + bits[start..<start + count] + [false, false]
            let base = buffer.base
            let actual = (0..<buffer.count).map {
                base.load(fromByteOffset: $0 / 8, as: UInt8.self) >> UInt8($0 % 8) & 1 == 1
            }
            #expect(actual == expected)
        }
    }

    // MARK: - Hybrid

    @Test func longRunsAreRepeatedAndTheRestIsPacked() {
        let values = [UInt32](repeating: 5, count: 100) + [0, 1, 2, 3, 4, 5, 6, 7]
        #expect(hybrid(values, width: 3) == [200, 1, 5, 0b11, 0b1000_1000, 0b1100_0110, 0b1111_1010])
    }

    @Test(arguments: [1, 2, 3, 7, 8, 9, 16, 17, 20, 31]) func hybridsOfAnyShapeDecode(width: Int) {
        var random = Deterministic(seed: UInt64(width))
        for _ in 0..<60 {
            var values: [UInt32] = []
            for _ in 0..<Int.random(in: 0..<12, using: &random) {
                let value = UInt32.random(in: 0...UInt32.max >> UInt32(32 - width), using: &random)
                if Bool.random(using: &random) {
                    values += [UInt32](repeating: value, count: Int.random(in: 1..<120, using: &random))
                } else {
                    for _ in 0..<Int.random(in: 1..<40, using: &random) {
                        values.append(UInt32.random(in: 0...UInt32.max >> UInt32(32 - width), using: &random))
                    }
                }
            }
            #expect(
                Reference.hybrid(hybrid(values, width: width), width: width, count: values.count)
                    == values.map { UInt64($0) })
        }
    }

    @Test func bitmapsBecomeHybridsOfWidthOne() {
        var random = Deterministic(seed: 9)
        for _ in 0..<60 {
            var bits: [Bool] = []
            for _ in 0..<Int.random(in: 0..<8, using: &random) {
                if Bool.random(using: &random) {
                    bits += [Bool](
                        repeating: Bool.random(using: &random), count: Int.random(in: 1..<400, using: &random))
                } else {
                    for _ in 0..<Int.random(in: 1..<100, using: &random) { bits.append(Bool.random(using: &random)) }
                }
            }
            let buffer = BitBuffer()
            for bit in bits { buffer.append(bit ? 1 : 0, count: 1) }
            let output = MutableBuffer()
            HybridEncoder.encode(bits: buffer.base, count: bits.count, into: output)
            #expect(Reference.hybrid(output.freeze().bytes, width: 1, count: bits.count) == bits.map { $0 ? 1 : 0 })
        }
    }

    @Test func aPageWithoutNullsHasOneRun() {
        let buffer = BitBuffer()
        buffer.append(repeating: true, count: 20_000)
        let output = MutableBuffer()
        HybridEncoder.encode(bits: buffer.base, count: 20_000, into: output)
        #expect(output.freeze().bytes.count <= 6)
    }

    private func hybrid(_ values: [UInt32], width: Int) -> [UInt8] {
        let output = MutableBuffer()
        values.withUnsafeBufferPointer { values in
            if let start = values.baseAddress {
                HybridEncoder.encode(start, count: values.count, width: width, into: output)
            }
        }
        return output.freeze().bytes
    }

    // MARK: - Deltas

    @Test func deltasOfARisingSeriesTakeNoBits() {
        #expect(delta([1, 2, 3, 4, 5] as [Int32]) == [0x80, 0x01, 4, 5, 2, 2, 0, 0, 0, 0])
    }

    @Test func deltasAreMeasuredFromTheLeast() {
        #expect(
            delta([7, 5, 3, 1, 2, 3, 4, 5] as [Int32])
                == [0x80, 0x01, 4, 8, 14, 3, 2, 0, 0, 0, 0b1100_0000, 0b0011_1111, 0, 0, 0, 0, 0, 0])
    }

    @Test(arguments: [0, 1, 2, 32, 33, 128, 129, 130, 257, 1000]) func deltasOfAnyCountDecode(count: Int) {
        var random = Deterministic(seed: UInt64(count))
        let wild64 = (0..<count).map { _ in Int64.random(in: .min ... .max, using: &random) }
        #expect(Reference.delta(delta(wild64), as: Int64.self) == wild64)
        let wild32 = (0..<count).map { _ in Int32.random(in: .min ... .max, using: &random) }
        #expect(Reference.delta(delta(wild32), as: Int32.self) == wild32)
        let near = (0..<count).map { Int64($0) * 1000 + Int64.random(in: 0...50, using: &random) }
        #expect(Reference.delta(delta(near), as: Int64.self) == near)
    }

    @Test func deltasOfExtremesWrapAround() {
        let values: [Int64] = [.min, .max, .min, 0, .max, -1]
        #expect(Reference.delta(delta(values), as: Int64.self) == values)
    }

    private func delta<T: FixedWidthInteger & SignedInteger & BitwiseCopyable>(_ values: [T]) -> [UInt8] {
        let output = MutableBuffer()
        let buffer = Buffer(values: values)
        buffer.withUnsafeBytes { bytes in
            if let start = bytes.baseAddress { DeltaEncoder.encode(T.self, start, count: values.count, into: output) }
        }
        return output.freeze().bytes
    }

    // MARK: - Byte arrays

    @Test func lengthsComeBeforeBytes() {
        let words = ["Hello", "World", "Foobar", "ABCDEF"]
        let output = MutableBuffer()
        let values = plain(words)
        withExtendedLifetime(values) {
            ByteArrayEncoder.deltaLength(values.unsafeStart, count: words.count, into: output)
        }
        #expect(output.freeze().bytes == delta([5, 5, 6, 6] as [Int32]) + Array("HelloWorldFoobarABCDEF".utf8))
    }

    @Test func prefixesAreShared() {
        let words = ["axis", "axle", "babble", "babyhood"]
        let output = MutableBuffer()
        let values = plain(words)
        withExtendedLifetime(values) {
            ByteArrayEncoder.deltaPrefix(values.unsafeStart, count: words.count, fixed: nil, into: output)
        }
        let expected =
            delta([0, 2, 0, 3] as [Int32]) + delta([4, 2, 6, 5] as [Int32]) + Array("axislebabbleyhood".utf8)
        #expect(output.freeze().bytes == expected)
    }

    @Test func streamsAreSplitByByte() {
        let bytes: [UInt8] = [0xaa, 0xbb, 0xcc, 0xdd, 0x00, 0x11, 0x22, 0x33, 0xa3, 0xb4, 0xc5, 0xd6]
        let output = MutableBuffer()
        let values = Buffer(bytes)
        withExtendedLifetime(values) {
            ByteArrayEncoder.streamSplit(values.unsafeStart, count: 3, width: 4, into: output)
        }
        #expect(
            output.freeze().bytes == [0xaa, 0x00, 0xa3, 0xbb, 0x11, 0xb4, 0xcc, 0x22, 0xc5, 0xdd, 0x33, 0xd6])
    }

    private func plain(_ words: [String]) -> Buffer {
        let output = MutableBuffer()
        for word in words {
            output.append(Int32(word.utf8.count))
            output.append(utf8: word)
        }
        return output.freeze()
    }
}

/// Decoders that are too simple to be wrong.
enum Reference {
    static func unpack(_ bytes: [UInt8], width: Int, count: Int) -> [UInt64] {
        (0..<count).map { index in
            (0..<width).reduce(0) { value, bit in
                let place = index * width + bit
                return value | UInt64(bytes[place / 8] >> UInt8(place % 8) & 1) << UInt64(bit)
            }
        }
    }

    static func varint(_ bytes: [UInt8], _ at: inout Int) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    static func zigzag(_ bytes: [UInt8], _ at: inout Int) -> Int64 {
        let value = varint(bytes, &at)
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    static func hybrid(_ bytes: [UInt8], width: Int, count: Int) -> [UInt64] {
        var values: [UInt64] = []
        var at = 0
        while values.count < count {
            let header = varint(bytes, &at)
            if header & 1 == 0 {
                var value: UInt64 = 0
                for k in 0..<(width + 7) / 8 { value |= UInt64(bytes[at + k]) << UInt64(8 * k) }
                at += (width + 7) / 8
                values += [UInt64](repeating: value, count: Int(header >> 1))
            } else {
                let groups = Int(header >> 1)
                values += unpack(Array(bytes[at..<at + groups * width]), width: width, count: groups * 8)
                at += groups * width
            }
        }
        return at == bytes.count ? Array(values[..<count]) : []
    }

    static func delta<T: FixedWidthInteger & SignedInteger>(_ bytes: [UInt8], as _: T.Type) -> [T] {
        var at = 0
        let blockSize = Int(varint(bytes, &at))
        let miniblocks = Int(varint(bytes, &at))
        let count = Int(varint(bytes, &at))
        var value = T(truncatingIfNeeded: zigzag(bytes, &at))
        var values = count == 0 ? [] : [value]
        while values.count < count {
            let least = T(truncatingIfNeeded: zigzag(bytes, &at))
            let widths = bytes[at..<at + miniblocks].map { Int($0) }
            at += miniblocks
            let size = blockSize / miniblocks
            for width in widths where values.count < count {
                let packed = unpack(Array(bytes[at..<at + size * width / 8]), width: width, count: size)
                at += size * width / 8
                for delta in packed where values.count < count {
                    value = value &+ least &+ T(truncatingIfNeeded: delta)
                    values.append(value)
                }
            }
        }
        return at == bytes.count ? values : []
    }
}

/// Random numbers that are the same in every run.
struct Deterministic: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let word = (state ^ state >> 33) &* 0xff51_afd7_ed55_8ccd
        return word ^ word >> 33
    }
}
