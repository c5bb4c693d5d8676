import Ingest
import Project
import Runs
import Settings
public import Support

extension Workspace {
    /// The order in which `names` have to run.
    ///
    /// - throws: `SluiceError` for a job that the project does not declare.
    public func order(of names: [String]) throws(SluiceError) -> JobOrder {
        var after: [String: [String]] = [:]
        for name in names { after[name] = try job(name).settings.texts("after") ?? [] }
        return JobOrder(names, after: after)
    }

    /// Why `name` may not run yet: a job that it is to run after, and is not among `others`, has not succeeded. nil when it may.
    ///
    /// What counts is the latest run in the same environment that has ended; a partial one has loaded what it could, and counts.
    /// Trials with a limit do not, and neither do runs that were not begun.
    public func obstacle(to name: String, besides others: [String] = []) async throws(SluiceError) -> SluiceError? {
        let earlier = (try job(name).settings.texts("after") ?? []).filter { !others.contains($0) }
        if earlier.isEmpty { return nil }
        let history = try await history()
        var obstacle: SluiceError?
        for job in earlier where obstacle == nil {
            let runs: [RunRecord]
            do throws(SluiceError) {
                runs = try await history.list(RunFilter(job: job, environment: project.environment, limit: 100))
            } catch {
                await history.close()
                throw error
            }
            let latest = runs.first { run in
                run.project == project.name && run.environment == project.environment && run.finishedAt != nil
                    && !run.wasNotBegun && !run.parameters.contains("\"limit\"")
            }
            if let latest, latest.state == .succeeded || latest.state == .partial { continue }
            let reason = latest.map { "its latest run, \(RunID.short($0.id)), ended as \($0.state.rawValue)" }
            let place = project.environment.map { " in \($0)" } ?? ""
            obstacle = SluiceError(
                .conflict, "not run: \(name) is to run after \(job), and \(reason ?? "that has not run\(place)")",
                hint: "run both: sluice run \(job) \(name)\(project.environment.map { " -e \($0)" } ?? "")"
                    + "; or this one regardless: --ignore-after")
        }
        await history.close()
        return obstacle
    }

    /// Runs jobs in their order, those that do not wait for each other side by side. One that fails keeps those after it from
    /// running, and no other.
    ///
    /// - parameter width: How many run side by side at most.
    /// - parameter ignoresAfter: Whether jobs run although one before them has not succeeded.
    /// - parameter run: Runs a job, which has no obstacle.
    /// - returns: What became of each, in their order. Those that were not run are in the history as such.
    public func run(
        _ order: JobOrder, width: Int, ignoresAfter: Bool = false,
        _ run: @escaping @Sendable (String) async -> JobOutcome
    ) async -> [JobOutcome] {
        var order = order
        var outcomes: [String: JobOutcome] = [:]
        let names = order.names
        await withTaskGroup(of: JobOutcome.self) { group in
            var running = 0
            while true {
                while running < max(1, width), let step = order.next() {
                    switch step {
                    case .leave(let name, let failed) where !ignoresAfter:
                        outcomes[name] = await leave(
                            name, SluiceError(.conflict, "not run: \(failed) did not succeed"))
                    case .run(let name), .leave(let name, _):
                        if Task.isCancelled {
                            outcomes[name] = await leave(name, SluiceError(.cancelled, "not run: stopped before"))
                            order.end(name, succeeded: false)
                            continue
                        }
                        running += 1
                        group.addTask {
                            if !ignoresAfter {
                                do throws(SluiceError) {
                                    if let obstacle = try await obstacle(to: name, besides: names) {
                                        return await leave(name, obstacle)
                                    }
                                } catch {
                                    return await leave(name, error)
                                }
                            }
                            return await run(name)
                        }
                    }
                }
                guard running > 0, let outcome = await group.next() else { break }
                running -= 1
                outcomes[outcome.record.job] = outcome
                order.end(outcome.record.job, succeeded: outcome.error == nil)
            }
        }
        return names.compactMap { outcomes[$0] }
    }

    /// Notes that a job was not run.
    private func leave(_ name: String, _ error: SluiceError) async -> JobOutcome {
        var record = RunRecord(
            id: RunID.make(), project: project.name, job: name, kind: project.job(name)?.kind ?? "",
            startedAt: Moment.now.microseconds)
        record.environment = project.environment
        record.who = HostProcess.who
        record.state = .cancelled
        record.finishedAt = record.startedAt
        record.error = error.message.hasPrefix(RunRecord.notBegun) ? "\(error)" : RunRecord.notBegun + "\(error)"
        let noted = record
        // In a task of its own, because this one may be cancelled. Without a history there is nothing to note it in.
        await Task {
            guard let history = try? await history() else { return }
            try? await history.finish(noted)
            await history.close()
        }.value
        return JobOutcome(record: record, error: error)
    }
}

extension RunRecord {
    /// With what the error of a run begins that was not begun.
    static let notBegun = "not run: "
    /// Whether the run was not begun, because a job before it had not succeeded.
    public var wasNotBegun: Bool { state == .cancelled && (error ?? "").hasPrefix(RunRecord.notBegun) }
}
