public import Connectors
public import Ingest
public import Init
public import Map
public import Report
public import Runs
public import Storage
public import Support
import Synchronization
public import Warehouse

/// One run of one job, with its history and its log.
public struct JobRun: Sendable {
    private let record: RunRecord
    private let stateFolder: String
    private let observer: JobObserver
    private let work: @Sendable (Start) async throws(SluiceError) -> Done
    private var retry = RetryRule.never

    /// What a job's work is given.
    private struct Start: Sendable {
        var monitor: RunMonitor
        /// Earlier runs of which nobody knows how they ended.
        var unacknowledged: [String]
        /// Told of each try when it begins.
        var attempt: @Sendable (Int) async -> Void
        /// Told of each step when it begins and when it has ended.
        var step: @Sendable (StepRecord) async -> Void
    }

    /// What came of it.
    fileprivate enum Done: Sendable {
        case ingest(IngestResult)
        case report(ReportResult)
        case map(MapResult)
        case setup(InitResult)

        /// Why it failed, when what was done is told all the same.
        var failure: SluiceError? {
            switch self {
            case .ingest, .map: nil
            case .report(let report): report.failure
            case .setup(let setup): setup.failure
            }
        }
    }

    /// The run that `record` begins. What is kept of it lies in `stateFolder`.
    ///
    /// - parameter task: The task to do, when the run's work is divided.
    public init(
        record: RunRecord, job: IngestJob, task: String? = nil, connector: any Connector, warehouse: any Warehouse,
        lake: any ObjectStore, stateFolder: String, options: IngestOptions = .init(), observer: JobObserver = .init()
    ) {
        self.record = record
        self.stateFolder = stateFolder
        self.observer = observer
        work = { start throws(SluiceError) in
            var options = options
            options.unacknowledged = start.unacknowledged
            let run = IngestRun(
                record.id, of: job, from: connector, through: lake, into: warehouse, options: options,
                monitor: start.monitor)
            let share = task.map { run.share(task: $0) } ?? run
            return .ingest(try await share.perform(attempt: start.attempt))
        }
    }

    /// The run of a report that `record` begins.
    ///
    /// - parameter run: Makes the run that tells a monitor how it goes.
    public init(
        record: RunRecord, stateFolder: String, observer: JobObserver = .init(),
        report run: @escaping @Sendable (RunMonitor) -> ReportRun
    ) {
        self.record = record
        self.stateFolder = stateFolder
        self.observer = observer
        work = { start throws(SluiceError) in
            await start.attempt(1)
            return .report(try await run(start.monitor).perform())
        }
    }

    /// The run of a mapping that `record` begins.
    ///
    /// - parameter run: Makes the run that tells a monitor how it goes.
    public init(
        record: RunRecord, stateFolder: String, observer: JobObserver = .init(),
        map run: @escaping @Sendable (RunMonitor) throws(SluiceError) -> MapRun
    ) {
        self.record = record
        self.stateFolder = stateFolder
        self.observer = observer
        work = { start throws(SluiceError) in
            await start.attempt(1)
            return .map(try await run(start.monitor).perform())
        }
    }

    /// The run of an init job that `record` begins.
    public init(
        record: RunRecord, stateFolder: String, observer: JobObserver = .init(), setup job: InitJob, sites: InitSites
    ) {
        self.record = record
        self.stateFolder = stateFolder
        self.observer = observer
        work = { start throws(SluiceError) in
            await start.attempt(1)
            return .setup(
                await InitRun(record.id, of: job, sites: sites, monitor: start.monitor, note: start.step).perform())
        }
    }

    /// The same run, tried again when it fails as `rule` says.
    public func retrying(_ rule: RetryRule) -> JobRun {
        var run = self
        run.retry = rule
        return run
    }

    /// Does it. Does not throw: whatever happens is in the outcome.
    public func perform() async -> JobOutcome {
        var record = record
        let logPath = "\(stateFolder)/logs/\(record.id).ndjson"
        record.log = logPath
        record.who = HostProcess.who
        record.process = HostProcess.current
        record.state = .running
        let observer = observer
        let log = RunLog(path: logPath, run: record.id, job: record.job) { problem in
            observer.event(RunEvent(.warning, "log-failed", "\(problem)"))
        }
        let monitor = RunMonitor { event in
            log.write(event.logLevel, event.name, event.message, fields: event.fields)
            observer.event(event)
        }
        let history = await openHistory(monitor)
        let dead = await deadRuns(history)
        await history?.tell { store throws(SluiceError) in try await store.start(record) }
        monitor.say("started", "run \(record.id) of \(record.job)", ["parameters": .raw(record.parameters)])
        observer.begun(record, monitor)

        let attempts = Mutex<[AttemptRecord]>([])
        let reporter = Task { [record] in await report(record.id, monitor, history) }
        let start = Start(monitor: monitor, unacknowledged: dead.map(\.id)) { [record] _ in
            let attempt = attempts.withLock { attempts in
                // Whoever counts: a job's own tries and those of its rule are of one row of numbers.
                let attempt = AttemptRecord(number: attempts.count + 1, startedAt: Moment.now.microseconds)
                attempts.end(.failed, monitor.counts, error: "tried again")
                attempts.append(attempt)
                return attempt
            }
            await history?.tell { store throws(SluiceError) in try await store.attempt(record.id, attempt) }
        } step: { [record] step in
            await history?.tell { store throws(SluiceError) in try await store.step(record.id, step) }
        }
        let outcome = await outcome(start)
        reporter.cancel()
        await reporter.value
        record.attempts = attempts.withLock { $0 }
        let ended = record.ended(outcome, monitor)
        // In a task of its own, because this one may be cancelled.
        await Task { [ended] in
            await history?.tell { store throws(SluiceError) in
                try await store.finish(ended.record)
                try await settle(dead, ended, store)
            }
        }.value
        FaultPoint.recorded.reach()
        log.write(
            ended.error == nil ? .info : .error, "ended", ended.error.map { "\($0)" } ?? ended.record.state.rawValue,
            ["state": .string(ended.record.state.rawValue)])
        log.close()
        return ended
    }

    /// What comes of the work, tried as often as the rule says.
    private func outcome(_ start: Start) async -> Result<Done, SluiceError> {
        var tries = 1
        while true {
            let outcome: Result<Done, SluiceError>
            do throws(SluiceError) {
                outcome = .success(try await work(start))
            } catch {
                outcome = .failure(error)
            }
            let failure: SluiceError?
            switch outcome {
            case .success(let done): failure = done.failure
            case .failure(let error): failure = error
            }
            guard let failure, let pause = retry.pause(after: failure, tries: tries), !Task.isCancelled else {
                return outcome
            }
            start.monitor.say(
                "retry",
                "try \(tries) of \(retry.attempts) failed, the next in \(Quantities.describe(pause)): \(failure)",
                level: .warning)
            do {
                try await Task.sleep(for: pause)
            } catch {
                return outcome
            }
            tries += 1
            start.monitor.startAgain()
        }
    }

    // MARK: History

    private func openHistory(_ monitor: RunMonitor) async -> History? {
        do throws(SluiceError) {
            return History(store: try await RunStore.open("\(stateFolder)/runs.db"), monitor: monitor)
        } catch {
            monitor.say("history-failed", "the history of runs cannot be kept: \(error)", level: .warning)
            return nil
        }
    }

    /// The last runs of this job, as far as they ended without a word: whoever waited for them does not know how.
    private func deadRuns(_ history: History?) async -> [RunRecord] {
        guard let runs = try? await history?.store.list(RunFilter(job: record.job, limit: 20)) else { return [] }
        return Array(
            runs.filter { $0.project == record.project && $0.id != record.id && !$0.wasNotBegun }
                .prefix { $0.error == RunStore.endedWithoutAWord })
    }

    /// Says of dead runs how they ended, now that the warehouse has been asked.
    private func settle(_ dead: [RunRecord], _ outcome: JobOutcome, _ store: RunStore) async throws(SluiceError) {
        for var run in dead {
            run.finishedAt = Moment.now.microseconds
            if let result = outcome.result, result.run == run.id {
                run.state = outcome.record.state
                run.counts = outcome.record.counts
                run.error = nil
                run.exitCode = outcome.record.exitCode
            } else if let entry = outcome.result?.unacknowledged.first(where: { $0.run == run.id }),
                entry.status == .success || entry.status == .partial
            {
                run.finishedAt = entry.finishedAt ?? run.finishedAt
                run.state = entry.status == .success ? .succeeded : .partial
                run.counts.rowsLoaded = entry.rows ?? 0
                run.error = nil
                run.exitCode = entry.status == .success ? 0 : 3
            } else {
                run.state = .failed
                run.error = RunStore.endedWithoutAWord
                run.exitCode = 1
            }
            try await store.finish(run)
        }
    }

    /// Keeps the history's counts up to date while the run goes on.
    private func report(_ id: String, _ monitor: RunMonitor, _ history: History?) async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(2))
            if Task.isCancelled { return }
            let counts = monitor.counts
            await history?.tell { store throws(SluiceError) in
                try await store.update(id, state: .running, counts: counts)
            }
        }
    }
}

/// The history of runs, which a run does not depend on: what goes wrong with it is told once.
private final class History: Sendable {
    let store: RunStore
    private let monitor: RunMonitor
    private let hasFailed = Atomic(false)

    init(store: RunStore, monitor: RunMonitor) {
        self.store = store
        self.monitor = monitor
    }

    func tell(_ body: (RunStore) async throws(SluiceError) -> Void) async {
        do throws(SluiceError) {
            try await body(store)
        } catch {
            if !hasFailed.exchange(true, ordering: .relaxed) {
                monitor.say("history-failed", "the history of runs cannot be kept: \(error)", level: .warning)
            }
        }
    }
}

extension RunRecord {
    /// This record of a run that ended so.
    fileprivate func ended(_ outcome: Result<JobRun.Done, SluiceError>, _ monitor: RunMonitor) -> JobOutcome {
        var record = self
        record.finishedAt = Moment.now.microseconds
        record.counts = monitor.counts
        switch outcome {
        case .success(.ingest(let result)):
            record.end(result.isPartial ? .partial : .succeeded)
            record.counts.take(result)
            record.cursorFrom = result.cursorFrom
            record.cursorTo = result.cursorTo
            record.attempts.end(record.state, record.counts)
            return JobOutcome(record: record, result: result)
        case .success(.report(let report)):
            record.end(report.failure != nil ? .failed : report.isPartial ? .partial : .succeeded)
            record.error = (report.failure.map { "\($0)" } ?? report.missing).map { Redactor.shared.redact($0) }
            record.counts.take(report)
            record.attempts.end(record.state, record.counts, error: record.error)
            return JobOutcome(record: record, report: report, error: report.failure)
        case .success(.map(let map)):
            record.end(map.isPartial ? .partial : .succeeded)
            record.error = map.missing.map { Redactor.shared.redact($0) }
            record.counts.rowsLoaded = map.rowsLoaded
            record.counts.bytesRead = map.bytesRead
            record.counts.files = map.footersRead
            record.attempts.end(record.state, record.counts, error: record.error)
            return JobOutcome(record: record, map: map)
        case .success(.setup(let setup)):
            record.end(setup.failure.map(RunState.init(ended:)) ?? .succeeded)
            record.error = setup.failure.map { Redactor.shared.redact("\($0)") }
            record.steps = setup.steps
            record.attempts.end(record.state, record.counts, error: record.error)
            return JobOutcome(record: record, setup: setup, error: setup.failure)
        case .failure(let error):
            record.end(RunState(ended: error))
            record.error = Redactor.shared.redact("\(error)")
            record.attempts.end(record.state, record.counts, error: record.error)
            return JobOutcome(record: record, error: error)
        }
    }

    private mutating func end(_ state: RunState) {
        self.state = state
        switch state {
        case .succeeded: exitCode = 0
        case .partial: exitCode = 3
        default: break
        }
    }
}

extension RunState {
    /// How a run stands that ended with `error`.
    init(ended error: SluiceError) {
        switch error.code {
        case .cancelled: self = .cancelled
        case .timedOut: self = .timedOut
        default: self = .failed
        }
    }
}

extension [AttemptRecord] {
    /// Ends the last one.
    fileprivate mutating func end(_ state: RunState, _ counts: RunCounts, error: String? = nil) {
        guard var last = popLast() else { return }
        last.state = state
        last.finishedAt = Moment.now.microseconds
        last.counts = counts
        last.error = error
        append(last)
    }
}

extension RunMonitor {
    /// How far the run has come, in the history's words.
    var counts: RunCounts {
        var counts = RunCounts()
        counts.rowsRead = rowsRead
        counts.rowsStaged = rowsStaged
        counts.rowsLoaded = rowsLoaded
        counts.rowsRejected = rowsRejected
        counts.bytesRead = bytesRead
        return counts
    }
}

extension RunCounts {
    fileprivate mutating func take(_ result: IngestResult) {
        rowsRead = result.rowsRead
        rowsStaged = result.rowsStaged
        rowsLoaded = result.load.rows
        rowsRejected = result.rowsRejected
        bytesRead = result.bytesRead
        bytesStaged = result.bytesStaged
        files = result.parts.count
    }
}

extension RunCounts {
    fileprivate mutating func take(_ report: ReportResult) {
        rowsRead = report.inputs.filter { $0.state == .written }.reduce(0) { $0 + $1.records }
        rowsRejected = report.inputs.filter { $0.state == .written }.reduce(0) { $0 + $1.records - $1.valid }
        rowsLoaded = report.rowsLoaded
        files = report.written
    }
}

extension RunEvent {
    fileprivate var logLevel: RunLog.Level {
        switch level {
        case .debug: .debug
        case .info: .info
        case .warning: .warning
        }
    }
}
