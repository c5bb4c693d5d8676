import Foundation
import Support
import TestServers
import Testing

@testable import Transport

/// Who is believed to be who they say they are, and what is said of those who are not.
@Suite(.enabled(if: TestCertificates.shared != nil)) struct TrustTests {
    let certificates: TestCertificates

    init() throws { certificates = try #require(TestCertificates.shared) }

    func fetch(_ certificate: String, caFiles: [String], host: String = "127.0.0.1") async throws -> Int {
        let server = try FaultServer(
            certificate: certificates.certificate(certificate), key: certificates.key(certificate))
        defer { server.stop() }
        let client = testClient { $0.caFiles = caFiles }
        let url = try WebAddress("https://\(host):\(server.port)/echo?sig=hidden")
        return try await client.fetch(HTTPRequest(.get, url)).response.status
    }

    @Test func aFileOfOnesOwnIsTrustedToo() async throws {
        #expect(try await fetch("good", caFiles: [certificates.certificate("ca")]) == 200)
        #expect(try await fetch("good", caFiles: [certificates.certificate("ca")], host: "localhost") == 200)
        #expect(try await fetch("self", caFiles: [certificates.certificate("self")]) == 200)
    }

    @Test(arguments: [
        ("good", false, "not known here", "SLUICE_CA_FILE"), ("self", true, "signed by itself", "SLUICE_CA_FILE"),
        ("other", true, "for another name", "Check the name"), ("expired", true, "expired", "clock"),
    ])
    func whoIsNotTrustedIsNamedWithTheReason(
        certificate: String, knowsCA: Bool, reason: String, remedy: String
    ) async throws {
        let error = await #expect(throws: SluiceError.self) {
            _ = try await fetch(certificate, caFiles: knowsCA ? [certificates.certificate("ca")] : [])
        }
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
        #expect(error?.message.contains("127.0.0.1") == true)
        #expect(error?.hint?.contains(remedy) == true)
        #expect(error?.isTransient == false)
        #expect(error?.message.contains("hidden") == false)
    }

    @Test func theSystemsTrustStaysWhenAFileIsAdded() throws {
        let alone = try TrustStore(adding: [], environment: [:])
        let both = try TrustStore(adding: [certificates.certificate("ca")], environment: [:])
        let system = try contents(#require(alone.file))
        let together = try contents(#require(both.file))
        #expect(together.hasPrefix(system))
        #expect(together.hasSuffix(try contents(certificates.certificate("ca"))))
    }

    private func contents(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test(arguments: ["/no/such/file.pem", "/etc/hostname"])
    func aFileThatHoldsNoCertificateIsNamed(path: String) async throws {
        let client = testClient { $0.caFiles = [path] }
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.send(HTTPRequest(.get, WebAddress("https://127.0.0.1:1/")))
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(error?.message.contains(path) == true)
    }

    @Test func theEnvironmentNamesAFile() {
        #expect(HTTPOptions(environment: ["SLUICE_CA_FILE": "/a.pem"]).caFiles == ["/a.pem"])
        #expect(HTTPOptions(environment: [:]).caFiles.isEmpty)
    }
}
