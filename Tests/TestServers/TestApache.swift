import Foundation

/// Certificates of the tests' own, made by openssl: see `Programs/certificates.py`.
public struct TestCertificates: Sendable {
    /// The ones that all tests of this process share; nil, with a reason printed, where openssl is missing.
    public static let shared: TestCertificates? = {
        do {
            let made = try TestCertificates()
            atexit {
                if let folder = TestCertificates.shared?.folder { try? FileManager.default.removeItem(atPath: folder) }
            }
            return made
        } catch {
            print("skipped: no certificates: \(error)")
            return nil
        }
    }()

    /// Where they lie.
    public let folder: String

    private init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/sluice-tls-\(UUID().uuidString)"
        let program = try TestProgram(["python3", TestProgram.script("certificates.py"), folder])
        program.stop()
    }

    /// The path of a certificate: `ca`, `good`, `other`, `expired`, `self`.
    public func certificate(_ name: String) -> String { "\(folder)/\(name).pem" }
    /// The path of its key.
    public func key(_ name: String) -> String { "\(folder)/\(name).key" }
}

/// Debian's Apache, as web server with TLS and HTTP/2 and as proxy: see `Programs/apache.py`.
public final class TestApache: Sendable {
    /// The one that all tests of this process share; nil, with a reason printed, where it is not installed.
    public static let shared: TestApache? = {
        do {
            let server = try TestApache()
            atexit { TestApache.shared?.stop() }
            return server
        } catch {
            print("skipped: no Apache: \(error)")
            return nil
        }
    }()

    /// `https://127.0.0.1:PORT`, which speaks HTTP/2.
    public let secure: String
    /// `http://127.0.0.1:PORT`
    public let plain: String
    /// A proxy's URL, for anybody.
    public let proxy: String
    /// The host and port of a proxy for `someone` with the password `pass-word`.
    public let strictProxy: String
    private let folder: String
    private let program: TestProgram

    private init() throws {
        guard let certificates = TestCertificates.shared, let faults = FaultServer.shared else {
            throw TestProgram.Failure("no certificates")
        }
        guard access("/usr/sbin/apache2", X_OK) == 0 else { throw TestProgram.Failure("no /usr/sbin/apache2") }
        folder = FileManager.default.temporaryDirectory.path + "/sluice-apache-\(UUID().uuidString)"
        program = try TestProgram([
            "python3", TestProgram.script("apache.py"), folder, certificates.certificate("good"),
            certificates.key("good"), faults.origin,
        ])
        let ports = program.firstLine.split(separator: " ")
        guard ports.count == 4 else { throw TestProgram.Failure("Apache did not start") }
        secure = "https://127.0.0.1:\(ports[0])"
        plain = "http://127.0.0.1:\(ports[1])"
        proxy = "http://127.0.0.1:\(ports[2])"
        strictProxy = "127.0.0.1:\(ports[3])"
    }

    /// A request, as the server logged it.
    public struct LoggedRequest: Sendable {
        /// The client's port, which tells connections apart.
        public let client: String
        /// `HTTP/2.0`
        public let version: String
        /// The path without its query.
        public let path: String
    }

    /// What was asked of it so far.
    public func requests() throws -> [LoggedRequest] {
        try String(contentsOfFile: folder + "/access.log", encoding: .utf8).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            return words.count < 5 ? nil : LoggedRequest(client: words[0], version: words[2], path: words[4])
        }
    }

    /// Stops it and removes its folder.
    public func stop() {
        program.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
