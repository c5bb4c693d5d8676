import CommandLine
import Glibc
import Images
import Packages
import Storage
import Support

/// `sluice image build`: makes an image of this program.
struct ImageBuildCommand: Command {
    let output = Parameter.option(
        "output", .path.named("PATH"), short: "o", default: "image",
        help: "The folder that the image goes into; a file if it ends in .tar")
    let tag = Parameter.option("tag", .tag, short: "t", default: "latest", help: "What the image is called in there")
    let base = Parameter.optional(
        "base", .text.named("IMAGE"), help: "The image to build on: a name in a registry, or a folder or tar file")
    let project = Parameter.optional(
        "project", .folder, help: "A project to put into /work, without .env and other secrets")
    let exclude = Parameter.repeated("exclude", .text.named("GLOB"), help: "What of the project to leave out as well")
    let file = Parameter.repeated("file", .text.named("SRC=DST"), help: "A file to put in, and where")
    let env = Parameter.repeated("env", .text.named("NAME=VALUE"), help: "An environment variable; never a secret")
    let label = Parameter.repeated("label", .text.named("NAME=VALUE"), help: "What else to say of the image")
    let entrypoint = Parameter.optional(
        "entrypoint", .text.named("WORDS"), help: "What is started, as words or a JSON array; sluice when not given")
    let command = Parameter.optional(
        "command", .text.named("WORDS"), help: "Its arguments when none are given: 'run orders'")
    let user = Parameter.optional("user", .text.named("UID[:GID]"), help: "As whom it runs; 65532, which is nobody")
    let platform = Parameter.optional("platform", .platform, help: "For which machines it must be: linux/amd64")
    let program = Parameter.optional("program", .path, help: "Another release build of sluice than this one")
    let compression = Parameter.option(
        "compression", .choice(FileCompression.self), default: "gzip", help: "How layers are packed")
    let registry = RegistryParameters()

    var model: CommandModel {
        CommandModel(
            "build", "Make an image of this program, the libraries that it needs, and a project",
            [
                ParameterGroup("What comes out", [output, tag, platform, compression]),
                ParameterGroup("What goes in", [base, project, exclude, file, program]),
                ParameterGroup("How it starts", [entrypoint, command, env, user, label]),
                ParameterGroup("The base's registry", [registry.username, registry.plain]),
            ],
            discussion: """
                The image holds this program, exactly the C libraries that it needs, certificates to trust, and a user \
                without rights; no shell and no package manager. It needs nothing of its base, so that any will do, \
                and none is fine.

                The same input gives the same digest: files have a fixed order, owner and time, that of \
                SOURCE_DATE_EPOCH or else 1970.
                """,
            examples: [
                .init("sluice image build --project . --command 'run orders'", "an image of a project's job"),
                .init("sluice image build --base docker.io/debian:12-slim", "on top of Debian"),
                .init("sluice image build -o image.tar -t 1.4", "as one file"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let program = try await ProgramFiles(arguments[program].map(context.resolve) ?? "/proc/self/exe")
        if let wanted = arguments[platform], wanted.description != program.platform.description {
            throw SluiceError(
                .unsupported, "the program is for \(program.platform), and \(wanted) was asked for",
                hint: "name a build for it with --program, or build the image on such a machine")
        }
        let target = context.resolve(arguments[output])
        let isArchive = target.hasSuffix(".tar")
        // One file is made of a folder beside it, which goes again.
        let place = isArchive ? "\(target).\(getpid()).partial" : target
        defer { if isArchive { Storage.removeTree(place) } }
        let folder = try LayoutFolder(place)
        var build = ImageBuild(program: program)
        try await addBase(to: &build, arguments, folder, context)
        try read(arguments, into: &build, context)
        let started = build
        let result = try await context.withProgress(
            "building the image", { ProgressMeasure(countsRows: false) }
        ) { () async throws -> ImageBuild.Result in
            let result = try await started.run(into: folder, tag: arguments[tag])
            if isArchive { try await folder.archive(to: target) }
            return result
        }
        tell(result, build, arguments, context)
        return .succeeded
    }

    private func addBase(
        to build: inout ImageBuild, _ arguments: Arguments, _ folder: LayoutFolder, _ context: Context
    ) async throws {
        guard let text = arguments[base] else { return }
        let path = context.resolve(text)
        if FileFacts(path: path) != nil {
            build.base = try await ImageLayout(path).image(platform: build.program.platform)
            return
        }
        let reference = try ImageReference(text)
        let registry = try registry.open(reference, arguments, in: context)
        let remote = try await registry.find(reference, platform: build.program.platform)
        let monitor = ImageMonitor()
        build.base = try await context.withProgress("fetching \(reference)", monitor.measure) {
            try await registry.fetch(remote, into: folder, monitor: monitor)
        }
        build.baseName = reference
    }

    private func read(_ arguments: Arguments, into build: inout ImageBuild, _ context: Context) throws {
        if let path = arguments[project] {
            var patterns: [PathPattern] = []
            for text in arguments[exclude] { patterns.append(try PathPattern(text)) }
            build.project = try ProjectFiles(in: context.resolve(path), excluding: patterns)
        } else if !arguments[exclude].isEmpty {
            throw SluiceError(.usage, "--exclude leaves out files of a project, and --project names none")
        }
        for text in arguments[file] {
            let (source, target) = try ImageBuildCommand.pair(text, "--file", "SRC=DST")
            build.additions.append(.init(source: context.resolve(source), target: target))
        }
        for text in arguments[env] {
            let (name, value) = try ImageBuildCommand.pair(text, "--env", "NAME=VALUE")
            if Redactor.isSecret(key: name), !value.isEmpty {
                throw SluiceError(
                    .usage, "\(name) sounds like a secret, and whoever can read the image can read it",
                    hint: "give it to the job where it runs: as a secret of the platform, or from Key Vault")
            }
            build.environment.append((name, value))
        }
        for text in arguments[label] { build.labels.append(try ImageBuildCommand.pair(text, "--label", "NAME=VALUE")) }
        build.entrypoint = try arguments[entrypoint].map { (text) throws(SluiceError) in
            try ImageBuildCommand.words(text)
        }
        build.command = try arguments[command].map { (text) throws(SluiceError) in try ImageBuildCommand.words(text) }
        build.user = arguments[user]
        build.compression = arguments[compression]
        if let text = context.environment["SOURCE_DATE_EPOCH"], !text.isEmpty {
            guard let seconds = Int(text), (0...0o77_777_777_777).contains(seconds) else {
                throw SluiceError(
                    .usage, "SOURCE_DATE_EPOCH is \"\(Display.safe(text))\"", hint: "it is seconds since 1970")
            }
            build.created = seconds
        }
    }

    private static func pair(
        _ text: String, _ option: String, _ form: String
    ) throws(SluiceError) -> (name: String, value: String) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
            throw SluiceError(.usage, "\"\(Display.safe(text))\" is no \(form)", hint: "write \(option) \(form)")
        }
        return (String(text[..<equals]), String(text[text.index(after: equals)...]))
    }

    /// Words between blanks, or a JSON array for those that have blanks themselves.
    private static func words(_ text: String) throws(SluiceError) -> [String] {
        guard text.hasPrefix("[") else { return text.split(separator: " ").map(String.init) }
        guard let items = (try? JSONText.parse(text))?.items, items.allSatisfy({ $0.text != nil }) else {
            throw SluiceError(
                .usage, "\"\(Display.safe(text))\" is no JSON array of words", hint: #"write ["run","orders"]"#)
        }
        return items.compactMap(\.text)
    }

    private func tell(
        _ result: ImageBuild.Result, _ build: ImageBuild, _ arguments: Arguments, _ context: Context
    ) {
        let omissions = build.project?.omissions ?? []
        if context.options.isJSON {
            return context.answer([
                "digest": .string(result.descriptor.digest.description), "output": .string(arguments[output]),
                "tag": .string(arguments[tag]), "platform": .string(result.platform.description),
                "size": .number(result.manifest.size), "config": ImageText.json(result.manifest.config),
                "layers": .array(result.manifest.layers.map(ImageText.json)),
                "libraries": .array(build.program.libraries.map { .string($0.name) }),
                "missing": .array(build.program.missing.map { .string($0) }),
                "project": build.project.map { ["files": .number($0.files.count), "bytes": .number($0.size)] } ?? .null,
                "omitted": .array(
                    omissions.map { ["path": .string($0.path), "reason": .string($0.reason)] }),
            ])
        }
        for library in build.program.missing {
            context.say("not in the image, because not on this machine: \(library)")
        }
        OmissionText.tell(omissions, in: context)
        context.detail("libraries: " + build.program.libraries.map(\.name).joined(separator: ", "))
        for line in ImageText.layers(result.manifest.layers) { context.detail(line) }
        let count = result.manifest.layers.count
        context.say(
            "built \(Display.safe(arguments[output])):\(arguments[tag]) for \(result.platform), \(count) layers, "
                + Quantities.describe(bytes: result.manifest.size))
        context.output.print(result.descriptor.digest.description)
    }
}

/// What of a project was left out, for people.
enum OmissionText {
    static func tell(_ omissions: [ProjectFiles.Omission], in context: Context) {
        for omission in omissions { context.say("left out: \(Display.safe(omission.path)) (\(omission.reason))") }
    }
}

extension ImageMonitor {
    /// How far it has come, for the line that tells.
    var measure: @Sendable () -> ProgressMeasure {
        { ProgressMeasure(bytes: self.bytes, totalBytes: self.total, countsRows: false) }
    }
}
