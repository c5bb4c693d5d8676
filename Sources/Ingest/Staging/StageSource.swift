import Columns
import Connectors
import Parquet
import Runs
import Storage
import Support
import Warehouse

extension IngestRun {
    /// What staging led to.
    enum StageOutcome {
        /// The rows lie in the lake, and are still to be loaded.
        case staged(Manifest)
        /// The rows went into the table at the same time, and are committed.
        case loaded(IngestResult)
    }

    /// Reads the source into the lake and, where the warehouse allows it, into the open load.
    func stage(_ session: any WarehouseSession, _ state: inout AttemptState) async throws -> StageOutcome {
        monitor.enter("reading \(job.source)")
        let plan = try await readPlan(session)
        let read = try await connector.read(plan.request)
        do {
            let outcome = try await stage(read, plan, session, &state)
            await read.close()
            return outcome
        } catch {
            await read.close()
            throw error
        }
    }

    private func stage(
        _ read: any SourceRead, _ plan: ReadPlan, _ session: any WarehouseSession, _ state: inout AttemptState
    ) async throws -> StageOutcome {
        state.knownFiles = read.knownUnits
        if plan.isOverlapping { _ = try tieBreaker(read.key) }
        if read.units.isEmpty { return .loaded(try await nothingToRead(read, plan, session, state)) }
        let total = read.units.reduce(Optional(0)) { sum, unit in sum.flatMap { sum in unit.bytes.map { sum + $0 } } }
        monitor.expect(total)
        let stager = try SourceStager(self, plan, read, run: state.run)
        if warehouse.loadsWhileReading, read.units.count == 1, read.units[0].schema != nil {
            do {
                return try await stageAndLoad(stager, read, plan, session, &state)
            } catch let widened as SchemaWidened {
                // The source's own word on its types did not hold: the rows go into the lake first, then.
                monitor.say("widened", "the types of \(job.selection.shortName) are wider than the source says")
                stager.known = widened.schema
                await stager.abandon()
            }
        }
        do {
            for unit in read.units { try await stager.stage(unit) { _, _, _ in } }
            var manifest = try await stager.finish(read)
            manifest.knownFiles = read.knownUnits
            return .staged(manifest)
        } catch {
            await stager.abandon()
            throw error
        }
    }

    /// Ends a run that found no file to read, or none that is not loaded already; the table is left alone.
    private func nothingToRead(
        _ read: any SourceRead, _ plan: ReadPlan, _ session: any WarehouseSession, _ state: AttemptState
    ) async throws(SluiceError) -> IngestResult {
        guard job.mode != .replace, !options.fullRefresh else {
            throw SluiceError(
                .notFound,
                "no file fits \(job.selection.summary), and all rows of \(job.table) would be replaced by none",
                place: .init(file: connector.name),
                hint: "check the pattern and that the folder is there; to empty the table, delete its rows")
        }
        try await session.end(
            state.run, AuditOutcome(.success, finishedAt: Moment.now.microseconds))
        var result = IngestResult(run: state.run)
        result.cursorFrom = plan.mark?.value
        result.cursorTo = plan.mark?.value
        result.note = read.knownUnits > 0 ? "no file is new or changed" : "no file fits \(job.selection.summary)"
        monitor.say("nothing-new", result.note ?? "")
        return result
    }

    private func stageAndLoad(
        _ stager: SourceStager, _ read: any SourceRead, _ plan: ReadPlan, _ session: any WarehouseSession,
        _ state: inout AttemptState
    ) async throws -> StageOutcome {
        let unit = read.units[0]
        guard let schema = unit.schema else { throw SluiceError(.unsupported, "the columns are not known yet") }
        let skeleton = stager.manifest(of: try stager.stagedSchema(schema), read)
        let loader: RunLoader
        do {
            loader = try await RunLoader(self, skeleton, session, run: state.run)
        } catch {
            await stager.abandon()
            throw error
        }
        do {
            try await stager.stage(unit, mayStartAgain: false) { batch, file, row in
                try await loader.write(batch, from: file, unit: unit.name, firstRow: row)
            }
            let manifest = try await stager.finish(read)
            state.manifest = manifest
            if let failure = loader.failure {
                await loader.rollback()
                throw failure
            }
            return .loaded(try await loader.commit(manifest, state.commit))
        } catch {
            await loader.rollback()
            if state.manifest == nil { await stager.abandon() }
            throw error
        }
    }
}

/// Stages the units of a reading, and gathers what the manifest says of them.
final class SourceStager: @unchecked Sendable {
    // `@unchecked Sendable` because one task at a time uses it.

    private let run: IngestRun
    private let plan: ReadPlan
    private let runID: String
    private let startedAt = Moment.now
    /// Where the parts lie.
    let folder: String
    private let pipeline: String
    private let claims: Claims
    private let rejects: RejectsFile
    /// What an earlier reading found out about the only unit.
    var known: Schema?
    private var names: [StageName] = []
    private var stages: [UnitStage] = []
    private var schemas: [Schema] = []
    private var sourceFiles: [SourceFile] = []
    private var range = ColumnRange()
    private var cursorType: DataType?
    private var rowsRead = 0
    private var bytesRead = 0
    private var told = ToldRejects()

    /// - parameter pipeline: Whose work it is, when that is another than the job's.
    init(
        _ run: IngestRun, _ plan: ReadPlan, _ read: any SourceRead, run id: String, pipeline: String? = nil
    ) throws(SluiceError) {
        self.run = run
        self.pipeline = pipeline ?? run.job.pipeline
        self.plan = plan
        runID = id
        folder = StageName.folder(
            protocolName: run.connector.protocolName, source: run.job.source, moment: startedAt)
        claims = Claims(run.lake, pipeline: self.pipeline)
        rejects = RejectsFile(run.lake, path: RejectsFile.path(folder: folder, run: id))
    }

    /// The columns of `schema` as they are staged: with `_ingested_at`, and with other names for columns that are called
    /// like one of ours.
    func stagedSchema(_ schema: Schema) throws(SluiceError) -> Schema {
        var result = schema
        var seen: Set<String> = []
        for index in result.fields.indices {
            while IngestedAt.reserved.contains(result.fields[index].name) {
                result.fields[index].name = "src" + result.fields[index].name
            }
            guard seen.insert(result.fields[index].name).inserted else {
                throw SluiceError(
                    .invalidConfiguration, "two columns are called \"\(result.fields[index].name)\"",
                    place: .init(file: run.job.selection.shortName), hint: "give one of them another name in a query")
            }
        }
        result.fields.append(IngestedAt.field)
        return result
    }

    /// Reads a unit and writes it to the lake, handing every batch on when it is written.
    ///
    /// - parameter mayStartAgain: Whether batches may be handed on a second time, when their types turn out to be wider.
    /// - parameter written: Gets a batch as it is staged, the part that it lies in, and the number of its first row.
    func stage(
        _ unit: any SourceUnit, mayStartAgain: Bool = true,
        written: @escaping @Sendable (RecordBatch, String, Int) async throws -> Void
    ) async throws {
        let start = names.last.map { Moment(microseconds: $0.moment.microseconds + 1) } ?? startedAt
        let name = try await claims.take(folder: folder, unit: unit.name, from: start, run: runID)
        names.append(name)
        let options = StageOptions(
            run: runID, partBytes: run.job.partBytes, codec: run.job.codec, level: run.job.compressionLevel)
        let stage = UnitStage(run.lake, name: name, unit: unit.name, options: options)
        stages.append(stage)
        run.monitor.enter("reading \(unit.name)")
        var wider = known
        told = ToldRejects()
        while true {
            do {
                return try await pass(unit, under: wider, into: stage, written)
            } catch let widened as SchemaWidened where mayStartAgain {
                run.monitor.say(
                    "widened", "\(unit.name): its types are wider than they showed at first; reading it again",
                    level: .debug)
                await stage.abandon()
                wider = widened.schema
            }
        }
    }

    private func pass(
        _ unit: any SourceUnit, under schema: Schema?, into stage: UnitStage,
        _ written: @escaping @Sendable (RecordBatch, String, Int) async throws -> Void
    ) async throws {
        let reader = try await unit.open(under: schema)
        let staged = try stagedSchema(reader.schema)
        let cursor = try cursorColumn(reader.schema)
        let before = (rows: rowsRead, range: range)
        let shown = run.monitor.mark
        let toldBefore = told
        var rows = 0
        var row = 1
        let read = Relay<(RecordBatch, [RejectedRow])>(capacity: 1)
        let done = Relay<(RecordBatch, String, Int)>(capacity: 1)
        let monitor = run.monitor
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    do {
                        var bytes = 0
                        while let batch = try await reader.next() {
                            try Task.checkCancellation()
                            monitor.countRead(batch.rowCount)
                            monitor.countBytes(reader.bytesRead - bytes)
                            bytes = reader.bytesRead
                            try await read.send((batch, reader.takeRejects()))
                        }
                        let last = reader.takeRejects()
                        if !last.isEmpty {
                            try await read.send(
                                (
                                    RecordBatch(
                                        schema: reader.schema,
                                        columns: reader.schema.fields.map { .nulls($0.type, count: 0) }), last
                                ))
                        }
                        read.finish()
                    } catch {
                        read.finish(throwing: error)
                    }
                }
                group.addTask {
                    do {
                        while let (batch, file, row) = try await done.next() { try await written(batch, file, row) }
                    } catch {
                        done.close()
                        throw error
                    }
                }
                do {
                    while let (batch, refused) = try await read.next() {
                        try Task.checkCancellation()
                        try await reject(told.add(refused, since: toldBefore))
                        rows += batch.rowCount
                        rowsRead += batch.rowCount + refused.count
                        if batch.rowCount == 0 { continue }
                        if let cursor { range.add(batch.columns[cursor]) }
                        let columns = batch.columns + [IngestedAt.column(at: startedAt, rows: batch.rowCount)]
                        let marked = RecordBatch(schema: staged, columns: columns, rowCount: batch.rowCount)
                        let file = try await stage.write(marked)
                        monitor.countStaged(batch.rowCount)
                        try await done.send((marked, file, row))
                        row += batch.rowCount
                    }
                    done.finish()
                    try await group.waitForAll()
                } catch {
                    read.close()
                    done.finish(throwing: error)
                    group.cancelAll()
                    // A failure of whoever got the batches is told, not that nobody takes them any more.
                    if error is CancellationError, !Task.isCancelled { try await group.waitForAll() }
                    throw error
                }
            }
            try Task.checkCancellation()
            try await stage.finish()
        } catch {
            (rowsRead, range) = (before.rows, before.range)
            if error is SchemaWidened { run.monitor.goBack(to: shown) }
            throw error
        }
        bytesRead += reader.bytesRead
        schemas.append(staged.leavingOpen(reader.columnsWithoutValues))
        if run.options.limit == nil, run.options.backfill == nil, var file = try await unit.file() {
            file.rows = rows
            sourceFiles.append(file)
        }
    }

    private func cursorColumn(_ schema: Schema) throws(SluiceError) -> Int? {
        guard let cursor = run.job.cursor else { return nil }
        guard let place = schema.index(of: cursor.column) else {
            let names = schema.fields.map(\.name)
            throw SluiceError(
                .invalidConfiguration, "the source has no column \"\(cursor.column)\", which is the cursor",
                place: .init(file: run.job.selection.shortName, column: cursor.column),
                hint: nearestWord(to: cursor.column, among: names).map { "did you mean \"\($0)\"?" }
                    ?? "its columns are: \(names.joined(separator: ", "))")
        }
        let type = schema.fields[place].type
        if let known = cursorType, known != type {
            throw SluiceError(
                .invalidConfiguration, "the cursor is \(known) in one file and \(type) in another",
                place: .init(file: run.job.selection.shortName, column: cursor.column),
                hint: "name its type: types: { \(cursor.column): \(known) }")
        }
        cursorType = type
        return place
    }

    private func reject(_ rows: [RejectedRow]) async throws(SluiceError) {
        if rows.isEmpty { return }
        try await rejects.write(rows)
        run.monitor.countRejected(rows.count)
        try await run.checkLimit(rejects, of: rowsRead + rows.count, isFinal: false)
    }

    /// The manifest of what is staged so far, for rows of `schema`.
    func manifest(of schema: Schema, _ read: any SourceRead) -> Manifest {
        Manifest(
            run: runID, pipeline: pipeline, table: "\(run.job.table)", createdAt: startedAt.microseconds,
            schema: schema, cursorFrom: plan.mark?.value, sourceKey: read.key,
            isFullRefresh: run.options.fullRefresh, isOverlapping: plan.isOverlapping)
    }

    /// Makes the manifest visible: from here on the run can be loaded without its source.
    func finish(_ read: any SourceRead) async throws -> Manifest {
        try await run.checkLimit(rejects, of: rowsRead, isFinal: true)
        try await rejects.finish()
        FaultPoint.stageBeforeManifest.reach()
        var manifest = manifest(of: try await union(), read)
        manifest.parts = stages.flatMap(\.parts)
        manifest.sourceFiles = sourceFiles
        manifest.watermark = try newWatermark()
        manifest.rowsRead = rowsRead
        manifest.rowsRejected = rejects.count
        manifest.bytesRead = bytesRead
        if !manifest.parts.isEmpty || !sourceFiles.isEmpty || rejects.count > 0 {
            try await run.lake.write(
                manifest.json.text(pretty: true) + "\n", to: Manifest.path(folder: folder, run: runID))
        }
        for name in names { await claims.release(name) }
        FaultPoint.staged.reach()
        let size = Quantities.describe(bytes: manifest.parts.reduce(0) { $0 + $1.size })
        run.monitor.say(
            "staged",
            "staged \(rowsRead - rejects.count) rows in \(manifest.parts.count == 1 ? "1 file" : "\(manifest.parts.count) files"), \(size)",
            [
                "rows": .number(rowsRead - rejects.count), "files": .array(manifest.parts.map { .string($0.path) }),
                "rejected": .number(rejects.count),
            ])
        return manifest
    }

    /// The watermark after these rows; nil when it stays where it is.
    private func newWatermark() throws(SluiceError) -> Watermark? {
        guard let cursor = run.job.cursor, run.options.backfill == nil, run.options.limit == nil,
            let largest = range.maximum, let type = cursorType
        else { return nil }
        let value = try CursorValue.text(largest, type)
        // Within the window for late rows nothing may be newer than what is known already.
        if let mark = plan.mark, !run.options.fullRefresh, mark.type == "\(type)",
            try CursorValue.isBefore(value, mark.value, type, column: cursor.column)
        {
            return nil
        }
        return Watermark(column: cursor.column, type: "\(type)", value: value)
    }

    private func union() async throws(SluiceError) -> Schema {
        try await SourceStager.union(of: schemas, parts: stages.flatMap(\.parts), in: run.lake)
    }

    /// Throws away what is staged and gives the names back.
    func abandon() async {
        let (stages, names, claims, rejects) = (stages, names, claims, rejects)
        // In a task of its own, because this one may be cancelled.
        await Task {
            for stage in stages { await stage.abandon() }
            await rejects.abandon()
            for name in names { await claims.release(name) }
        }.value
        self.stages = []
        self.names = []
        schemas = []
        sourceFiles = []
    }
}

extension Schema {
    /// This schema with no type for `columns`, whose type was only guessed: they fit whatever comes later.
    fileprivate func leavingOpen(_ columns: Set<String>) -> Schema {
        if columns.isEmpty { return self }
        var schema = self
        for place in schema.fields.indices where columns.contains(schema.fields[place].name) {
            schema.fields[place].type = .null
        }
        return schema
    }
}
