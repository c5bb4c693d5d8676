import Glibc

/// The named steps of a run at which tests kill the process, to see that nothing is lost and nothing comes twice.
///
/// `SLUICE_FAULT=load.commit.after` kills it, as a power cut would, when it reaches that step; `SLUICE_FAULT=stage.rows:3`
/// the third time. Without the variable a step costs one comparison, and there is no other build for tests.
public enum FaultPoint: String, CaseIterable, Sendable {
    /// The job's lock is held, nothing is written yet.
    case locked = "lock.held"
    /// The audit row `running` is committed.
    case auditBegun = "audit.begun"
    /// Some rows were handed to the staging writer.
    case stageRows = "stage.rows"
    /// A staged part is complete, and not yet visible.
    case stagePartWritten = "stage.part.written"
    /// A staged part is visible.
    case stagePartVisible = "stage.part.visible"
    /// All parts are visible, the manifest is not.
    case stageBeforeManifest = "stage.manifest.before"
    /// The manifest is visible.
    case staged = "stage.manifest.after"
    /// The load's transaction is open.
    case loadBegun = "load.begun"
    /// The table has the shape that the rows need.
    case loadShaped = "load.shaped"
    /// Some rows were handed to the database.
    case loadRows = "load.rows"
    /// All rows are in the database, in the table or beside it.
    case loadWritten = "load.written"
    /// The rows are merged, or the tables swapped.
    case loadApplied = "load.applied"
    /// Ledger, watermark and audit row are written; the transaction is still open.
    case loadRecorded = "load.commit.before"
    /// The transaction is committed; nobody but the database knows yet.
    case loadCommitted = "load.commit.after"
    /// An input is read and its rejected records are kept; its report is not written.
    case reportRead = "report.read"
    /// The report and all beside it is there; the ledger does not know.
    case reportWritten = "report.written"
    /// The ledger knows of the report.
    case reportNoted = "report.noted"
    /// The report over all inputs is there; the ledger does not know.
    case reportCombined = "report.combined"
    /// A file of SQL has been run; its transaction is still open.
    case migrationRun = "init.migration.before"
    /// The transaction of a file of SQL is committed, the ledger with it.
    case migrationCommitted = "init.migration.after"
    /// A step of an init job has acted; nobody has looked whether it has brought about what it was to.
    case stepActed = "init.step.acted"
    /// A step of an init job has ended, and the history knows.
    case stepDone = "init.step.done"
    /// The run is told as done in the local history.
    case recorded = "history.recorded"

    private static let chosen: (point: FaultPoint, times: Int)? = {
        guard let text = getenv("SLUICE_FAULT").map({ String(cString: $0) }) else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1)
        guard let name = parts.first, let point = FaultPoint(rawValue: String(name)) else { return nil }
        return (point, parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
    }()

    nonisolated(unsafe) private static var reached = 0

    /// Says that the run has come to this step.
    @inline(__always) public func reach() {
        guard let chosen = FaultPoint.chosen, chosen.point == self else { return }
        strike(chosen.times)
    }

    private func strike(_ times: Int) {
        // Steps of one name follow each other, so that nobody else counts at the same time.
        FaultPoint.reached += 1
        if FaultPoint.reached == times { kill(getpid(), SIGKILL) }
    }
}
