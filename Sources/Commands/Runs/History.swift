import CommandLine
import Glibc
import Runs
import Support

/// The history that a command looks into: that of the project here or above, and without a project that of this folder.
struct History {
    /// The folder that it lies under.
    let folder: String
    /// nil when nothing was run yet.
    let store: RunStore?

    /// Opens the history, of which nothing is made that is not there.
    static func open(in context: Context) async throws(SluiceError) -> History {
        let folder = try place(in: context)
        let path = RunFiles.history(in: folder)
        guard access(path, F_OK) == 0 else { return History(folder: folder, store: nil) }
        return History(folder: folder, store: try await RunStore.open(path))
    }

    private static func place(in context: Context) throws(SluiceError) -> String {
        do throws(SluiceError) {
            // What is wrong with the file does not matter here.
            return try ProjectFile.folder(in: context)
        } catch {
            let here = context.resolve(".")
            guard access(RunFiles.history(in: here), F_OK) == 0 else { throw error }
            return here
        }
    }

    /// The run that `name` means: the latest of the job that is called so, or the one with that id or a part of it; the
    /// latest of all when nothing is named.
    func run(_ name: String?) async throws(SluiceError) -> RunRecord {
        let hint = "'sluice runs' lists what there is."
        guard let store else {
            throw SluiceError(.notFound, "nothing was run here yet", place: .init(file: folder))
        }
        guard let name else {
            if let run = try await store.latest() { return run }
            throw SluiceError(.notFound, "nothing was run here yet", place: .init(file: folder))
        }
        if let run = try await store.latest(of: name) { return run }
        if let run = try await store.run(matching: name) { return run }
        throw SluiceError(.notFound, "no run or job is called \"\(name)\"", hint: hint)
    }

    /// The log of a run.
    func log(of run: RunRecord) -> String {
        guard let path = run.log else { return RunFiles.log(of: run.id, in: folder) }
        return path.hasPrefix("/") ? path : "\(folder)/\(path)"
    }
}

extension RunRecord {
    /// Whether nobody works on it any more.
    var isFinished: Bool { finishedAt != nil }

    /// How long it took, or has taken until now.
    func duration(now: Moment = .now) -> Duration {
        .microseconds(max(0, (finishedAt ?? now.microseconds) - startedAt))
    }
}
