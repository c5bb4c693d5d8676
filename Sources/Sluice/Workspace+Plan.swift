public import Ingest
public import Report
import Support

extension Workspace {
    /// What a run of the job called `name` would do. Nothing is changed.
    public func plan(_ name: String, options: IngestOptions = .init()) async throws -> (IngestJob, IngestPlan) {
        let (job, connector) = try await ingest(name)
        let run = IngestRun(
            "plan", of: job, from: connector, through: try lake(), into: try await warehouse(), options: options)
        return (job, try await run.plan())
    }

    /// What a run of the report job called `name` would do. Nothing is changed.
    public func planReport(_ name: String, options: IngestOptions = .init()) async throws -> ReportPlan {
        let options = try ReportOptions(options)
        let (job, output) = try report(name)
        let warehouse = job.into == nil ? nil : try await warehouse()
        return try await ReportRun(
            "plan", of: job, into: output, ledger: "\(stateFolder)/reports", warehouse: warehouse, stores: stores,
            options: options
        ).plan()
    }
}
