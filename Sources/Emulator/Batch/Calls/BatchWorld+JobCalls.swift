import HTTPServer
import Support

extension BatchWorld {
    func jobAnswer(_ call: BatchCall) throws(BatchFault) -> ServerResponse {
        let parts = call.parts
        if parts.count == 1 {
            switch call.method {
            case "POST": return try addJob(call)
            case "GET":
                let own = jobs.filter { $0.key.hasPrefix("\(call.account)/") }.values
                return try call.list(own.map { (sequence: $0.sequence, json: $0.shown(call.base)) }, "jobs")
            default: throw notPlayed(call)
            }
        }
        let key = "\(call.account)/\(parts[1].lowercased())"
        guard let job = jobs[key] else { throw .jobNotFound }
        if parts.count >= 3, parts[2] == "tasks" || parts[2] == "addtaskcollection" {
            return try taskAnswer(call, key, job)
        }
        try call.checkUnchanged(job.modified)
        let action = parts.count == 3 ? parts[2] : parts.count == 2 ? "" : "?"
        let isForced = call.request.server[query: "force"]?.lowercased() == "true"
        switch (call.method, action) {
        case ("GET", ""): return call.answer(job.shown(call.base), "jobs", modified: job.modified)
        case ("GET", "taskcounts"): return call.answer(counts(job), "taskcounts")
        case ("DELETE", ""):
            if job.state == .deleting {
                throw BatchFault(409, "JobBeingDeleted", "The specified job is being deleted.")
            }
            delete(job: key, call.now)
            return call.done(202)
        default: break
        }
        if job.state == .deleting { throw BatchFault(409, "JobBeingDeleted", "The specified job is being deleted.") }
        if !isForced, job.state == .terminating {
            throw BatchFault(409, "JobBeingTerminated", "The specified job is being terminated.")
        }
        if job.state == .completed {
            throw BatchFault(409, "JobCompleted", "The specified job is already in a completed state.")
        }
        switch (call.method, action) {
        case ("PATCH", ""), ("PUT", ""):
            try update(key, try call.needed(), isWhole: call.method == "PUT", call.now)
            return call.done(200, call.now)
        case ("POST", "terminate"):
            terminate(job: key, reason: call.body?["terminateReason"]?.text ?? "UserTerminate", call.now)
            return call.done(202, call.now)
        case ("POST", "disable"):
            let how = try call.needed()["disableTasks"]?.text?.lowercased() ?? ""
            guard ["requeue", "terminate", "wait"].contains(how) else {
                throw .invalid("disableTasks", how, "requeue, terminate or wait")
            }
            if job.state == .disabled || job.state == .disabling {
                throw BatchFault(409, "JobDisabled", "The specified job is already disabled.")
            }
            disable(key, how, call.now)
            return call.done(202, call.now)
        case ("POST", "enable"):
            if job.state == .disabled || job.state == .disabling {
                change(job: key) { $0.change(.enabling, call.now) }
            }
            return call.done(202, call.now)
        default: throw notPlayed(call)
        }
    }

    private func addJob(_ call: BatchCall) throws(BatchFault) -> ServerResponse {
        let body = try call.needed()
        let id = try call.id(body)
        let key = "\(call.account)/\(id.lowercased())"
        if let other = jobs[key] {
            throw other.state == .deleting
                ? BatchFault(409, "JobBeingDeleted", "The specified job is being deleted.")
                : BatchFault(409, "JobExists", "The specified job already exists.")
        }
        guard let pool = body["poolInfo"] else { throw .missing("poolInfo") }
        if pool["autoPoolSpecification"] != nil { throw .notPlayed("autoPoolSpecification") }
        guard pool["poolId"]?.text?.isEmpty == false else { throw .missing("poolInfo.poolId") }
        for name in ["jobManagerTask", "jobPreparationTask", "jobReleaseTask"] where body[name] != nil {
            throw .notPlayed(name)
        }
        try check(body)
        let job = BatchJob(id, body, sequence: nextSequence(), now: call.now)
        jobs[key] = job
        note(job: key)
        return call.done(201, job.modified, url: "\(call.base)/jobs/\(id)")
    }

    private func check(_ body: JSONText) throws(BatchFault) {
        if let priority = body["priority"]?.integer, !(-1000...1000).contains(priority) {
            throw .invalid("priority", String(priority), "It is -1000 to 1000.")
        }
        if let text = body["onAllTasksComplete"]?.text, !["noaction", "terminatejob"].contains(text.lowercased()) {
            throw .invalid("onAllTasksComplete", text, "noaction or terminatejob")
        }
        if let text = body["onTaskFailure"]?.text,
            !["noaction", "performexitoptionsjobaction"].contains(text.lowercased())
        {
            throw .invalid("onTaskFailure", text, "noaction or performexitoptionsjobaction")
        }
        try check(constraints: body["constraints"])
    }

    func check(constraints: JSONText?) throws(BatchFault) {
        for name in ["maxWallClockTime", "retentionTime"] {
            guard let text = constraints?[name]?.text else { continue }
            guard BatchText.seconds(text) != nil else {
                throw .invalid("constraints.\(name)", text, "It is no ISO 8601 duration.")
            }
        }
        if let count = constraints?["maxTaskRetryCount"]?.integer, count < -1 {
            throw .invalid("constraints.maxTaskRetryCount", String(count), "It is -1 or more.")
        }
    }

    private func update(_ key: String, _ body: JSONText, isWhole: Bool, _ now: Moment) throws(BatchFault) {
        try check(body)
        if isWhole, body["poolInfo"]?["poolId"] == nil { throw .missing("poolInfo") }
        let names: Set<String> = [
            "priority", "maxParallelTasks", "allowTaskPreemption", "onAllTasksComplete", "constraints", "poolInfo",
            "metadata", "networkConfiguration",
        ]
        change(job: key) { job in
            let kept = isWhole ? (job.body.members ?? []).filter { !names.contains($0.key) } : job.body.members ?? []
            job.body = JSONText.object(kept).replacing(.object((body.members ?? []).filter { names.contains($0.key) }))
            job.modified = now
        }
    }

    private func counts(_ job: BatchJob) -> JSONText {
        func count(_ amount: (BatchTask) -> Int) -> JSONText {
            var (active, running, succeeded, failed) = (0, 0, 0, 0)
            for task in job.tasks.values {
                switch task.state {
                case .active: active += amount(task)
                case .preparing, .running: running += amount(task)
                case .completed: if task.failure == nil { succeeded += amount(task) } else { failed += amount(task) }
                }
            }
            return [
                "active": .number(active), "running": .number(running), "completed": .number(succeeded + failed),
                "succeeded": .number(succeeded), "failed": .number(failed),
            ]
        }
        return ["taskCounts": count { _ in 1 }, "taskSlotCounts": count { $0.slots }]
    }
}
