public import Support

/// What an image is called: a registry, a repository there, and a tag or digest.
///
///     try ImageReference("shop.azurecr.io/jobs/orders:1.4")
///     try ImageReference("shop.azurecr.io/jobs/orders@sha256:…")
public struct ImageReference: Sendable, Hashable, CustomStringConvertible {
    /// The registry's host, with its port if one is named.
    public var registry: String
    /// The repository's name, which may have slashes.
    public var repository: String
    /// The tag, when one is named.
    public var tag: String?
    /// The digest, when one is named: it decides, whatever the tag says.
    public var digest: ContentDigest?
    /// Whether `https://` or `http://` was written before it.
    public var scheme: String?

    /// A reference of parts that are known to be good.
    public init(registry: String, repository: String, tag: String? = nil, digest: ContentDigest? = nil) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// The reference that `text` is.
    ///
    /// - throws: `SluiceError` that names the part that breaks the rules.
    public init(_ text: String) throws(SluiceError) {
        func wrong(_ what: String, _ hint: String) -> SluiceError {
            SluiceError(
                .usage, "\"\(Display.cut(Display.safe(text), to: 200))\" is no name of an image: \(what)", hint: hint)
        }
        var rest = Substring(text)
        for known in ["https", "http"] where rest.hasPrefix("\(known)://") {
            scheme = known
            rest = rest.dropFirst(known.count + 3)
        }
        guard rest.utf8.count <= 1024 else { throw wrong("it is longer than 1024 letters", "shorten it") }
        if rest.contains("@"), !rest.contains("@sha") {
            throw wrong("there is no sha256 digest behind the @", "a user's name goes into --username, never here")
        }
        if let at = rest.firstIndex(of: "@") {
            do throws(SluiceError) {
                digest = try ContentDigest(String(rest[rest.index(after: at)...]))
            } catch {
                throw wrong(error.message, error.hint ?? "")
            }
            rest = rest[..<at]
        }
        guard let slash = rest.firstIndex(of: "/") else {
            throw wrong("it names no registry", ImageReference.form)
        }
        let host = rest[..<slash]
        guard host.contains(".") || host.contains(":") || host == "localhost" else {
            throw wrong("\"\(host)\" is no registry's host", "for Docker Hub, write docker.io/\(rest)")
        }
        guard ImageReference.isHost(host) else { throw wrong("\"\(host)\" is no host", ImageReference.form) }
        rest = rest[rest.index(after: slash)...]
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            let tag = String(rest[rest.index(after: colon)...])
            guard ImageReference.isTag(tag) else {
                throw wrong(
                    "\"\(tag)\" is no tag",
                    "a tag has up to 128 letters, digits, '.', '_' and '-', and begins with neither '.' nor '-'")
            }
            self.tag = tag
            rest = rest[..<colon]
        }
        var name = String(rest)
        registry = host.lowercased()
        if registry == "docker.io", !name.contains("/") { name = "library/\(name)" }
        guard ImageReference.isRepository(name) else {
            let lowered = name.lowercased()
            throw wrong(
                name.isEmpty ? "it names no repository" : "\"\(name)\" is no repository's name",
                lowered != name && ImageReference.isRepository(lowered)
                    ? "write it in lower case: \(lowered)"
                    : "each part has small letters and digits, with single '.', '_', '__' or '-' between them")
        }
        repository = name
    }

    private static let form = "write it as shop.azurecr.io/jobs/orders:1.4"

    /// The tag, or `latest` where neither tag nor digest is named.
    public var tagOrLatest: String { tag ?? "latest" }

    /// What stands behind `manifests/` in a URL: the digest if there is one, or else the tag.
    public var version: String { digest?.description ?? tagOrLatest }

    /// `registry/repository:tag@digest`, as far as there are these.
    public var description: String {
        name + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// `registry/repository`
    public var name: String { "\(registry)/\(repository)" }

    /// The same repository, and in it exactly what has this digest.
    public func pinned(to digest: ContentDigest) -> ImageReference {
        var pinned = self
        pinned.tag = nil
        pinned.digest = digest
        return pinned
    }

    /// Whether `text` is a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
    public static func isTag(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...128).contains(bytes.count), let first = bytes.first else { return false }
        return (isAlphanumeric(first) || first == UInt8(ascii: "_"))
            && bytes.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    /// Whether `text` is a repository's name, as the distribution specification has it.
    public static func isRepository(_ text: String) -> Bool {
        guard text.utf8.count <= 255 else { return false }
        return text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            var run: [UInt8] = []
            var isFirst = true
            for byte in part.utf8 {
                if isAlphanumeric(byte), byte | 0x20 == byte {
                    guard run.isEmpty || (!isFirst && isSeparator(run)) else { return false }
                    run = []
                    isFirst = false
                } else if "._-".utf8.contains(byte) {
                    run.append(byte)
                } else {
                    return false
                }
            }
            return !isFirst && run.isEmpty
        }
    }

    private static func isSeparator(_ run: [UInt8]) -> Bool {
        run == Array(".".utf8) || run == Array("_".utf8) || run == Array("__".utf8)
            || run.allSatisfy { $0 == UInt8(ascii: "-") }
    }

    private static func isHost(_ host: Substring) -> Bool {
        var name = host
        if let colon = name.lastIndex(of: ":"), !name.hasSuffix("]") {
            guard let port = Int(name[name.index(after: colon)...]), (1...65_535).contains(port) else { return false }
            name = name[..<colon]
        }
        if name.hasPrefix("["), name.hasSuffix("]") {
            return name.dropFirst().dropLast().utf8.allSatisfy {
                Character(Unicode.Scalar($0)).isHexDigit || $0 == UInt8(ascii: ":")
            }
        }
        return !name.isEmpty
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
            }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
