import CommandLine
import Sluice
import Support

/// `sluice run`: jobs of the project, one after the other.
struct RunCommand: Command {
    let jobs = Parameter.arguments(
        "JOB", .job, help: "The jobs to run, in this order, save that one comes behind those it is to run after")
    let project = ProjectParameters()
    let plan = Parameter.flag("plan", help: "Show what would be done, and do nothing")
    let limit = Parameter.optional(
        "limit", .integer(1...), help: "Read at most so many rows, as a trial: watermarks stay where they are")
    let watch = Parameter.optional(
        "watch", .duration, help: "Run again whenever so much time has passed, until Ctrl-C")
    let incremental = IncrementalParameters()

    var model: CommandModel {
        CommandModel(
            "run", "Run jobs of the project",
            [.arguments(jobs), project.group, incremental.group, .options(plan, limit, watch)],
            discussion: """
                Rows go from the source into the lake, and from there into the warehouse in one transaction, together \
                with everything that says they are there. Whatever stops a run, the table is as it was before, and the \
                same command can be given again.

                With several jobs, the first that fails ends the command. Rejected rows make a run partial: exit code 3.
                """,
            examples: [
                .init("sluice run orders", "what is new"),
                .init("sluice run orders customers -e prod", "two jobs in an environment"),
                .init("sluice run orders --plan", "what would be done"),
                .init("sluice run orders --resume", "load what a run that died has staged"),
                .init("sluice run orders --backfill 2026-01-01..2026-02-01", "a stretch of the past"),
                .init("sluice run orders --watch 5m", "every five minutes"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let (declared, variables) = try context.loadProjectAndVariables(project, arguments)
        let workspace = Workspace(declared, environmentVariables: variables)
        var options = try incremental.options(arguments)
        options.limit = arguments[limit]
        // A name that is wrong is told before the first job has run.
        let names = try workspace.inOrder(arguments[jobs])
        if arguments[plan] {
            return try await PlanReport.show(names, workspace, options, in: context)
        }
        var documents: [JSONText] = []
        var code = ExitCode.succeeded
        repeat {
            for name in names {
                let outcome = try await WatchedRun(context).perform(workspace, name, options)
                documents.append(outcome.json)
                let ended = ExitCode(outcome)
                if ended != .succeeded { code = ended }
                if let error = outcome.error {
                    if context.options.isJSON { context.answer(RunAnswer.document(documents)) }
                    return try WatchedRun(context).report(error)
                }
            }
            guard let pause = arguments[watch] else { break }
            documents = []
            context.say("next run in \(Quantities.describe(pause))")
            try await Task.sleep(for: pause)
        } while true
        if context.options.isJSON { context.answer(RunAnswer.document(documents)) }
        return code
    }
}

/// The options by which a run reads more or less than what is new.
struct IncrementalParameters: Sendable {
    let fullRefresh = Parameter.flag(
        "full-refresh", help: "Read everything, and put it in place of what is in the table")
    let backfill = Parameter.optional(
        "backfill", .text.named("FROM..TO"),
        help: "Read this stretch of the cursor, without TO itself; the watermark stays where it is")
    let resume = Parameter.flag("resume", help: "Load what an earlier run has staged, without reading the source")

    var group: ParameterGroup { ParameterGroup("What is read", [fullRefresh, backfill, resume]) }

    /// What they say together.
    func options(_ arguments: Arguments) throws(SluiceError) -> IngestOptions {
        var options = IngestOptions()
        options.fullRefresh = arguments[fullRefresh]
        options.resumes = arguments[resume]
        if let text = arguments[backfill] {
            guard let dots = text.firstRange(of: "..") else {
                throw SluiceError(
                    .usage, "--backfill is '\(text)', a stretch was expected",
                    hint: "Write FROM..TO; either may be left out: 2026-01-01..2026-02-01")
            }
            let (from, to) = (String(text[..<dots.lowerBound]), String(text[dots.upperBound...]))
            options.backfill = (from.isEmpty ? nil : from, to.isEmpty ? nil : to)
        }
        let chosen = [
            options.fullRefresh ? "--full-refresh" : nil, options.backfill != nil ? "--backfill" : nil,
            options.resumes ? "--resume" : nil,
        ].compactMap { $0 }
        if chosen.count > 1 {
            throw SluiceError(.usage, "\(chosen.joined(separator: " and ")) cannot be meant at once")
        }
        return options
    }
}
