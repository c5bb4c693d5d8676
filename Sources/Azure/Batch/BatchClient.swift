public import Support
public import Transport

/// The data plane of an Azure Batch account: jobs, tasks, and the files that tasks wrote.
///
///     let batch = BatchClient(azure, account: "shop", region: "westeurope")
///     let job = try await batch.get("jobs/nightly")
public struct BatchClient: Sendable {
    /// The version of the interface that is spoken.
    public static let version = "2024-07-01.20.0"

    private let azure: AzureClient
    private let root: WebAddress

    /// An account as the identity of `azure` sees it.
    public init(_ azure: AzureClient, account: String, region: String) {
        self.azure = azure
        root = WebAddress(host: "\(account).\(region).\(azure.settings.cloud.batchSuffix)")
    }

    /// The account's host.
    public var host: String { root.host }

    private var caller: AzureClient.Caller { .bearer(azure.settings.cloud.batchScope) }

    /// An answer that is not necessarily a success.
    public struct Answer: Sendable {
        /// The status code.
        public let status: Int
        /// The body, where there is JSON.
        public let body: JSONText?
        /// The service's word for an error: `TaskExists`.
        public let code: String?
        /// The error as it is to be thrown; nil for a success.
        public let error: SluiceError?
    }

    private func request(_ method: HTTPMethod, _ path: String, _ query: [(String, String?)] = []) -> HTTPRequest {
        HTTPRequest(
            method, root.appending(path: path).with(query: query + [("api-version", Self.version)]),
            headers: ["Accept": "application/json"], service: "batch")
    }

    /// What is at `path`; nil when it is not there.
    public func get(_ path: String, query: [(String, String?)] = []) async throws(SluiceError) -> JSONText? {
        let (response, body) = try await azure.fetch(
            request(.get, path, query), as: caller, accepting: [404], limit: 16 << 20)
        // A plain nil would be JSON's null.
        if response.status == 404 { return Optional<JSONText>.none }
        return try JSONText.parse(body)
    }

    /// All of what is listed at `path`, page by page.
    ///
    /// - parameter limit: How many items are wanted at most.
    public func list(
        _ path: String, query: [(String, String?)] = [], limit: Int = 100_000
    ) async throws(SluiceError) -> [JSONText] {
        let root = root
        return try await azure.list(request(.get, path, query), as: caller, link: "odata.nextLink", limit: limit) {
            var own = root
            own.path = $0.path
            own.query = $0.query
            return own
        }
    }

    /// Sends something that changes things.
    ///
    /// - parameter isRepeatable: Whether it may arrive twice without harm, so that it is sent again when its answer was lost.
    /// - parameter match: The tag that what is changed must have, so that nobody else's change is undone.
    /// - parameter accepting: Statuses that the caller looks at instead of having them thrown.
    public func send(
        _ method: HTTPMethod, _ path: String, body: JSONText? = nil, isRepeatable: Bool, match: String? = nil,
        accepting: Set<Int> = []
    ) async throws(SluiceError) -> Answer {
        var request = request(method, path)
        if let body {
            request.headers["Content-Type"] = "application/json; odata=minimalmetadata"
            request.body = .bytes(Buffer(Array(body.text().utf8)))
        }
        request.headers["If-Match"] = match
        request.isIdempotent = isRepeatable
        let (response, bytes) = try await azure.fetch(request, as: caller, accepting: accepting, limit: 16 << 20)
        let json = bytes.count > 0 ? try? JSONText.parse(bytes) : nil
        if response.isSuccess { return Answer(status: response.status, body: json, code: nil, error: nil) }
        let failure = AzureServiceError(response, body: bytes)
        return Answer(
            status: response.status, body: json, code: failure.code, error: azure.error(failure, request, caller))
    }

    /// What a file of a task has from `position` on, at most `limit` bytes; nil when there is no file yet.
    public func file(
        _ name: String, job: String, task: String, from position: Int, limit: Int = 1 << 20
    ) async throws(SluiceError) -> [UInt8]? {
        let path = "jobs/\(job)/tasks/\(task)/files/\(name)"
        // Asked for its size first: a range behind the end is an error there.
        let (facts, _) = try await azure.fetch(request(.head, path), as: caller, accepting: [404, 409])
        guard facts.isSuccess else { return nil }
        guard let size = facts.headers["Content-Length"].flatMap({ Int($0) }) else { return nil }
        if size < position { throw SluiceError(.conflict, "the file \(name) of the task \(task) was begun anew") }
        if size == position { return [] }
        var request = request(.get, path)
        request.headers["ocp-range"] = "bytes=\(position)-\(min(size, position + limit) - 1)"
        let (response, body) = try await azure.fetch(request, as: caller, accepting: [404, 409, 416], limit: limit * 2)
        return response.isSuccess ? body.bytes : nil
    }
}
