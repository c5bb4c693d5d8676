public import Support

/// What a document says of another one, or of a layer: its type, its digest, its size.
public struct BlobDescriptor: Sendable, Equatable {
    /// What it is.
    public var mediaType: String
    /// What its bytes hash to.
    public var digest: ContentDigest
    /// How many bytes it has.
    public var size: Int
    /// What else is said of it.
    public var annotations: [String: String]
    /// For which machines it is.
    public var platform: ImagePlatform?

    /// What is said of a blob.
    public init(
        mediaType: String, digest: ContentDigest, size: Int, annotations: [String: String] = [:],
        platform: ImagePlatform? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
        self.platform = platform
    }

    /// Reads what a document says.
    public init(_ json: JSONText) throws(SluiceError) {
        guard let type = json["mediaType"]?.text, let digest = json["digest"]?.text, let size = json["size"]?.integer,
            size >= 0, size < 1 << 50
        else { throw SluiceError(.invalidData, "a descriptor lacks its mediaType, digest or size") }
        mediaType = type
        self.digest = try ContentDigest(digest)
        self.size = size
        annotations = Dictionary(
            (json["annotations"]?.members ?? []).compactMap { key, value in value.text.map { (key, $0) } },
            uniquingKeysWith: { $1 })
        platform = json["platform"].flatMap(ImagePlatform.init(json:))
    }

    /// What a document says of it.
    public var json: JSONText {
        .members([
            "mediaType": .string(mediaType), "digest": .string(digest.description), "size": .number(size),
            "platform": platform?.json,
            "annotations": annotations.isEmpty
                ? nil : .object(annotations.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }),
        ])
    }
}

/// For which machines an image is: `linux/amd64`.
public struct ImagePlatform: Sendable, Hashable, CustomStringConvertible {
    /// The operating system.
    public var system: String
    /// The processor, as Go calls it.
    public var architecture: String
    /// Which of its kind: `v8`.
    public var variant: String?

    /// A platform.
    public init(system: String = "linux", architecture: String, variant: String? = nil) {
        self.system = system
        self.architecture = architecture
        self.variant = variant
    }

    /// The platform that `text` names.
    public init(_ text: String) throws(SluiceError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (2...3).contains(parts.count), !parts.contains(where: \.isEmpty) else {
            throw SluiceError(.usage, "\"\(text)\" is no platform", hint: "write it as linux/amd64 or linux/arm64")
        }
        self.init(system: parts[0], architecture: parts[1], variant: parts.count > 2 ? parts[2] : nil)
    }

    init?(json: JSONText) {
        guard let system = json["os"]?.text, let architecture = json["architecture"]?.text else { return nil }
        self.init(system: system, architecture: architecture, variant: json["variant"]?.text)
    }

    var json: JSONText {
        .members([
            "architecture": .string(architecture), "os": .string(system), "variant": variant.map { .string($0) },
        ])
    }

    /// `linux/amd64`
    public var description: String { "\(system)/\(architecture)\(variant.map { "/\($0)" } ?? "")" }

    /// Whether an image for `self` runs where `other` is asked for.
    func suits(_ other: ImagePlatform) -> Bool {
        system == other.system && architecture == other.architecture
            && (other.variant == nil || variant == nil || variant == other.variant)
    }

    /// The machine that this program was built for.
    public static var current: ImagePlatform {
        #if arch(arm64)
            ImagePlatform(architecture: "arm64")
        #else
            ImagePlatform(architecture: "amd64")
        #endif
    }
}
