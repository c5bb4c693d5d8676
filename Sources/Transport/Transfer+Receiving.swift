import CCurl
import Support
import Synchronization

/// The engine's side of a transfer; all of it runs on the engine's thread.
extension Transfer {
    // SLUICE_CURL_PAUSE and SLUICE_CURL_STOP, which are too involved for the importer.
    static let pause = -1
    static let stop = -2

    /// A header line.
    func receive(header line: UnsafeBufferPointer<UInt8>) -> Int {
        lastProgress = engine.now
        switch parser.take(line) {
        case .more: break
        case .tooLarge:
            settle(plan.headTooLarge())
            return Transfer.stop
        case .whole(let head):
            state.withLock { $0.head = head }
            isSuccess = 200..<300 ~= head.status
            engine.learned(from: head, self)
            engine.touch(self)
        }
        return line.count
    }

    /// Bytes of the body.
    func receive(_ bytes: UnsafeBufferPointer<UInt8>) -> Int {
        lastProgress = engine.now
        if let receiver = plan.request.receiver, isSuccess { return hand(UnsafeRawBufferPointer(bytes), to: receiver) }
        let isTaken = state.withLock { state -> Int in
            guard state.result == nil else { return Transfer.stop }
            guard state.held + bytes.count <= Transfer.receiveLimit else {
                state.isReceivingPaused = true
                return Transfer.pause
            }
            var rest = UnsafeRawBufferPointer(bytes)
            while let start = rest.baseAddress, rest.count > 0 {
                var block = state.filling ?? BlockPool.shared.take()
                let count = min(rest.count, BlockPool.blockSize - block.count)
                (block.base + block.count).copyMemory(from: start, byteCount: count)
                block.count += count
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
                if block.count == BlockPool.blockSize {
                    state.full.append(block)
                    state.filling = nil
                } else {
                    state.filling = block
                }
            }
            state.held += bytes.count
            return bytes.count
        }
        isPausedByUs = isTaken == Transfer.pause
        if isTaken > 0 { received += bytes.count }
        engine.touch(self)
        return isTaken
    }

    /// Hands bytes of the body to whoever takes them here.
    private func hand(_ bytes: UnsafeRawBufferPointer, to receiver: any BodyReceiver) -> Int {
        if isOver { return Transfer.stop }
        do throws(SluiceError) {
            try receiver.take(bytes, at: received)
        } catch {
            settle(TransferFailure(error: error, isTransient: false, reached: .perhaps))
            return Transfer.stop
        }
        received += bytes.count
        state.withLock { $0.handed = received }
        return bytes.count
    }

    /// The request is about to be sent. The second time, libcurl sends it again by itself, because a connection that it
    /// had kept was closed: not what is sent once only.
    func mayStart() -> Bool {
        lastProgress = engine.now
        if let stall = plan.stall { engine.check(at: engine.now + stall) }
        engine.connected(self)
        defer { isStarted = true }
        return !isStarted || plan.isIdempotent
    }

    /// Begins on a connection, old or new. False: it could not begin.
    func begin(on multi: UnsafeMutableRawPointer) -> Bool {
        guard !isOver else { return false }
        handle = plan.withRequest(context: Unmanaged.passUnretained(self).toOpaque()) { request in
            var callbacks = Transfer.callbacks
            return sluice_curl_start(multi, &request, &callbacks)
        }
        if handle == nil { settle(plan.cannotBegin()) }
        return handle != nil
    }

    /// Goes on after a pause.
    func goOn(at now: Int64) {
        guard let handle, state.withLock({ $0.result == nil }) else { return }
        isPausedByUs = false
        lastProgress = now
        if let stall = plan.stall { engine.check(at: now + stall) }
        sluice_curl_resume(handle)
    }

    /// libcurl is done with it.
    func ended(_ outcome: sluice_curl_outcome) {
        guard outcome.end != SLUICE_CURL_DONE else {
            settle(nil)
            return
        }
        let (head, sent) = state.withLock { ($0.head, $0.sent) }
        settle(
            plan.failure(
                outcome, state: .init(isStarted: isStarted, head: head, received: received, sent: sent)))
    }

    /// A limit of time was reached.
    func ranOut(of limit: TimeLimit) {
        let (head, sent) = state.withLock { ($0.head, $0.sent) }
        settle(
            plan.timedOut(limit, state: .init(isStarted: isStarted, head: head, received: received, sent: sent)))
    }

    /// Notes how it ended, unless that is known already.
    func settle(_ failure: TransferFailure?) {
        state.withLock { state in
            if state.result == nil { state.result = failure.map { .failure($0) } ?? .success(()) }
        }
        engine.touch(self)
    }

    /// Lets go of libcurl's side.
    func detach(from multi: UnsafeMutableRawPointer) {
        if let handle { sluice_curl_end(multi, handle) }
        handle = nil
    }

    /// Calls the task, if it waits for what is there now.
    func deliver() {
        let (waiter, isOver) = state.withLock { state -> (UnsafeContinuation<Void, Never>?, Bool) in
            let isOver = state.result != nil
            guard let wish = state.wish, Transfer.isFulfilled(wish, state) else { return (nil, isOver) }
            defer { state.waiter = nil }
            return (state.waiter, isOver)
        }
        waiter?.resume()
        if isOver { stopFeeder() }
    }

    /// When which limit is reached.
    var deadline: (moment: Int64, limit: TimeLimit)? {
        let total = plan.total.map { (begun + $0, TimeLimit.total) }
        // What we hold up ourselves is not the other side's fault.
        guard !isPausedByUs, let stall = plan.stall, let lastProgress else { return total }
        let stalled = (lastProgress + stall, TimeLimit.stall)
        guard let total else { return stalled }
        return total.0 < stalled.0 ? total : stalled
    }

    /// What libcurl calls.
    private static let callbacks = sluice_curl_callbacks(
        header: { context, bytes, count in
            of(context).receive(header: UnsafeBufferPointer(start: bytes, count: count))
        },
        received: { context, bytes, count in
            of(context).receive(UnsafeBufferPointer(start: bytes, count: count))
        },
        sending: { context, room, size in
            guard let room else { return 0 }
            return of(context).send(into: room, size: size)
        },
        rewind: { context, position in of(context).rewind(to: Int(position)) ? 1 : 0 },
        starting: { context in of(context).mayStart() ? 1 : 0 }
    )

    private static func of(_ context: UnsafeMutableRawPointer?) -> Transfer {
        guard let context else { fatalError("libcurl lost a transfer") }
        return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }
}
