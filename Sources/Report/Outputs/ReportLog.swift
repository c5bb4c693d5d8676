import Runs
import Storage
import Support

/// The logs of how it went with an input: one that says what was done, or one that says why nothing was.
///
/// That a log cannot be written hides nothing: it is told, and the work counts as it is.
struct ReportLog: Sendable {
    private let run: ReportRun

    init(_ run: ReportRun) { self.run = run }

    /// Writes the log of a report that is there.
    ///
    /// - returns: Where it is; nil when it could not be written.
    func success(of input: String, _ outcome: ReportOutcome, since start: Moment) async -> String? {
        let end = Moment.now
        let milliseconds = (end.microseconds - start.microseconds + 5_000) / 10_000 * 10
        let task = ReportLog.task(of: input)
        return await write(
            [
                "job_id": .string(run.job.name), "task_id": .string(task), "run_id": .string(run.id),
                "input_blob": .string(input), "output_blob": outcome.report.map { .string($0) } ?? .null,
                "start_time": .string(start.iso), "end_time": .string(end.iso),
                "execution_time_seconds": .real(Double(milliseconds) / 1000), "status": "success",
                "transactions_processed": .number(outcome.records), "valid_transactions": .number(outcome.valid),
                "invalid_transactions": .number(outcome.records - outcome.valid),
            ], to: "logs/\(ReportNames.safe(run.job.name))/\(task)_\(start.compact).json")
    }

    /// Writes the log of an input that has no report.
    func failure(of input: String, _ error: SluiceError) async -> String? {
        let task = ReportLog.task(of: input)
        return await write(
            [
                "job_id": .string(run.job.name), "task_id": .string(task), "run_id": .string(run.id),
                "input_blob": .string(input), "status": "failed",
                "error": .string(Redactor.shared.redact("\(error)")),
                "hint": error.hint.map { .string($0) } ?? .null, "timestamp": .string(Moment.now.iso),
            ], to: "logs/errors/\(ReportNames.safe(run.job.name))/\(task)_error.json")
    }

    /// What the work on an input is called: the same in every run, and different for files of one name in two folders.
    static func task(of input: String) -> String {
        let digest = (try? ReportNames.digest([input])) ?? ""
        return "\(ReportNames.stem(of: input))_\(digest.prefix(8))"
    }

    private func write(_ document: JSONText, to path: String) async -> String? {
        do throws(SluiceError) {
            try await run.output.write(document.text(pretty: true) + "\n", to: path)
            return run.output.url(path)
        } catch {
            run.monitor.say("log-failed", "a log could not be written: \(error)", level: .warning)
            return nil
        }
    }
}
