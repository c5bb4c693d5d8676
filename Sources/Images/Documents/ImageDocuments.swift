public import Support

/// Names of what documents and layers are.
public enum MediaType {
    /// An image's manifest.
    public static let manifest = "application/vnd.oci.image.manifest.v1+json"
    /// A list of manifests, one for each platform.
    public static let index = "application/vnd.oci.image.index.v1+json"
    /// An image's configuration.
    public static let config = "application/vnd.oci.image.config.v1+json"
    /// A layer, packed with gzip.
    public static let gzipLayer = "application/vnd.oci.image.layer.v1.tar+gzip"
    /// A layer, packed with zstd.
    public static let zstdLayer = "application/vnd.oci.image.layer.v1.tar+zstd"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    static let dockerList = "application/vnd.docker.distribution.manifest.list.v2+json"
    static let dockerConfig = "application/vnd.docker.container.image.v1+json"
    static let dockerLayer = "application/vnd.docker.image.rootfs.diff.tar.gzip"

    /// What a registry is told that is understood.
    static let accepted = [manifest, index, dockerManifest, dockerList].joined(separator: ", ")

    static func isIndex(_ type: String) -> Bool { type == index || type == dockerList }
    static func isManifest(_ type: String) -> Bool { type == manifest || type == dockerManifest }

    /// Docker's names in OCI's words; the bytes are the same.
    static func official(_ type: String) -> String {
        [dockerLayer: gzipLayer, dockerConfig: config, dockerManifest: manifest, dockerList: index][type] ?? type
    }
}

/// An image's manifest: which configuration and which layers it has.
public struct ImageManifest: Sendable {
    /// No registry has to take a larger one.
    public static let largest = 4 << 20

    /// What the document calls itself.
    public var mediaType: String
    /// The configuration.
    public var config: BlobDescriptor
    /// The layers, the lowest first.
    public var layers: [BlobDescriptor]
    /// What else is said of the image.
    public var annotations: [String: String]

    init(
        mediaType: String = MediaType.manifest, config: BlobDescriptor, layers: [BlobDescriptor],
        annotations: [String: String] = [:]
    ) {
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
        self.annotations = annotations
    }

    /// Reads a manifest.
    public init(_ bytes: Buffer) throws(SluiceError) {
        let json = try JSONText.parse(bytes, depthLimit: 30)
        guard let config = json["config"], let layers = json["layers"]?.items else {
            throw SluiceError(
                .invalidData, "this is no manifest of an image: it has no config and layers",
                hint: json["fsLayers"] == nil
                    ? nil : "it is of Docker's first form, which registries gave up: push the image anew")
        }
        guard layers.count <= 1000 else {
            throw SluiceError(.limitExceeded, "a manifest has \(layers.count) layers, the limit is 1000")
        }
        self.config = try BlobDescriptor(config)
        var found: [BlobDescriptor] = []
        for layer in layers { found.append(try BlobDescriptor(layer)) }
        self.layers = found
        mediaType = json["mediaType"]?.text ?? MediaType.manifest
        annotations = Dictionary(
            (json["annotations"]?.members ?? []).compactMap { key, value in value.text.map { (key, $0) } },
            uniquingKeysWith: { $1 })
    }

    /// The document.
    var json: JSONText {
        .members([
            "schemaVersion": 2, "mediaType": .string(mediaType), "config": config.json,
            "layers": .array(layers.map(\.json)),
            "annotations": annotations.isEmpty
                ? nil : .object(annotations.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }),
        ])
    }

    /// How many bytes configuration and layers have.
    public var size: Int { layers.reduce(config.size) { $0 + $1.size } }
}

/// A list of manifests: of an image for several platforms, or of all images in a layout.
public struct ImageIndex: Sendable {
    /// What is in it.
    public var manifests: [BlobDescriptor]

    init(_ manifests: [BlobDescriptor]) { self.manifests = manifests }

    /// Reads an index.
    public init(_ bytes: Buffer) throws(SluiceError) {
        let json = try JSONText.parse(bytes, depthLimit: 30)
        guard let items = json["manifests"]?.items else {
            throw SluiceError(.invalidData, "this is no index of images: it has no manifests")
        }
        guard items.count <= 1000 else {
            throw SluiceError(.limitExceeded, "an index has \(items.count) manifests, the limit is 1000")
        }
        manifests = []
        for item in items { manifests.append(try BlobDescriptor(item)) }
    }

    var json: JSONText {
        ["schemaVersion": 2, "mediaType": .string(MediaType.index), "manifests": .array(manifests.map(\.json))]
    }

    /// The manifest for `platform`.
    ///
    /// - throws: `SluiceError` that lists the platforms that there are.
    func manifest(for platform: ImagePlatform) throws(SluiceError) -> BlobDescriptor {
        let images = manifests.filter { MediaType.isManifest($0.mediaType) || MediaType.isIndex($0.mediaType) }
        if let found = images.first(where: { $0.platform?.suits(platform) ?? false }) { return found }
        if images.count == 1, images[0].platform == nil { return images[0] }
        let known = images.compactMap { $0.platform?.description }.filter { !$0.hasPrefix("unknown") }
        throw SluiceError(
            .notFound, "there is no image for \(platform) in it",
            hint: known.isEmpty ? "it names no platforms" : "it has \(known.joined(separator: ", "))")
    }
}

extension JSONText {
    /// This object with a member that has another value; nil takes it away.
    func with(_ key: String, _ value: JSONText?) -> JSONText {
        var members = members ?? []
        if let place = members.lastIndex(where: { $0.key == key }) {
            if let value { members[place].value = value } else { members.remove(at: place) }
        } else if let value {
            members.append((key, value))
        }
        return .object(members)
    }
}
