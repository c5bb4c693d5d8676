import CommandLine
import Runs
import Support

/// What completion offers of the user's own: jobs, environments, connections, runs. Whatever is wrong with the project,
/// nothing is said, since somebody is typing.
struct KnownWords {
    private let context: Context

    /// The words for the folder that an unfinished line is for.
    init(line: [String], _ context: Context) {
        var context = context
        for (word, next) in zip(line, line.dropFirst()) where word == "-C" || word == "--directory" {
            context.folder = context.resolve(next)
        }
        self.context = context
    }

    /// The words of one kind, each with what it means.
    func words(_ kind: String) async -> [ValueChoice] {
        kind == "runs" ? await runs() : names(under: kind)
    }

    private func names(under section: String) -> [ValueChoice] {
        (try? ProjectFile.find(in: context))?.names(under: section).map { ValueChoice($0) } ?? []
    }

    private func runs() async -> [ValueChoice] {
        let jobs = names(under: "jobs").map { ValueChoice($0.word, "the latest run of this job") }
        guard let store = try? await History.open(in: context).store else { return jobs }
        let runs = (try? await store.list(RunFilter(limit: 20))) ?? []
        await store.close()
        return jobs
            + runs.map { run in
                ValueChoice(
                    RunID.short(run.id), "\(run.job), \(run.state.rawValue), \(RunText.moment(run.startedAt))")
            }
    }
}

extension ValueKind where Value == String {
    /// The name of a job.
    static var job: ValueKind { known("JOB", "jobs") }
    /// The name of an environment.
    static var environment: ValueKind { known("NAME", "environments") }
    /// The name of a connection.
    static var connection: ValueKind { known("CONNECTION", "connections") }
    /// The id of a run or a part of it, or the name of a job.
    static var run: ValueKind { known("RUN", "runs") }

    static func known(_ placeholder: String, _ kind: String) -> ValueKind {
        ValueKind(placeholder, completion: .known(kind)) { text throws(ValueProblem) in
            if text.isEmpty { throw ValueProblem("is empty, a name was expected") }
            return text
        }
    }
}
