import Glibc
public import Support

/// What a file system or a store says of a file, by which one sees whether it has changed.
public struct FileFacts: Sendable, Hashable {
    /// How many bytes it has.
    public let size: Int
    /// When it was last changed, in nanoseconds since 1970.
    public let modified: Int64
    /// Whether it is a folder.
    public let isFolder: Bool
    /// Whether it is a regular file, and not a pipe or a device.
    public let isRegular: Bool
    /// What a store changes whenever the file does; nil for files of this machine.
    public let tag: String?

    /// The file at `path`, links followed; nil when there is none, or it cannot be reached.
    public init?(path: String) {
        var found = stat()
        if stat(path, &found) != 0 { return nil }
        self.init(found)
    }

    /// The file at `path`, links followed.
    ///
    /// - throws: `SluiceError` that says what is missing or forbidden.
    public init(of path: String) throws(SluiceError) {
        var found = stat()
        if stat(path, &found) != 0 { throw .system(errno, "cannot be examined", path: path) }
        self.init(found)
    }

    private init(_ found: stat) {
        size = Int(found.st_size)
        modified = Int64(found.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(found.st_mtim.tv_nsec)
        isFolder = found.st_mode & S_IFMT == S_IFDIR
        isRegular = found.st_mode & S_IFMT == S_IFREG
        tag = nil
    }

    /// What a store says.
    public init(_ entry: ObjectEntry) {
        size = entry.size
        modified = (entry.modified?.microseconds ?? 0) &* 1000
        isFolder = entry.isFolder
        isRegular = !entry.isFolder
        tag = entry.tag
    }
}
