import Foundation

/// A PostgreSQL server of the tests' own: a cluster in a temporary folder, on a free loopback port, stopped when the
/// tests are over.
///
/// `shared` is started on first use. The server refuses to run as root, so as root it runs as the user `postgres`.
public final class TestPostgres: Sendable {
    /// The folder of the cluster.
    public let folder: String
    /// The port on 127.0.0.1.
    public let port: Int

    /// The server that all tests of this process share; nil, with a reason printed, where there is none installed.
    public static let shared: TestPostgres? = {
        do {
            let server = try TestPostgres()
            // The process owns the server: it stops with the last test, whatever happened in between.
            atexit { TestPostgres.shared?.stop() }
            return server
        } catch {
            print("skipped: no PostgreSQL server: \(error)")
            return nil
        }
    }()

    /// libpq's settings for a session as the superuser.
    public var settings: [String: String] {
        ["host": "127.0.0.1", "port": "\(port)", "dbname": "postgres", "user": "postgres"]
    }

    /// Creates and starts a cluster.
    public init() throws {
        guard let binaries = Self.binaries() else { throw Failure("no initdb under /usr/lib/postgresql") }
        folder = FileManager.default.temporaryDirectory.path + "/sluice-pg-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        port = try Self.freePort()
        if getuid() == 0 { try Self.run(["chown", "postgres", folder]) }
        let data = folder + "/data"
        try Self.run(
            Self.asServerUser([
                binaries + "/initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                "--no-sync",
            ]))
        let options =
            "-c listen_addresses=127.0.0.1 -p \(port) -k \(folder) -c fsync=off -c max_connections=300"
            + " -c synchronous_commit=off -c full_page_writes=off"
        try Self.run(
            Self.asServerUser([
                binaries + "/pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder + "/log", "-o", options, "start",
            ]))
    }

    /// Stops the server and removes its folder.
    public func stop() {
        guard let binaries = Self.binaries() else { return }
        try? Self.run(
            Self.asServerUser([binaries + "/pg_ctl", "-D", folder + "/data", "-m", "immediate", "-w", "stop"]))
        try? FileManager.default.removeItem(atPath: folder)
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    private static func binaries() -> String? {
        let root = "/usr/lib/postgresql"
        let versions = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
        return versions.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }.map { "\(root)/\($0)/bin" }
            .first { FileManager.default.isExecutableFile(atPath: $0 + "/initdb") }
    }

    private static func asServerUser(_ command: [String]) -> [String] {
        getuid() == 0 ? ["runuser", "-u", "postgres", "--"] + command : command
    }

    /// Runs a command to its end. Not by Foundation's `Process`, which waits until nobody holds the descriptors that it
    /// hands to the child: a server that the child starts in the background holds them for as long as it lives.
    static func run(_ command: [String]) throws {
        let log = "/tmp/sluice-test-\(UUID().uuidString)"
        defer { unlink(log) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT, 0o666)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        let words = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child = pid_t()
        let failure = posix_spawnp(&child, command[0], &actions, nil, words, environ)
        guard failure == 0 else { throw Failure("\(command[0]): \(String(cString: strerror(failure)))") }
        var status: Int32 = 0
        while waitpid(child, &status, 0) == -1, errno == EINTR {}
        guard status == 0 else {
            let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            throw Failure("\(command.joined(separator: " ")) failed:\n\(text)")
        }
    }

    /// A port that nobody listens on, as the kernel picks it.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure("no socket") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard bound else { throw Failure("no free port") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
