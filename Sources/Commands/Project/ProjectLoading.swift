import CommandLine
import Project
import Sluice
import Support

extension Context {
    /// The project that the command line means, as the chosen environment sees it. Warnings are told.
    ///
    /// - throws: `InvalidProject` with everything that is wrong, or `SluiceError` when there is none.
    func loadProject(_ parameters: ProjectParameters, _ arguments: Arguments) throws -> Project {
        try loadProjectAndVariables(parameters, arguments).project
    }

    /// The same, with the environment variables that it is seen with: the process's, `.env` laid under them.
    func loadProjectAndVariables(
        _ parameters: ProjectParameters, _ arguments: Arguments
    ) throws -> (project: Project, variables: [String: String]) {
        let file = try ProjectFile.find(in: self, variables: arguments[parameters.variablesFile])
        let (project, problems) = file.parse(
            environment: arguments[parameters.environment], variables: parameters.values(arguments))
        let report = DiagnosticReport(problems, sources: file.sources)
        guard let project else { throw InvalidProject(file: file.name, report: report) }
        if !options.isQuiet { report.tell(self) }
        return (project, file.environmentVariables)
    }

    /// The workspace of the project that the command line means, or an empty one where there is no project.
    func workspaceIfAny(_ parameters: ProjectParameters, _ arguments: Arguments) throws -> Workspace {
        do {
            let (project, variables) = try loadProjectAndVariables(parameters, arguments)
            return Workspace(project, environmentVariables: variables)
        } catch let error as SluiceError where error.code == .invalidConfiguration && !ProjectFile.isAnywhere(in: self)
        {
            return try Workspace.empty(in: self)
        }
    }
}

extension ProjectFile {
    /// The project as one environment sees it.
    func parse(
        environment: String?, variables: [String: String], unsetVariables: Diagnostic.Severity = .error
    ) -> (project: Project?, problems: [Diagnostic]) {
        var inputs = ProjectInputs(
            folder: folder, environment: environment, environmentVariables: environmentVariables, variables: variables)
        inputs.unsetVariables = unsetVariables
        inputs.variablesFile = variablesFile
        let (project, found) = Project.parse(text, file: name, vocabulary: .standard, inputs: inputs)
        return (project, problems + unknownVariables(variables) + found)
    }

    /// The environments that it declares.
    var environments: [String] { names(under: "environments") }

    /// The names under `section`, whatever else is wrong with the file.
    func names(under section: String) -> [String] { Project.names(under: section, in: text, file: name) }

    /// A value that was given on the command line and is asked for nowhere was meant for another name.
    private func unknownVariables(_ variables: [String: String]) -> [Diagnostic] {
        variables.keys.sorted().filter { !text.contains("${var.\($0)}") }.map { given in
            Diagnostic(
                .warning, "--var \(given)=… changes nothing, since ${var.\(given)} is not in the file",
                at: .init(file: name, line: 1, column: 1))
        }
    }
}

/// A project with errors in it: nothing is tried.
struct InvalidProject: Error {
    let file: String
    let report: DiagnosticReport

    /// Tells people and, with `--json`, machines.
    func write(to context: Context) {
        report.tell(context)
        let count = report.errorCount
        let message = count == 1 ? "1 error in the project" : "\(count) errors in the project"
        let error = ErrorReport(
            SluiceError(.invalidConfiguration, message, place: .init(file: file)), command: [])
        error.tell(context)
        if context.options.isJSON { context.answer(["error": error.json, "problems": report.json]) }
    }
}

extension Workspace {
    /// A workspace of a project that declares nothing: lake and warehouse are the usual ones of the current folder.
    static func empty(in context: Context) throws(SluiceError) -> Workspace {
        let folder = context.resolve(".")
        let inputs = ProjectInputs(folder: folder, environmentVariables: context.environment)
        let (project, problems) = Project.parse(
            "project: default", file: "sluice.yaml", vocabulary: .standard, inputs: inputs)
        guard let project else {
            throw SluiceError(.invalidConfiguration, problems.first?.message ?? "an empty project is not valid")
        }
        return Workspace(project, environmentVariables: context.environment)
    }
}
