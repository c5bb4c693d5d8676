import HTTPServer
import Support

extension BatchWorld {
    func taskAnswer(_ call: BatchCall, _ key: String, _ job: BatchJob) throws(BatchFault) -> ServerResponse {
        let parts = call.parts
        switch (call.method, parts.count) {
        case ("POST", 3) where parts[2] == "addtaskcollection": return try addTasks(call, key)
        case ("POST", 3):
            let task = try addTask(try call.needed(), call, key)
            return call.done(201, task.modified, url: "\(call.base)/jobs/\(job.id)/tasks/\(task.id)")
        case ("GET", 3) where parts[2] == "tasks":
            let items = job.tasks.values.map { (sequence: $0.sequence, json: $0.shown(job, call.base)) }
            return try call.list(items, "tasks")
        default: break
        }
        guard parts.count > 3, parts[2] == "tasks" else { throw notPlayed(call) }
        let taskKey = BatchTaskKey(job: key, task: parts[3].lowercased())
        guard let task = job.tasks[taskKey.task] else { throw .taskNotFound }
        if parts.count > 4, parts[4] == "files" {
            guard task.node != nil || task.state == .completed, BatchFiles.facts(taskFolder(taskKey)) != nil else {
                throw BatchFault(
                    409, "TaskFilesUnavailable",
                    "One of the files of the task cannot be read: the task has not begun, or its node is gone.")
            }
            return try fileAnswer(
                call, root: taskFolder(taskKey), parts.dropFirst(5).joined(separator: "/"),
                "\(call.base)/jobs/\(job.id)/tasks/\(task.id)/files")
        }
        try call.checkUnchanged(task.modified)
        switch (call.method, parts.count == 5 ? parts[4] : parts.count == 4 ? "" : "?") {
        case ("GET", ""): return call.answer(task.shown(job, call.base), "tasks", modified: task.modified)
        case ("PUT", ""):
            let constraints = try call.needed()["constraints"]
            try check(constraints: constraints)
            if task.state == .completed { throw Self.completed }
            change(taskKey) { task in
                let kept = (task.body.members ?? []).filter { $0.key != "constraints" }
                task.body = .object(kept + (constraints.map { [("constraints", $0)] } ?? []))
            }
            return call.done(200, jobs[key]?.tasks[taskKey.task]?.modified)
        case ("DELETE", ""):
            runs[taskKey]?.stop(.end)
            let folder = taskFolder(taskKey)
            forget(taskKey)
            if runs[taskKey] == nil { BatchFiles.remove(folder) }
            return call.done(200)
        case ("POST", "terminate"):
            if task.state == .completed { throw Self.completed }
            if let run = runs[taskKey] {
                run.stop(.end)
            } else {
                jobs[key]?.waiting.removeAll { $0 == taskKey.task }
                complete(taskKey, BatchOutcome(failure: .ended, wish: .end), call.now)
            }
            return call.done(204, call.now)
        case ("POST", "reactivate"):
            guard task.state == .completed, task.failure != nil, job.isOpen else {
                throw BatchFault(
                    409, "TaskNotCompletedOrSucceeded",
                    "The operation is not valid: the task has not failed, or its job has ended.")
            }
            change(taskKey) { task in
                task.change(.active, call.now)
                task.retries = 0
                task.exitCode = nil
                task.failure = nil
                task.ended = nil
                task.node = nil
            }
            jobs[key]?.waiting.append(taskKey.task)
            return call.done(204, call.now)
        default: throw notPlayed(call)
        }
    }

    private static let completed = BatchFault(
        409, "TaskCompleted", "The specified task is already in a completed state.")

    private func addTasks(_ call: BatchCall, _ key: String) throws(BatchFault) -> ServerResponse {
        guard let items = try call.needed()["value"]?.items else { throw .missing("value") }
        guard !items.isEmpty, items.count <= 100 else {
            throw BatchFault(
                400, "InvalidRequestBody", "The specified Request Body is not syntactically valid.",
                ["Reason": "A collection has 1 to 100 tasks, and this one has \(items.count)."])
        }
        if let closed = closed(key) { throw closed }
        var results: [JSONText] = []
        for item in items {
            do throws(BatchFault) {
                let task = try addTask(item, call, key)
                results.append([
                    "status": "success", "taskId": .string(task.id), "eTag": .string(BatchText.tag(task.modified)),
                    "lastModified": .string(task.modified.iso),
                    "location": .string("\(call.base)/jobs/\(call.parts[1])/tasks/\(task.id)"),
                ])
            } catch {
                results.append([
                    "status": .string(error.status < 500 ? "clienterror" : "servererror"),
                    "taskId": item["id"] ?? "", "error": error.json(call.request),
                ])
            }
        }
        return call.answer(["value": .array(results)], "taskaddresult")
    }

    /// Why a job takes no tasks; nil when it does.
    private func closed(_ key: String) -> BatchFault? {
        switch jobs[key]?.state {
        case .completed: BatchFault(409, "JobCompleted", "The specified job is already in a completed state.")
        case .terminating: BatchFault(409, "JobBeingTerminated", "The specified job is being terminated.")
        case .deleting: BatchFault(409, "JobBeingDeleted", "The specified job is being deleted.")
        case nil: .jobNotFound
        default: nil
        }
    }

    private func addTask(_ body: JSONText, _ call: BatchCall, _ key: String) throws(BatchFault) -> BatchTask {
        let id = try call.id(body)
        if let closed = closed(key) { throw closed }
        guard let job = jobs[key] else { throw .jobNotFound }
        if job.tasks[id.lowercased()] != nil {
            throw BatchFault(409, "TaskExists", "The specified task already exists.")
        }
        guard let line = body["commandLine"]?.text else { throw .missing("commandLine") }
        if line.isEmpty, body["containerSettings"] == nil {
            throw .invalid("commandLine", line, "Only a task in a container may have none.")
        }
        if let container = body["containerSettings"], container["imageName"]?.text?.isEmpty != false {
            throw .missing("containerSettings.imageName")
        }
        for name in ["multiInstanceSettings", "applicationPackageReferences", "authenticationTokenSettings"]
        where body[name] != nil && body[name]?.items?.isEmpty != true { throw .notPlayed(name) }
        try check(constraints: body["constraints"])
        if body["dependsOn"] != nil, job.body["usesTaskDependencies"]?.flag != true {
            throw BatchFault(
                409, "TaskDependenciesNotSpecifiedOnJob",
                "The specified task has dependencies, and the job does not set usesTaskDependencies.")
        }
        let most = pools["\(call.account)/\(job.poolID.lowercased())"]?.slotsPerNode
        if let slots = body["requiredSlots"]?.integer, slots < 1 || slots > most ?? 256 {
            throw .invalid("requiredSlots", String(slots), "It is 1 to the slots of a node.")
        }
        let task = BatchTask(id, body, sequence: nextSequence(), now: call.now)
        let taskKey = BatchTaskKey(job: key, task: task.key)
        jobs[key]?.tasks[task.key] = task
        jobs[key]?.waiting.append(task.key)
        jobs[key]?.quietSince = call.now
        change(taskKey) { _ in }
        return jobs[key]?.tasks[task.key] ?? task
    }
}
