import Glibc
import Synchronization

/// Asks a server to stop a statement until it is over.
///
/// Once is not enough: a server that has not begun with the statement yet ignores it, and would then work, or wait, for
/// as long as it likes. And never after its end: it would stop the next one.
public final class StatementStop: Sendable {
    private let isOver = Mutex(false)

    /// For a statement that begins now.
    public init() {}

    /// The statement is over; whoever is just asking has asked when this returns.
    public func statementEnded() { isOver.withLock { $0 = true } }

    /// Calls `ask` now and every tenth of a second until the statement is over.
    public func insist(_ ask: () -> Void) {
        while true {
            let isOver = isOver.withLock { isOver -> Bool in
                if !isOver { ask() }
                return isOver
            }
            if isOver { return }
            usleep(100_000)
        }
    }
}
