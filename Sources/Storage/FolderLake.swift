import Glibc
public import Support

/// A lake that is a folder on this machine; it is made when the first file is written.
public struct FolderLake: Lake {
    /// The folder, as the user gave it.
    public let name: String

    /// The lake in the folder `path`.
    public init(_ path: String) { name = path }

    private func full(_ path: String) -> String { url(path) }

    /// Begins the file `path`.
    public func create(_ path: String) async throws(SluiceError) -> any ByteSink {
        let target = full(path)
        try FolderLake.makeFolders(splitPath(target).folder)
        return try AtomicFile(target)
    }

    /// The file `path`.
    public func open(_ path: String) async throws(SluiceError) -> any RandomAccess { try LocalFile(full(path)) }

    /// Makes the small file `path`, unless it is there.
    public func claim(_ path: String, _ contents: Buffer) async throws(SluiceError) -> Bool {
        let target = full(path)
        try FolderLake.makeFolders(splitPath(target).folder)
        let number = retried { Glibc.open(target, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o666) }
        if number < 0 {
            if errno == EEXIST { return false }
            throw .system(errno, "cannot be written", path: target)
        }
        let file = Descriptor(number)
        try contents.withUnsafeBytes { (bytes) throws(SluiceError) in try file.write(bytes, name: target) }
        return true
    }

    /// The paths of all files below `folder`.
    public func list(_ folder: String) async throws(SluiceError) -> [String] {
        var found: [String] = []
        func walk(_ path: String) {
            for name in listFolder(full(path)) ?? [] {
                let inner = path.isEmpty ? name : path + "/" + name
                var status = stat()
                guard lstat(full(inner), &status) == 0 else { continue }
                switch status.st_mode & S_IFMT {
                case S_IFDIR: walk(inner)
                case S_IFREG: found.append(inner)
                default: break
                }
            }
        }
        walk(folder)
        return found.sorted()
    }

    /// Removes the file `path`.
    public func remove(_ path: String) async throws(SluiceError) {
        if unlink(full(path)) != 0, errno != ENOENT { throw .system(errno, "cannot be removed", path: full(path)) }
    }

    private static func makeFolders(_ folder: String) throws(SluiceError) {
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
