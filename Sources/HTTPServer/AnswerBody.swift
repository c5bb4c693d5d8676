internal import CMicrohttpd
import Glibc
import Support
import Synchronization

/// The body of an answer on its way: the library asks for bytes when the client has room for them.
final class AnswerBody: @unchecked Sendable {
    // `@unchecked Sendable` because what changes is behind the lock; the C library asks from one thread at a time.

    private let exchange: Exchange
    private let limit: Int?
    private let state: Mutex<State>

    private struct State {
        var source: Source
        var current = Buffer.empty
        var used = 0
        var isEnded = false
        var isBroken = false
        var isWaiting = false
        var pump: Task<Void, Never>?
        var room: CheckedContinuation<Void, Never>?
        var isReleased = false
    }

    private enum Source {
        case memory
        case file(Int32, Range<Int>)
        case stream(any ByteStream)
    }

    /// How many bytes the library is given at once.
    private static let block = 256 << 10

    private init(_ source: Source, _ first: Buffer, cut: Int?, _ exchange: Exchange) {
        self.exchange = exchange
        limit = cut
        var state = State(source: source)
        state.current = first
        self.state = Mutex(state)
    }

    /// The library's answer for `response`; nil when it refuses.
    static func make(_ response: ServerResponse, isHead: Bool, for exchange: Exchange) -> UnsafeMutableRawPointer? {
        var headers = response.headers
        let declared = headers["Content-Length"].flatMap { Int($0) }
        headers["Content-Length"] = nil
        let answer: UnsafeMutableRawPointer?
        if isHead {
            let size = response.body.size ?? declared
            response.discard()
            answer = streamed(.memory, .empty, size: hasNoBody(response) ? declared ?? size : size, cut: nil, exchange)
        } else {
            answer = body(of: response, exchange)
        }
        guard let answer else { return nil }
        for (name, value) in headers where !value.isEmpty { _ = sluice_http_header(answer, name, value) }
        return answer
    }

    private static func hasNoBody(_ response: ServerResponse) -> Bool {
        if case .none = response.body { true } else { false }
    }

    private static func body(of response: ServerResponse, _ exchange: Exchange) -> UnsafeMutableRawPointer? {
        switch response.body {
        case .none: return sluice_http_bytes(nil, 0, { _ in }, nil)
        case .bytes(let buffer):
            if let cut = response.cut { return streamed(.memory, buffer, size: buffer.count, cut: cut, exchange) }
            if buffer.count == 0 { return sluice_http_bytes(nil, 0, { _ in }, nil) }
            let owner = Unmanaged.passRetained(HeldBytes(buffer)).toOpaque()
            return sluice_http_bytes(
                buffer.unsafeStart, buffer.count,
                { owner in if let owner { Unmanaged<HeldBytes>.fromOpaque(owner).release() } }, owner)
        case .file(let descriptor, let range):
            if let cut = response.cut {
                return streamed(.file(descriptor, range), .empty, size: range.count, cut: cut, exchange)
            }
            if range.isEmpty {
                close(descriptor)
                return sluice_http_bytes(nil, 0, { _ in }, nil)
            }
            return sluice_http_file(descriptor, UInt64(range.lowerBound), UInt64(range.count))
        case .stream(let stream, let size):
            return streamed(.stream(stream), .empty, size: size, cut: response.cut, exchange)
        }
    }

    private static func streamed(
        _ source: Source, _ first: Buffer, size: Int?, cut: Int?, _ exchange: Exchange
    ) -> UnsafeMutableRawPointer? {
        let body = Unmanaged.passRetained(AnswerBody(source, first, cut: cut, exchange))
        return sluice_http_stream(
            size.map { UInt64(max(0, $0)) } ?? UInt64.max, block,
            { owner, position, target, room in
                guard let owner, let target else { return -2 }
                return Unmanaged<AnswerBody>.fromOpaque(owner).takeUnretainedValue()
                    .read(Int(clamping: position), UnsafeMutableRawBufferPointer(start: target, count: room))
            },
            { owner in
                guard let owner else { return }
                Unmanaged<AnswerBody>.fromOpaque(owner).takeRetainedValue().release()
            }, body.toOpaque())
    }

    // MARK: The library's thread

    private func read(_ position: Int, _ target: UnsafeMutableRawBufferPointer) -> Int {
        if exchange.isAborting { return -2 }
        var room = target.count
        if let limit {
            if position >= limit { return -2 }
            room = min(room, limit - position)
        }
        let into = UnsafeMutableRawBufferPointer(rebasing: target[..<room])
        let (count, pump) = state.withLock { state -> (Int, CheckedContinuation<Void, Never>?) in
            if state.used < state.current.count { return (copy(into, &state), takePump(&state)) }
            if state.isBroken { return (-2, nil) }
            if case .file(let descriptor, let range) = state.source {
                let count = pread(
                    descriptor, into.baseAddress, min(room, range.count - position), off_t(range.lowerBound + position))
                return (count > 0 ? count : -2, nil)
            }
            if state.isEnded { return (-1, nil) }
            guard case .stream(let stream) = state.source else { return (-1, nil) }
            if state.pump == nil { state.pump = Task { await self.run(stream) } }
            guard exchange.suspendAnswer() else { return (-2, nil) }
            state.isWaiting = true
            return (0, nil)
        }
        pump?.resume()
        return count
    }

    private func copy(_ target: UnsafeMutableRawBufferPointer, _ state: inout State) -> Int {
        let count = min(target.count, state.current.count - state.used)
        let used = state.used
        state.current.withUnsafeBytes {
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[used..<used + count]))
        }
        state.used += count
        return count
    }

    /// Whoever fetches the next bytes, once the last ones are sent.
    private func takePump(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        guard state.used == state.current.count else { return nil }
        defer { state.room = nil }
        return state.room
    }

    private func release() {
        let (pump, room) = state.withLock { state -> (Task<Void, Never>?, CheckedContinuation<Void, Never>?) in
            state.isReleased = true
            if case .file(let descriptor, _) = state.source { close(descriptor) }
            defer { state.room = nil }
            return (state.pump, state.room)
        }
        pump?.cancel()
        room?.resume()
    }

    // MARK: The stream's task

    /// Fetches one buffer after the other: the next one while the last is being sent.
    private func run(_ stream: any ByteStream) async {
        while true {
            var next: Buffer?
            var isBroken = false
            do throws(SluiceError) { next = try await stream.next() } catch { isBroken = true }
            if let next, next.count == 0 { continue }
            await waitForRoom()
            let (isOver, isWaiting) = state.withLock { state -> (Bool, Bool) in
                if state.isReleased { return (true, false) }
                if let next {
                    state.current = next
                    state.used = 0
                } else {
                    state.isEnded = !isBroken
                    state.isBroken = isBroken
                }
                defer { state.isWaiting = false }
                return (next == nil, state.isWaiting)
            }
            if isWaiting { exchange.resumeAnswer() }
            if isOver { return }
        }
    }

    private func waitForRoom() async {
        await withCheckedContinuation { continuation in
            let isReady = state.withLock { state -> Bool in
                if state.isReleased || state.used >= state.current.count { return true }
                state.room = continuation
                return false
            }
            if isReady { continuation.resume() }
        }
    }
}

/// Keeps a buffer's bytes while the library sends them.
private final class HeldBytes {
    let buffer: Buffer
    init(_ buffer: Buffer) { self.buffer = buffer }
}
