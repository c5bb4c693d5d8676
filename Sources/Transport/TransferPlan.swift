import CCurl
import Glibc
import Support

/// Everything that is decided about a transfer before it begins.
struct TransferPlan: Sendable {
    /// What was asked for; the names in messages are its.
    var request: HTTPRequest
    /// Where it really goes, when that is somewhere else.
    var route: WebAddress?
    var proxy: ProxyChoice?
    var caFile: String?
    var userAgent: String
    var timeouts: HTTPTimeouts
    /// Whether a connection that was kept must not be used: the one before may be dead, and nobody has noticed.
    var isFresh = false

    var body: HTTPBody { request.body }
    var isIdempotent: Bool { request.isIdempotent }
    var stall: Int64? { timeouts.stall.nanoseconds }
    var total: Int64? { timeouts.total.map(\.nanoseconds) }

    /// Whether the answer's body is decompressed. A range counts bytes as they are stored, so it never is.
    var decodes: Bool {
        request.decompresses && request.headers["Range"] == nil && request.headers["x-ms-range"] == nil
    }

    /// What transfers must have in common to share connections.
    var gate: String { "\(request.url.origin) \(route?.origin ?? "") \(proxy?.url ?? "")" }

    /// Whether the connection is encrypted, which HTTP/2 wants.
    var isSecure: Bool { (route ?? request.url).scheme == "https" }

    /// The URL as libcurl has to see it.
    var address: String {
        guard let route else { return request.url.text }
        var url = request.url
        url.scheme = route.scheme
        return url.text
    }

    /// The fields that travel, as `name: value`.
    var fields: [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        for field in request.headers where !TransferPlan.isOurs(field.name) { fields.append(field) }
        if request.headers["User-Agent"] == nil { fields.append(("User-Agent", userAgent)) }
        return fields
    }

    /// Whether the client sets the field itself.
    private static func isOurs(_ name: String) -> Bool {
        ["content-length", "transfer-encoding", "connection"].contains(name.lowercased())
    }

    /// Whether the request has a body, if only an empty one: a server may insist on being told that.
    var hasBody: Bool {
        if case .none = body { return [.put, .post, .patch].contains(request.method) }
        return true
    }

    /// Calls `body` with the request as libcurl's shim takes it.
    func withRequest<Result>(
        context: UnsafeMutableRawPointer, _ body: (inout sluice_curl_request) -> Result
    ) -> Result {
        var lines = fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        // Neither waiting for leave to send nor a type of content that nobody named.
        if request.headers["Expect"] == nil { lines.append("Expect:") }
        if request.headers["Accept"] == nil { lines.append("Accept: */*") }
        var copies: [UnsafeMutablePointer<CChar>] = []
        defer { for copy in copies { free(copy) } }
        func copy(_ text: String?) -> UnsafePointer<CChar>? {
            guard let text, let copy = strdup(text) else { return nil }
            copies.append(copy)
            return UnsafePointer(copy)
        }
        let headers = lines.map { copy($0) }
        return headers.withUnsafeBufferPointer { headers in
            var result = sluice_curl_request()
            result.url = copy(address)
            result.method = copy(request.method.name)
            result.proxy = copy(proxy?.url ?? "")
            result.no_proxy = copy(proxy?.exceptions ?? "")
            result.connect_to = copy(route.map { "::\($0.host):\($0.effectivePort)" })
            result.ca_file = copy(caFile)
            result.headers = headers.baseAddress
            result.header_count = headers.count
            result.upload_size = Int64(request.body.size ?? -1)
            result.has_body = hasBody ? 1 : 0
            result.is_head = request.method == .head ? 1 : 0
            result.decodes = decodes ? 1 : 0
            result.is_once = isIdempotent ? 0 : 1
            result.is_fresh = isFresh ? 1 : 0
            result.connect_timeout_ms = Int(max(1, timeouts.connect.nanoseconds / 1_000_000))
            result.context = context
            return body(&result)
        }
    }
}

extension Duration {
    /// The whole of it in nanoseconds; what does not fit is the longest there is.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        // Half of what fits, so that it can be added to a moment.
        return overflow ? .max / 2 : min(.max / 2, product + attoseconds / 1_000_000_000)
    }

    /// The whole of it in seconds.
    var inSeconds: Double { Double(nanoseconds) / 1e9 }
}
