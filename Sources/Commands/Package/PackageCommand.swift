import CommandLine
import Packages
import Project
import Storage
import Stores
import Support

/// `sluice package`: a project as one archive under the hash of its contents, one command for each thing to do with it.
struct PackageCommand: CommandFamily {
    let members: [any Command] = [
        PackageBuild(), PackagePublish(), PackageList(), PackageRollback(), PackageUnpack(),
    ]

    var model: CommandModel {
        CommandModel(
            "package", "Pack a project, publish it, and go back to an older one",
            subcommands: [.init("What to do", members.map(\.model))],
            notes: [
                .init(
                    "Stores",
                    [
                        ("packages", "a folder of this machine"),
                        ("az://ACCOUNT/CONTAINER/PATH", "a container of Azure's storage: see 'sluice lake --help'"),
                    ])
            ])
    }
}

/// What is packed, and under which name.
struct PackageContents {
    let folder = Parameter.optionalArgument("FOLDER", .folder, help: "The project's folder; this one when not given")
    let exclude = Parameter.repeated("exclude", .text.named("GLOB"), help: "What of the project to leave out as well")
    let name = Parameter.optional(
        "name", .text.named("NAME"), help: "What to call it; the project's own name if not given")

    /// Packs the project that is meant into `target`.
    func build(
        _ arguments: Arguments, to target: String, in context: Context
    ) async throws -> (package: Package, omissions: [ProjectFiles.Omission]) {
        let made = try await PackageContents.pack(
            context.resolve(arguments[folder] ?? "."), excluding: arguments[exclude], name: arguments[name],
            to: target, in: context)
        OmissionText.tell(made.omissions, in: context)
        return made
    }

    /// Packs the project of `folder` into `target`. A project that is not valid is not packed.
    static func pack(
        _ folder: String, excluding globs: [String] = [], name: String? = nil, to target: String, in context: Context
    ) async throws -> (package: Package, omissions: [ProjectFiles.Omission]) {
        var inside = context
        inside.folder = folder
        inside.changesProcessFolder = false
        let file = try ProjectFile.find(in: inside)
        let environments = file.environments
        let views: [String?] = environments.isEmpty ? [nil] : environments
        var found: String?
        for environment in views {
            let (project, problems) = file.parse(environment: environment, variables: [:], unsetVariables: .warning)
            guard let project else {
                throw InvalidProject(file: file.name, report: DiagnosticReport(problems, sources: file.sources))
            }
            found = project.name
        }
        var patterns: [PathPattern] = []
        for text in globs { patterns.append(try PathPattern(text)) }
        let files = try ProjectFiles(in: file.folder, excluding: patterns)
        let chosen = name ?? found ?? ""
        let program = try await PackageManifest.Program.running()
        let package = try await context.withProgress("packing", { ProgressMeasure(countsRows: false) }) {
            try await Package.build(files, name: chosen, program: program, to: target)
        }
        return (package, files.omissions)
    }

    static func json(_ package: Package, _ omissions: [ProjectFiles.Omission]) -> [(key: String, value: JSONText)] {
        [
            ("name", .string(package.manifest.name)), ("hash", .string(package.hash)),
            ("files", .number(package.manifest.files.count)), ("bytes", .number(package.manifest.size)),
            ("archiveBytes", .number(package.size)), ("archiveSha256", .string(package.archiveHash)),
            (
                "omitted",
                .array(omissions.map { ["path": .string($0.path), "reason": .string($0.reason)] })
            ),
        ]
    }

    /// `12 files, 3.4 kB, packed 1.2 kB`
    static func amount(_ package: Package) -> String {
        let count = package.manifest.files.count
        return "\(ProgressView.count(count)) \(count == 1 ? "file" : "files"), "
            + "\(Quantities.describe(bytes: package.manifest.size)), packed \(Quantities.describe(bytes: package.size))"
    }
}

/// `sluice package build`: makes the archive.
struct PackageBuild: Command {
    let contents = PackageContents()
    let output = Parameter.optional("output", .path, short: "o", help: "The file to write; NAME.tar.zst if not given")

    var model: CommandModel {
        CommandModel(
            "build", "Pack a project into one file",
            [.arguments(contents.folder), .options(output, contents.name, contents.exclude)],
            discussion: """
                The hash that is printed is of what is in it: the project's files, and which program it was made for. \
                The same contents have the same hash. Secrets such as .env, and .sluice, are left out.
                """,
            examples: [.init("sluice package build shop -o shop.tar.zst", "the project in shop")])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let scratch = ScratchName.beside(context.resolve(arguments[output] ?? "package.tar.zst"))
        defer { ScratchFiles.remove(scratch) }
        let (package, omissions) = try await contents.build(arguments, to: scratch, in: context)
        let name = arguments[output] ?? "\(package.manifest.name).tar.zst"
        try ScratchFiles.move(scratch, to: context.resolve(name))
        if context.options.isJSON {
            context.answer(.object([("file", .string(name))] + PackageContents.json(package, omissions)))
            return .succeeded
        }
        context.say("packed \(Display.safe(name)): \(PackageContents.amount(package))")
        context.output.print(package.hash)
        return .succeeded
    }
}

/// `sluice package publish`: puts a package into a store.
struct PackagePublish: Command {
    let store = Parameter.argument("STORE", .place, help: "The folder or container that packages go to")
    let contents = PackageContents()
    let file = Parameter.optional(
        "file", .path, help: "A package that 'sluice package build' has made, instead of FOLDER")

    var model: CommandModel {
        CommandModel(
            "publish", "Put a package into a store, and make it current",
            [.arguments(store, contents.folder), .options(file, contents.name, contents.exclude)],
            discussion: """
                All of it is there, or nothing changes. Older packages stay, and 'sluice package rollback' makes one \
                of them current again. What is there already is not sent twice.
                """,
            examples: [
                .init("sluice package publish az://shopdeploy/packages", "this folder's project"),
                .init("sluice package publish ./packages --file shop.tar.zst", "a package that was made before"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let place = try context.openStores(for: [arguments[store]]).store(arguments[store])
        let package: Package
        var omissions: [ProjectFiles.Omission] = []
        var scratch: String?
        defer { if let scratch { ScratchFiles.remove(scratch) } }
        if let path = arguments[file] {
            if arguments[contents.folder] != nil {
                throw SluiceError(.usage, "--file and FOLDER exclude each other", hint: "Leave one of them out.")
            }
            package = try await Package(reading: context.resolve(path))
        } else {
            let temporary = ScratchName.temporary()
            scratch = temporary
            (package, omissions) = try await contents.build(arguments, to: temporary, in: context)
        }
        let packages = try PackageStore(place, name: package.manifest.name)
        let result = try await context.withProgress("publishing", { ProgressMeasure(countsRows: false) }) {
            try await packages.publish(package)
        }
        if context.options.isJSON {
            context.answer(
                .object(
                    PackageContents.json(package, omissions) + [
                        ("url", .string(packages.url(package.hash))), ("sent", .bool(result.sent)),
                        ("becameCurrent", .bool(result.isNew)),
                    ]))
            return .succeeded
        }
        let fate = !result.isNew ? "is current already" : result.sent ? "is current" : "was there, and is current again"
        context.say("\(package.manifest.name) \(package.hash.prefix(12)) \(fate): \(PackageContents.amount(package))")
        context.output.print(package.hash)
        return .succeeded
    }
}
