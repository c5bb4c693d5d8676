import CommandLine
import Platforms
import Runs
import Support

/// `sluice logs`: what a run said while it worked, or says.
struct Logs: Command {
    let run = Parameter.optionalArgument(
        "RUN", .run, help: "A run's id or a part of it, or a job for its latest run; the latest of all when not given")
    let follow = Parameter.flag("follow", short: "f", help: "Go on with what is said from now on, until the run ends")
    let level = Parameter.optional(
        "level", .choice(RunLog.Level.self), help: "Only lines that matter at least so much; info when not given")

    let place = Parameter.optional("on", .platformName, help: "The platform to ask for a run that is not known here")
    let environment = ProjectParameters().environment

    var model: CommandModel {
        CommandModel(
            "logs", "Show what a run said while it worked",
            [.arguments(run), .options(follow, level, place, environment)],
            discussion: """
                Times are UTC; --verbose shows what is known besides the message. With --json the lines are those of \
                the log file, one JSON object each, and all of them unless --level is given. Of a run on a platform \
                elsewhere it is what its program has printed.
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
            let remote = try await RemoteRuns(history, context).find(
                arguments[run], on: arguments[place], environment: arguments[environment])
            if let remote {
                try await show(remote, arguments, context)
            } else {
                try await show(history, arguments, context)
            }
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

    /// Shows what the program of a run elsewhere has printed.
    private func show(_ run: RemoteRuns.Found, _ arguments: Arguments, _ context: Context) async throws {
        var position = 0
        var pending: [UInt8] = []
        func tell(_ line: some Sequence<UInt8>) {
            let text = Redactor.shared.redact(String(decoding: Array(line), as: UTF8.self))
            context.output.print(
                context.options.isJSON ? (["message": .string(text)] as JSONText).text() : Display.safe(text))
        }
        var failures = 0
        while !context.output.isClosed {
            let page: LogPage
            do throws(SluiceError) {
                page = try await run.platform.log(run.handle, from: position)
                failures = 0
            } catch {
                failures += 1
                guard error.isTransient, arguments[follow], failures < 10 else { throw error }
                try await Task.sleep(for: .seconds(2))
                continue
            }
            position = page.next
            pending += page.bytes
            while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                tell(pending[..<end])
                pending.removeFirst(end + 1)
            }
            if page.isLast || (page.bytes.isEmpty && !arguments[follow]) { break }
            if page.bytes.isEmpty { try await Task.sleep(for: run.platform.abilities.interval * 2) }
        }
        if !pending.isEmpty { tell(pending) }
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
