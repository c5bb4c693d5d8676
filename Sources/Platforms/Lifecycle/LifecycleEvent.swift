import Runs
public import Support
import Synchronization

/// Something that happens to a job on a platform: before it, and how it went.
public struct LifecycleEvent: Sendable {
    /// What is done to the job.
    public enum Deed: String, Sendable, Hashable, CaseIterable {
        /// It is brought to the platform.
        case deploy
        /// It is removed from there.
        case delete
        /// The number of the platform's machines is set.
        case resize
        /// A run is started.
        case start
        /// A run is asked to end.
        case cancel
        /// It was asked how a run stands.
        case status
    }

    /// When, as seen from the deed.
    public enum Phase: String, Sendable, Hashable, CaseIterable {
        /// It is about to be done.
        case before
        /// It was done.
        case after
        /// It was not, or nobody knows whether it was.
        case failed
    }

    /// What is done.
    public var deed: Deed
    /// Before it, or how it went.
    public var phase: Phase
    /// When it was told, in microseconds since 1970.
    public var at: Int64
    /// The platform.
    public var platform: String
    /// The job, where the deed is about one that is declared.
    public var job: JobDeployment?
    /// The run's id, where it is about one.
    public var run: String?
    /// How the run stands, where it was asked.
    public var status: PlatformStatus?
    /// Why it failed.
    public var error: SluiceError?

    /// What it is called: `deploy.before`, `status.after`.
    public var name: String { "\(deed.rawValue).\(phase.rawValue)" }

    /// The event for machines.
    public var json: JSONText {
        [
            "event": .string(name), "time": .string(Moment(microseconds: at).iso),
            "platform": .string(platform), "job": job.map { .string($0.job) } ?? .null,
            "run": run.map { .string($0) } ?? .null, "state": status.map { .string($0.state.rawValue) } ?? .null,
            "isComplete": status.map { .bool($0.state.isFinal) } ?? .null,
            "error": error.map { .string(Redactor.shared.redact($0.description)) } ?? .null,
        ]
    }
}

/// Somebody who wants to know what happens to jobs.
public protocol LifecycleListener: Sendable {
    /// Told of each event in its order, before the next is told. Whoever takes long holds the deed up.
    func hear(_ event: LifecycleEvent) async
}

/// Those who listen. Everything that is done to jobs through one workspace is told to all of them.
public final class LifecycleEvents: Sendable {
    private let listeners = Mutex<[any LifecycleListener]>([])

    /// Nobody listens yet.
    public init() {}

    /// Tells `listener` of everything from now on.
    public func add(_ listener: any LifecycleListener) { listeners.withLock { $0.append(listener) } }

    /// Tells everybody.
    public func tell(_ event: LifecycleEvent) async {
        for listener in listeners.withLock({ $0 }) { await listener.hear(event) }
    }
}
