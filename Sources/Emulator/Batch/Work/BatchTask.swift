import Support

/// A task: what was sent, and how it stands.
struct BatchTask: Sendable {
    enum State: String, Sendable { case active, preparing, running, completed }

    let id: String
    let sequence: Int
    var body: JSONText
    let created: Moment
    var modified: Moment
    private var phase: BatchPhase<State>

    var started: Moment?
    var ended: Moment?
    var exitCode: Int?
    var failure: BatchFailure?
    var retries = 0
    var lastRetry: Moment?
    var requeues = 0
    var lastRequeue: Moment?
    var pool: String?
    var node: String?
    /// Whether it is a failure that lets those run that depend on it.
    var satisfies = false

    init(_ id: String, _ body: JSONText, sequence: Int, now: Moment) {
        self.id = id
        self.body = body
        self.sequence = sequence
        created = now
        modified = now
        phase = BatchPhase(.active, since: now)
    }

    var key: String { id.lowercased() }
    var state: State { phase.state }
    var slots: Int { max(1, body["requiredSlots"]?.integer ?? 1) }
    var isSuccess: Bool { state == .completed && failure == nil }

    mutating func change(_ new: State, _ now: Moment) {
        phase.change(new, now)
    }

    /// What the task depends on is done.
    func isReady(among tasks: [String: BatchTask]) -> Bool {
        guard let depends = body["dependsOn"], depends.members != nil else { return true }
        func isDone(_ id: String) -> Bool {
            guard let task = tasks[id.lowercased()] else { return false }
            return task.isSuccess || task.state == .completed && task.satisfies
        }
        for id in depends["taskIds"]?.items ?? [] where !isDone(id.text ?? "") { return false }
        for range in depends["taskIdRanges"]?.items ?? [] {
            guard let from = range["start"]?.integer, let to = range["end"]?.integer, from <= to else { continue }
            // There have to be as many tasks, so that a huge range is no work.
            let (count, isHuge) = to.subtractingReportingOverflow(from)
            guard !isHuge, count < tasks.count, (from...to).allSatisfy({ isDone(String($0)) }) else { return false }
        }
        return true
    }

    // MARK: As JSON

    func shown(_ job: BatchJob, _ base: String, keepsSecrets: Bool = false) -> JSONText {
        let url = "\(base)/jobs/\(job.id)/tasks/\(id)"
        let sent = (body.members ?? []).filter { !["id", "constraints", "requiredSlots"].contains($0.key) }
        let constraints = JSONText.members([
            "maxWallClockTime": body["constraints"]?["maxWallClockTime"] ?? "P10675199DT2H48M5.4775807S",
            "retentionTime": body["constraints"]?["retentionTime"] ?? "P7D",
            "maxTaskRetryCount": .number(retryLimit(job)),
        ])
        let head = JSONText.members([
            "url": .string(url), "id": .string(id), "eTag": .string(BatchText.tag(modified)),
            "creationTime": .string(created.iso), "lastModified": .string(modified.iso),
        ])
        let rest = JSONText.members([
            "constraints": constraints, "requiredSlots": .number(slots), "executionInfo": execution,
            "nodeInfo": node.map { node in
                let pool = pool ?? ""
                return [
                    "affinityId": .string("TVM:\(node)"), "nodeUrl": .string("\(base)/pools/\(pool)/nodes/\(node)"),
                    "poolId": .string(pool), "nodeId": .string(node),
                    "taskRootDirectory": .string("workitems/\(job.id)/job-1/\(id)"),
                    "taskRootDirectoryUrl": .string(
                        "\(base)/pools/\(pool)/nodes/\(node)/files/workitems/\(job.id)/job-1/\(id)"),
                ]
            },
        ])
        return .object((head.members ?? []) + phase.shown + sent + (rest.members ?? []))
    }

    var execution: JSONText {
        .members([
            "startTime": started.map { .string($0.iso) }, "endTime": ended.map { .string($0.iso) },
            "exitCode": exitCode.map { .number($0) }, "failureInfo": failure?.json,
            "result": state == .completed ? (failure == nil ? "success" : "failure") : nil,
            "retryCount": .number(retries), "lastRetryTime": lastRetry.map { .string($0.iso) },
            "requeueCount": .number(requeues), "lastRequeueTime": lastRequeue.map { .string($0.iso) },
        ])
    }

    func retryLimit(_ job: BatchJob) -> Int {
        body["constraints"]?["maxTaskRetryCount"]?.integer ?? job.body["constraints"]?["maxTaskRetryCount"]?.integer
            ?? 0
    }

    /// How long it may run, in seconds.
    var wallClock: Double? { body["constraints"]?["maxWallClockTime"]?.text.flatMap(BatchText.seconds) }

    // MARK: On disk

    var record: JSONText {
        let own = JSONText.members([
            "id": .string(id), "sequence": .number(sequence), "body": body, "created": .moment(created),
            "modified": .moment(modified), "started": started.map { .moment($0) }, "ended": ended.map { .moment($0) },
            "exitCode": exitCode.map { .number($0) }, "failure": failure?.json, "retries": .number(retries),
            "lastRetry": lastRetry.map { .moment($0) }, "requeues": .number(requeues),
            "lastRequeue": lastRequeue.map { .moment($0) }, "pool": pool.map { .string($0) },
            "node": node.map { .string($0) }, "satisfies": .bool(satisfies),
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
        started = record["started"]?.moment
        ended = record["ended"]?.moment
        exitCode = record["exitCode"]?.integer
        failure = record["failure"].flatMap { BatchFailure(record: $0) }
        retries = record["retries"]?.integer ?? 0
        lastRetry = record["lastRetry"]?.moment
        requeues = record["requeues"]?.integer ?? 0
        lastRequeue = record["lastRequeue"]?.moment
        pool = record["pool"]?.text
        node = record["node"]?.text
        satisfies = record["satisfies"]?.flag ?? false
    }
}

/// Why a task failed.
struct BatchFailure: Sendable, Error {
    var isUsers = true
    let code: String
    let message: String
    var details: [(name: String, value: String)] = []

    static func exit(_ code: Int) -> BatchFailure {
        let text = "The task exited with an exit code representing a failure"
        return BatchFailure(
            code: "FailureExitCode", message: text,
            details: [("Message", text), ("AdditionalErrorCode", "FailureExitCode")])
    }

    static let ended = BatchFailure(code: "TaskEnded", message: "Task Was Ended by User Request")
    static let tookTooLong = BatchFailure(
        code: "TaskEnded", message: "Task Was Ended because it exceeded its maximum wall clock time",
        details: [("Reason", "MaxWallClockTimeExceeded")])

    var json: JSONText {
        .members([
            "category": isUsers ? "usererror" : "servererror", "code": .string(code), "message": .string(message),
            "details": details.isEmpty
                ? nil : .array(details.map { ["name": .string($0.name), "value": .string($0.value)] }),
        ])
    }

    init(isUsers: Bool = true, code: String, message: String, details: [(name: String, value: String)] = []) {
        self.isUsers = isUsers
        self.code = code
        self.message = message
        self.details = details
    }

    init?(record: JSONText) {
        guard let code = record["code"]?.text else { return nil }
        self.init(
            isUsers: record["category"]?.text != "servererror", code: code, message: record["message"]?.text ?? "",
            details: (record["details"]?.items ?? []).map { ($0["name"]?.text ?? "", $0["value"]?.text ?? "") })
    }
}

extension JSONText {
    /// A moment, to be read again by `moment`.
    static func moment(_ moment: Moment) -> JSONText { .number(Int(moment.microseconds)) }

    /// The moment that `moment(_:)` wrote.
    var moment: Moment? { integer.map { Moment(microseconds: Int64($0)) } }
}
