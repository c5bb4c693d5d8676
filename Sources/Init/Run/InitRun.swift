public import Runs
public import Support
import Warehouse

/// One run of an init job: its steps in their order, each looked at, done where it is not, and looked at again.
///
/// The first that fails ends the run, and says so: those behind it are not run, and there is no banner of success. Of
/// regions each has its own chance; what comes behind them waits for all.
public struct InitRun: Sendable {
    let id: String
    let job: InitJob
    let sites: InitSites
    let monitor: RunMonitor
    let note: @Sendable (StepRecord) async -> Void

    /// The run `id` of `job`.
    ///
    /// - parameter note: Told of each step when it begins and when it has ended.
    public init(
        _ id: String, of job: InitJob, sites: InitSites, monitor: RunMonitor = .init(),
        note: @escaping @Sendable (StepRecord) async -> Void = { _ in }
    ) {
        self.id = id
        self.job = job
        self.sites = sites
        self.monitor = monitor
        self.note = note
    }

    // MARK: Plan

    /// What each step would do, found out without changing anything.
    ///
    /// What a step says may depend on an earlier one that is only planned; a look that fails then is no error.
    @concurrent public func plan() async throws(SluiceError) -> InitResult {
        var result = InitResult(run: id, purpose: job.purpose)
        for entry in job.entries {
            let scene = scene(entry, isPlan: true)
            let work = entry.step.work
            var record = record(entry)
            do throws(SluiceError) {
                switch try await bounded(
                    entry.timeout, title(entry), { () async throws(SluiceError) in try await work.inspect(scene) })
                {
                case .done(let message):
                    record.state = work.isAct ? .alreadyDone : .checked
                    record.message = message
                case .pending(let actions):
                    record.state = .planned
                    result.pending[entry.number] = actions
                    record.message = actions.joined(separator: "; ")
                }
            } catch {
                if error.code == .cancelled { throw error }
                let isOpen = result.steps.contains { $0.state == .planned }
                record.state = isOpen ? .planned : .failed
                record.message = isOpen ? "known when the steps before it are done: \(error)" : "\(error)"
                if isOpen {
                    result.pending[entry.number] = [record.message]
                } else if result.failure == nil {
                    result.failure = failure(error, entry)
                }
            }
            result.steps.append(record)
        }
        return result
    }

    // MARK: Run

    /// Does it. Does not throw: what failed is in the result.
    @concurrent public func perform() async -> InitResult {
        var result = InitResult(run: id, purpose: job.purpose)
        say("init-banner", "=== Starting Job: \(Display.safe(job.purpose)) ===")
        do throws(SluiceError) {
            let locks = InitLocks(job, sites)
            result = try await locks.whileHeld { () async throws(SluiceError) in
                let limit = job.timeout
                let deadline = limit.map { ContinuousClock.now + $0 }
                return await steps(result, locks, deadline)
            }
        } catch {
            result.failure = error
            for entry in job.entries {
                var record = record(entry)
                record.state = .notRun
                record.message = "not run: \(error.message)"
                result.steps.append(record)
                await note(record)
            }
        }
        if let failure = result.failure {
            let step = result.steps.first { $0.state == .failed }
            say(
                "init-failed",
                step.map { "✗ Job failed at step \($0.number): \($0.name)\($0.region.map { " [\($0)]" } ?? "")" }
                    ?? "✗ Job failed: \(failure)", level: .warning)
        } else {
            say("init-succeeded", "✓ Job completed successfully!")
        }
        return result
    }

    private func steps(
        _ begun: InitResult, _ locks: InitLocks, _ deadline: ContinuousClock.Instant?
    ) async -> InitResult {
        var result = begun
        // Which regions have failed, of the group that is under way.
        var failed: [String: Int] = [:]
        var group: Int?
        /// The step that ended the run.
        var last: Int?
        for entry in job.entries {
            if entry.group != group {
                if group != nil, let number = failed.values.min(), last == nil { last = number }
                failed = [:]
                group = entry.group
            }
            var record = record(entry)
            if let stopper = last ?? entry.region.flatMap({ failed[$0] }) {
                record.state = .notRun
                record.message = "not run: step \(stopper) failed"
                say("init-step", "Step \(entry.number): \(title(entry)): \(record.message)")
                result.steps.append(record)
                await note(record)
                continue
            }
            say("init-step", "Step \(entry.number): \(title(entry))")
            monitor.enter(title(entry))
            record.startedAt = Moment.now.microseconds
            await note(record)
            do throws(SluiceError) {
                (record.state, record.message) = try await perform(entry, locks, deadline)
                let word = ["done": "done", "checked": "checked"][record.state.rawValue] ?? "already done"
                say("init-done", "  \(word): \(record.message)")
            } catch {
                record.state = .failed
                record.message = Redactor.shared.redact("\(error)")
                say("init-step-failed", "  failed: \(error)", level: .warning)
                if result.failure == nil { result.failure = failure(error, entry) }
                if let region = entry.region, error.code != .cancelled {
                    failed[region] = entry.number
                } else {
                    last = entry.number
                }
            }
            record.finishedAt = Moment.now.microseconds
            result.steps.append(record)
            await note(record)
            FaultPoint.stepDone.reach()
        }
        return result
    }

    private func perform(
        _ entry: InitJob.Entry, _ locks: InitLocks, _ deadline: ContinuousClock.Instant?
    ) async throws(SluiceError) -> (StepState, String) {
        let scene = scene(entry, isPlan: false)
        let work = entry.step.work
        if Task.isCancelled { throw SluiceError(.cancelled, "stopped") }
        let left = deadline.map { $0 - ContinuousClock.now }
        let limit = [entry.timeout, left].compactMap { $0 }.min()
        return try await bounded(limit, title(entry)) { () async throws(SluiceError) in
            let first = try await work.inspect(scene)
            guard case .pending(let actions) = first else {
                guard case .done(let message) = first else { return (.done, "") }
                return (work.isAct ? .alreadyDone : .checked, message)
            }
            for action in actions { scene.say("todo", action) }
            try await locks.take(entry)
            // Whoever held the lock may have done it meanwhile.
            if work.isVerifiable, case .done(let message) = try await work.inspect(scene) {
                return (.alreadyDone, message)
            }
            let done = try await work.act(scene)
            guard work.isVerifiable else { return (.done, done) }
            FaultPoint.stepActed.reach()
            switch try await work.inspect(scene) {
            case .done(let message): return (.done, "\(done); verified: \(message)")
            case .pending(let rest):
                throw SluiceError(
                    .conflict, "\(done), and a second look finds that there is still something to do",
                    details: rest,
                    hint: "somebody may undo it, or may have to allow it: run it again, and look into what is left")
            }
        }
    }

    // MARK: Words

    private func scene(_ entry: InitJob.Entry, isPlan: Bool) -> Scene {
        Scene(run: id, job: job, entry: entry, sites: sites, monitor: monitor, isPlan: isPlan)
    }

    private func record(_ entry: InitJob.Entry) -> StepRecord {
        StepRecord(
            number: entry.number, name: entry.name, kind: entry.step.kind, region: entry.region, state: .running)
    }

    private func title(_ entry: InitJob.Entry) -> String {
        let region = entry.region.map { " [\(Display.safe($0))]" } ?? ""
        return Display.safe(entry.name) + region
    }

    private func failure(_ error: SluiceError, _ entry: InitJob.Entry) -> SluiceError {
        var error = error
        error.message = "step \(entry.number) (\(title(entry))): \(error.message)"
        return error
    }

    private func say(_ event: String, _ message: String, level: RunEvent.Level = .info) {
        monitor.say(event, message, level: level)
    }
}
