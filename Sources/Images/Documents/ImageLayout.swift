public import Storage
public import Support
import Tar

/// Images in a folder or a tar file, in OCI's layout: documents and layers under their digests, and an index of the images.
public struct ImageLayout: Sendable {
    /// The folder or file, as the user gave it.
    public let path: String
    /// The images in it.
    public let images: [BlobDescriptor]
    private let archive: (file: LocalFile, index: TarIndex)?

    /// Where an index says what an image is called.
    static let nameKey = "org.opencontainers.image.ref.name"

    /// What the images in it are called.
    public var names: [String] { images.compactMap { $0.annotations[ImageLayout.nameKey] }.sorted() }

    /// Opens the layout at `path`.
    ///
    /// - throws: `SluiceError` when there is none.
    public init(_ path: String) async throws(SluiceError) {
        self.path = path
        guard let facts = FileFacts(path: path) else {
            throw SluiceError(
                .notFound, "there is no image here", place: .init(file: path),
                hint: "make one with sluice image build, or get one with sluice image pull")
        }
        if facts.isFolder {
            archive = nil
        } else {
            let file = try LocalFile(path)
            let start = try await file.read(0..<min(4, file.size)).bytes
            if FileCompression.detect(start) != nil {
                throw SluiceError(
                    .unsupported, "is compressed; an image's layers are packed already", place: .init(file: path),
                    hint: "unpack it first: gunzip or unzstd")
            }
            archive = (file, try await TarIndex(file))
        }
        let source = ImageLayout.Source(path: path, archive: archive)
        guard let index = try source.item("index.json") else {
            throw SluiceError(
                .invalidData, "is no OCI layout: there is no index.json in it", place: .init(file: path),
                hint: source.has("manifest.json")
                    ? "it was made by docker save: docker buildx build --output type=oci makes the form that is needed"
                    : "name a folder or tar file that sluice image build or pull has made")
        }
        do throws(SluiceError) {
            images = try ImageIndex(try await index.contents(limit: ImageManifest.largest)).manifests
        } catch {
            throw error.at(.init(file: "\(path)/index.json"))
        }
    }

    /// A folder that blobs have come into, and no image yet.
    init(unfinished folder: LayoutFolder) {
        path = folder.path
        images = []
        archive = nil
    }

    private var source: Source { Source(path: path, archive: archive) }

    /// The bytes called `digest`.
    ///
    /// - throws: `SluiceError` when they are not there, or are not as many as `size`.
    public func blob(_ digest: ContentDigest, size: Int? = nil) throws(SluiceError) -> StoredBlob {
        guard let blob = try source.item("blobs/sha256/\(digest.digits)") else {
            throw SluiceError(
                .notFound, "lacks the blob \(digest)", place: .init(file: path),
                hint: "the image was not written to its end, or is referred to only: build or pull it anew")
        }
        if let size, blob.range.count != size {
            throw SluiceError(
                .invalidData, "the blob \(digest) has \(blob.range.count) bytes, its manifest says \(size)",
                place: .init(file: path), hint: "build or pull the image anew")
        }
        return blob
    }

    /// A document, held against its digest.
    public func document(_ descriptor: BlobDescriptor) async throws(SluiceError) -> Buffer {
        let bytes = try await blob(descriptor.digest, size: descriptor.size).contents(limit: ImageManifest.largest)
        let found = try ContentDigest(of: bytes)
        guard found == descriptor.digest else {
            throw SluiceError(
                .invalidData, "the document \(descriptor.digest) hashes to \(found)", place: .init(file: path),
                hint: "it was changed or damaged: build or pull the image anew")
        }
        return bytes
    }

    /// The image called `tag`, or the only one, for `platform`.
    ///
    /// - throws: `SluiceError` that lists what there is.
    public func image(
        tag: String? = nil, platform: ImagePlatform = .current
    ) async throws(SluiceError) -> LocalImage {
        let named = images.filter { tag == nil || $0.annotations[ImageLayout.nameKey] == tag }
        let names = names
        guard var descriptor = named.first else {
            throw SluiceError(
                .notFound, tag.map { "has no image called \"\($0)\"" } ?? "has no image", place: .init(file: path),
                hint: names.isEmpty ? nil : "it has \(names.joined(separator: ", "))")
        }
        if named.count > 1, named.contains(where: { $0.digest != descriptor.digest }) {
            guard let suited = named.first(where: { $0.platform?.suits(platform) ?? false }), tag != nil else {
                throw SluiceError(
                    .usage, "has \(named.count) images", place: .init(file: path),
                    hint: "choose one with --image: \(names.joined(separator: ", "))")
            }
            descriptor = suited
        }
        for _ in 0..<4 {
            let bytes = try await document(descriptor)
            if !MediaType.isIndex(descriptor.mediaType) {
                let manifest = try ImageManifest(bytes)
                return LocalImage(layout: self, descriptor: descriptor, manifest: manifest, bytes: bytes)
            }
            descriptor = try ImageIndex(bytes).manifest(for: platform)
        }
        throw SluiceError(.invalidData, "indexes lead to indexes without an end", place: .init(file: path))
    }

    /// Where a layout's parts are.
    private struct Source {
        let path: String
        let archive: (file: LocalFile, index: TarIndex)?

        func has(_ name: String) -> Bool {
            archive.map { $0.index.files[name] != nil } ?? (FileFacts(path: "\(path)/\(name)") != nil)
        }

        func item(_ name: String) throws(SluiceError) -> StoredBlob? {
            guard has(name) else { return nil }
            if let archive, let range = archive.index.files[name] {
                return StoredBlob(file: archive.file, range: range)
            }
            let file = try LocalFile("\(path)/\(name)")
            return StoredBlob(file: file, range: 0..<file.size)
        }
    }
}

/// Bytes of a layout: a file, or a part of one.
public struct StoredBlob: Sendable {
    /// The file that they are in.
    public let file: LocalFile
    /// Where in it.
    public let range: Range<Int>

    /// All of them in memory.
    public func contents(limit: Int) async throws(SluiceError) -> Buffer {
        guard range.count <= limit else {
            throw SluiceError(
                .limitExceeded, "has \(range.count) bytes, the limit is \(limit)", place: .init(file: file.name))
        }
        return try await file.read(range)
    }

    /// Them in pieces, for `take`.
    func pass(to take: (Buffer) async throws(SluiceError) -> Void) async throws(SluiceError) {
        var place = range.lowerBound
        while place < range.upperBound {
            let end = min(place + 1 << 20, range.upperBound)
            try await take(try await file.read(place..<end))
            place = end
        }
    }
}

/// An image of a layout.
public struct LocalImage: Sendable {
    /// Where it lies.
    public let layout: ImageLayout
    /// What its index says of it.
    public let descriptor: BlobDescriptor
    /// Its manifest.
    public let manifest: ImageManifest
    /// The manifest's bytes, which its digest is of.
    public let bytes: Buffer

    /// Its configuration.
    public func config() async throws(SluiceError) -> JSONText {
        try JSONText.parse(try await layout.document(manifest.config), depthLimit: 30)
    }
}
