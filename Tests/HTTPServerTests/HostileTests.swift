import Glibc
import HTTPServer
import Support
import Testing

/// Clients that do not mean well, or are broken.
@Suite struct HostileTests {
    @Test(arguments: [
        "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\nHost: h\r\n\r\n", "GET  /  HTTP/1.1\r\n\r\n",
        "GET nothing HTTP/1.1\r\nHost: h\r\n\r\n", "get / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\nHost: h\r\n\r\n",
        "PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        "PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n",
        "PUT /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "PUT /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ])
    func refusesWhatIsNoRequest(text: String) async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            client.send(text)
            client.endSending()
            let answer = Answer(client.receiveAll())
            if let answer { #expect(answer.status >= 400, "\(text.debugDescription) got \(answer.status)") }
            let next = try RawClient(port: server.port)
            #expect(next.request("GET /after HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200)
        }
    }

    @Test func handsPathsOverAsTheyWereSent() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            for path in [
                "/../../etc/passwd", "/a/%2e%2e/b", "/%00", "//double", "/a%2Fb%5c..%5c", "/\u{fc}", "/x;y=z",
                "/" + String(repeating: "a", count: 8000),
            ] {
                let answer = client.request("GET \(path)?q=%zz&&=&a HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(answer?.text == "GET \(path) ? q=%zz&&=&a host h")
            }
            #expect(
                client.request("GET http://else.where/p?q HTTP/1.1\r\nHost: h\r\n\r\n")?.text == "GET /p ? q host h")
            #expect(client.request("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")?.text == "OPTIONS * ?  host h")
        }
    }

    /// The library sees a line only up to its first NUL, and so do handlers.
    @Test(arguments: ["G\u{0}T / HTTP/1.1", "GET /\u{0}x HTTP/1.1", "GET /?\u{0} HTTP/1.1"])
    func doesNotMindNULs(line: String) async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            client.send("\(line)\r\nHost: h\r\nConnection: close\r\n\r\n")
            _ = client.receiveAll()
            let next = try RawClient(port: server.port)
            #expect(next.request("GET /after HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200)
        }
    }

    @Test func limitsHeaders() async throws {
        var limits = ServerLimits()
        limits.headerBytes = 4096
        try await withServer(limits: limits) { server in
            let large = try RawClient(port: server.port)
            large.send("GET / HTTP/1.1\r\nHost: h\r\nX: \(String(repeating: "x", count: 6000))\r\n\r\n")
            #expect(Answer(large.receiveAll())?.status == 431)
            let huge = try RawClient(port: server.port)
            huge.send("GET / HTTP/1.1\r\nHost: h\r\n")
            // Until nobody takes any more, or is said no to.
            for number in 0..<20_000 where !huge.send("X-\(number): \(String(repeating: "x", count: 100))\r\n") {
                break
            }
            let answer = Answer(huge.receiveAll())
            if let answer { #expect(answer.status >= 400) }
            let next = try RawClient(port: server.port)
            #expect(next.request("GET / HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200)
        }
    }

    @Test func closesWhatNeverBecomesARequest() async throws {
        var limits = ServerLimits()
        limits.headerSeconds = 1
        limits.idleSeconds = 1
        try await withServer(limits: limits) { server in
            let silent = try RawClient(port: server.port)
            silent.send("\r\n\r\n")
            let slow = try RawClient(port: server.port)
            let begun = try RawClient(port: server.port)
            begun.send("GET / HTTP/1.1\r\nHost: h\r\n")
            var isOpen = true
            for _ in 0..<400 where isOpen {
                isOpen = slow.send("G") && begun.send("X: y\r\n")
                usleep(100_000)
            }
            #expect(!isOpen, "a byte now and then kept the connection open")
            #expect(silent.receive() == nil)
        }
    }

    @Test func closesBodiesThatTrickle() async throws {
        var limits = ServerLimits()
        limits.headerSeconds = 1
        limits.idleSeconds = 30
        try await withServer(limits: limits) { server in
            let client = try RawClient(port: server.port)
            client.send("PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n")
            var isOpen = true
            for _ in 0..<400 where isOpen {
                isOpen = client.send("x")
                usleep(100_000)
            }
            #expect(!isOpen)
        }
    }

    @Test func endsRequestsThatBreakOff() async throws {
        try await withServer { server in
            for text in [
                "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nhalf",
                "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n",
                "GET /bytes HTTP/1.1\r\nHost: h\r\n\r\n",
                "PUT /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                "GET /stream?count=100000 HTTP/1.1\r\nHost: h\r\n\r\n",
                "PUT /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
            ] {
                for _ in 0..<5 {
                    let client = try RawClient(port: server.port)
                    client.send(text)
                    client.hangUp()
                }
            }
            // That nothing of them stays is what `withServer` looks at.
            #expect(try RawClient(port: server.port).request("GET / HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200)
        }
    }

    @Test func survivesNoise() async throws {
        try await withServer { server in
            var generator = SystemRandomNumberGenerator()
            for _ in 0..<100 {
                let client = try RawClient(port: server.port)
                client.send(
                    (0..<Int.random(in: 1...3000)).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
                client.endSending()
                _ = client.receiveAll()
            }
            #expect(try RawClient(port: server.port).request("GET / HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200)
        }
    }
}
