public import Support

/// A request, as far as it is there when its headers are.
public struct ServerRequest: Sendable {
    /// `GET`, `PUT` and so on, as sent.
    public var method: String
    /// The path as sent, percent-encoded; starts with `/`.
    public var path: String
    /// What stands behind the `?`, as sent; empty when there is none.
    public var rawQuery: String
    /// The parameters of the query in their order, decoded.
    public var query: [(name: String, value: String)]
    /// The header fields in their order.
    public var headers: HTTPHeaders
    /// The body, pulled: it arrives as fast as it is read. It need not be read.
    public var body: any ByteStream
    /// The body's size, when the client said it beforehand; 0 when there is none.
    public var contentLength: Int?
    /// Whether it came over TLS.
    public var isSecure: Bool
    /// The client's address.
    public var remoteAddress: String
    /// The server's own address and port, `127.0.0.1:10000`.
    public var localAddress: String

    /// A request with all that is known of it.
    public init(
        method: String, target: String, headers: HTTPHeaders = [:],
        body: any ByteStream = MemoryStream(.empty), contentLength: Int? = 0, isSecure: Bool = false,
        remoteAddress: String = "", localAddress: String = ""
    ) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        rawQuery = parts.count > 1 ? String(parts[1]) : ""
        query = ServerRequest.parameters(rawQuery)
        self.headers = headers
        self.body = body
        self.contentLength = contentLength
        self.isSecure = isSecure
        self.remoteAddress = remoteAddress
        self.localAddress = localAddress
    }

    /// The host that the client meant, with its port if it said one: the `Host` header, or the server's own address.
    public var host: String {
        let named = headers["Host"] ?? ""
        return named.isEmpty ? localAddress : named
    }

    /// The first parameter of the query with this name.
    public subscript(query name: String) -> String? { query.first { $0.name == name }?.value }

    /// The whole body in memory.
    ///
    /// - throws: `SluiceError` with `limitExceeded` when it is larger than `limit`, and when the client breaks off.
    public func collect(limit: Int = 4 << 20) async throws(SluiceError) -> Buffer {
        let tooLarge = SluiceError(.limitExceeded, "the body is larger than \(limit) bytes")
        if let contentLength, contentLength > limit { throw tooLarge }
        guard let first = try await body.next() else { return .empty }
        guard let second = try await body.next() else {
            if first.count > limit { throw tooLarge }
            return first
        }
        let whole = MutableBuffer(capacity: first.count + second.count)
        first.withUnsafeBytes { whole.append($0) }
        second.withUnsafeBytes { whole.append($0) }
        while whole.count <= limit, let next = try await body.next() { next.withUnsafeBytes { whole.append($0) } }
        if whole.count > limit { throw tooLarge }
        return whole.freeze()
    }

    /// The parameters of a query or of a form, decoded; what does not decode stays as it is.
    public static func parameters(_ text: String, plusIsSpace: Bool = false) -> [(name: String, value: String)] {
        text.split(separator: "&", omittingEmptySubsequences: true).map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let decoded = parts.map { $0.percentDecoded(plusIsSpace: plusIsSpace) ?? $0 }
            return (name: decoded[0], value: decoded.count > 1 ? decoded[1] : "")
        }
    }
}
