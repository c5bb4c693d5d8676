import CommandLine
import Glibc
import Platforms
import Project
import Runs
import Sluice
import Support

/// Runs that do not write their record here: those of platforms elsewhere, which are asked.
struct RemoteRuns {
    private let history: History
    private let context: Context

    init(_ history: History, _ context: Context) {
        self.history = history
        self.context = context
    }

    /// A run elsewhere.
    struct Found {
        /// What the history has of it.
        var record: RunRecord
        /// Where it runs.
        var platform: any Platform
        /// What it is called there.
        var handle: RunHandle
    }

    /// The run that `name` means when it runs elsewhere; nil for one of this machine.
    ///
    /// - parameter place: The platform, when it was named.
    /// - parameter environment: The environment to see the project as, for a run that the history does not have.
    func find(_ name: String?, on place: String?, environment: String?) async throws -> Found? {
        let record: RunRecord
        do throws(SluiceError) {
            record = try await history.run(name)
        } catch {
            // What another machine has started is known by its whole id alone.
            guard error.code == .notFound, let name, Self.isWholeID(name) else { throw error }
            if let found = try await ask(name, on: place, environment) { return found }
            throw error
        }
        guard let reference = record.reference else { return nil }
        let platform = try workspace(record.environment).platform(record.platform)
        return Found(
            record: record, platform: platform,
            handle: RunHandle(run: record.id, platform: record.platform, reference: reference, job: record.job))
    }

    /// `01a1ffd1-fc2d-7902-ae66-1cfcdabaa659`
    private static func isWholeID(_ name: String) -> Bool {
        name.utf8.count == 36 && name.utf8.allSatisfy { 48...57 ~= $0 || 97...102 ~= $0 || $0 == 45 }
    }

    /// Asks the platforms of the project for a run, and notes it in the history.
    private func ask(_ run: String, on place: String?, _ environment: String?) async throws -> Found? {
        let workspace = try workspace(environment)
        for name in place.map({ [$0] }) ?? workspace.platformNames {
            let platform = try workspace.platform(name)
            guard !platform.abilities.keepsHistory, let handle = try await platform.find(run) else { continue }
            let job = handle.job ?? ""
            var record = RunRecord(
                id: run, project: workspace.project.name, job: job, kind: workspace.project.job(job)?.kind ?? "",
                startedAt: Moment.now.microseconds)
            record.environment = environment
            record.platform = name
            record.reference = handle.reference
            record.state = .starting
            let status = try await platform.status(handle)
            record.startedAt = status.startedAt ?? record.startedAt
            let store = try await RunStore.open(RunFiles.history(in: history.folder))
            try await store.start(record)
            await store.close()
            return Found(record: record, platform: platform, handle: handle)
        }
        return nil
    }

    private func workspace(_ environment: String?) throws -> Workspace {
        let file = try ProjectFile.find(in: context)
        let (project, problems) = file.parse(environment: environment, variables: [:], unsetVariables: .warning)
        guard let project else {
            throw InvalidProject(file: file.name, report: DiagnosticReport(problems, sources: file.sources))
        }
        return Workspace(project, environmentVariables: file.environmentVariables)
    }

    /// Asks how a run stands, and notes it.
    func refresh(_ found: Found) async throws -> (record: RunRecord, status: PlatformStatus?) {
        // What has ended is not asked again: a platform forgets.
        if found.record.isFinished { return (found.record, nil) }
        let status = try await found.platform.status(found.handle)
        return (try await note(status, of: found.record), status)
    }

    /// What is known of a failure without its log.
    private static func failure(_ status: PlatformStatus) -> String {
        guard let code = status.exitCode else { return "the platform says \"\(status.word)\"" }
        return "its program ended with exit code \(code)"
    }

    /// Notes how a run stands, in the history of the project here.
    func note(_ status: PlatformStatus, of record: RunRecord) async throws(SluiceError) -> RunRecord {
        let store = try await RunStore.open(RunFiles.history(in: history.folder))
        do throws(SluiceError) {
            let noted = try await Self.note(status, of: record, in: store)
            await store.close()
            return noted
        } catch {
            await store.close()
            throw error
        }
    }

    /// Notes how a run stands.
    static func note(
        _ status: PlatformStatus, of record: RunRecord, in store: RunStore
    ) async throws(SluiceError) -> RunRecord {
        var record = record
        record.state = status.state
        record.startedAt = status.startedAt ?? record.startedAt
        if status.state.isFinal {
            record.finishedAt = status.finishedAt ?? Moment.now.microseconds
            record.exitCode = status.exitCode
            record.error = status.reason ?? (status.state == .failed ? failure(status) : nil)
        }
        if status.state.isFinal { try await store.finish(record) } else { try await store.start(record) }
        return record
    }
}
