public import Runs
public import Support

/// How a run stands.
public struct PlatformStatus: Sendable, Hashable {
    /// The state, in the words that all platforms share.
    public var state: RunState
    /// The platform's own word for it.
    public var word: String
    /// When it began, in microseconds since 1970.
    public var startedAt: Int64?
    /// When it ended.
    public var finishedAt: Int64?
    /// What the program ended with.
    public var exitCode: Int?
    /// What else there is to know: which limit it ran into.
    public var reason: String?
    /// How its tasks stand, when it is divided into some.
    public var tasks: TaskCounts?
    /// What it used, in the units that the platform bills; nil where there is no bill.
    public var usage: String?

    /// A status.
    public init(
        _ state: RunState, word: String, startedAt: Int64? = nil, finishedAt: Int64? = nil, exitCode: Int? = nil,
        reason: String? = nil, usage: String? = nil, tasks: TaskCounts? = nil
    ) {
        self.usage = usage
        self.tasks = tasks
        self.state = state
        self.word = word
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.exitCode = exitCode
        self.reason = reason
    }
}

extension RunState {
    /// Whether nothing will change any more.
    public var isFinal: Bool {
        switch self {
        case .queued, .starting, .running: false
        case .succeeded, .partial, .failed, .cancelled, .timedOut: true
        }
    }

    /// What an exit code of the program says.
    public init(exitCode: Int) {
        switch exitCode {
        case 0: self = .succeeded
        case 3: self = .partial
        case 124: self = .timedOut
        case 130, 143: self = .cancelled
        default: self = .failed
        }
    }
}

extension Platform {
    /// Waits until a run has ended. Asked again and again, at longer and longer intervals that differ a little, so that
    /// many who wait do not ask at the same time. What is transient is asked again; what is not ends the wait.
    ///
    /// - parameter limit: How long to wait at most.
    /// - throws: `timedOut` when it has not ended by then; the run goes on.
    public func wait(
        for handle: RunHandle, atMost limit: Duration? = nil, every first: Duration = .milliseconds(100),
        told: @Sendable (PlatformStatus) async -> Void = { _ in }
    ) async throws(SluiceError) -> PlatformStatus {
        let clock = ContinuousClock()
        let deadline = limit.map { clock.now + $0 }
        var pause = first
        var failures = 0
        while true {
            do throws(SluiceError) {
                let status = try await status(handle)
                failures = 0
                await told(status)
                if status.state.isFinal { return status }
            } catch {
                failures += 1
                guard error.isTransient, failures < 10 else { throw error }
            }
            if let deadline, clock.now >= deadline {
                throw SluiceError(
                    .timedOut, "run \(handle.run) has not ended by now, and goes on",
                    hint: "'sluice status \(handle.run)' tells how it stands, 'sluice cancel \(handle.run)' ends it")
            }
            do {
                try await Task.sleep(for: pause * Double.random(in: 0.8...1.2))
            } catch {
                throw SluiceError(.cancelled, "stopped waiting for run \(handle.run), which goes on")
            }
            pause = min(pause * 1.5, .seconds(10))
        }
    }
}
