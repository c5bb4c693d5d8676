import CCurl
import Support
import Synchronization

/// One request on its way: between the engine's thread, which moves bytes, and the task that sent it.
///
/// Received bytes wait in blocks of memory that are handed on without another copy. When as many wait as may, the transfer
/// pauses until the task has taken most of them; it pauses likewise while there is nothing to send.
final class Transfer: @unchecked Sendable {
    // `@unchecked Sendable` because what is not behind `state` is constant or belongs to the engine's thread.

    /// How many received bytes may wait for the reader, and how few are left when the transfer goes on.
    static let receiveLimit = 768 << 10
    static let receiveResume = 256 << 10
    /// From how many bytes on to send the source is told to wait.
    static let sendLimit = 512 << 10

    /// Whom the task waits for.
    enum Wish {
        case head
        case body
    }

    struct State {
        var head: ResponseHead?
        /// Full blocks in order, then the one that is being filled.
        var full: [Block] = []
        var filling: Block?
        var held = 0
        var isReceivingPaused = false
        /// How many bytes the receiver of the body has taken.
        var handed = 0

        var pieces: [Buffer] = []
        /// How far the first piece has been sent.
        var offset = 0
        var waiting = 0
        var isSourceDone = false
        var isSendingPaused = false
        var sent = 0

        /// How it ended, once it has.
        var result: Result<Void, TransferFailure>?
        var isDropped = false
        var wish: Wish?
        var waiter: UnsafeContinuation<Void, Never>?
        var feederWaiter: UnsafeContinuation<Void, Never>?
        var feeder: Task<Void, Never>?
    }

    let state = Mutex(State())
    let plan: TransferPlan
    let engine: Engine
    /// The name of the gate that it goes through.
    let gate: String

    // The engine's thread alone uses these.
    var handle: OpaquePointer?
    var isTouched = false
    var isAdmitted = false
    var parser = HeadParser()
    var isStarted = false
    var received = 0
    var isSuccess = false
    var isPausedByUs = false
    var lastProgress: Int64?
    var begun: Int64 = 0

    init(_ plan: TransferPlan, engine: Engine) {
        self.plan = plan
        self.engine = engine
        gate = plan.gate
        switch plan.body {
        case .none, .part, .stream: break
        case .bytes(let bytes): rewindToStart(of: bytes)
        }
    }

    deinit {
        state.withLock { state in
            for block in state.full { BlockPool.shared.give(block) }
            if let block = state.filling { BlockPool.shared.give(block) }
        }
    }

    func rewindToStart(of bytes: Buffer) {
        state.withLock { state in
            state.pieces = bytes.count > 0 ? [bytes] : []
            state.offset = 0
            state.sent = 0
            state.waiting = bytes.count
            state.isSourceDone = true
        }
    }

    // MARK: - For the task

    /// Hands the transfer to the engine, and starts to pull what it sends.
    func start() {
        engine.start(self)
        guard case .stream(let source, let size) = plan.body else { return }
        let feeder = Task { await self.feed(from: source, size: size) }
        let isOver = state.withLock { state in
            if state.result == nil { state.feeder = feeder }
            return state.result != nil
        }
        if isOver { feeder.cancel() }
    }

    /// The answer's headers.
    func head() async throws(TransferFailure) -> ResponseHead {
        while true {
            let (head, result) = state.withLock { ($0.head, $0.result) }
            if let head { return head }
            if let result {
                try result.get()
                throw plan.failure(.init(end: SLUICE_CURL_NO_ANSWER), state: .init(isStarted: true))
            }
            await wait(for: .head)
        }
    }

    /// The next bytes of the body; nil at its end.
    func next() async throws(TransferFailure) -> Buffer? {
        while true {
            let (bytes, result, resumes) = state.withLock { state -> (Buffer?, Result<Void, TransferFailure>?, Bool) in
                guard let bytes = Transfer.take(from: &state) else { return (nil, state.result, false) }
                let resumes = state.isReceivingPaused && state.held <= Transfer.receiveResume
                if resumes { state.isReceivingPaused = false }
                return (bytes, nil, resumes)
            }
            if resumes { engine.resume(self) }
            if let bytes { return bytes }
            if let result {
                try result.get()
                return nil
            }
            await wait(for: .body)
        }
    }

    private static func take(from state: inout State) -> Buffer? {
        if !state.full.isEmpty {
            let block = state.full.removeFirst()
            state.held -= block.count
            return BlockPool.shared.buffer(block)
        }
        guard let block = state.filling, block.count > 0 else { return nil }
        state.held -= block.count
        // A few bytes are not worth a whole block for as long as the reader keeps them.
        if block.count < BlockPool.blockSize / 4 {
            state.filling?.count = 0
            return Buffer(copying: UnsafeRawBufferPointer(start: block.base, count: block.count))
        }
        state.filling = nil
        return BlockPool.shared.buffer(block)
    }

    private func wait(for wish: Wish) async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isThere = state.withLock { state in
                    if Transfer.isFulfilled(wish, state) { return true }
                    state.wish = wish
                    state.waiter = continuation
                    return false
                }
                if isThere { continuation.resume() }
            }
        } onCancel: {
            drop(.cancelled(plan))
        }
    }

    static func isFulfilled(_ wish: Wish, _ state: State) -> Bool {
        if state.result != nil { return true }
        switch wish {
        case .head: return state.head != nil
        case .body: return state.held > 0
        }
    }

    /// Breaks the transfer off, unless it has ended, and forgets what was received.
    func drop(_ failure: TransferFailure) {
        let (waiter, isRunning) = state.withLock { state -> (UnsafeContinuation<Void, Never>?, Bool) in
            let isRunning = state.result == nil
            if isRunning { state.result = .failure(failure) }
            state.isDropped = true
            for block in state.full { BlockPool.shared.give(block) }
            state.full = []
            if let block = state.filling { BlockPool.shared.give(block) }
            state.filling = nil
            state.held = 0
            state.pieces = []
            defer { state.waiter = nil }
            return (state.waiter, isRunning)
        }
        waiter?.resume()
        stopFeeder()
        if isRunning { engine.end(self) }
    }

    /// Whether it has ended, or nobody wants it any more.
    var isOver: Bool { state.withLock { $0.result != nil } }

    /// How many bytes of the answer's body went to its receiver.
    var handedCount: Int { state.withLock { $0.handed } }

    /// How many bytes of the body have been handed to the connection.
    var sentCount: Int { state.withLock { $0.sent } }
}
