public import Runs
public import Support

/// One of the tasks that a run is divided into, on a platform that can do so.
///
/// The run has succeeded when all of its tasks have. What a task does is safe to do twice; a platform does it again only when it
/// failed or nobody knows how it ended.
public struct RunTask: Sendable, Hashable {
    /// What it goes by in its run. It follows from what the task is about, so that the same work has the same id however
    /// often it is handed over: letters, digits, `-` and `_`, 64 at most.
    public var id: String
    /// What its program is told.
    public var arguments: [String]
    /// Variables, laid over those of the run.
    public var environment: [String: String]
    /// The tasks that have to have succeeded before it begins.
    public var after: [String]
    /// How often it is tried in all.
    public var attempts: Int
    /// How long one attempt may take.
    public var time: Duration?

    /// A task.
    public init(
        id: String, arguments: [String], environment: [String: String] = [:], after: [String] = [], attempts: Int = 3,
        time: Duration? = nil
    ) {
        self.id = id
        self.arguments = arguments
        self.environment = environment
        self.after = after
        self.attempts = attempts
        self.time = time
    }
}

/// How many of a run's tasks stand how.
public struct TaskCounts: Sendable, Hashable {
    /// They wait for a place, or for others.
    public var waiting = 0
    /// Somebody works on them.
    public var running = 0
    /// They have succeeded.
    public var succeeded = 0
    /// They have failed, and are not tried again.
    public var failed = 0

    /// No tasks.
    public init() {}

    /// All of them.
    public var all: Int { waiting + running + succeeded + failed }

    /// The numbers for machines.
    public var json: JSONText {
        [
            "waiting": .number(waiting), "running": .number(running), "succeeded": .number(succeeded),
            "failed": .number(failed),
        ]
    }
}

/// How one task of a run stands.
public struct TaskStatus: Sendable, Hashable {
    /// What it goes by.
    public var id: String
    /// The state, in the words that all platforms share.
    public var state: RunState
    /// The platform's own word for it.
    public var word: String
    /// How often it was begun.
    public var attempts: Int
    /// What its program ended with.
    public var exitCode: Int?
    /// Why it failed.
    public var reason: String?
    /// When its latest attempt began, in microseconds since 1970.
    public var startedAt: Int64?
    /// When it ended.
    public var finishedAt: Int64?

    /// A status.
    public init(
        id: String, state: RunState, word: String, attempts: Int, exitCode: Int? = nil, reason: String? = nil,
        startedAt: Int64? = nil, finishedAt: Int64? = nil
    ) {
        self.id = id
        self.state = state
        self.word = word
        self.attempts = attempts
        self.exitCode = exitCode
        self.reason = reason
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }

    /// The status for machines.
    public var json: JSONText {
        [
            "id": .string(id), "state": .string(state.rawValue), "word": .string(word), "attempts": .number(attempts),
            "exitCode": exitCode.map { .number($0) } ?? .null, "reason": reason.map { .string($0) } ?? .null,
            "startedAt": startedAt.map { .string(Moment(microseconds: $0).iso) } ?? .null,
            "finishedAt": finishedAt.map { .string(Moment(microseconds: $0).iso) } ?? .null,
        ]
    }
}
