import Glibc
import Support
import Synchronization

/// The files that hold what blobs contain, under numbers: what a blob is called never comes near a path.
///
/// A file lives as long as something refers to it: an extent of a blob, a staged block, or a pin of somebody who reads or
/// writes. Bytes that were written never change; a file only grows, each writer in a range that is its own. So copies
/// share what they have in common, and a reader sees the version that it began with.
final class ContentStore: Sendable {
    private struct File {
        var uses: Int
        /// Where the next writer begins; nil when the file's size has not been looked up since the start.
        var end: Int?
    }

    private struct State {
        var files: [UInt64: File] = [:]
        var nextID: UInt64 = 1
        /// While the journal is read nothing is deleted; what is not referred to at the end goes then.
        var isLoading = true
    }

    let folder: String
    private let state = Mutex(State())
    /// Deleting a large file takes its time, and nobody has to wait for it.
    private let janitor = BlockingQueue("sluice.emulator.content")

    init(folder: String) throws(SluiceError) {
        self.folder = folder
        try Self.makeFolder(folder)
    }

    func path(_ file: UInt64) -> String { "\(folder)/\(Self.hex(file & 0xff, 2))/\(Self.hex(file, 16))" }

    /// Counts more users of the files that `extents` lie in.
    func retain(_ extents: [Extent]) {
        state.withLock { state in
            for extent in extents { state.files[extent.file, default: File(uses: 0, end: nil)].uses += 1 }
        }
    }

    /// Counts users off; a file without any is deleted.
    func release(_ extents: [Extent]) {
        let idle = state.withLock { state in
            var idle: [UInt64] = []
            for extent in extents {
                state.files[extent.file]?.uses -= 1
                if let file = state.files[extent.file], file.uses <= 0, !state.isLoading {
                    state.files[extent.file] = nil
                    idle.append(extent.file)
                }
            }
            return idle
        }
        for file in idle { delete(file) }
    }

    /// Takes a new file, or the room behind the end of one that is there, for `length` bytes.
    func reserve(_ length: Int, behind file: UInt64?) throws(StorageFault) -> Extent {
        if let file {
            let known = state.withLock { $0.files[file]?.end }
            let end = known ?? FileSize.of(path(file)) ?? 0
            let extent = state.withLock { state -> Extent? in
                guard state.files[file] != nil else { return nil }
                let start = state.files[file]?.end ?? end
                state.files[file]?.end = start + length
                state.files[file]?.uses += 1
                return Extent(file: file, offset: start, length: length)
            }
            if let extent { return extent }
        }
        let id = state.withLock { state -> UInt64 in
            let id = state.nextID
            state.nextID += 1
            state.files[id] = File(uses: 1, end: length)
            return id
        }
        return Extent(file: id, offset: 0, length: length)
    }

    /// Opens a content file.
    func open(_ file: UInt64, forWriting: Bool = false) throws(StorageFault) -> Int32 {
        let flags = forWriting ? O_WRONLY | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC
        var number = Glibc.open(path(file), flags, 0o600)
        if number < 0, errno == ENOENT, forWriting {
            mkdir("\(folder)/\(Self.hex(file & 0xff, 2))", 0o700)
            number = Glibc.open(path(file), flags, 0o600)
        }
        if number < 0 {
            throw .disk("A content file cannot be opened: \(String(cString: strerror(errno))).")
        }
        return number
    }

    /// Ends the loading: deletes what nothing refers to, and answers how large the other files are.
    func finishLoading() -> [UInt64: Int] {
        var found: [UInt64: Int] = [:]
        var orphans: [UInt64] = []
        var highest: UInt64 = 0
        let known = state.withLock { Set($0.files.filter { $0.value.uses > 0 }.keys) }
        for number in 0..<256 {
            for name in Self.names(in: "\(folder)/\(Self.hex(UInt64(number), 2))") {
                guard let id = UInt64(name, radix: 16) else { continue }
                highest = max(highest, id)
                if known.contains(id) { found[id] = FileSize.of(path(id)) } else { orphans.append(id) }
            }
        }
        state.withLock { state in
            state.isLoading = false
            state.files = state.files.filter { $0.value.uses > 0 }
            state.nextID = max(highest, known.max() ?? 0) + 1
        }
        for file in orphans { delete(file) }
        return found
    }

    private func delete(_ file: UInt64) {
        let path = path(file)
        janitor.start { unlink(path) }
    }

    /// Waits until everything that is to be deleted has been.
    func settle() async { await janitor.run {} }

    private static func hex(_ number: UInt64, _ count: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: max(0, count - text.count)) + text
    }

    static func makeFolder(_ path: String) throws(SluiceError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw SluiceError(
                .inputOutput, "cannot be made: \(String(cString: strerror(errno)))", place: .init(file: path),
                hint: "Name another folder with --data.")
        }
    }

    private static func names(in path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                    tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }
}

/// How many bytes a file has.
enum FileSize {
    static func of(_ path: String) -> Int? {
        var found = stat()
        return stat(path, &found) == 0 ? Int(found.st_size) : nil
    }
}

/// Keeps content files while somebody reads or writes them.
final class ContentPin: Sendable {
    private let store: ContentStore
    private let extents: [Extent]

    /// A pin on extents whose users were counted already.
    init(counted extents: [Extent], in store: ContentStore) {
        self.extents = extents
        self.store = store
    }

    /// A pin on what something else keeps at this moment.
    convenience init(_ extents: [Extent], in store: ContentStore) {
        store.retain(extents)
        self.init(counted: extents, in: store)
    }

    deinit { store.release(extents) }
}
