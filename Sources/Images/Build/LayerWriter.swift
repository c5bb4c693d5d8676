import Storage
import Support
import Tar

/// One layer of an image that is being made: files and folders, each once, the folders above them first.
struct LayerContents {
    /// Where the bytes of an entry come from.
    enum Source {
        case none
        case memory(Buffer)
        case file(String)
        case program(ProgramFiles)
    }

    private var entries: [String: (entry: TarEntry, source: Source)] = [:]

    var isEmpty: Bool { entries.isEmpty }

    /// Adds an entry, in place of another of its name.
    mutating func add(_ entry: TarEntry, _ source: Source = .none) {
        addFolders(above: entry.path)
        entries[entry.path] = (entry, source)
    }

    /// Adds a file of this machine.
    mutating func add(file source: String, as path: String, mode: Int? = nil, owner: Int = 0) throws(SluiceError) {
        let facts = try FileFacts(of: source)
        guard facts.isRegular else {
            throw SluiceError(.unsupported, "is no regular file", place: .init(file: source), hint: "name a file")
        }
        add(
            TarEntry(path: path, size: facts.size, mode: mode, user: owner, group: owner), .file(source))
    }

    private mutating func addFolders(above path: String) {
        var parts = path.split(separator: "/").dropLast()
        while !parts.isEmpty {
            let folder = parts.joined(separator: "/")
            if entries[folder] == nil { entries[folder] = (TarEntry(path: folder, kind: .folder), .none) }
            parts = parts.dropLast()
        }
    }

    /// Writes the layer into `folder`.
    ///
    /// - returns: What its manifest says of it, and the digest of the unpacked archive, which its configuration names.
    func write(
        into folder: LayoutFolder, _ compression: FileCompression, modified: Int
    ) async throws(SluiceError) -> (descriptor: BlobDescriptor, unpacked: ContentDigest) {
        var unpacked: ContentDigest?
        let type = compression == .gzip ? MediaType.gzipLayer : MediaType.zstdLayer
        let descriptor = try await folder.add(type) { (sink) throws(SluiceError) in
            // Its owner finishes the sink: this ends the packed data alone.
            let packed = try CompressingSink(try HashingSink(sink, ends: false), compression)
            let plain = try HashingSink(packed)
            let writer = TarWriter(plain)
            let sorted = entries.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (_, item) in sorted {
                if Task.isCancelled { throw SluiceError(.cancelled, "stopped") }
                var entry = item.entry
                entry.modified = modified
                switch item.source {
                case .none: try await writer.add(entry)
                case .memory(let bytes): try await writer.add(entry, bytes)
                case .file(let path):
                    try await writer.add(entry, streaming: try await LocalFile(path).stream())
                case .program(let program): try await writer.add(entry, streaming: try await program.patched())
                }
            }
            try await writer.end()
            try await plain.finish()
            unpacked = plain.digest()
        }
        guard let unpacked else { throw SluiceError(.inputOutput, "a layer was not written") }
        return (descriptor, unpacked)
    }
}
