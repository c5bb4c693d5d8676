public import Support

/// Where the requests to some hosts really go: the emulator, or a private address of a service.
///
/// Only the connection is another's. The request keeps its URL and its `Host`, the trace shows it as it would be, and
/// errors name the host that was asked for.
public struct HTTPRoute: Sendable {
    /// Exact names, or endings that begin with a dot.
    public var hosts: [String]
    /// Whose scheme, address and port are taken.
    public var origin: WebAddress

    /// A route from `hosts` to `origin`.
    public init(hosts: [String], to origin: WebAddress) {
        self.hosts = hosts.map { $0.lowercased() }
        self.origin = origin
    }

    /// Whether requests to `host` go this way.
    public func matches(_ host: String) -> Bool { HTTPRoute.matches(host, hosts) }

    static func matches(_ host: String, _ patterns: [String]) -> Bool {
        patterns.contains { $0.hasPrefix(".") ? host.hasSuffix($0) : host == $0 }
    }

    /// Refuses to send in the clear what was meant for an encrypted connection, but for this machine itself.
    func check(for url: WebAddress) throws(SluiceError) {
        guard url.scheme == "https", origin.scheme == "http", !HTTPRoute.isLoopback(origin.host) else { return }
        throw SluiceError(
            .invalidConfiguration,
            "requests to \(url.host) would go unencrypted to \(origin.origin), which is another machine",
            hint: "Plain http is for 127.0.0.1, [::1] and localhost; use https for others.")
    }

    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}
