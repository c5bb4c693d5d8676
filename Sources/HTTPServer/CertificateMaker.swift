import CCrypto
import Support

/// Makes keys and certificates with the system's OpenSSL.
enum CertificateMaker {
    /// A key on the curve P-256, which every TLS client of the last decade knows.
    static func key() throws(SluiceError) -> OpaquePointer {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { throw failure("a key") }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) > 0,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) > 0,
            EVP_PKEY_keygen(context, &key) > 0, let key
        else { throw failure("a key") }
        return key
    }

    /// A certificate for `key`, signed with `signer`; its own issuer when `issuer` is nil.
    static func certificate(
        name: String, key: OpaquePointer, issuer: OpaquePointer?, signer: OpaquePointer, days: Int,
        extensions: [(Int32, String)]
    ) throws(SluiceError) -> OpaquePointer {
        guard let certificate = X509_new() else { throw failure("a certificate") }
        do throws(SluiceError) {
            try fill(certificate, name: name, key: key, issuer: issuer, days: days)
            var context = X509V3_CTX()
            X509V3_set_ctx(&context, issuer ?? certificate, certificate, nil, nil, 0)
            for (kind, value) in extensions {
                guard let made = X509V3_EXT_conf_nid(nil, &context, kind, value) else { throw failure("a certificate") }
                defer { X509_EXTENSION_free(made) }
                guard X509_add_ext(certificate, made, -1) == 1 else { throw failure("a certificate") }
            }
            guard X509_sign(certificate, signer, EVP_sha256()) > 0 else { throw failure("a certificate") }
            return certificate
        } catch {
            X509_free(certificate)
            throw error
        }
    }

    private static func fill(
        _ certificate: OpaquePointer, name: String, key: OpaquePointer, issuer: OpaquePointer?, days: Int
    ) throws(SluiceError) {
        var serial = [UInt8](repeating: 0, count: 16)
        guard RAND_bytes(&serial, 16) == 1 else { throw failure("a certificate") }
        // Serial numbers are positive.
        serial[0] = serial[0] & 0x7f | 0x40
        let number = BN_bin2bn(serial, 16, nil)
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil,
            X509_set_version(certificate, 2) == 1,
            // A clock that is a little behind must not find it too young.
            X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nil,
            X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86_400) != nil,
            X509_set_pubkey(certificate, key) == 1, let subject = X509_get_subject_name(certificate)
        else { throw failure("a certificate") }
        let text = Array(name.utf8)
        guard X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, Int32(text.count), -1, 0) == 1,
            X509_set_issuer_name(certificate, issuer.map { X509_get_subject_name($0) } ?? subject) == 1
        else { throw failure("a certificate") }
    }

    static func pem(certificate: OpaquePointer) throws(SluiceError) -> String {
        try text { PEM_write_bio_X509($0, certificate) }
    }

    static func pem(key: OpaquePointer) throws(SluiceError) -> String {
        try text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    private static func text(_ write: (OpaquePointer) -> Int32) throws(SluiceError) -> String {
        guard let memory = BIO_new(BIO_s_mem()) else { throw failure("PEM") }
        defer { BIO_free(memory) }
        guard write(memory) == 1 else { throw failure("PEM") }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = BIO_read(memory, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
    }

    /// The certificate in a PEM text; the caller frees it.
    static func certificate(pem: String) -> OpaquePointer? {
        var pem = pem
        return pem.withUTF8 { bytes in
            guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer {
                BIO_free(memory)
                ERR_clear_error()
            }
            return PEM_read_bio_X509(memory, nil, nil, nil)
        }
    }

    private static func failure(_ what: String) -> SluiceError {
        ERR_clear_error()
        return SluiceError(.inputOutput, "the system's OpenSSL could not make \(what)")
    }
}
