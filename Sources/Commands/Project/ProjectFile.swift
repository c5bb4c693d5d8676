import Glibc
import Project
import Support

/// A project file that was found, with what lies beside it.
struct ProjectFile: Sendable {
    /// Its path, as somebody in the current folder would write it: `../sluice.yaml`.
    let name: String
    /// The absolute folder that it lies in.
    let folder: String
    /// What it says.
    let text: String
    /// The process's environment, `.env` laid under it.
    let environmentVariables: [String: String]
    /// What was found on the way: lines of `.env` that do not read.
    let problems: [Diagnostic]
    /// The text of each file whose lines may be shown.
    private(set) var sources: [String: String]
    /// Values for its variables, from a file.
    private(set) var variablesFile: ProjectInputs.VariablesFile?

    /// What a project file may be called, the first being the usual.
    static let names = ["sluice.yaml", "sluice.yml", "sluice.json"]
    private static let largest = 16 << 20

    /// Finds and reads the project of `context`'s folder, or of the nearest folder above that has one.
    ///
    /// - parameter variables: The path of a file with values for its variables.
    static func find(in context: Context, variables: String? = nil) throws(SluiceError) -> ProjectFile {
        let place = try locate(in: context)
        var file = try read(
            place.names[0], others: Array(place.names.dropFirst()), folder: place.folder, up: place.up, context)
        if let variables {
            let text = try contents(of: context.resolve(variables), named: variables)
            file.variablesFile = .init(name: variables, text: text)
            file.sources[variables] = text
        }
        return file
    }

    /// The folder of the project that `find` would read.
    static func folder(in context: Context) throws(SluiceError) -> String { try locate(in: context).folder }

    private static func locate(
        in context: Context
    ) throws(SluiceError) -> (folder: String, up: String, names: [String]) {
        let start = try absolute(context.resolve("."))
        var folder = start
        var up = ""
        while true {
            let found = names.filter { access(join(folder, $0), F_OK) == 0 }
            if !found.isEmpty { return (folder, up, found) }
            if folder == "/" { break }
            folder = parent(of: folder)
            up += "../"
        }
        throw SluiceError(
            .invalidConfiguration, "no \(names[0]) is here, or in any folder above", place: .init(file: start),
            hint: "Run 'sluice init' to make one, or name its folder with -C FOLDER.")
    }

    /// Whether there is a project in `context`'s folder or above.
    static func isAnywhere(in context: Context) -> Bool {
        guard var folder = try? absolute(context.resolve(".")) else { return false }
        while true {
            if names.contains(where: { access(join(folder, $0), F_OK) == 0 }) { return true }
            if folder == "/" { return false }
            folder = parent(of: folder)
        }
    }

    private static func read(
        _ name: String, others: [String], folder: String, up: String, _ context: Context
    ) throws(SluiceError) -> ProjectFile {
        let text = try contents(of: join(folder, name), named: up + name)
        var problems = others.map { other in
            Diagnostic(
                .warning, "\"\(other)\" is not read, since \"\(name)\" is there",
                at: .init(file: up + other, line: 1, column: 1), hint: "keep one of them")
        }
        var variables = context.environment
        let envFile = join(folder, ".env")
        if access(envFile, F_OK) == 0 {
            let env = try contents(of: envFile, named: up + ".env")
            let parsed = parseDotEnv(env)
            variables = parsed.variables.merging(context.environment) { $1 }
            // The lines themselves are not shown: what stands in this file is often secret.
            problems += parsed.badLines.map { line in
                Diagnostic(
                    .warning, "this line is not read", at: .init(file: up + ".env", line: line, column: 1),
                    hint: "write NAME=value, or # before a comment")
            }
        }
        return ProjectFile(
            name: up + name, folder: folder, text: text, environmentVariables: variables, problems: problems,
            sources: [up + name: text])
    }

    // MARK: Files

    private static func absolute(_ path: String) throws(SluiceError) -> String {
        guard let real = realpath(path, nil) else {
            throw SluiceError(.notFound, "there is no such folder", place: .init(file: path))
        }
        defer { free(real) }
        return String(cString: real)
    }

    private static func join(_ folder: String, _ name: String) -> String {
        folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
    }

    private static func parent(of folder: String) -> String {
        guard let slash = folder.lastIndex(of: "/"), slash > folder.startIndex else { return "/" }
        return String(folder[..<slash])
    }

    /// The text of a file that people write by hand: UTF-8, and of a size that fits memory.
    private static func contents(of path: String, named name: String) throws(SluiceError) -> String {
        let place = SluiceError.Place(file: name)
        guard let bytes = try SmallFile.read(path, named: name, limit: largest) else {
            throw SluiceError(.notFound, "no such file", place: place)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw SluiceError(
                .invalidConfiguration, "the text is not UTF-8", place: place, hint: "Save it as UTF-8.")
        }
        return text
    }
}
