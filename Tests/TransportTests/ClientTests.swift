import Glibc
import Support
import TestServers
import Testing
import Transport

/// Requests to a server, and what comes back.
@Suite struct ClientTests {
    let server: FaultServer
    let client: HTTPClient

    init() throws {
        server = try #require(FaultServer.shared)
        var options = HTTPOptions(environment: [:])
        options.trace = nil
        client = HTTPClient(options)
    }

    func request(_ method: HTTPMethod, _ path: String, body: HTTPBody = .none) throws -> HTTPRequest {
        HTTPRequest(method, try WebAddress(server.origin + path), body: body)
    }

    /// What `/echo` says of a request.
    func echo(_ request: HTTPRequest) async throws -> JSONText {
        let (response, body) = try await client.fetch(request)
        #expect(response.status == 200)
        return try JSONText.parse(body)
    }

    @Test(arguments: [0, 1, 1000, 300_000, 5_000_000], ["bytes", "chunked"])
    func aBodyArrivesWhole(size: Int, page: String) async throws {
        let (response, body) = try await client.fetch(request(.get, "/\(page)/\(size)"))
        #expect(response.status == 200)
        #expect(body.count == size)
        #expect(Pattern.holds(body, from: 0))
    }

    @Test(arguments: [HTTPMethod.get, .put, .post, .delete, .patch, .options])
    func methodsAndBodiesAreSentAsTheyAre(method: HTTPMethod) async throws {
        var request = try request(
            method, "/echo?a=%2F&b=c%20d", body: method == .get ? .none : .bytes(Buffer([1, 2, 3])))
        request.headers = ["X-One": "1", "X-Empty": ""]
        let echo = try await echo(request)
        #expect(echo["method"]?.text == method.name)
        #expect(echo["path"]?.text == "/echo?a=%2F&b=c%20d")
        #expect(echo["headers"]?["x-one"]?.text == "1")
        #expect(echo["headers"]?["x-empty"]?.text == "")
        #expect(echo["length"]?.integer == (method == .get ? 0 : 3))
        #expect(echo["headers"]?["expect"] == nil)
        #expect(echo["headers"]?["content-type"] == nil)
        #expect(echo["headers"]?["user-agent"]?.text?.hasPrefix("sluice/") == true)
    }

    @Test(arguments: [HTTPMethod.put, .post, .patch])
    func anEmptyBodyIsDeclared(method: HTTPMethod) async throws {
        let echo = try await echo(try request(method, "/echo"))
        #expect(echo["headers"]?["content-length"]?.text == "0")
    }

    @Test func headHasHeadersAndNoBody() async throws {
        let (response, body) = try await client.fetch(request(.head, "/bytes/1234"))
        #expect(response.headers["content-length"] == "1234")
        #expect(body.count == 0)
        // It declares what does not come, so no limit is too small for it.
        let large = try await client.fetch(request(.head, "/bytes/99999999999"), limit: 10)
        #expect(large.response.headers["content-length"] == "99999999999")
    }

    @Test func aRangeIsARange() async throws {
        var request = try request(.get, "/bytes/1000")
        request.headers["Range"] = "bytes=251-260"
        let (response, body) = try await client.fetch(request)
        #expect(response.status == 206)
        #expect(body.bytes == Array(0..<10))
    }

    @Test(arguments: [true, false])
    func aStreamIsSentWithAndWithoutItsSize(isSized: Bool) async throws {
        let bytes = Buffer((0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        let source = MemorySource(bytes)
        let echo = try await echo(
            try request(.put, "/echo", body: .stream(Unsized(source), size: isSized ? bytes.count : nil)))
        #expect(echo["length"]?.integer == bytes.count)
        #expect(echo["chunked"]?.flag == !isSized)
    }

    @Test func transientAnswersAreTriedAgain() async throws {
        let policy = RetryPolicy(attempts: 4, base: .milliseconds(1))
        let (response, body) = try await client.fetch(
            request(.get, "/flaky/client-again/503/2"), retry: policy)
        #expect(response.status == 200)
        #expect(response.attempts == 3)
        #expect(String(decoding: body.bytes, as: UTF8.self) == "at last")
    }

    @Test func aBodyThatBreaksOffIsFetchedAgain() async throws {
        let policy = RetryPolicy(attempts: 4, base: .milliseconds(1))
        let (_, body) = try await client.fetch(request(.get, "/flaky-cut/client-cut/2"), retry: policy)
        #expect(body.count == 1000)
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.fetch(request(.get, "/cut/1000/400"), retry: RetryPolicy.none)
        }
        #expect(error?.message == "127.0.0.1:\(server.port) broke off after 400 of 1000 bytes")
        #expect(error?.isTransient == true)
    }

    @Test func whoRefusesIsNamed() async throws {
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.fetch(
                HTTPRequest(.get, WebAddress("http://127.0.0.1:1/x?sig=hidden")), retry: RetryPolicy.none)
        }
        #expect(error?.message == "127.0.0.1:1 refused the connection")
    }

    @Test func aRouteLeadsElsewhereUnderTheSameName() async throws {
        var options = HTTPOptions(environment: ["https_proxy": "http://127.0.0.1:1"])
        options.routes = [HTTPRoute(hosts: [".blob.core.windows.net"], to: try WebAddress(server.origin))]
        let client = HTTPClient(options)
        let (_, body) = try await client.fetch(
            HTTPRequest(.get, try WebAddress("https://shop.blob.core.windows.net/echo")))
        #expect(try JSONText.parse(body)["headers"]?["host"]?.text == "shop.blob.core.windows.net")
    }
}

/// A source that does not know its size.
struct Unsized: StreamSource {
    let source: MemorySource
    init(_ source: MemorySource) { self.source = source }
    var name: String { source.name }
    var streamSize: Int? { nil }
    func stream() async throws(SluiceError) -> any ByteStream { try await source.stream() }
}

/// The bytes that the server answers with: 0 … 250, again and again.
enum Pattern {
    private static let rows = Buffer((0..<251 * 4200).map { UInt8($0 % 251) })

    /// Whether `bytes` are those that stand at `position`.
    static func holds(_ bytes: Buffer, from position: Int) -> Bool {
        bytes.withUnsafeBytes { bytes in
            rows.withUnsafeBytes { rows in
                guard let row = rows.baseAddress, let start = bytes.baseAddress else { return bytes.isEmpty }
                return stride(from: 0, to: bytes.count, by: 251 * 4000).allSatisfy { offset in
                    memcmp(start + offset, row + (position + offset) % 251, min(251 * 4000, bytes.count - offset)) == 0
                }
            }
        }
    }
}
