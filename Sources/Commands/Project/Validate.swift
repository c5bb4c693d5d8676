import CommandLine
import Project
import Support

/// `sluice validate`: whether the project file can be acted on, and everything that is wrong with it.
struct Validate: Command {
    let project = ProjectParameters()

    var model: CommandModel {
        CommandModel(
            "validate", "Check the project file, and show every problem at once", [project.group],
            discussion: """
                Without --environment, the file is checked as each of its environments sees it. A variable of the \
                operating system that is not set here is a warning then, since it may be set where that environment is \
                used.

                Nothing is connected to: 'sluice check' does that.
                """,
            examples: [
                .init("sluice validate", "the whole file"),
                .init("sluice validate -e prod --json", "one environment, for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let file = try ProjectFile.find(in: context, variables: arguments[project.variablesFile])
        let result = check(file, arguments)
        let report = DiagnosticReport(result.problems, sources: file.sources)
        report.tell(context)
        let isValid = report.errorCount == 0
        if context.options.isJSON {
            context.answer([
                "valid": .bool(isValid), "file": .string(file.name),
                "project": result.project.map { .string($0.name) } ?? nil,
                "connections": .array((result.project?.connections.keys.sorted() ?? []).map { .string($0) }),
                "jobs": .array((result.project?.jobs.map(\.name) ?? []).map { .string($0) }),
                "environments": .array(result.environments.map { .string($0) }),
                "problems": report.json,
            ])
        } else if isValid, let project = result.project {
            let found = [
                ProgressView.counted(project.connections.count, "connection"),
                ProgressView.counted(project.jobs.count, "job"),
                ProgressView.counted(result.environments.count, "environment"),
            ]
            context.output.print("\(file.name) is valid: \(found.joined(separator: ", "))")
        } else {
            context.messages.print("\(file.name) is not valid: \(ProgressView.counted(report.errorCount, "error"))")
        }
        return isValid ? .succeeded : .invalidConfiguration
    }

    /// The project and its problems as the chosen environment sees it, or as each does.
    private func check(
        _ file: ProjectFile, _ arguments: Arguments
    ) -> (project: Project?, environments: [String], problems: [Diagnostic]) {
        let variables = project.values(arguments)
        let environments = file.environments
        if let chosen = arguments[project.environment] {
            let (project, problems) = file.parse(environment: chosen, variables: variables)
            return (project, environments, problems)
        }
        if environments.isEmpty {
            let (project, problems) = file.parse(environment: nil, variables: variables)
            return (project, [], problems)
        }
        var project: Project?
        var problems: [Diagnostic] = []
        var known: Set<Diagnostic> = []
        // A file that asks which environment is chosen is never used without one.
        let views: [String?] = (file.text.contains("${environment}") ? [] : [nil]) + environments
        for environment in views {
            let (seen, found) = file.parse(
                environment: environment, variables: variables, unsetVariables: .warning)
            if project == nil { project = seen }
            let isFirst = environment == views[0]
            problems += found.filter { known.insert($0).inserted }.map { isFirst ? $0 : $0.seen(in: environment) }
        }
        problems.sort { ($0.mark.file, $0.mark.line, $0.mark.column) < ($1.mark.file, $1.mark.line, $1.mark.column) }
        return (project, environments, problems)
    }

}

extension Diagnostic {
    /// The same problem, told as one that shows only in an environment.
    fileprivate func seen(in environment: String?) -> Diagnostic {
        guard let environment else { return self }
        return Diagnostic(severity, "in the environment \(environment), \(message)", at: mark, path: path, hint: hint)
    }
}
