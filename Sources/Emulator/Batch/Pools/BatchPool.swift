import Autoscale
import Support

/// A pool: what was sent, how it stands, and its nodes.
struct BatchPool: Sendable {
    enum Allocation: String, Sendable { case steady, resizing, stopping }

    let id: String
    let sequence: Int
    var body: JSONText
    let created: Moment
    var modified: Moment
    var isDeleting = false
    var stateSince: Moment
    var allocation = Allocation.steady
    var allocationSince: Moment
    var targetDedicated: Int
    var targetLowPriority: Int
    var deallocation = AutoscaleResult.Deallocation.requeue
    var nodes: [BatchNode] = []
    var resizeError: BatchFailure?
    /// What came of the last evaluation of its formula, and when.
    var evaluated: Moment?
    var evaluation: JSONText?
    var history: AutoscaleHistory
    var lastSample: Moment?
    var succeeded = 0
    var failed = 0

    init(_ id: String, _ body: JSONText, sequence: Int, now: Moment) {
        self.id = id
        self.body = body
        self.sequence = sequence
        created = now
        modified = now
        stateSince = now
        allocationSince = now
        targetDedicated = body["targetDedicatedNodes"]?.integer ?? 0
        targetLowPriority = body["targetLowPriorityNodes"]?.integer ?? 0
        history = AutoscaleHistory()
    }

    var key: String { id.lowercased() }
    var scalesItself: Bool { body["enableAutoScale"]?.flag ?? false }
    var formula: String { body["autoScaleFormula"]?.text ?? "" }
    var slotsPerNode: Int { max(1, body["taskSlotsPerNode"]?.integer ?? 1) }
    var hasIdentity: Bool { body["identity"]?["type"]?.text?.lowercased().contains("userassigned") ?? false }
    var currentDedicated: Int { nodes.count { $0.isDedicated } }
    var currentLowPriority: Int { nodes.count { !$0.isDedicated } }

    mutating func change(_ new: Allocation, _ now: Moment) {
        guard allocation != new else { return }
        allocation = new
        allocationSince = now
        modified = now
    }

    func shown(_ base: String) -> JSONText {
        let own: Set<String> = [
            "id", "targetDedicatedNodes", "targetLowPriorityNodes", "enableAutoScale", "taskSlotsPerNode",
            "taskSchedulingPolicy", "enableInterNodeCommunication", "identity", "autoScaleEvaluationInterval",
        ]
        let sent = (body.members ?? []).filter { !own.contains($0.key) }
        let head = JSONText.members([
            "id": .string(id), "url": .string("\(base)/pools/\(id)"), "eTag": .string(BatchText.tag(modified)),
            "lastModified": .string(modified.iso), "creationTime": .string(created.iso),
            "state": isDeleting ? "deleting" : "active", "stateTransitionTime": .string(stateSince.iso),
            "allocationState": .string(allocation.rawValue),
            "allocationStateTransitionTime": .string(allocationSince.iso),
        ])
        let rest = JSONText.members([
            "resizeErrors": resizeError.map { error in
                [["code": .string(error.code), "message": .string(error.message)]]
            },
            "currentDedicatedNodes": .number(currentDedicated),
            "currentLowPriorityNodes": .number(currentLowPriority),
            "targetDedicatedNodes": .number(targetDedicated), "targetLowPriorityNodes": .number(targetLowPriority),
            "enableAutoScale": .bool(scalesItself),
            "autoScaleEvaluationInterval": scalesItself
                ? body["autoScaleEvaluationInterval"] ?? "PT15M" : nil,
            "autoScaleRun": scalesItself ? evaluation : nil,
            "enableInterNodeCommunication": body["enableInterNodeCommunication"] ?? false,
            "taskSlotsPerNode": .number(slotsPerNode),
            "taskSchedulingPolicy": body["taskSchedulingPolicy"] ?? ["nodeFillType": "spread"],
            "identity": shownIdentity,
        ])
        return .object((head.members ?? []) + sent + (rest.members ?? []))
    }

    /// The data plane has a list of what the management plane has as an object.
    private var shownIdentity: JSONText? {
        guard hasIdentity else { return nil }
        let identities = body["identity"]?["userAssignedIdentities"]
        let ids = identities?.members?.map(\.key) ?? identities?.items?.compactMap { $0["resourceId"]?.text } ?? []
        return [
            "type": "UserAssigned", "userAssignedIdentities": .array(ids.map { ["resourceId": .string($0)] }),
        ]
    }

    var record: JSONText {
        .members([
            "id": .string(id), "sequence": .number(sequence), "body": body, "created": .moment(created),
            "modified": .moment(modified), "isDeleting": .bool(isDeleting), "stateSince": .moment(stateSince),
            "dedicated": .number(targetDedicated), "lowPriority": .number(targetLowPriority),
            "evaluated": evaluated.map { .moment($0) }, "evaluation": evaluation,
        ])
    }

    init?(record: JSONText) {
        guard let id = record["id"]?.text, let body = record["body"], let created = record["created"]?.moment else {
            return nil
        }
        self.init(id, body, sequence: record["sequence"]?.integer ?? 0, now: created)
        modified = record["modified"]?.moment ?? created
        isDeleting = record["isDeleting"]?.flag ?? false
        stateSince = record["stateSince"]?.moment ?? created
        targetDedicated = record["dedicated"]?.integer ?? 0
        targetLowPriority = record["lowPriority"]?.integer ?? 0
        evaluated = record["evaluated"]?.moment
        evaluation = record["evaluation"]
    }
}

/// A node: so many slots, in which tasks run.
struct BatchNode: Sendable {
    enum State: String, Sendable {
        case creating, starting, waitingforstarttask, starttaskfailed, idle, running, leavingpool, rebooting
    }

    let id: String
    let isDedicated: Bool
    var state = State.creating
    var stateSince: Moment
    let allocated: Moment
    var booted: Moment?
    var isScheduling = true
    /// How many slots are taken, and by how many tasks.
    var slotsTaken = 0
    var tasksRunning = 0
    var tasksRun = 0
    var tasksSucceeded = 0
    var startTask: JSONText?
    /// Whether its start task runs.
    var isStarting = false

    init(isDedicated: Bool, now: Moment) {
        id = "tvmps_\(BatchText.unique(20))_\(isDedicated ? "d" : "p")"
        self.isDedicated = isDedicated
        stateSince = now
        allocated = now
    }

    var isUsable: Bool { (state == .idle || state == .running) && isScheduling }

    mutating func change(_ new: State, _ now: Moment) {
        guard state != new else { return }
        state = new
        stateSince = now
    }

    func shown(_ pool: BatchPool, _ base: String) -> JSONText {
        .members([
            "id": .string(id), "url": .string("\(base)/pools/\(pool.id)/nodes/\(id)"), "state": .string(state.rawValue),
            "schedulingState": isScheduling ? "enabled" : "disabled", "stateTransitionTime": .string(stateSince.iso),
            "lastBootTime": booted.map { .string($0.iso) }, "allocationTime": .string(allocated.iso),
            "ipAddress": "127.0.0.1", "affinityId": .string("TVM:\(id)"), "vmSize": pool.body["vmSize"],
            "totalTasksRun": .number(tasksRun), "runningTasksCount": .number(tasksRunning),
            "runningTaskSlotsCount": .number(slotsTaken), "totalTasksSucceeded": .number(tasksSucceeded),
            "startTask": pool.body["startTask"], "startTaskInfo": startTask, "isDedicated": .bool(isDedicated),
            "nodeAgentInfo": ["version": "1.0.0", "lastUpdateTime": .string(allocated.iso)],
        ])
    }
}
