import Glibc
import Project
import Storage
public import Support

extension Workspace {
    /// Opens the project in `folder`, as `environment` sees it.
    ///
    /// - parameter variables: Values for `${var.…}`, which win over the file's.
    /// - throws: `SluiceError` that lists everything that is wrong with `sluice.yaml`.
    public static func open(
        _ folder: String = ".", environment: String? = nil, variables: [String: String] = [:]
    ) async throws(SluiceError) -> Workspace {
        let root = FolderStore(folder)
        var environmentVariables = processEnvironment()
        do throws(SluiceError) {
            let text = try await root.text(of: ".env")
            environmentVariables.merge(parseDotEnv(text).variables) { process, _ in process }
        } catch {
            // There need not be one; one that cannot be read would change what the project means.
            if error.code != .notFound { throw error }
        }
        let file = root.url("sluice.yaml")
        let inputs = ProjectInputs(
            folder: folder, environment: environment, environmentVariables: environmentVariables,
            variables: variables)
        let (project, problems) = Project.parse(
            try await root.text(of: "sluice.yaml"), file: file, vocabulary: .standard, inputs: inputs)
        guard let project else {
            let errors = problems.filter { $0.severity == .error }
            throw SluiceError(
                .invalidConfiguration, errors.map { "\($0)" }.joined(separator: "\n"), hint: errors.first?.hint)
        }
        return Workspace(project, environmentVariables: environmentVariables)
    }

    /// The environment variables of this process.
    public static func processEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                variables[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            entry += 1
        }
        return variables
    }
}
