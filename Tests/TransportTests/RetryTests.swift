import Support
import TestServers
import Testing

@testable import Transport

/// The table of `RetryPolicy`, row by row, and what it makes a client do.
@Suite struct RetryTests {
    @Test(arguments: [true, false])
    func whichAnswersAreTriedAgain(hasRetryAfter: Bool) {
        let policy = RetryPolicy.standard
        func retried(_ isIdempotent: Bool) -> [Int] {
            (100...599).filter { policy.retries($0, isIdempotent: isIdempotent, hasRetryAfter: hasRetryAfter) }
        }
        #expect(retried(true) == [408, 429, 500, 502, 503, 504])
        #expect(retried(false) == (hasRetryAfter ? [429, 503] : [429]))
        #expect((100...599).filter(policy.isTransient) == [408, 429, 500, 502, 503, 504])
    }

    @Test(arguments: [true, false], [true, false])
    func whatMayHaveArrivedIsNotSentTwice(isTransient: Bool, isIdempotent: Bool) {
        for reached in [TransferFailure.Reach.never, .perhaps] {
            let failure = TransferFailure(
                error: SluiceError(.inputOutput, "x"), isTransient: isTransient, reached: reached)
            #expect(
                RetryPolicy.standard.retries(failure, isIdempotent: isIdempotent)
                    == (isTransient && (isIdempotent || reached == .never)))
        }
    }

    @Test func waitsAreDrawnEvenlyUpToABoundThatDoubles() {
        for seed in 0..<200 { checkWaits(seed: UInt64(seed)) }
    }

    func checkWaits(seed: UInt64) {
        var chance = Chance(state: seed)
        let policy = RetryPolicy(
            attempts: 5, base: .milliseconds(Int64.random(in: 1...5000, using: &chance)),
            cap: .milliseconds(Int64.random(in: 1...60_000, using: &chance)))
        let attempt = Int.random(in: 1...80, using: &chance)
        let bound = attempt > 30 ? policy.cap : min(policy.cap, policy.base * (1 << (attempt - 1)))
        let waits = (0..<50).map { _ in policy.wait(attempt: attempt, using: &chance) }
        #expect(waits.allSatisfy { $0 >= .zero && $0 <= bound })
        #expect(Set(waits).count > 1 || bound < .microseconds(1))
        // Full jitter: short waits are as likely as long ones.
        #expect(waits.contains { $0 < bound / 2 } && waits.contains { $0 >= bound / 2 })
        let asked = Duration.seconds(Int64.random(in: 0...1000, using: &chance))
        let wait = policy.wait(attempt: attempt, retryAfter: asked, using: &chance)
        #expect(wait >= asked && wait <= asked + policy.base)
    }

    @Test(arguments: [
        ("Retry-After", "7", Duration.seconds(7)), ("Retry-After", "0", .zero), ("Retry-After", "-5", nil),
        ("Retry-After", "soon", nil), ("Retry-After", "99999999999999999999", nil),
        ("Retry-After", "9999999999", .seconds(86_400)), ("Retry-After", "Sat, 21 Nov 2026 05:33:00 GMT", .seconds(4)),
        ("Retry-After", "Sat, 21 Nov 2026 05:32:00 GMT", .zero), ("x-ms-retry-after-ms", "250", .milliseconds(250)),
        ("retry-after-ms", "1500", .milliseconds(1500)),
    ])
    func retryAfterIsSecondsOrADate(name: String, value: String, expected: Duration?) throws {
        let now = try #require(Moment(iso: "2026-11-21T05:32:56Z"))
        #expect(RetryPolicy.retryAfter([name: value], now: now) == expected)
    }

    let server: FaultServer
    let time = TestClock()
    let client: HTTPClient

    init() throws {
        server = try #require(FaultServer.shared)
        let clock = time.clock
        client = testClient { $0.clock = clock }
    }

    func request(_ method: HTTPMethod, _ path: String, key: String = #function) throws -> HTTPRequest {
        HTTPRequest(method, try server.url(path), headers: ["X-Key": key])
    }

    @Test func theServersWishIsWaitedFor() async throws {
        let response = try await client.send(request(.get, "/flaky/wish/503/2?after=20"))
        #expect(response.status == 200)
        #expect(time.waits.count == 2)
        #expect(time.waits.allSatisfy { $0 >= .seconds(20) && $0 <= .seconds(21) })
    }

    @Test func aWishBeyondTheDeadlineIsNotWaitedFor() async throws {
        let response = try await client.send(request(.get, "/status/429?after=3600"))
        #expect(response.status == 429)
        #expect(response.attempts == 1)
        #expect(time.waits.isEmpty)
    }

    @Test func theLastAnswerIsReturned() async throws {
        let (response, body) = try await client.fetch(request(.get, "/status/500"))
        #expect(response.status == 500)
        #expect(response.attempts == 5)
        #expect(String(decoding: body.bytes, as: UTF8.self) == "as you wish")
        #expect(time.waits.count == 4)
    }

    @Test func theDeadlineEndsIt() async throws {
        let policy = RetryPolicy(attempts: 1000, base: .seconds(30), cap: .seconds(30), deadline: .seconds(120))
        let response = try await client.send(request(.get, "/status/500"), retry: policy)
        #expect(response.status == 500)
        #expect(time.waits.reduce(.zero, +) <= .seconds(120))
        #expect(response.attempts > 3)
    }

    @Test(arguments: [("/status/500", 1), ("/status/503", 1), ("/status/503?after=1", 5), ("/status/429", 5)])
    func aPostIsSentAgainOnlyWhenItWasTurnedAway(path: String, times: Int) async throws {
        let response = try await client.send(request(.post, path))
        #expect(response.attempts == times)
    }

    @Test func aPostThatTheCallerKnowsToBeSafeIsSentAgain() async throws {
        var request = try request(.post, "/flaky/safe-post/500/1")
        request.isIdempotent = true
        #expect(try await client.send(request).status == 200)
    }

    @Test func aPostWhoseAnswerIsLostIsSentOnce() async throws {
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.send(request(.post, "/close", key: "lost-post"))
        }
        #expect(error?.isTransient == true)
        #expect(try await server.seen("lost-post") == 1)
        _ = try await client.send(request(.get, "/flaky-close/lost-get/2", key: "lost-get"))
        #expect(try await server.seen("lost-get") == 3)
    }

    /// libcurl sends a request again by itself when a connection that it had kept is closed: a POST must not be.
    @Test(arguments: [true, false])
    func aPostOnAConnectionThatDiedIsNotDoubled(hasBody: Bool) async throws {
        let key = "died-\(hasBody)"
        _ = try await client.fetch(request(.get, "/bytes/1", key: "other"))
        var post = try request(.post, "/flaky-close/\(key)/1", key: key)
        if hasBody { post.body = .bytes(Buffer([1])) }
        let error = await #expect(throws: SluiceError.self) { _ = try await client.fetch(post) }
        #expect(error?.message.contains("closed the connection before it answered") == true)
        #expect(try await server.seen(key) == 1)
        // What reads is sent again at once.
        _ = try await client.fetch(request(.get, "/bytes/1", key: "other"))
        let read = try await client.fetch(request(.get, "/flaky-close/\(key)-get/1", key: key + "-get"))
        #expect(read.response.status == 200)
        #expect(try await server.seen(key + "-get") == 2)
    }

    @Test func aPostIsSentAgainWhenNobodyAccepted() async throws {
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.send(HTTPRequest(.post, WebAddress("http://127.0.0.1:1/")))
        }
        #expect(error?.isTransient == true)
        #expect(time.waits.count == 4)
    }

    @Test func aBodyIsStreamedFromTheStartForEveryAttempt() async throws {
        let source = CountedSource(size: 1 << 20)
        var request = try request(.put, "/flaky/put-again/503/2")
        request.body = .stream(source, size: source.size)
        #expect(try await client.send(request).status == 200)
        #expect(source.streamed == 3)
        #expect(source.pulled == 3 << 20)
    }

    @Test func aSourceThatChangedIsAnErrorAndNotTriedAgain() async throws {
        for size in [1000, 3000] {
            var request = try request(.put, "/echo")
            let source = CountedSource(size: size)
            request.body = .stream(source, size: 2000)
            let error = await #expect(throws: SluiceError.self) { _ = try await client.send(request) }
            #expect(error?.message.contains("2000 were to be sent") == true)
            #expect(source.streamed == 1)
        }
    }

    @Test func everyAttemptIsAuthorizedAnew() async throws {
        let authorizer = CountingAuthorizer()
        let response = try await client.send(request(.get, "/flaky/authorized/503/2"), authorizer: authorizer)
        #expect(response.status == 200)
        #expect(authorizer.count == 3)
    }

    @Test func aChallengeIsAnsweredOnce() async throws {
        let authorizer = CountingAuthorizer(understands: true)
        let response = try await client.send(request(.post, "/status/401"), authorizer: authorizer)
        #expect(response.status == 401)
        #expect(response.attempts == 2)
        #expect(authorizer.count == 2)
    }

    @Test func aThrottleSpacesRequestsOut() {
        let throttle = HTTPThrottle(hosts: [".vault.azure.net"], perSecond: 2, burst: 3)
        let waits = (0..<6).map { _ in throttle.turn("a.vault.azure.net", now: .seconds(100)) }
        #expect(waits == [.zero, .zero, .zero, .milliseconds(500), .seconds(1), .milliseconds(1500)])
        #expect(throttle.turn("b.vault.azure.net", now: .seconds(100)) == .zero)
        #expect(throttle.turn("elsewhere", now: .seconds(100)) == .zero)
        #expect(throttle.turn("a.vault.azure.net", now: .seconds(200)) == .zero)
    }
}

/// Adds a number to each attempt.
final class CountingAuthorizer: HTTPAuthorizer, Sendable {
    private let counter = TestCounter()
    private let understands: Bool

    init(understands: Bool = false) { self.understands = understands }

    var count: Int { counter.value }

    func authorize(_ request: inout HTTPRequest) async throws(SluiceError) {
        request.headers["Authorization"] = "Bearer token-\(counter.next())"
    }

    func shouldRetry(after response: HTTPResponse, to request: HTTPRequest) async throws(SluiceError) -> Bool {
        understands
    }
}
