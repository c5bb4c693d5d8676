import CCrypto
public import Support

/// What a server shows of itself over TLS.
public struct ServerTLS: Sendable {
    /// The certificate, and behind it those that signed it, as PEM.
    public var certificatePEM: String
    /// Its private key as PEM.
    public var keyPEM: String

    /// A certificate that is there already.
    public init(certificatePEM: String, keyPEM: String) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }

    /// Whether the certificate can be read, and holds for at least so many seconds more.
    public func isValid(for seconds: Int) -> Bool {
        guard let certificate = CertificateMaker.certificate(pem: certificatePEM) else { return false }
        defer { X509_free(certificate) }
        var moment = time_t(Moment.now.seconds + seconds)
        return X509_cmp_time(X509_get0_notAfter(certificate), &moment) > 0
    }

    /// A certificate of one's own, for names (`*.localhost` too) and IP addresses of this machine, and the authority
    /// that signed it, which clients have to trust. The authority's key is thrown away: it signs nothing else.
    ///
    /// - parameter days: How long both hold.
    public static func selfSigned(
        names: [String], addresses: [String], days: Int = 825
    ) throws(SluiceError) -> (server: ServerTLS, authorityPEM: String) {
        let authorityKey = try CertificateMaker.key()
        defer { EVP_PKEY_free(authorityKey) }
        let serverKey = try CertificateMaker.key()
        defer { EVP_PKEY_free(serverKey) }
        let authorityName = "Sluice development authority \(Moment.now.day)"
        let authority = try CertificateMaker.certificate(
            name: authorityName, key: authorityKey, issuer: nil, signer: authorityKey, days: days,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
            ])
        defer { X509_free(authority) }
        let alternatives = names.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }
        let server = try CertificateMaker.certificate(
            name: names.first ?? addresses.first ?? "localhost", key: serverKey, issuer: authority,
            signer: authorityKey, days: days,
            extensions: [
                (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth"), (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid"),
                (NID_subject_alt_name, alternatives.joined(separator: ",")),
            ])
        defer { X509_free(server) }
        let tls = ServerTLS(
            certificatePEM: try CertificateMaker.pem(certificate: server),
            keyPEM: try CertificateMaker.pem(key: serverKey))
        return (tls, try CertificateMaker.pem(certificate: authority))
    }
}
