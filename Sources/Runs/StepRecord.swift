/// How a step of a run stands.
public enum StepState: String, Sendable, Hashable, CaseIterable {
    /// Somebody works on it.
    case running
    /// It was looked at, and is as it has to be.
    case checked
    /// It was done before, and nothing was changed.
    case alreadyDone = "already-done"
    /// It was done, and a second look saw it.
    case done
    /// It would be done.
    case planned
    /// It failed.
    case failed
    /// An earlier one failed.
    case notRun = "not-run"
}

/// One step of a run that has steps.
public struct StepRecord: Sendable, Hashable {
    /// Its number, from 1.
    public var number: Int
    /// Its name.
    public var name: String
    /// Its kind: `migrate`.
    public var kind: String
    /// The region that it was done for.
    public var region: String?
    /// How it stands.
    public var state: StepState
    /// When it began, in microseconds since 1970; nil when it has not.
    public var startedAt: Int64?
    /// When it ended.
    public var finishedAt: Int64?
    /// What was done or found, or why it was not.
    public var message: String

    /// A step.
    public init(
        number: Int, name: String, kind: String, region: String? = nil, state: StepState, startedAt: Int64? = nil,
        finishedAt: Int64? = nil, message: String = ""
    ) {
        self.number = number
        self.name = name
        self.kind = kind
        self.region = region
        self.state = state
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.message = message
    }
}
