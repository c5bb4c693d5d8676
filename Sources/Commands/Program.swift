import CommandLine
import Platforms
import Runs
import Stores
import Support

/// The road from the words of a command line to an exit code.
public enum Program {
    /// Does what `words` (without the program's own name) say.
    public static func run(_ words: [String], in context: Context, registry: Registry = .all) async -> ExitCode {
        if words.first == "__complete" {
            // Not a command for people, and its words are those of an unfinished line, which no parser would take.
            let line = words.dropFirst(words.dropFirst().first == "--" ? 2 : 1)
            let known = KnownWords(line: Array(line), context)
            context.output.write(
                await Completer(root: registry.model).lines(for: Array(line)) { await known.words($0) })
            return .succeeded
        }
        if words.first == LocalPlatform.watchWord { return await watch(Array(words.dropFirst()), in: context) }
        var context = context
        // A word may be shown in a message before anybody has read it as a URL.
        for word in words { StoreURL.protectSignatures(in: word) }
        context.options = GlobalOptions(unparsed: words)
        let root = registry.model
        do {
            switch try Parser(root: root).parse(words, environment: context.environment) {
            case .help(let path):
                return help(path, below: root, in: context)
            case .version:
                return version(in: context)
            case .run(let path, let arguments):
                return await run(path, arguments, in: context, registry: registry)
            }
        } catch {
            return report(error.error, path: error.command, in: context)
        }
    }

    private static func run(
        _ path: [String], _ arguments: Arguments, in outer: Context, registry: Registry
    ) async -> ExitCode {
        var context = outer
        context.options = GlobalOptions(arguments)
        if !arguments[GlobalOptions.color] { context.terminal.wantsColor = false }
        do {
            if let folder = arguments[GlobalOptions.directory] { try context.enter(folder) }
            context.stores = StoresOnDemand { [context] () throws(SluiceError) in
                try context.openStores()
            }
            guard let command = registry.command(path) else { preconditionFailure("\(path) parsed, and calls nothing") }
            let code = try await command.run(arguments, in: context)
            if let failure = context.output.failure { throw failure }
            return code
        } catch let error as InvalidProject {
            error.write(to: context)
            return .invalidConfiguration
        } catch {
            return report(Program.sluiceError(error), path: path, in: context)
        }
    }

    /// Watches a run that `sluice start` has begun: no command for people, but the process that stays when that has ended.
    private static func watch(_ words: [String], in context: Context) async -> ExitCode {
        guard let watcher = LocalPlatform(folder: "").watcher(words, environment: context.environment) else {
            return .usage
        }
        do throws(SluiceError) {
            let status = try watcher.watch()
            // The program was only asked to end, or had no say: why, its record would not tell.
            if let reason = status.reason { try await note(status, reason, of: words[0]) }
            return .succeeded
        } catch {
            return report(error, path: [], in: context)
        }
    }

    /// Writes into the history that the run whose folder this is was ended by its watcher.
    private static func note(_ status: PlatformStatus, _ reason: String, of folder: String) async throws(SluiceError) {
        let parts = folder.split(separator: "/", omittingEmptySubsequences: false)
        guard let id = parts.last, parts.count > 2 else { return }
        let history = try await RunStore.open(parts.dropLast(2).joined(separator: "/") + "/runs.db")
        let found = try? await history.run(matching: String(id))
        if var run = found, run.id == id, run.state != .succeeded, run.state != .partial {
            run.state = status.state
            run.error = reason
            run.exitCode = status.state == .timedOut ? Int(ExitCode.timedOut.number) : status.exitCode
            run.finishedAt = status.finishedAt
            try? await history.finish(run)
        }
        await history.close()
    }

    private static func help(_ path: [String], below root: CommandModel, in context: Context) -> ExitCode {
        context.output.write(HelpText.page(for: path, below: root) ?? "")
        return .succeeded
    }

    private static func version(in context: Context) -> ExitCode {
        if context.options.isJSON {
            context.answer(["version": .string(Version.number), "commit": .string(Version.commit)])
        } else {
            context.output.print("sluice \(Version.number) (\(Version.commit))")
        }
        return .succeeded
    }

    private static func sluiceError(_ error: any Error) -> SluiceError {
        switch error {
        case let error as SluiceError: error
        case is CancellationError: SluiceError(.cancelled, "interrupted")
        default: SluiceError(.inputOutput, "\(error)")
        }
    }

    private static func report(_ error: SluiceError, path: [String], in context: Context) -> ExitCode {
        if let cause = context.cancellation.cause {
            context.messages.print(cause.message)
            return cause.exitCode
        }
        // Whoever read the answer has seen enough.
        if error.code == .cancelled, context.output.isClosed || error.place.file == "standard output" {
            return .succeeded
        }
        ErrorReport(error, command: path).write(to: context)
        return ExitCode(error)
    }
}
