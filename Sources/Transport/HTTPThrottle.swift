import Support
import Synchronization

/// A service's known limit, kept by waiting instead of by being turned away: so many requests a second to each host, and
/// some more at once after a pause.
public final class HTTPThrottle: Sendable {
    private struct Bucket {
        /// When the next request may go, were there no burst.
        var next: Duration
    }

    /// Exact names, or endings that begin with a dot.
    public let hosts: [String]
    private let interval: Duration
    private let burst: Int
    private let buckets = Mutex<[String: Bucket]>([:])

    /// A limit of `perSecond` requests to each of `hosts`, and of `burst` at once.
    public init(hosts: [String], perSecond: Double, burst: Int = 1) {
        self.hosts = hosts.map { $0.lowercased() }
        interval = .nanoseconds(Int64(1e9 / max(perSecond, 1e-3)))
        self.burst = max(1, burst)
    }

    /// How long a request to `host` has to wait, which takes its turn. Turns are given in the order in which they were
    /// asked for.
    func turn(_ host: String, now: Duration) -> Duration {
        guard HTTPRoute.matches(host, hosts) else { return .zero }
        return buckets.withLock { buckets in
            // A bucket fills up to `burst`, which is to say that the next turn lies at most so far back.
            let earliest = now - interval * (burst - 1)
            let turn = max(buckets[host]?.next ?? earliest, earliest)
            buckets[host] = Bucket(next: turn + interval)
            return max(.zero, turn - now)
        }
    }
}
