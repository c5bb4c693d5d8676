import CommandLine
import Platforms
import Runs
import Support

/// `sluice status`: everything about one run.
struct Status: Command {
    let run = Parameter.optionalArgument(
        "RUN", .run, help: "A run's id or a part of it, or a job for its latest run; the latest of all when not given")

    let place = Parameter.optional("on", .platformName, help: "The platform to ask for a run that is not known here")
    let environment = ProjectParameters().environment
    let tasks = Parameter.flag("tasks", help: "Show all tasks of a divided run, and not only those that failed")

    var model: CommandModel {
        CommandModel(
            "status", "Tell how a run stands, or how it ended", [.arguments(run), .options(place, environment, tasks)],
            discussion: """
                Times are UTC. The exit code says whether the run was found, not how it ended. A run on a platform is \
                asked for there; one that another machine has started is found by its whole id.
                """,
            examples: [
                .init("sluice status", "the latest run"), .init("sluice status orders", "the latest run of a job"),
                .init("sluice status 5d81f0a2 --json", "a certain run, for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let history = try await History.open(in: context)
        var run: RunRecord
        var told: PlatformStatus?
        var parts: [TaskStatus] = []
        do {
            let remote = RemoteRuns(history, context)
            if let found = try await remote.find(
                arguments[self.run], on: arguments[place], environment: arguments[environment])
            {
                (run, told) = try await remote.refresh(found)
                if told == nil, found.platform.abilities.spreads {
                    // Of one that has ended a platform may know its tasks still; how it ended is known.
                    told = try? await found.platform.status(found.handle)
                }
                if let counts = told?.tasks, arguments[tasks] || counts.failed > 0 {
                    parts = try await found.platform.tasks(found.handle).filter {
                        arguments[tasks] || ($0.state.isFinal && $0.state != .succeeded)
                    }
                }
            } else {
                run = try await history.run(arguments[self.run])
            }
        } catch {
            await history.store?.close()
            throw error
        }
        await history.store?.close()
        if context.options.isJSON {
            let counts = told?.tasks.map { [("taskCounts", $0.json), ("tasks", .array(parts.map(\.json)))] } ?? []
            context.answer(.object([("run", run.json)] + counts))
        } else {
            let table = parts.isEmpty ? [] : ["", "Tasks"] + taskLines(parts, in: context)
            context.output.print((lines(run, told, in: context) + table).joined(separator: "\n"))
        }
        return .succeeded
    }

    private func lines(_ run: RunRecord, _ told: PlatformStatus?, in context: Context) -> [String] {
        let facts = facts(run, told).compactMap { name, value in value.map { (name, $0) } }
        let width = facts.map { $0.0.count }.max() ?? 0
        var lines = facts.map { Display.pad($0.0, to: width) + "  " + Display.safe($0.1) }
        if !run.attempts.isEmpty { lines += ["", "Attempts"] + attempts(run.attempts, in: context) }
        if !run.steps.isEmpty { lines += ["", "Steps"] + steps(run.steps, in: context) }
        return lines
    }

    private func facts(_ run: RunRecord, _ told: PlatformStatus?) -> [(String, String?)] {
        let counts = run.counts
        var state = run.state.rawValue
        if let code = run.exitCode, code != 0 { state += ", exit code \(code)" }
        var rows = [
            "\(ProgressView.count(counts.rowsRead)) read", "\(ProgressView.count(counts.rowsStaged)) staged",
            "\(ProgressView.count(counts.rowsLoaded)) loaded",
        ]
        if counts.rowsRejected > 0 { rows.append("\(ProgressView.count(counts.rowsRejected)) rejected") }
        let bytes =
            "\(Quantities.describe(bytes: counts.bytesRead)) read, "
            + "\(Quantities.describe(bytes: counts.bytesStaged)) staged in "
            + (counts.files == 1 ? "1 file" : "\(ProgressView.count(counts.files)) files")
        let cursor = run.cursorTo.map { to in "from \(run.cursorFrom ?? "the beginning") to \(to)" }
        return [
            ("run", run.id), ("job", "\(run.project).\(run.job) (\(run.kind))"), ("environment", run.environment),
            ("state", state), ("error", run.error), ("started", RunText.moment(run.startedAt)),
            ("ended", run.finishedAt.map { RunText.moment($0) }), ("took", Quantities.describe(run.duration())),
            ("rows", run.reference == nil ? rows.joined(separator: ", ") : nil),
            ("bytes", run.reference == nil ? bytes : nil), ("cursor", cursor),
            ("parameters", run.parameters == "{}" ? nil : run.parameters),
            ("who", ([run.who] + (run.process.map { ["process \($0.id)"] } ?? [])).joined(separator: ", ")),
            ("where", run.platform + (run.reference.map { ", as \($0)" } ?? "")), ("platform says", told?.word),
            ("tasks", told?.tasks.map(summary)), ("used", told?.usage),
            ("program", run.package.isEmpty ? nil : run.package), ("log", run.log),
        ]
    }

    private func summary(_ counts: TaskCounts) -> String {
        let words = [
            (counts.succeeded, "succeeded"), (counts.failed, "failed"), (counts.running, "running"),
            (counts.waiting, "waiting"),
        ].filter { $0.0 > 0 }.map { "\(ProgressView.count($0.0)) \($0.1)" }
        return "\(ProgressView.count(counts.all)): \(words.joined(separator: ", "))"
    }

    private func taskLines(_ tasks: [TaskStatus], in context: Context) -> [String] {
        let renderer = TableRenderer(
            [
                .init(title: "task"), .init(title: "state"), .init(title: "attempts", isNumber: true),
                .init(title: "exit code", isNumber: true), .init(title: "took", isNumber: true), .init(title: "why"),
            ], in: context)
        let now = Moment.now.microseconds
        let (lines, hidden) = renderer.render(
            tasks.map { task in
                let took = task.startedAt.map { Duration.microseconds(max(0, (task.finishedAt ?? now) - $0)) }
                return [
                    .plain(Display.safe(task.id)), .plain(task.state.rawValue), .plain("\(task.attempts)"),
                    .plain(task.exitCode.map(String.init) ?? ""), .plain(took.map { Quantities.describe($0) } ?? ""),
                    .plain(Display.safe(task.reason ?? "")),
                ]
            })
        return lines + TableRenderer.note(hidden, in: context)
    }

    private func steps(_ steps: [StepRecord], in context: Context) -> [String] {
        let renderer = TableRenderer(
            [
                .init(title: "number", isNumber: true), .init(title: "step"), .init(title: "state"),
                .init(title: "took", isNumber: true), .init(title: "what"),
            ], in: context)
        let now = Moment.now.microseconds
        let (lines, hidden) = renderer.render(
            steps.map { step in
                let took = step.startedAt.map { Duration.microseconds(max(0, (step.finishedAt ?? now) - $0)) }
                return [
                    .plain("\(step.number)"), .text(step.name + (step.region.map { " [\($0)]" } ?? "")),
                    .plain(step.state.rawValue), .plain(took.map { Quantities.describe($0) } ?? ""),
                    .text(step.message),
                ]
            })
        return lines + TableRenderer.note(hidden, in: context)
    }

    private func attempts(_ attempts: [AttemptRecord], in context: Context) -> [String] {
        let renderer = TableRenderer(
            [
                .init(title: "number", isNumber: true), .init(title: "state"), .init(title: "started"),
                .init(title: "took", isNumber: true), .init(title: "read", isNumber: true),
                .init(title: "loaded", isNumber: true), .init(title: "error"),
            ], in: context)
        let now = Moment.now.microseconds
        let (lines, hidden) = renderer.render(
            attempts.map { attempt in
                [
                    .plain("\(attempt.number)"), .plain(attempt.state.rawValue),
                    .plain(RunText.moment(attempt.startedAt)),
                    .plain(
                        Quantities.describe(
                            .microseconds(max(0, (attempt.finishedAt ?? now) - attempt.startedAt)))),
                    .plain(ProgressView.count(attempt.counts.rowsRead)),
                    .plain(ProgressView.count(attempt.counts.rowsLoaded)), .plain(attempt.error ?? ""),
                ]
            })
        return lines + TableRenderer.note(hidden, in: context)
    }
}
