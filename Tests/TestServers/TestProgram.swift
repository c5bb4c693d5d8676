public import Foundation
import Synchronization

/// A program that the tests start and that ends with them: its standard input is a pipe, whose end it takes as a sign to go.
public final class TestProgram: Sendable {
    /// Its process id.
    public let processID: pid_t
    /// The first line that it wrote.
    public let firstLine: String
    private let input: Int32
    private let isStopped = Mutex(false)

    /// Starts `command` and waits for its first line.
    public init(_ command: [String], environment: [String: String] = [:]) throws {
        var (toChild, fromChild): ([Int32], [Int32]) = ([0, 0], [0, 0])
        guard pipe(&toChild) == 0, pipe(&fromChild) == 0 else { throw Failure("no pipe") }
        for end in toChild + fromChild { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, toChild[0], 0)
        posix_spawn_file_actions_adddup2(&actions, fromChild[1], 1)
        // The threads that run tests block signals, and a child would inherit that and never hear that it shall end.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let words = command.map { strdup($0) } + [nil]
        let merged = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let values = merged.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + values { free(word) } }
        var child = pid_t()
        let status = posix_spawnp(&child, command[0], &actions, &attributes, words, values)
        close(toChild[0])
        close(fromChild[1])
        input = toChild[1]
        processID = child
        defer { close(fromChild[0]) }
        guard status == 0 else { throw Failure("\(command[0]): \(String(cString: strerror(status)))") }
        var line: [UInt8] = []
        var byte: UInt8 = 0
        while read(fromChild[0], &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
        firstLine = String(decoding: line, as: UTF8.self)
        guard !line.isEmpty else { throw Failure("\(command.joined(separator: " ")) did not start") }
    }

    /// The path of a script in `Programs`.
    public static func script(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Programs/" + name
    }

    /// Ends the program: closes its input, and waits until it has gone.
    public func stop() {
        let isFirst = isStopped.withLock { isStopped in
            defer { isStopped = true }
            return !isStopped
        }
        guard isFirst else { return }
        close(input)
        var status: Int32 = 0
        while waitpid(processID, &status, 0) == -1, errno == EINTR {}
    }

    deinit { stop() }

    /// Why a program did not start.
    struct Failure: Error, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }
}

/// The server of `Programs/faults.py`, which misbehaves as its URLs say.
public final class FaultServer: Sendable {
    /// The one that all tests of this process share.
    public static let shared: FaultServer? = {
        let server = try? FaultServer()
        atexit { FaultServer.shared?.stop() }
        return server
    }()

    /// `http://127.0.0.1:PORT`
    public let origin: String
    /// The port on 127.0.0.1.
    public let port: Int
    private let program: TestProgram

    /// Starts one, over TLS when it is given a certificate and its key.
    public init(certificate: String? = nil, key: String? = nil) throws {
        program = try TestProgram(
            ["python3", TestProgram.script("faults.py")] + [certificate, key].compactMap { $0 })
        port = Int(program.firstLine) ?? 0
        origin = "\(certificate == nil ? "http" : "https")://127.0.0.1:\(port)"
    }

    /// Ends it.
    public func stop() { program.stop() }
}
