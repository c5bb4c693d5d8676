import Support
import TestServers
import Testing

@testable import Transport

/// Redirects are followed by those who read, and tell nobody else what they know.
@Suite struct RedirectTests {
    let server: FaultServer
    let client = testClient()

    init() throws { server = try #require(FaultServer.shared) }

    func redirect(_ method: HTTPMethod, to target: String, status: Int = 302) throws -> HTTPRequest {
        HTTPRequest(
            method, try server.url("/redirect").with(query: [("to", target), ("status", "\(status)")]))
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func aReaderIsLedOn(status: Int) async throws {
        let (response, _) = try await client.fetch(redirect(.get, to: "/bytes/7", status: status))
        #expect(response.status == 200)
        #expect(response.url.path == "/bytes/7")
        #expect(response.attempts == 2)
        #expect(try await client.send(redirect(.head, to: "/bytes/7", status: status)).status == 200)
    }

    @Test(arguments: [HTTPMethod.post, .put, .delete, .patch])
    func aWriterIsNot(method: HTTPMethod) async throws {
        let response = try await client.send(redirect(method, to: "/echo"))
        #expect(response.status == 302)
        #expect(response.headers["Location"] == "/echo")
    }

    @Test func anotherOriginLearnsNothing() async throws {
        let other = try FaultServer()
        defer { other.stop() }
        var request = try redirect(.get, to: other.origin + "/echo")
        request.headers = [
            "Cookie": "session=cookie-secret", "X-Identity-Header": "identity-secret", "X-Harmless": "stays",
            "x-ms-copy-source": "https://a/b?sig=sas-secret", "api-key": "key-secret", "Host": "elsewhere",
        ]
        let authorizer = CountingAuthorizer()
        let (_, body) = try await client.fetch(request, authorizer: authorizer)
        let text = String(decoding: body.bytes, as: UTF8.self)
        #expect(try JSONText.parse(body)["headers"]?["x-harmless"]?.text == "stays")
        #expect(!text.contains("secret"))
        #expect(!text.lowercased().contains("authorization"))
        #expect(!text.contains("elsewhere"))
        #expect(authorizer.count == 1)
    }

    @Test func theSameOriginIsAuthorizedAnew() async throws {
        let authorizer = CountingAuthorizer()
        let (_, body) = try await client.fetch(redirect(.get, to: "/echo"), authorizer: authorizer)
        #expect(try JSONText.parse(body)["headers"]?["authorization"]?.text == "Bearer token-2")
    }

    @Test func aCircleIsLeft() async throws {
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.fetch(HTTPRequest(.get, server.url("/loop")))
        }
        #expect(error?.message == "127.0.0.1 redirects more than 5 times")
    }

    @Test(arguments: ["ftp://127.0.0.1/", "http://user:pass@127.0.0.1/", "javascript://x"])
    func whereNoRequestCanGoIsAnError(target: String) async throws {
        let error = await #expect(throws: SluiceError.self) { _ = try await client.fetch(redirect(.get, to: target)) }
        #expect(error?.message.contains("127.0.0.1 redirects to what is no URL") == true)
    }

    @Test func encryptionIsNotGivenUp() async throws {
        let certificates = try #require(TestCertificates.shared)
        let secure = try FaultServer(certificate: certificates.certificate("good"), key: certificates.key("good"))
        defer { secure.stop() }
        let client = testClient { $0.caFiles = [certificates.certificate("ca")] }
        let request = HTTPRequest(
            .get, try WebAddress(secure.origin + "/redirect").with(query: [("to", server.origin + "/echo")]))
        let error = await #expect(throws: SluiceError.self) { _ = try await client.fetch(request) }
        #expect(error?.message.contains("from https to plain http") == true)
    }

    @Test func aRouteInTheClearIsForThisMachineOnly() async throws {
        let client = testClient {
            $0.routes = [HTTPRoute(hosts: ["vault.azure.net"], to: .init(loopback: "http://192.0.2.1:80"))]
        }
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.fetch(HTTPRequest(.get, WebAddress("https://vault.azure.net/")))
        }
        #expect(error?.code == .invalidConfiguration)
    }
}

extension WebAddress {
    /// A literal of the tests.
    init(loopback text: String) {
        do { self = try WebAddress(text) } catch { fatalError("\(error)") }
    }
}
