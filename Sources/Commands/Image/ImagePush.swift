import CommandLine
import Images
import Support

/// `sluice image push`: sends an image to a registry.
struct ImagePush: Command {
    let reference = Parameter.argument("IMAGE", .imageReference, help: "Where to: REGISTRY/REPOSITORY[:TAG]")
    let layout = Parameter.optionalArgument(
        "LAYOUT", .path, help: "The image's folder or tar file; 'image' if not given")
    let tags = Parameter.repeated("tag", .tag, short: "t", separator: ",", help: "A further tag")
    let image = Parameter.optional(
        "image", .tag, help: "Which image of the folder, by its tag there; that of IMAGE's tag if not given")
    let mounts = Parameter.repeated(
        "mount-from", .text.named("REPOSITORY"), help: "Another repository there that may have some layers")
    let registry = RegistryParameters()

    var model: CommandModel {
        CommandModel(
            "push", "Send an image to a registry, without the layers that it has",
            [
                .arguments(reference, layout), .options(tags, image, mounts, registry.username, registry.plain),
            ],
            discussion: """
                The digest that is printed names exactly this image: use it in deployments, since a tag may name \
                another tomorrow. A push that was broken off can be repeated; what had arrived is not sent again.
                """,
            examples: [
                .init("sluice image push shop.azurecr.io/jobs/orders:1.4", "the folder 'image', signed in by Entra"),
                .init("sluice image push shop.azurecr.io/jobs/orders:1.4 -t latest", "under two tags"),
                .init("sluice image push localhost:5000/orders image.tar", "to a registry here, as latest"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let reference = arguments[reference]
        let layout = try await ImageLayout(context.resolve(arguments[layout] ?? "image"))
        // Of several builds in one folder, the one that is called as it is to be called there.
        let sameName = layout.names.count > 1 ? reference.tag.flatMap { layout.names.contains($0) ? $0 : nil } : nil
        let image = try await layout.image(tag: arguments[image] ?? sameName)
        let registry = try registry.open(reference, arguments, in: context)
        var tags = arguments[tags]
        if let tag = reference.tag { tags.insert(tag, at: 0) }
        if tags.isEmpty, reference.digest == nil { tags = ["latest"] }
        var seen = Set<String>()
        let wanted = tags.filter { seen.insert($0).inserted }
        let monitor = ImageMonitor()
        let result = try await context.withProgress("pushing \(reference)", monitor.measure) {
            try await registry.push(
                image, to: reference, tags: wanted, mountingFrom: arguments[mounts], monitor: monitor)
        }
        let pinned = reference.pinned(to: result.digest)
        if context.options.isJSON {
            context.answer([
                "reference": .string(pinned.description), "digest": .string(result.digest.description),
                "tags": .array(result.tags.map { .string($0) }), "uploadedBytes": .number(result.uploadedBytes),
                "blobs": .array(
                    result.blobs.map { blob, way in
                        [
                            "digest": .string(blob.digest.description), "size": .number(blob.size),
                            "result": .string(way.rawValue),
                        ]
                    }),
            ])
            return .succeeded
        }
        for (blob, way) in result.blobs {
            context.detail("\(way.rawValue) \(blob.digest), \(Quantities.describe(bytes: blob.size))")
        }
        func count(_ way: PushResult.Way) -> Int { result.blobs.count { $0.way == way } }
        var facts = ["\(count(.uploaded)) sent (\(Quantities.describe(bytes: result.uploadedBytes)))"]
        if count(.mounted) > 0 { facts.append("\(count(.mounted)) mounted") }
        facts.append("\(count(.present)) there already")
        context.say(
            "pushed \(reference.name) as \(result.tags.joined(separator: ", ")): \(facts.joined(separator: ", "))")
        context.output.print(pinned.description)
        return .succeeded
    }
}
