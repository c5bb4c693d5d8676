import CommandLine
import Images
import Storage
import Support

/// `sluice image inspect`: what is in an image.
struct ImageInspect: Command {
    let image = Parameter.argument("IMAGE", .path.named("IMAGE"), help: "A name in a registry, or a folder or tar file")
    let tag = Parameter.optional("image", .tag, help: "Which image of the folder, by its tag there")
    let platform = Parameter.optional("platform", .platform, help: "For which machines; for this one when not given")
    let registry = RegistryParameters()

    var model: CommandModel {
        CommandModel(
            "inspect", "Tell what is in an image: digest, configuration, layers",
            [.arguments(image), .options(tag, platform, registry.username, registry.plain)],
            discussion: "Of an image in a registry, only its documents are fetched, and no layers.",
            examples: [
                .init("sluice image inspect image", "what sluice image build has made"),
                .init("sluice image inspect shop.azurecr.io/jobs/orders:1.4", "what a registry has"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let text = arguments[image]
        let path = context.resolve(text)
        let platform = arguments[platform] ?? .current
        if FileFacts(path: path) != nil {
            let found = try await ImageLayout(path).image(tag: arguments[tag], platform: platform)
            show(text, found.descriptor.digest, found.manifest, try await found.config(), context)
            return .succeeded
        }
        let reference = try reference(text, path)
        let registry = try registry.open(reference, arguments, in: context)
        let found = try await registry.find(reference, platform: platform)
        let config = try await registry.config(of: found)
        show(reference.description, found.descriptor.digest, found.manifest, config, context)
        return .succeeded
    }

    /// The name in a registry that `text` is, where no file is called so.
    private func reference(_ text: String, _ path: String) throws(SluiceError) -> ImageReference {
        let nothing = SluiceError(
            .notFound, "there is no such folder or file", place: .init(file: text),
            hint: "make one with sluice image build, or get one with sluice image pull")
        // What has no slash can be no name in a registry.
        let isPath = ["/", "./", "../"].contains { text.hasPrefix($0) } || text.hasSuffix(".tar")
        if isPath || !text.contains("/") { throw nothing }
        do throws(SluiceError) { return try ImageReference(text) } catch {
            // Rather a name that was mistyped than a host without a dot.
            let folder = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
            throw FileFacts(path: String(folder))?.isFolder == true ? nothing : error
        }
    }

    private func show(
        _ name: String, _ digest: ContentDigest, _ manifest: ImageManifest, _ config: JSONText, _ context: Context
    ) {
        if context.options.isJSON {
            return context.answer([
                "name": .string(name), "digest": .string(digest.description), "size": .number(manifest.size),
                "mediaType": .string(manifest.mediaType), "config": config,
                "layers": .array(manifest.layers.map(ImageText.json)),
                "annotations": .object(
                    manifest.annotations.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }),
            ])
        }
        var lines = [Display.safe(name)]
        func tell(_ key: String, _ value: String?) {
            guard let value, !value.isEmpty else { return }
            lines.append("  " + Display.pad(key, to: 12) + Display.safe(value))
        }
        let settings = config["config"]
        func words(_ key: String) -> String? {
            settings?[key]?.items.map { $0.compactMap(\.text).joined(separator: " ") }
        }
        tell("digest", digest.description)
        tell("platform", [config["os"]?.text, config["architecture"]?.text].compactMap { $0 }.joined(separator: "/"))
        tell("created", config["created"]?.text)
        tell("size", Quantities.describe(bytes: manifest.size))
        tell("entrypoint", words("Entrypoint"))
        tell("command", words("Cmd"))
        tell("user", settings?["User"]?.text)
        tell("folder", settings?["WorkingDir"]?.text)
        tell("base", manifest.annotations["org.opencontainers.image.base.name"])
        for variable in settings?["Env"]?.items ?? [] {
            let parts = (variable.text ?? "").split(separator: "=", maxSplits: 1).map(String.init)
            guard let key = parts.first else { continue }
            let value = Redactor.isSecret(key: key) ? Redactor.mask : parts.count > 1 ? parts[1] : ""
            tell("env", "\(key)=\(value)")
        }
        for label in settings?["Labels"]?.members ?? [] { tell("label", "\(label.key)=\(label.value.text ?? "")") }
        context.output.print(lines.joined(separator: "\n"))
        context.output.print("  layers")
        for layer in manifest.layers {
            context.output.print(
                "    \(layer.digest)  \(Display.pad(Quantities.describe(bytes: layer.size), to: 9, right: true))")
        }
    }
}
