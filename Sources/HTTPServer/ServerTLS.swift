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
}
