import Foundation

/// A MariaDB server of the tests' own: a data folder in a temporary folder, on a free loopback port, stopped when the tests
/// are over.
public final class TestMariaDB: Sendable {
    /// The folder of the server.
    public let folder: String
    /// The port on 127.0.0.1.
    public let port: Int
    /// Who may do everything, with any character in the password.
    public let user = "tester"
    /// The password of `user`.
    public let password = "p;w{o}r'd=\" ü€"
    private let program: TestProgram

    /// The server that all tests of this process share; nil, with a reason printed, where there is none installed.
    public static let shared: TestMariaDB? = {
        do {
            let server = try TestMariaDB()
            atexit { TestMariaDB.shared?.stop() }
            return server
        } catch {
            print("skipped: no MariaDB server: \(error)")
            return nil
        }
    }()

    /// Creates and starts a server.
    public init() throws {
        guard access("/usr/sbin/mariadbd", X_OK) == 0 else {
            throw TestPostgres.Failure("no /usr/sbin/mariadbd; install mariadb-server")
        }
        folder = FileManager.default.temporaryDirectory.path + "/sluice-maria-\(UUID().uuidString)"
        port = try TestPostgres.freePort()
        program = try TestProgram([
            "python3", TestProgram.script("mariadb.py"), folder, "\(port)", user, password,
        ])
        guard program.firstLine.hasPrefix("ready") else { throw TestPostgres.Failure(program.firstLine) }
    }

    /// Stops the server and removes its folder.
    public func stop() {
        program.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
