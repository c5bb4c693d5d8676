import Glibc
import Support

/// Gives the file or folder `old` the name `new`, when `condition` holds for what is there: one step for everybody who
/// goes this way.
///
/// - returns: Whether the condition held.
func placed(_ old: String, at new: String, _ condition: WriteCondition, name: String) throws(SluiceError) -> Bool {
    switch condition {
    case .always:
        if rename(old, new) == 0 { return true }
    case .ifAbsent:
        // A second name is made only where there is none; the first one goes then.
        if link(old, new) == 0 {
            unlink(old)
            return true
        }
        if errno == EEXIST { return false }
        if errno == EPERM || errno == ENOTSUP {
            // Folders, and the files of some file systems, have one name only.
            let lock = try FolderLock(splitPath(new).folder)
            defer { withExtendedLifetime(lock) {} }
            if FileStatus(path: new) != nil { return false }
            if rename(old, new) == 0 { return true }
        }
    case .ifUnchanged(let tag):
        // The system has no rename that compares, so those who do wait for each other.
        let lock = try FolderLock(splitPath(new).folder)
        defer { withExtendedLifetime(lock) {} }
        var found = stat()
        guard stat(new, &found) == 0, ObjectEntry(new, found).tag == tag else { return false }
        if rename(old, new) == 0 { return true }
    }
    throw .system(errno, "cannot be put in place", path: name)
}

/// A folder that others who change files in it by condition wait for.
private final class FolderLock {
    private let descriptor: Descriptor

    init(_ folder: String) throws(SluiceError) {
        let number = retried { Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        if number < 0 { throw .system(errno, "cannot be read", path: folder) }
        descriptor = Descriptor(number)
        if retried({ flock(number, LOCK_EX) }) != 0 { throw .system(errno, "cannot be locked", path: folder) }
    }
}

/// A file taken by a lock on a hidden one beside it.
final class FileLease: ObjectLease, @unchecked Sendable {
    // `@unchecked Sendable` because one owner at a time calls it.

    private let path: String
    private var descriptor: Descriptor?

    /// nil when somebody else has it.
    init?(folder: String, file: String) throws(SluiceError) {
        path = "\(folder)/\(AtomicFile.unfinishedName(of: file, "lease"))"
        while true {
            let number = retried { Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666) }
            if number < 0 { throw .system(errno, "cannot be taken", path: path) }
            let opened = Descriptor(number)
            if retried({ flock(number, LOCK_EX | LOCK_NB) }) != 0 {
                if errno == EWOULDBLOCK { return nil }
                throw .system(errno, "cannot be taken", path: path)
            }
            // Whoever let go in between has removed the file that was locked here.
            var held = stat()
            var named = stat()
            if fstat(number, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino {
                descriptor = opened
                return
            }
        }
    }

    deinit { letGo() }

    func renew() async throws(SluiceError) {
        if descriptor == nil { throw SluiceError(.conflict, "was let go of already", place: .init(file: path)) }
    }

    func release() async throws(SluiceError) { letGo() }

    private func letGo() {
        if descriptor != nil { unlink(path) }
        descriptor = nil
    }
}
