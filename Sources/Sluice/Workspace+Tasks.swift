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
        guard declared.kind == ReportKeys.kind else { return nil }
        let (job, output) = try report(name)
        try reachable(job)
        var options = ReportOptions()
        options.again = again
        let run = ReportRun(
            RunID.make(), of: job, into: output, ledger: nil,
            warehouse: job.into == nil ? nil : try await warehouse(), stores: stores, options: options)
        let spread = try await run.spread(size: job.inputsPerTask)
        let attempts = max(RetryRule(declared.settings).attempts, 3)
        let more = again ? ["--full-refresh"] : []
        func task(_ part: ReportSpread.Task, after: [String]) -> RunTask {
            RunTask(
                id: part.id, arguments: ["run", name] + words + ["--task", part.id] + more, after: after,
                attempts: attempts, time: job.timeout)
        }
        var tasks = spread.tasks.map { task($0, after: []) }
        if let last = spread.last { tasks.append(task(last, after: spread.tasks.map(\.id))) }
        return DividedRun(tasks: tasks, total: spread.total, known: spread.known)
    }

    /// Refuses to hand paths of this machine to others.
    private func reachable(_ job: ReportJob) throws(SluiceError) {
        for path in job.input + [job.output] {
            if case .local = try stores.place(of: path) {
                throw SluiceError(
                    .invalidConfiguration,
                    "job \"\(job.name)\" works on \(path), a path of this machine, which tasks elsewhere do not see",
                    hint: "name a container: abfss://container@account.dfs.core.windows.net/folder")
            }
        }
    }
}
