import Connectors
import Support
import Warehouse

/// What a run reads of its source, given what is loaded already.
struct ReadPlan: Sendable {
    /// What is asked of the source.
    var request: ReadRequest
    /// How far the source had been read before.
    var mark: Watermark?
    /// Whether rows may come that are in the table already, and must not come twice.
    var isOverlapping: Bool
}

extension IngestRun {
    /// Finds out where reading begins.
    ///
    /// - parameter isPreview: Whether Sluice's own tables may be missing, because nothing has been loaded yet.
    func readPlan(
        _ session: any WarehouseSession, isPreview: Bool = false
    ) async throws(SluiceError) -> ReadPlan {
        func known<Answer>(
            _ ask: () async throws(SluiceError) -> Answer, else missing: Answer
        ) async throws(SluiceError) -> Answer {
            do throws(SluiceError) {
                return try await ask()
            } catch {
                if isPreview, error.code == .notFound { return missing }
                throw error
            }
        }
        var request = fileRequest()
        // The files of a table that is replaced are all of its rows, the ones that are known among them.
        // Nor are files known to a backfill: it is for rows of them that were left out.
        if case .files = job.selection, job.mode != .replace, !options.fullRefresh, options.backfill == nil {
            request.known = try await known(
                { () async throws(SluiceError) in try await session.sourceFiles(of: job.pipeline) }, else: [:])
        }
        guard let cursor = job.cursor else {
            if options.backfill != nil {
                throw SluiceError(
                    .usage, "a stretch of the cursor is to be read, and job \(job.pipeline) has no cursor",
                    hint: "add \"cursor: COLUMN\" to the job, or read everything with --full-refresh")
            }
            return ReadPlan(request: request, isOverlapping: false)
        }
        if let columns = job.columns, !columns.contains(cursor.column) {
            throw SluiceError(
                .invalidConfiguration, "the cursor \"\(cursor.column)\" is not among the columns that are read",
                place: .init(column: cursor.column), hint: "add it to \"columns\"")
        }
        let mark = try await known(
            { () async throws(SluiceError) in try await session.watermark(of: job.pipeline) }, else: nil)
        if let mark, mark.column != cursor.column, !options.fullRefresh {
            throw SluiceError(
                .invalidConfiguration,
                "job \(job.pipeline) has been read by \"\(mark.column)\" so far, and its cursor is now "
                    + "\"\(cursor.column)\"",
                hint: "read everything once with --full-refresh, or set the cursor back")
        }
        if let backfill = options.backfill {
            request.cursor = CursorRange(
                column: cursor.column, from: backfill.from, to: backfill.to, includesNulls: false)
        } else if let mark, !options.fullRefresh {
            request.cursor = CursorRange(
                column: cursor.column, from: try CursorValue.start(mark, late: cursor.late), includesNulls: true)
        }
        return ReadPlan(
            request: request, mark: mark, isOverlapping: job.mode == .append && !options.fullRefresh)
    }

    /// What is asked of the source, whatever is loaded already.
    func fileRequest() -> ReadRequest {
        var request = ReadRequest(job.selection)
        request.columns = job.columns
        request.filter = job.filter
        request.types = job.types
        request.format = job.format
        request.delimiter = job.delimiter
        request.limit = options.limit
        request.parallelism = job.parallelism
        return request
    }

    /// The columns that tell rows with one cursor value apart.
    func tieBreaker(_ sourceKey: [String]) throws(SluiceError) -> [String] {
        guard let cursor = job.cursor else { return [] }
        for names in [cursor.tieBreaker, job.key, sourceKey] where !names.isEmpty { return names }
        throw SluiceError(
            .invalidConfiguration,
            "nothing tells rows with the same \"\(cursor.column)\" apart: \(job.selection.shortName) has no primary key",
            hint: "name the columns that do: tie_breaker: [id]")
    }

    /// Fails when there are more rejected rows than the job allows.
    ///
    /// - parameter others: How many were rejected elsewhere: while reading, when these were while loading.
    func checkLimit(
        _ rejects: RejectsFile, of read: Int, besides others: Int = 0, isFinal: Bool
    ) async throws(SluiceError) {
        let count = rejects.count + others
        guard job.rejectLimit.isPassed(rejected: count, of: read, isFinal: isFinal), let first = rejects.first
        else { return }
        // Whoever has to mend the source needs to see them, although nothing is loaded.
        try? await rejects.finish()
        throw SluiceError(
            .limitExceeded,
            "\(count) of \(read) rows were rejected, more than the job allows; the first: "
                + first.reason,
            place: .init(file: first.unit, column: first.column, line: first.line, row: first.row),
            hint:
                "the rejected rows are in \(rejects.location ?? "the lake"); mend the source, or allow more with max_rejects"
        )
    }
}
