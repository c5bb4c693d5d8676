import Glibc
public import Ingest
public import Init
public import Map
public import Report
public import Runs
public import Support

/// How a run ended: its record, what it did, and why it failed if it did.
public struct JobOutcome: Sendable {
    /// What the history says of it.
    public var record: RunRecord
    /// What it did, when it did something.
    public var result: IngestResult?
    /// What it reported on, when it is a report.
    public var report: ReportResult?
    /// What it gave names to, when it is a mapping.
    public var map: MapResult?
    /// What became of its steps, when it is an init job.
    public var setup: InitResult?
    /// Why it failed.
    public var error: SluiceError?
}

/// Who watches a run.
public struct JobObserver: Sendable {
    /// Told what happens, line by line.
    public var event: @Sendable (RunEvent) -> Void
    /// Told what to ask for how far the run has come.
    public var begun: @Sendable (RunRecord, RunMonitor) -> Void

    /// An observer that is told.
    public init(
        event: @escaping @Sendable (RunEvent) -> Void = { _ in },
        begun: @escaping @Sendable (RunRecord, RunMonitor) -> Void = { _, _ in }
    ) {
        self.event = event
        self.begun = begun
    }
}

extension Workspace {
    /// The history of runs.
    public func history() async throws(SluiceError) -> RunStore { try await RunStore.open("\(stateFolder)/runs.db") }

    /// Runs the job called `name`, and keeps what is to be told of it in the history and in a log.
    ///
    /// Does not throw: whatever happens is in the outcome. A run that is cancelled with its task ends as `cancelled`.
    ///
    /// - parameter id: The run's id, when a platform has given it one.
    /// - parameter task: The task of that run to do, when its work is divided.
    public func run(
        _ name: String, id: String? = nil, task: String? = nil, options: IngestOptions = .init(), package: String = "",
        observer: JobObserver = .init()
    ) async -> JobOutcome {
        var record = RunRecord(
            id: id ?? RunID.make(), project: project.name, job: name, kind: IngestKeys.kind,
            startedAt: Moment.now.microseconds)
        record.environment = project.environment
        record.parameters = options.json.text()
        record.package = package
        do throws(SluiceError) {
            let declared = try self.job(name)
            record.kind = declared.kind
            let retry = RetryRule(declared.settings)
            if declared.kind == ReportKeys.kind {
                let again = try ReportOptions(options)
                record.parameters = again.json.text()
                let (job, output) = try report(name)
                let warehouse = job.into == nil ? nil : try await warehouse()
                let ledger = task == nil ? "\(stateFolder)/reports" : nil
                return await JobRun(record: record, stateFolder: stateFolder, observer: observer) {
                    [id = record.id, stores] in
                    let run = ReportRun(
                        id, of: job, into: output, ledger: ledger, warehouse: warehouse, stores: stores,
                        options: again, monitor: $0)
                    return task.map { run.share(task: $0) } ?? run
                }.retrying(retry).perform()
            }
            if let task, declared.kind != IngestKeys.kind {
                throw SluiceError(
                    .usage, "job \"\(name)\" is of kind \(declared.kind), and has no task \(task)",
                    hint: "reports, and ingests of files, are divided into tasks")
            }
            if declared.kind == MapKeys.kind {
                let again = try MapOptions(options)
                record.parameters = again.json.text()
                return try await run(
                    try map(name), options: again, record: record, observer: observer, retry: retry)
            }
            if declared.kind == InitKeys.kind {
                try refuse(options)
                record.parameters = "{}"
                return await JobRun(
                    record: record, stateFolder: stateFolder, observer: observer, setup: try setup(name), sites: sites
                ).retrying(retry).perform()
            }
            let (job, connector) = try await ingest(name)
            return await JobRun(
                record: record, job: job, task: task, connector: connector, warehouse: try await warehouse(),
                lake: try lake(),
                stateFolder: stateFolder, options: options, observer: observer
            ).retrying(retry).perform()
        } catch {
            record.state = .failed
            record.error = "\(error)"
            return JobOutcome(record: record, error: error)
        }
    }
}

extension MapOptions {
    /// What the options of a run mean to a mapping: every footer again, or those of new files.
    public init(_ options: IngestOptions) throws(SluiceError) {
        self.init()
        if options.backfill != nil || options.limit != nil || options.resumes {
            throw SluiceError(
                .usage,
                "a mapping looks at a whole lake, and neither at stretches of it nor at what an earlier run has staged",
                hint: "run it without --backfill, --limit and --resume; --full-refresh reads every footer again")
        }
        full = options.fullRefresh
    }
}

extension ReportOptions {
    /// What the options of a run mean to a report: everything again, or what is new.
    init(_ options: IngestOptions) throws(SluiceError) {
        self.init()
        if options.backfill != nil || options.limit != nil || options.resumes {
            throw SluiceError(
                .usage, "a report reads whole files, and neither stretches of them nor what an earlier run has staged",
                hint: "run it without --backfill, --limit and --resume; --full-refresh does everything again")
        }
        again = options.fullRefresh
    }
}

extension IngestOptions {
    /// What differs from the usual, for the history.
    var json: JSONText {
        .members([
            "fullRefresh": fullRefresh ? .bool(true) : nil,
            "backfill": backfill.map {
                ["from": $0.from.map { .string($0) } ?? .null, "to": $0.to.map { .string($0) } ?? .null]
            },
            "limit": limit.map { .number($0) }, "resume": resumes ? .bool(true) : nil,
        ])
    }
}
