import Glibc
public import Support

/// A folder of this machine as a store; it is made when the first object is written.
public struct FolderStore: ObjectStore {
    /// The folder, as the user gave it.
    public let name: String

    /// The store in the folder `path`.
    public init(_ path: String) { name = path }

    /// Where the object `path` lies.
    ///
    /// - throws: `SluiceError` for a path that leads out of the folder.
    private func full(_ path: String) throws(SluiceError) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains("..") || path.hasPrefix("/") || path.utf8.contains(0) {
            throw SluiceError(.invalidData, "the name \"\(path)\" leads out of the folder", place: .init(file: name))
        }
        return url(path)
    }

    /// What lies in `folder`.
    public func entries(_ folder: String, recursive: Bool) async throws(SluiceError) -> any ObjectListing {
        var folder = folder
        while folder.hasSuffix("/") { folder.removeLast() }
        let start = try full(folder)
        if let status = FileStatus(path: start.isEmpty ? "." : start), !status.isFolder {
            throw SluiceError(.invalidConfiguration, "is a file, not a folder", place: .init(file: start))
        }
        return FolderListing(root: name, folder: folder, recursive: recursive)
    }

    /// What is known of the file or folder `path`.
    public func facts(_ path: String) async throws(SluiceError) -> ObjectEntry? {
        let target = try full(path)
        var found = stat()
        if stat(target.isEmpty ? "." : target, &found) == 0 { return ObjectEntry(path, found) }
        if errno == ENOENT || errno == ENOTDIR { return nil }
        throw .system(errno, "cannot be examined", path: target)
    }

    /// The file `path`.
    public func open(_ path: String) async throws(SluiceError) -> any StoredObject {
        let file = try LocalFile(try full(path))
        return StoredFile(file: file, facts: try file.entry(path))
    }

    /// Begins the file `path`.
    public func create(_ path: String, _ condition: WriteCondition) async throws(SluiceError) -> any ByteSink {
        let target = try full(path)
        try FolderStore.makeFolders(splitPath(target).folder)
        return try AtomicFile(target, condition)
    }

    /// Writes the small file `path` in one step.
    public func put(_ path: String, _ contents: Buffer, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        let file = try await create(path, condition)
        do throws(SluiceError) {
            try await file.write(contents)
            try await file.finish()
            return true
        } catch {
            await file.abandon()
            if error.code == .conflict { return false }
            throw error
        }
    }

    /// Removes the file `path`, or the folder, when it is empty.
    public func remove(_ path: String) async throws(SluiceError) {
        let target = try full(path)
        if unlink(target) == 0 || errno == ENOENT || errno == ENOTDIR { return }
        if errno == EISDIR, rmdir(target) == 0 { return }
        throw .system(errno, "cannot be removed", path: target)
    }

    /// The hidden files of writers: what was killed leaves one where the file system knows no files without a name.
    public func unfinished(_ folder: String) async throws(SluiceError) -> [String] {
        let path = try full(folder)
        return (listFolder(path.isEmpty ? "." : path) ?? []).filter(AtomicFile.isUnfinished).map {
            folder.isEmpty ? $0 : folder + "/" + $0
        }
    }

    /// Renames the file or folder `from`.
    public func move(_ from: String, to target: String, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        let (old, new) = (try full(from), try full(target))
        try FolderStore.makeFolders(splitPath(new).folder)
        return try placed(old, at: new, condition, name: new)
    }

    /// Takes the file `path` as long as this process lives: the lock is on a file beside it, and dies with its owner.
    public func lease(_ path: String, seconds: Int) async throws(SluiceError) -> (any ObjectLease)? {
        let target = try full(path)
        guard FileStatus(path: target) != nil else { throw .system(ENOENT, "cannot be taken", path: target) }
        let (folder, file) = splitPath(target)
        return try FileLease(folder: folder, file: file)
    }

    static func makeFolders(_ folder: String) throws(SluiceError) {
        do throws(SluiceError) {
            try Storage.makeFolders(folder)
        } catch {
            var error = error
            if error.code == .invalidConfiguration {
                error.hint = "point \"lake\" at a folder, or at a path where one can be made"
            }
            throw error
        }
    }
}

extension ObjectEntry {
    /// What the file system says of `path`.
    init(_ path: String, _ found: stat) {
        let nanoseconds = Int64(found.st_mtim.tv_sec) &* 1_000_000_000 &+ Int64(found.st_mtim.tv_nsec)
        let isFolder = found.st_mode & S_IFMT == S_IFDIR
        self.init(
            path: path, size: isFolder ? 0 : Int(found.st_size), modified: Moment(microseconds: nanoseconds / 1000),
            // The number of the file tells a replaced one from one that was written within one tick of the clock.
            tag: isFolder ? nil : "\(found.st_ino)-\(found.st_size)-\(nanoseconds)", isFolder: isFolder)
    }
}

extension LocalFile {
    /// What the file system says of this file, which may have lost its name since it was opened.
    func entry(_ path: String) throws(SluiceError) -> ObjectEntry {
        var found = stat()
        if fstat(number, &found) != 0 { throw .system(errno, "cannot be examined", path: name) }
        return ObjectEntry(path, found)
    }
}

/// A file of a folder that is a store.
private struct StoredFile: StoredObject, DirectAccess {
    let file: LocalFile
    let facts: ObjectEntry

    var name: String { file.name }
    var size: Int { file.size }
    var identity: FileIdentity? { file.identity }
    var streamSize: Int? { file.streamSize }

    func read(_ range: Range<Int>) async throws(SluiceError) -> Buffer { try await file.read(range) }
    func read(into target: UnsafeMutableRawBufferPointer, at position: Int) throws(SluiceError) -> Int {
        try file.read(into: target, at: position)
    }
    func stream() async throws(SluiceError) -> any ByteStream { try await file.stream() }
    func randomAccess() async throws(SluiceError) -> any RandomAccess { file }
}

/// Walks a folder, a page for each folder in it.
private final class FolderListing: ObjectListing, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`.

    private let root: String
    private let recursive: Bool
    private var folders: [String]

    init(root: String, folder: String, recursive: Bool) {
        self.root = root
        self.recursive = recursive
        folders = [folder]
    }

    func next() async throws(SluiceError) -> [ObjectEntry]? {
        guard let folder = folders.popLast() else { return nil }
        let path = folder.isEmpty ? root : root.hasSuffix("/") ? root + folder : root + "/" + folder
        guard let names = listFolder(path.isEmpty ? "." : path) else {
            // A folder that is not there (any more) holds nothing; one that cannot be read may.
            if FileStatus(path: path) == nil, errno == ENOENT || errno == ENOTDIR { return [] }
            throw .system(EACCES, "cannot be listed", path: path)
        }
        var page: [ObjectEntry] = []
        for name in names where !AtomicFile.isUnfinished(name) {
            let inner = folder.isEmpty ? name : folder + "/" + name
            var found = stat()
            // Links are not followed, so that no circle and nothing outside is listed.
            guard lstat(path.isEmpty ? name : path + "/" + name, &found) == 0 else { continue }
            switch found.st_mode & S_IFMT {
            case S_IFDIR: if recursive { folders.append(inner) } else { page.append(ObjectEntry(inner, found)) }
            case S_IFREG: page.append(ObjectEntry(inner, found))
            default: break
            }
        }
        return page
    }
}
