import Sluice

/// Runs a job of a project, and says what came of it.
@main struct LoadOrders {
    static func main() async throws {
        print(try await load("orders", of: "."))
    }

    /// Runs `job` of the project in `folder`, unless there is nothing new.
    static func load(_ job: String, of folder: String) async throws -> String {
        let workspace = try await Workspace.open(folder)

        // What a run would do can be asked before.
        let (_, plan) = try await workspace.plan(job)
        if plan.units.isEmpty { return "\(job): nothing new" }

        // A run does not throw: whatever happens is in its outcome, and in the history and the log of the project.
        let observer = JobObserver(event: { event in
            if event.level == .warning { print("warning: \(event.message)") }
        })
        let outcome = await workspace.run(job, observer: observer)
        if let error = outcome.error { throw error }
        let counts = outcome.record.counts

        // The warehouse answers in columns.
        let session = try await workspace.warehouse().connect(as: "example")
        let answer = try await session.query("SELECT count(*) AS rows FROM \(job)", limit: 1)
        await session.close()
        guard case .int(let rows) = answer.columns[0].value(at: 0) else { return "\(job): no answer" }

        return """
            \(job): \(outcome.record.state), \(counts.rowsRead) read, \(counts.rowsLoaded) loaded, \
            \(counts.rowsRejected) rejected, \(rows) in the table
            """
    }
}
