import CCrypto
public import Support

/// A digest of bytes that come piece by piece: MD5, which storage services ask for, or SHA-256.
///
///     let digest = try Digest(.md5)
///     digest.update(bytes)
///     Base64.encode(digest.finish())
public final class Digest: @unchecked Sendable {
    // `@unchecked Sendable` because one user at a time calls it, as its stream is read by one consumer at a time.

    /// Which digest.
    public enum Kind: Sendable {
        /// 16 bytes; good against accidents, not against enemies.
        case md5
        /// 32 bytes.
        case sha256

        fileprivate var size: Int { self == .md5 ? 16 : 32 }
        fileprivate var method: OpaquePointer? { self == .md5 ? EVP_md5() : EVP_sha256() }
        fileprivate var name: String { self == .md5 ? "MD5" : "SHA-256" }
    }

    private let kind: Kind
    private let context: OpaquePointer

    /// The digest of no bytes so far.
    ///
    /// - throws: `SluiceError` when the system's library does not offer it.
    public init(_ kind: Kind) throws(SluiceError) {
        self.kind = kind
        guard let context = EVP_MD_CTX_new() else { throw Digest.unavailable(kind.name) }
        guard EVP_DigestInit_ex(context, kind.method, nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw Digest.unavailable(kind.name)
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    static func unavailable(_ name: String) -> SluiceError {
        SluiceError(
            .inputOutput, "the system's OpenSSL offers no \(name)",
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

    /// The digest; nothing may be added afterwards.
    public func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: kind.size)
        EVP_DigestFinal_ex(context, &digest, nil)
        return digest
    }

    /// The digest of `bytes`.
    public static func of(_ bytes: some Sequence<UInt8>, _ kind: Kind) throws(SluiceError) -> [UInt8] {
        let digest = try Digest(kind)
        Array(bytes).withUnsafeBytes { digest.update($0) }
        return digest.finish()
    }

    /// The digest of `bytes`.
    public static func of(_ bytes: Buffer, _ kind: Kind) throws(SluiceError) -> [UInt8] {
        let digest = try Digest(kind)
        digest.update(bytes)
        return digest.finish()
    }

    /// The HMAC-SHA256 of `message` with `key`: what signs requests to storage.
    public static func authentication(of message: String, key: [UInt8]) throws(SluiceError) -> [UInt8] {
        var code = [UInt8](repeating: 0, count: 32)
        var size: UInt32 = 0
        var message = message
        let done = message.withUTF8 { text in
            HMAC(EVP_sha256(), key, Int32(key.count), text.baseAddress, text.count, &code, &size) != nil
        }
        guard done, size == 32 else { throw unavailable("HMAC-SHA256") }
        return code
    }

    /// Whether both are the same, found out in a time that tells nothing about where they differ.
    public static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }
}
