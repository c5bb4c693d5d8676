import Glibc
import Packages
import Storage
public import Support
import Tar

/// A layout in a folder that images are written into.
public struct LayoutFolder: Sendable {
    /// The folder.
    public let path: String

    /// The layout in `path`, which is made when nothing is there.
    ///
    /// - throws: `SluiceError` when something else is there.
    public init(_ path: String) throws(SluiceError) {
        self.path = path
        if let facts = FileFacts(path: path) {
            guard facts.isFolder else {
                throw SluiceError(
                    .invalidConfiguration, "is a file, and an image's folder is needed there", place: .init(file: path),
                    hint: "name another folder with --output, or a file that ends in .tar")
            }
            guard LayoutFolder.holdsNothingElse(path) else {
                throw SluiceError(
                    .conflict, "holds other things than an image", place: .init(file: path),
                    hint: "name a folder that is empty, or not there yet, with --output")
            }
        }
        try Storage.makeFolders("\(path)/blobs/sha256")
    }

    /// Whether the folder is empty or a layout, or one that was begun by somebody who died.
    private static func holdsNothingElse(_ path: String) -> Bool {
        if FileFacts(path: "\(path)/oci-layout") != nil { return true }
        guard let folder = opendir(path) else { return false }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if ![".", "..", "blobs"].contains(name), !AtomicFile.isUnfinished(name) { return false }
        }
        return true
    }

    func file(_ digest: ContentDigest) -> String { "\(path)/blobs/sha256/\(digest.digits)" }

    /// Whether the blob is there already; what stands under a digest was held against it when it was written.
    func has(_ descriptor: BlobDescriptor) -> Bool {
        FileFacts(path: file(descriptor.digest)).map { $0.isRegular && $0.size == descriptor.size } ?? false
    }

    /// Keeps a document.
    func add(_ bytes: Buffer, _ mediaType: String) async throws(SluiceError) -> BlobDescriptor {
        let descriptor = BlobDescriptor(mediaType: mediaType, digest: try ContentDigest(of: bytes), size: bytes.count)
        if has(descriptor) { return descriptor }
        try await LayoutFolder.write(bytes, to: file(descriptor.digest))
        return descriptor
    }

    /// Keeps what `write` writes, whose digest is known only afterwards.
    func add(
        _ mediaType: String, _ write: (any ByteSink) async throws(SluiceError) -> Void
    ) async throws(SluiceError) -> BlobDescriptor {
        let temporary = "\(path)/blobs/.\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
        let file = try AtomicFile(temporary)
        let sink = try HashingSink(file)
        do throws(SluiceError) {
            try await write(sink)
            try await sink.finish()
        } catch {
            await sink.abandon()
            throw error
        }
        let descriptor = BlobDescriptor(mediaType: mediaType, digest: sink.digest(), size: sink.count)
        if rename(temporary, self.file(descriptor.digest)) != 0 {
            let reason = String(cString: strerror(errno))
            unlink(temporary)
            throw SluiceError(.inputOutput, "a layer cannot be put in place: \(reason)", place: .init(file: path))
        }
        return descriptor
    }

    /// Copies a blob from another layout.
    func copy(_ descriptor: BlobDescriptor, from layout: ImageLayout) async throws(SluiceError) {
        if has(descriptor) { return }
        let blob = try layout.blob(descriptor.digest, size: descriptor.size)
        try await keep(descriptor) { (sink) throws(SluiceError) in
            try await blob.pass { bytes throws(SluiceError) in try await sink.write(bytes) }
        }
    }

    /// Keeps what `write` writes, when it is what `descriptor` says.
    func keep(
        _ descriptor: BlobDescriptor, _ write: (any ByteSink) async throws(SluiceError) -> Void
    ) async throws(SluiceError) {
        let file = try AtomicFile(self.file(descriptor.digest))
        let sink = try HashingSink(file, ends: false)
        do throws(SluiceError) {
            try await write(sink)
            let found = sink.digest()
            guard sink.count == descriptor.size, found == descriptor.digest else {
                throw SluiceError(
                    .invalidData,
                    "the blob \(descriptor.digest) of \(descriptor.size) bytes came as \(sink.count) bytes of \(found)",
                    hint: "it was damaged where it lies or on its way: try again, or push the image anew")
            }
            try await file.finish()
        } catch {
            await file.abandon()
            throw error
        }
    }

    /// Makes the image visible under `tag`, in place of another of that name.
    func publish(_ descriptor: BlobDescriptor, tag: String?) async throws(SluiceError) {
        try await LayoutFolder.write(Buffer(Array("{\"imageLayoutVersion\":\"1.0.0\"}".utf8)), to: "\(path)/oci-layout")
        var named = descriptor
        named.annotations[ImageLayout.nameKey] = tag
        var images: [BlobDescriptor] = []
        if FileFacts(path: "\(path)/index.json") != nil { images = try await ImageLayout(path).images }
        images.removeAll { $0.annotations[ImageLayout.nameKey] == tag }
        images.append(named)
        images.sort { ($0.annotations[ImageLayout.nameKey] ?? "") < ($1.annotations[ImageLayout.nameKey] ?? "") }
        let text = ImageIndex(images).json.text()
        try await LayoutFolder.write(Buffer(Array(text.utf8)), to: "\(path)/index.json")
    }

    /// Writes the layout as a tar file; the same images give the same bytes.
    public func archive(to target: String) async throws(SluiceError) {
        let sink = try AtomicFile(target)
        do throws(SluiceError) {
            let writer = TarWriter(sink)
            try await writer.add(TarEntry(path: "blobs", kind: .folder))
            try await writer.add(TarEntry(path: "blobs/sha256", kind: .folder))
            let files = try ProjectFiles(in: path).files
            for file in files {
                let source = try LocalFile(file.source)
                try await writer.add(TarEntry(path: file.path, size: source.size), streaming: try await source.stream())
            }
            try await writer.end()
            try await sink.finish()
        } catch {
            await sink.abandon()
            throw error
        }
    }

    static func write(_ bytes: Buffer, to path: String) async throws(SluiceError) {
        let file = try AtomicFile(path)
        do throws(SluiceError) {
            try await file.write(bytes)
            try await file.finish()
        } catch {
            await file.abandon()
            throw error
        }
    }
}
