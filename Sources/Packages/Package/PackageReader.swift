import Glibc
public import Storage
public import Support
import Tar

/// Reads a package that anybody may have made: nothing leaves the folder that it is unpacked into, nothing is larger than it says,
/// and nothing is in it that its manifest does not name.
public struct PackageReader: Sendable {
    private let archive: any InputFile
    private let limit: Int

    /// A reader of `archive`, whose files have at most `limit` bytes together.
    public init(_ archive: any InputFile, limit: Int = 10 << 30) {
        self.archive = archive
        self.limit = limit
    }

    /// Holds all of it against its manifest, and writes nothing.
    public func check() async throws(SluiceError) -> PackageManifest {
        try await read(nil) { _, _ throws(SluiceError) in nil }
    }

    /// Unpacks it into `folder`, which appears when all of it is there.
    ///
    /// - parameter hash: What the package has to be called; nil for whatever it is.
    public func unpack(into folder: String, expecting hash: String? = nil) async throws(SluiceError) -> PackageManifest
    {
        if FileFacts(path: folder) != nil, rmdir(folder) != 0 {
            throw SluiceError(
                .conflict, "is there already, and not empty", place: .init(file: folder),
                hint: "name a folder that is not there yet")
        }
        let temporary = "\(folder).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
        try Storage.makeFolders(temporary)
        do throws(SluiceError) {
            let manifest = try await read(hash) { file, _ throws(SluiceError) in
                try PackageReader.create(file, below: temporary)
            }
            if rename(temporary, folder) != 0 { throw PackageReader.failure("cannot be put in place", folder) }
            return manifest
        } catch {
            Storage.removeTree(temporary)
            throw error
        }
    }

    /// Goes through the archive; `open` says where the bytes of a file go.
    private func read(
        _ hash: String?, _ open: (PackageManifest.File, Int) throws(SluiceError) -> NewFile?
    ) async throws(SluiceError) -> PackageManifest {
        // The archive's own headers come to what a file has.
        let room = limit + PackageManifest.largest + ProjectFiles.mostFiles * 2048
        let plain = Decompressed(
            archive, .zstd, limits: DecompressionLimits(maximumBytes: room, maximumRatio: .max))
        let reader = TarReader(try await plain.stream())
        func wrong(_ what: String) -> SluiceError {
            SluiceError(
                .invalidData, "this package is refused: \(what)", place: .init(file: archive.name),
                hint: "it was damaged, or not made by sluice package build")
        }
        guard let first = try await reader.next(), first.path == Package.manifestPath, first.kind == .file else {
            throw wrong("it does not begin with its manifest")
        }
        let manifest: PackageManifest
        do throws(SluiceError) {
            manifest = try PackageManifest(try await reader.collect(limit: PackageManifest.largest))
        } catch {
            throw error.at(.init(file: archive.name))
        }
        let found = try manifest.hash()
        if let hash, hash != found { throw wrong("it is \(found), and \(hash) was expected") }
        guard manifest.size <= limit else {
            throw SluiceError(
                .limitExceeded, "unpacks to \(manifest.size) bytes, the limit is \(limit)",
                place: .init(file: archive.name))
        }
        for (number, file) in manifest.files.enumerated() {
            if Task.isCancelled { throw SluiceError(.cancelled, "stopped") }
            guard let entry = try await reader.next() else { throw wrong("\"\(file.path)\" is missing") }
            switch entry.kind {
            case .file: break
            case .symbolicLink, .hardLink: throw wrong("\"\(Display.safe(entry.path))\" is a link")
            default: throw wrong("\"\(Display.safe(entry.path))\" is no file")
            }
            guard entry.path == Package.filesPath + file.path, entry.size == file.size else {
                throw wrong("\"\(Display.safe(entry.path))\" is not what its manifest says comes there")
            }
            let target = try open(file, number)
            let digest = try SHA256()
            while let bytes = try await reader.contents() {
                digest.update(bytes)
                try target?.write(bytes)
            }
            try target?.finish(as: file.time)
            guard digest.finish() == file.hash else { throw wrong("\"\(file.path)\" hashes to something else") }
        }
        if let more = try await reader.next() {
            throw wrong("its manifest does not name \"\(Display.safe(more.path))\"")
        }
        return manifest
    }

    // MARK: Files

    private static func failure(_ what: String, _ path: String) -> SluiceError {
        SluiceError(.inputOutput, "\(what): \(String(cString: strerror(errno)))", place: .init(file: path))
    }

    /// Makes a file whose path was checked, in folders that only we have made.
    private static func create(_ file: PackageManifest.File, below root: String) throws(SluiceError) -> NewFile {
        let path = "\(root)/\(file.path)"
        if let slash = path.lastIndex(of: "/") { try Storage.makeFolders(String(path[..<slash])) }
        let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file.isExecutable ? 0o755 : 0o644)
        guard number >= 0 else { throw failure("cannot be written", path) }
        return NewFile(number, path)
    }

    /// A file that is being written.
    final class NewFile {
        private var number: Int32
        private let path: String

        init(_ number: Int32, _ path: String) {
            self.number = number
            self.path = path
        }

        deinit { if number >= 0 { close(number) } }

        func write(_ bytes: Buffer) throws(SluiceError) {
            var done = 0
            while done < bytes.count {
                let count = bytes.withUnsafeBytes {
                    Glibc.write(number, $0.baseAddress.map { $0 + done }, $0.count - done)
                }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw PackageReader.failure("cannot be written", path) }
                done += count
            }
        }

        func finish(as time: timespec) throws(SluiceError) {
            let times = [time, time]
            futimens(number, times)
            let status = close(number)
            number = -1
            if status != 0 { throw PackageReader.failure("cannot be written", path) }
        }
    }
}
