import Columns
import LakeTables
import Parquet
import Runs
import Storage
import Support
import Warehouse

/// Copies of a lake's tables in a database that reads no Parquet: PostgreSQL, SQLite.
///
/// The warehouse keeps, with the rows and in the same transaction, which files they are from. So a run loads the files that
/// are new; when one has changed or is gone, all of its table are loaded again, in place of what is there, and readers see
/// the old rows or the new ones.
struct Mirror {
    let run: String
    let job: MapJob
    let lake: any ObjectStore
    let monitor: RunMonitor
    let session: any WarehouseSession
    /// Whether nothing is changed, Sluice's own tables that are missing among it.
    let isPreview: Bool

    /// What is to be done about one table.
    struct Step {
        var named: Naming.Named
        var change: MapChange
        var plan: TablePlan
        /// The files to load.
        var files: [LakeFile]
        /// Whether they take the place of what is there.
        var replaces: Bool
    }

    /// The table that a name means.
    private func target(_ name: String) -> TableName { TableName(schema: job.schema, name) }

    /// By which the warehouse knows the load of a table.
    private func pipeline(_ name: String) -> String { "\(job.pipeline).\(name)" }

    // MARK: - Plan

    /// What has to be done about a table.
    func step(_ named: Naming.Named) async throws(SluiceError) -> Step {
        let table = named.table
        let plan = try await session.plan(
            TableRequest(table: target(named.name), schema: Mirror.schema(of: table), contract: .evolve))
        let known = try await self.known(
            { () async throws(SluiceError) in
                try await session.sourceFiles(of: pipeline(named.name))
            }, else: [:])
        let isNew: (LakeFile) -> Bool = { file in
            guard let entry = known[file.entry.path] else { return true }
            return entry.size != file.entry.size || entry.hash != Mirror.mark(of: file)
        }
        let fresh = table.files.filter(isNew)
        let present = Set(table.files.map(\.entry.path))
        let replaces =
            fresh.contains { known[$0.entry.path] != nil } || known.keys.contains { !present.contains($0) }
        let action: MapChange.Action
        if plan.createsTable {
            action = .create
        } else if known.isEmpty, try await lastLoad(of: named.name) == nil {
            action = .blocked
        } else {
            action = fresh.isEmpty && !replaces ? .unchanged : .alter
        }
        let columns = plan.targets.map { MapObject.Column($0.name, $0.sqlType) }
        let object = MapObject(
            name: named.name, kind: "table", source: table.id, columns: columns,
            statements: plan.changes.map { $0.words(target(named.name)) })
        return Step(
            named: named,
            change: MapChange(action: action, name: named.name, source: table.id, sql: [], object: object), plan: plan,
            files: plan.createsTable || replaces ? table.files : fresh, replaces: plan.createsTable || replaces)
    }

    private func lastLoad(of name: String) async throws(SluiceError) -> Int64? {
        try await known({ () async throws(SluiceError) in try await session.lastLoad(of: pipeline(name)) }, else: nil)
    }

    /// What the ledger answers; `missing` where there is no ledger yet, and none is to be made.
    private func known<Answer>(
        _ ask: () async throws(SluiceError) -> Answer, else missing: Answer
    ) async throws(SluiceError) -> Answer {
        do throws(SluiceError) {
            return try await ask()
        } catch {
            if isPreview, error.code == .notFound { return missing }
            throw error
        }
    }

    /// The schema of a copy: every value may be missing, since files of later schemas may lack it.
    private static func schema(of table: LakeTable) -> Schema {
        Schema(
            (table.columns.map(\.field) + table.partitions).map { field in
                Field(field.name, field.type == .null ? .utf8 : field.type)
            })
    }

    private static func mark(of file: LakeFile) -> String {
        MapFingerprint.of(file.entry.tag ?? "\(file.entry.modified?.microseconds ?? 0)")
    }

    // MARK: - Load

    /// Does what a step says.
    ///
    /// - returns: How many rows were loaded.
    func perform(_ step: Step) async throws(SluiceError) -> Int {
        let name = step.named.name
        monitor.enter("loading \(Display.safe(name))")
        let id = "\(run)/\(MapFingerprint.of(name).prefix(8))"
        for dead in try await session.buryDead(of: pipeline(name), sparing: id) {
            monitor.say("died", "load \(dead) was found dead; nothing of it is in \(name)", level: .warning)
        }
        try await session.begin(
            AuditRun(
                run: id, pipeline: pipeline(name), source: String(step.named.table.id.prefix(256)),
                protocolName: "map", table: "\(target(name))", startedAt: Moment.now.microseconds))
        var open: (any TableLoad)?
        do throws(SluiceError) {
            var load = Load(
                run: id, job: pipeline(name), plan: step.plan, mode: step.replaces ? .replace : .append,
                loadedAt: Moment.now.microseconds)
            load.forgetsFirst = step.replaces
            let begun = try await session.begin(load)
            open = begun
            var staged: [StagedFile] = []
            var sources: [SourceFile] = []
            for (number, file) in step.files.enumerated() {
                let base = "\(run).\(MapFingerprint.of(name).prefix(8)).\(number)"
                let rows = try await write(file, of: step, to: begun, as: base)
                let mark = Mirror.mark(of: file)
                staged.append(
                    StagedFile(
                        path: "map/\(base)", size: file.entry.size, hash: mark, rows: rows, source: file.entry.path))
                sources.append(
                    SourceFile(
                        path: file.entry.path, size: file.entry.size,
                        modified: (file.entry.modified?.microseconds ?? 0) &* 1000, hash: mark, rows: rows))
            }
            let result = try await begun.commit(
                LoadRecord(
                    staged: staged, source: sources,
                    outcome: AuditOutcome(.success, files: staged.count, finishedAt: Moment.now.microseconds)))
            open = nil
            monitor.countLoaded(result.inserted)
            return result.inserted
        } catch {
            await open?.rollback()
            try? await session.end(
                id,
                AuditOutcome(
                    error.code == .cancelled ? .cancelled : .failure, error: Redactor.shared.redact("\(error)"),
                    finishedAt: Moment.now.microseconds))
            throw error
        }
    }

    /// Writes the rows of a file.
    private func write(
        _ file: LakeFile, of step: Step, to load: any TableLoad, as base: String
    ) async throws(SluiceError) -> Int {
        let source = try await ParquetFile.open(try await lake.open(file.entry.path))
        let reader = try source.reader()
        var rows = 0
        while let batch = try await Mirror.next(reader) {
            let fitted: RecordBatch
            do throws(SluiceError) {
                fitted = try fit(batch, of: file, step)
            } catch {
                throw error.at(.init(file: lake.url(file.entry.path)))
            }
            rows += fitted.rowCount
            monitor.countRead(fitted.rowCount)
            if fitted.rowCount > 0 { try await load.write(fitted, from: base) }
        }
        return rows
    }

    private static func next(_ reader: ParquetReader) async throws(SluiceError) -> RecordBatch? {
        do {
            return try await reader.next()
        } catch let error as SluiceError {
            throw error
        } catch {
            throw SluiceError(.inputOutput, "\(error)")
        }
    }

    /// `batch` with the table's columns and types, and those of the path.
    private func fit(_ batch: RecordBatch, of file: LakeFile, _ step: Step) throws(SluiceError) -> RecordBatch {
        let table = step.named.table
        var columns: [Column] = []
        for target in step.plan.targets {
            let name = target.name.lowercased()
            let column: Column
            if let place = table.partitions.firstIndex(where: { $0.name.lowercased() == name }) {
                column = Mirror.constant(file.partitions[place], count: batch.rowCount)
            } else if let place = batch.schema.fields.firstIndex(where: { $0.name.lowercased() == name }),
                batch.columns[place].type != .null
            {
                column = batch.columns[place]
            } else {
                column = .nulls(target.type, count: batch.rowCount)
            }
            do throws(SluiceError) {
                columns.append(column.type == target.type ? column : try column.cast(to: target.type))
            } catch {
                throw error.at(.init(column: target.name))
            }
        }
        return RecordBatch(schema: step.plan.schema, columns: columns, rowCount: batch.rowCount)
    }

    private static func constant(_ text: String?, count: Int) -> Column {
        guard let text else { return .nulls(.utf8, count: count) }
        let builder = BytesBuilder(.utf8)
        for _ in 0..<count { builder.append(text) }
        return builder.finish()
    }
}

extension TableChange {
    /// The change in words.
    fileprivate func words(_ table: TableName) -> String {
        switch self {
        case .create: "create table \(table)"
        case .add(let column, let type): "add \(column): \(type)"
        case .widen(let column, let from, let to): "widen \(column) from \(from) to \(to)"
        case .allowNull(let column): "allow null in \(column)"
        }
    }
}

/// How copies are named: by the rules of the databases that have them.
struct MirrorDialect: Dialect {
    let name: String
    let distinguishesCase: Bool
    let longestName: Int

    var terminator: String { ";" }

    func quote(_ name: String) -> String { "\"" + SQLText.doubled(name, "\"") + "\"" }

    func object(_ name: String, for table: LakeTable, in catalogue: LakeCatalogue) -> Result<MapObject, Unmappable> {
        .failure(Unmappable(reason: "it is copied, and no object of SQL stands for it"))
    }

    func replace(_ object: MapObject, _ known: MapInventory.Owned) -> [String] { [] }

    func drop(_ name: String, _ kind: String) -> String { "DROP TABLE \(quote(name))" }

    func script(_ plan: MapPlan) -> [String] { [] }
}
