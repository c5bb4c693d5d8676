import CommandLine
import Packages
import Platforms
import Runs
import Sluice
import Support

/// `sluice start`: a run that goes on when this command has ended.
struct StartCommand: Command {
    let job = Parameter.argument("JOB", .job, help: "The job to run")
    let words = Parameter.arguments(
        "OPTION", .text, required: false, help: "Options of 'sluice run', behind --: -- --full-refresh")
    let project = ProjectParameters()
    let place = Parameter.optional("on", .platformName, help: "The platform, instead of the one that the project names")
    let wait = Parameter.flag("wait", help: "Wait until the run has ended, and end as it does")
    let time = Parameter.optional("time", .duration, help: "End it when it has taken so long")
    let memory = Parameter.optional("memory", .byteSize, help: "End it when it has so much memory: 512MiB")

    var model: CommandModel {
        CommandModel(
            "start", "Start a run that goes on by itself",
            [.arguments(job, words), project.group, .options(place, wait, time, memory)],
            discussion: """
                On this machine the run is a process of its own, without a terminal, and its record and log are those \
                of any run. The command returns when the run has begun, and not before; one that cannot begin is a \
                failure of the command, with what the program said. On another platform, to which the job has to be \
                deployed, it returns when the platform has begun the run.

                With --wait the exit code is that of the run. Whoever stops waiting by Ctrl-C does not stop the run: \
                'sluice cancel' does.
                """,
            examples: [
                .init("sluice start orders", "and come back later: sluice status orders"),
                .init("sluice start orders --wait --time 1h", "end as the run does, after an hour at most"),
                .init("sluice start orders -- --full-refresh", "with an option of 'sluice run'"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let (declared, variables) = try context.loadProjectAndVariables(project, arguments)
        let workspace = Workspace(declared, environmentVariables: variables)
        let name = arguments[job]
        // A name that is wrong is told before anything is started.
        _ = try workspace.order(of: [name])
        let platform =
            try arguments[place].map { name in try workspace.platform(name) } ?? workspace.platform(ofJob: name)
        let deployment = try workspace.startable(name, on: platform)
        let isForced = arguments[words].contains(Workspace.ignoresAfterWord)
        if !platform.abilities.keepsHistory, !isForced { try await askBefore(name, workspace, context) }
        let more = arguments[words].filter { $0 != Workspace.ignoresAfterWord || platform.abilities.keepsHistory }
        var request = RunRequest(
            run: RunID.make(), arguments: deployment.arguments + more,
            environment: declared.givenVariables,
            limits: RunLimits(time: arguments[time], memory: arguments[memory]), job: deployment)
        if platform.abilities.spreads,
            let divided = try await divide(deployment, on: platform, workspace, arguments, context)
        {
            guard !divided.tasks.isEmpty else { return nothingToDo(divided, name, context) }
            request.tasks = divided.tasks
            let new = ProgressView.counted(divided.total - divided.known, "new input")
            context.say("\(ProgressView.counted(divided.tasks.count, "task")) for \(new) of \(divided.total)")
        }
        let handle = try await platform.start(request)
        let isTakenUp = handle.run != request.run
        if isTakenUp { context.say("taken up: run \(handle.run), whose start broke off") }
        let history = try await workspace.history()
        do {
            let code =
                platform.abilities.keepsHistory
                ? try await follow(handle, deployment, on: platform, history, isWaiting: arguments[wait], context)
                : try await watch(
                    handle, deployment, on: platform, history, isTakenUp: isTakenUp, isWaiting: arguments[wait], context
                )
            await history.close()
            return code
        } catch {
            await history.close()
            throw error
        }
    }

    /// Divides the run of a job into tasks, as the project says that its program will see: that of the package which the job
    /// was deployed with, if there is one.
    private func divide(
        _ job: JobDeployment, on platform: any Platform, _ workspace: Workspace, _ arguments: Arguments,
        _ context: Context
    ) async throws -> DividedRun? {
        let again = arguments[words].contains("--full-refresh")
        let seen = Array(job.arguments.dropFirst(2))
        guard platform.shelf != nil, let package = try await platform.deployed(job)?.package else {
            return try await workspace.divide(job.job, again: again, words: seen)
        }
        let packaged = try await PackagedProject.open(package.description, in: context)
        defer { packaged.remove() }
        let (declared, variables) = try packaged.context.loadProjectAndVariables(project, arguments)
        let inside = Workspace(declared, environmentVariables: variables, stateFolder: packaged.stateFolder)
        return try await inside.divide(job.job, again: again, words: seen)
    }

    /// Says that all inputs have been worked on; no run is begun.
    private func nothingToDo(_ divided: DividedRun, _ job: String, _ context: Context) -> ExitCode {
        if context.options.isJSON {
            context.answer(["run": .null, "known": .number(divided.known)])
        } else {
            let known = divided.known == 1 ? "1 input is" : "\(divided.known) inputs are"
            context.output.print("\(Display.safe(job)): nothing new: \(known) reported on already")
        }
        return .succeeded
    }

    /// Makes sure that the jobs before this one have succeeded, of those that run elsewhere by asking there.
    private func askBefore(_ name: String, _ workspace: Workspace, _ context: Context) async throws {
        let earlier = try workspace.earlier(than: name)
        if earlier.isEmpty { return }
        let history = try await History.open(in: context)
        let remote = RemoteRuns(history, context)
        for job in earlier {
            if let open = try await history.store?.latest(of: job), !open.isFinished,
                let found = try await remote.find(open.id, on: nil, environment: workspace.project.environment)
            {
                _ = try await remote.refresh(found)
            }
        }
        await history.store?.close()
        if let obstacle = try await workspace.obstacle(to: name) { throw obstacle }
    }

    /// The record of a run of which nothing is known but that it was started.
    private func beginning(_ handle: RunHandle, _ job: JobDeployment) -> RunRecord {
        var record = RunRecord(
            id: handle.run, project: job.project, job: job.job, kind: job.kind, startedAt: Moment.now.microseconds)
        record.environment = job.environment
        record.platform = handle.platform
        record.who = HostProcess.who
        record.state = .starting
        return record
    }

    /// Says that a run has begun.
    private func begun(
        _ run: RunRecord, on place: String, isTakenUp: Bool = false, _ context: Context
    ) -> ExitCode {
        if context.options.isJSON {
            context.answer(["run": run.json, "takenUp": .bool(isTakenUp)])
        } else {
            context.output.print("run \(run.id) of \(Display.safe(run.job)) has begun\(place)")
            context.say("'sluice status \(RunID.short(run.id))' tells how it stands, 'sluice logs -f' what it says")
        }
        return .succeeded
    }

    /// Notes a run elsewhere, and waits for it.
    private func watch(
        _ handle: RunHandle, _ job: JobDeployment, on platform: any Platform, _ history: RunStore, isTakenUp: Bool,
        isWaiting: Bool, _ context: Context
    ) async throws -> ExitCode {
        var record = beginning(handle, job)
        // Of one that was taken up somebody may have asked before.
        if isTakenUp, let known = try await history.run(matching: handle.run), !known.isFinished { record = known }
        record.reference = handle.reference
        try await history.start(record)
        let name = Display.safe(job.job)
        if !isWaiting {
            return begun(record, on: " on \(Display.safe(platform.name))", isTakenUp: isTakenUp, context)
        }
        context.say("waiting for run \(handle.run) of \(name); Ctrl-C stops the waiting, not the run")
        let status = try await platform.wait(for: handle, every: platform.abilities.interval)
        record = try await RemoteRuns.note(status, of: record, in: history)
        if context.options.isJSON {
            context.answer(["run": record.json, "takenUp": .bool(isTakenUp)])
        } else {
            let reason = record.error.map { ": \(Display.safe($0))" } ?? ""
            let usage = status.usage.map { ", \($0)" } ?? ""
            context.output.print(
                "\(name): \(status.state.rawValue)\(reason), \(Quantities.describe(record.duration()))\(usage)")
        }
        return ExitCode(status.state, code: status.exitCode)
    }

    private func follow(
        _ handle: RunHandle, _ deployment: JobDeployment, on platform: any Platform, _ history: RunStore,
        isWaiting: Bool, _ context: Context
    ) async throws -> ExitCode {
        let job = deployment.job
        // Until the program itself has said that the run has begun.
        var record: RunRecord?
        var status = try await platform.status(handle)
        while record == nil, !status.state.isFinal {
            try await Task.sleep(for: .milliseconds(50))
            record = try await history.run(matching: handle.run)
            status = try await platform.status(handle)
        }
        record = try await history.run(matching: handle.run)
        if record == nil, status.reason != nil {
            // It ran into a limit before it could say that it is there.
            record = try await RemoteRuns.note(status, of: beginning(handle, deployment), in: history)
        }
        guard let begun = record else { throw await notBegun(handle, status, platform, job) }
        if !isWaiting { return self.begun(begun, on: "", context) }
        context.say("waiting for run \(handle.run) of \(Display.safe(job)); Ctrl-C stops the waiting, not the run")
        status = try await platform.wait(for: handle)
        let ended = try await history.run(matching: handle.run) ?? begun
        let state = ended.isFinished && status.reason == nil ? ended.state : status.state
        if context.options.isJSON {
            context.answer(["run": ended.json])
        } else {
            let reason = status.reason ?? ended.error
            context.output.print(
                "\(Display.safe(job)): \(state.rawValue)\(reason.map { ": \(Display.safe($0))" } ?? ""), \(Quantities.describe(ended.duration()))"
            )
        }
        return ExitCode(state, code: status.exitCode)
    }

    /// Why a run was not begun: what its program said, its last lines.
    private func notBegun(
        _ handle: RunHandle, _ status: PlatformStatus, _ platform: any Platform, _ job: String
    ) async -> SluiceError {
        var bytes: [UInt8] = []
        while let page = try? await platform.log(handle, from: bytes.count), !page.bytes.isEmpty { bytes += page.bytes }
        let lines = Redactor.shared.redact(String(decoding: bytes.suffix(4000), as: UTF8.self))
            .split(separator: "\n").suffix(8).map { Display.safe(String($0)) }
        return SluiceError(
            status.exitCode == 4 ? .invalidConfiguration : .inputOutput,
            "the run of \(job) did not begin: \(status.reason ?? status.word)", details: lines,
            hint: "'sluice run \(job)' shows more")
    }
}

extension ExitCode {
    /// The code of a command that ends as a run does.
    init(_ state: RunState, code: Int?) {
        switch state {
        case .succeeded: self = .succeeded
        case .partial: self = .partial
        case .timedOut: self = .timedOut
        case .cancelled: self = .interrupted
        default:
            let known: [ExitCode] = [.invalidConfiguration, .permission, .transient, .usage]
            self = known.first { Int($0.number) == code } ?? .failed
        }
    }
}
