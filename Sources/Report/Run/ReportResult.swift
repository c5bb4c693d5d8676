public import Sales
public import Support

/// How a run of a report differs from the usual.
public struct ReportOptions: Sendable {
    /// Does everything again, whatever the ledger knows.
    public var again = false

    /// The usual.
    public init() {}

    /// What differs from the usual, for the history.
    public var json: JSONText { .members(["again": again ? .bool(true) : nil]) }
}

/// What became of one input, or of all of them together.
public struct ReportOutcome: Sendable {
    /// How it ended.
    public enum State: String, Sendable {
        /// A report was written.
        case written
        /// The report was there.
        case known
        /// There is none.
        case failed
    }

    /// The input's name; nil of all inputs together.
    public var input: String?
    /// How it ended.
    public var state: State
    /// The report's file.
    public var report: String?
    /// The page's file.
    public var page: String?
    /// The file of rejected records.
    public var rejects: String?
    /// The files of tables.
    public var tables: [String] = []
    /// How many records there are.
    public var records = 0
    /// How many of them are valid.
    public var valid = 0
    /// Why there is no report.
    public var error: SluiceError?
    /// The log of how it went.
    public var log: String?

    /// An outcome.
    public init(input: String?, state: State) {
        self.input = input
        self.state = state
    }

    /// The outcome for machines.
    public var json: JSONText {
        [
            "input": input.map { .string($0) } ?? .null, "state": .string(state.rawValue),
            "report": report.map { .string($0) } ?? .null, "page": page.map { .string($0) } ?? .null,
            "rejects": rejects.map { .string($0) } ?? .null,
            "tables": .array(tables.map { .string($0) }),
            "total_transactions": .number(records), "valid_transactions": .number(valid),
            "invalid_transactions": .number(records - valid), "log": log.map { .string($0) } ?? .null,
            "error": error.map { .string(Redactor.shared.redact("\($0)")) } ?? .null,
        ]
    }
}

/// What a run did.
public struct ReportResult: Sendable {
    /// The run.
    public var run: String
    /// What became of each input, by name.
    public var inputs: [ReportOutcome] = []
    /// What became of all of them together, when that was asked for.
    public var combined: ReportOutcome?
    /// How many rows were loaded into the warehouse.
    public var rowsLoaded = 0
    /// The report to show: the combined one, or that of the only input; nil when nothing was written.
    public var shown: SalesReport?

    init(run: String) { self.run = run }

    /// The inputs without a report.
    public var failures: [ReportOutcome] { inputs.filter { $0.state == .failed } }
    /// How many inputs were reported on before.
    public var known: Int { inputs.count { $0.state == .known } }
    /// How many inputs were reported on now.
    public var written: Int { inputs.count { $0.state == .written } }

    /// Why no input has a report; nil when one has.
    public var failure: SluiceError? {
        guard let first = failures.first?.error, failures.count == inputs.count else { return nil }
        if inputs.count == 1 { return first }
        return SluiceError(
            first.code, "all \(inputs.count) inputs failed; the first: \(first.message)", place: first.place,
            hint: first.hint, isTransient: first.isTransient)
    }

    /// Some inputs have a report, and some have none, or what was to be made of all of them is missing.
    public var isPartial: Bool { failure == nil && (!failures.isEmpty || combined?.state == .failed) }

    /// What is missing, in a sentence; nil when nothing is.
    public var missing: String? {
        guard isPartial else { return nil }
        if let first = failures.first {
            return "\(failures.count) of \(inputs.count) inputs failed; the first: \(first.input ?? ""): "
                + (first.error?.message ?? "")
        }
        return combined?.error.map { "there is no combined report: \($0.message)" }
    }
}

/// What a run would do, found out without doing any of it.
public struct ReportPlan: Sendable {
    /// One input.
    public struct Input: Sendable {
        /// Its name.
        public var name: String
        /// How many bytes it has, if that is known.
        public var bytes: Int?
        /// The report that there is already, if there is one.
        public var report: String?
    }

    /// The inputs.
    public var inputs: [Input]
    /// Whether there would be a report over all of them.
    public var isCombined: Bool
    /// Where reports go.
    public var output: String

    /// The inputs that would be read.
    public var new: [Input] { inputs.filter { $0.report == nil } }
}
