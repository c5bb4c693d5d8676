import Columns
import Parquet
import Runs
import Storage
import Support
import Warehouse

extension IngestRun {
    /// Loads what is staged.
    func load(
        _ manifest: Manifest, _ session: any WarehouseSession, _ state: AttemptState
    ) async throws -> IngestResult {
        if let lastLoad = try await session.lastLoad(of: job.pipeline), lastLoad > manifest.createdAt {
            throw SluiceError(
                .invalidConfiguration,
                "another run has loaded job \(job.pipeline) since run \(manifest.run) read its source",
                hint: "run the job again; what is new is read then")
        }
        // Without a single row nobody knows what the columns of a file are, and there is nothing to load.
        let isUnknown = manifest.schema.fields.allSatisfy { $0.type == .null || $0.name == IngestedAt.field.name }
        let empties = job.mode == .replace || options.fullRefresh
        if manifest.parts.isEmpty, isUnknown, manifest.sourceFiles.isEmpty || !empties {
            return try await endWithoutRows(manifest, session, state)
        }
        let loader = try await RunLoader(self, manifest, session, run: state.run)
        do {
            for part in manifest.parts { try await load(part, manifest, into: loader) }
            if let failure = loader.failure { throw failure }
            return try await loader.commit(manifest, state.commit)
        } catch {
            await loader.rollback()
            throw error
        }
    }

    /// Ends a run that found no file to read.
    private func endWithoutRows(
        _ manifest: Manifest, _ session: any WarehouseSession, _ state: AttemptState
    ) async throws(SluiceError) -> IngestResult {
        if manifest.sourceFiles.isEmpty, job.mode == .replace || options.fullRefresh {
            throw SluiceError(
                .notFound, "no file fits \(job.selection.summary), and \(job.table) is left as it is",
                hint: "check the pattern; to empty the table, delete its rows in the database")
        }
        try await session.end(state.run, AuditOutcome(.success, finishedAt: Moment.now.microseconds))
        if manifest.knownFiles == 0, manifest.sourceFiles.isEmpty {
            monitor.say("no-files", "no file fits \(job.selection.summary)", level: .warning)
        } else {
            monitor.say("nothing-new", "there is nothing new to read", ["known": .number(manifest.knownFiles)])
        }
        var result = IngestResult(run: state.run)
        result.take(manifest)
        return result
    }

    private func load(_ part: StagedFile, _ manifest: Manifest, into loader: RunLoader) async throws {
        let source = try await lake.open(part.path)
        guard source.size == part.size else {
            throw SluiceError(
                .invalidData, "has \(source.size) bytes, and had \(part.size) when it was staged",
                place: .init(file: lake.url(part.path)), hint: "run the job without --resume")
        }
        let reader = try await ParquetFile.open(source).reader()
        let batches = Relay<RecordBatch>(capacity: 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    while let batch = try await reader.next() { try await batches.send(batch) }
                    batches.finish()
                } catch {
                    batches.finish(throwing: error)
                }
            }
            do {
                var row = 1
                while let batch = try await batches.next() {
                    try Task.checkCancellation()
                    let whole = try batch.conform(to: manifest.schema)
                    try await loader.write(whole, from: part.name, unit: part.source, firstRow: row)
                    row += batch.rowCount
                }
            } catch {
                batches.close()
                group.cancelAll()
                throw error
            }
        }
    }
}
