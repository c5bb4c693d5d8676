import CommandLine
import Project
import Support

extension Context {
    /// The project that the command line means, as the chosen environment sees it. Warnings are told.
    ///
    /// - throws: `InvalidProject` with everything that is wrong, or `SluiceError` when there is none.
    func loadProject(_ parameters: ProjectParameters, _ arguments: Arguments) throws -> Project {
        let file = try ProjectFile.find(in: self)
        let (project, problems) = file.parse(
            environment: arguments[parameters.environment], variables: parameters.values(arguments))
        let report = DiagnosticReport(problems, sources: file.sources)
        guard let project else { throw InvalidProject(file: file.name, report: report) }
        if !options.isQuiet { report.tell(self) }
        return project
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
        let (project, found) = Project.parse(text, file: name, vocabulary: .sluice, inputs: inputs)
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
