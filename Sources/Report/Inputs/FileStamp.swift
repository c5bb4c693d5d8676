import Glibc
import Support

/// By what one sees that a file has not been touched, without reading it. The time of its last change of any kind cannot
/// be set back, as that of its contents can.
struct FileStamp: Sendable, Hashable {
    /// The stamp as text.
    let text: String
    /// How many bytes there are.
    let size: Int
    private let changed: Int64

    /// The stamp of the regular file at `path`; nil when it is none.
    init?(_ path: String) {
        var found = stat()
        guard stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG else { return nil }
        let modified = Int64(found.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(found.st_mtim.tv_nsec)
        changed = Int64(found.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(found.st_ctim.tv_nsec)
        size = Int(found.st_size)
        text = "\(found.st_dev):\(found.st_ino):\(size):\(modified):\(changed)"
    }

    /// Whether another change would show: clocks of file systems tick slowly, and two changes may bear one time.
    var isSettled: Bool { Moment.now.microseconds * 1000 - changed > 2_000_000_000 }
}
