import Azure
import Glibc
import Support
import Synchronization

/// An image that is unpacked, and how its program wants to be run.
public struct UnpackedImage: Sendable {
    /// The digest of its manifest.
    public let digest: String
    /// The folder that it lies in, which is not to be changed.
    public let root: String
    /// The program, with its first arguments.
    public let entryPoint: [String]
    /// Further arguments, when nobody gives others.
    public let command: [String]
    /// Its environment.
    public let environment: [(name: String, value: String)]
    /// The folder that it begins in.
    public let workingFolder: String
    /// The user that it runs as, `65532:65532`; empty for root.
    public let user: String

    /// What is run when a container is described by `command` and `args`, each of which takes the image's place.
    public func words(command other: [String]?, arguments: [String]?) -> [String] {
        if let other, !other.isEmpty { return other + (arguments ?? []) }
        if let arguments, !arguments.isEmpty { return entryPoint + arguments }
        return entryPoint + command
    }
}

/// Why an image cannot be had, as container engines word it.
public struct ImageProblem: Error, Sendable {
    /// What is said about it.
    public let message: String
}

/// The images of the emulated registries as folders: unpacked once, when they are first run.
///
///     workloads/images/HEX/root    what is in it
///     workloads/images/HEX.json    its configuration, written when the folder is whole
public final class ImageShelf: Sendable {
    private let registry: RegistryStore
    private let files: EmulatorFolder
    private var folder: String { files.path }
    /// Unpackings that are under way: who wants the same image waits for the first one.
    private let running = Mutex<[String: Task<Result<UnpackedImage, ImageProblem>, Never>]>([:])

    init(registry: RegistryStore, folder: String) throws(SluiceError) {
        self.registry = registry
        files = try EmulatorFolder(folder)
        // What a killed emulator was unpacking.
        for name in RootFolder.names(folder) where name.hasSuffix(".partial") {
            try RootFolder.remove("\(folder)/\(name)")
        }
    }

    /// What an image's name says: `shop.azurecr.io/jobs/orders:1.4`, or with `@sha256:…`.
    struct Reference: Equatable {
        let host: String
        let name: String
        let version: String

        init?(_ text: String) {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, parts[0].contains(where: { $0 == "." || $0 == ":" }) || parts[0] == "localhost"
            else {
                return nil
            }
            host = parts[0].lowercased()
            var rest = parts[1][...]
            if let at = rest.firstIndex(of: "@") {
                version = String(rest[rest.index(after: at)...])
                rest = rest[..<at]
                // A tag before a digest means nothing.
                if let colon = rest.lastIndex(of: ":") { rest = rest[..<colon] }
            } else if let colon = rest.lastIndex(of: ":") {
                version = String(rest[rest.index(after: colon)...])
                rest = rest[..<colon]
            } else {
                version = "latest"
            }
            name = String(rest)
            guard RegistryTarget.isName(name), !version.isEmpty else { return nil }
        }

        /// The emulated registry that the host is; nil when it is another's.
        var registry: String? {
            let labels = host.prefix { $0 != ":" }.split(separator: ".").map(String.init)
            if labels.dropFirst().contains("azurecr") { return labels[0] }
            return ["127.0.0.1", "localhost"].contains(host.prefix { $0 != ":" }) ? Addresses.defaultRegistry : nil
        }
    }

    /// The image that `text` names, unpacked.
    public func image(_ text: String) async throws(ImageProblem) -> UnpackedImage {
        guard let reference = Reference(text) else {
            throw ImageProblem(
                message: "Failed to parse image name \"\(text)\": expected REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:…")
        }
        guard let account = reference.registry else {
            throw ImageProblem(
                message:
                    "failed to pull and unpack image \"\(text)\": \(reference.host) is no registry of this emulator, which pulls from its own only"
            )
        }
        let digest = try manifestDigest(reference, account, text)
        let task = running.withLock { running in
            if let task = running[digest] { return task }
            let task = Task { [self] () -> Result<UnpackedImage, ImageProblem> in
                do throws(ImageProblem) { return .success(try await unpacked(digest, account, text)) } catch {
                    return .failure(error)
                }
            }
            running[digest] = task
            return task
        }
        let result = await task.value
        // Who fails is tried again: what is missing may be pushed meanwhile.
        running.withLock { $0[digest] = nil }
        return try result.get()
    }

    private func manifestDigest(
        _ reference: Reference, _ account: String, _ text: String
    ) throws(ImageProblem) -> String {
        let repository = registry.folder(account, reference.name)
        var hex: String?
        if reference.version.hasPrefix("sha256:") {
            hex = try? RegistryCall.hex(reference.version)
        } else if RegistryCall.isTag(reference.version) {
            hex = registry.json("\(repository)/tags/\(reference.version)")?["digest"]?.text
                .map { String($0.dropFirst(7)) }
        }
        guard let hex, registry.exists("\(repository)/manifests/\(hex)")
        else {
            throw ImageProblem(
                message:
                    "failed to pull and unpack image \"\(text)\": failed to resolve reference \"\(text)\": \(text): not found"
            )
        }
        return hex
    }

    private func document(_ account: String, _ hex: some StringProtocol) throws(ImageProblem) -> JSONText {
        guard let bytes = registry.read(registry.blob(account, String(hex)), limit: 8 << 20),
            let json = try? JSONText.parse(Buffer(bytes), depthLimit: 50)
        else { throw ImageProblem(message: "the document sha256:\(hex) of the image cannot be read") }
        return json
    }

    private static func hex(_ descriptor: JSONText?) throws(ImageProblem) -> String {
        guard let digest = descriptor?["digest"]?.text, let hex = try? RegistryCall.hex(digest) else {
            throw ImageProblem(message: "the image's manifest names something without its digest")
        }
        return hex
    }

    private static var architecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }

    private func unpacked(
        _ digest: String, _ account: String, _ text: String
    ) async throws(ImageProblem) -> UnpackedImage {
        var manifest = try document(account, digest)
        if let all = manifest["manifests"]?.items {
            let fitting = all.first {
                $0["platform"]?["os"]?.text == "linux" && $0["platform"]?["architecture"]?.text == Self.architecture
            }
            guard let fitting else {
                throw ImageProblem(
                    message:
                        "failed to pull image \"\(text)\": no match for platform linux/\(Self.architecture) in manifest"
                )
            }
            manifest = try document(account, try Self.hex(fitting))
        }
        let config = try document(account, try Self.hex(manifest["config"]))
        let home = "\(folder)/\(digest)"
        if !registry.exists("\(home).json") {
            do throws(SluiceError) {
                let partial = "\(home).\(UInt64.random(in: .min ... .max)).partial"
                guard mkdir(partial, 0o700) == 0 || errno == EEXIST else {
                    throw SluiceError(.inputOutput, "cannot be made", place: .init(file: partial))
                }
                // The root has to be entered by the image's user, who is not this one.
                mkdir("\(partial)/root", 0o755)
                chmod("\(partial)/root", 0o755)
                do throws(SluiceError) {
                    var layers = LayerReader(RootFolder("\(partial)/root"))
                    for layer in manifest["layers"]?.items ?? [] {
                        let hex: String
                        do throws(ImageProblem) { hex = try Self.hex(layer) } catch {
                            throw SluiceError(.invalidData, error.message)
                        }
                        try await layers.add(registry.blob(account, hex))
                    }
                    try ImageShelf.prepare("\(partial)/root")
                    // Engines make the folder that a program begins in.
                    if let work = config["config"]?["WorkingDir"]?.text, let parts = RootFolder.parts(work) {
                        _ = try RootFolder("\(partial)/root").folder(parts, of: work)
                    }
                    if rename(partial, home) != 0 {
                        // What a killed emulator left is not whole.
                        try RootFolder.remove(home)
                        if rename(partial, home) != 0 {
                            throw SluiceError(.inputOutput, "cannot be put in place", place: .init(file: home))
                        }
                    }
                } catch {
                    try? RootFolder.remove(partial)
                    throw error
                }
                try files.write(config.text(), to: "\(digest).json")
            } catch {
                throw ImageProblem(message: "failed to unpack image \"\(text)\": \(error.description)")
            }
        }
        return Self.image("sha256:\(digest)", "\(home)/root", config["config"] ?? [:])
    }

    /// Folders that every container has something mounted on: real ones, whatever links the image has there.
    private static func prepare(_ root: String) throws(SluiceError) {
        for name in ["dev", "proc", "tmp", "etc"] {
            let place = "\(root)/\(name)"
            if !RootFolder.isFolder(place) {
                unlink(place)
                if mkdir(place, 0o755) != 0 {
                    throw SluiceError(.inputOutput, "cannot be made", place: .init(file: place))
                }
                if name == "tmp" { chmod(place, 0o1777) }
            }
        }
    }

    private static func image(_ digest: String, _ root: String, _ config: JSONText) -> UnpackedImage {
        func texts(_ key: String) -> [String] { (config[key]?.items ?? []).compactMap(\.text) }
        return UnpackedImage(
            digest: digest, root: root, entryPoint: texts("Entrypoint"), command: texts("Cmd"),
            environment: texts("Env").compactMap { pair in
                pair.firstIndex(of: "=").map { (String(pair[..<$0]), String(pair[pair.index(after: $0)...])) }
            }, workingFolder: config["WorkingDir"]?.text ?? "", user: config["User"]?.text ?? "")
    }
}
