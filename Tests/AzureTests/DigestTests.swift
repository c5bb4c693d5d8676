import Support
import Testing

@testable import Azure

@Suite struct DigestTests {
    @Test func digestsAreThoseOfTheStandards() throws {
        #expect(Base64.encode(try Digest.of("123456789".utf8, .md5)) == "JfnnlDI7RTiF9RgfG2JNCw==")
        #expect(Base64.encode(try Digest.of("".utf8, .sha256)) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
        // RFC 4231, test case 2.
        let code = try Digest.authentication(of: "what do ya want for nothing?", key: Array("Jefe".utf8))
        #expect(Base64.encode(code) == "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=")
    }

    /// The check value of CRC-64/NVME, of which Azure's is one.
    @Test func theChecksumIsTheStoragesOwn() {
        #expect(CRC64().value == 0)
        #expect(CRC64.of(Buffer(Array("123456789".utf8))).value == 0xae8b_1486_0a79_9888)
        #expect(CRC64.of(Buffer(Array("123456789".utf8))).bytes == [0x88, 0x98, 0x79, 0x0a, 0x86, 0x14, 0x8b, 0xae])
    }

    @Test func theChecksumDoesNotDependOnThePiecesThatBytesComeIn() {
        let bytes = Buffer((0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 3) })
        var slow: UInt64 = ~0
        for byte in bytes.bytes {
            slow ^= UInt64(byte)
            for _ in 0..<8 { slow = slow & 1 == 0 ? slow >> 1 : slow >> 1 ^ 0x9a6c_9329_ac4b_c9b5 }
        }
        for size in [1, 3, 16, 17, 64, 999, 1000] {
            var crc = CRC64()
            for start in stride(from: 0, to: bytes.count, by: size) {
                crc.update(bytes[start..<min(start + size, bytes.count)])
            }
            #expect(crc.value == ~slow)
        }
    }

    /// Every length around those at which another way of counting begins, from every alignment, in one piece and in two.
    @Test func foldingFindsWhatTablesFind() {
        var random = Random(state: 1)
        let bytes = (0..<6000).map { _ in random.byte() }
        bytes.withUnsafeBytes { bytes in
            for start in 0..<17 {
                for count in Array(0..<700) + [1023, 1024, 1025, 4096, 5983] {
                    let part = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
                    let wanted = ~CRC64.byTables(~0, part)
                    var whole = CRC64()
                    whole.update(part)
                    #expect(whole.value == wanted, "\(count) bytes from \(start)")
                    let cut = count == 0 ? 0 : Int(random.byte()) * count / 256
                    var pieces = CRC64()
                    pieces.update(UnsafeRawBufferPointer(rebasing: part[..<cut]))
                    let first = pieces.value
                    pieces.update(UnsafeRawBufferPointer(rebasing: part[cut...]))
                    #expect(pieces.value == wanted, "\(count) bytes from \(start), cut at \(cut)")
                    var second = CRC64()
                    second.update(UnsafeRawBufferPointer(rebasing: part[cut...]))
                    #expect(CRC64.combined(first, second.value, secondCount: count - cut) == wanted)
                }
            }
        }
    }

    /// Values of the catalogue's algorithm, counted bit by bit elsewhere.
    @Test(arguments: [
        (UInt8(0), 4096, UInt64(0x6482_d367_eb22_b64e)), (0xff, 4096, 0xc0dd_ba73_02ec_a3ac),
        (0x61, 1000, 0xeab3_232b_2997_f5e5),
    ]) func longRunsOfOneByteHaveTheirKnownChecksum(byte: UInt8, count: Int, wanted: UInt64) {
        #expect(CRC64.of(Buffer([UInt8](repeating: byte, count: count))).value == wanted)
    }
}

/// Bytes without a pattern, the same in every run.
private struct Random {
    var state: UInt64

    mutating func byte() -> UInt8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(truncatingIfNeeded: state >> 33)
    }
}
