public import Support
import Transport

/// Azure Resource Manager: reads and changes resources, and waits until what takes long is done.
///
///     let arm = ManagementClient(azure)
///     let job = try await arm.get("/subscriptions/…/providers/Microsoft.App/jobs/orders", version: "2025-01-01")
public struct ManagementClient: Sendable {
    /// How long operations are waited for, and how often they are asked after.
    public struct Patience: Sendable {
        /// How long to wait in all.
        public var deadline: Duration
        /// How long between two questions, when the service does not say.
        public var pause: Duration

        /// Patience.
        public init(deadline: Duration = .seconds(900), pause: Duration = .seconds(2)) {
            self.deadline = deadline
            self.pause = pause
        }
    }

    private let azure: AzureClient
    private let patience: Patience
    private let service: String

    /// Resource Manager as the identity of `azure` sees it.
    public init(_ azure: AzureClient, patience: Patience = Patience()) {
        self.azure = azure
        self.patience = patience
        service = "arm"
    }

    private var root: WebAddress { azure.settings.cloud.management }
    private var caller: AzureClient.Caller { .bearer(azure.settings.cloud.managementScope) }

    // MARK: Reading

    /// The resource at `path`; nil when there is none.
    public func get(
        _ path: String, version: String, query: [(String, String?)] = []
    ) async throws(SluiceError) -> JSONText? {
        let request = request(.get, path, version, query)
        let (response, body) = try await azure.fetch(request, as: caller, accepting: [404], limit: 16 << 20)
        if response.status == 404 {
            let failure = AzureServiceError(response, body: body)
            // A group or subscription that is not there is a setting that is wrong, and not a resource that is missing.
            if failure.code == "ResourceGroupNotFound" || failure.code == "SubscriptionNotFound" {
                throw Self.missing(failure, path)
            }
            return nil
        }
        return try JSONText.parse(body)
    }

    /// The resource at `path` in the first of these versions of its interface that there is; nil when there is none.
    ///
    /// - returns: The resource, and the version.
    public func get(
        _ path: String, versions: [String]
    ) async throws(SluiceError) -> (resource: JSONText, version: String)? {
        for (number, version) in versions.enumerated() {
            let isLast = number == versions.count - 1
            let request = request(.get, path, version, [])
            let (response, body) = try await azure.fetch(
                request, as: caller, accepting: isLast ? [404] : [400, 404], limit: 16 << 20)
            if response.status == 404 { return nil }
            if response.status == 400 {
                let failure = AzureServiceError(response, body: body)
                if Self.unknownVersion.contains(failure.code ?? "") { continue }
                throw azure.error(failure, request, caller)
            }
            return (try JSONText.parse(body), version)
        }
        return nil
    }

    private static let unknownVersion: Set<String> = [
        "InvalidApiVersionParameter", "NoRegisteredProviderFound", "UnsupportedApiVersion", "InvalidResourceType",
    ]

    private static func missing(_ failure: AzureServiceError, _ path: String) -> SluiceError {
        let id = AzureResourceID(path)
        let isGroup = failure.code == "ResourceGroupNotFound"
        return SluiceError(
            .notFound,
            isGroup
                ? "there is no resource group \"\(id?.group ?? path)\" in the subscription \(id?.subscription ?? "")"
                : "there is no subscription \"\(id?.subscription ?? path)\" that this identity sees",
            hint: isGroup
                ? "make it: az group create --name \(id?.group ?? "GROUP") --location LOCATION; or correct the project's setting"
                : "'az account list --output table' shows which there are")
    }

    /// All of what is listed at `path`, page by page.
    ///
    /// - parameter limit: How many items are wanted at most.
    public func list(
        _ path: String, version: String, query: [(String, String?)] = [], limit: Int = 10_000
    ) async throws(SluiceError) -> [JSONText] {
        try await azure.list(
            request(.get, path, version, query), as: caller, link: "nextLink", limit: limit, ours: ours)
    }

    // MARK: Changing

    /// Puts a resource in its place, and waits until it stands.
    ///
    /// - parameter match: The tag that the resource must have, so that nobody else's change is written over.
    /// - returns: The resource.
    @discardableResult
    public func put(
        _ path: String, version: String, body: JSONText, match: String? = nil
    ) async throws(SluiceError) -> JSONText {
        try await change(.put, path, version, body, match: match) ?? .null
    }

    /// Changes a part of a resource, and waits until it is changed.
    ///
    /// - returns: The resource.
    @discardableResult
    public func patch(_ path: String, version: String, body: JSONText) async throws(SluiceError) -> JSONText {
        try await change(.patch, path, version, body) ?? .null
    }

    /// Has a resource do something, and waits until it has done it. Sent once: whoever cannot know whether it arrived has to
    /// look.
    ///
    /// - returns: What it answered.
    @discardableResult
    public func post(
        _ path: String, version: String, body: JSONText? = nil
    ) async throws(SluiceError) -> JSONText? {
        try await change(.post, path, version, body)
    }

    /// Removes a resource, and waits until it is gone.
    ///
    /// - returns: Whether there was one.
    @discardableResult
    public func delete(_ path: String, version: String) async throws(SluiceError) -> Bool {
        var found = true
        _ = try await change(.delete, path, version, nil) { status in
            if status == 404 || status == 204 { found = false }
        }
        return found
    }

    private func change(
        _ method: HTTPMethod, _ path: String, _ version: String, _ body: JSONText?, match: String? = nil,
        first: (Int) -> Void = { _ in }
    ) async throws(SluiceError) -> JSONText? {
        let deadline = ContinuousClock.now + patience.deadline
        var request = request(method, path, version, [])
        if let body {
            request.headers["Content-Type"] = "application/json"
            request.body = .bytes(Buffer(Array(body.text().utf8)))
        }
        request.headers["If-Match"] = match
        let subject = "\(method) of \(AzureResourceID(path)?.text ?? path)"
        var answer = try await begin(request, method, deadline)
        first(answer.status)
        if method == .delete, answer.status == 404 { return nil }
        var operation = LongOperation(method, request.url, subject: subject)
        var resource = self.request(.get, path, version, [])
        resource.headers["If-Match"] = nil
        var pause = patience.pause
        while true {
            var question = resource
            let asked: Duration?
            switch try operation.handle(answer) {
            case .done(let result): return result
            case .read(let after): asked = after
            case .ask(let address, let after):
                question.url = try ours(address)
                asked = after
            }
            let wait = asked ?? pause * Double.random(in: 0.8...1.2)
            pause = min(pause * 1.3, .seconds(10))
            guard ContinuousClock.now + wait < deadline else {
                throw SluiceError(
                    .timedOut, "\(subject) has not come to an end within \(Quantities.describe(patience.deadline))",
                    hint: "it goes on in Azure; look again later", isTransient: true)
            }
            try await Self.sleep(wait)
            answer = try await ask(question, accepting: method == .delete ? [404] : [])
            // What is to be deleted and no longer there is deleted.
            if method == .delete, answer.status == 404 { return nil }
        }
    }

    /// Sends what begins an operation, again when another one is under way.
    private func begin(
        _ request: HTTPRequest, _ method: HTTPMethod, _ deadline: ContinuousClock.Instant
    ) async throws(SluiceError) -> LongOperation.Answer {
        var pause = patience.pause
        while true {
            let (response, body) = try await azure.fetch(
                request, as: caller, accepting: method == .delete ? [404, 409, 412] : [409, 412], limit: 16 << 20)
            guard response.status == 409 || response.status == 412 else { return Self.answer(response, body) }
            let failure = AzureServiceError(response, body: body)
            let wait = max(response.retryAfter ?? .zero, pause * Double.random(in: 0.8...1.2))
            guard failure.code?.contains("OperationInProgress") == true, ContinuousClock.now + wait < deadline else {
                var error = azure.error(failure, request, caller)
                error.code = .conflict
                throw error
            }
            try await Self.sleep(wait)
            pause = min(pause * 1.5, .seconds(15))
        }
    }

    private func ask(_ request: HTTPRequest, accepting: Set<Int>) async throws(SluiceError) -> LongOperation.Answer {
        let (response, body) = try await azure.fetch(request, as: caller, accepting: accepting, limit: 16 << 20)
        return Self.answer(response, body)
    }

    private static func answer(_ response: HTTPResponse, _ body: Buffer) -> LongOperation.Answer {
        LongOperation.Answer(
            status: response.status, headers: response.headers, body: body.count == 0 ? nil : try? JSONText.parse(body),
            retryAfter: response.retryAfter)
    }

    // MARK: Requests

    private func request(
        _ method: HTTPMethod, _ path: String, _ version: String, _ query: [(String, String?)]
    ) -> HTTPRequest {
        HTTPRequest(
            method,
            root.appending(path: String(path.drop { $0 == "/" })).with(query: query + [("api-version", version)]),
            headers: ["Accept": "application/json"], service: service)
    }

    /// An address from an answer, which has to be Resource Manager's own: the token goes nowhere else.
    private func ours(_ address: WebAddress) throws(SluiceError) -> WebAddress {
        guard address.host == root.host || address.host == azure.settings.emulator?.host else {
            throw SluiceError(.invalidData, "\(root.host) names \(address.host) as the place to ask next")
        }
        var own = root
        own.path = address.path
        own.query = address.query
        return own
    }

    private static func sleep(_ duration: Duration) async throws(SluiceError) {
        do { try await Task.sleep(for: duration) } catch { throw SluiceError(.cancelled, "stopped waiting for Azure") }
    }
}
