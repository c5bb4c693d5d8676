import Synchronization

/// Whether the user, or whoever started the program, wants it to end.
public final class Cancellation: Sendable {
    /// Who wants it.
    public enum Cause: Sendable {
        /// The user, with Ctrl-C.
        case interrupted
        /// Whoever sent SIGTERM.
        case terminated

        var message: String {
            switch self {
            case .interrupted: "interrupted"
            case .terminated: "terminated"
            }
        }

        /// The exit code that says so.
        public var exitCode: ExitCode {
            switch self {
            case .interrupted: .interrupted
            case .terminated: .terminated
            }
        }
    }

    private let state = Mutex<Cause?>(nil)

    /// Nobody wants it yet.
    public init() {}

    /// Who wants the program to end, if anybody.
    public var cause: Cause? { state.withLock { $0 } }

    /// Notes the wish; false when there was one before.
    public func request(_ cause: Cause) -> Bool {
        state.withLock { state in
            if state != nil { return false }
            state = cause
            return true
        }
    }
}
