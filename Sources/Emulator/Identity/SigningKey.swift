import CCrypto
import Support

/// An RSA key: the emulator's own, or the public one of a certificate that somebody signs with.
final class SigningKey: @unchecked Sendable {
    // `@unchecked Sendable` because the key never changes, and OpenSSL allows its use by several threads then.

    private let key: OpaquePointer

    private init(_ key: OpaquePointer) { self.key = key }

    deinit { EVP_PKEY_free(key) }

    /// A new key of 2048 bits.
    static func make() throws(SluiceError) -> SigningKey {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, nil) else { throw failure("an RSA key cannot be made") }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) > 0, EVP_PKEY_CTX_set_rsa_keygen_bits(context, 2048) > 0,
            EVP_PKEY_keygen(context, &key) > 0, let key
        else { throw failure("an RSA key cannot be made") }
        return SigningKey(key)
    }

    /// The key in a PEM text.
    init(pem: String) throws(SluiceError) {
        let found = SigningKey.reading(pem) { PEM_read_bio_PrivateKey($0, nil, nil, nil) }
        guard let found else { throw SigningKey.failure("the text is no private key as PEM") }
        key = found
    }

    /// The public key of a certificate in a PEM text.
    init(certificatePEM pem: String) throws(SluiceError) {
        guard let certificate = SigningKey.reading(pem, { PEM_read_bio_X509($0, nil, nil, nil) }) else {
            throw SigningKey.failure("the text is no certificate as PEM")
        }
        defer { X509_free(certificate) }
        guard let found = X509_get_pubkey(certificate) else { throw SigningKey.failure("the certificate has no key") }
        key = found
    }

    /// The public key of a certificate in DER.
    init?(certificate: [UInt8]) {
        var start: UnsafePointer<UInt8>?
        let parsed = certificate.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            start = bytes.baseAddress
            return d2i_X509(nil, &start, bytes.count)
        }
        guard let parsed else { return nil }
        defer { X509_free(parsed) }
        guard let found = X509_get_pubkey(parsed) else { return nil }
        key = found
    }

    /// The key as a PEM text.
    func pem() throws(SluiceError) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { throw SigningKey.failure("the key cannot be written") }
        defer { BIO_free(memory) }
        guard PEM_write_bio_PrivateKey(memory, key, nil, nil, 0, nil, nil) == 1 else {
            throw SigningKey.failure("the key cannot be written")
        }
        var text = [UInt8](repeating: 0, count: 16_384)
        let count = BIO_read(memory, &text, Int32(text.count))
        return String(decoding: text.prefix(max(0, Int(count))), as: UTF8.self)
    }

    /// RSASSA-PKCS1-v1_5 over SHA-256, which JWT calls RS256.
    func sign(_ text: String) throws(SluiceError) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { throw SigningKey.failure("nothing can be signed") }
        defer { EVP_MD_CTX_free(context) }
        let bytes = Array(text.utf8)
        var size = 0
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
            EVP_DigestSign(context, nil, &size, bytes, bytes.count) == 1
        else { throw SigningKey.failure("nothing can be signed") }
        var signature = [UInt8](repeating: 0, count: size)
        guard EVP_DigestSign(context, &signature, &size, bytes, bytes.count) == 1 else {
            throw SigningKey.failure("nothing can be signed")
        }
        return Array(signature[..<size])
    }

    /// Whether a signature was made with this key's private half, by RS256 or PS256.
    func isSignature(_ signature: [UInt8], of text: String, algorithm: String) -> Bool {
        guard algorithm == "RS256" || algorithm == "PS256", let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        var keyContext: OpaquePointer?
        let bytes = Array(text.utf8)
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA,
            EVP_DigestVerifyInit(context, &keyContext, EVP_sha256(), nil, key) == 1
        else { return false }
        if algorithm == "PS256" {
            guard EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING) > 0,
                EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, RSA_PSS_SALTLEN_AUTO) > 0
            else { return false }
        }
        return EVP_DigestVerify(context, signature, signature.count, bytes, bytes.count) == 1
    }

    /// The public half's modulus and exponent, as a JSON Web Key has them.
    var publicNumbers: (modulus: String, exponent: String) { (number("n"), number("e")) }

    private func number(_ name: String) -> String {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(key, name, &number) == 1, let number else { return "" }
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: Int(BN_num_bits(number) + 7) / 8)
        BN_bn2bin(number, &bytes)
        return Base64.encodeURL(bytes)
    }

    private static func reading(_ text: String, _ read: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        var text = text
        return text.withUTF8 { bytes in
            guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer {
                BIO_free(memory)
                ERR_clear_error()
            }
            return read(memory)
        }
    }

    private static func failure(_ what: String) -> SluiceError {
        SluiceError(.invalidConfiguration, "\(what): OpenSSL refuses")
    }
}
