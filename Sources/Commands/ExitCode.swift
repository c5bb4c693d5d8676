public import Support

/// What the program's end says to whoever called it; stable, and listed in help.
public struct ExitCode: Sendable, Hashable {
    /// The number.
    public let number: Int32

    private init(_ number: Int32) { self.number = number }

    /// Everything that was asked for happened.
    public static let succeeded = ExitCode(0)
    /// It was tried, and failed.
    public static let failed = ExitCode(1)
    /// A plan holds changes; only where that was asked for.
    public static let changesPending = ExitCode(2)
    /// Some of it happened.
    public static let partial = ExitCode(3)
    /// The configuration is wrong; nothing was tried.
    public static let invalidConfiguration = ExitCode(4)
    /// Who asks is not known, or not allowed.
    public static let permission = ExitCode(5)
    /// The command line is wrong.
    public static let usage = ExitCode(64)
    /// It failed, and may succeed when tried again.
    public static let transient = ExitCode(75)
    /// It took longer than was allowed.
    public static let timedOut = ExitCode(124)
    /// Interrupted by Ctrl-C.
    public static let interrupted = ExitCode(130)
    /// Ended by SIGTERM.
    public static let terminated = ExitCode(143)

    /// The code for an error.
    public init(_ error: SluiceError) {
        switch error.code {
        case .usage: self = .usage
        case .invalidConfiguration: self = .invalidConfiguration
        case .permission: self = .permission
        case .cancelled: self = .interrupted
        case .timedOut: self = .timedOut
        default: self = error.isTransient ? .transient : .failed
        }
    }

    /// What help says about the codes.
    static let explained: [(word: String, meaning: String)] = [
        ("0", "succeeded"), ("1", "failed"), ("2", "changes pending, where that was asked for"),
        ("3", "succeeded in part"), ("4", "invalid configuration"), ("5", "authentication or permission"),
        ("64", "wrong command line"), ("75", "failed, and safe to retry"), ("124", "timed out"),
        ("130, 143", "interrupted, terminated"),
    ]
}
