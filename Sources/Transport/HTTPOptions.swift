import Glibc
import Support

/// How a client goes about its requests.
public struct HTTPOptions: Sendable {
    /// Limits of time, for requests that bring none of their own.
    public var timeouts = HTTPTimeouts()
    /// Files of certificates (PEM) that are trusted beside those of the system.
    public var caFiles: [String]
    /// Hosts whose requests go somewhere else.
    public var routes: [HTTPRoute] = []
    /// Who asks.
    public var userAgent = "sluice/\(Release.number)"
    /// When requests are sent again.
    public var retry = RetryPolicy.standard
    /// How many connections to a host there may be; more requests than that wait for one, or share one over HTTP/2.
    public var maximumConnectionsPerHost = 32
    /// Where exchanges are recorded.
    public var trace: HTTPTrace?
    /// Where proxies and trusted certificates are looked up.
    public var environment: [String: String]
    /// Services that take so many requests and no more.
    public var throttles: [HTTPThrottle] = []
    /// What waits are measured and slept by.
    public var clock = HTTPClock.system

    /// The usual ways, with what `environment` says: proxies, `SLUICE_CA_FILE`, `SSL_CERT_FILE`, the bound of the first wait
    /// before a request is sent again (`SLUICE_HTTP_RETRY_WAIT`, such as `50ms`), and a trace when it is the process's own
    /// that says `SLUICE_HTTP_TRACE`.
    public init(environment: [String: String]? = nil) {
        let found = environment ?? HTTPOptions.processEnvironment()
        self.environment = found
        caFiles = [found["SLUICE_CA_FILE"]].compactMap { $0 }.filter { !$0.isEmpty }
        if let wait = found["SLUICE_HTTP_RETRY_WAIT"].flatMap(Quantities.duration) { retry.base = wait }
        trace = HTTPTrace.shared
    }

    private static func processEnvironment() -> [String: String] {
        var values: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return values
    }
}

/// Time as a client sees it, so that a test of minutes takes none.
public struct HTTPClock: Sendable {
    /// The time since some fixed moment.
    public var now: @Sendable () -> Duration
    /// Waits; ends early, with an error, when the task is cancelled.
    public var sleep: @Sendable (Duration) async throws -> Void

    /// A clock of one's own.
    public init(now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void) {
        self.now = now
        self.sleep = sleep
    }

    /// The machine's.
    public static let system = HTTPClock(
        now: { .nanoseconds(Engine.clock()) }, sleep: { try await Task.sleep(for: $0) })
}
