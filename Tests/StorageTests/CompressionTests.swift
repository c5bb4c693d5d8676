import Storage
import Support
import Testing

@Suite struct CompressionTests {
    @Test(arguments: FileCompression.allCases, [0, 1, 1 << 20, 2_500_000])
    func roundTrips(_ compression: FileCompression, size: Int) async throws {
        let bytes = noise(size)
        let packed = try await pack(bytes, compression)
        for pieces in [1 << 20, 1_000] {
            #expect(try await unpack(packed, compression, pieces: pieces) == bytes)
        }
    }

    @Test(arguments: FileCompression.allCases)
    func readsSeveralMembersAsOne(_ compression: FileCompression) async throws {
        let parts = [noise(1_500_000), [], noise(10)]
        var packed: [UInt8] = []
        for part in parts { packed += try await pack(part, compression) }
        for pieces in [1 << 20, 777] {
            #expect(try await unpack(packed, compression, pieces: pieces) == parts.flatMap { $0 })
        }
    }

    @Test(arguments: FileCompression.allCases)
    func everyTruncationIsAnError(_ compression: FileCompression) async throws {
        let packed = try await pack(noise(300), compression)
        for length in 0..<packed.count {
            let error = await #expect(throws: SluiceError.self, "\(length) of \(packed.count) bytes") {
                try await unpack(Array(packed[..<length]), compression, pieces: 64)
            }
            #expect(error?.code == .invalidData)
        }
    }

    @Test(arguments: FileCompression.allCases)
    func everyFlippedByteIsAnErrorOrHarmless(_ compression: FileCompression) async throws {
        let bytes = noise(300)
        let packed = try await pack(bytes, compression)
        for index in packed.indices {
            var damaged = packed
            damaged[index] ^= 0xff
            // A flag or time stamp in the header may change without changing the data.
            if let result = try? await unpack(damaged, compression, pieces: 64) { #expect(result == bytes) }
        }
    }

    @Test func zerosAfterGzipArePadding() async throws {
        let packed = try await pack(noise(300), .gzip)
        #expect(try await unpack(packed + [0, 0, 0], .gzip, pieces: 64) == noise(300))
        await #expect(throws: SluiceError.self) { try await unpack(packed + [0, 7], .gzip, pieces: 64) }
        await #expect(throws: SluiceError.self) { try await unpack(packed + [7], .gzip, pieces: 64) }
    }

    @Test(arguments: FileCompression.allCases)
    func bombIsStopped(_ compression: FileCompression) async throws {
        let packed = try await pack([UInt8](repeating: 0, count: 8 << 20), compression)
        var limits = DecompressionLimits(maximumBytes: 1 << 40, maximumRatio: 100)
        limits.ratioAppliesBeyond = 1 << 20
        for limits in [limits, DecompressionLimits(maximumBytes: 4 << 20)] {
            let error = await #expect(throws: SluiceError.self) {
                try await unpack(packed, compression, pieces: 1 << 20, limits: limits)
            }
            #expect(error?.code == .limitExceeded)
        }
    }

    @Test(arguments: [(FileCompression.gzip, 10), (.gzip, -1), (.zstd, 23), (.zstd, 0)])
    func unknownLevelIsRefused(_ compression: FileCompression, level: Int) {
        #expect(throws: SluiceError.self) { try CompressingSink(MemorySink(), compression, level: level) }
    }

    @Test(arguments: [
        ("a.csv.gz", FileCompression.gzip, "a.csv"), ("A.CSV.GZ", .gzip, "A.CSV"), ("x.zst", .zstd, "x"),
        ("x.json.zstd", .zstd, "x.json"),
    ])
    func namesTellTheCompression(_ name: String, compression: FileCompression, rest: String) {
        let split = FileCompression.split(name)
        #expect(split.compression == compression)
        #expect(split.name == rest)
    }

    @Test func firstBytesTellTheCompression() async throws {
        for compression in FileCompression.allCases {
            #expect(FileCompression.detect(try await pack([1], compression)) == compression)
        }
        #expect(FileCompression.detect([0x50, 0x2a, 0x4d, 0x18, 0]) == .zstd)
        #expect(FileCompression.detect(Array("id,name".utf8)) == nil)
        #expect(FileCompression.detect([]) == nil)
    }

    private func pack(_ bytes: [UInt8], _ compression: FileCompression) async throws -> [UInt8] {
        let memory = MemorySink()
        let sink = try CompressingSink(memory, compression)
        for start in stride(from: 0, to: bytes.count, by: 100_000) {
            try await sink.write(Buffer(Array(bytes[start..<min(start + 100_000, bytes.count)])))
        }
        try await sink.finish()
        return try #require(memory.contents).bytes
    }

    private func unpack(
        _ bytes: [UInt8], _ compression: FileCompression, pieces: Int, limits: DecompressionLimits = .init()
    ) async throws -> [UInt8] {
        let spool = Spool(stream(bytes, pieces: pieces), keepsForRereading: false)
        return try await drain(try await Decompressed(spool, compression, limits: limits).stream())
    }
}
