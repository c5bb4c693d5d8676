import LakeTables
import Runs
import Support

extension MapRun {
    /// Makes names in a database by statements, or finds out which. What is wrong with one of them leaves the others as they
    /// are to be.
    ///
    /// - parameter database: nil when it is not there, and nothing is to be made.
    func apply(
        _ catalogue: LakeCatalogue, _ lookups: [LakeTable], _ dialect: TransactDialect, to database: (any MapTarget)?,
        _ result: inout MapResult
    ) async throws(SluiceError) {
        result.database = job.database ?? job.connection
        let inventory = try await database?.inventory() ?? MapInventory()
        result.plan = try plan(catalogue, lookups, dialect, inventory, &result)
        guard !options.plansOnly, let database else { return }
        try await writeErrors(&result)
        let pending = result.plan.pending
        result.isApplied = true
        if pending.isEmpty { return }
        monitor.enter("making names")
        try await database.prepare(pending)
        var failures: [String: SluiceError] = [:]
        var end: SluiceError?
        // What goes first: names that are free again may be wanted by others.
        for change in pending.filter({ $0.action == .drop }) + pending.filter({ $0.action != .drop }) {
            do throws(SluiceError) {
                try await database.perform(change)
                monitor.countLoaded(1)
            } catch {
                failures[change.name] = error
                // A server that is gone, or an interrupt, concerns all that would follow.
                if error.isTransient || error.code == .cancelled {
                    end = error
                    break
                }
            }
        }
        if let end { throw end }
        try await database.settle(result.plan.changes, failed: Set(failures.keys))
        for place in result.plan.changes.indices {
            guard let error = failures[result.plan.changes[place].name] else { continue }
            result.plan.changes[place].action = .failed
            result.plan.changes[place].failure = Redactor.shared.redact(
                ([error.message] + error.details.prefix(2)).joined(separator: "; "))
        }
        if let first = result.plan.failed.first, failures.count == pending.count {
            throw SluiceError(
                failures[first.name]?.code == .permission ? .permission : .conflict,
                pending.count == 1
                    ? "the change to \(Display.safe(first.name)) was refused: \(first.failure ?? "")"
                    : "all \(pending.count) changes were refused; that to \(Display.safe(first.name)): \(first.failure ?? "")",
                details: result.plan.failed.dropFirst().prefix(3).map {
                    "\(Display.safe($0.name)): \($0.failure ?? "")"
                }, hint: failures[first.name]?.hint)
        }
    }
}
