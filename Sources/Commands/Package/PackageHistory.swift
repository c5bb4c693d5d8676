import CommandLine
import Packages
import Project
import Storage
import Stores
import Support

/// Whose packages are meant.
struct PackageOwner {
    let store = Parameter.argument("STORE", .place, help: "The folder or container that packages are in")
    let name = Parameter.optional("name", .text.named("NAME"), help: "Whose; the project here, or the only one there")

    /// The packages of the name that is meant.
    func open(_ arguments: Arguments, in context: Context) async throws -> PackageStore {
        let place = try context.openStores(for: [arguments[store]]).store(arguments[store])
        if let name = arguments[name] { return try PackageStore(place, name: name) }
        let found = try await PackageOwner.names(in: place)
        if ProjectFile.isAnywhere(in: context) {
            let file = try ProjectFile.find(in: context)
            let (project, _) = file.parse(
                environment: file.environments.first, variables: [:], unsetVariables: .warning)
            if let project, found.contains(project.name) { return try PackageStore(place, name: project.name) }
        }
        return try PackageOwner.only(found, in: place)
    }

    /// The names of all packages of a store.
    static func names(in place: any ObjectStore) async throws -> [String] {
        try await place.matches(of: ["*/releases.json"]).map { String($0.path.dropLast("/releases.json".count)) }
    }

    /// The packages of the one name that there is.
    static func only(_ names: [String], in place: any ObjectStore) throws -> PackageStore {
        guard names.count == 1 else {
            throw SluiceError(
                names.isEmpty ? .notFound : .usage,
                names.isEmpty ? "holds no packages" : "holds packages of \(names.count) names",
                place: .init(file: place.name),
                hint: names.isEmpty
                    ? "publish one first: sluice package publish"
                    : "choose one with --name: \(names.joined(separator: ", "))")
        }
        return try PackageStore(place, name: names[0])
    }
}

/// `sluice package list`: what was current when.
struct PackageList: Command {
    let owner = PackageOwner()

    var model: CommandModel {
        CommandModel(
            "list", "List what was published, and what is current", [.arguments(owner.store), .options(owner.name)],
            examples: [.init("sluice package list az://shopdeploy/packages", "the latest at the top")])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let packages = try await owner.open(arguments, in: context)
        let releases = try await packages.releases()
        if context.options.isJSON {
            context.answer([
                "name": .string(packages.name), "current": releases.last.map { .string($0.hash) } ?? .null,
                "releases": .array(
                    releases.reversed().map { release in
                        [
                            "hash": .string(release.hash), "at": .string(release.moment),
                            "program": .string(release.program), "bytes": .number(release.size),
                            "rollback": .bool(release.isRollback), "url": .string(packages.url(release.hash)),
                        ]
                    }),
            ])
            return .succeeded
        }
        for (number, release) in releases.reversed().enumerated() {
            let parts = [
                number == 0 ? "→" : " ", String(release.hash.prefix(12)), release.moment,
                Display.pad(Quantities.describe(bytes: release.size), to: 9, right: true),
                "for \(Display.safe(release.program))", release.isRollback ? "(went back)" : "",
            ]
            context.output.print(parts.filter { !$0.isEmpty }.joined(separator: "  "))
        }
        return .succeeded
    }
}

/// `sluice package rollback`: makes an older package current.
struct PackageRollback: Command {
    let owner = PackageOwner()
    let hash = Parameter.optionalArgument(
        "HASH", .text.named("HASH"), help: "Which, by the beginning of its hash; the one before if not given")

    var model: CommandModel {
        CommandModel(
            "rollback", "Make an older package current again", [.arguments(owner.store, hash), .options(owner.name)],
            examples: [
                .init("sluice package rollback az://shopdeploy/packages", "the one before the current one"),
                .init("sluice package rollback ./packages 4f2a91", "a certain one"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let packages = try await owner.open(arguments, in: context)
        let release = try await packages.rollback(to: arguments[hash])
        if context.options.isJSON {
            context.answer([
                "name": .string(packages.name), "current": .string(release.hash),
                "url": .string(packages.url(release.hash)),
            ])
            return .succeeded
        }
        context.say("\(packages.name) \(release.hash.prefix(12)) is current again")
        context.output.print(release.hash)
        return .succeeded
    }
}

/// `sluice package unpack`: the files of a package, in a folder.
struct PackageUnpack: Command {
    let source = Parameter.argument(
        "FROM", .place, help: "A package's file, or a store, of which the current one is meant")
    let folder = Parameter.argument("FOLDER", .folder, help: "Where to; it must not be there yet")
    let name = Parameter.optional("name", .text.named("NAME"), help: "Whose; the only one of the store if not given")

    var model: CommandModel {
        CommandModel(
            "unpack", "Unpack a package, after checking all that is in it",
            [.arguments(source, folder), .options(name)],
            discussion: """
                Nothing leaves the folder, whatever the archive says its files are called: links and '..' are \
                refused, and so is all that the manifest does not name. The folder appears when everything is there.
                """,
            examples: [.init("sluice package unpack shop.tar.zst work", "a file")])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let text = arguments[source]
        let target = context.resolve(arguments[folder])
        let manifest: PackageManifest
        if text.hasSuffix(".tar.zst") {
            manifest = try await PackageReader(try await context.open(text)).unpack(into: target)
        } else {
            let place = try context.openStores(for: [text]).store(text)
            let names = try await PackageOwner.names(in: place)
            let owner = try PackageOwner.only(arguments[name].map { [$0] } ?? names, in: place)
            manifest = try await owner.unpack(try await owner.current().hash, into: target)
        }
        let hash = try manifest.hash()
        if context.options.isJSON {
            context.answer([
                "name": .string(manifest.name), "hash": .string(hash), "files": .number(manifest.files.count),
                "bytes": .number(manifest.size),
                "program": [
                    "version": .string(manifest.program.version), "sha256": .string(manifest.program.hash),
                ],
            ])
            return .succeeded
        }
        context.say(
            "unpacked \(manifest.files.count) files of \(manifest.name) into \(Display.safe(arguments[folder]))")
        context.output.print(hash)
        return .succeeded
    }
}
