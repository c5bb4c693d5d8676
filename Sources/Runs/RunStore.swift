import Glibc
import SQLite
public import Support

/// The history of runs: one SQLite file beside the project, which several processes may use at once.
///
///     let store = try await RunStore.open("/shop/.sluice/runs.db")
///     try await store.start(run)
///     try await store.update(run.id, state: .running, counts: counts)
///     try await store.finish(run)
///
/// Every call is one statement, so that calls of several tasks cannot mix.
public final class RunStore: Sendable {
    /// The file.
    public let path: String
    let database: SQLiteDatabase

    private init(path: String, database: SQLiteDatabase) {
        self.path = path
        self.database = database
    }

    /// Opens the history in the file at `path`; makes it, and the folders on the way, when it is not there.
    public static func open(_ path: String) async throws(SluiceError) -> RunStore {
        try makeFolders(above: path)
        let database = try await SQLiteDatabase.open(path)
        do throws(SluiceError) {
            try await RunSchema.migrate(database)
            // Progress may be lost in a power cut, and need not wait for the disk; `start` and `finish` see to it.
            try await database.execute("PRAGMA synchronous = NORMAL")
        } catch {
            await database.close()
            throw error
        }
        return RunStore(path: path, database: database)
    }

    /// Closes the file, in a cancelled task as well.
    public func close() async { await database.close() }

    // MARK: Writing

    /// Notes a run that begins, or begins again.
    public func start(_ run: RunRecord) async throws(SluiceError) {
        try await write(run)
        for attempt in run.attempts { try await self.attempt(run.id, attempt) }
        try await settle()
    }

    /// Notes a try of a run, or how it stands now.
    public func attempt(_ run: String, _ attempt: AttemptRecord) async throws(SluiceError) {
        try await database.query(RunSchema.upsertAttempt, named: RunSchema.values(of: attempt, run: run))
    }

    /// Notes a step of a run, or how it stands now.
    public func step(_ run: String, _ step: StepRecord) async throws(SluiceError) {
        try await database.query(RunSchema.upsertStep, named: RunSchema.values(of: step, run: run))
    }

    /// Notes how far a run has come. Cheap, so that it may be called every second.
    public func update(_ run: String, state: RunState, counts: RunCounts) async throws(SluiceError) {
        var values = RunSchema.values(of: counts)
        values["id"] = .text(run)
        values["state"] = .text(state.rawValue)
        values["updated_at"] = .integer(Moment.now.microseconds)
        try await database.query(RunSchema.updateCounts, named: values)
    }

    /// Notes how a run ended.
    public func finish(_ run: RunRecord) async throws(SluiceError) {
        var run = run
        if run.finishedAt == nil { run.finishedAt = Moment.now.microseconds }
        try await write(run)
        for attempt in run.attempts { try await self.attempt(run.id, attempt) }
        for step in run.steps { try await self.step(run.id, step) }
        try await settle()
    }

    private func write(_ run: RunRecord) async throws(SluiceError) {
        try await database.query(RunSchema.upsertRun, named: RunSchema.values(of: run))
    }

    /// Brings what is written to the disk.
    private func settle() async throws(SluiceError) {
        try await database.execute("PRAGMA wal_checkpoint(PASSIVE)")
    }

    private static func makeFolders(above path: String) throws(SluiceError) {
        guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return }
        try makeFolder(String(path[..<slash]))
    }

    /// Makes a folder and those that it lies in.
    static func makeFolder(_ folder: String) throws(SluiceError) {
        if mkdir(folder, 0o777) == 0 || errno == EEXIST { return }
        if errno == ENOENT, let slash = folder.lastIndex(of: "/"), slash > folder.startIndex {
            try makeFolder(String(folder[..<slash]))
            if mkdir(folder, 0o777) == 0 || errno == EEXIST { return }
        }
        let isRefused = errno == EACCES || errno == EPERM || errno == EROFS
        throw SluiceError(
            isRefused ? .permission : .inputOutput, "the folder cannot be made: \(String(cString: strerror(errno)))",
            place: .init(file: folder))
    }
}
