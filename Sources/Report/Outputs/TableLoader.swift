import Columns
import Runs
import Storage
import Support
import Warehouse

/// Loads the tables of reports into a database: for each input its rows, in place of those that an earlier report on it
/// had brought.
///
/// A table is a job of its own to the warehouse (`shop.sales.daily`), so that ledger, lineage and audit log are those that
/// an ingest has.
final class TableLoader {
    private let run: ReportRun
    private let warehouse: any Warehouse
    private var session: (any WarehouseSession)?
    private var number = 0
    /// How many rows were loaded.
    private(set) var rows = 0

    init(_ run: ReportRun, into warehouse: any Warehouse) {
        self.run = run
        self.warehouse = warehouse
    }

    /// Loads the tables of one input.
    func load(_ tables: [ReportTable], of input: String, content: String) async throws(SluiceError) {
        if tables.isEmpty { return }
        run.monitor.enter("loading \(input)")
        let session = try await connected()
        for table in tables { try await load(table, of: input, content: content, by: session) }
    }

    func close() async {
        await session?.close()
        session = nil
    }

    private func connected() async throws(SluiceError) -> any WarehouseSession {
        if let session { return session }
        let session = try await warehouse.connect(as: "sluice \(run.pipeline) \(run.id)")
        self.session = session
        try await session.prepare()
        // One lock for all tables: two runs must not replace each other's rows.
        try await session.lock(run.pipeline, wait: .seconds(30))
        return session
    }

    private func load(
        _ table: ReportTable, of input: String, content: String, by session: any WarehouseSession
    ) async throws(SluiceError) {
        guard let prefix = run.job.into.flatMap(TableName.init(parsing:)) else { return }
        let target = TableName(schema: prefix.schema, "\(prefix.name)_\(table.name)")
        let pipeline = "\(run.pipeline).\(table.name)"
        // To the audit log each table is a run of its own; what the rows bear begins with the run's id all the same.
        number += 1
        let id = "\(run.id)/\(number)-\(table.name)"
        // New in every load, as rows that replace others come from another file.
        let stem = try ReportNames(of: input, content: content, rules: "", format: run.job.format).stem
        let file = "\(stem).\(run.id).\(number)-\(table.name)"
        for dead in try await session.buryDead(of: pipeline, sparing: id) {
            run.monitor.say("died", "load \(dead) was found dead; nothing of it is in \(target)", level: .warning)
        }
        try await session.begin(
            AuditRun(
                run: id, pipeline: pipeline, source: String(input.prefix(256)), protocolName: "report",
                table: "\(target)", startedAt: Moment.now.microseconds))
        var open: (any TableLoad)?
        do throws(SluiceError) {
            let plan = try await session.plan(
                TableRequest(table: target, schema: table.batch.schema, contract: .evolve, key: []))
            var load = Load(run: id, job: pipeline, plan: plan, mode: .append, loadedAt: Moment.now.microseconds)
            load.superseded = try await session.stagedFiles(of: pipeline, from: [input]).map {
                $0.split(separator: "/").last.map(String.init) ?? $0
            }
            let begun = try await session.begin(load)
            open = begun
            let fitted = try fit(table.batch, to: plan)
            if fitted.rowCount > 0 { try await begun.write(fitted, from: file) }
            let staged = StagedFile(
                path: "report/\(file)", size: 0, hash: content, rows: fitted.rowCount, source: input)
            let result = try await begun.commit(
                LoadRecord(
                    staged: [staged], outcome: AuditOutcome(.success, files: 1, finishedAt: Moment.now.microseconds)))
            open = nil
            rows += result.inserted
        } catch {
            await open?.rollback()
            try? await session.end(
                id,
                AuditOutcome(
                    error.code == .cancelled ? .cancelled : .failure,
                    error: Redactor.shared.redact("\(error)"), finishedAt: Moment.now.microseconds))
            throw error
        }
    }

    /// `batch` with the table's columns and types.
    private func fit(_ batch: RecordBatch, to plan: TablePlan) throws(SluiceError) -> RecordBatch {
        var columns: [Column] = []
        for target in plan.targets {
            if let place = batch.schema.index(of: target.name) {
                let column = batch.columns[place]
                columns.append(column.type == target.type ? column : try column.cast(to: target.type))
            } else {
                columns.append(.nulls(target.type, count: batch.rowCount))
            }
        }
        return RecordBatch(schema: plan.schema, columns: columns, rowCount: batch.rowCount)
    }
}
