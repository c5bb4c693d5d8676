import CommandLine
import Runs
import Support

/// `sluice runs`: what ran, and how it ended.
struct RunsCommand: Command {
    let job = Parameter.optional("job", .job, help: "Only runs of this job")
    let state = Parameter.optional("state", .choice(RunState.self), help: "Only runs that stand so")
    let environment = Parameter.optional(
        "environment", .environment, short: "e", help: "Only runs in this environment")
    let since = Parameter.optional("since", .duration, help: "Only runs that began in this time: 2h, 7d")
    let limit = Parameter.option(
        "limit", .integer(1...), short: "n", default: "20", help: "At most so many, the latest")

    var model: CommandModel {
        CommandModel(
            "runs", "List what ran, and how it ended", [.options(job, state, environment, since, limit)],
            discussion: """
                The id is the end of the run's whole id, which --json shows, and is enough to name the run to 'status' \
                and 'logs'. Times are UTC. A run whose process is gone, without having said how it ended, has failed.
                """,
            examples: [
                .init("sluice runs", "the latest"),
                .init("sluice runs --job orders --state failed --since 7d", "what went wrong this week"),
                .init("sluice runs --json --limit 1000", "everything that is known, for machines"),
            ])
    }

    func run(_ arguments: Arguments, in context: Context) async throws -> ExitCode {
        let history = try await History.open(in: context)
        var filter = RunFilter(
            job: arguments[job], state: arguments[state], environment: arguments[environment], limit: arguments[limit])
        if let time = arguments[since] {
            filter.since = Moment(microseconds: Moment.now.microseconds - Int64(time.seconds * 1_000_000))
        }
        let runs = try await history.store?.list(filter, withAttempts: context.options.isJSON) ?? []
        await history.store?.close()
        if context.options.isJSON {
            context.answer(["runs": .array(runs.map(\.json))])
        } else if runs.isEmpty {
            let isNarrowed = [job.spec, state.spec, environment.spec, since.spec].contains { arguments.isGiven($0) }
            context.say(isNarrowed ? "no run is like that" : "nothing was run here yet")
        } else {
            context.output.print(table(runs, in: context).joined(separator: "\n"))
        }
        return .succeeded
    }

    private func table(_ runs: [RunRecord], in context: Context) -> [String] {
        let renderer = TableRenderer(
            [
                .init(title: "id"), .init(title: "job"), .init(title: "state"), .init(title: "started"),
                .init(title: "took", isNumber: true), .init(title: "rows", isNumber: true),
                .init(title: "rejected", isNumber: true), .init(title: "error"),
            ], in: context)
        let (lines, hidden) = renderer.render(
            runs.map { run in
                [
                    .plain(RunID.short(run.id)), .plain(run.job), .plain(run.state.rawValue),
                    .plain(RunText.moment(run.startedAt)), .plain(Quantities.describe(run.duration())),
                    .plain(ProgressView.count(run.counts.rowsLoaded)),
                    .plain(ProgressView.count(run.counts.rowsRejected)), .plain(run.error ?? ""),
                ]
            })
        return lines + TableRenderer.note(hidden, in: context)
    }
}

/// How runs are told to people.
enum RunText {
    /// `2026-11-21 05:32:56`
    static func moment(_ microseconds: Int64) -> String {
        let moment = Moment(microseconds: microseconds)
        return "\(moment.day) \(moment.clock)"
    }
}
