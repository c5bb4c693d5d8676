import Columns
import Connectors
import Runs
import Storage
import Support
public import Warehouse

/// The load of a run: fits batches, writes them, and commits them with all that belongs to them.
final class RunLoader: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time uses it; `failure` is read when that is done.

    private let run: IngestRun
    private let runID: String
    private let plan: TablePlan
    private let fitter: RowFitter
    private let load: any TableLoad
    /// Where the rows were staged.
    private let folder: String
    private let rejects: RejectsFile
    private var isOver = false
    /// Why rows do not go into the table any more, while they still go into the lake.
    private(set) var failure: SluiceError?

    /// Begins the load of what `manifest` describes; its parts need not be there yet.
    init(
        _ run: IngestRun, _ manifest: Manifest, _ session: any WarehouseSession, run id: String
    ) async throws(SluiceError) {
        self.run = run
        runID = id
        let job = run.job
        // A column that has shown no value yet has no type: the table gets it with its first value.
        var schema = manifest.schema
        schema.fields.removeAll { $0.type == .null }
        let request = TableRequest(
            table: job.table, schema: schema, contract: job.contract, key: job.mode == .merge ? job.key : [])
        plan = try await session.plan(request)
        var required = job.mode == .merge ? job.key : []
        if let cursor = job.cursor, cursor.nulls != .load { required.append(cursor.column) }
        for name in required where manifest.schema.place(of: name) == nil {
            throw SluiceError(
                .invalidConfiguration, "the source has no column \"\(name)\", by which rows are told apart",
                place: .init(file: job.selection.shortName, column: name),
                hint: nearestWord(to: name, among: manifest.schema.fields.map(\.name)).map { "did you mean \"\($0)\"?" }
            )
        }
        fitter = RowFitter(plan: plan, required: required, isStrict: job.contract == .freeze)
        var load = Load(
            run: id, job: job.pipeline, plan: plan, mode: try RunLoader.mode(run, manifest, plan),
            keysAreUnique: RunLoader.keysAreUnique(job, manifest), loadedAt: Moment.now.microseconds)
        load.clearsFirst = manifest.isFullRefresh && job.mode != .replace && !plan.createsTable
        load.forgetsFirst = manifest.isFullRefresh || job.mode == .replace
        try await RunLoader.refuseLostTable(run, manifest, plan, session)
        let changed = manifest.sourceFiles.map(\.path)
        // With a cursor the earlier rows of a file that has grown are not read again, and those that are come by once.
        if !load.clearsFirst, job.mode == .append, job.cursor == nil, !changed.isEmpty {
            load.superseded = try await session.stagedFiles(of: job.pipeline, from: changed).map {
                $0.split(separator: "/").last.map(String.init) ?? $0
            }
        }
        folder = StageName.folder(
            protocolName: run.connector.protocolName, source: job.source,
            moment: Moment(microseconds: manifest.createdAt))
        rejects = RejectsFile(run.lake, path: "\(folder)/_\(SafeName.make(id)).load-rejects.ndjson")
        run.monitor.enter("loading \(job.table)")
        self.load = try await session.begin(load)
        for change in plan.changes { run.monitor.say("table", change.sentence(job.table)) }
        if !plan.discarded.isEmpty {
            run.monitor.say(
                "discarded", "\(job.table) has no column \(plan.discarded.joined(separator: ", ")); left out",
                level: .warning)
        }
    }

    private static func mode(_ run: IngestRun, _ manifest: Manifest, _ plan: TablePlan) throws(SluiceError) -> LoadMode
    {
        let job = run.job
        switch job.mode {
        case .replace: return .replace
        case .merge: return .merge(key: job.key, order: job.cursor?.column, deletion: job.deletion)
        case .append:
            guard manifest.isOverlapping, !plan.createsTable, let cursor = job.cursor else { return .append }
            var columns = try run.tieBreaker(manifest.sourceKey)
            if !columns.contains(cursor.column) { columns.append(cursor.column) }
            return .appendNew(by: columns)
        }
    }

    /// Fails when the table is not there though rows were loaded into it: only what is new would come back.
    private static func refuseLostTable(
        _ run: IngestRun, _ manifest: Manifest, _ plan: TablePlan, _ session: any WarehouseSession
    ) async throws(SluiceError) {
        let job = run.job
        guard plan.createsTable, !manifest.isFullRefresh, job.mode != .replace else { return }
        var isGoingOn = try await session.watermark(of: job.pipeline) != nil
        if !isGoingOn, case .files = job.selection {
            isGoingOn = try await !session.sourceFiles(of: job.pipeline).isEmpty
        }
        guard isGoingOn else { return }
        throw SluiceError(
            .invalidConfiguration,
            "there is no table \(job.table) in \(run.warehouse.name), and job \(job.pipeline) has loaded rows before, which "
                + "a run that goes on would not read again",
            hint: "run the job with --full-refresh to load everything, or bring the table back")
    }

    private static func keysAreUnique(_ job: IngestJob, _ manifest: Manifest) -> Bool {
        !manifest.sourceKey.isEmpty && Set(manifest.sourceKey).isSubset(of: job.key)
    }

    /// Writes a batch of the lake.
    func write(_ batch: RecordBatch, from file: String, unit: String, firstRow: Int) async throws(SluiceError) {
        if failure != nil { return }
        let (fitted, refused) = try fitter.fit(batch, unit: unit, firstRow: firstRow)
        if let cursor = run.job.cursor, cursor.nulls == .fail,
            let first = refused.first(where: { $0.column == cursor.column })
        {
            throw SluiceError(
                .conversion, "the cursor is null", place: .init(file: unit, column: cursor.column, row: first.row),
                hint: "set cursor_nulls to load or reject")
        }
        try await reject(refused)
        do throws(SluiceError) {
            try await put(fitted, from: file, unit: unit, firstRow: firstRow)
        } catch {
            // What is transient does not end the staging: the rows can be loaded from the lake.
            guard error.isTransient, !Task.isCancelled else { throw error }
            failure = error
        }
    }

    /// Writes `fitted`, and when a value is beyond what the database holds, everything but its row.
    private func put(
        _ fitted: RecordBatch, from file: String, unit: String, firstRow: Int
    ) async throws(SluiceError) {
        if fitted.rowCount == 0 { return }
        do throws(SluiceError) {
            try await load.write(fitted, from: file)
            run.monitor.countLoaded(fitted.rowCount)
        } catch {
            guard error.code == .conversion, !fitter.isStrict else { throw error }
            if fitted.rowCount == 1 {
                let row = RejectedRows(fitted, unit: unit, firstRow: firstRow)
                    .row(0, column: error.place.column ?? "", reason: error.message)
                return try await reject([row])
            }
            let half = fitted.rowCount / 2
            try await put(fitted.slice(0..<half), from: file, unit: unit, firstRow: firstRow)
            try await put(
                fitted.slice(half..<fitted.rowCount), from: file, unit: unit, firstRow: firstRow + half)
        }
    }

    private func reject(_ rows: [RejectedRow]) async throws(SluiceError) {
        if rows.isEmpty { return }
        try await rejects.write(rows)
        run.monitor.countRejected(rows.count)
        try await run.checkLimit(rejects, of: run.monitor.rowsRead, isFinal: false)
    }

    /// Commits rows, ledger, watermark and audit row together.
    func commit(_ manifest: Manifest, _ flag: CommitFlag) async throws(SluiceError) -> IngestResult {
        try await run.checkLimit(rejects, of: manifest.rowsRead, besides: manifest.rowsRejected, isFinal: true)
        try await rejects.finish()
        let rejected = manifest.rowsRejected + rejects.count
        run.monitor.enter("committing \(run.job.table)")
        let outcome = AuditOutcome(
            rejected > 0 ? .partial : .success, files: manifest.parts.count,
            error: rejected > 0 ? (rejected == 1 ? "1 row was rejected" : "\(rejected) rows were rejected") : nil,
            finishedAt: Moment.now.microseconds)
        let isTrial = run.options.limit != nil
        flag.begin()
        let done = try await load.commit(
            LoadRecord(
                staged: manifest.parts, source: isTrial ? [] : manifest.sourceFiles, watermark: manifest.watermark,
                outcome: outcome))
        isOver = true
        var result = IngestResult(run: runID)
        result.take(manifest)
        result.load = done
        result.rowsRejected = rejected
        result.changes = plan.changes
        result.discarded = plan.discarded
        if manifest.rowsRejected > 0 {
            result.rejects.append(run.lake.url(RejectsFile.path(folder: folder, run: manifest.run)))
        }
        if let location = rejects.location { result.rejects.append(location) }
        run.monitor.say(
            "loaded", "loaded \(done.rows) rows into \(run.job.table)",
            [
                "inserted": .number(done.inserted), "updated": .number(done.updated), "deleted": .number(done.deleted),
                "skipped": .number(done.skipped), "rejected": .number(rejected),
            ])
        return result
    }

    /// Ends the load without a trace.
    func rollback() async {
        if isOver { return }
        isOver = true
        let (load, rejects) = (load, rejects)
        // In a task of its own, because this one may be cancelled.
        await Task {
            await load.rollback()
            await rejects.abandon()
        }.value
    }
}

extension TableChange {
    /// What is done, for people.
    public func sentence(_ table: TableName) -> String {
        switch self {
        case .create: "create table \(table)"
        case .add(let column, let type): "add column \(column) \(type) to \(table)"
        case .widen(let column, let from, let to): "widen column \(column) of \(table) from \(from) to \(to)"
        case .allowNull(let column): "let column \(column) of \(table) be null"
        }
    }
}
