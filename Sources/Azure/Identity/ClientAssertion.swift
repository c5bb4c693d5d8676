import CCrypto
import Support

/// An application's word of honour: a JWT that its certificate's key signed, which Entra ID takes in place of a secret.
struct ClientAssertion {
    private let key: PrivateKey
    /// The leaf first, in DER.
    private let certificates: [[UInt8]]
    private let sendsChain: Bool

    /// The certificate and key in a file: PEM with both, or PFX.
    ///
    /// - throws: `SluiceError` that says what the file lacks.
    init(certificateFile path: String, password: String, sendsChain: Bool) throws(SluiceError) {
        let bytes = try readSmallFile(path, limit: 1 << 20, what: "the client certificate")
        // What is private in the file is protected like any secret: nobody knows which message may quote it.
        let text = String(decoding: bytes, as: UTF8.self)
        let loaded =
            text.contains("-----BEGIN")
            ? try ClientAssertion.fromPEM(bytes, password, path)
            : try ClientAssertion.fromPFX(bytes, password, path)
        key = loaded.key
        certificates = loaded.certificates
        self.sendsChain = sendsChain
    }

    /// The form fields that carry an assertion.
    static func proof(_ assertion: String) -> [(String, String)] {
        [
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", assertion),
        ]
    }

    /// The JWT for `audience`, good for ten minutes.
    func text(clientID: String, audience: String, now: Moment = .now) throws(SluiceError) -> String {
        let thumbprint = Base64.encodeURL(try Digest.of(certificates[0], .sha256))
        var header: [(key: String, value: JSONText)] = [
            ("alg", "PS256"), ("typ", "JWT"), ("x5t#S256", .string(thumbprint)),
        ]
        if sendsChain {
            header.append(("x5c", .array(certificates.map { .string(Base64.encode($0)) })))
        }
        let claims: JSONText = [
            "aud": .string(audience), "iss": .string(clientID), "sub": .string(clientID),
            "jti": .string(randomUUID()),
            "iat": .number(now.seconds), "nbf": .number(now.seconds), "exp": .number(now.seconds + 600),
        ]
        let signed = [JSONText.object(header), claims].map { Base64.encodeURL(Array($0.text().utf8)) }
            .joined(separator: ".")
        let assertion = "\(signed).\(Base64.encodeURL(try key.sign(signed)))"
        Redactor.shared.protect(assertion)
        return assertion
    }

    // MARK: Files

    private typealias Loaded = (key: PrivateKey, certificates: [[UInt8]])

    private static func fromPEM(_ bytes: [UInt8], _ password: String, _ path: String)
        throws(SluiceError) -> Loaded
    {
        let key = bytes.withUnsafeBytes { memory -> OpaquePointer? in
            guard let source = BIO_new_mem_buf(memory.baseAddress, Int32(memory.count)) else {
                return nil
            }
            defer { BIO_free(source) }
            // An empty password, so that OpenSSL does not ask for one at the terminal.
            return password.withCString {
                PEM_read_bio_PrivateKey(source, nil, nil, UnsafeMutableRawPointer(mutating: $0))
            }
        }
        guard let key else {
            throw problem(
                path, "holds no private key that can be read",
                password.isEmpty
                    ? "add the key to the file; when it is encrypted, set AZURE_CLIENT_CERTIFICATE_PASSWORD"
                    : "check AZURE_CLIENT_CERTIFICATE_PASSWORD")
        }
        let owner = PrivateKey(key)
        let found = bytes.withUnsafeBytes { memory -> [(certificate: [UInt8], isLeaf: Bool)] in
            guard let source = BIO_new_mem_buf(memory.baseAddress, Int32(memory.count)) else { return [] }
            defer { BIO_free(source) }
            var list: [(certificate: [UInt8], isLeaf: Bool)] = []
            while list.count < 32, let certificate = PEM_read_bio_X509(source, nil, nil, nil) {
                list.append((encoded(certificate), X509_check_private_key(certificate, key) == 1))
                X509_free(certificate)
            }
            return list
        }
        ERR_clear_error()
        guard let leaf = found.first(where: \.isLeaf) else {
            throw problem(
                path, "holds no certificate of its key",
                "add the certificate to the file: cat app.pem app.key")
        }
        return (owner, [leaf.certificate] + found.filter { !$0.isLeaf }.map(\.certificate))
    }

    private static func fromPFX(_ bytes: [UInt8], _ password: String, _ path: String)
        throws(SluiceError) -> Loaded
    {
        let parsed = bytes.withUnsafeBytes { memory -> OpaquePointer? in
            var start = memory.bindMemory(to: UInt8.self).baseAddress
            return d2i_PKCS12(nil, &start, memory.count)
        }
        guard let parsed else {
            ERR_clear_error()
            throw problem(path, "is neither PEM nor PFX", "PEM begins with -----BEGIN")
        }
        defer { PKCS12_free(parsed) }
        var key: OpaquePointer?
        var certificate: OpaquePointer?
        let done = PKCS12_parse(parsed, password, &key, &certificate, nil)
        ERR_clear_error()
        let owner = key.map { PrivateKey($0) }
        defer { if let certificate { X509_free(certificate) } }
        guard done == 1 else {
            throw problem(
                path, "cannot be opened",
                "check AZURE_CLIENT_CERTIFICATE_PASSWORD; files of old tools are made anew by: "
                    + "openssl pkcs12 -legacy -in FILE -nodes -out app.pem")
        }
        guard let owner, let certificate else {
            throw problem(path, "lacks a key or its certificate", "export it with both")
        }
        return (owner, [encoded(certificate)])
    }

    private static func encoded(_ certificate: OpaquePointer) -> [UInt8] {
        var start: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(certificate, &start)
        guard count > 0, let start else { return [] }
        defer { CRYPTO_free(start, #file, #line) }
        return Array(UnsafeBufferPointer(start: start, count: Int(count)))
    }

    private static func problem(_ path: String, _ what: String, _ hint: String) -> SluiceError {
        SluiceError(.invalidConfiguration, "the client certificate \(path) \(what)", hint: hint)
    }
}

/// A private key in OpenSSL's hands.
private final class PrivateKey {
    private let key: OpaquePointer

    init(_ key: OpaquePointer) { self.key = key }

    deinit { EVP_PKEY_free(key) }

    /// The signature RSASSA-PSS with SHA-256 (PS256).
    func sign(_ text: String) throws(SluiceError) -> [UInt8] {
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else {
            throw SluiceError(
                .invalidConfiguration, "the client certificate's key is not RSA, which Entra ID asks for")
        }
        defer { ERR_clear_error() }
        guard let context = EVP_MD_CTX_new() else { throw PrivateKey.failed }
        defer { EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        guard EVP_DigestSignInit(context, &parameters, EVP_sha256(), nil, key) == 1,
            EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
            EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1
        else { throw PrivateKey.failed }
        let bytes = Array(text.utf8)
        var count = 0
        guard EVP_DigestSign(context, nil, &count, bytes, bytes.count) == 1, 1...4096 ~= count else {
            throw PrivateKey.failed
        }
        var signature = [UInt8](repeating: 0, count: count)
        guard EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1 else {
            throw PrivateKey.failed
        }
        return Array(signature[..<count])
    }

    private static var failed: SluiceError {
        SluiceError(.inputOutput, "OpenSSL cannot sign with the client certificate's key")
    }
}

/// A random identifier of the form `01234567-89ab-4cde-8012-3456789abcde`.
func randomUUID() -> String {
    var bytes = (0..<16).map { _ in UInt8.random(in: 0 ... .max) }
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for (place, byte) in bytes.enumerated() {
        if [4, 6, 8, 10].contains(place) { text.append(UInt8(ascii: "-")) }
        text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
    return String(decoding: text, as: UTF8.self)
}
