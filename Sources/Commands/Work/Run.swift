import CommandLine
import Glibc
import Packages
import Platforms
import Sluice
import Support

/// `sluice run`: jobs of the project, in their order.
struct RunCommand: Command {
    let jobs = Parameter.arguments(
        "JOB", .job, required: false,
        help: "The jobs to run, in this order, save that one comes behind those it is to run after")
    let project = ProjectParameters()
    let all = Parameter.flag("all", help: "Run all jobs of the project")
    let width = Parameter.optional(
        "jobs", .integer(in: 1...64), short: "j",
        help: "How many jobs run side by side at most; one, and with --all as many as there are processors")
    let ignoresAfter = Parameter.flag(
        "ignore-after", help: "Run jobs although one that they are to run after has not succeeded")
    let plan = Parameter.flag("plan", help: "Show what would be done, and do nothing")
    let how = Parameter.flag("how", help: "Show the ways to start the jobs, with the very commands, and start nothing")
    let limit = Parameter.optional(
        "limit", .integer(1...), help: "Read at most so many rows, as a trial: watermarks stay where they are")
    let watch = Parameter.optional(
        "watch", .duration, help: "Run again whenever so much time has passed, until Ctrl-C")
    let task = Parameter.optional(
        "task", .text.named("ID"), help: "Do this task only, of a run that a platform has divided into tasks")
    let package = Parameter.optional(
        "package", .text.named("STORE/NAME@HASH"), environment: RunRequest.packageVariable,
        help: "Take the project from this package, instead of this folder")
    let incremental = IncrementalParameters()

    var model: CommandModel {
        CommandModel(
            "run", "Run jobs of the project",
            [
                .arguments(jobs), project.group, ParameterGroup("Which jobs", [all, width, ignoresAfter]),
                incremental.group, .options(plan, how, limit, watch, task, package),
            ],
            discussion: """
                Rows go from the source into the lake, and from there into the warehouse in one transaction, together \
                with everything that says they are there. Whatever stops a run, the table is as it was before, and the \
                same command can be given again. Steps of an init job are looked at, and done where they are not.

                A job runs when those have succeeded that it is to run after: in this command, or else in their latest \
                run. One that fails keeps those after it from running, and no other. Rejected rows make a run partial: \
                exit code 3.
                """,
            examples: [
                .init("sluice run orders", "what is new"),
                .init("sluice run orders customers -e prod", "two jobs in an environment"),
                .init("sluice run --all --jobs 4", "everything, in its order"),
                .init("sluice run orders --plan", "what would be done"),
                .init("sluice run orders --resume", "load what a run that died has staged"),
                .init("sluice run orders --backfill 2026-01-01..2026-02-01", "a stretch of the past"),
                .init("sluice run orders --watch 5m", "every five minutes"),
                .init("sluice run grants --how", "how to start it, from where"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        guard let text = arguments[package] else { return try await run(arguments, in: context, from: nil) }
        let packaged = try await PackagedProject.open(text, in: context)
        defer { packaged.remove() }
        return try await run(arguments, in: packaged.context, from: packaged)
    }

    private func run(
        _ arguments: Arguments, in context: Context, from packaged: PackagedProject?
    ) async throws -> ExitCode {
        let named = arguments[jobs]
        if arguments[all], let name = named.first {
            throw SluiceError(
                .usage, "--all runs every job, and \(name) is named besides", hint: "leave one of both out")
        }
        if !arguments[all], named.isEmpty {
            throw SluiceError(.usage, "no job is named", hint: "name some, or run all of them with --all")
        }
        let (declared, variables) = try context.loadProjectAndVariables(project, arguments)
        let workspace = Workspace(
            declared, environmentVariables: variables, stateFolder: packaged?.stateFolder)
        var options = try incremental.options(arguments)
        options.limit = arguments[limit]
        // A name that is wrong is told before the first job has run.
        var names: [String] = []
        for name in arguments[all] ? declared.jobs.map(\.name) : named where !names.contains(name) {
            names.append(name)
        }
        let order = try workspace.order(of: names)
        if arguments[how] { return try StartReport.show(order.names, workspace, in: context) }
        if arguments[plan] {
            return try await PlanReport.show(order.names, workspace, options, in: context)
        }
        if names.isEmpty { context.say("the project has no jobs") }
        if packaged != nil { for name in names { try await workspace.refuseRemains(of: name) } }
        if let task = arguments[task], names.count != 1 {
            throw SluiceError(.usage, "the task \(task) is of one job, and \(names.count) are named")
        }
        let width = arguments[width] ?? (arguments[all] ? max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) : 1)
        // A platform has named the run before it began. Those of --watch that follow are others.
        var id = names.count == 1 ? context.environment[RunRequest.idVariable].flatMap { $0.isEmpty ? nil : $0 } : nil
        while true {
            let code = try await perform(
                order, workspace, id: id, options, min(width, max(1, names.count)), arguments, context,
                packaged?.reference)
            id = nil
            guard let pause = arguments[watch] else { return code }
            if code != .succeeded, code != .partial { return code }
            context.say("next run in \(Quantities.describe(pause))")
            try await Task.sleep(for: pause)
        }
    }

    /// Runs the jobs once.
    private func perform(
        _ order: JobOrder, _ workspace: Workspace, id: String?, _ options: IngestOptions, _ width: Int,
        _ arguments: Arguments, _ context: Context, _ package: PackageReference?
    ) async throws -> ExitCode {
        let runner = WatchedRun(context, isAlone: width == 1, from: package)
        let task = arguments[task]
        let outcomes = await workspace.run(order, width: width, ignoresAfter: arguments[ignoresAfter]) { name in
            await runner.perform(workspace, name, id: id, task: task, options)
        }
        if context.options.isJSON { context.answer(RunAnswer.document(outcomes.map(\.json))) }
        if let cause = context.cancellation.cause {
            context.messages.print(cause.message)
            return cause.exitCode
        }
        var code = ExitCode.succeeded
        for outcome in outcomes {
            if let error = outcome.error {
                let told = tell(error, of: outcome.record, among: outcomes.count, context)
                // The first failure is what the command ends with; what came of it is not.
                if code == .succeeded || code == .partial { code = told }
            } else if code == .succeeded {
                code = ExitCode(outcome)
            }
        }
        return code
    }

    private func tell(_ error: SluiceError, of run: RunRecord, among count: Int, _ context: Context) -> ExitCode {
        var error = error
        if count > 1 { error.message = "\(run.job): \(error.message)" }
        ErrorReport(error, command: ["run"]).tell(context)
        return ExitCode(error)
    }
}

/// The ways to start jobs, in words.
enum StartReport {
    /// Shows them.
    static func show(_ names: [String], _ workspace: Workspace, in context: Context) throws -> ExitCode {
        let ways = try names.map { name in
            let platform = try workspace.platform(ofJob: name)
            return StartWays(
                job: name, environment: workspace.project.environment,
                platform: try platform.ways(of: try workspace.startable(name, on: platform)))
        }
        if context.options.isJSON {
            context.answer([
                "jobs": .array(zip(names, ways).map { ["job": .string($0), "ways": $1.json] })
            ])
            return .succeeded
        }
        for (number, (name, ways)) in zip(names, ways).enumerated() {
            if number > 0 { context.output.print("") }
            if names.count > 1 { context.output.print("\(Display.safe(name))\n") }
            for (index, way) in ways.ways.enumerated() {
                let missing = way.missing.map { ": not there, since \($0)" } ?? ""
                context.output.print("\(index + 1). \(way.name)\(missing)")
                for line in way.lines { context.output.print("   \(Display.safe(line))") }
            }
        }
        return .succeeded
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
