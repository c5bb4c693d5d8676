import Glibc
import Support

/// The emulator's data folder: a folder for each service, and the emulator's own keys.
///
///     storage/   blobs and files        vault.sqlite    secrets
///     identity/  the signing key        queues.sqlite   queues and messages
///     tls/       CA and certificate     accounts.json   which accounts are hierarchical
///     registry/  images of registries       management.sqlite  what Resource Manager keeps
///     batch/     files of tasks         batch.sqlite   pools, jobs and tasks
struct EmulatorFolder: Sendable {
    let path: String

    /// - throws: `SluiceError` when the folder cannot be made.
    init(_ path: String) throws(SluiceError) {
        self.path = path
        try EmulatorFolder.make(path)
    }

    /// A path that means the same wherever a program begins.
    static func absolute(_ path: String) -> String {
        guard let whole = realpath(path, nil) else { return path }
        defer { free(whole) }
        return String(cString: whole)
    }

    /// The path of a file or folder of this name.
    func item(_ name: String) -> String { "\(path)/\(name)" }

    /// The path of a folder of this name, which is made when it is not there.
    func folder(_ name: String) throws(SluiceError) -> String {
        try EmulatorFolder.make(item(name))
        return item(name)
    }

    private static func make(_ path: String) throws(SluiceError) {
        var sofar = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            sofar += part
            if mkdir(sofar, 0o700) != 0, errno != EEXIST, errno != EISDIR {
                throw SluiceError(
                    .inputOutput, "cannot be made: \(String(cString: strerror(errno)))", place: .init(file: sofar),
                    hint: "Name another folder with --data.")
            }
            sofar += "/"
        }
        var facts = stat()
        guard stat(path, &facts) == 0, facts.st_mode & S_IFMT == S_IFDIR else {
            throw SluiceError(
                .inputOutput, "is not a folder", place: .init(file: path), hint: "Name another with --data.")
        }
    }

    /// What a file holds; nil when it is not there.
    func read(_ name: String) throws(SluiceError) -> String? { try EmulatorFolder.read(path, name) }

    /// What a file of a folder holds; nil when it is not there.
    static func read(_ folder: String, _ name: String, limit: Int = 16 << 20) throws(SluiceError) -> String? {
        let file = "\(folder)/\(name)"
        let descriptor = open(file, O_RDONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw EmulatorFolder.failure("cannot be read", file) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= limit {
            let count = Glibc.read(descriptor, &block, block.count)
            if count < 0 { throw EmulatorFolder.failure("cannot be read", file) }
            if count == 0 { break }
            bytes += block[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Puts a file in place, whole or not at all; nobody but its owner may read it.
    func write(_ text: String, to name: String) throws(SluiceError) {
        let file = item(name)
        let temporary = "\(file).\(getpid()).partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw EmulatorFolder.failure("cannot be written", file) }
        fchmod(descriptor, 0o600)
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count <= 0 { break }
            bytes = bytes.dropFirst(count)
        }
        let isWritten = bytes.isEmpty && fsync(descriptor) == 0
        close(descriptor)
        guard isWritten, rename(temporary, file) == 0 else {
            let error = EmulatorFolder.failure("cannot be written", file)
            unlink(temporary)
            throw error
        }
    }

    private static func failure(_ what: String, _ path: String) -> SluiceError {
        SluiceError(.inputOutput, "\(what): \(String(cString: strerror(errno)))", place: .init(file: path))
    }
}
