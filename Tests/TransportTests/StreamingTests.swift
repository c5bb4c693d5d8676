import Foundation
import Support
import TestServers
import Testing

@testable import Transport

/// Bodies of any size in little memory, at the pace of whoever is slower, and an end when nobody wants more.
@Suite struct StreamingTests {
    let server: FaultServer
    let client = testClient()

    init() throws { server = try #require(FaultServer.shared) }

    @Test func manyBytesArriveInOrder() async throws {
        let size = 64 << 20
        let response = try await client.send(HTTPRequest(.get, server.url("/bytes/\(size)")))
        var position = 0
        while let bytes = try await response.body.next() {
            #expect(bytes.count <= BlockPool.blockSize)
            #expect(Pattern.holds(bytes, from: position))
            position += bytes.count
        }
        #expect(position == size)
    }

    @Test func manyBytesAreSent() async throws {
        let source = CountedSource(size: 64 << 20)
        let (_, body) = try await client.fetch(
            HTTPRequest(.put, server.url("/slurp/0"), body: .stream(source, size: source.size)))
        #expect(try JSONText.parse(body)["length"]?.integer == source.size)
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["SLUICE_TEST_LONG"] != nil, "takes long"))
    func aGigabyteInFlatMemory() async throws {
        func memory() throws -> Int {
            let words = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
            return (Int(words[1]) ?? 0) * 4096
        }
        let size = 1 << 30
        let before = try memory()
        var peak = before
        let response = try await client.send(HTTPRequest(.get, server.url("/bytes/\(size)")))
        var position = 0
        while let bytes = try await response.body.next() {
            position += bytes.count
            peak = max(peak, try memory())
        }
        #expect(position == size)
        let source = CountedSource(size: size)
        let sent = try await client.send(
            HTTPRequest(.put, server.url("/slurp/0"), body: .stream(source, size: size)))
        #expect(sent.status == 200)
        peak = max(peak, try memory())
        #expect(peak - before < 64 << 20)
    }

    @Test func aServerWaitsForAReaderThatIsSlow() async throws {
        let size = 64 << 20
        let response = try await client.send(HTTPRequest(.get, server.url("/pour/slow-reader/\(size)")))
        _ = try await response.body.next()
        try await Task.sleep(for: .milliseconds(500))
        // What fits into our buffers and the kernel's.
        #expect(try await server.poured("slow-reader") < size / 2)
        var rest = 0
        while let bytes = try await response.body.next() { rest += bytes.count }
        #expect(try await server.poured("slow-reader") == size)
    }

    @Test func aSourceWaitsForAServerThatIsSlow() async throws {
        let source = CountedSource(size: 64 << 20)
        let request = HTTPRequest(.put, try server.url("/slurp/50"), body: .stream(source, size: source.size))
        let client = client
        let task = Task { try await client.send(request) }
        #expect(try await eventually { source.pulled > 0 })
        try await Task.sleep(for: .milliseconds(500))
        #expect(source.pulled < source.size / 2)
        task.cancel()
        await #expect(throws: SluiceError.self) { _ = try await task.value }
    }

    @Test func aSlowSourceIsNoStalledServer() async throws {
        var request = HTTPRequest(.put, try server.url("/echo"))
        request.body = .stream(SlowSource(pieces: 4, pause: .milliseconds(400)), size: nil)
        request.timeouts = HTTPTimeouts(stall: .milliseconds(300))
        let (_, body) = try await client.fetch(request, retry: RetryPolicy.none)
        #expect(try JSONText.parse(body)["length"]?.integer == 4)
    }

    @Test func aSlowReaderIsNoStalledServer() async throws {
        var request = HTTPRequest(.get, try server.url("/bytes/\(16 << 20)"))
        request.timeouts = HTTPTimeouts(stall: .milliseconds(200))
        let response = try await client.send(request)
        try await Task.sleep(for: .milliseconds(600))
        #expect(try await response.collect().count == 16 << 20)
    }

    @Test(arguments: ["/slow/60000", "/stall/10", "/drip/3000/20"])
    func cancellingEndsATransferAtOnce(path: String) async throws {
        let request = HTTPRequest(.get, try server.url(path))
        let client = client
        let task = Task { try await client.fetch(request) }
        try await Task.sleep(for: .milliseconds(200))
        let begin = ContinuousClock.now
        task.cancel()
        let error = await #expect(throws: SluiceError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        #expect(ContinuousClock.now - begin < .seconds(10))
    }

    @Test func aTaskThatIsCancelledAlreadySendsNothing() async throws {
        let request = HTTPRequest(.get, try server.url("/echo"), headers: ["X-Key": "never-sent"])
        let client = client
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await client.fetch(request)
        }
        task.cancel()
        let error = await #expect(throws: SluiceError.self) { _ = try await task.value }
        #expect(error?.code == .cancelled)
        #expect(try await server.seen("never-sent") == 0)
    }

    @Test func aBodyThatIsDroppedIsBrokenOff() async throws {
        do {
            let response = try await client.send(HTTPRequest(.get, server.url("/pour/dropped/\(1 << 30)")))
            #expect(response.status == 200)
        }
        try await Task.sleep(for: .milliseconds(300))
        let first = try await server.poured("dropped")
        try await Task.sleep(for: .milliseconds(300))
        #expect(try await server.poured("dropped") == first)
        #expect(first < 1 << 29)
    }

    @Test func aClientThatIsDroppedLetsItsBodiesArrive() async throws {
        var other: HTTPClient? = testClient()
        let response = try await other?.send(HTTPRequest(.get, server.url("/bytes/\(8 << 20)")))
        other = nil
        #expect(try await response?.collect().count == 8 << 20)
    }

    @Test func anAnswerBeforeTheEndOfTheBodyEndsTheSending() async throws {
        let source = CountedSource(size: 256 << 20)
        let request = HTTPRequest(.put, try server.url("/early/413"), body: .stream(source, size: source.size))
        let response = try await client.send(request, retry: RetryPolicy.none)
        #expect(response.status == 413)
        #expect(source.pulled < source.size)
    }

    @Test func moreThanTheLimitIsRefused() async throws {
        for path in ["/bytes/100000", "/chunked/100000"] {
            let error = await #expect(throws: SluiceError.self) {
                _ = try await client.fetch(HTTPRequest(.get, server.url(path)), limit: 50_000)
            }
            #expect(error?.code == .limitExceeded)
        }
    }

    @Test func headersThatNobodyNeedsAreRefused() async throws {
        #expect(try await client.send(HTTPRequest(.get, server.url("/headers/60"))).status == 200)
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.send(HTTPRequest(.get, server.url("/headers/5000")))
        }
        #expect(error?.message.contains("headers") == true)
    }
}

/// A source that takes its time.
struct SlowSource: StreamSource {
    let pieces: Int
    let pause: Duration
    var name: String { "slow" }
    var streamSize: Int? { nil }
    func stream() async throws(SluiceError) -> any ByteStream { SlowStream(pieces, pause) }

    private final class SlowStream: ByteStream, Sendable {
        let name = "slow"
        private let given = TestCounter()
        private let pieces: Int
        private let pause: Duration

        init(_ pieces: Int, _ pause: Duration) {
            self.pieces = pieces
            self.pause = pause
        }

        func next() async throws(SluiceError) -> Buffer? {
            guard given.next() <= pieces else { return nil }
            try? await Task.sleep(for: pause)
            return Buffer([1])
        }
    }
}
