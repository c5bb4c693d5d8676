public import Packages
public import Storage
public import Support
import Tar

/// An image to be made: the program with what it needs, a project's files, and how it is started. The same input gives the same
/// bytes, and so the same digest.
///
///     var build = ImageBuild(program: try await ProgramFiles())
///     build.project = try ProjectFiles(in: "shop")
///     let image = try await build.run(into: LayoutFolder("image"), tag: "1.4")
///     image.descriptor.digest
public struct ImageBuild: Sendable {
    /// A file that is put in.
    public struct Addition: Sendable {
        /// Where it lies on this machine.
        public var source: String
        /// Where it lies in the image, from the root.
        public var target: String

        /// The file `source`, as `target`.
        public init(source: String, target: String) {
            self.source = source
            self.target = target
        }
    }

    /// The program.
    public var program: ProgramFiles
    /// The image that the layers are put on; nil for none, with a root of our own.
    public var base: LocalImage?
    /// What the base is called, for the manifest to say.
    public var baseName: ImageReference?
    /// The project that jobs find in the image's working folder.
    public var project: ProjectFiles?
    /// Further files.
    public var additions: [Addition] = []
    /// Environment variables, in place of those of the base.
    public var environment: [(name: String, value: String)] = []
    /// What is started; the program when nil.
    public var entrypoint: [String]?
    /// Arguments when none are given.
    public var command: [String]?
    /// As whom it runs: `65532:65532`; the base's user when nil, or else nobody in particular.
    public var user: String?
    /// What else is said of the image.
    public var labels: [(name: String, value: String)] = []
    /// The moment that all files were changed at, and the image was made at, in seconds since 1970.
    public var created = 0
    /// How layers are packed.
    public var compression = FileCompression.gzip

    /// Where a project's files are in the image.
    public static let workFolder = "/work"
    /// The user that images run as: no name on any machine, and no rights.
    public static let defaultUser = 65_532

    /// An image of `program` alone.
    public init(program: ProgramFiles) { self.program = program }

    /// What became of it.
    public struct Result: Sendable {
        /// The manifest, whose digest is the image's.
        public let descriptor: BlobDescriptor
        /// What is in it.
        public let manifest: ImageManifest
        /// For which machines.
        public let platform: ImagePlatform
    }

    /// Makes the image, which appears in `folder` under `tag` when it is whole.
    ///
    /// - throws: `SluiceError` when a file cannot be read, or the base is for other machines than the program.
    public func run(into folder: LayoutFolder, tag: String? = nil) async throws(SluiceError) -> Result {
        let platform = program.platform
        var config = try await baseConfig(platform)
        var layers: [BlobDescriptor] = []
        if let base {
            for layer in base.manifest.layers {
                try await folder.copy(layer, from: base.layout)
                var layer = layer
                layer.mediaType = MediaType.official(layer.mediaType)
                layers.append(layer)
            }
        }
        var steps: [(LayerContents, String)] = []
        if base == nil { steps.append((try rootLayer(), "root")) }
        steps.append((try programLayer(), "program"))
        let files = try filesLayer()
        if !files.isEmpty { steps.append((files, "files")) }
        let moment = Moment(microseconds: Int64(created) * 1_000_000).isoSeconds
        var unpacked = config["rootfs"]?["diff_ids"]?.items ?? []
        var history = config["history"]?.items ?? []
        for (contents, what) in steps {
            let layer = try await contents.write(into: folder, compression, modified: created)
            layers.append(layer.descriptor)
            unpacked.append(.string(layer.unpacked.description))
            history.append([
                "created": .string(moment), "created_by": .string("sluice image build: \(what)"),
            ])
        }
        config = config.with("created", .string(moment))
            .with("architecture", .string(platform.architecture)).with("os", .string(platform.system))
            .with("config", .object(settings(config["config"])))
            .with("rootfs", ["type": "layers", "diff_ids": .array(unpacked)]).with("history", .array(history))
        let document = try await folder.add(Buffer(Array(config.text().utf8)), MediaType.config)
        var annotations = ["org.opencontainers.image.created": moment]
        if let base, let baseName {
            annotations["org.opencontainers.image.base.name"] = baseName.pinned(to: base.descriptor.digest).name
            annotations["org.opencontainers.image.base.digest"] = base.descriptor.digest.description
        }
        let manifest = ImageManifest(config: document, layers: layers, annotations: annotations)
        var descriptor = try await folder.add(Buffer(Array(manifest.json.text().utf8)), MediaType.manifest)
        descriptor.platform = platform
        try await folder.publish(descriptor, tag: tag)
        return Result(descriptor: descriptor, manifest: manifest, platform: platform)
    }

    private func baseConfig(_ platform: ImagePlatform) async throws(SluiceError) -> JSONText {
        guard let base else { return .object([]) }
        let config = try await base.config()
        if let found = ImagePlatform(json: config), !found.suits(platform) {
            throw SluiceError(
                .invalidConfiguration, "the base is for \(found), and the program for \(platform)",
                place: .init(file: base.layout.path), hint: "choose a base for \(platform)")
        }
        let described = config["rootfs"]?["diff_ids"]?.items?.count ?? 0
        guard described == base.manifest.layers.count else {
            throw SluiceError(
                .invalidData,
                "the base's configuration describes \(described) layers, its manifest \(base.manifest.layers.count)",
                place: .init(file: base.layout.path), hint: "it is no image for containers, or it is damaged")
        }
        return config
    }

    /// How it is started, over what the base says.
    private func settings(_ base: JSONText?) -> [(key: String, value: JSONText)] {
        var variables = (base?["Env"]?.items ?? []).compactMap(\.text).map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            return (name: parts[0], value: parts.count > 1 ? parts[1] : "")
        }
        func set(_ name: String, _ value: String) {
            if let place = variables.firstIndex(where: { $0.name == name }) {
                variables[place].value = value
            } else {
                variables.append((name, value))
            }
        }
        let path = variables.first { $0.name == "PATH" }?.value ?? "/usr/local/bin:/usr/bin:/bin"
        set("PATH", "\(ProgramFiles.home)/bin:\(path)")
        if !variables.contains(where: { $0.name == "SSL_CERT_FILE" }) {
            set("SSL_CERT_FILE", "\(ProgramFiles.home)/etc/ca-certificates.crt")
        }
        if !program.findsLibraries { set("LD_LIBRARY_PATH", "\(ProgramFiles.home)/lib") }
        for (name, value) in environment { set(name, value) }
        var settings = base ?? .object([])
        settings = settings.with("User", .string(runningUser(base)))
            .with("Env", .array(variables.map { .string("\($0.name)=\($0.value)") }))
        let start = entrypoint ?? ["\(ProgramFiles.home)/bin/sluice"]
        settings = settings.with("Entrypoint", .array(start.map { .string($0) }))
            .with("Cmd", command.map { .array($0.map { .string($0) }) })
            .with("WorkingDir", .string(ImageBuild.workFolder))
        var texts = (settings["Labels"]?.members ?? []).map { (key: $0.key, value: $0.value) }
        for (name, value) in labels {
            texts.removeAll { $0.key == name }
            texts.append((name, .string(value)))
        }
        settings = settings.with("Labels", texts.isEmpty ? nil : .object(texts.sorted { $0.key < $1.key }))
        return settings.members ?? []
    }

    private func runningUser(_ base: JSONText?) -> String {
        if let user { return user }
        if let named = base?["User"]?.text, !named.isEmpty { return named }
        return "\(ImageBuild.defaultUser):\(ImageBuild.defaultUser)"
    }

    /// Whose the working folder is: the user's, when that is a number.
    private var owner: Int {
        let named = user ?? ""
        return named.split(separator: ":").first.flatMap { Int($0) } ?? ImageBuild.defaultUser
    }

    // MARK: Layers

    /// What programs expect of a system, where there is no base.
    private func rootLayer() throws(SluiceError) -> LayerContents {
        var layer = LayerContents()
        func text(_ path: String, _ text: String) {
            layer.add(TarEntry(path: path), .memory(Buffer(Array(text.utf8))))
        }
        let number = ImageBuild.defaultUser
        text(
            "etc/passwd",
            "root:x:0:0:root:/root:/sbin/nologin\nsluice:x:\(number):\(number):sluice:/home/sluice:/sbin/nologin\n")
        text("etc/group", "root:x:0:\nsluice:x:\(number):\n")
        text("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
        layer.add(TarEntry(path: "home/sluice", kind: .folder, user: number, group: number))
        layer.add(TarEntry(path: "tmp", kind: .folder, mode: 0o1777))
        layer.add(TarEntry(path: "var/tmp", kind: .folder, mode: 0o1777))
        for folder in ["dev", "proc", "sys", "run"] { layer.add(TarEntry(path: folder, kind: .folder)) }
        layer.add(
            TarEntry(
                path: "etc/ssl/certs/ca-certificates.crt",
                kind: .symbolicLink("\(ProgramFiles.home)/etc/ca-certificates.crt")))
        layer.add(TarEntry(path: "usr/bin/sluice", kind: .symbolicLink("\(ProgramFiles.home)/bin/sluice")))
        layer.add(TarEntry(path: "bin", kind: .symbolicLink("usr/bin")))
        return layer
    }

    /// The program, its libraries, its loader, and the certificates that it trusts: the same layer in every image.
    private func programLayer() throws(SluiceError) -> LayerContents {
        var layer = LayerContents()
        let home = String(ProgramFiles.home.dropFirst())
        let facts = try FileFacts(of: program.program)
        layer.add(TarEntry(path: "\(home)/lib/sluice", size: facts.size, mode: 0o755), .program(program))
        layer.add(TarEntry(path: "\(home)/bin/sluice", kind: .symbolicLink("../lib/sluice")))
        try layer.add(file: program.loader, as: "\(home)/lib/\(ProgramFiles.loaderName)", mode: 0o755)
        for library in program.libraries {
            try layer.add(file: library.path, as: "\(home)/lib/\(library.name)", mode: 0o644)
        }
        guard let certificates = ImageBuild.certificates.first(where: { FileFacts(path: $0)?.isRegular == true }) else {
            throw SluiceError(
                .notFound, "this machine has no list of certificates that are trusted, which the image needs",
                hint: "install ca-certificates")
        }
        try layer.add(file: certificates, as: "\(home)/etc/ca-certificates.crt", mode: 0o644)
        return layer
    }

    private static let certificates = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem", "\(ProgramFiles.home)/etc/ca-certificates.crt",
    ]

    /// The project and further files, which change most often and so are the uppermost layer.
    private func filesLayer() throws(SluiceError) -> LayerContents {
        var layer = LayerContents()
        let work = String(ImageBuild.workFolder.dropFirst())
        layer.add(TarEntry(path: work, kind: .folder, user: owner, group: owner))
        for file in project?.files ?? [] {
            let parts = file.path.split(separator: "/")
            for count in 1..<max(parts.count, 1) {
                let folder = parts.prefix(count).joined(separator: "/")
                layer.add(TarEntry(path: "\(work)/\(folder)", kind: .folder, user: owner, group: owner))
            }
            try layer.add(
                file: file.source, as: "\(work)/\(file.path)", mode: file.isExecutable ? 0o755 : 0o644, owner: owner)
        }
        for addition in additions {
            let target = try ImageBuild.inside(addition.target)
            let isExecutable = try ImageBuild.isExecutable(addition.source)
            try layer.add(file: addition.source, as: target, mode: isExecutable ? 0o755 : 0o644)
        }
        return layer
    }

    private static func isExecutable(_ path: String) throws(SluiceError) -> Bool {
        guard let facts = FileFacts(path: path) else {
            throw SluiceError(.notFound, "there is no such file", place: .init(file: path), hint: "check --file")
        }
        guard facts.isRegular else {
            throw SluiceError(.usage, "is no file", place: .init(file: path), hint: "--file takes one file each")
        }
        return FilePermissions.isExecutable(path)
    }

    /// The path from the root without its slash, when it leads nowhere else.
    private static func inside(_ target: String) throws(SluiceError) -> String {
        let parts = target.split(separator: "/", omittingEmptySubsequences: false)
        guard target.hasPrefix("/"), !target.hasSuffix("/"),
            parts.dropFirst().allSatisfy({ !["", ".", ".."].contains($0) })
        else {
            throw SluiceError(
                .usage, "\"\(target)\" is no path of a file in an image", hint: "write it from the root: /etc/app.conf")
        }
        return String(target.dropFirst())
    }
}
