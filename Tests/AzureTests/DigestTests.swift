import Azure
import Support
import Testing

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
}
