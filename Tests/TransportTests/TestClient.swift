import Foundation
import Support
import Synchronization
import TestServers
import Testing

@testable import Transport

/// A client for tests, with nothing from this process's environment.
func testClient(
    _ environment: [String: String] = [:], change: (inout HTTPOptions) -> Void = { _ in }
) -> HTTPClient {
    var options = HTTPOptions(environment: environment)
    options.trace = nil
    change(&options)
    return HTTPClient(options)
}

/// A client that trusts the tests' certificates, and the address of Apache.
struct ApacheSite {
    let apache: TestApache
    let certificates: TestCertificates

    init() throws {
        certificates = try #require(TestCertificates.shared)
        apache = try #require(TestApache.shared)
    }

    func client(
        _ environment: [String: String] = [:], change: (inout HTTPOptions) -> Void = { _ in }
    ) -> HTTPClient {
        testClient(environment) { options in
            options.caFiles = [certificates.certificate("ca")]
            change(&options)
        }
    }
}

/// A clock that does not wait: what would have been slept is noted, and time goes on by it.
final class TestClock: Sendable {
    private let state = Mutex<(now: Duration, waits: [Duration])>((.zero, []))

    var waits: [Duration] { state.withLock { $0.waits } }

    func pass(_ time: Duration) { state.withLock { $0.now += time } }

    var clock: HTTPClock {
        HTTPClock(
            now: { self.state.withLock { $0.now } },
            sleep: { time in
                self.state.withLock { state in
                    state.now += time
                    state.waits.append(time)
                }
            })
    }
}

extension FaultServer {
    func url(_ path: String) throws -> WebAddress { try WebAddress(origin + path) }

    /// How many requests came with this `X-Key`.
    func seen(_ key: String) async throws -> Int {
        let (_, body) = try await testClient().fetch(HTTPRequest(.get, url("/seen/\(key)")))
        return try JSONText.parse(body)["count"]?.integer ?? -1
    }

    /// How many bytes `/pour` has got rid of.
    func poured(_ key: String) async throws -> Int {
        let (_, body) = try await testClient().fetch(HTTPRequest(.get, url("/poured/\(key)")))
        return try JSONText.parse(body)["count"]?.integer ?? -1
    }
}

/// A source of so many bytes, which counts how many were pulled.
final class CountedSource: StreamSource, Sendable {
    let name = "counted"
    let size: Int
    let declared: Int?
    private let pulledCount = Atomic(0)
    private let streams = Atomic(0)

    init(size: Int, declared: Int? = nil) {
        self.size = size
        self.declared = declared
    }

    var streamSize: Int? { declared }
    var pulled: Int { pulledCount.load(ordering: .relaxed) }
    var streamed: Int { streams.load(ordering: .relaxed) }

    func stream() async throws(SluiceError) -> any ByteStream {
        streams.add(1, ordering: .relaxed)
        return Stream(self)
    }

    private final class Stream: ByteStream, Sendable {
        let name = "counted"
        private let source: CountedSource
        private let given = Atomic(0)
        private let piece = Buffer([UInt8](repeating: 7, count: 256 << 10))

        init(_ source: CountedSource) { self.source = source }

        func next() async throws(SluiceError) -> Buffer? {
            let done = given.load(ordering: .relaxed)
            let count = min(piece.count, source.size - done)
            guard count > 0 else { return nil }
            given.store(done + count, ordering: .relaxed)
            source.pulledCount.add(count, ordering: .relaxed)
            return piece[0..<count]
        }
    }
}

/// Waits until something holds, and says whether it came to that.
func eventually(within time: Duration = .seconds(20), _ holds: () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end {
        if try await holds() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return false
}

/// Counts.
final class TestCounter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}

/// Chance that can be repeated (SplitMix64).
struct Chance: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
