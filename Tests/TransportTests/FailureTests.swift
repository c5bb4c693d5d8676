import CCurl
import Support
import TestServers
import Testing

@testable import Transport

/// Every way to fail is one sentence that names the host and a remedy, and no secret.
@Suite struct FailureTests {
    let server: FaultServer
    let client = testClient()

    init() throws { server = try #require(FaultServer.shared) }

    func failure(_ url: String, timeouts: HTTPTimeouts = .init()) async throws -> SluiceError {
        var request = HTTPRequest(.get, try WebAddress(url))
        request.timeouts = timeouts
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.fetch(request, retry: RetryPolicy.none)
        }
        return try #require(error)
    }

    @Test func aHostThatDoesNotExist() async throws {
        let error = try await failure("https://no-such-host.invalid/a?sig=hidden")
        #expect(
            [
                "there is no host called no-such-host.invalid",
                "the address of no-such-host.invalid could not be looked up",
            ]
            .contains(error.message))
        #expect(error.hint != nil)
    }

    @Test func anAnswerThatStalls() async throws {
        let error = try await failure(server.origin + "/stall/1000", timeouts: .init(stall: .milliseconds(300)))
        #expect(
            error.message == "nothing came from 127.0.0.1:\(server.port) for 0.3 s, after 1000 bytes of its answer")
        #expect(error.code == .timedOut)
        #expect(error.isTransient)
    }

    @Test func anAnswerThatDoesNotBegin() async throws {
        let error = try await failure(server.origin + "/slow/20000", timeouts: .init(stall: .milliseconds(300)))
        #expect(
            error.message
                == "nothing came from 127.0.0.1:\(server.port) for 0.3 s, after the request, before an answer")
    }

    @Test func anAnswerThatTakesLongerThanAllowed() async throws {
        let error = try await failure(server.origin + "/drip/1000/20", timeouts: .init(total: .milliseconds(400)))
        #expect(error.message == "127.0.0.1:\(server.port) had not answered in full within 0.4 s")
        #expect(error.code == .timedOut)
    }

    /// Who sets a limit for the whole wants to know by then, and not after five times as long.
    @Test func aLimitForTheWholeIsNotTriedAgain() async throws {
        for (key, path) in [("whole-body", "/drip/1000/20"), ("whole-answer", "/slow/20000")] {
            var request = HTTPRequest(.get, try server.url(path), headers: ["X-Key": key])
            request.timeouts = .init(total: .milliseconds(200))
            await #expect(throws: SluiceError.self) { _ = try await client.fetch(request) }
            #expect(try await server.seen(key) == 1)
        }
    }

    @Test func aConnectionThatNobodyAccepts() async throws {
        // An address for documentation: no packet to it is answered, or it is refused on the way.
        let error = try await failure("http://192.0.2.1/", timeouts: .init(connect: .milliseconds(300)))
        #expect(error.message.contains("192.0.2.1"))
        #expect(error.isTransient)
    }

    @Test func anAnswerThatIsCut() async throws {
        #expect(
            try await failure(server.origin + "/cut/1000000/300000").message
                == "127.0.0.1:\(server.port) broke off after 300000 of 1000000 bytes")
        #expect(
            try await failure(server.origin + "/cut-chunked/3000").message
                == "127.0.0.1:\(server.port) broke off after 3000 bytes, before the end of its answer")
        for path in ["/close", "/reset"] {
            #expect(
                try await failure(server.origin + path).message
                    == "127.0.0.1:\(server.port) closed the connection before it answered")
        }
    }

    @Test(.enabled(if: TestApache.shared != nil)) func whatIsNoHTTP() async throws {
        let error = try await failure(server.origin + "/garbage")
        #expect(error.message == "127.0.0.1:\(server.port) did not answer in HTTP")
        #expect(!error.isTransient)
        let apache = try #require(TestApache.shared)
        let plain = try await failure(apache.plain.replacing("http:", with: "https:"))
        #expect(plain.message.hasPrefix("no encrypted connection to 127.0.0.1:"))
        #expect(!plain.isTransient)
    }

    @Test func aHeaderWithALineBreakIsNotSent() async throws {
        var request = HTTPRequest(.get, try server.url("/echo"))
        request.headers["X-One"] = "a\r\nX-Two: b"
        let error = await #expect(throws: SluiceError.self) { _ = try await client.send(request) }
        #expect(error?.code == .invalidConfiguration)
    }

    /// However it ends, whatever is known by then.
    @Test func noSentenceHoldsAPathOrAQuery() throws {
        var request = HTTPRequest(.put, try WebAddress("https://host.example/path-secret?sig=query-secret"))
        request.headers["Authorization"] = "Bearer header-secret"
        let proxy = ProxyChoice(
            for: request.url, environment: ["https_proxy": "http://user:proxy-secret@proxy.example:3128"])
        for proxy in [nil, proxy] {
            let plan = TransferPlan(
                request: request, route: nil, proxy: proxy, caFile: nil, userAgent: "x", timeouts: .init())
            var head = ResponseHead()
            head.headers["Content-Length"] = "100"
            for code in SLUICE_CURL_NO_HOST.rawValue...SLUICE_CURL_OTHER.rawValue {
                let isOfProxy = [SLUICE_CURL_NO_PROXY_HOST, SLUICE_CURL_PROXY_REFUSED].contains(sluice_curl_end(code))
                if isOfProxy, proxy == nil { continue }
                for verdict in [0, 9, 10, 18, 19, 20, 21, 23, 99] {
                    for head in [nil, head] {
                        for isStarted in [true, false] {
                            var outcome = sluice_curl_outcome(end: sluice_curl_end(code))
                            outcome.verify_result = verdict
                            let state = TransferState(isStarted: isStarted, head: head, received: 10, sent: 5)
                            let failure = plan.failure(outcome, state: state)
                            let text = "\(failure.error) \(failure.error.hint ?? "")"
                            #expect(!text.contains("secret"), "\(text)")
                            let names = ["host.example", "proxy.example", "SLUICE_CA_FILE"]
                            #expect(names.contains { text.contains($0) }, "\(text)")
                            #expect(failure.reached == .never || isStarted)
                        }
                    }
                }
            }
        }
    }
}
