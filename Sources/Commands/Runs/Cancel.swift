import CommandLine
import Glibc
import Platforms
import Runs
import Support

/// `sluice cancel`: ends a run.
struct CancelCommand: Command {
    let run = Parameter.optionalArgument(
        "RUN", .run, help: "A run's id or a part of it, or a job for its latest run; the latest of all when not given")
    let place = Parameter.optional("on", .platformName, help: "The platform to ask for a run that is not known here")
    let environment = ProjectParameters().environment
    let force = Parameter.flag("force", help: "End it at once, without letting it put things in order")

    var model: CommandModel {
        CommandModel(
            "cancel", "End a run", [.arguments(run), .options(force, place, environment)],
            discussion: """
                The run is asked to end, as Ctrl-C does: it leaves the table as it was before, and says that it was \
                cancelled. The command waits for that, a minute at most, and two for a run on a platform elsewhere. A \
                run that has ended already stays as it is.
                """,
            examples: [
                .init("sluice cancel", "the latest run"), .init("sluice cancel orders", "the latest run of a job"),
                .init("sluice cancel 5d81f0a2 --force", "one that does not listen"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let history = try await History.open(in: context)
        do {
            let remote = RemoteRuns(history, context)
            let run: RunRecord
            let ended: RunRecord
            if let found = try await remote.find(
                arguments[self.run], on: arguments[place], environment: arguments[environment])
            {
                run = found.record
                ended = try await end(found, byForce: arguments[force], remote)
            } else {
                run = try await history.run(arguments[self.run])
                ended = try await end(run, byForce: arguments[force], history)
            }
            await history.store?.close()
            if context.options.isJSON {
                context.answer(["run": ended.json])
            } else {
                let word = run.isFinished ? "has ended already" : "ended"
                context.output.print("run \(ended.id) of \(Display.safe(ended.job)) \(word): \(ended.state.rawValue)")
            }
            return .succeeded
        } catch {
            await history.store?.close()
            throw error
        }
    }

    /// Ends a run elsewhere.
    private func end(_ found: RemoteRuns.Found, byForce: Bool, _ remote: RemoteRuns) async throws -> RunRecord {
        if found.record.isFinished { return found.record }
        try await found.platform.cancel(found.handle, byForce: byForce)
        let status = try await found.platform.wait(
            for: found.handle, atMost: .seconds(120), every: found.platform.abilities.interval)
        return try await remote.note(status, of: found.record)
    }

    private func end(_ run: RunRecord, byForce: Bool, _ history: History) async throws -> RunRecord {
        if run.isFinished { return run }
        let platform = LocalPlatform(folder: "\(history.folder)/.sluice/local")
        if let handle = try await platform.find(run.id) {
            try await platform.cancel(handle, byForce: byForce)
        } else if let process = run.process, HostProcess.isAlive(process.id, started: process.started) {
            // It runs in somebody's terminal.
            guard kill(process.id, byForce ? SIGKILL : SIGINT) == 0 else {
                throw SluiceError(
                    .permission,
                    "process \(process.id) of run \(run.id) cannot be ended: \(String(cString: strerror(errno)))",
                    hint: "It belongs to \(run.who)")
            }
        } else {
            throw SluiceError(
                .unsupported, "run \(run.id) is not on this machine: it was started by \(run.who)",
                hint: "Give the command there")
        }
        let deadline = ContinuousClock.now + .seconds(60)
        while ContinuousClock.now < deadline {
            if let now = try await history.store?.run(matching: run.id), now.isFinished || now.state.isFinal {
                return now
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        throw SluiceError(
            .timedOut, "run \(run.id) was asked to end, and has not within a minute",
            hint: "'sluice cancel \(RunID.short(run.id)) --force' ends it at once")
    }
}
