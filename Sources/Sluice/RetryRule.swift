public import Settings
public import Support

/// When a run that failed is tried again: how often, after which failures, and how long to wait.
public struct RetryRule: Sendable, Hashable {
    /// How often it is tried in all.
    public var attempts: Int
    /// How long to wait before the second try.
    public var delay: Duration
    /// How much longer to wait each time.
    public var factor: Double
    /// How long to wait at most.
    public var longest: Duration
    /// Whether whatever went wrong is tried again, as opposed to what may pass by itself.
    public var retriesAll: Bool

    /// Once, and not again.
    public static let never = RetryRule(
        attempts: 1, delay: .zero, factor: 1, longest: .zero, retriesAll: false)

    /// A rule of its parts.
    public init(attempts: Int, delay: Duration, factor: Double, longest: Duration, retriesAll: Bool) {
        self.attempts = attempts
        self.delay = delay
        self.factor = factor
        self.longest = longest
        self.retriesAll = retriesAll
    }

    /// The rule that a job's settings hold under `retry`; never, where they hold none.
    public init(_ job: Section) {
        guard let section = job.section("retry") else {
            self = .never
            return
        }
        self.init(
            attempts: section.integer("attempts") ?? 3, delay: section.duration("delay") ?? .seconds(10),
            factor: section.text("factor").flatMap { Double($0) } ?? 2,
            longest: section.duration("max_delay") ?? .seconds(600), retriesAll: section.text("on") == "failed")
    }

    /// How long to wait after so many tries, the last of which ended with `error`; nil when that is the end.
    ///
    /// Whatever the rule, what somebody stopped is not begun again, and what cannot be meant does not get better.
    public func pause(after error: SluiceError, tries: Int) -> Duration? {
        guard tries < attempts else { return nil }
        switch error.code {
        case .cancelled, .usage, .invalidConfiguration: return nil
        default: break
        }
        guard retriesAll || error.isTransient || error.code == .timedOut else { return nil }
        var pause = delay
        for _ in 1..<max(tries, 1) where pause < longest { pause = pause * factor }
        return min(pause, longest)
    }
}
