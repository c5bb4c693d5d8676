import Support
import TestServers
import Testing

@testable import Transport

/// What travels over which connection, to real servers.
@Suite(.enabled(if: TestApache.shared != nil)) struct ConnectionTests {
    let site: ApacheSite
    let server: FaultServer

    init() throws {
        site = try ApacheSite()
        server = try #require(FaultServer.shared)
    }

    @Test(arguments: [true, false])
    func manyRequestsShareFewConnections(isSecure: Bool) async throws {
        let client = site.client { $0.maximumConnectionsPerHost = isSecure ? 2 : 8 }
        let origin = isSecure ? site.apache.secure : site.apache.plain
        let name = "many-\(isSecure ? "h2" : "h1")"
        try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                let request = HTTPRequest(.get, try WebAddress("\(origin)/faults/bytes/\(1000 + number)/?\(name)"))
                let echo = HTTPRequest(.get, try WebAddress("\(origin)/faults/echo/\(name)"))
                group.addTask {
                    _ = try await client.fetch(echo)
                    return try await client.fetch(request).body.count
                }
            }
            var sizes: [Int] = []
            for try await size in group { sizes.append(size) }
            #expect(sizes.sorted() == Array(1000..<1200))
        }
        #expect(try await eventually { try site.apache.requests().count { $0.path.hasSuffix(name) } == 200 })
        let ours = try site.apache.requests().filter { $0.path.hasSuffix(name) }
        #expect(Set(ours.map(\.version)) == [isSecure ? "HTTP/2.0" : "HTTP/1.1"])
        #expect(Set(ours.map(\.client)).count <= (isSecure ? 2 : 8))
    }

    /// Requests that wait for a connection to one host must go on when one to another is free.
    @Test func hostsDoNotHoldEachOtherUp() async throws {
        // Who is forgotten would be found by its limit of time at the latest, so that lies far away.
        let client = testClient {
            $0.maximumConnectionsPerHost = 1
            $0.timeouts.connect = .seconds(300)
        }
        let begin = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                let host = ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"][number % 3]
                let request = HTTPRequest(.get, try WebAddress("http://\(host):\(server.port)/slow/5"))
                group.addTask { _ = try await client.fetch(request, retry: RetryPolicy.none) }
            }
            try await group.waitForAll()
        }
        #expect(ContinuousClock.now - begin < .seconds(100))
    }

    /// The first of many goes ahead, and when it gets nowhere the others do not wait for one another.
    @Test func aHostThatDoesNotSpeakHoldsNobodyUpForLong() async throws {
        let client = testClient { $0.timeouts.connect = .seconds(1) }
        let begin = ContinuousClock.now
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<30 {
                // Plain HTTP, which waits for the end of a line while TLS waits for an answer.
                group.addTask {
                    (try? await client.fetch(
                        HTTPRequest(.get, WebAddress("https://127.0.0.1:\(server.port)/")), retry: RetryPolicy.none))
                        == nil
                }
            }
            for await failed in group { #expect(failed) }
        }
        #expect(ContinuousClock.now - begin < .seconds(20))
    }

    @Test func aConnectionIsUsedAgain() async throws {
        let client = site.client()
        let url = try WebAddress("\(site.apache.plain)/faults/echo/again")
        for _ in 0..<20 { _ = try await client.fetch(HTTPRequest(.post, url, body: .bytes(Buffer([1, 2, 3])))) }
        #expect(try await eventually { try site.apache.requests().count { $0.path.hasSuffix("/again") } == 20 })
        let clients = Set(try site.apache.requests().filter { $0.path.hasSuffix("/again") }.map(\.client))
        #expect(clients.count == 1)
    }

    @Test(arguments: [true, false])
    func streamsGoBothWaysOverEitherVersion(isSecure: Bool) async throws {
        let origin = isSecure ? site.apache.secure : site.apache.plain
        let client = site.client()
        let response = try await client.send(
            HTTPRequest(.get, WebAddress("\(origin)/faults/bytes/\(20 << 20)")))
        let body = try await response.collect()
        #expect(body.count == 20 << 20 && Pattern.holds(body, from: 0))
        for size in [nil, 20 << 20] {
            let source = CountedSource(size: 20 << 20)
            let (_, body) = try await client.fetch(
                HTTPRequest(.put, WebAddress("\(origin)/faults/slurp/0"), body: .stream(source, size: size)))
            #expect(try JSONText.parse(body)["length"]?.integer == source.size)
        }
    }

    /// Over HTTP/2 one transfer that nobody reads must neither fill the memory nor hold up the others.
    @Test func aPausedStreamDoesNotHoldUpTheOthers() async throws {
        let client = site.client()
        let paused = try await client.send(HTTPRequest(.get, WebAddress("\(site.apache.secure)/big")))
        for _ in 0..<20 {
            let (response, _) = try await client.fetch(
                HTTPRequest(.get, WebAddress("\(site.apache.secure)/words.txt")), retry: RetryPolicy.none)
            #expect(response.status == 200)
        }
        var count = 0
        while count < 64 << 20, let bytes = try await paused.body.next() { count += bytes.count }
        #expect(count >= 64 << 20)
    }

    @Test func compressionIsForThoseWhoAskForIt() async throws {
        let client = site.client()
        var request = HTTPRequest(.get, try WebAddress("\(site.apache.secure)/words.txt"))
        let plain = try await client.fetch(request)
        #expect(plain.response.headers["Content-Encoding"] == nil)
        #expect(plain.body.count > 80_000)
        request.decompresses = true
        let unpacked = try await client.fetch(request)
        #expect(unpacked.response.headers["Vary"]?.contains("Accept-Encoding") == true)
        #expect(unpacked.response.headers["Content-Length"] == nil)
        #expect(unpacked.body == plain.body)
        // A range counts bytes as they are stored.
        request.headers["Range"] = "bytes=0-9"
        let part = try await client.fetch(request)
        #expect(part.response.status == 206)
        #expect(part.body == plain.body[0..<10])
        // Who asks for the compressed bytes gets those.
        request.headers = ["Accept-Encoding": "gzip"]
        request.decompresses = false
        let packed = try await client.fetch(request)
        #expect(packed.response.headers["Content-Encoding"] == "gzip")
        #expect(packed.body.count < 1000)
    }
}
