public import Ingest
import Support

extension Workspace {
    /// What a run of the job called `name` would do. Nothing is changed.
    public func plan(_ name: String, options: IngestOptions = .init()) async throws -> (IngestJob, IngestPlan) {
        let (job, connector) = try await ingest(name)
        let run = IngestRun(
            "plan", of: job, from: connector, through: try lake(), into: try await warehouse(), options: options)
        return (job, try await run.plan())
    }
}
