import CommandLine
import Images
import Support

/// `sluice image pull`: gets an image from a registry.
struct ImagePull: Command {
    let reference = Parameter.argument("IMAGE", .imageReference, help: "Which: REGISTRY/REPOSITORY[:TAG][@DIGEST]")
    let output = Parameter.option(
        "output", .path.named("PATH"), short: "o", default: "image",
        help: "The folder that the image goes into; what is there already is not fetched")
    let platform = Parameter.optional("platform", .platform, help: "For which machines; for this one when not given")
    let registry = RegistryParameters()

    var model: CommandModel {
        CommandModel(
            "pull", "Get an image from a registry",
            [.arguments(reference), .options(output, platform, registry.username, registry.plain)],
            examples: [
                .init("sluice image pull docker.io/debian:12-slim -o debian", "a base to build on"),
                .init("sluice image pull shop.azurecr.io/jobs/orders:1.4", "into the folder 'image'"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let reference = arguments[reference]
        let registry = try registry.open(reference, arguments, in: context)
        let image = try await registry.find(reference, platform: arguments[platform] ?? .current)
        let folder = try LayoutFolder(context.resolve(arguments[output]))
        let monitor = ImageMonitor()
        try await context.withProgress("pulling \(reference)", monitor.measure) {
            try await registry.pull(image, into: folder, tag: reference.tagOrLatest, monitor: monitor)
        }
        let digest = image.descriptor.digest
        if context.options.isJSON {
            context.answer([
                "reference": .string(reference.pinned(to: digest).description), "digest": .string(digest.description),
                "output": .string(arguments[output]), "size": .number(image.manifest.size),
                "layers": .array(image.manifest.layers.map(ImageText.json)),
            ])
            return .succeeded
        }
        let count = image.manifest.layers.count
        context.say(
            "pulled \(reference), \(count) layers, \(Quantities.describe(bytes: image.manifest.size)), into "
                + Display.safe(arguments[output]))
        context.output.print(digest.description)
        return .succeeded
    }
}
