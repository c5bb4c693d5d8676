import Synchronization

/// Hands values from one task to another and holds a few in between, so that both can work at the same time and
/// neither runs ahead by more than that.
///
/// One task sends, one receives. The sender must end with `finish`; a receiver that gives up says so with `close`.
public final class Relay<Element: Sendable>: Sendable {
    private struct State {
        var held: [Element] = []
        var isFinished = false
        var failure: (any Error)?
        var isClosed = false
        var sender: CheckedContinuation<Void, Never>?
        var receiver: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// A relay that holds up to `capacity` values.
    public init(capacity: Int) { self.capacity = max(1, capacity) }

    /// Hands over a value, and waits while too many are held.
    ///
    /// - throws: `CancellationError` when the receiver has given up.
    public func send(_ element: Element) async throws {
        while true {
            let (isDone, isClosed, receiver) = state.withLock {
                state -> (Bool, Bool, CheckedContinuation<Void, Never>?) in
                if state.isClosed { return (false, true, nil) }
                if state.held.count >= capacity { return (false, false, nil) }
                state.held.append(element)
                defer { state.receiver = nil }
                return (true, false, state.receiver)
            }
            receiver?.resume()
            if isClosed { throw CancellationError() }
            if isDone { return }
            await withCheckedContinuation { continuation in
                let mayGoOn = state.withLock { state -> Bool in
                    if state.isClosed || state.held.count < capacity { return true }
                    state.sender = continuation
                    return false
                }
                if mayGoOn { continuation.resume() }
            }
        }
    }

    /// Says that no more values come, or why.
    public func finish(throwing failure: (any Error)? = nil) {
        let receiver = state.withLock { state in
            state.isFinished = true
            state.failure = failure
            defer { state.receiver = nil }
            return state.receiver
        }
        receiver?.resume()
    }

    /// The next value; nil when there are no more.
    ///
    /// - throws: What the sender finished with, after all values that it sent before.
    public func next() async throws -> Element? {
        while true {
            let (element, isFinished, failure, sender) = state.withLock {
                state -> (Element?, Bool, (any Error)?, CheckedContinuation<Void, Never>?) in
                if !state.held.isEmpty {
                    defer { state.sender = nil }
                    return (state.held.removeFirst(), false, nil, state.sender)
                }
                return (nil, state.isFinished, state.failure, nil)
            }
            sender?.resume()
            if let element { return element }
            if let failure { throw failure }
            if isFinished { return nil }
            await withCheckedContinuation { continuation in
                let mayGoOn = state.withLock { state -> Bool in
                    if state.isFinished || !state.held.isEmpty { return true }
                    state.receiver = continuation
                    return false
                }
                if mayGoOn { continuation.resume() }
            }
        }
    }

    /// Says that nobody receives any more.
    public func close() {
        let sender = state.withLock { state in
            state.isClosed = true
            state.held = []
            defer { state.sender = nil }
            return state.sender
        }
        sender?.resume()
    }
}
