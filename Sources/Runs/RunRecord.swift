// Runs: what ran, when, for whom, and how it ended; kept in SQLite beside the project, with a log file a run.

/// How a run stands, in the same words on every platform.
public enum RunState: String, Sendable, Hashable, CaseIterable {
    /// It waits.
    case queued
    /// Somebody is about to work on it.
    case starting
    /// Somebody works on it.
    case running
    /// Everything that was declared happened.
    case succeeded
    /// Everything but rejected rows.
    case partial
    /// It failed.
    case failed
    /// Somebody stopped it.
    case cancelled
    /// It took too long.
    case timedOut = "timed-out"
}

/// What was done, in numbers.
public struct RunCounts: Sendable, Hashable {
    /// Rows that came from the source.
    public var rowsRead = 0
    /// Rows that lie in the lake.
    public var rowsStaged = 0
    /// Rows that were added, updated or deleted in the warehouse.
    public var rowsLoaded = 0
    /// Rows that were rejected.
    public var rowsRejected = 0
    /// Bytes that came from the source.
    public var bytesRead = 0
    /// Bytes that lie in the lake.
    public var bytesStaged = 0
    /// Staged files.
    public var files = 0

    /// Nothing.
    public init() {}
}

/// One execution of a job.
public struct RunRecord: Sendable {
    /// Its id.
    public var id: String
    /// The project.
    public var project: String
    /// The job.
    public var job: String
    /// The job's kind: `ingest`.
    public var kind: String
    /// The environment, if one was chosen.
    public var environment: String?
    /// Where it runs: `local`.
    public var platform = "local"
    /// The platform's own name for it, where it does not run on this machine.
    public var reference: String?
    /// What it was started with, as JSON: `{"fullRefresh":true}`.
    public var parameters = "{}"
    /// The release and commit of the program, and the commit of the project if there is one.
    public var package = ""
    /// Who started it: `user@host`.
    public var who = ""
    /// The process that works on it, and when that began, in clock ticks since the machine started; both tell whether it
    /// is still there.
    public var process: (id: Int32, started: UInt64)?
    /// How it stands.
    public var state: RunState = .queued
    /// When it began, in microseconds since 1970.
    public var startedAt: Int64
    /// When it ended.
    public var finishedAt: Int64?
    /// What was done.
    public var counts = RunCounts()
    /// What went wrong.
    public var error: String?
    /// The exit code.
    public var exitCode: Int?
    /// The log file.
    public var log: String?
    /// How far the source had been read before, and is now.
    public var cursorFrom: String?
    /// How far the source is read now.
    public var cursorTo: String?
    /// How often it was tried.
    public var attempts: [AttemptRecord] = []
    /// What became of its steps, where it has some.
    public var steps: [StepRecord] = []

    /// A run that begins.
    public init(id: String, project: String, job: String, kind: String, startedAt: Int64) {
        self.id = id
        self.project = project
        self.job = job
        self.kind = kind
        self.startedAt = startedAt
    }
}

/// One try of a run.
public struct AttemptRecord: Sendable {
    /// Its number, from 1.
    public var number: Int
    /// How it stands.
    public var state: RunState
    /// When it began, in microseconds since 1970.
    public var startedAt: Int64
    /// When it ended.
    public var finishedAt: Int64?
    /// What was done.
    public var counts = RunCounts()
    /// What went wrong.
    public var error: String?

    /// A try that begins.
    public init(number: Int, state: RunState = .running, startedAt: Int64) {
        self.number = number
        self.state = state
        self.startedAt = startedAt
    }
}
