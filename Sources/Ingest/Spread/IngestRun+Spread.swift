import Connectors
import Runs
import Storage
public import Support
import Warehouse

extension IngestRun {
    /// Divides the work into tasks, and writes down what each is about.
    ///
    /// - parameter size: How many files a task takes.
    /// - returns: nil for a job whose work is one piece: one that reads no files, goes by a cursor, or replaces its table.
    @concurrent public func spread(size: Int) async throws(SluiceError) -> IngestSpread? {
        guard case .files = job.selection, job.cursor == nil, job.mode != .replace, !options.fullRefresh,
            options.backfill == nil, options.limit == nil, !options.resumes
        else { return nil }
        let session = try await warehouse.connect(as: "sluice \(job.pipeline)")
        let plan: ReadPlan
        do throws(SluiceError) {
            plan = try await readPlan(session, isPreview: true)
        } catch {
            await session.close()
            throw error
        }
        await session.close()
        let read = try await connector.read(plan.request)
        let files = read.units.compactMap { unit in unit.stamp.map { IngestTask.File(name: unit.name, stamp: $0) } }
        let (count, known) = (read.units.count, read.knownUnits)
        await read.close()
        guard files.count == count else { return nil }
        return try await IngestShares(self).divide(files, known: known, size: max(1, size))
    }

    /// The run of one task, which another run has divided its work into.
    public func share(task id: String) -> IngestRun {
        var run = self
        run.share = .task(id)
        return run
    }
}

/// What tasks do, and what they leave for each other in the lake.
struct IngestShares: Sendable {
    private let run: IngestRun
    private let folder: String

    init(_ run: IngestRun) {
        self.run = run
        folder = "_work/\(SafeName.make(run.job.pipeline))"
    }

    // MARK: What is written down

    func divide(_ files: [IngestTask.File], known: Int, size: Int) async throws(SluiceError) -> IngestSpread {
        var spread = IngestSpread(known: known, total: files.count + known)
        if files.isEmpty { return spread }
        for start in stride(from: 0, to: files.count, by: size) {
            spread.tasks.append(try await note(IngestTask(files: Array(files[start..<min(files.count, start + size)]))))
        }
        spread.last = try await note(IngestTask(files: files, parts: spread.tasks.map(\.id)))
        return spread
    }

    private func note(_ task: IngestTask) async throws(SluiceError) -> IngestSpread.Task {
        let id = try task.id(table: "\(run.job.table)")
        // The id follows from what is in it, and a task of a run that is begun again may be reading it.
        _ = try await run.lake.put("\(folder)/tasks/\(id).json", Buffer(Array(task.json.text().utf8)), .ifAbsent)
        return IngestSpread.Task(id: id, files: task.files.map(\.name))
    }

    private func json(_ path: String) async throws(SluiceError) -> JSONText? {
        do throws(SluiceError) {
            return try JSONText.parse(try await run.lake.text(of: path))
        } catch {
            if error.code == .notFound { return nil }
            throw error.at(.init(file: run.lake.url(path)))
        }
    }

    /// What a task is about.
    func task(_ id: String) async throws(SluiceError) -> IngestTask {
        guard IngestTask.isID(id) else { throw SluiceError(.usage, "\"\(id)\" is no task of a run") }
        let path = "\(folder)/tasks/\(id).json"
        guard let json = try await json(path) else {
            throw SluiceError(
                .notFound, "nobody has written down what the task \(id) is about",
                place: .init(file: run.lake.url(path)),
                hint: "'sluice start' does so on a platform that divides work into tasks")
        }
        return try IngestTask(json, at: run.lake.url(path))
    }

    /// What a task has staged; nil when it has not.
    private func staged(_ id: String) async throws(SluiceError) -> Manifest? {
        guard let path = try await json("\(folder)/done/\(id).json")?["manifest"]?.text else { return nil }
        do throws(SluiceError) {
            return try Manifest(parsing: try await run.lake.text(of: path), file: run.lake.url(path))
        } catch {
            // Whoever removed it wants the files staged again.
            if error.code == .notFound { return nil }
            throw error
        }
    }

    /// The pipeline that claims and manifests of tasks bear, so that a run of the whole job neither sweeps nor resumes them.
    private var pipeline: String { "\(run.job.pipeline)#tasks" }

    // MARK: A task that stages

    /// Stages the files of a task.
    func stage(_ id: String, _ task: IngestTask) async throws -> IngestResult {
        var result = IngestResult(run: run.id)
        if let manifest = try await staged(id) {
            result.take(manifest)
            result.note = "the files are staged already"
            return result
        }
        let read = try await run.connector.read(run.fileRequest())
        do {
            let manifest = try await stage(id, task, read)
            result.take(manifest)
            await read.close()
            return result
        } catch {
            await read.close()
            throw error
        }
    }

    private func stage(_ id: String, _ task: IngestTask, _ read: any SourceRead) async throws -> Manifest {
        var units: [any SourceUnit] = []
        for file in task.files {
            guard let unit = read.units.first(where: { $0.name == file.name }), unit.stamp == file.stamp else {
                throw SluiceError(
                    .conflict, "the file is not what it was when the work was divided", place: .init(file: file.name),
                    hint: "start the job again")
            }
            units.append(unit)
        }
        let plan = ReadPlan(request: run.fileRequest(), isOverlapping: false)
        let stager = try SourceStager(run, plan, read, run: "\(run.id).\(id)", pipeline: pipeline)
        do {
            for unit in units { try await stager.stage(unit) { _, _, _ in } }
            let manifest = try await stager.finish(read)
            let place: JSONText = ["manifest": .string(Manifest.path(folder: stager.folder, run: manifest.run))]
            try await run.lake.write(place.text(), to: "\(folder)/done/\(id).json")
            return manifest
        } catch {
            await stager.abandon()
            throw error
        }
    }

    // MARK: The task that loads

    /// Everything that the tasks have staged, as one run would have, without the files that are loaded by now. The lock
    /// is held.
    ///
    /// - returns: nil when all of them are loaded.
    func manifest(_ task: IngestTask, _ session: any WarehouseSession) async throws -> Manifest? {
        var all: [Manifest] = []
        for part in task.parts ?? [] {
            guard let manifest = try await staged(part) else {
                throw SluiceError(
                    .conflict, "the files of task \(part) are not staged, and without them the load would lack rows",
                    hint: "start the job again: what is staged is not read again")
            }
            all.append(manifest)
        }
        // What dead tasks have left; those of others may be at work, and none works for a day.
        let day = Moment(microseconds: Moment.now.microseconds - 86_400_000_000)
        try await Claims(run.lake, pipeline: pipeline).sweep(sparing: run.id, before: day)
        let loaded = try await session.sourceFiles(of: run.job.pipeline)
        let files = all.flatMap(\.sourceFiles)
        let pending = files.filter { file in
            loaded[file.path].map { $0.size != file.size || $0.hash != file.hash } ?? true
        }
        if pending.isEmpty, !files.isEmpty { return nil }
        let names = Set(pending.map(\.path))
        let order = Dictionary(task.files.enumerated().map { ($1.name, $0) }) { first, _ in first }
        let parts = all.flatMap(\.parts).enumerated().filter { names.contains($1.source) }
            .sorted { (order[$0.element.source] ?? 0, $0.offset) < (order[$1.element.source] ?? 0, $1.offset) }
            .map(\.element)
        var whole = Manifest(
            run: run.id, pipeline: run.job.pipeline, table: "\(run.job.table)", createdAt: Moment.now.microseconds,
            schema: try await SourceStager.union(of: all.map(\.schema), parts: all.flatMap(\.parts), in: run.lake),
            parts: parts, sourceFiles: pending, sourceKey: all.first?.sourceKey ?? [])
        whole.rowsRead = all.reduce(0) { $0 + $1.rowsRead }
        whole.rowsRejected = all.reduce(0) { $0 + $1.rowsRejected }
        whole.bytesRead = all.reduce(0) { $0 + $1.bytesRead }
        if run.job.rejectLimit.isPassed(rejected: whole.rowsRejected, of: whole.rowsRead, isFinal: true) {
            throw SluiceError(
                .limitExceeded,
                "\(whole.rowsRejected) of \(whole.rowsRead) rows were rejected, more than the job allows",
                hint: "the tasks' logs say where they are; mend the source, or allow more with max_rejects")
        }
        return whole
    }
}
