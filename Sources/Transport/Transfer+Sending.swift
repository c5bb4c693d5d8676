import CCurl
import Support
import Synchronization

/// The way out: a task pulls from the source, and the engine's thread takes what it has.
extension Transfer {
    /// Pulls from `source` to its end, at the pace at which it is sent.
    func feed(from source: any StreamSource, size: Int?) async {
        do throws(SluiceError) {
            let stream = try await source.stream()
            var given = 0
            while let piece = try await stream.next() {
                if piece.count == 0 { continue }
                given += piece.count
                if let size, given > size { throw mismatch(source, given, size) }
                guard await offer(piece) else { return }
            }
            if let size, given < size { throw mismatch(source, given, size) }
            let resumes = state.withLock { state in
                state.isSourceDone = true
                return Transfer.wakesSending(&state)
            }
            if resumes { engine.resume(self) }
        } catch {
            // What the source says is no word about the connection, and is told as it is.
            drop(TransferFailure(error: error, isTransient: false, reached: .perhaps))
        }
    }

    private func mismatch(_ source: any StreamSource, _ given: Int, _ size: Int) -> SluiceError {
        SluiceError(
            .inputOutput,
            "\(source.name) gave \(given) bytes\(given > size ? " or more" : ""), \(size) were to be sent",
            hint: "Something changed it while it was sent; try again.")
    }

    /// Hands over a piece, and waits while enough is there. False: nobody wants more.
    private func offer(_ piece: Buffer) async -> Bool {
        let resumes = state.withLock { state in
            guard state.result == nil else { return false }
            state.pieces.append(piece)
            state.waiting += piece.count
            return Transfer.wakesSending(&state)
        }
        if resumes { engine.resume(self) }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let goesOn = state.withLock { state in
                    if state.result != nil || state.waiting < Transfer.sendLimit { return true }
                    state.feederWaiter = continuation
                    return false
                }
                if goesOn { continuation.resume() }
            }
        } onCancel: {
            wakeFeeder()
        }
        return state.withLock { $0.result == nil }
    }

    private static func wakesSending(_ state: inout State) -> Bool {
        defer { state.isSendingPaused = false }
        return state.isSendingPaused
    }

    private func wakeFeeder() {
        let waiter = state.withLock { state in
            defer { state.feederWaiter = nil }
            return state.feederWaiter
        }
        waiter?.resume()
    }

    /// Ends the task that pulls: nothing more will be sent.
    func stopFeeder() {
        let feeder = state.withLock { state in
            defer { state.feeder = nil }
            return state.feeder
        }
        feeder?.cancel()
        wakeFeeder()
    }

    /// Fills `room` with what is to be sent; on the engine's thread.
    func send(into room: UnsafeMutablePointer<UInt8>, size: Int) -> Int {
        if case .part(let file, let range) = plan.body {
            return send(range, of: file, into: UnsafeMutableRawBufferPointer(start: room, count: size))
        }
        let (count, feeder) = state.withLock { state -> (Int, UnsafeContinuation<Void, Never>?) in
            guard state.result == nil else { return (Transfer.stop, nil) }
            var filled = 0
            while filled < size, let piece = state.pieces.first {
                let count = min(size - filled, piece.count - state.offset)
                piece.withUnsafeBytes { bytes in
                    guard let start = bytes.baseAddress else { return }
                    UnsafeMutableRawPointer(room + filled).copyMemory(from: start + state.offset, byteCount: count)
                }
                filled += count
                state.offset += count
                if state.offset == piece.count {
                    state.pieces.removeFirst()
                    state.offset = 0
                }
            }
            state.sent += filled
            state.waiting -= filled
            guard filled > 0 || state.isSourceDone else {
                state.isSendingPaused = true
                return (Transfer.pause, nil)
            }
            guard state.waiting < Transfer.sendLimit else { return (filled, nil) }
            defer { state.feederWaiter = nil }
            return (filled, state.feederWaiter)
        }
        feeder?.resume()
        isPausedByUs = count == Transfer.pause
        if count > 0 { lastProgress = engine.now }
        return count
    }

    /// Fills `room` from where in the file the body has come to.
    private func send(_ range: Range<Int>, of file: any DirectAccess, into room: UnsafeMutableRawBufferPointer) -> Int {
        let sent = state.withLock { $0.result == nil ? $0.sent : nil }
        guard let sent else { return Transfer.stop }
        let rest = UnsafeMutableRawBufferPointer(rebasing: room[..<min(room.count, range.count - sent)])
        do throws(SluiceError) {
            let count = rest.isEmpty ? 0 : try file.read(into: rest, at: range.lowerBound + sent)
            if count == 0, !rest.isEmpty {
                throw SluiceError(
                    .inputOutput, "the file ends after \(sent) of the \(range.count) bytes that were to be sent")
            }
            state.withLock { $0.sent += count }
            lastProgress = engine.now
            return count
        } catch {
            settle(TransferFailure(error: error, isTransient: false, reached: .perhaps))
            return Transfer.stop
        }
    }

    /// Goes back to `position` in what is to be sent: libcurl asks when a connection that it used again turns out to be
    /// dead. A stream can go back to where it has not left yet.
    func rewind(to position: Int) -> Bool {
        if case .bytes(let bytes) = plan.body, position == 0 {
            rewindToStart(of: bytes)
            return true
        }
        return state.withLock { state in
            if case .part(_, let range) = plan.body, 0...range.count ~= position { state.sent = position }
            return state.sent == position
        }
    }
}
