import Azure
public import Support
import Synchronization
import Transport

/// An image in a registry, as its documents say.
public struct RemoteImage: Sendable {
    /// Under what it was asked for.
    public let reference: ImageReference
    /// The manifest.
    public let descriptor: BlobDescriptor
    /// What it says.
    public let manifest: ImageManifest
    /// Its bytes, which the digest is of.
    public let bytes: Buffer
    /// The index through which it was found, when the image is for several platforms.
    public let index: ImageIndex?
}

extension ImageRegistry {
    /// The image called `reference`: its manifest, for `platform` when there are several.
    ///
    /// - throws: `SluiceError` when it is not there, may not be read, or is not what its digest says.
    public func find(
        _ reference: ImageReference, platform: ImagePlatform = .current
    ) async throws(SluiceError) -> RemoteImage {
        let repository = repository(reference.repository, "pull")
        var version = reference.version
        var expected = reference.digest
        var index: ImageIndex?
        for _ in 0..<4 {
            let (type, bytes, digest) = try await document(version, expected, in: repository, reference)
            if !MediaType.isIndex(type) {
                let manifest = try ImageManifest(bytes)
                var descriptor = BlobDescriptor(mediaType: type, digest: digest, size: bytes.count)
                descriptor.platform = index == nil ? nil : platform
                return RemoteImage(
                    reference: reference, descriptor: descriptor, manifest: manifest, bytes: bytes, index: index)
            }
            let found = try ImageIndex(bytes)
            index = index ?? found
            let next = try found.manifest(for: platform)
            version = next.digest.description
            expected = next.digest
        }
        throw SluiceError(.invalidData, "indexes of \(reference) lead to indexes without an end")
    }

    private func document(
        _ version: String, _ expected: ContentDigest?, in repository: Repository, _ reference: ImageReference
    ) async throws(SluiceError) -> (type: String, bytes: Buffer, digest: ContentDigest) {
        let request = repository.request(
            .get, repository.url("manifests/\(version)"), headers: ["Accept": MediaType.accepted])
        let (response, bytes) = try await repository.fetch(request, "reading \(reference)")
        let digest = try ContentDigest(of: bytes)
        if let expected, digest != expected {
            throw SluiceError(
                .invalidData, "\(host) answered with \(digest) where \(expected) was asked for",
                hint: "something between changes what passes, or the registry is damaged")
        }
        var type = response.headers["Content-Type"].map { String($0.prefix { $0 != ";" }) } ?? ""
        // Some answer with a type of their own; the document knows better.
        if !MediaType.isIndex(type), !MediaType.isManifest(type) {
            let json = try JSONText.parse(bytes, depthLimit: 30)
            type = json["mediaType"]?.text ?? (json["manifests"] == nil ? MediaType.manifest : MediaType.index)
        }
        return (type, bytes, digest)
    }

    /// A document of an image: its configuration.
    public func config(of image: RemoteImage) async throws(SluiceError) -> JSONText {
        let repository = repository(image.reference.repository, "pull")
        let wanted = image.manifest.config
        guard wanted.size <= ImageManifest.largest else {
            throw SluiceError(.limitExceeded, "the configuration has \(wanted.size) bytes, the limit is 4 MiB")
        }
        let request = repository.request(.get, repository.url("blobs/\(wanted.digest)"))
        let (_, bytes) = try await repository.fetch(request, "reading the configuration of \(image.reference)")
        guard try ContentDigest(of: bytes) == wanted.digest else {
            throw SluiceError(.invalidData, "the configuration of \(image.reference) is not what its digest says")
        }
        return try JSONText.parse(bytes, depthLimit: 30)
    }

    /// Brings an image into `folder`, where it appears under `tag` when it is whole. What is there already is not fetched.
    public func pull(
        _ image: RemoteImage, into folder: LayoutFolder, tag: String? = nil, monitor: ImageMonitor? = nil
    ) async throws(SluiceError) {
        _ = try await fetch(image, into: folder, monitor: monitor)
        var descriptor = try await folder.add(image.bytes, image.descriptor.mediaType)
        descriptor.platform = image.descriptor.platform
        try await folder.publish(descriptor, tag: tag)
    }

    /// Brings configuration and layers of an image into `folder`, to build on: no image appears there.
    public func fetch(
        _ image: RemoteImage, into folder: LayoutFolder, monitor: ImageMonitor? = nil
    ) async throws(SluiceError) -> LocalImage {
        let repository = repository(image.reference.repository, "pull")
        let blobs = distinct([image.manifest.config] + image.manifest.layers)
        monitor?.expect(blobs.reduce(0) { $0 + $1.size })
        try await sideBySide(blobs.indices, width: 4) { number throws(SluiceError) in
            let blob = blobs[number]
            if folder.has(blob) {
                monitor?.pass(blob.size)
                return
            }
            let request = repository.request(.get, repository.url("blobs/\(blob.digest)"))
            try await self.azure.http.fetch(request, authorizer: repository.authorizer) {
                response throws(SluiceError) in
                guard response.isSuccess else {
                    let body = (try? await response.collect(limit: 1 << 20)) ?? .empty
                    throw repository.error(response, body, "reading \(blob.digest) of \(image.reference)")
                }
                var count = 0
                defer { monitor?.pass(blob.size - count) }
                try await folder.keep(blob) { sink throws(SluiceError) in
                    while let bytes = try await response.body.next() {
                        count += bytes.count
                        guard count <= blob.size else { break }
                        try await sink.write(bytes)
                        monitor?.pass(bytes.count)
                    }
                }
            }
        } take: { _, _ in
        }
        return LocalImage(
            layout: ImageLayout(unfinished: folder), descriptor: image.descriptor, manifest: image.manifest,
            bytes: image.bytes)
    }

    func distinct(_ blobs: [BlobDescriptor]) -> [BlobDescriptor] {
        var seen = Set<ContentDigest>()
        return blobs.filter { seen.insert($0.digest).inserted }
    }
}

/// How far a push or pull has come, for whoever watches.
public final class ImageMonitor: Sendable {
    private let state = Mutex((done: 0, total: 0))

    /// One that has seen nothing.
    public init() {}

    /// How many bytes are where they belong.
    public var bytes: Int { state.withLock { $0.done } }
    /// How many there are.
    public var total: Int { state.withLock { $0.total } }

    func expect(_ count: Int) { state.withLock { $0.total += count } }
    func pass(_ count: Int) { state.withLock { $0.done += count } }
}
