import Glibc
public import Support
import Synchronization

/// What a run says of itself while it works, one JSON object a line:
///
///     {"time":"2026-11-21T05:32:56.123456Z","level":"info","run":"0199…","job":"orders","event":"staged",
///      "message":"1,000 rows in 1 file","rows":1000}
///
/// Lines are appended whole, so that somebody may read along. Secrets that are known do not get into it. A log that
/// cannot be written is told once and does not trouble the run.
public final class RunLog: Sendable {
    /// How much a line matters.
    public enum Level: String, Sendable, CaseIterable, Comparable {
        /// For whoever looks for a fault.
        case debug
        /// What happens.
        case info
        /// What somebody should look at.
        case warning
        /// What went wrong.
        case error

        /// Whether `left` matters less.
        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .debug: 0
            case .info: 1
            case .warning: 2
            case .error: 3
            }
        }
    }

    /// One line.
    public struct Entry: Sendable {
        /// When.
        public let time: Moment
        /// How much it matters.
        public let level: Level
        /// What happened, as one word for machines: `staged`.
        public let event: String
        /// What happened, as a sentence.
        public let message: String
        /// What else is known of it.
        public let fields: [(key: String, value: JSONText)]
    }

    /// The file.
    public let path: String
    private let run: String
    private let job: String
    private let listener: (@Sendable (Entry) -> Void)?
    private let failed: @Sendable (SluiceError) -> Void
    private let state: Mutex<State>

    private struct State {
        /// -1 when it is not open.
        var descriptor: Int32
        var hasFailed = false
    }

    /// Opens the log of a run; makes the file, and the folders on the way, when they are not there.
    ///
    /// - parameter listener: Is told every line, to show it.
    /// - parameter failed: Is told once when the log cannot be written.
    public init(
        path: String, run: String, job: String, listener: (@Sendable (Entry) -> Void)? = nil,
        failed: @escaping @Sendable (SluiceError) -> Void
    ) {
        self.path = path
        self.run = run
        self.job = job
        self.listener = listener
        self.failed = failed
        if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
            // What is wrong with the folder shows when the file in it is opened.
            try? RunStore.makeFolder(String(path[..<slash]))
        }
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
        let reason = errno
        state = Mutex(State(descriptor: descriptor, hasFailed: descriptor < 0))
        if descriptor < 0 { failed(RunLog.failure(path, reason)) }
    }

    deinit { close() }

    /// Adds a line.
    public func write(
        _ level: Level, _ event: String, _ message: String, _ fields: KeyValuePairs<String, JSONText?> = [:]
    ) {
        write(level, event, message, fields: fields.compactMap { key, value in value.map { (key, $0) } })
    }

    /// Adds a line.
    public func write(_ level: Level, _ event: String, _ message: String, fields: [(key: String, value: JSONText)]) {
        // As one object, in which names tell secrets too.
        var known: [(key: String, value: JSONText)] = []
        if case .object(let members) = JSONText.object(fields).redacted() { known = members }
        let entry = Entry(
            time: .now, level: level, event: event, message: Redactor.shared.redact(message), fields: known)
        let line = JSONText.object(
            [
                ("time", .string(entry.time.iso)), ("level", .string(level.rawValue)), ("run", .string(run)),
                ("job", .string(job)), ("event", .string(event)), ("message", .string(entry.message)),
            ] + known)
        append(Array((line.text() + "\n").utf8))
        listener?(entry)
    }

    /// Closes the file; later lines are lost. Also happens by itself.
    public func close() {
        state.withLock { state in
            if state.descriptor >= 0 { Glibc.close(state.descriptor) }
            state.descriptor = -1
        }
    }

    private func append(_ bytes: [UInt8]) {
        let reason: Int32? = state.withLock { state in
            if state.descriptor < 0 { return nil }
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Glibc.write(state.descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                if count < 0 {
                    defer { state.hasFailed = true }
                    return state.hasFailed ? nil : errno
                }
                rest = rest.dropFirst(count)
            }
            return nil
        }
        if let reason { failed(RunLog.failure(path, reason)) }
    }

    private static func failure(_ path: String, _ reason: Int32) -> SluiceError {
        SluiceError(
            reason == EACCES || reason == EROFS ? .permission : .inputOutput,
            "the run's log cannot be written: \(String(cString: strerror(reason)))", place: .init(file: path),
            hint: "The run goes on without it.")
    }
}
