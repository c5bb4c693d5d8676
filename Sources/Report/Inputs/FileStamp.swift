import Glibc
import Storage
import Support

/// By what one sees that a file has not been touched, without reading it. The time of its last change of any kind cannot
/// be set back, as that of its contents can.
struct FileStamp: Sendable, Hashable {
    /// The stamp as text.
    let text: String
    /// How many bytes there are.
    let size: Int
    private let changed: Int64

    private init(text: String, size: Int, changed: Int64) {
        self.text = text
        self.size = size
        self.changed = changed
    }

    /// The stamp of the file at `place`; nil when there is none, or what is there is not a file that can be read again.
    init?(_ place: FilePlace) async throws(SluiceError) {
        if case .local(let path) = place {
            self.init(path)
            return
        }
        guard let facts = try await place.facts(), facts.isRegular, let tag = facts.tag else { return nil }
        // A store gives every version a tag of its own, so no time has to pass.
        self.init(text: "\(tag):\(facts.size):\(facts.modified)", size: facts.size, changed: 0)
    }

    /// The stamp of the regular file at `path`; nil when it is none.
    init?(_ path: String) {
        var found = stat()
        guard stat(path, &found) == 0, found.st_mode & S_IFMT == S_IFREG else { return nil }
        let modified = Int64(found.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(found.st_mtim.tv_nsec)
        let changed = Int64(found.st_ctim.tv_sec) &* 1_000_000_000 &+ Int64(found.st_ctim.tv_nsec)
        let size = Int(found.st_size)
        self.init(
            text: "\(found.st_dev):\(found.st_ino):\(size):\(modified):\(changed)", size: size, changed: changed)
    }

    /// Whether another change would show: clocks of file systems tick slowly, and two changes may bear one time.
    var isSettled: Bool { Moment.now.microseconds * 1000 - changed > 2_000_000_000 }
}
