import Support
import Synchronization
import Warehouse

/// What keeps a second runner of a job out: a lock file on this machine, and in each database that the job changes the lock
/// that goes with its session.
///
/// A database's lock is taken when the first step is about to change it, and not before: a step that says why the database
/// cannot be reached has its turn first.
final class InitLocks: Sendable {
    private let job: InitJob
    private let sites: InitSites
    private let held = Mutex<[(database: String, session: any WarehouseSession)]>([])

    init(_ job: InitJob, _ sites: InitSites) {
        self.job = job
        self.sites = sites
    }

    /// Does `body` while the lock of this machine is held; gives up all locks at the end.
    func whileHeld<Answer: Sendable>(
        _ body: () async throws(SluiceError) -> Answer
    ) async throws(SluiceError) -> Answer {
        let file = try await JobLock.take(
            job.pipeline, beside: "\(sites.stateFolder)/init", as: "sluice \(job.pipeline)", wait: job.lockWait)
        let answer: Result<Answer, SluiceError>
        do throws(SluiceError) {
            answer = .success(try await body())
        } catch {
            answer = .failure(error)
        }
        let sessions = held.withLock { held in
            defer { held = [] }
            return held.map(\.session)
        }
        for session in sessions { await session.close() }
        withExtendedLifetime(file) {}
        return try answer.get()
    }

    /// Takes the lock of the database that a step is about to change, if it is to change one.
    func take(_ entry: InitJob.Entry) async throws(SluiceError) {
        switch entry.step {
        case .grant, .migrate: break
        // A seed's load has a lock of its own; programs are kept apart by the file.
        case .seed, .command, .check: return
        }
        let key = entry.database ?? ""
        if held.withLock({ held in held.contains { $0.database == key } }) { return }
        let session = try await sites.warehouse(entry.database).connect(as: "sluice \(job.pipeline) lock")
        do throws(SluiceError) {
            try await session.lock("\(job.pipeline) init", wait: job.lockWait)
        } catch {
            await session.close()
            throw error
        }
        held.withLock { $0.append((key, session)) }
    }
}
