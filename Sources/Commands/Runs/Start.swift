import CommandLine
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
    let wait = Parameter.flag("wait", help: "Wait until the run has ended, and end as it does")
    let time = Parameter.optional("time", .duration, help: "End it when it has taken so long")
    let memory = Parameter.optional("memory", .byteSize, help: "End it when it has so much memory: 512MiB")

    var model: CommandModel {
        CommandModel(
            "start", "Start a run that goes on by itself",
            [.arguments(job, words), project.group, .options(wait, time, memory)],
            discussion: """
                The run is a process of its own, without a terminal, and its record and log are those of any run. The \
                command returns when the run has begun, and not before; one that cannot begin is a failure of the \
                command, with what the program said.

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
        let platform = LocalPlatform(workspace)
        var words = [
            "-C", workspace.project.folder == "." ? context.resolve(".") : context.resolve(workspace.project.folder),
        ]
        words += ["run", name] + project.words(arguments, in: context) + arguments[self.words]
        let request = RunRequest(
            run: RunID.make(), arguments: words, environment: context.environment,
            limits: RunLimits(time: arguments[time], memory: arguments[memory]))
        let handle = try await platform.start(request)
        let history = try await workspace.history()
        do {
            let code = try await follow(handle, on: platform, history, name, isWaiting: arguments[wait], context)
            await history.close()
            return code
        } catch {
            await history.close()
            throw error
        }
    }

    private func follow(
        _ handle: RunHandle, on platform: LocalPlatform, _ history: RunStore, _ job: String, isWaiting: Bool,
        _ context: Context
    ) async throws -> ExitCode {
        // Until the program itself has said that the run has begun.
        var record: RunRecord?
        var status = try await platform.status(handle)
        while record == nil, !status.state.isFinal {
            try await Task.sleep(for: .milliseconds(50))
            record = try await history.run(matching: handle.run)
            status = try await platform.status(handle)
        }
        record = try await history.run(matching: handle.run)
        guard let begun = record else { throw await notBegun(handle, status, platform, job) }
        if !isWaiting {
            if context.options.isJSON {
                context.answer(["run": begun.json])
            } else {
                context.output.print("run \(handle.run) of \(Display.safe(job)) has begun")
                context.say(
                    "'sluice status \(RunID.short(handle.run))' tells how it stands, 'sluice logs -f' what it says")
            }
            return .succeeded
        }
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
        _ handle: RunHandle, _ status: PlatformStatus, _ platform: LocalPlatform, _ job: String
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

extension LocalPlatform {
    /// This machine, for the runs of a project.
    init(_ workspace: Workspace) { self.init(folder: "\(workspace.stateFolder)/local") }
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
