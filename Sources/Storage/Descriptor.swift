import Glibc
import Support

/// An open file of the operating system, closed when the last user lets go.
public final class Descriptor: Sendable {
    let number: Int32
    private let isOwned: Bool

    init(_ number: Int32, isOwned: Bool = true) {
        self.number = number
        self.isOwned = isOwned
    }

    deinit { if isOwned { close(number) } }

    /// Standard input, which stays open.
    public static let standardInput = Descriptor(0, isOwned: false)
    /// Standard output, which stays open.
    public static let standardOutput = Descriptor(1, isOwned: false)

    /// Opens an existing file.
    static func open(_ path: String, forWriting: Bool = false) throws(SluiceError) -> Descriptor {
        let number = retried { Glibc.open(path, (forWriting ? O_WRONLY : O_RDONLY) | O_CLOEXEC) }
        if number < 0 { throw .system(errno, forWriting ? "cannot be written" : "cannot be read", path: path) }
        return Descriptor(number)
    }

    /// What kind of file this is, and how long.
    func status(name: String) throws(SluiceError) -> FileStatus {
        var found = stat()
        if fstat(number, &found) != 0 { throw .system(errno, "cannot be examined", path: name) }
        return FileStatus(found)
    }

    /// Whether not even one byte can be read: tells an empty file from one whose size the system does not know.
    var isEmpty: Bool {
        var byte: UInt8 = 0
        return retried { pread(number, &byte, 1, 0) } <= 0
    }

    /// Reads up to `count` bytes at `position` into `target`; 0 at the end.
    func read(
        into target: UnsafeMutableRawPointer, count: Int, at position: Int, name: String
    ) throws(SluiceError) -> Int {
        let read = retried { pread(number, target, count, off_t(position)) }
        if read < 0 { throw .system(errno, "cannot be read", path: name, offset: position) }
        return read
    }

    /// Writes all of `bytes` where the descriptor stands.
    func write(_ bytes: UnsafeRawBufferPointer, name: String) throws(SluiceError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let chunk = UnsafeRawBufferPointer(rebasing: rest)
            let written = retried { Glibc.write(number, chunk.baseAddress, chunk.count) }
            if written < 0 {
                // A pipe or terminal that somebody else made non-blocking.
                if errno == EAGAIN {
                    var waiting = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, 100)
                    continue
                }
                throw .system(errno, "cannot be written", path: name)
            }
            rest = rest.dropFirst(written)
        }
    }
}

/// What tells a file from every other on this machine, whatever name it is reached by.
public struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let node: UInt64

    init(_ found: stat) {
        device = UInt64(truncatingIfNeeded: found.st_dev)
        node = UInt64(truncatingIfNeeded: found.st_ino)
    }

    /// The identity of the file at `path`, if there is one.
    public init?(path: String) {
        var found = stat()
        if stat(path, &found) != 0 { return nil }
        self.init(found)
    }
}

/// What kind of file something is.
struct FileStatus {
    let size: Int
    let isRegular: Bool
    let isFolder: Bool
    let permissions: mode_t
    let identity: FileIdentity

    init(_ found: stat) {
        size = Int(found.st_size)
        isRegular = found.st_mode & S_IFMT == S_IFREG
        isFolder = found.st_mode & S_IFMT == S_IFDIR
        permissions = found.st_mode & 0o7777
        identity = FileIdentity(found)
    }

    /// The file at `path`, links followed; nil when there is none.
    init?(path: String) {
        var found = stat()
        if stat(path, &found) != 0 { return nil }
        self.init(found)
    }
}

/// Calls again what a signal interrupted.
func retried<T: SignedInteger>(_ call: () -> T) -> T {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
