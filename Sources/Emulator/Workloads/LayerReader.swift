import Glibc
import Storage
import Support
import Tar

/// Puts the layers of an image on top of each other, as the OCI image specification has it.
struct LayerReader {
    let root: RootFolder
    /// The most that an image may have, so that a small file does not fill the disk.
    static let mostBytes = 32 << 30
    static let mostEntries = 2_000_000

    private var bytes = 0
    private var entries = 0
    private let isPrivileged = geteuid() == 0

    init(_ root: RootFolder) { self.root = root }

    /// Adds a layer: a tar archive, packed with gzip or zstd, or not.
    mutating func add(_ path: String) async throws(SluiceError) {
        let file = try LocalFile(path)
        let start = try await file.read(0..<min(4, file.size))
        let stream: any ByteStream
        if let compression = FileCompression.detect(start.bytes) {
            stream = try await Decompressed(
                file, compression, limits: DecompressionLimits(maximumBytes: Self.mostBytes)
            ).stream()
        } else {
            stream = try await file.stream()
        }
        let reader = TarReader(stream)
        // What this layer brings itself is not what it takes away, in whatever order it says so.
        var own: Set<String> = []
        var times: [(String, Int)] = []
        while let entry = try await reader.next() {
            entries += 1
            bytes += entry.size
            guard entries <= Self.mostEntries, bytes <= Self.mostBytes else {
                throw SluiceError(
                    .limitExceeded,
                    "the image has more than \(Self.mostEntries) files or \(Self.mostBytes >> 30) GB",
                    place: .init(file: path))
            }
            guard let parts = RootFolder.parts(entry.path) else {
                throw SluiceError(
                    .invalidData, "the entry \"\(entry.path)\" of a layer leaves the image", place: .init(file: path))
            }
            guard let last = parts.last else { continue }
            if last.hasPrefix(".wh.") {
                try root.whiteout(parts, of: entry.path, isOpaque: last == ".wh..wh..opq", keeping: own)
                continue
            }
            guard let place = try await put(entry, reader) else { continue }
            own.insert(place)
            // Every folder above is this layer's too.
            var above = place
            while let slash = above.lastIndex(of: "/"), above.utf8.count > root.path.utf8.count {
                above = String(above[..<slash])
                if !own.insert(above).inserted { break }
            }
            times.append((place, entry.modified))
        }
        // Last, because every new file changes its folder's time.
        for (place, seconds) in times.reversed() {
            let moment = timespec(tv_sec: seconds, tv_nsec: 0)
            utimensat(AT_FDCWD, place, [moment, moment], AT_SYMLINK_NOFOLLOW)
        }
    }

    private func put(_ entry: TarEntry, _ reader: TarReader) async throws(SluiceError) -> String? {
        func failed(_ place: String) -> SluiceError {
            SluiceError(.inputOutput, "cannot be made: \(String(cString: strerror(errno)))", place: .init(file: place))
        }
        // Nobody becomes somebody else by running a file of an image.
        let mode = mode_t(entry.mode & 0o1777)
        switch entry.kind {
        case .folder:
            let place = try root.place(entry.path, keepsFolder: true)
            if mkdir(place, 0o755) != 0, errno != EEXIST { throw failed(place) }
            own(place, entry)
            chmod(place, mode | 0o700)
            return place
        case .file:
            let place = try root.place(entry.path, keepsFolder: false)
            let number = open(place, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
            guard number >= 0 else { throw failed(place) }
            defer { close(number) }
            while let piece = try await reader.contents() {
                let isWritten = piece.withUnsafeBytes { bytes in
                    var done = 0
                    while done < bytes.count {
                        let count = write(number, bytes.baseAddress.map { $0 + done }, bytes.count - done)
                        if count < 0, errno == EINTR { continue }
                        if count <= 0 { return false }
                        done += count
                    }
                    return true
                }
                guard isWritten else { throw failed(place) }
            }
            own(place, entry)
            fchmod(number, mode)
            return place
        case .symbolicLink(let target):
            let place = try root.place(entry.path, keepsFolder: false)
            if symlink(target, place) != 0 { throw failed(place) }
            own(place, entry)
            return place
        case .hardLink(let target):
            let first = try root.existing(target, of: entry.path)
            let place = try root.place(entry.path, keepsFolder: false)
            if first == place { return place }
            if link(first, place) != 0 { throw failed(place) }
            return place
        case .special: return nil
        }
    }

    private func own(_ place: String, _ entry: TarEntry) {
        if isPrivileged { lchown(place, uid_t(truncatingIfNeeded: entry.user), gid_t(truncatingIfNeeded: entry.group)) }
    }
}
