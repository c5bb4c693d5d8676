public import Support
import Transport

/// How an image was sent.
public struct PushResult: Sendable {
    /// How a layer or configuration got there.
    public enum Way: String, Sendable {
        /// It was there already.
        case present
        /// The registry took it over from another of its repositories.
        case mounted
        /// It was sent.
        case uploaded
    }

    /// The image's digest, by which deployments name it.
    public let digest: ContentDigest
    /// Each blob with its way.
    public let blobs: [(descriptor: BlobDescriptor, way: Way)]
    /// The tags under which it is there now.
    public let tags: [String]

    /// How many bytes were sent.
    public var uploadedBytes: Int { blobs.filter { $0.way == .uploaded }.reduce(0) { $0 + $1.descriptor.size } }
}

extension ImageRegistry {
    /// Sends an image: what the registry lacks, then the manifest, under every tag, or under its digest alone when there is
    /// none. An image that is broken off leaves nothing that anybody sees, and what has arrived is not sent again.
    ///
    /// - parameter sources: Repositories of the same registry that may have some of the layers.
    public func push(
        _ image: LocalImage, to reference: ImageReference, tags: [String], mountingFrom sources: [String] = [],
        monitor: ImageMonitor? = nil
    ) async throws(SluiceError) -> PushResult {
        if let digest = reference.digest, digest != image.descriptor.digest {
            throw SluiceError(
                .usage, "\(reference) names another digest than the image has, \(image.descriptor.digest)",
                hint: "name a tag, or the image's own digest")
        }
        let repository = repository(reference.repository, "pull,push")
        var sources = sources.filter { $0 != reference.repository }
        let base = image.manifest.annotations["org.opencontainers.image.base.name"] ?? ""
        if let base = try? ImageReference(base), base.registry == host, base.repository != reference.repository,
            !sources.contains(base.repository)
        {
            sources.append(base.repository)
        }
        let blobs = distinct([image.manifest.config] + image.manifest.layers)
        monitor?.expect(blobs.reduce(0) { $0 + $1.size })
        let upload = BlobUpload(repository: repository, sources: sources, monitor: monitor)
        var ways: [Int: PushResult.Way] = [:]
        // The first shows whether one may push at all, before several ask the same.
        if let first = blobs.first { ways[0] = try await upload.send(first, from: image.layout) }
        try await sideBySide(Array(blobs.indices.dropFirst()), width: 4) { number throws(SluiceError) in
            try await upload.send(blobs[number], from: image.layout)
        } take: { number, way in
            ways[number] = way
        }
        for version in tags.isEmpty ? [image.descriptor.digest.description] : tags {
            let request = repository.request(
                .put, repository.url("manifests/\(version)"),
                headers: ["Content-Type": image.manifest.mediaType], body: .bytes(image.bytes))
            let (response, _) = try await repository.fetch(request, "pushing \(reference.name):\(version)")
            if let told = response.headers["Docker-Content-Digest"], told != image.descriptor.digest.description {
                throw SluiceError(
                    .invalidData, "\(host) keeps the manifest under \(told), its bytes are \(image.descriptor.digest)",
                    hint: "the registry changes manifests, so digests cannot be relied on there")
            }
        }
        return PushResult(
            digest: image.descriptor.digest,
            blobs: blobs.enumerated().map { ($0.element, ways[$0.offset] ?? .present) }, tags: tags)
    }
}
