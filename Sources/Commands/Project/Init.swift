import CommandLine
import Glibc
import Project
import Settings
import Sluice
import Support

/// `sluice init`: a project that runs, to begin with.
struct Init: Command {
    let folder = Parameter.optionalArgument("FOLDER", .folder, help: "Where to begin; here when not given")

    var model: CommandModel {
        CommandModel(
            "init", "Begin a project: a sluice.yaml with a job that runs, and data for it", [.arguments(folder)],
            discussion: """
                No file that is there is touched. Besides the project and its data, the JSON Schema is written, by \
                which editors complete sluice.yaml.
                """,
            examples: [
                .init("sluice init shop", "in a new folder"), .init("sluice init", "in this folder"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let named = arguments[folder]
        let shown = named.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? ""
        let root = context.resolve(named ?? ".")
        if named != nil { try makeFolder(root, named: shown) }
        let files = Scaffold.files(project: Scaffold.projectName(try real(root)))
        try refuseWhatIsThere(root, shown, files.map(\.path))

        for folder in ["data", ".sluice"] { try makeFolder("\(root)/\(folder)", named: shown + folder) }
        var written: [String] = []
        do throws(SluiceError) {
            for (path, text) in files {
                try SmallFile.create("\(root)/\(path)", named: shown + path, text)
                written.append(path)
            }
        } catch {
            // Half a project would be in the way of the next try.
            for path in written { unlink("\(root)/\(path)") }
            throw error
        }
        unlink("\(root)/\(Scaffold.schemaFile)")
        try SmallFile.create(
            "\(root)/\(Scaffold.schemaFile)", named: shown + Scaffold.schemaFile,
            Vocabulary.standard.jsonSchema.text(pretty: true) + "\n")
        let (isNew, missing) = try ignore(root, shown)
        if isNew { written.append(".gitignore") }
        written.append(Scaffold.schemaFile)
        tell(written.map { shown + $0 }, named: named, missing: missing, in: context)
        return .succeeded
    }

    private func tell(_ written: [String], named: String?, missing: [String], in context: Context) {
        let steps =
            (named.map { ["cd \(quoted($0))"] } ?? []) + [
                "sluice validate", "sluice run orders customers", "sluice query 'SELECT * FROM orders'", "sluice runs",
            ]
        if context.options.isJSON {
            context.answer([
                "files": .array(written.map { .string($0) }), "next": .array(steps.map { .string($0) }),
            ])
        } else {
            context.output.print(written.map { "wrote " + Display.safe($0) }.joined(separator: "\n"))
            context.say("\nNext:\n" + steps.map { "  " + Display.safe($0) }.joined(separator: "\n"))
        }
        if !missing.isEmpty {
            context.say("\n.gitignore is there already; add to it: \(missing.joined(separator: " "))")
        }
    }

    // MARK: Files

    private func refuseWhatIsThere(_ root: String, _ shown: String, _ paths: [String]) throws(SluiceError) {
        let taken = (paths + ProjectFile.names.dropFirst()).filter { access("\(root)/\($0)", F_OK) == 0 }
        guard let first = taken.first else { return }
        let others = taken.count == 1 ? "" : ", and so are \(taken.dropFirst().joined(separator: ", "))"
        throw SluiceError(
            .invalidConfiguration, "is there already\(others); nothing was written",
            place: .init(file: shown + first), hint: "Name another folder: sluice init FOLDER.")
    }

    /// Writes `.gitignore`, or says what one that is there does not have.
    private func ignore(
        _ root: String, _ shown: String
    ) throws(SluiceError) -> (isNew: Bool, missing: [String]) {
        let path = "\(root)/.gitignore"
        guard let bytes = try SmallFile.read(path, named: shown + ".gitignore", limit: 1 << 20) else {
            try SmallFile.create(
                path, named: shown + ".gitignore", Scaffold.ignored.joined(separator: "\n") + "\n")
            return (true, [])
        }
        let lines = String(decoding: bytes, as: UTF8.self).split { $0.isNewline }.map(String.init)
        return (false, Scaffold.ignored.filter { !lines.contains($0) && !lines.contains("/" + $0) })
    }

    private func makeFolder(_ path: String, named name: String) throws(SluiceError) {
        if mkdir(path, 0o777) == 0 { return }
        var status = stat()
        if errno == EEXIST, stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        let code: SluiceError.Code = errno == EACCES || errno == EROFS ? .permission : .inputOutput
        throw SluiceError(code, "the folder cannot be made: \(errorText())", place: .init(file: name))
    }

    private func real(_ path: String) throws(SluiceError) -> String {
        guard let real = realpath(path, nil) else {
            throw SluiceError(.notFound, "there is no such folder", place: .init(file: path))
        }
        defer { free(real) }
        return String(cString: real)
    }

    /// `text` as a word of a shell.
    private func quoted(_ text: String) -> String {
        let isPlain = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
        return isPlain ? text : "'" + text.replacing("'", with: "'\\''") + "'"
    }
}
