public import Support
import Synchronization

/// Something that happened in a run, for its log and for whoever watches.
public struct RunEvent: Sendable {
    /// How much it matters.
    public enum Level: String, Sendable {
        /// For those who look closely.
        case debug
        /// The usual course.
        case info
        /// Worth a look.
        case warning
    }

    /// How much it matters.
    public var level: Level
    /// What happened, in one word for machines: `staged`.
    public var name: String
    /// The same for people.
    public var message: String
    /// What belongs to it.
    public var fields: [(key: String, value: JSONText)]

    /// Something that happened.
    public init(_ level: Level, _ name: String, _ message: String, _ fields: [(key: String, value: JSONText)] = []) {
        self.level = level
        self.name = name
        self.message = message
        self.fields = fields
    }
}

/// How far a run has come; may be read from any thread at any time.
public final class RunMonitor: Sendable {
    private let read = Atomic(0)
    private let staged = Atomic(0)
    private let loaded = Atomic(0)
    private let rejected = Atomic(0)
    private let bytes = Atomic(0)
    private let expected = Atomic(-1)
    private let step = Mutex("starting")
    private let tell: @Sendable (RunEvent) -> Void

    /// A monitor that tells `tell` what happens.
    public init(tell: @escaping @Sendable (RunEvent) -> Void = { _ in }) { self.tell = tell }

    /// What is being done, in a word or two: `reading orders`.
    public var stage: String { step.withLock { $0 } }
    /// Rows that came from the source.
    public var rowsRead: Int { read.load(ordering: .relaxed) }
    /// Rows that were handed to the lake.
    public var rowsStaged: Int { staged.load(ordering: .relaxed) }
    /// Rows that were handed to the warehouse.
    public var rowsLoaded: Int { loaded.load(ordering: .relaxed) }
    /// Rows that were rejected.
    public var rowsRejected: Int { rejected.load(ordering: .relaxed) }
    /// Bytes that came from the source.
    public var bytesRead: Int { bytes.load(ordering: .relaxed) }
    /// Bytes that there are to read, when that is known.
    public var bytesTotal: Int? {
        let value = expected.load(ordering: .relaxed)
        return value < 0 ? nil : value
    }

    /// Says what is being done.
    public func enter(_ stage: String) { step.withLock { $0 = stage } }
    /// Counts rows that came from the source.
    public func countRead(_ rows: Int) { read.wrappingAdd(rows, ordering: .relaxed) }
    /// Counts rows that were handed to the lake.
    public func countStaged(_ rows: Int) { staged.wrappingAdd(rows, ordering: .relaxed) }
    /// Counts rows that were handed to the warehouse, or reports that were written.
    public func countLoaded(_ rows: Int) { loaded.wrappingAdd(rows, ordering: .relaxed) }
    /// Counts rows that were rejected.
    public func countRejected(_ rows: Int) { rejected.wrappingAdd(rows, ordering: .relaxed) }
    /// Counts bytes that came from the source.
    public func countBytes(_ count: Int) { bytes.wrappingAdd(count, ordering: .relaxed) }
    /// Says how many bytes there are to read; nil when nobody knows.
    public func expect(_ count: Int?) { expected.store(count ?? -1, ordering: .relaxed) }

    /// What is counted so far.
    public var mark: (read: Int, staged: Int, loaded: Int, rejected: Int, bytes: Int) {
        (rowsRead, rowsStaged, rowsLoaded, rowsRejected, bytesRead)
    }

    /// Counts on from an earlier mark: what came since is read again.
    public func goBack(to mark: (read: Int, staged: Int, loaded: Int, rejected: Int, bytes: Int)) {
        read.store(mark.read, ordering: .relaxed)
        staged.store(mark.staged, ordering: .relaxed)
        loaded.store(mark.loaded, ordering: .relaxed)
        rejected.store(mark.rejected, ordering: .relaxed)
        bytes.store(mark.bytes, ordering: .relaxed)
    }

    /// Begins counting anew, for another attempt.
    public func startAgain() {
        read.store(0, ordering: .relaxed)
        staged.store(0, ordering: .relaxed)
        loaded.store(0, ordering: .relaxed)
        rejected.store(0, ordering: .relaxed)
        bytes.store(0, ordering: .relaxed)
    }

    /// Tells what happened.
    public func say(
        _ name: String, _ message: String, level: RunEvent.Level = .info,
        _ fields: KeyValuePairs<String, JSONText> = [:]
    ) {
        tell(RunEvent(level, name, message, fields.map { ($0, $1) }))
    }
}
