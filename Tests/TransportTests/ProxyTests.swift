import Support
import TestServers
import Testing

@testable import Transport

/// Proxies from the environment, as users of curl know them.
@Suite(.enabled(if: TestApache.shared != nil)) struct ProxyTests {
    let site: ApacheSite
    let server: FaultServer

    init() throws {
        site = try ApacheSite()
        server = try #require(FaultServer.shared)
    }

    /// How often the proxies were used for something that has `mark` in it.
    func uses(_ mark: String) throws -> Int { try site.apache.requests().count { $0.path.contains(mark) } }

    @Test(
        arguments: [
            (["https_proxy": "a"], "https://h/", "a"), (["HTTPS_PROXY": "a"], "https://h/", "a"),
            (["https_proxy": "a", "HTTPS_PROXY": "b"], "https://h/", "a"), (["all_proxy": "a"], "https://h/", "a"),
            (["ALL_PROXY": "a"], "http://h/", "a"), (["https_proxy": "a", "all_proxy": "b"], "http://h/", "b"),
            (["http_proxy": "a"], "http://h/", "a"), (["HTTP_PROXY": "a"], "http://h/", nil),
            (["http_proxy": "a"], "https://h/", nil), (["https_proxy": ""], "https://h/", nil),
            (["https_proxy": "a", "no_proxy": "*"], "https://h/", nil), ([:], "https://h/", nil),
        ] as [([String: String], String, String?)])
    func theEnvironmentNamesTheProxy(environment: [String: String], url: String, proxy: String?) throws {
        #expect(ProxyChoice(for: try WebAddress(url), environment: environment)?.url == proxy)
    }

    @Test(arguments: [
        ("http://user:secret@proxy:3128/", "proxy:3128"), ("proxy:3128", "proxy:3128"),
        ("socks5h://u:p@w@proxy", "proxy"),
    ])
    func aProxyIsShownWithoutItsPassword(url: String, shown: String) throws {
        let choice = ProxyChoice(for: try WebAddress("https://h/"), environment: ["https_proxy": url])
        #expect(choice?.shown == shown)
    }

    @Test func httpsGoesThroughATunnel() async throws {
        let client = site.client(["https_proxy": site.apache.proxy])
        let port = try WebAddress(site.apache.secure).effectivePort
        let (response, _) = try await client.fetch(
            HTTPRequest(.get, WebAddress("https://localhost:\(port)/words.txt")))
        #expect(response.status == 200)
        // The tunnel is logged when it closes; a second client makes sure that the first one's is a tunnel at all.
        let other = site.client(["https_proxy": "http://127.0.0.1:1"])
        let error = await #expect(throws: SluiceError.self) {
            _ = try await other.fetch(
                HTTPRequest(.get, WebAddress("https://localhost:\(port)/words.txt")), retry: RetryPolicy.none)
        }
        #expect(error?.message == "the proxy 127.0.0.1:1 refused the connection")
        #expect(error?.hint?.contains("https_proxy") == true)
    }

    @Test func httpIsHandedToTheProxy() async throws {
        let client = testClient(["http_proxy": site.apache.proxy])
        let (response, _) = try await client.fetch(HTTPRequest(.get, server.url("/echo/through-proxy")))
        #expect(response.status == 200)
        #expect(try await eventually { try uses("/echo/through-proxy") == 1 })
    }

    @Test(arguments: ["127.0.0.1", "127.0.0.0/8", "*", "example.org,127.0.0.1"])
    func someHostsAreReachedDirectly(exceptions: String) async throws {
        let client = testClient(["http_proxy": "http://127.0.0.1:1", "no_proxy": exceptions])
        #expect(try await client.send(HTTPRequest(.get, server.url("/echo"))).status == 200)
    }

    @Test func aRequestCanKeepAwayFromProxies() async throws {
        let client = testClient(["http_proxy": "http://127.0.0.1:1"])
        var request = HTTPRequest(.get, try server.url("/echo"))
        request.proxy = false
        #expect(try await client.send(request).status == 200)
    }

    @Test func aProxyThatWantsAPasswordSaysSo() async throws {
        let port = try WebAddress(site.apache.secure).effectivePort
        let url = try WebAddress("https://localhost:\(port)/words.txt")
        let with = site.client(["https_proxy": "http://someone:pass-word@\(site.apache.strictProxy)"])
        #expect(try await with.send(HTTPRequest(.get, url)).status == 200)
        let wrong = site.client(["https_proxy": "http://someone:wrong-one@\(site.apache.strictProxy)"])
        let error = await #expect(throws: SluiceError.self) { _ = try await wrong.send(HTTPRequest(.get, url)) }
        #expect(
            error?.message == "the proxy \(site.apache.strictProxy), asked for localhost:\(port), answered 407")
        #expect(error?.code == .permission)
        #expect(error?.isTransient == false)
        #expect("\(String(describing: error))".contains("wrong-one") == false)
    }
}
