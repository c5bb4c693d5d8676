import Support

/// A job: what was sent, how it stands, and its tasks.
struct BatchJob: Sendable {
    enum State: String, Sendable { case active, disabling, disabled, enabling, terminating, completed, deleting }

    let id: String
    let sequence: Int
    var body: JSONText
    let created: Moment
    var modified: Moment
    private var phase: BatchPhase<State>
    var ended: Moment?
    var reason: String?
    /// What happens to tasks that run when it is disabled: `requeue`, `terminate`, `wait`.
    var disabling: String?
    var tasks: [String: BatchTask] = [:]
    /// The keys of the tasks that have not begun, in their order.
    var waiting: [String] = []
    /// When its last task was added or ended: an empty job counts as complete, too.
    var quietSince: Moment

    init(_ id: String, _ body: JSONText, sequence: Int, now: Moment) {
        self.id = id
        self.body = body
        self.sequence = sequence
        created = now
        modified = now
        phase = BatchPhase(.active, since: now)
        quietSince = now
    }

    var key: String { id.lowercased() }
    var state: State { phase.state }
    var stateSince: Moment { phase.since }
    var poolID: String { body["poolInfo"]?["poolId"]?.text ?? "" }
    var priority: Int { body["priority"]?.integer ?? 0 }
    var endsWithTasks: Bool { body["onAllTasksComplete"]?.text?.lowercased() == "terminatejob" }
    var isOpen: Bool { [.active, .disabling, .disabled, .enabling].contains(state) }

    mutating func change(_ new: State, _ now: Moment) {
        phase.change(new, now)
        modified = now
    }

    func shown(_ base: String) -> JSONText {
        let sent = (body.members ?? []).filter {
            ![
                "id", "priority", "constraints", "onAllTasksComplete", "onTaskFailure", "maxParallelTasks",
                "allowTaskPreemption", "usesTaskDependencies",
            ].contains($0.key)
        }
        let head = JSONText.members([
            "id": .string(id), "url": .string("\(base)/jobs/\(id)"), "eTag": .string(BatchText.tag(modified)),
            "lastModified": .string(modified.iso), "creationTime": .string(created.iso),
        ])
        let rest = JSONText.members([
            "priority": .number(priority),
            "maxParallelTasks": body["maxParallelTasks"] ?? -1,
            "allowTaskPreemption": body["allowTaskPreemption"] ?? false,
            "usesTaskDependencies": body["usesTaskDependencies"] ?? false,
            "onAllTasksComplete": body["onAllTasksComplete"] ?? "noaction",
            "onTaskFailure": body["onTaskFailure"] ?? "noaction",
            "constraints": [
                "maxWallClockTime": body["constraints"]?["maxWallClockTime"] ?? "P10675199DT2H48M5.4775807S",
                "maxTaskRetryCount": body["constraints"]?["maxTaskRetryCount"] ?? 0,
            ],
        ])
        let execution = JSONText.members([
            "startTime": .string(created.iso), "endTime": ended.map { .string($0.iso) }, "poolId": .string(poolID),
            "terminateReason": reason.map { .string($0) },
        ])
        return .object(
            (head.members ?? []) + phase.shown + (rest.members ?? []) + sent + [("executionInfo", execution)])
    }

    var record: JSONText {
        let own = JSONText.members([
            "id": .string(id), "sequence": .number(sequence), "body": body, "created": .moment(created),
            "modified": .moment(modified), "ended": ended.map { .moment($0) }, "reason": reason.map { .string($0) },
            "disabling": disabling.map { .string($0) },
        ])
        return .object((own.members ?? []) + phase.record)
    }

    init?(record: JSONText) {
        guard let id = record["id"]?.text, let body = record["body"], let created = record["created"]?.moment else {
            return nil
        }
        self.init(id, body, sequence: record["sequence"]?.integer ?? 0, now: created)
        modified = record["modified"]?.moment ?? created
        phase.load(record)
        ended = record["ended"]?.moment
        reason = record["reason"]?.text
        disabling = record["disabling"]?.text
    }
}
