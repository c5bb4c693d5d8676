import CCurl
import Glibc
import Support

/// The file of certificates to trust: the system's own, or that and more in one.
///
/// libcurl takes one file, and one that it is given takes the place of the system's. So with certificates to add, both are
/// put together in memory, under a name that only this process has.
final class TrustStore: Sendable {
    /// Where distributions keep theirs.
    private static let usual = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ]

    /// The file's name; nil leaves the choice to libcurl.
    let file: String?
    private let descriptor: Int32?

    init(adding extra: [String], environment: [String: String]) throws(SluiceError) {
        let named = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        let system = named ?? TrustStore.usual.first { access($0, R_OK) == 0 }
        guard !extra.isEmpty else {
            file = system
            descriptor = nil
            return
        }
        var bytes: [UInt8] = []
        if let system { bytes += try TrustStore.contents(of: system) }
        for path in extra {
            let contents = try TrustStore.contents(of: path)
            guard String(decoding: contents, as: UTF8.self).contains("-----BEGIN ") else {
                throw SluiceError(
                    .invalidConfiguration,
                    "\(path) holds no certificate; expected one in PEM (-----BEGIN CERTIFICATE-----)",
                    hint: "Convert it: openssl x509 -inform der -in FILE -out FILE.pem")
            }
            bytes += [UInt8(ascii: "\n")] + contents
        }
        let descriptor = sluice_curl_memory_file("sluice-trust")
        guard descriptor >= 0 else { throw TrustStore.failure("the certificates to trust cannot be put together") }
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + written }, $0.count - written)
            }
            guard count > 0 else {
                close(descriptor)
                throw TrustStore.failure("the certificates to trust cannot be put together")
            }
            written += count
        }
        self.descriptor = descriptor
        file = "/proc/\(getpid())/fd/\(descriptor)"
    }

    deinit {
        if let descriptor { close(descriptor) }
    }

    private static func contents(of path: String) throws(SluiceError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("the certificates to trust in \(path) cannot be read") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count >= 0 else { throw failure("the certificates to trust in \(path) cannot be read") }
            if count == 0 { return bytes }
            bytes += piece[..<count]
            guard bytes.count < 16 << 20 else {
                throw SluiceError(.limitExceeded, "\(path) has more than 16 MB, which are no certificates")
            }
        }
    }

    private static func failure(_ what: String) -> SluiceError {
        SluiceError(
            .invalidConfiguration, "\(what): \(String(cString: strerror(errno)))",
            hint: "Check SLUICE_CA_FILE and SSL_CERT_FILE, and the setting that names the file.")
    }
}
