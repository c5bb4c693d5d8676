import Glibc
import Storage
import Support
import Transport

/// A file that outlives the process that did not finish it.
final class PartialFile: BodyReceiver {
    private let path: String
    /// What messages call it: what it is to become.
    private let name: String
    private let number: Int32

    init(_ path: String, name: String) throws(SluiceError) {
        self.path = path
        self.name = name
        number = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
        if number < 0 { throw PartialFile.failure("cannot be written", name) }
    }

    deinit { close(number) }

    private static func failure(_ what: String, _ name: String) -> SluiceError {
        let code = errno
        let reason = String(cString: strerror(code))
        let isForbidden = code == EACCES || code == EPERM || code == EROFS
        return SluiceError(
            isForbidden ? .permission : .inputOutput, "\(what): \(reason)", place: .init(file: name),
            hint: code == ENOSPC || code == EDQUOT
                ? "Free some space there, or write to another disk; the next attempt goes on where this one ended."
                : nil
        )
    }

    /// Keeps other processes away, as long as this one lives; false when another one was first.
    func lock() throws(SluiceError) -> Bool {
        if flock(number, LOCK_EX | LOCK_NB) == 0 {
            // Whoever was first may have finished it meanwhile, and given it its name.
            var (held, named) = (stat(), stat())
            return fstat(number, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino
        }
        if errno == EWOULDBLOCK { return false }
        throw PartialFile.failure("cannot be locked", name)
    }

    /// All of it, as text.
    func text() throws(SluiceError) -> String {
        var found = stat()
        guard fstat(number, &found) == 0, found.st_size > 0, found.st_size < 64 << 20 else { return "" }
        return try read(0..<Int(found.st_size)).map { String(decoding: $0.bytes, as: UTF8.self) } ?? ""
    }

    /// The bytes in `range`; nil when they are not all there.
    func read(_ range: Range<Int>) throws(SluiceError) -> Buffer? {
        let bytes = MutableBuffer(capacity: range.count)
        while bytes.count < range.count {
            let got = pread(
                number, bytes.base + bytes.count, range.count - bytes.count, off_t(range.lowerBound + bytes.count))
            if got < 0, errno == EINTR { continue }
            if got < 0 { throw PartialFile.failure("cannot be read", name) }
            if got == 0 { return nil }
            bytes.count += got
        }
        return bytes.freeze()
    }

    /// Writes bytes where they belong.
    func take(_ bytes: UnsafeRawBufferPointer, at position: Int) throws(SluiceError) {
        var written = 0
        while written < bytes.count {
            let put = pwrite(
                number, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(position + written))
            if put < 0, errno == EINTR { continue }
            if put < 0 { throw PartialFile.failure("cannot be written", name) }
            written += put
        }
    }

    /// Writes bytes where they belong.
    func write(_ bytes: Buffer, at position: Int) throws(SluiceError) {
        try bytes.withUnsafeBytes { (bytes) throws(SluiceError) in try take(bytes, at: position) }
    }

    /// Has bytes brought to the disk from now on, without waiting, so that little is left to do in the end. (Linux begins to
    /// write what is dirty in a range that is said not to be needed.)
    func beginWriteBack(_ range: Range<Int>) {
        posix_fadvise(number, off_t(range.lowerBound), off_t(range.count), POSIX_FADV_DONTNEED)
    }

    /// Adds a line, of which a crash may leave the beginning.
    func append(_ line: String) throws(SluiceError) {
        let end = lseek(number, 0, SEEK_END)
        try write(Buffer(Array(line.utf8)), at: Int(max(0, end)))
    }

    /// Brings it to the disk.
    func synchronize() throws(SluiceError) {
        if fsync(number) != 0 { throw PartialFile.failure("cannot be written", name) }
    }

    /// Gives it its name, in one step.
    func place(at target: String, in store: FolderStore, _ condition: WriteCondition) throws(SluiceError) {
        let full = store.url(target)
        if condition == .ifAbsent {
            if link(path, full) != 0 {
                if errno == EEXIST { throw .conflict(condition, full) }
                throw PartialFile.failure("cannot be put in place", full)
            }
            unlink(path)
            return
        }
        if rename(path, full) != 0 { throw PartialFile.failure("cannot be put in place", full) }
    }
}
