import Init
import Packages
import Sluice
import Support
import Synchronization

/// A run with its progress on standard error, and its summary at the end.
struct WatchedRun {
    private let context: Context
    /// Whether no other run is watched at the same time, which would draw over its progress.
    private let isAlone: Bool
    /// The package that the project was taken from; nil for a folder.
    private let source: PackageReference?

    init(_ context: Context, isAlone: Bool = true, from source: PackageReference? = nil) {
        self.context = context
        self.isAlone = isAlone
        self.source = source
    }

    /// Runs a job of the project.
    ///
    /// - parameter id: The run's id, when a platform has given it one.
    func perform(
        _ workspace: Workspace, _ job: String, id: String? = nil, task: String? = nil, _ options: IngestOptions
    ) async -> JobOutcome {
        let package = WatchedRun.package + (source.map { ", \($0.short)" } ?? "")
        return await watched(job) { observer in
            await workspace.run(job, id: id, task: task, options: options, package: package, observer: observer)
        }
    }

    /// Shows how far a run has come while `work` does it, and tells how it ended.
    func watched(_ title: String, _ work: (JobObserver) async -> JobOutcome) async -> JobOutcome {
        let (context, isAlone) = (context, isAlone)
        let current = Mutex<RunMonitor?>(nil)
        let observer = JobObserver(
            event: { event in
                // The banner and steps of an init job are what it has to say.
                if event.name.hasPrefix("init-") {
                    return context.say(isAlone ? event.message : "\(title): \(event.message)")
                }
                switch event.level {
                case .warning: context.messages.print("\(title): \(event.message)")
                case .info: context.detail("\(title): \(event.message)")
                case .debug: break
                }
            }, begun: { _, monitor in current.withLock { $0 = monitor } })
        let start = context.now()
        guard isAlone else {
            let outcome = await work(observer)
            tell(outcome, title, context.now() - start)
            return outcome
        }
        let outcome = await context.withProgress(
            title,
            {
                guard let monitor = current.withLock({ $0 }) else { return ProgressMeasure() }
                return ProgressMeasure(
                    rows: monitor.rowsRead, bytes: monitor.bytesRead, totalBytes: monitor.bytesTotal,
                    stage: monitor.stage)
            }, { await work(observer) })
        tell(outcome, title, context.now() - start)
        return outcome
    }

    /// An error of a run, told like that of any command; the answer has been given.
    func report(_ error: SluiceError, of command: String = "run") throws -> ExitCode {
        if let cause = context.cancellation.cause {
            context.messages.print(cause.message)
            return cause.exitCode
        }
        ErrorReport(error, command: [command]).tell(context)
        return ExitCode(error)
    }

    // MARK: Summary

    private func tell(_ outcome: JobOutcome, _ title: String, _ duration: Duration) {
        if let report = outcome.report {
            ReportLines(report).tell(title, in: context)
            context.say("\(title): \(outcome.record.state.rawValue), \(Quantities.describe(duration))")
            context.say("run \(outcome.record.id)")
            return
        }
        if let map = outcome.map {
            if !context.options.isJSON, map.script != "-" { MapLines(map).showTable(in: context) }
            MapLines(map).tell(title, in: context)
            context.say("\(title): \(outcome.record.state.rawValue), \(Quantities.describe(duration))")
            context.say("run \(outcome.record.id)")
            return
        }
        if outcome.setup != nil {
            context.say("\(title): \(outcome.record.state.rawValue), \(Quantities.describe(duration))")
            context.say("run \(outcome.record.id)")
            return
        }
        guard let result = outcome.result else { return }
        if let note = result.note {
            context.say("\(title): \(note)")
            return
        }
        let load = result.load
        let known = result.knownFiles
        let files = known == 1 ? "1 file is" : "\(ProgressView.count(known)) files are"
        if result.rowsRead == 0, result.parts.isEmpty, known > 0 {
            context.say("\(title): nothing new: \(files) loaded already")
            context.say("run \(outcome.record.id)")
            return
        }
        var parts = ["\(ProgressView.count(result.rowsRead)) rows read"]
        if load.inserted > 0 || load.rows == 0 { parts.append("\(ProgressView.count(load.inserted)) inserted") }
        if load.updated > 0 { parts.append("\(ProgressView.count(load.updated)) updated") }
        if load.deleted > 0 { parts.append("\(ProgressView.count(load.deleted)) deleted") }
        if load.skipped > 0 { parts.append("\(ProgressView.count(load.skipped)) there already") }
        if result.rowsRejected > 0 { parts.append("\(ProgressView.count(result.rowsRejected)) rejected") }
        if known > 0 { parts.append("\(files) loaded already") }
        if !result.parts.isEmpty {
            let files = result.parts.count == 1 ? "1 file" : "\(result.parts.count) files"
            parts.append("\(Quantities.describe(bytes: result.bytesStaged)) staged in \(files)")
        }
        let seconds = max(duration.seconds, 1e-3)
        parts.append(Quantities.describe(duration))
        if result.rowsRead > 0 { parts.append("\(ProgressView.count(Int(Double(result.rowsRead) / seconds))) rows/s") }
        if let to = result.cursorTo { parts.append("cursor \(result.cursorFrom.map { "\($0) → " } ?? "→ ")\(to)") }
        context.say("\(title): \(outcome.record.state.rawValue): " + parts.joined(separator: ", "))
        for change in result.changes { context.detail("\(title): table: \(change)") }
        for path in result.rejects { context.say("\(title): rejected rows are in \(path)") }
        context.say("run \(outcome.record.id)")
    }

    /// The program that worked, for the history.
    static var package: String { "sluice \(Version.number) (\(Version.commit))" }
}

extension ExitCode {
    /// How a run ended.
    init(_ outcome: JobOutcome) {
        if let error = outcome.error {
            self = ExitCode(error)
        } else {
            self = outcome.record.state == .partial ? .partial : .succeeded
        }
    }
}

/// What `run` and `ingest` answer for machines.
enum RunAnswer {
    /// One run's document, or that of several.
    static func document(_ runs: [JSONText]) -> JSONText {
        runs.count == 1 ? runs[0] : ["runs": .array(runs)]
    }
}

extension JobOutcome {
    /// The outcome for machines; the words of F003-14 first.
    var json: JSONText {
        let result = result
        let status =
            switch record.state {
            case .succeeded: "success"
            case .partial: "partial"
            case .cancelled: "cancelled"
            default: "failure"
            }
        let duration = Double((record.finishedAt ?? record.startedAt) - record.startedAt) / 1e6
        return [
            "run_id": .string(result?.run ?? record.id), "job": .string(record.job), "status": .string(status),
            "state": .string(record.state.rawValue),
            "rows_loaded": .number(result?.load.rows ?? 0), "parquet_files": .number(result?.parts.count ?? 0),
            "duration_seconds": .real(duration),
            "rows_read": .number(record.counts.rowsRead), "rows_staged": .number(record.counts.rowsStaged),
            "rows_inserted": .number(result?.load.inserted ?? 0), "rows_updated": .number(result?.load.updated ?? 0),
            "rows_deleted": .number(result?.load.deleted ?? 0), "rows_skipped": .number(result?.load.skipped ?? 0),
            "rows_rejected": .number(record.counts.rowsRejected), "bytes_read": .number(record.counts.bytesRead),
            "bytes_staged": .number(record.counts.bytesStaged),
            "cursor_from": record.cursorFrom.map { .string($0) } ?? .null,
            "cursor_to": record.cursorTo.map { .string($0) } ?? .null,
            "files": .array((result?.parts ?? []).map { .string($0.path) }),
            "rejects": .array((result?.rejects ?? []).map { .string($0) }),
            "note": result?.note.map { .string($0) } ?? .null, "report": report?.json ?? .null,
            "map": map?.json ?? .null, "setup": setup?.json ?? .null,
            "error": error.map { ErrorReport($0, command: ["run"]).json } ?? .null,
        ]
    }
}
