import CommandLine
import Platforms
import Project
import Sluice
import Support

/// `sluice doctor`: what keeps a job from doing its work, and what to do about it.
struct DoctorCommand: Command {
    let job = Parameter.optionalArgument("JOB", .job, help: "The job; all jobs when none is named")
    let project = ProjectParameters()
    let timeout = Parameter.option("timeout", .duration, default: "30s", help: "How long to wait for each answer")
    let watch = Parameter.optional(
        "watch", .duration, help: "Look again whenever so much time has passed, until nothing is wrong or Ctrl-C")

    var model: CommandModel {
        CommandModel(
            "doctor", "Find what keeps a job from doing its work",
            [.arguments(job), project.group, .options(timeout, watch)],
            discussion: """
                Everything that a job stands on is looked at, in the order in which a run needs it: the project and its \
                variables, the sign-in, secrets, connections, the lake and the warehouse, the platform and what is \
                deployed there, the jobs before it, and how its latest run went. Each line says what was found, and \
                what to do where it is not as it has to be. Nothing is changed.
                """,
            examples: [
                .init("sluice doctor orders", "one job, and how its latest run went"),
                .init("sluice doctor -e prod", "everything that the jobs of an environment stand on"),
                .init("sluice doctor orders -e prod --watch 30s", "how a pool gets its nodes, for example"),
                .init("sluice doctor orders --json", "for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        while true {
            let code = try await examine(arguments, context)
            guard code != .succeeded, let pause = arguments[watch] else { return code }
            try await Task.sleep(for: pause)
        }
    }

    private func examine(_ arguments: Arguments, _ context: Context) async throws -> ExitCode {
        let file = try ProjectFile.find(in: context, variables: arguments[project.variablesFile])
        var rows: [PlatformCheck] = []
        func tell(_ row: PlatformCheck) {
            rows.append(row)
            if !context.options.isJSON { show(row, in: context) }
        }
        let (declared, problems) = file.parse(
            environment: arguments[project.environment], variables: project.values(arguments))
        if let name = arguments[job], let declared, declared.job(name) == nil {
            // A name that is wrong is a mistake of whoever asks, and none of the job.
            _ = try Workspace(declared, environmentVariables: file.environmentVariables).job(name)
        }
        tell(projectRow(file, problems))
        if let row = variablesRow(file, isValid: declared != nil) { tell(row) }
        if let declared {
            let workspace = Workspace(declared, environmentVariables: file.environmentVariables)
            let doctor = Doctor(workspace, job: arguments[job], within: arguments[timeout])
            let found = await doctor.examine { if !context.options.isJSON { show($0, in: context) } }
            rows += found
        } else {
            tell(PlatformCheck("everything else", .notAsked, "until the project is valid"))
        }
        try Task.checkCancellation()
        let failed = rows.filter { $0.outcome == .failed }
        if context.options.isJSON {
            context.answer(["healthy": .bool(failed.isEmpty), "rows": .array(rows.map(\.json))])
        } else {
            context.say(
                failed.isEmpty
                    ? "nothing is wrong, as far as can be seen from here"
                    : "\(failed.count) of \(rows.count) things are not as they have to be")
        }
        if failed.isEmpty { return .succeeded }
        return declared == nil ? .invalidConfiguration : .failed
    }

    private func projectRow(_ file: ProjectFile, _ problems: [Diagnostic]) -> PlatformCheck {
        let errors = problems.filter { $0.severity == .error }
        guard let first = errors.first else { return PlatformCheck("project", .passed, "\(file.name) is valid") }
        let more = errors.count > 1 ? " (and \(errors.count - 1) more)" : ""
        return PlatformCheck(
            "project", .failed, "\(first.mark.file):\(first.mark.line): \(first.message)\(more)",
            remedy: first.hint ?? "'sluice validate' shows all of it")
    }

    /// Which variables of the environment the file asks for, and which of them are set. Their values are shown nowhere.
    ///
    /// - parameter isValid: Whether the project reads without those that are not set: another environment asks for them then.
    private func variablesRow(_ file: ProjectFile, isValid: Bool) -> PlatformCheck? {
        var names: [(name: String, hasDefault: Bool)] = []
        var rest = file.text[...]
        while let start = rest.firstRange(of: "${env.") {
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}") else { break }
            let body = rest[..<end]
            let split = body.firstRange(of: ":-")
            let name = String(split.map { body[..<$0.lowerBound] } ?? body)
            if !names.contains(where: { $0.name == name }) { names.append((name, split != nil)) }
        }
        if names.isEmpty { return nil }
        let values = file.environmentVariables
        func words(_ found: [(name: String, hasDefault: Bool)], _ word: String) -> String? {
            found.isEmpty ? nil : "\(word): \(found.map(\.name).joined(separator: ", "))"
        }
        let isSet: ((name: String, hasDefault: Bool)) -> Bool = { variable in
            values[variable.name].map { !variable.hasDefault || !$0.isEmpty } ?? false
        }
        let missing = names.filter { !isSet($0) && !$0.hasDefault }
        let finding = [
            words(names.filter(isSet), "set"), words(names.filter { !isSet($0) && $0.hasDefault }, "by default"),
            words(missing, isValid ? "not set, and not needed here" : "missing"),
        ].compactMap { $0 }.joined(separator: "; ")
        return PlatformCheck(
            "environment variables", missing.isEmpty || isValid ? .passed : .failed, finding,
            remedy: missing.isEmpty || isValid ? nil : "set them, or add them to .env beside the project")
    }

    private func show(_ row: PlatformCheck, in context: Context) {
        let mark =
            switch row.outcome {
            case .passed: "✓"
            case .failed: "✗"
            case .notAsked: "–"
            }
        context.output.print(Display.safe("\(mark) \(row.subject): \(row.finding)"))
        if let remedy = row.remedy { context.output.print("  → \(Display.safe(remedy))") }
    }
}
