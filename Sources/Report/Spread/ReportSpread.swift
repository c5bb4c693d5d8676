import Support

/// The work of one run of a report, divided into tasks that any number of machines may do at once.
///
/// What the tasks share lies in the output, under `.sluice/work/JOB`:
///
///     tasks/ID.json     what a task is about: its inputs, and for the last task all of them
///     done/KEY.json     an input that is reported on: which content, which report
///     done/KEY.partial  what was counted of it, for the report over all inputs
///
/// All names follow from what is in the inputs' listing and from the rules. So the same work has the same tasks whoever hands
/// it over, what is done is seen by everybody, and a task that runs twice ends in the same files.
public struct ReportSpread: Sendable {
    /// One task.
    public struct Task: Sendable, Hashable {
        /// What it goes by.
        public var id: String
        /// The names of its inputs.
        public var inputs: [String]
    }

    /// The tasks that report on inputs; one that is done is not among them.
    public var tasks: [Task] = []
    /// The task that makes the report over all inputs when those before have succeeded; nil when there is no such report, or
    /// when it is there.
    public var last: Task?
    /// How many inputs were reported on before.
    public var known = 0
    /// How many inputs there are.
    public var total = 0

    /// Whether nothing is to be done.
    public var isEmpty: Bool { tasks.isEmpty && last == nil }
}

/// Which part of a run's work somebody does.
enum ReportShare: Sendable, Hashable {
    /// All of it.
    case whole
    /// The task with this id.
    case task(String)
}

/// One input as tasks know it.
struct SpreadInput: Sendable, Hashable {
    /// What it is called in reports.
    var name: String
    /// Its path or URL.
    var place: String
    /// What its version and the rules are known by.
    var key: String

    var json: JSONText { ["name": .string(name), "place": .string(place), "key": .string(key)] }

    init(name: String, place: String, key: String) {
        self.name = name
        self.place = place
        self.key = key
    }

    init?(_ json: JSONText) {
        guard let name = json["name"]?.text, let place = json["place"]?.text, let key = json["key"]?.text,
            SpreadInput.isKey(key)
        else { return nil }
        self.init(name: name, place: place, key: key)
    }

    /// Keys become parts of paths.
    static func isKey(_ text: String) -> Bool {
        text.utf8.count == 32 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}

/// What a task is about.
struct SpreadTask: Sendable {
    /// The inputs.
    var inputs: [SpreadInput]
    /// Whether it makes the report over them, instead of one for each.
    var isLast: Bool

    var json: JSONText { ["inputs": .array(inputs.map(\.json)), "combine": .bool(isLast)] }

    init(_ inputs: [SpreadInput], isLast: Bool) {
        self.inputs = inputs
        self.isLast = isLast
    }

    init(_ json: JSONText, at place: String) throws(SluiceError) {
        isLast = json["combine"] == .bool(true)
        inputs = []
        for item in json["inputs"]?.items ?? [] {
            guard let input = SpreadInput(item) else {
                throw SluiceError(.invalidData, "this is no list of a task's inputs", place: .init(file: place))
            }
            inputs.append(input)
        }
    }

    /// What it goes by: the same inputs have the same id, whoever asks.
    func id() throws(SluiceError) -> String {
        let digest = try ReportNames.digest([isLast ? "all" : "each"] + inputs.map(\.key))
        return "\(isLast ? "all" : "part")-\(digest.prefix(32))"
    }
}

/// What is known of an input that is reported on.
struct SpreadNote: Sendable {
    /// The hash of its content.
    var content: String
    /// The report's name in the output.
    var report: String
    /// How many records there are.
    var records: Int
    /// How many of them are valid.
    var valid: Int
    /// What was written beside the report.
    var extras: String
    /// The run that did it.
    var run: String

    var json: JSONText {
        [
            "content": .string(content), "report": .string(report), "records": .number(records),
            "valid": .number(valid), "extras": .string(extras), "run": .string(run),
        ]
    }

    init(_ entry: ReportLedger.Entry, content: String) {
        self.content = content
        report = entry.report
        records = entry.records
        valid = entry.valid
        extras = entry.extras
        run = entry.run
    }

    init(_ json: JSONText, at place: String) throws(SluiceError) {
        guard let content = json["content"]?.text, let report = json["report"]?.text,
            let records = json["records"]?.integer, let valid = json["valid"]?.integer
        else { throw SluiceError(.invalidData, "this is no note of a report", place: .init(file: place)) }
        self.content = content
        self.report = report
        self.records = records
        self.valid = valid
        extras = json["extras"]?.text ?? ""
        run = json["run"]?.text ?? ""
    }
}
