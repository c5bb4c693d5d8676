import CCrypto
public import Support

/// The SHA-256 of bytes that come piece by piece.
///
///     let hash = try SHA256()
///     hash.update(bytes)
///     hash.finish()  // e3b0c44298fc1c14…
public final class SHA256: @unchecked Sendable {
    // `@unchecked Sendable` because one user at a time calls it, as its stream is read by one consumer at a time.

    private let context: OpaquePointer

    /// The hash of no bytes so far.
    ///
    /// - throws: `SluiceError` when the system's library offers no SHA-256.
    public init() throws(SluiceError) {
        guard let context = EVP_MD_CTX_new() else { throw SHA256.unavailable }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw SHA256.unavailable
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    private static var unavailable: SluiceError {
        SluiceError(
            .inputOutput, "the system's OpenSSL offers no SHA-256",
            hint: "check its configuration: openssl list -digests")
    }

    /// Takes more bytes in.
    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, bytes.count > 0 else { return }
        // Fails only for a context that is finished or was never begun.
        EVP_DigestUpdate(context, start, bytes.count)
    }

    /// Takes more bytes in.
    public func update(_ bytes: Buffer) { bytes.withUnsafeBytes { update($0) } }

    /// Puts the 32 bytes of the hash into `target`; nothing may be added afterwards.
    public func finish(into target: UnsafeMutableRawBufferPointer) {
        precondition(target.count >= 32, "a SHA-256 has 32 bytes")
        EVP_DigestFinal_ex(context, target.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)
    }

    /// The hash in hexadecimal digits; nothing may be added afterwards.
    public func finish() -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        digest.withUnsafeMutableBytes { finish(into: $0) }
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// The hash of all bytes of `source`, read once in blocks.
    public static func hash(of source: some StreamSource) async throws(SluiceError) -> String {
        let hash = try SHA256()
        let stream = try await source.stream()
        while let bytes = try await stream.next() {
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped", place: .init(file: source.name)) }
            hash.update(bytes)
        }
        return hash.finish()
    }

    /// The hash of all bytes of the file at `path`.
    public static func hash(ofFile path: String) async throws(SluiceError) -> String {
        try await hash(of: try LocalFile(path))
    }
}
