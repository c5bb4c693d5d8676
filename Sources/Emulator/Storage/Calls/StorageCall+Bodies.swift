import Azure
import HTTPServer
import Support

/// Puts of up to this size have an MD5 kept that the client did not send.
private let largestHashed = 256 << 20

extension StorageCall {
    /// The MD5 that the body has to have, as Base64.
    func bodyMD5() throws(StorageFault) -> String? {
        guard let text = header("Content-MD5") else { return nil }
        return try Self.checked(md5: text)
    }

    /// An MD5 in Base64.
    static func checked(md5 text: String) throws(StorageFault) -> String {
        guard let bytes = Base64.decode(text), bytes.count == 16 else { throw .invalidMD5 }
        return text
    }

    /// The CRC-64 that the body has to have, as Base64.
    func bodyCRC64() throws(StorageFault) -> String? {
        guard let text = header("x-ms-content-crc64") else { return nil }
        guard let bytes = Base64.decode(text), bytes.count == 8 else {
            throw .invalidHeader("x-ms-content-crc64", text)
        }
        return text
    }

    /// Writes the body into the room that is reserved for it, and holds it against the checksums that came with it.
    func store(in writer: ContentWriter) async throws(StorageFault) -> Checksums {
        let (md5, crc64) = (try bodyMD5(), try bodyCRC64())
        try await writer.fill(from: server.body)
        let found = writer.checksums()
        if let md5, let actual = found.md5, md5 != actual { throw .md5Mismatch(given: md5, found: actual) }
        if let crc64, let actual = found.crc64, crc64 != actual { throw .crc64Mismatch(given: crc64, found: actual) }
        return found
    }

    /// Whether the body's MD5 has to be found out, to check it or to keep it.
    func wantsMD5(size: Int, keeps: Bool = false) -> Bool {
        header("Content-MD5") != nil || (keeps && size <= largestHashed)
    }

    /// Whether the body's CRC-64 has to be found out. Clients get it back where they sent no MD5.
    func wantsCRC64(size: Int) -> Bool {
        header("x-ms-content-crc64") != nil || (header("Content-MD5") == nil && size <= largestHashed)
    }
}
