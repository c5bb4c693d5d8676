internal import CMicrohttpd
import Glibc
import Support
import Synchronization

/// One request and its answer: what stands between the library's thread and the handler's task.
///
/// The library asks (`advance`) when the headers are there, for each run of the body, and at the end. Whenever it is the
/// other side's turn the connection is suspended, and whoever brings news resumes it.
final class Exchange: @unchecked Sendable {
    // `@unchecked Sendable` because what changes is behind the lock, and the connection is touched only by the library's
    // thread, or to resume it while it is suspended, when it cannot go away.

    let connection: UnsafeMutableRawPointer
    private let core: ServerCore
    private let target: String?
    private let local: String
    private let remote: String
    private let isRefused: Bool
    private let state = Mutex(State())

    private struct State {
        var isStarted = false
        /// There is a body, and the library was told to go on and read it.
        var hasBody = false
        var readsBody = false
        var bodyIsWhole = false
        var isHead = false
        var mayAnswerEarly = false
        var contentLength: Int?
        var expectsContinue = false

        var held: [Buffer] = []
        var heldBytes = 0
        var received = 0
        var discarded = 0
        var isWanted = false
        var reader: CheckedContinuation<Void, Never>?

        var answer: ServerResponse?
        var isAnswered = false
        var isSuspended = false
        var isAborting = false
        var isOver = false

        var checkedAt = 0
        var checkedBytes = 0
    }

    init(
        core: ServerCore, connection: UnsafeMutableRawPointer, target: String?, local: String, remote: String,
        isRefused: Bool
    ) {
        self.core = core
        self.connection = connection
        self.target = target
        self.local = local
        self.remote = remote
        self.isRefused = isRefused
    }

    // MARK: The library's side

    /// Goes as far as can be gone now; false closes the connection.
    func advance(
        _ method: UnsafePointer<CChar>, _ version: UnsafePointer<CChar>, _ bytes: UnsafePointer<CChar>?,
        _ size: UnsafeMutablePointer<Int>
    ) -> Bool {
        if !state.withLock({ $0.isStarted }) { return start(String(cString: method), size) }
        let (goesOn, reader, answer) = state.withLock {
            state -> (Bool, CheckedContinuation<Void, Never>?, ServerResponse?) in
            if state.isAborting { return (false, nil, nil) }
            if size.pointee > 0 { return take(bytes, size, &state) }
            if state.hasBody, !state.readsBody { return beforeBody(&state) }
            state.bodyIsWhole = true
            defer { state.reader = nil }
            if state.answer == nil, !state.isAnswered { suspend(&state) }
            return (true, state.reader, takeAnswer(&state))
        }
        reader?.resume()
        if let answer { return send(answer) }
        return goesOn
    }

    private typealias Step = (goesOn: Bool, reader: CheckedContinuation<Void, Never>?, answer: ServerResponse?)

    private func takeAnswer(_ state: inout State) -> ServerResponse? {
        defer {
            if state.answer != nil { state.isAnswered = true }
            state.answer = nil
        }
        return state.answer
    }

    /// The headers are known, and no byte of the body was asked for.
    private func beforeBody(_ state: inout State) -> Step {
        if state.answer != nil {
            // An answer before the body closes the connection, and a client that is still sending may not see it. So
            // it is given only where the client waits for a word before it sends, or sends more than can be taken.
            let isLarge = (state.contentLength ?? 0) > core.limits.discardedBytes
            if state.mayAnswerEarly, state.expectsContinue || isLarge { return (true, nil, takeAnswer(&state)) }
            state.readsBody = true
            return (true, nil, nil)
        }
        if state.isWanted { state.readsBody = true } else { suspend(&state) }
        return (true, nil, nil)
    }

    /// Takes a run of the body: for the handler, or to be thrown away when that has answered already.
    private func take(_ bytes: UnsafePointer<CChar>?, _ size: UnsafeMutablePointer<Int>, _ state: inout State) -> Step {
        let count = size.pointee
        size.pointee = 0
        state.received += count
        if state.answer != nil {
            state.discarded += count
            return (state.discarded <= core.limits.discardedBytes, nil, nil)
        }
        state.held.append(Buffer(copying: UnsafeRawBufferPointer(start: bytes, count: count)))
        state.heldBytes += count
        if state.heldBytes >= core.limits.heldBytes { suspend(&state) }
        defer { state.reader = nil }
        return (true, state.reader, nil)
    }

    private func suspend(_ state: inout State) {
        guard !state.isSuspended else { return }
        state.isSuspended = true
        sluice_http_suspend(connection)
    }

    private func resume(_ state: inout State) {
        guard state.isSuspended else { return }
        state.isSuspended = false
        sluice_http_resume(connection)
    }

    private func start(_ method: String, _ size: UnsafeMutablePointer<Int>) -> Bool {
        core.headersRead(connection)
        let read = RequestHeaders(connection)
        let length = read.headers["Content-Length"].flatMap { Int($0) }
        let isChunked = read.headers["Transfer-Encoding"] != nil
        state.withLock { state in
            state.isStarted = true
            state.isHead = method == "HEAD"
            state.hasBody = isChunked || (length ?? 0) > 0
            state.contentLength = isChunked ? nil : length ?? 0
            state.mayAnswerEarly = method == "PUT" || method == "POST"
            state.expectsContinue = read.headers["Expect"] != nil
            // A client that waits for a word, or has very much to send, is asked for its body only when it is wanted.
            let isLarge = (state.contentLength ?? 0) > core.limits.discardedBytes
            state.readsBody = state.hasBody && !state.expectsContinue && !isLarge
            if state.hasBody, !state.readsBody { suspend(&state) }
        }
        guard let target = target.flatMap(RequestHeaders.relative), RequestHeaders.isMethod(method) else {
            answer(.text("The request line is not HTTP.\n", status: 400, headers: ["Connection": "close"]))
            return true
        }
        if isRefused {
            answer(.text("The server is shutting down.\n", status: 503, headers: ["Connection": "close"]))
            return true
        }
        if read.size > core.limits.headerBytes {
            answer(.text("The headers are too large.\n", status: 431, headers: ["Connection": "close"]))
            return true
        }
        let request = ServerRequest(
            method: method, target: target, headers: read.headers,
            body: RequestBody(self), contentLength: isChunked ? nil : length ?? 0, isSecure: core.isSecure,
            remoteAddress: remote, localAddress: local)
        let handler = core.handler
        Task { self.answer(await handler.respond(to: request)) }
        return true
    }

    private func send(_ response: ServerResponse) -> Bool {
        guard !response.isLost, let answer = AnswerBody.make(response, isHead: state.withLock { $0.isHead }, for: self)
        else {
            response.discard()
            return false
        }
        return sluice_http_send(connection, UInt32(clamping: response.status), answer) != 0
    }

    /// The library is done with this request, for better or worse.
    func complete() {
        let (reader, answer) = state.withLock { state -> (CheckedContinuation<Void, Never>?, ServerResponse?) in
            defer {
                state.reader = nil
                state.answer = nil
                state.held = []
            }
            state.isOver = true
            return (state.reader, state.answer)
        }
        reader?.resume()
        answer?.discard()
    }

    // MARK: The handler's side

    /// The handler's answer; what it did not read of the body is thrown away.
    func answer(_ response: ServerResponse) {
        let isTooLate = state.withLock { state -> Bool in
            guard !state.isOver, !state.isAborting else { return true }
            state.answer = response
            state.held = []
            state.heldBytes = 0
            resume(&state)
            return false
        }
        if isTooLate { response.discard() }
    }

    /// The next run of the body; nil at its end.
    func nextOfBody() async throws(SluiceError) -> Buffer? {
        while true {
            let step = state.withLock { state -> Result<Buffer?, SluiceError>? in
                if !state.held.isEmpty {
                    let first = state.held.removeFirst()
                    state.heldBytes -= first.count
                    // Only when most of it is read, so that the threads do not take turns for every run.
                    if state.readsBody, state.heldBytes <= core.limits.heldBytes / 4, !state.bodyIsWhole {
                        resume(&state)
                    }
                    return .success(first)
                }
                if state.bodyIsWhole || !state.hasBody || state.answer != nil || state.isAnswered {
                    return .success(nil)
                }
                if state.isOver || state.isAborting {
                    return .failure(
                        SluiceError(
                            .inputOutput, "the client closed the connection after \(state.received) bytes of its body",
                            isTransient: true))
                }
                return nil
            }
            if let step { return try step.get() }
            await withCheckedContinuation { continuation in
                let isNews = state.withLock { state -> Bool in
                    if !state.held.isEmpty || state.bodyIsWhole || state.isOver || state.isAborting { return true }
                    state.isWanted = true
                    state.reader = continuation
                    resume(&state)
                    return false
                }
                if isNews { continuation.resume() }
            }
        }
    }

    // MARK: The answer's side

    /// Waits for the answer's next bytes; called by the library's thread, which then goes on to other connections.
    /// False when nobody waits any more.
    func suspendAnswer() -> Bool {
        state.withLock { state in
            if !state.isAborting { suspend(&state) }
            return !state.isAborting
        }
    }

    /// The answer has news.
    func resumeAnswer() { state.withLock { resume(&$0) } }

    var isAborting: Bool { state.withLock { $0.isAborting } }

    /// Ends the exchange as soon as the library asks.
    func abort() {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.isAborting = true
            resume(&state)
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    /// Whether a body is waited for that hardly comes.
    func trickles(_ now: Int) -> Bool {
        state.withLock { state in
            guard state.readsBody, !state.bodyIsWhole, !state.isSuspended else {
                state.checkedAt = 0
                return false
            }
            let window = max(1, core.limits.headerSeconds)
            guard state.checkedAt > 0, now - state.checkedAt >= window else {
                if state.checkedAt == 0 { (state.checkedAt, state.checkedBytes) = (now, state.received) }
                return false
            }
            let isSlow = state.received - state.checkedBytes < core.limits.bodyBytesPerSecond * window
            (state.checkedAt, state.checkedBytes) = (now, state.received)
            return isSlow
        }
    }
}
