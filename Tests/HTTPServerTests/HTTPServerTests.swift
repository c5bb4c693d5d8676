import Dispatch
import Glibc
import HTTPServer
import Support
import Synchronization
import Testing

/// Answers with what it was asked.
struct Echo: HTTPHandler {
    func respond(to request: ServerRequest) async -> ServerResponse {
        switch request.path {
        case "/echo":
            do throws(SluiceError) {
                return ServerResponse(200, body: .bytes(try await request.collect(limit: 64 << 20)))
            } catch {
                return .text(error.message, status: 400)
            }
        case "/count":
            var count = 0
            do throws(SluiceError) {
                while let bytes = try await request.body.next() { count += bytes.count }
            } catch {
                return .text(error.message, status: 400)
            }
            return .text(String(count))
        case "/refuse": return .text("no", status: 403)
        case "/lost": return .lost
        case "/bytes":
            var response = ServerResponse(200, body: .bytes(Buffer([UInt8](repeating: 7, count: 1_000_000))))
            response.cut = request[query: "cut"].flatMap { Int($0) }
            return response
        case "/stream":
            let count = request[query: "count"].flatMap { Int($0) } ?? 10
            let size = request[query: "size"].flatMap { Int($0) }
            return ServerResponse(200, body: .stream(Ticks(count), size: size))
        case "/slow":
            try? await Task.sleep(for: .milliseconds(300))
            return .text("done")
        case "/none": return ServerResponse(204)
        case "/length": return ServerResponse(200, headers: ["Content-Length": "12345"])
        default:
            return .text(
                "\(request.method) \(request.path) ? \(request.rawQuery) host \(request.host)",
                headers: ["X-Names": request.headers.map(\.name).joined(separator: ",")])
        }
    }
}

/// So many buffers of a thousand bytes; a negative number ends in a failure.
final class Ticks: ByteStream {
    let name = "ticks"
    private let left: Mutex<Int>
    private let fails: Bool

    init(_ count: Int) {
        left = Mutex(abs(count))
        fails = count < 0
    }

    func next() async throws(SluiceError) -> Buffer? {
        await Task.yield()
        let number = left.withLock { left -> Int in
            defer { left -= 1 }
            return left
        }
        if number > 0 { return Buffer([UInt8](repeating: UInt8(number & 255), count: 1000)) }
        if fails { throw SluiceError(.inputOutput, "the stream broke") }
        return nil
    }
}

func withServer(
    limits: ServerLimits = ServerLimits(), tls: ServerTLS? = nil, _ handler: any HTTPHandler = Echo(),
    _ body: @escaping @Sendable (HTTPServer) throws -> Void
) async throws {
    let server = HTTPServer(tls: tls, limits: limits, handler: handler)
    try server.start()
    // Clients block, and handlers need the threads that run tasks.
    let outcome = await BlockingQueue("test.client").run { Result { try body(server) } }
    if case .failure(let error) = outcome {
        await server.stop(deadline: .milliseconds(100))
        throw error
    }
    let clock = ContinuousClock()
    let end = clock.now + .seconds(30)
    while server.requestsInWork > 0, clock.now < end { try await Task.sleep(for: .milliseconds(2)) }
    #expect(server.requestsInWork == 0, "a request was never completed")
    await server.stop()
}

@Suite struct HTTPServerTests {
    @Test func answersOneRequestAfterTheOtherOnOneConnection() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            for number in 0..<50 {
                let answer = client.request("GET /a%2Fb/\(number)?x=%20y&z HTTP/1.1\r\nHost: here\r\n\r\n")
                #expect(answer?.status == 200)
                #expect(answer?.text == "GET /a%2Fb/\(number) ? x=%20y&z host here")
            }
        }
    }

    @Test func answersRequestsThatCameInOnePiece() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            client.send(
                "PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
                    + "GET /two HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let all = String(decoding: client.receiveAll(), as: UTF8.self)
            #expect(all.contains("\r\n\r\nhello"))
            #expect(all.hasSuffix("GET /two ?  host h"))
        }
    }

    @Test(arguments: ["PUT", "POST", "PATCH", "DELETE", "GET"])
    func takesBodiesOfAnyMethod(method: String) async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            for _ in 0..<3 {
                let answer = client.request("\(method) /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
                #expect(answer?.text == "hello")
            }
            let chunked = client.request(
                "\(method) /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
            )
            #expect(chunked?.text == "abcde")
            let empty = client.request("\(method) /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")
            #expect(empty?.status == 200 && empty?.body.isEmpty == true)
        }
    }

    @Test(arguments: ["PUT", "POST", "PATCH", "DELETE"])
    func answersThoughNobodyReadsTheBody(method: String) async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            for _ in 0..<3 {
                client.send("\(method) /refuse HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n")
                client.send([UInt8](repeating: 1, count: 3_000_000))
                let answer = client.answer()
                #expect(answer?.status == 403)
            }
        }
    }

    @Test func answersBeforeTheBodyWhereTheClientWaits() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            client.send("PUT /refuse HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n")
            #expect(client.answer()?.status == 403)
            let other = try RawClient(port: server.port)
            other.send("PUT /count HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            #expect(other.answer()?.status == 100)
            other.send("hello")
            #expect(other.answer()?.text == "5")
        }
    }

    @Test func saysOnlySizesToHead() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            for (path, size) in [("/bytes", "1000000"), ("/length", "12345"), ("/none", nil), ("/stream?size=7", "7")] {
                client.send("HEAD \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                let answer = Answer(client.receive() ?? [])
                #expect(answer?.headers["Content-Length"] == size, "\(path)")
                #expect(answer?.body.isEmpty == true)
            }
            #expect(client.request("GET /x HTTP/1.1\r\nHost: h\r\n\r\n")?.status == 200)
        }
    }

    @Test func streamsInChunksOrWithASize() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            #expect(
                client.request("GET /stream?count=300&size=300000 HTTP/1.1\r\nHost: h\r\n\r\n")?.body.count == 300_000)
            client.send("GET /stream?count=3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            let all = client.receiveAll()
            #expect(Answer(all)?.headers["Transfer-Encoding"] == "chunked")
            #expect(all.count > 3000)
        }
    }

    @Test(arguments: ["/stream?count=-3&size=5000", "/stream?count=-3", "/stream?count=3&size=5000"])
    func closesTheConnectionWhenAStreamBreaks(path: String) async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
            let all = client.receiveAll()
            #expect(!String(decoding: all, as: UTF8.self).hasSuffix("0\r\n\r\n"))
            #expect(Answer(all)?.status == 200)
        }
    }

    @Test(arguments: [0, 1, 100_000, 999_999])
    func cutsAnAnswer(after count: Int) async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            client.send("GET /bytes?cut=\(count) HTTP/1.1\r\nHost: h\r\n\r\n")
            let answer = Answer(client.receiveAll())
            #expect(answer?.headers["Content-Length"] == "1000000")
            #expect(answer?.body.count == count)
        }
    }

    @Test func losesAnAnswer() async throws {
        try await withServer { server in
            let client = try RawClient(port: server.port)
            #expect(client.request("GET /lost HTTP/1.1\r\nHost: h\r\n\r\n") == nil)
            let other = try RawClient(port: server.port)
            other.send("PUT /lost HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
            #expect(other.receive() == nil)
        }
    }

    @Test func sendsPartsOfFiles() async throws {
        struct Files: HTTPHandler {
            func respond(to request: ServerRequest) async -> ServerResponse {
                let descriptor = open("/proc/self/exe", O_RDONLY | O_CLOEXEC)
                let range = request[query: "empty"] == nil ? 1..<4 : 2..<2
                return ServerResponse(206, body: .file(descriptor: descriptor, range: range))
            }
        }
        try await withServer(Files()) { server in
            let client = try RawClient(port: server.port)
            for _ in 0..<20 { #expect(client.request("GET / HTTP/1.1\r\nHost: h\r\n\r\n")?.text == "ELF") }
            #expect(client.request("GET /?empty HTTP/1.1\r\nHost: h\r\n\r\n")?.body == [])
            client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
            #expect(Answer(client.receive() ?? [])?.headers["Content-Length"] == "3")
        }
    }

    @Test func answersManyAtOnce() async throws {
        try await withServer { server in
            let port = server.port
            let wrong = Mutex(0)
            DispatchQueue.concurrentPerform(iterations: 24) { _ in
                guard let client = try? RawClient(port: port) else { return wrong.withLock { $0 += 1 } }
                for size in [0, 10, 70_000, 1] {
                    client.send("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: \(size)\r\n\r\n")
                    client.send([UInt8](repeating: 3, count: size))
                    if client.answer()?.body.count != size { wrong.withLock { $0 += 1 } }
                }
            }
            #expect(wrong.withLock { $0 } == 0)
        }
    }

    @Test func saysWhenAPortIsTaken() async throws {
        try await withServer { server in
            let second = HTTPServer(port: server.port, handler: Echo())
            let error = #expect(throws: SluiceError.self) { try second.start() }
            #expect(error?.message == "port \(server.port) of 127.0.0.1 is in use by another program")
        }
        let wrong = HTTPServer(address: "no.such.host.invalid", handler: Echo())
        #expect(throws: SluiceError.self) { try wrong.start() }
    }
}
