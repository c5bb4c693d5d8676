import CommandLine
import Runs
import Support

/// `sluice logs`: what a run said while it worked, or says.
struct Logs: Command {
    let run = Parameter.optionalArgument(
        "RUN", .run, help: "A run's id or a part of it, or a job for its latest run; the latest of all when not given")
    let follow = Parameter.flag("follow", short: "f", help: "Go on with what is said from now on, until the run ends")
    let level = Parameter.optional(
        "level", .choice(RunLog.Level.self), help: "Only lines that matter at least so much; info when not given")

    var model: CommandModel {
        CommandModel(
            "logs", "Show what a run said while it worked", [.arguments(run), .options(follow, level)],
            discussion: """
                Times are UTC; --verbose shows what is known besides the message. With --json the lines are those of \
                the log file, one JSON object each, and all of them unless --level is given.
                """,
            examples: [
                .init("sluice logs", "of the latest run"),
                .init("sluice logs orders --follow", "of a job that runs, as it goes on"),
                .init("sluice logs 5d81f0a2 --json --level warning", "for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let history = try await History.open(in: context)
        do {
            try await show(history, arguments, context)
        } catch {
            await history.store?.close()
            // Whoever follows a log ends it with Ctrl-C: nothing went wrong.
            let isCancelled = error is CancellationError || (error as? SluiceError)?.code == .cancelled
            guard isCancelled, arguments[follow] else { throw error }
            return context.cancellation.cause?.exitCode ?? .interrupted
        }
        await history.store?.close()
        return .succeeded
    }

    private func show(_ history: History, _ arguments: Arguments, _ context: Context) async throws {
        let run = try await history.run(arguments[self.run])
        let path = history.log(of: run)
        var tail = LogTail(path)
        let least = arguments[level] ?? (context.options.isJSON ? .debug : .info)
        let view = LogView(least: least, isRaw: context.options.isJSON, isVerbose: context.options.isVerbose)
        var hasEnded = run.isFinished || !arguments[follow]
        while !context.output.isClosed {
            let lines = try tail.read()
            for line in lines {
                if let text = view.text(of: line) { context.output.print(text) }
            }
            if !lines.isEmpty { continue }
            if hasEnded { break }
            // What it said last is read after it was seen to have ended.
            hasEnded = try await history.store?.run(matching: run.id)?.isFinished ?? true
            if !hasEnded { try await Task.sleep(for: .milliseconds(200)) }
        }
        if let text = tail.rest.flatMap(view.text) { context.output.print(text) }
        if !tail.wasThere {
            throw SluiceError(
                .notFound, "the run \(RunID.short(run.id)) has no log", place: .init(file: path),
                hint: "'sluice status \(RunID.short(run.id))' tells how it ended.")
        }
    }
}
