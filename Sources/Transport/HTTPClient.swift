public import Support

/// Sends requests: over few connections, with one policy for retries, time limits, proxies and trust.
///
///     let client = HTTPClient()
///     let (response, body) = try await client.fetch(HTTPRequest(.get, WebAddress("https://example.org/prices.json")))
///
/// A status is an answer and no error, whichever it is. Errors are `SluiceError`s that name the host; those that may
/// pass have been tried again already.
public final class HTTPClient: Sendable {
    /// How this client goes about its requests.
    public let options: HTTPOptions
    private let connections: Connections

    /// A client. It starts nothing before its first request.
    public init(_ options: HTTPOptions = HTTPOptions()) {
        self.options = options
        connections = Connections(options)
    }

    deinit { connections.retire() }

    /// Sends a request. The answer's headers are there when this returns; its body arrives as it is read.
    ///
    /// Failures on the way to the headers are tried again as `RetryPolicy` says; a status that stays transient to the end
    /// is returned.
    public func send(
        _ request: HTTPRequest, authorizer: (any HTTPAuthorizer)? = nil, retry: RetryPolicy? = nil
    ) async throws(SluiceError) -> HTTPResponse {
        try await run(request, authorizer, retry ?? options.retry) { response throws(SluiceError) in response }
    }

    /// Sends a request and reads the whole answer, which are tried again as one: a body that breaks off too.
    public func fetch(
        _ request: HTTPRequest, authorizer: (any HTTPAuthorizer)? = nil, retry: RetryPolicy? = nil,
        limit: Int = 64 << 20
    ) async throws(SluiceError) -> (response: HTTPResponse, body: Buffer) {
        try await fetch(request, authorizer: authorizer, retry: retry) { response throws(SluiceError) in
            (response, try await response.collect(limit: limit))
        }
    }

    /// Sends a request and has `read` take the answer, which are tried again as one: `read` begins anew with every attempt.
    public func fetch<Result>(
        _ request: HTTPRequest, authorizer: (any HTTPAuthorizer)? = nil, retry: RetryPolicy? = nil,
        read: (HTTPResponse) async throws(SluiceError) -> Result
    ) async throws(SluiceError) -> Result {
        try await run(request, authorizer, retry ?? options.retry, finish: read)
    }

    /// Attempts until one is final. `finish` belongs to the attempt.
    private func run<Result>(
        _ request: HTTPRequest, _ authorizer: (any HTTPAuthorizer)?, _ policy: RetryPolicy,
        finish: (HTTPResponse) async throws(SluiceError) -> Result
    ) async throws(SluiceError) -> Result {
        let begin = options.clock.now()
        var attempt = 0
        var sendings = 0
        var isChallenged = false
        var isFresh = false
        while true {
            attempt += 1
            let failure: TransferFailure
            let wait: Duration
            do throws(TransferFailure) {
                var response = try await follow(request, authorizer, isFresh, &sendings)
                response.attempts = sendings
                if response.status == 401, !isChallenged, let authorizer {
                    isChallenged = true
                    if try await Self.final({ () async throws(SluiceError) in
                        try await authorizer.shouldRetry(after: response, to: request)
                    }) {
                        await Self.discard(response)
                        attempt -= 1
                        continue
                    }
                }
                let retryAfter = response.retryAfter
                wait = policy.wait(attempt: attempt, retryAfter: retryAfter)
                guard attempt < policy.attempts, options.clock.now() - begin + wait <= policy.deadline,
                    policy.retries(
                        response.status, isIdempotent: request.isIdempotent, hasRetryAfter: retryAfter != nil)
                else {
                    do throws(SluiceError) {
                        return try await finish(response)
                    } catch {
                        // What the body itself failed by says more than its words.
                        throw (response.body as? TransferBody)?.failure
                            ?? TransferFailure(error: error, isTransient: false, reached: .perhaps)
                    }
                }
                await Self.discard(response)
                try await sleep(wait)
                continue
            } catch {
                failure = error
            }
            let pause = policy.wait(attempt: attempt)
            guard attempt < policy.attempts, policy.retries(failure, isIdempotent: request.isIdempotent),
                options.clock.now() - begin + pause <= policy.deadline
            else { throw failure.error }
            isFresh = failure.reached == .perhaps
            do throws(TransferFailure) { try await sleep(pause) } catch { throw error.error }
        }
    }

    /// Runs what fails for good when it fails.
    private static func final<Result>(
        _ body: () async throws(SluiceError) -> Result
    ) async throws(TransferFailure) -> Result {
        do throws(SluiceError) {
            return try await body()
        } catch {
            throw TransferFailure(error: error, isTransient: false, reached: .perhaps)
        }
    }

    private func sleep(_ time: Duration) async throws(TransferFailure) {
        guard time > .zero else { return }
        do {
            try await options.clock.sleep(time)
        } catch {
            throw TransferFailure(
                error: SluiceError(.cancelled, "cancelled while waiting to try again"), isTransient: false,
                reached: .perhaps)
        }
    }

    /// Reads what little an answer says that nobody wants, so that its connection can be used again.
    private static func discard(_ response: HTTPResponse) async {
        var count = 0
        while count < 64 << 10, let bytes = try? await response.body.next() { count += bytes.count }
    }

    /// Sends a request, and goes where redirects of a GET or HEAD lead.
    private func follow(
        _ original: HTTPRequest, _ authorizer: (any HTTPAuthorizer)?, _ isFresh: Bool, _ sendings: inout Int
    ) async throws(TransferFailure) -> HTTPResponse {
        var request = original
        var isAtHome = true
        for _ in 0...Redirect.limit {
            var signed = request
            if isAtHome, let authorizer {
                let unsigned = request
                signed = try await Self.final { () async throws(SluiceError) in
                    var signed = unsigned
                    try await authorizer.authorize(&signed)
                    return signed
                }
            }
            for throttle in options.throttles {
                try await sleep(throttle.turn(signed.url.host, now: options.clock.now()))
            }
            sendings += 1
            let response = try await connections.exchange(signed, isFresh: isFresh)
            let next: WebAddress?
            do throws(SluiceError) {
                next = try Redirect.target(of: response, to: request)
            } catch {
                throw TransferFailure(error: error, isTransient: false, reached: .perhaps)
            }
            guard let next else { return response }
            await Self.discard(response)
            if next.origin != request.url.origin {
                isAtHome = false
                request.headers = Redirect.withoutSecrets(request.headers)
            }
            request.url = next
        }
        throw TransferFailure(
            error: SluiceError(
                .inputOutput, "\(original.url.host) redirects more than \(Redirect.limit) times",
                hint: "Ask for the URL that it leads to in the end."),
            isTransient: false, reached: .perhaps)
    }
}
