import Columns
import Support
import Testing

@testable import Parquet

@Suite struct DecoderTests {
    private func positions(_ bytes: [UInt8], width: Int, count: Int, step: Int = .max) throws -> [UInt32] {
        try bytes.withUnsafeBytes { raw in
            var decoder = try RunDecoder(raw, width: width)
            var values = [UInt32](repeating: 99, count: count)
            var done = 0
            while done < count {
                let take = min(step, count - done)
                try values.withUnsafeMutableBufferPointer { target in
                    if let base = target.baseAddress { try decoder.decode(take, into: base + done) }
                }
                done += take
            }
            return values
        }
    }

    private func differences(_ bytes: [UInt8], count: Int, step: Int = .max) throws -> [Int64] {
        try bytes.withUnsafeBytes { raw in
            var decoder = try DeltaDecoder(raw)
            var values = [Int64](repeating: 99, count: count)
            var done = 0
            while done < count {
                let take = min(step, count - done)
                try values.withUnsafeMutableBufferPointer { target in
                    if let base = target.baseAddress { try decoder.decode(take, into: base + done) }
                }
                done += take
            }
            return values
        }
    }

    // MARK: - Runs and packed bits

    @Test(arguments: [1, 3, 5, 100])
    func packedGroupsAreReadInAnySteps(step: Int) throws {
        // The specification's example: 0 to 7 in three bits each.
        #expect(
            try positions([0x03, 0x88, 0xc6, 0xfa], width: 3, count: 8, step: step) == [0, 1, 2, 3, 4, 5, 6, 7])
    }

    @Test func runsAndPackedGroupsFollowEachOther() throws {
        let bytes: [UInt8] = [0x0a, 0x07, 0x03, 0x88, 0xc6, 0xfa, 0x04, 0x01]
        #expect(try positions(bytes, width: 3, count: 15) == [7, 7, 7, 7, 7, 0, 1, 2, 3, 4, 5, 6, 7, 1, 1])
    }

    @Test(arguments: [(2, [0x0a, 0x04]), (3, [0x0a, 0xff]), (9, [0x0a, 0xff, 0x02])] as [(Int, [UInt8])])
    func aRunWiderThanDeclaredIsAnError(width: Int, bytes: [UInt8]) {
        // Positions of `width` bits all lie in a dictionary of 2^width entries, and are not looked at again.
        #expect(throws: SluiceError.self) { try positions(bytes, width: width, count: 5) }
    }

    @Test(arguments: 0...32)
    func everyWidthUnpacks(width: Int) throws {
        var state: UInt64 = 7
        let groups = 5
        let bytes = (0..<width * groups).map { _ -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        let expected = (0..<groups * 8).map { index -> UInt32 in
            var value: UInt32 = 0
            for bit in 0..<width where bytes[(index * width + bit) >> 3] >> UInt8((index * width + bit) & 7) & 1 == 1 {
                value |= 1 << UInt32(bit)
            }
            return value
        }
        for step in [1, 7, 8, 40] {
            #expect(
                try positions([UInt8(groups << 1 | 1)] + bytes, width: width, count: groups * 8, step: step) == expected
            )
        }
        if width > 0, width <= 8 {
            var levels = [UInt8](repeating: 0, count: groups * 8)
            bytes.withUnsafeBytes { raw in
                levels.withUnsafeMutableBufferPointer { target in
                    if let base = target.baseAddress, let start = raw.baseAddress {
                        BitPacking.unpack(
                            start, end: start + raw.count, bit: 0, width: width, count: groups * 8, into: base)
                    }
                }
            }
            #expect(levels.map { UInt32($0) } == expected)
        }
    }

    @Test(
        arguments: [
            [], [0x80], [0x03], [0x02], [0x00, 0x00], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        ] as [[UInt8]])
    func runsThatEndTooSoonAreErrors(bytes: [UInt8]) {
        #expect(throws: SluiceError.self) { _ = try positions(bytes, width: 9, count: 20) }
    }

    @Test func widthsBeyond32AreRefused() {
        #expect(throws: SluiceError.self) { _ = try positions([3, 1], width: 33, count: 1) }
    }

    @Test(arguments: 0..<20)
    func bitsAreCopiedFromAnywhereToAnywhere(from: Int) {
        let source = (0..<64).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
        for to in 0..<17 {
            for count in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
                var target = [UInt8](repeating: 0, count: 64)
                let ones = source.withUnsafeBytes { source in
                    target.withUnsafeMutableBytes { target -> Int in
                        guard let a = source.baseAddress, let b = target.baseAddress else { return -1 }
                        return Bits.copy(a, from: from, to: b, at: to, count: count)
                    }
                }
                func bit(_ bytes: [UInt8], _ index: Int) -> Bool { bytes[index >> 3] >> UInt8(index & 7) & 1 == 1 }
                #expect((0..<count).allSatisfy { bit(source, from + $0) == bit(target, to + $0) })
                #expect((0..<to).allSatisfy { !bit(target, $0) })
                #expect(ones == (0..<count).count { bit(source, from + $0) })
            }
        }
    }

    // MARK: - Levels

    @Test func oldLevelsAreReadHighBitFirst() throws {
        // The specification's example: 0 to 7 in three bits each.
        let bytes: [UInt8] = [0b0000_0101, 0b0011_1001, 0b0111_0111]
        let levels = try bytes.withUnsafeBytes { raw -> [UInt8] in
            var decoder = try LevelDecoder(packed: raw, maximum: 7, count: 8)
            var levels = [UInt8](repeating: 0, count: 8)
            try levels.withUnsafeMutableBufferPointer { target in
                if let base = target.baseAddress {
                    try decoder.decode(5, into: base)
                    try decoder.decode(3, into: base + 5)
                }
            }
            return levels
        }
        #expect(levels == [0, 1, 2, 3, 4, 5, 6, 7])
    }

    @Test func aLevelAboveTheHighestIsRefused() throws {
        let error = #expect(throws: SluiceError.self) {
            try [UInt8](arrayLiteral: 2, 3).withUnsafeBytes { raw in
                var decoder = try LevelDecoder(runs: raw, maximum: 2)
                var level: UInt8 = 0
                try decoder.decode(1, into: &level)
            }
        }
        #expect(error?.message == "a level is 3, the highest is 2")
    }

    // MARK: - Packed differences

    /// The specification's example: 7, 5, 3, 1, 2, 3, 4, 5.
    static let example: [UInt8] = [
        0x80, 0x01, 0x04, 0x08, 0x0e, 0x03, 2, 0, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0, 0, 0,
    ]

    @Test(arguments: [1, 3, 8])
    func differencesAreReadInAnySteps(step: Int) throws {
        #expect(try differences(Self.example, count: 8, step: step) == [7, 5, 3, 1, 2, 3, 4, 5])
    }

    @Test func theEndOfDifferencesIsFoundWithoutReadingThem() throws {
        try Self.example.withUnsafeBytes { raw in
            let decoder = try DeltaDecoder(raw)
            #expect(try raw.baseAddress.map { try decoder.findEnd() - $0 } == Self.example.count)
        }
    }

    @Test func everyTruncationOfDifferencesIsAnError() {
        // The last six bytes pad the miniblock, and some writers leave them out.
        for count in 0..<Self.example.count - 6 {
            #expect(throws: SluiceError.self) { _ = try differences(Array(Self.example[..<count]), count: 8) }
        }
    }

    @Test(
        arguments: [
            [0x00, 0x04, 0x08, 0x0e], [0x80, 0x01, 0x00, 0x08, 0x0e], [0x80, 0x01, 0x05, 0x08, 0x0e],
            [0x80, 0x80, 0x80, 0x80, 0x08, 0x04, 0x08, 0x0e], [0x80, 0x01, 0x04, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x0e],
            [0x80, 0x01, 0x04, 0x08, 0x0e, 0x03, 65, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ] as [[UInt8]])
    func impossibleDifferencesAreRefused(bytes: [UInt8]) {
        #expect(throws: SluiceError.self) { _ = try differences(bytes, count: 2) }
    }

    @Test func moreDifferencesThanThereAreAreRefused() {
        #expect(throws: SluiceError.self) { _ = try differences(Self.example, count: 9) }
    }

    @Test(arguments: [1, 2, 4, 5, 8, 12, 16])
    func splitBytesAreJoined(width: Int) {
        let total = 11
        let values = (0..<total * width).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let streams = (0..<width).flatMap { byte in (0..<total).map { values[$0 * width + byte] } }
        var output = [UInt8](repeating: 0, count: 6 * width)
        streams.withUnsafeBytes { streams in
            output.withUnsafeMutableBytes { output in
                if let a = streams.baseAddress, let b = output.baseAddress {
                    ByteStreams.join(a, total, width, from: 3, count: 6, to: b)
                }
            }
        }
        #expect(output == Array(values[3 * width..<9 * width]))
    }

    // MARK: - Text and numbers

    @Test(arguments: [
        "", "ascii", "grün", "漢字", "😀", "a very long run of plain letters, longer than thirty-two bytes, and ü",
    ])
    func textIsText(text: String) {
        let bytes = Array(text.utf8)
        let place = bytes.withUnsafeBytes { raw in
            raw.baseAddress.flatMap { UTF8Check.firstInvalid($0, count: bytes.count) }
        }
        #expect(place == nil)
    }

    @Test(
        arguments: [
            [0x80], [0xc0, 0x80], [0xc1, 0xbf], [0xc3], [0xe0, 0x80, 0x80], [0xe0, 0x9f, 0xbf], [0xed, 0xa0, 0x80],
            [0xe6, 0xbc], [0xf0, 0x80, 0x80, 0x80], [0xf0, 0x8f, 0xbf, 0xbf], [0xf4, 0x90, 0x80, 0x80], [0xf5, 0x80],
            [0xff], [0xf0, 0x9f, 0x98],
        ] as [[UInt8]])
    func whatIsNotTextIsFound(damage: [UInt8]) {
        for prefix in [0, 1, 31, 32, 33, 100] {
            let bytes = [UInt8](repeating: 0x61, count: prefix) + damage + [UInt8](repeating: 0x61, count: 3)
            let place = bytes.withUnsafeBytes { raw in
                raw.baseAddress.flatMap { UTF8Check.firstInvalid($0, count: bytes.count) }
            }
            #expect(place == prefix)
        }
    }

    @Test(arguments: 1...20)
    func decimalsOfAnyLengthAreRead(width: Int) throws {
        for value in [0, 1, -1, 127, -128] as [Int128] {
            let bytes = (0..<width).reversed().map { index -> UInt8 in
                index < 16 ? UInt8(truncatingIfNeeded: value >> Int128(8 * index)) : value < 0 ? 0xff : 0
            }
            let read = try bytes.withUnsafeBytes { raw -> [Int128] in
                var output = [Int128](repeating: 99, count: 1)
                try output.withUnsafeMutableBytes { output in
                    if let a = raw.baseAddress, let b = output.baseAddress {
                        try Conversion.bigEndian.apply(a, end: a + raw.count, width: width, count: 1, to: b)
                    }
                }
                return output
            }
            #expect(read == [value])
        }
    }

    @Test func decimalsThatDoNotFitAreRefused() {
        let bytes: [UInt8] = [1] + [UInt8](repeating: 0, count: 16)
        #expect(throws: SluiceError.self) {
            try bytes.withUnsafeBytes { raw in
                if let base = raw.baseAddress { _ = try Conversion.bigEndian(base, raw.count) }
            }
        }
    }
}
