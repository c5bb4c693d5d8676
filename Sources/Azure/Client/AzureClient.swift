public import Support
public import Transport

/// The one door to all of Azure's services: adds who asks and an id to every request, and makes errors of answers that say so.
///
///     let azure = try AzureClient(AzureSettings(environment: environment))
///     let (response, body) = try await azure.fetch(request, as: .bearer(azure.settings.cloud.storageScope))
public final class AzureClient: Sendable {
    /// As whom a request is made.
    public enum Caller: Sendable {
        /// Nobody: what is public, or a URL that has a signature.
        case nobody
        /// The identity, with a token for this scope.
        case bearer(String)
        /// Somebody with a key or signature.
        case authorizer(any HTTPAuthorizer)
    }

    /// What is set.
    public let settings: AzureSettings
    /// How requests travel.
    public let http: HTTPClient
    /// Who one is.
    public let identity: AzureIdentity

    /// A client under `settings`. It starts nothing before its first request.
    public init(_ settings: AzureSettings, http: HTTPClient? = nil) {
        let http = http ?? HTTPClient(settings.httpOptions)
        self.settings = settings
        self.http = http
        identity = AzureIdentity(settings: settings, http: http)
    }

    /// Sends a request. The body of the answer arrives as it is read.
    ///
    /// - parameter accepting: Statuses that are no errors to the caller, beside those of success.
    /// - throws: `SluiceError` that says what the service refused, and what to do.
    public func send(
        _ request: HTTPRequest, as caller: Caller, accepting: Set<Int> = [], retry: RetryPolicy? = nil
    ) async throws(SluiceError) -> HTTPResponse {
        let request = named(request)
        let response: HTTPResponse
        do throws(SluiceError) {
            response = try await http.send(request, authorizer: authorizer(caller), retry: retry)
        } catch {
            throw explained(error, request)
        }
        if response.isSuccess || accepting.contains(response.status) { return response }
        // An error that cannot be read in full is one all the same.
        let body = (try? await response.collect(limit: 1 << 20)) ?? .empty
        throw error(AzureServiceError(response, body: body), request, caller)
    }

    /// Sends a request and reads the whole answer; both are tried again as one.
    ///
    /// - parameter accepting: Statuses that are no errors to the caller, beside those of success.
    /// - throws: `SluiceError` that says what the service refused, and what to do.
    public func fetch(
        _ request: HTTPRequest, as caller: Caller, accepting: Set<Int> = [], retry: RetryPolicy? = nil,
        limit: Int = 64 << 20
    ) async throws(SluiceError) -> (response: HTTPResponse, body: Buffer) {
        try await fetch(request, as: caller, accepting: accepting, retry: retry) { response throws(SluiceError) in
            try await response.collect(limit: limit)
        }
    }

    /// Sends a request and has `read` take the answer, anew with every attempt.
    ///
    /// - throws: `SluiceError` that says what the service refused, by what `read` says the body is.
    public func fetch(
        _ request: HTTPRequest, as caller: Caller, accepting: Set<Int> = [], retry: RetryPolicy? = nil,
        read: (HTTPResponse) async throws(SluiceError) -> Buffer
    ) async throws(SluiceError) -> (response: HTTPResponse, body: Buffer) {
        let request = named(request)
        let answer: (response: HTTPResponse, body: Buffer)
        do throws(SluiceError) {
            answer = try await http.fetch(request, authorizer: authorizer(caller), retry: retry) {
                response throws(SluiceError) in
                (response, try await read(response))
            }
        } catch {
            throw explained(error, request)
        }
        if answer.response.isSuccess || accepting.contains(answer.response.status) { return answer }
        throw error(AzureServiceError(answer.response, body: answer.body), request, caller)
    }

    /// What `response` to `request` means, when its status was accepted and turns out to be an error after all.
    public func error(
        _ failure: AzureServiceError, _ request: HTTPRequest, _ caller: Caller
    ) -> SluiceError {
        let who: AzureServiceError.Who =
            switch caller {
            case .nobody: .nobody
            case .bearer: .identity(identity.claims)
            case .authorizer(let authorizer) where authorizer is SharedKeyAuthorizer: .accountKey
            case .authorizer(let authorizer) where authorizer is SASAuthorizer: .signature
            case .authorizer: .identity(identity.claims)
            }
        return failure.explained(request: request, as: who, settings: settings)
    }

    private func authorizer(_ caller: Caller) -> (any HTTPAuthorizer)? {
        switch caller {
        case .nobody: nil
        case .bearer(let scope): BearerAuthorizer(identity, scope: scope)
        case .authorizer(let authorizer): authorizer
        }
    }

    /// The request with an id, by which Microsoft finds it in its own logs.
    private func named(_ request: HTTPRequest) -> HTTPRequest {
        var request = request
        if request.headers["x-ms-client-request-id"] == nil {
            request.headers["x-ms-client-request-id"] = randomUUID()
        }
        return request
    }

    /// A failure before there was an answer, with what it means for this service.
    private func explained(_ error: SluiceError, _ request: HTTPRequest) -> SluiceError {
        guard error.code == .notFound, error.message.contains(request.url.host) else { return error }
        return AzureServiceError.unknownHost(request.url.host, settings: settings) ?? error
    }
}
