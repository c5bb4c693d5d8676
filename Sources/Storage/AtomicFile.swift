import Glibc
public import Support

/// Writes a file that appears under its name whole, on `finish`, or not at all.
///
/// The bytes go into a file of the same folder that has no name yet (`O_TMPFILE`), so that nothing is left over even when
/// the process is killed; where the file system cannot do that, into one named `.NAME.random.partial`. `finish` brings
/// them safely to the disk, then puts the file in place of the old one in one step. What was there before stays
/// untouched until then, and its permissions carry over; a symbolic link stays, and what it points to is replaced.
public final class AtomicFile: ByteSink, @unchecked Sendable {
    // `@unchecked Sendable` because one producer at a time writes, as `ByteSink` demands.

    /// The path as the user gave it.
    public let name: String
    private let target: String
    private let folder: String
    private let condition: WriteCondition
    private var descriptor: Descriptor?
    /// The temporary file's name, where it has one.
    private var temporaryPath: String?
    private let pending = MutableBuffer()
    private var written = 0
    private var flushedUpTo = 0

    /// Pages headers and the like are gathered until a write is worth its while.
    private static let smallestWrite = 1 << 18
    /// How many bytes are left in the page cache before the disk is told to begin.
    private static let flushEvery = 16 << 20

    /// Begins the file that shall stand at `path`, if `condition` holds when it is put there.
    ///
    /// - throws: `SluiceError` when its folder is missing or not writable.
    public init(_ path: String, _ condition: WriteCondition = .always) throws(SluiceError) {
        name = path
        self.condition = condition
        target = Self.followingLinks(path)
        folder = splitPath(target).folder
        let existing = FileStatus(path: target)
        if existing != nil, access(target, W_OK) != 0 { throw .system(errno, "cannot be written", path: path) }

        let mode: mode_t = existing?.permissions ?? 0o666
        var number = Self.canLinkUnnamed ? retried { Glibc.open(folder, unnamed | O_WRONLY | O_CLOEXEC, mode) } : -1
        if number < 0 {
            let temporary = Self.temporaryName(for: target)
            number = retried { Glibc.open(temporary, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode) }
            if number < 0 { throw .system(errno, "cannot be written", path: path) }
            temporaryPath = temporary
        }
        // The mask of the process took bits away from a mode that was chosen already.
        if let existing { fchmod(number, existing.permissions) }
        descriptor = Descriptor(number)
    }

    deinit { discard() }

    /// Appends bytes.
    public func write(_ bytes: Buffer) async throws(SluiceError) {
        if bytes.count < Self.smallestWrite {
            pending.append(bytes)
            if pending.count < Self.smallestWrite { return }
            return try flush()
        }
        try flush()
        try bytes.withUnsafeBytes { (bytes) throws(SluiceError) in try put(bytes) }
    }

    /// Brings everything to the disk and puts the file in place.
    public func finish() async throws(SluiceError) {
        try flush()
        guard let descriptor else { return }
        if fsync(descriptor.number) != 0 { throw .system(errno, "cannot be written", path: name) }
        let temporary: String
        if let temporaryPath {
            temporary = temporaryPath
        } else {
            temporary = Self.temporaryName(for: target)
            let unnamed = "/proc/self/fd/\(descriptor.number)"
            if linkat(AT_FDCWD, unnamed, AT_FDCWD, temporary, AT_SYMLINK_FOLLOW) != 0 {
                throw .system(errno, "cannot be put in place", path: name)
            }
            temporaryPath = temporary
        }
        if !(try placed(temporary, at: target, condition, name: name)) {
            throw SluiceError(
                .conflict, condition == .ifAbsent ? "is there already" : "was changed by somebody else meanwhile",
                place: .init(file: name), hint: "nothing was written; look at it, and try again")
        }
        temporaryPath = nil
        self.descriptor = nil
        Self.synchronize(folder: folder)
    }

    /// Throws the bytes away.
    public func abandon() async { discard() }

    private func discard() {
        if let temporaryPath { unlink(temporaryPath) }
        temporaryPath = nil
        descriptor = nil
        pending.removeAll()
    }

    private func flush() throws(SluiceError) {
        if pending.count == 0 { return }
        try pending.withUnsafeBytes { (bytes) throws(SluiceError) in try put(bytes) }
        pending.removeAll()
    }

    private func put(_ bytes: UnsafeRawBufferPointer) throws(SluiceError) {
        guard let descriptor else {
            throw SluiceError(.inputOutput, "was written to after its end", place: .init(file: name))
        }
        try descriptor.write(bytes, name: name)
        written += bytes.count
        if written - flushedUpTo >= Self.flushEvery {
            // Begins writing back without waiting, so that the `fsync` at the end has little left to do. (Linux starts
            // the write-back of a dirty range that is not needed any more; only clean pages leave the cache.)
            posix_fadvise(
                descriptor.number, off_t(flushedUpTo), off_t(written - flushedUpTo), POSIX_FADV_DONTNEED)
            flushedUpTo = written
        }
    }

    /// Makes a rename in `folder` outlive a power cut, as far as the file system allows.
    private static func synchronize(folder: String) {
        let number = retried { Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        if number < 0 { return }
        fsync(number)
        close(number)
    }

    /// Whether a file without a name can be given one: that goes through `/proc`.
    private static let canLinkUnnamed = access("/proc/self/fd", X_OK) == 0

    private static func temporaryName(for target: String) -> String {
        let (folder, name) = splitPath(target)
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        return "\(folder == "/" ? "" : folder)/\(unfinishedName(of: name, random))"
    }

    /// What a file beside `name` is called that is not part of what users see.
    static func unfinishedName(of name: String, _ what: String) -> String {
        // A name has at most 255 bytes, and this one adds some.
        ".\(String(decoding: name.utf8.prefix(200), as: UTF8.self)).\(what)\(unfinishedEnding)"
    }

    /// Whether a file of this name is one that is still being written, or was left behind by a process that was killed.
    public static func isUnfinished(_ name: String) -> Bool {
        name.utf8.first == UInt8(ascii: ".") && name.hasSuffix(unfinishedEnding)
    }

    private static let unfinishedEnding = ".partial"

    private static func followingLinks(_ path: String) -> String {
        guard let resolved = realpath(path, nil) else { return path }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// `O_TMPFILE`, whose macro Swift does not see.
private let unnamed = 0o20000000 | O_DIRECTORY
