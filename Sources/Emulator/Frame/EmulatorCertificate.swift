import Glibc
import HTTPServer
import Support

/// The emulator's certificate, and the authority that signed it: made once, and kept in the data folder.
struct EmulatorCertificate {
    let server: ServerTLS
    /// The file with the authority's certificate.
    let authorityFile: String

    /// The names that it stands for: this machine's, and those that clients are led here from.
    static let names =
        ["localhost", "*.localhost"]
        + ["blob", "dfs", "queue"].flatMap { service in
            ["core.windows.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn", "localhost"].map {
                "*.\(service).\($0)"
            }
        }
        + [
            "*.vault.azure.net", "*.vault.usgovcloudapi.net", "*.vault.azure.cn", "*.vault.localhost",
            "*.dfs.fabric.microsoft.com", "*.blob.fabric.microsoft.com", "*.azure.com", "*.westeurope.batch.azure.com",
            "*.windows.net",
        ] + Addresses.loginHosts.sorted()

    static func load(from folder: EmulatorFolder) throws(SluiceError) -> EmulatorCertificate {
        _ = try folder.folder("tls")
        let wanted = names.joined(separator: "\n")
        if let certificate = try folder.read("tls/server.pem"), let key = try folder.read("tls/server.key"),
            try folder.read("tls/names") == wanted
        {
            let kept = ServerTLS(certificatePEM: certificate, keyPEM: key)
            if kept.isValid(for: 86_400) {
                return EmulatorCertificate(server: kept, authorityFile: folder.item("tls/ca.pem"))
            }
        }
        let made = try ServerTLS.selfSigned(names: names, addresses: ["127.0.0.1", "::1"])
        try folder.write(made.authorityPEM, to: "tls/ca.pem")
        try folder.write(made.server.certificatePEM, to: "tls/server.pem")
        try folder.write(made.server.keyPEM, to: "tls/server.key")
        try folder.write(wanted, to: "tls/names")
        return EmulatorCertificate(server: made.server, authorityFile: folder.item("tls/ca.pem"))
    }
}
