import Ingest
public import Platforms
import Project
import Report
import Runs
public import Support

/// The work of a run, divided into tasks.
public struct DividedRun: Sendable {
    /// What they are.
    public var tasks: [RunTask]
    /// How many inputs there are, and how many of them were done before.
    public var total: Int, known: Int
}

extension Workspace {
    /// Divides the work of the job called `name` into tasks for a platform that can run them, and writes down where they find
    /// what each is about. What was done before is not among them.
    ///
    /// - parameter again: Whether everything is done again, whatever was done before.
    /// - parameter words: The words by which a task's program sees the project as this one does: `["-e", "prod"]`.
    /// - returns: nil for a job whose work is one piece.
    public func divide(
        _ name: String, again: Bool = false, words: [String] = []
    ) async throws(SluiceError) -> DividedRun? {
        let declared = try job(name)
        let size = try DeploymentNeeds(declared.settings.section("deploy")).inputsPerTask
        let again = again ? ["--full-refresh"] : []
        let attempts = max(RetryRule(declared.settings).attempts, 3)
        func task(_ id: String, after: [String] = [], time: Duration?) -> RunTask {
            RunTask(
                id: id, arguments: ["run", name] + words + ["--task", id] + again, after: after, attempts: attempts,
                time: time)
        }
        switch declared.kind {
        case ReportKeys.kind:
            let (job, output) = try report(name)
            try reachable(name, job.input + [job.output])
            var options = ReportOptions()
            options.again = !again.isEmpty
            let run = ReportRun(
                RunID.make(), of: job, into: output, ledger: nil,
                warehouse: job.into == nil ? nil : try await warehouse(), stores: stores, options: options)
            let spread = try await run.spread(size: size)
            let parts = spread.tasks.map { task($0.id, time: job.timeout) }
            let last = spread.last.map { task($0.id, after: parts.map(\.id), time: job.timeout) }
            return DividedRun(tasks: parts + [last].compactMap { $0 }, total: spread.total, known: spread.known)
        case IngestKeys.kind:
            let (job, connector) = try await ingest(name)
            var options = IngestOptions()
            options.fullRefresh = !again.isEmpty
            let run = IngestRun(
                RunID.make(), of: job, from: connector, through: try lake(), into: try await warehouse(),
                options: options)
            guard let spread = try await run.spread(size: size) else { return nil }
            try reachable(name, [project.lake.literal ?? ""])
            let parts = spread.tasks.map { task($0.id, time: job.timeout) }
            let last = spread.last.map { task($0.id, after: parts.map(\.id), time: job.timeout) }
            return DividedRun(tasks: parts + [last].compactMap { $0 }, total: spread.total, known: spread.known)
        default: return nil
        }
    }

    /// Refuses to hand paths of this machine to others.
    private func reachable(_ job: String, _ paths: [String]) throws(SluiceError) {
        for path in paths {
            if case .local = try stores.place(of: path) {
                throw SluiceError(
                    .invalidConfiguration,
                    "job \"\(job)\" works on \(path), a path of this machine, which tasks elsewhere do not see",
                    hint: "name a container: abfss://container@account.dfs.core.windows.net/folder")
            }
        }
    }
}
