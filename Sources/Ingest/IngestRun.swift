public import Connectors
public import Runs
public import Storage
public import Support
import Synchronization
public import Warehouse

/// One run of an ingest: from the source to the lake to the warehouse.
///
///     lock ─▶ audit row "running" ─▶ read, stage ─▶ manifest ─▶ one transaction: rows, ledger, watermark, audit row
///
/// What may go wrong, and what is then:
/// - While staging: parts without a manifest, which the job's next run removes (their names are claimed before).
/// - Between manifest and commit: nothing in the table; the rows can be loaded from the lake (`resumes`).
/// - During the commit: the database decides, and is asked on a new session.
/// - After the commit: everything is done, and the audit row says so.
///
/// What is transient is tried again, from the lake when staging was complete. Where the warehouse allows it, rows go into
/// the open transaction while they are staged, so that the lake costs little time.
public struct IngestRun: Sendable {
    /// The run's id.
    public let id: String
    let job: IngestJob
    let options: IngestOptions
    let connector: any Connector
    let warehouse: any Warehouse
    let lake: any ObjectStore
    let monitor: RunMonitor
    /// Which part of the work this is.
    var share = IngestShare.whole

    /// The run `id` of `job`.
    public init(
        _ id: String, of job: IngestJob, from connector: any Connector, through lake: any ObjectStore,
        into warehouse: any Warehouse, options: IngestOptions = .init(), monitor: RunMonitor = .init()
    ) {
        self.id = id
        self.job = job
        self.connector = connector
        self.lake = lake
        self.warehouse = warehouse
        self.options = options
        self.monitor = monitor
    }

    /// Does it.
    ///
    /// - parameter attempt: Told before every try, from 1.
    /// - throws: `SluiceError`; the table is as it was then, and the audit row says what went wrong.
    @concurrent public func perform(
        attempt: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws(SluiceError) -> IngestResult {
        guard let timeout = job.timeout else { return try await performAll(attempt) }
        let clock = Deadline(timeout)
        let outcome = await withTaskGroup(of: Result<IngestResult, SluiceError>?.self) {
            group -> Result<IngestResult, SluiceError> in
            group.addTask {
                do throws(SluiceError) { return .success(try await performAll(attempt, deadline: clock)) } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await clock.pass()
                return nil
            }
            while let ended = await group.next() {
                // The run itself ends, one way or the other, when it is cancelled.
                group.cancelAll()
                if let ended { return ended }
            }
            return .failure(SluiceError(.timedOut, "the run took too long"))
        }
        return try outcome.get()
    }

    private func performAll(
        _ attempt: @escaping @Sendable (Int) async -> Void, deadline: Deadline? = nil
    ) async throws(SluiceError) -> IngestResult {
        var state = AttemptState(run: id)
        if case .task(let id) = share {
            let task = try await IngestShares(self).task(id)
            if task.parts == nil { return try await stageTask(id, task, attempt) }
            state.task = task
        }
        var number = 1
        while true {
            await attempt(number)
            let failure: SluiceError
            do {
                var result = try await self.attempt(number, &state)
                result.knownFiles = state.knownFiles
                result.unacknowledged = state.unacknowledged
                await state.close()
                return result
            } catch {
                failure = deadline?.failure ?? IngestRun.explained(error).withWayOn
            }
            // The answer to a commit may be what was lost, and then all is done.
            if failure.isTransient, state.commit.isBegun, let done = await committed(&state) {
                await state.close()
                return done
            }
            // Whoever is refused the lock has waited as long as the job says.
            let isWorthRetrying = failure.isTransient && state.isLocked && number <= job.retries && !Task.isCancelled
            guard isWorthRetrying else {
                await recordFailure(failure, &state)
                await state.close()
                throw failure
            }
            await state.close()
            let wait = job.retryWait * (1 << min(number - 1, 10)) * Double.random(in: 0.8...1.2)
            monitor.say(
                "retry", "\(failure); trying again in \(Quantities.describe(wait))", level: .warning,
                ["attempt": .number(number), "error": .string("\(failure)")])
            do { try await Task.sleep(for: wait) } catch {
                let stop = deadline?.failure ?? SluiceError(.cancelled, "the run was cancelled")
                await recordFailure(stop, &state)
                throw stop
            }
            number += 1
        }
    }

    /// Stages the files of a task; the warehouse has no part in that.
    private func stageTask(
        _ id: String, _ task: IngestTask, _ attempt: @escaping @Sendable (Int) async -> Void
    ) async throws(SluiceError) -> IngestResult {
        await attempt(1)
        do { return try await IngestShares(self).stage(id, task) } catch { throw IngestRun.explained(error).withWayOn }
    }

    // MARK: One try

    private func attempt(_ number: Int, _ state: inout AttemptState) async throws -> IngestResult {
        if number > 1 { monitor.startAgain() }
        monitor.enter("connecting to \(warehouse.name)")
        let session = try await warehouse.connect(as: "sluice \(job.pipeline) \(state.run)")
        state.session = session
        try await session.prepare()
        try await session.lock(job.pipeline, wait: job.lockWait)
        state.isLocked = true
        FaultPoint.locked.reach()
        if number > 1, let done = try await finished(state, session) { return done }
        if !state.isAudited {
            if let result = try await begin(&state, session) { return result }
        }
        if let task = state.task, state.manifest == nil {
            guard let manifest = try await IngestShares(self).manifest(task, session) else {
                try await session.end(state.run, AuditOutcome(.success, finishedAt: Moment.now.microseconds))
                var result = IngestResult(run: state.run)
                result.note = "the files are loaded already"
                return result
            }
            state.manifest = manifest
        }
        if let manifest = state.manifest {
            return try await load(manifest, session, state)
        }
        switch try await stage(session, &state) {
        case .loaded(let result): return result
        case .staged(let manifest):
            state.manifest = manifest
            return try await load(manifest, session, state)
        }
    }

    /// Asks on a new session whether a commit had arrived before its answer was lost; nil when it had not, or nobody
    /// answers.
    private func committed(_ state: inout AttemptState) async -> IngestResult? {
        await state.close()
        do throws(SluiceError) {
            let session = try await warehouse.connect(as: "sluice \(job.pipeline) \(state.run)")
            state.session = session
            return try await finished(state, session)
        } catch {
            monitor.say("commit-unknown", "whether the commit arrived could not be asked: \(error)", level: .warning)
            return nil
        }
    }

    /// Whether the run's rows are loaded already: the answer to a commit may have been lost.
    private func finished(
        _ state: AttemptState, _ session: any WarehouseSession
    ) async throws(SluiceError) -> IngestResult? {
        guard let status = try await session.status(of: state.run), status == .success || status == .partial else {
            return nil
        }
        monitor.say("committed", "the commit had arrived before its answer was lost")
        return try await result(of: state.run, state.manifest, session)
    }

    /// What can be told of a run that is loaded.
    private func result(
        of run: String, _ manifest: Manifest?, _ session: any WarehouseSession
    ) async throws(SluiceError) -> IngestResult {
        var result = IngestResult(run: run)
        if let manifest { result.take(manifest) }
        let entry = try await session.recentRuns(of: job.pipeline, limit: 100).first { $0.run == run }
        result.load.inserted = entry?.rows ?? 0
        result.cursorTo = try await session.watermark(of: job.pipeline)?.value
        return result
    }

    /// Settles what earlier runs left, and writes the audit row.
    ///
    /// - returns: The result, when there is nothing to do.
    private func begin(
        _ state: inout AttemptState, _ session: any WarehouseSession
    ) async throws -> IngestResult? {
        if !options.unacknowledged.isEmpty {
            state.unacknowledged = try await session.recentRuns(of: job.pipeline, limit: 100).filter {
                options.unacknowledged.contains($0.run)
            }
        }
        if !isIdempotent, !options.resumes {
            for earlier in options.unacknowledged {
                guard let status = try await session.status(of: earlier), status == .success || status == .partial
                else { continue }
                var done = try await result(of: earlier, nil, session)
                done.note = "run \(earlier) had loaded its rows before it died; loading them again would double them"
                return done
            }
        }
        if options.resumes {
            if let manifest = try await resumable(session) {
                state.run = manifest.run
                state.manifest = manifest
                monitor.say(
                    "resumed", "loading the \(manifest.parts.count) files that run \(manifest.run) has staged",
                    ["run": .string(manifest.run), "files": .number(manifest.parts.count)])
            } else if let last = try await session.recentRuns(of: job.pipeline, limit: 1).first,
                last.status == .success || last.status == .partial
            {
                var done = try await result(of: last.run, nil, session)
                done.note = "there is nothing to resume: run \(last.run) is loaded"
                return done
            }
        }
        for dead in try await session.buryDead(of: job.pipeline, sparing: state.run) {
            monitor.say(
                "died", "run \(dead) was found dead; nothing of it is in the table", level: .warning,
                ["run": .string(dead)])
        }
        try await Claims(lake, pipeline: job.pipeline).sweep(sparing: state.run)
        try await session.begin(
            AuditRun(
                run: state.run, pipeline: job.pipeline, source: String(job.selection.shortName.prefix(256)),
                protocolName: connector.protocolName, table: "\(job.table)", startedAt: Moment.now.microseconds))
        state.isAudited = true
        FaultPoint.auditBegun.reach()
        return nil
    }

    /// Whether another run after a loaded one loads nothing twice.
    private var isIdempotent: Bool {
        if job.mode != .append || job.cursor != nil || options.fullRefresh { return true }
        if case .files = job.selection { return true }
        return false
    }

    /// The newest run of this job that is staged, and neither loaded nor overtaken by a later one.
    private func resumable(_ session: any WarehouseSession) async throws -> Manifest? {
        let folder = "\(StageName.safe(connector.protocolName))/\(StageName.safe(job.source))"
        let lastLoad = try await session.lastLoad(of: job.pipeline)
        var newest: Manifest?
        for path in try await lake.list(folder) where path.hasSuffix(".manifest.json") {
            let manifest = try Manifest(parsing: try await lake.text(of: path), file: lake.url(path))
            guard manifest.pipeline == job.pipeline, manifest.createdAt > newest?.createdAt ?? .min,
                manifest.createdAt > lastLoad ?? .min
            else { continue }
            let status = try await session.status(of: manifest.run)
            if status == .success || status == .partial { continue }
            newest = manifest
        }
        if let newest, newest.table != "\(job.table)" {
            throw SluiceError(
                .invalidConfiguration,
                "run \(newest.run) has staged rows for \(newest.table), and the job now loads \(job.table)",
                hint: "run the job without --resume; the source is read again then")
        }
        return newest
    }

    // MARK: Failure

    /// Writes the audit row of a run that failed. That this may fail as well hides nothing.
    private func recordFailure(_ failure: SluiceError, _ state: inout AttemptState) async {
        guard state.isAudited else { return }
        let outcome = AuditOutcome(
            failure.code == .cancelled ? .cancelled : .failure, files: state.manifest?.parts.count ?? 0,
            error: Redactor.shared.redact("\(failure)"), finishedAt: Moment.now.microseconds)
        let (run, session, warehouse, pipeline) = (state.run, state.session, warehouse, job.pipeline)
        // In a task of its own, because this one may be cancelled.
        let problem: SluiceError? = await Task {
            do throws(SluiceError) {
                guard let session else { throw failure }
                try await session.end(run, outcome)
                return nil
            } catch {
                // The session may be what broke, or was given up before another try.
                do throws(SluiceError) {
                    let other = try await warehouse.connect(as: "sluice \(pipeline) \(run)")
                    try await other.end(run, outcome)
                    await other.close()
                    return nil
                } catch { return error }
            }
        }.value
        if let problem {
            monitor.say(
                "audit-failed", "the audit row of the failure could not be written: \(problem)", level: .warning)
        }
    }

    private static func explained(_ error: any Error) -> SluiceError {
        switch error {
        case let error as SluiceError: error
        case is CancellationError: SluiceError(.cancelled, "the run was cancelled")
        default: SluiceError(.inputOutput, "\(error)")
        }
    }
}

extension SluiceError {
    /// The same with a hint, if it may pass by itself and says nothing of it.
    fileprivate var withWayOn: SluiceError {
        guard isTransient, hint == nil else { return self }
        var error = self
        error.hint = "this may pass by itself: run the job again, which loses nothing and loads nothing twice"
        return error
    }
}

/// The end of a run's time.
private final class Deadline: Sendable {
    private let timeout: Duration
    private let hasPassed = Atomic(false)

    init(_ timeout: Duration) { self.timeout = timeout }

    /// Waits for it, or until the task is cancelled.
    func pass() async {
        do {
            try await Task.sleep(for: timeout)
            hasPassed.store(true, ordering: .releasing)
        } catch {}
    }

    /// Why a run that failed did so, when its time was over.
    var failure: SluiceError? {
        guard hasPassed.load(ordering: .acquiring) else { return nil }
        return SluiceError(
            .timedOut, "the run took longer than \(Quantities.describe(timeout))",
            hint: "raise \"timeout\" of the job, or read less at a time")
    }
}

/// What one try leaves to the next.
struct AttemptState {
    /// The run, which a resumed one takes over.
    var run: String
    var session: (any WarehouseSession)?
    /// Whether the job's lock was held once.
    var isLocked = false
    /// Whether the audit row is written.
    var isAudited = false
    /// What is staged.
    var manifest: Manifest?
    /// The task that loads what others have staged.
    var task: IngestTask?
    /// How many files of the source are loaded already.
    var knownFiles = 0
    /// What the audit log says of runs of which nobody knew how they ended.
    var unacknowledged: [AuditEntry] = []
    /// Whether a commit was begun, whose answer may not have come.
    let commit = CommitFlag()

    mutating func close() async {
        await session?.close()
        session = nil
    }
}

/// Whether a run has begun to commit; told by whoever does it.
final class CommitFlag: Sendable {
    private let begun = Atomic(false)

    var isBegun: Bool { begun.load(ordering: .acquiring) }
    func begin() { begun.store(true, ordering: .releasing) }
}

extension IngestResult {
    mutating func take(_ manifest: Manifest) {
        rowsRead = manifest.rowsRead
        rowsStaged = manifest.parts.reduce(0) { $0 + $1.rows }
        rowsRejected = manifest.rowsRejected
        bytesRead = manifest.bytesRead
        knownFiles = manifest.knownFiles
        parts = manifest.parts
        cursorFrom = manifest.cursorFrom
        cursorTo = manifest.watermark?.value ?? manifest.cursorFrom
    }
}
