import Connectors
import Runs
import Settings
import Support

/// What a look at a step's object found.
enum Finding: Sendable {
    /// It is as it is to be; why one may say so.
    case done(String)
    /// It is not; what would be done about it, a line each.
    case pending([String])
}

/// A step at work: a look that changes nothing, and an act that brings about what the look looks for.
protocol StepWork: Sendable {
    /// Whether what is seen is told as `already done`, as opposed to `checked`.
    var isAct: Bool { get }
    /// Whether the work is to be looked at once more after the act; not where only the act itself can tell.
    var isVerifiable: Bool { get }
    /// Looks.
    func inspect(_ scene: Scene) async throws(SluiceError) -> Finding
    /// Does what is pending, all of it or nothing where the object knows transactions.
    ///
    /// - returns: What was done, as a sentence.
    func act(_ scene: Scene) async throws(SluiceError) -> String
}

extension StepWork {
    var isAct: Bool { true }
    var isVerifiable: Bool { true }
}

/// What a step at work is surrounded by.
struct Scene: Sendable {
    let run: String
    let job: InitJob
    let entry: InitJob.Entry
    let sites: InitSites
    let monitor: RunMonitor
    /// Whether this is a plan: nothing may be changed, the making of an empty file among it.
    let isPlan: Bool

    /// Opens a session with the step's database for as long as `body` takes.
    func withDatabase<Answer: Sendable>(
        _ changes: [String: String] = [:], _ body: (DirectSession) async throws(SluiceError) -> Answer
    ) async throws(SluiceError) -> Answer {
        let settings = try await sites.settings(entry.database)
        let session = try await settings.openDirectly(as: "sluice \(job.pipeline)", changes, isChanging: !isPlan)
        let answer: Result<Answer, SluiceError>
        do throws(SluiceError) {
            answer = .success(try await body(session))
        } catch {
            answer = .failure(error)
        }
        await session.close()
        return try answer.get()
    }

    /// Says something in the run's log, and to whoever looks closely.
    func say(_ event: String, _ message: String) {
        monitor.say(
            event, message, ["step": .number(entry.number), "region": entry.region.map { .string($0) } ?? .null])
    }
}

extension InitJob.Step {
    /// The step at work.
    var work: any StepWork {
        switch self {
        case .check(let step): CheckWork(step: step)
        case .grant(let step): GrantWork(step: step)
        case .migrate(let step): MigrateWork(step: step)
        case .seed(let step): SeedWork(step: step)
        case .command(let step): CommandWork(step: step)
        }
    }
}
