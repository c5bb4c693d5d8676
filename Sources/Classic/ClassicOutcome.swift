public import Support

/// What became of a batch.
public struct ClassicOutcome: Sendable {
    /// The report, without a newline at its end; nil when there is none. A batch that failed has one that says so.
    public let report: Buffer?
    /// Why this is a failure, if it is one; whoever asked for the report fails then, whatever the report holds.
    public let failure: ClassicFailure?
    /// How many transactions there were; all 0 when the batch failed.
    public let counts: ClassicCounts

    init(_ report: Buffer?, counts: ClassicCounts, failure: ClassicFailure?) {
        self.report = report
        self.failure = failure
        self.counts = counts
    }

    /// The outcome whose report has these members, if it can be written.
    static func written(
        _ members: KeyValuePairs<String, PythonValue>, counts: ClassicCounts, task: ClassicTask?,
        failure: ClassicFailure? = nil
    ) -> ClassicOutcome {
        var members = members.map { (name: Array($0.key.utf8), value: $0.value) }
        if let task { members.append((Array("task_metadata".utf8), task.metadata)) }
        do throws(PythonFailure) {
            return ClassicOutcome(try PythonJSON.bytes(.object(members)), counts: counts, failure: failure)
        } catch {
            return ClassicOutcome(nil, counts: ClassicCounts(), failure: .unwritable(error.text))
        }
    }

    /// The outcome of a batch that failed.
    static func failed(_ title: String, _ details: String, at time: LocalTime, task: ClassicTask?) -> ClassicOutcome {
        written(
            ["error": .text(title), "details": .text(details), "processed_at": .text(time.iso)],
            counts: ClassicCounts(), task: task, failure: .batch(title: title, details: details))
    }
}

/// How many transactions a batch has.
public struct ClassicCounts: Sendable, Hashable {
    /// All of them.
    public var total = 0
    /// Those that keep the rules.
    public var valid = 0
    /// Those that do not.
    public var invalid = 0

    /// Counts of nothing.
    public init() {}
}

/// Why there is no report, or one that tells of a failure only.
public enum ClassicFailure: Sendable, Hashable {
    /// The text is not UTF-8; there is no report.
    case unreadable(String)
    /// The batch as a whole could not be processed; the report says so.
    case batch(title: String, details: String)
    /// The report cannot be written, since a text in it holds half of a character; there is no report.
    case unwritable(String)

    /// What failed, in the words of Python.
    public var text: String {
        switch self {
        case .unreadable(let text), .unwritable(let text): text
        case .batch(let title, let details): "\(title): \(details)"
        }
    }
}
