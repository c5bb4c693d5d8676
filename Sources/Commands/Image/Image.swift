import Azure
import CommandLine
import Images
import Storage
import Support

/// `sluice image`: images for container platforms, one command for each thing to do with them.
struct Image: CommandFamily {
    let members: [any Command] = [ImageBuildCommand(), ImagePush(), ImagePull(), ImageInspect()]

    var model: CommandModel {
        CommandModel(
            "image", "Build container images and move them, without a container engine",
            subcommands: [.init("What to do", members.map(\.model))],
            notes: [
                .init("Names", Image.names), .init("Who asks the registry", Image.who),
            ])
    }

    /// How images are named.
    static let names: [(word: String, meaning: String)] = [
        ("shop.azurecr.io/jobs/orders:1.4", "a registry, a repository, a tag"),
        ("shop.azurecr.io/jobs/orders@sha256:…", "exactly this image, whatever a tag says"),
        ("docker.io/debian:12", "Docker Hub has a host like all others"),
        ("image, image.tar", "an OCI layout: a folder, or a tar file"),
    ]

    /// With what right registries are used.
    static let who: [(word: String, meaning: String)] = [
        ("Azure's registries", "the identity: see 'sluice check --identity'"),
        ("others", "--username and SLUICE_REGISTRY_PASSWORD, or docker login's"),
    ]
}

/// What commands that speak to a registry are told about it.
struct RegistryParameters {
    let username = Parameter.optional(
        "username", .text.named("NAME"), environment: "SLUICE_REGISTRY_USERNAME",
        help: "Who signs in; the password is in SLUICE_REGISTRY_PASSWORD")
    let plain = Parameter.flag("plain-http", help: "Speak http, in the clear, to a registry that is another machine")

    /// The registry that `reference` names.
    func open(_ reference: ImageReference, _ arguments: Arguments, in context: Context) throws(SluiceError)
        -> ImageRegistry
    {
        let azure = try context.openAzure()
        var credentials: RegistryCredentials?
        if let user = arguments[username] {
            guard let password = azure.settings.environment["SLUICE_REGISTRY_PASSWORD"], !password.isEmpty else {
                throw SluiceError(
                    .usage, "--username needs a password, and SLUICE_REGISTRY_PASSWORD is not set",
                    hint: "set it in the environment, where no list of processes shows it")
            }
            credentials = RegistryCredentials(user: user, password: password)
        }
        return try ImageRegistry(reference, azure: azure, credentials: credentials, allowsPlain: arguments[plain])
    }
}

extension ValueKind where Value == ImageReference {
    /// The name of an image in a registry.
    static var imageReference: ValueKind {
        ValueKind("IMAGE") { text throws(ValueProblem) in
            do throws(SluiceError) { return try ImageReference(text) } catch {
                throw ValueProblem(
                    "is no name of an image: \(error.message.split(separator: ": ").last ?? "")", hint: error.hint)
            }
        }
    }
}

extension ValueKind where Value == ImagePlatform {
    /// For which machines an image is.
    static var platform: ValueKind {
        ValueKind("PLATFORM") { text throws(ValueProblem) in
            do throws(SluiceError) { return try ImagePlatform(text) } catch {
                throw ValueProblem("is no platform", hint: error.hint)
            }
        }
    }
}

extension ValueKind where Value == String {
    /// A tag.
    static var tag: ValueKind {
        ValueKind("TAG") { text throws(ValueProblem) in
            guard ImageReference.isTag(text) else {
                throw ValueProblem(
                    "is no tag",
                    hint: "A tag has up to 128 letters, digits, '.', '_' and '-', and begins with neither '.' nor '-'.")
            }
            return text
        }
    }
}

/// How images are told.
enum ImageText {
    /// `sha256:… 12.3 MB` for each layer.
    static func layers(_ layers: [BlobDescriptor]) -> [String] {
        layers.map { "  \($0.digest)  \(Quantities.describe(bytes: $0.size))" }
    }

    static func json(_ descriptor: BlobDescriptor) -> JSONText {
        [
            "mediaType": .string(descriptor.mediaType), "digest": .string(descriptor.digest.description),
            "size": .number(descriptor.size),
        ]
    }
}
