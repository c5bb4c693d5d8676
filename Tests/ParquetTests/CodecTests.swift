import Support
import Testing

@testable import Parquet

@Suite struct CodecTests {
    static let inputs: [[UInt8]] = [
        [7], Array("hello hello hello hello".utf8), [UInt8](repeating: 0, count: 1 << 20),
        {
            var state: UInt64 = 1
            return (0..<100_000).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1
                return UInt8(truncatingIfNeeded: state >> 56)
            }
        }(),
    ]

    private func compress(_ codec: Codec, _ input: [UInt8], level: Int? = nil) throws -> [UInt8] {
        let output = MutableBuffer()
        output.append([1, 2, 3])
        let compressor = try Compressor(codec, level: level)
        try input.withUnsafeBytes { try compressor.compress($0, to: output) }
        return Array(output.freeze().bytes.dropFirst(3))
    }

    private func decompress(_ codec: Codec, _ input: [UInt8], size: Int) throws -> [UInt8] {
        var output = [UInt8](repeating: 0xee, count: size)
        let decompressor = try Decompressor(codec)
        try input.withUnsafeBytes { input in
            try output.withUnsafeMutableBytes { try decompressor.decompress(input, into: $0) }
        }
        return output
    }

    @Test(arguments: Codec.supported, inputs)
    func bytesSurvive(codec: Codec, input: [UInt8]) throws {
        let packed = try compress(codec, input)
        #expect(try decompress(codec, packed, size: input.count) == input)
    }

    @Test(arguments: Codec.supported)
    func nothingSurvives(codec: Codec) throws {
        let packed = try compress(codec, [])
        #expect(try decompress(codec, packed, size: 0) == [])
    }

    @Test(arguments: Codec.supported)
    func aWrongDeclaredSizeIsAnError(codec: Codec) throws {
        let input = [UInt8](repeating: 5, count: 1000)
        let packed = try compress(codec, input)
        for size in [1, 999, 1001, 100_000] {
            #expect(throws: SluiceError.self) { _ = try decompress(codec, packed, size: size) }
        }
    }

    @Test(arguments: Codec.supported.filter { $0 != .uncompressed })
    func everyTruncationIsAnError(codec: Codec) throws {
        let packed = try compress(codec, Array("some text, some more text, and some text again".utf8))
        for count in 0..<packed.count {
            #expect(throws: SluiceError.self) { _ = try decompress(codec, Array(packed[..<count]), size: 46) }
        }
    }

    @Test func levelsAreHeldToTheCodec() throws {
        let input = [UInt8](repeating: 5, count: 1000)
        for codec in [Codec.gzip, .zstd, .brotli] {
            for level in [try #require(codec.levels).lowerBound, try #require(codec.levels).upperBound] {
                #expect(try decompress(codec, compress(codec, input, level: level), size: 1000) == input)
            }
        }
        #expect(throws: SluiceError.self) { _ = try Compressor(.zstd, level: 99) }
        #expect(throws: SluiceError.self) { _ = try Compressor(.snappy, level: 1) }
    }

    @Test func lzoIsRefusedByName() {
        let error = #expect(throws: SluiceError.self) { _ = try Decompressor(.lzo) }
        #expect(error?.message == "LZO compression is not supported")
    }

    @Test func hadoopLz4IsReadInSeveralBlocksAndWithoutFraming() throws {
        let halves = [Array("first half of it ".utf8), Array("and the second".utf8)]
        let packed = try halves.flatMap { try compress(.lz4, $0) }
        #expect(try decompress(.lz4, packed, size: 31) == halves[0] + halves[1])
        let bare = try compress(.lz4Raw, halves[0])
        #expect(try decompress(.lz4, bare, size: 17) == halves[0])
    }

    @Test func gzipMembersFollowEachOther() throws {
        let packed = try compress(.gzip, [1, 2, 3]) + compress(.gzip, [4, 5])
        #expect(try decompress(.gzip, packed, size: 5) == [1, 2, 3, 4, 5])
    }
}
