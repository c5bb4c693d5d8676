import Support

/// When a request is sent again, and after how long: one policy for the whole product.
///
/// Sent again is what may turn out differently, and only where sending it twice does no harm:
///
/// | what happened | GET, HEAD, PUT, DELETE, … | POST, PATCH |
/// | --- | --- | --- |
/// | 429 Too Many Requests | again | again: it was turned away unread |
/// | 503 with `Retry-After` | again | again: the server says that it has not begun |
/// | 503 without it, 408, 500, 502, 504 | again | no: something behind a gateway may have done the work |
/// | name not resolved, no connection, TLS broke off, the proxy | again | again: nothing was sent |
/// | broke off or stalled after sending began | again | no: nobody knows what became of it |
/// | certificate not trusted, unknown host, not HTTP | no | no: it would be the same |
/// | the limit for the whole, cancelled, the source of the body failed | no | no |
/// | 401 that the authorizer understands | once | once: it was refused unread |
///
/// A caller who knows better says so in `HTTPRequest.isIdempotent`. Waits are drawn evenly from nothing up to a bound that
/// doubles (full jitter), so that many who failed at once do not come back at once. What the server asks for in
/// `Retry-After` is waited for in full; when that lies beyond the deadline, the answer is final at once.
public struct RetryPolicy: Sendable, Equatable {
    /// How many times a request is sent at most.
    public var attempts: Int
    /// The bound of the first wait.
    public var base: Duration
    /// No bound is longer.
    public var cap: Duration
    /// No attempt begins later than this after the first.
    public var deadline: Duration

    /// A policy of one's own.
    public init(
        attempts: Int = 5, base: Duration = .seconds(1), cap: Duration = .seconds(30),
        deadline: Duration = .seconds(300)
    ) {
        self.attempts = attempts
        self.base = base
        self.cap = cap
        self.deadline = deadline
    }

    /// Five attempts within five minutes.
    public static let standard = RetryPolicy()
    /// One attempt.
    public static let none = RetryPolicy(attempts: 1)

    /// Whether an answer with this status may be another one later.
    public static func isTransient(status: Int) -> Bool { [408, 429, 500, 502, 503, 504].contains(status) }

    /// Whether an answer with this status may be another one later.
    public func isTransient(status: Int) -> Bool { RetryPolicy.isTransient(status: status) }

    /// How long to wait after the failed attempt of this number, from 1.
    public func wait(attempt: Int, retryAfter: Duration? = nil) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return wait(attempt: attempt, retryAfter: retryAfter, using: &generator)
    }

    /// The same with a given source of chance.
    public func wait(
        attempt: Int, retryAfter: Duration? = nil, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        let doublings = min(max(0, attempt - 1), 40)
        let bound = min(Double(cap.nanoseconds), Double(base.nanoseconds) * Double(1 << doublings))
        let jitter = Duration.nanoseconds(Int64(Double.random(in: 0...max(bound, 0), using: &generator)))
        guard let retryAfter else { return jitter }
        // Not before the server wants it, and not all at once when it does.
        return retryAfter + min(jitter, base)
    }

    /// Whether a request is sent again after an answer.
    func retries(_ status: Int, isIdempotent: Bool, hasRetryAfter: Bool) -> Bool {
        guard isTransient(status: status) else { return false }
        return isIdempotent || status == 429 || (status == 503 && hasRetryAfter)
    }

    /// Whether a request is sent again after a failure.
    func retries(_ failure: TransferFailure, isIdempotent: Bool) -> Bool {
        failure.isTransient && (isIdempotent || failure.reached == .never)
    }

    /// What the server asks for: `Retry-After` in seconds or as a date, or Azure's fields in milliseconds.
    static func retryAfter(_ headers: HTTPHeaders, now: Moment) -> Duration? {
        for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
            if let text = headers[name], let number = Int(text), number >= 0 {
                return .milliseconds(min(number, day * 1000))
            }
        }
        guard let text = headers["Retry-After"] else { return nil }
        if let number = Int(text) { return number >= 0 ? .seconds(min(number, day)) : nil }
        guard let moment = Moment(httpDate: text) else { return nil }
        return .seconds(max(0, min(moment.seconds - now.seconds, day)))
    }

    private static let day = 86_400
}
