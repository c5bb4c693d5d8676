import Glibc
import HTTPServer
import Support
import Synchronization
import Testing

/// A handler that reads a body only when it is told to.
private final class Gate: HTTPHandler {
    private let isOpen = Atomic(false)
    let name = "gate"

    func open() { isOpen.store(true, ordering: .releasing) }

    func respond(to request: ServerRequest) async -> ServerResponse {
        _ = try? await request.body.next()
        while !isOpen.load(ordering: .acquiring) { try? await Task.sleep(for: .milliseconds(5)) }
        return await Echo().respond(to: request)
    }
}

@Suite struct FlowTests {
    @Test func holdsBackAClientThatSendsFasterThanIsRead() async throws {
        let gate = Gate()
        try await withServer(gate) { server in
            let client = try RawClient(port: server.port)
            let size = 96 << 20
            client.send("PUT /count HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n")
            let block = [UInt8](repeating: 1, count: 1 << 20)
            client.setSendTimeout(milliseconds: 300)
            var sent = 0
            while sent < size {
                let count = client.sendSome(block, from: sent % block.count)
                if count <= 0 { break }
                sent += count
            }
            #expect(sent < 48 << 20, "\(sent) bytes were taken that nobody has read")
            gate.open()
            client.setSendTimeout(milliseconds: 10_000)
            while sent < size {
                let count = client.sendSome(block, from: sent % block.count)
                if count <= 0 { break }
                sent += count
            }
            // The gate itself read the first run.
            let counted = client.answer().flatMap { Int($0.text) } ?? 0
            #expect(counted > size - (1 << 20) && counted <= size)
        }
    }

    @Test func pullsAStreamOnlyAsFastAsTheClientReads() async throws {
        final class Endless: ByteStream {
            let name = "endless"
            let given = Atomic(0)
            func next() async throws(SluiceError) -> Buffer? {
                given.add(1 << 20, ordering: .relaxed)
                return Buffer([UInt8](repeating: 5, count: 1 << 20))
            }
        }
        struct Handler: HTTPHandler {
            let stream: Endless
            func respond(to request: ServerRequest) async -> ServerResponse {
                ServerResponse(200, body: .stream(stream, size: nil))
            }
        }
        let stream = Endless()
        try await withServer(Handler(stream: stream)) { server in
            let client = try RawClient(port: server.port)
            client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            usleep(500_000)
            let given = stream.given.load(ordering: .relaxed)
            #expect(given < 32 << 20, "\(given) bytes were pulled that nobody has read")
            client.hangUp()
        }
    }

    @Test func letsRunningRequestsEndWhenItStops() async throws {
        let server = HTTPServer(handler: Echo())
        try server.start()
        let port = server.port
        let client = try RawClient(port: port)
        client.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        try await Task.sleep(for: .milliseconds(50))
        await server.stop()
        #expect(await BlockingQueue("test.client").run { client.answer() }?.text == "done")
        #expect(throws: SluiceError.self) { try RawClient(port: port) }
        let next = HTTPServer(port: port, handler: Echo())
        try next.start()
        await next.stop()
    }

    @Test func doesNotWaitForEverWhenItStops() async throws {
        struct Stuck: HTTPHandler {
            func respond(to request: ServerRequest) async -> ServerResponse {
                try? await Task.sleep(for: .seconds(3))
                return ServerResponse(200)
            }
        }
        let server = HTTPServer(handler: Stuck())
        try server.start()
        let port = server.port
        let clients = try (0..<4).map { _ in try RawClient(port: port) }
        for client in clients { client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 7\r\n\r\nhalf") }
        try await Task.sleep(for: .milliseconds(50))
        let clock = ContinuousClock()
        let duration = await clock.measure { await server.stop(deadline: .milliseconds(100)) }
        #expect(duration < .seconds(2))
        #expect(server.requestsInWork == 0)
    }

    @Test func startsAndStopsAgainAndAgain() async throws {
        for _ in 0..<20 {
            let server = HTTPServer(handler: Echo())
            try server.start()
            let client = try RawClient(port: server.port)
            #expect(
                await BlockingQueue("test.client").run { client.request("GET / HTTP/1.1\r\nHost: h\r\n\r\n") }?.status
                    == 200)
            await server.stop()
            await server.stop()
        }
    }
}

@Suite struct TLSTests {
    /// What curl says, which trusts the authority in `file` and nobody else.
    private func curl(_ arguments: String, authority file: String) -> String {
        guard let pipe = popen("curl -s -S --max-time 20 --noproxy '*' --cacert \(file) \(arguments) 2>&1", "r") else {
            return ""
        }
        defer { pclose(pipe) }
        var text = ""
        var line = [CChar](repeating: 0, count: 4096)
        while fgets(&line, Int32(line.count), pipe) != nil {
            text += String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        return text
    }

    @Test func servesWithACertificateThatItMade() async throws {
        let made = try ServerTLS.selfSigned(
            names: ["localhost", "*.blob.core.windows.net"], addresses: ["127.0.0.1", "::1"])
        #expect(made.server.isValid(for: 86_400 * 300))
        #expect(!made.server.isValid(for: 86_400 * 3000))
        let file = "/tmp/sluice-tls-\(getpid()).pem"
        let handle = fopen(file, "w")
        fputs(made.authorityPEM, handle)
        fclose(handle)
        defer { unlink(file) }
        try await withServer(tls: made.server) { server in
            let port = server.port
            #expect(curl("https://127.0.0.1:\(port)/x", authority: file).hasPrefix("GET /x"))
            #expect(curl("https://localhost:\(port)/x", authority: file).hasPrefix("GET /x"))
            #expect(
                curl("https://shop.blob.core.windows.net:\(port)/x --resolve '*:\(port):127.0.0.1'", authority: file)
                    .hasPrefix("GET /x"))
            #expect(
                curl("https://else.where:\(port)/x --resolve '*:\(port):127.0.0.1'", authority: file).contains("(60)"))
            #expect(
                curl("https://127.0.0.1:\(port)/x", authority: "/etc/ssl/certs/ca-certificates.crt").contains("(60)"))
            #expect(
                curl("https://127.0.0.1:\(port)/count -T /proc/self/exe -H 'Expect:'", authority: file).count > 4)
            // Who speaks no TLS is let go.
            let plain = try RawClient(port: port)
            plain.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(Answer(plain.receiveAll()) == nil)
        }
    }

    @Test func refusesACertificateThatIsNone() {
        let server = HTTPServer(tls: ServerTLS(certificatePEM: "no", keyPEM: "no"), handler: Echo())
        #expect(throws: SluiceError.self) { try server.start() }
    }
}
