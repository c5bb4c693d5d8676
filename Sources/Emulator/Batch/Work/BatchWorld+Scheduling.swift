import Support

extension BatchWorld {
    /// Gives tasks that are ready to slots that are free: jobs of high priority first, tasks in their order.
    func schedule(_ now: Moment) {
        let open = jobs.filter { $0.value.state == .active && !$0.value.waiting.isEmpty }
            .sorted { ($1.value.priority, $0.value.sequence) < ($0.value.priority, $1.value.sequence) }.map(\.key)
        for job in open {
            guard let account = job.split(separator: "/").first, let found = jobs[job] else { continue }
            let pool = "\(account)/\(found.poolID.lowercased())"
            guard pools[pool]?.nodes.contains(where: { $0.isUsable }) == true else { continue }
            let most = found.body["maxParallelTasks"]?.integer ?? -1
            var running = most < 0 ? 0 : found.tasks.values.count { $0.state == .running || $0.state == .preparing }
            for task in found.waiting {
                if most >= 0, running >= most { break }
                guard let value = jobs[job]?.tasks[task], value.isReady(among: found.tasks) else { continue }
                guard let node = freeNode(pool, slots: value.slots) else {
                    if value.slots == 1 { break }
                    continue
                }
                start(BatchTaskKey(job: job, task: task), pool, node, now)
                running += 1
            }
        }
    }

    /// The index of a node with so many free slots.
    private func freeNode(_ key: String, slots: Int) -> Int? {
        guard let pool = pools[key], !pool.isDeleting else { return nil }
        let packs = pool.body["taskSchedulingPolicy"]?["nodeFillType"]?.text?.lowercased() == "pack"
        let free = pool.nodes.indices.filter {
            pool.nodes[$0].isUsable && pool.nodes[$0].slotsTaken + slots <= pool.slotsPerNode
        }
        return packs
            ? free.max { pool.nodes[$0].slotsTaken < pool.nodes[$1].slotsTaken }
            : free.min { pool.nodes[$0].slotsTaken < pool.nodes[$1].slotsTaken }
    }

    private func start(_ key: BatchTaskKey, _ pool: String, _ node: Int, _ now: Moment) {
        guard let found = pools[pool], let job = jobs[key.job], let task = job.tasks[key.task] else { return }
        let nodeID = found.nodes[node].id
        pools[pool]?.nodes[node].slotsTaken += task.slots
        pools[pool]?.nodes[node].tasksRunning += 1
        pools[pool]?.nodes[node].change(.running, now)
        jobs[key.job]?.waiting.removeAll { $0 == key.task }
        change(key) { task in
            task.change(.preparing, now)
            task.pool = found.id
            task.node = nodeID
            task.started = nil
            task.ended = nil
            task.exitCode = nil
            task.failure = nil
        }
        let account = String(key.job.prefix { $0 != "/" })
        var program = BatchProgram(
            body: task.body, folder: taskFolder(key), nodeFolder: "\(folder)/\(account)/nodes/\(nodeID)")
        program.environment = environment(account, found, found.nodes[node])
        program.environment["AZ_BATCH_JOB_ID"] = job.id
        program.environment["AZ_BATCH_TASK_ID"] = task.id
        program.add(job.body["commonEnvironmentSettings"])
        program.add(task.body["environmentSettings"])
        program.wallClock = task.wallClock
        let run = BatchRun(program, in: house, grace: switches.now.grace)
        runs[key] = run
        Task {
            let outcome = await run.perform { await self.began(key, run) }
            await self.finished(key, run, outcome)
        }
    }

    /// What every program on a node is told.
    func environment(_ account: String, _ pool: BatchPool, _ node: BatchNode) -> [String: String] {
        let root = "\(folder)/\(account)/nodes/\(node.id)"
        var all = [
            "AZ_BATCH_ACCOUNT_NAME": account, "AZ_BATCH_POOL_ID": pool.id, "AZ_BATCH_NODE_ID": node.id,
            "AZ_BATCH_NODE_ROOT_DIR": root, "AZ_BATCH_NODE_SHARED_DIR": "\(root)/shared",
            "AZ_BATCH_NODE_STARTUP_DIR": "\(root)/startup",
            "AZ_BATCH_NODE_IS_DEDICATED": node.isDedicated ? "true" : "false",
        ]
        if let host = house.host {
            all["AZ_BATCH_ACCOUNT_URL"] = "\(host.endpoint)/"
            // A node's network ends here, and so does the identity that its pool has.
            all["SLUICE_AZURE_EMULATOR"] = host.endpoint
            if pool.hasIdentity {
                all["IDENTITY_ENDPOINT"] = "\(host.endpoint)/msi/token"
                all["IDENTITY_HEADER"] = house.identities.header
                all["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = host.endpoint
            }
        }
        return all
    }

    private func began(_ key: BatchTaskKey, _ run: BatchRun) async {
        guard runs[key] === run else { return }
        let now = Moment.now
        change(key) { task in
            task.change(.running, now)
            task.started = now
        }
        await save()
    }

    private func finished(_ key: BatchTaskKey, _ run: BatchRun, _ outcome: BatchOutcome) async {
        guard runs[key] === run else { return }
        runs[key] = nil
        let now = Moment.now
        guard !outcome.isAbandoned, let job = jobs[key.job], let task = job.tasks[key.task] else {
            free(key, run, isSuccess: false, now)
            return
        }
        free(key, run, isSuccess: outcome.failure == nil, now)
        if outcome.wish == .requeue {
            again(key, now) { task in
                task.requeues += 1
                task.lastRequeue = now
            }
        } else {
            let limit = task.retryLimit(job)
            let mayRetry = outcome.wish == nil && outcome.kind != .tookTooLong && job.state == .active
            if outcome.failure != nil, mayRetry, limit < 0 || task.retries < limit {
                again(key, now) { task in
                    task.retries += 1
                    task.lastRetry = now
                }
            } else {
                complete(key, outcome, now)
            }
        }
        await save()
    }

    /// A task waits once more, before those that came after it.
    private func again(_ key: BatchTaskKey, _ now: Moment, _ body: (inout BatchTask) -> Void) {
        change(key) { task in
            body(&task)
            task.change(.active, now)
            task.node = nil
        }
        jobs[key.job]?.waiting.insert(key.task, at: 0)
    }

    func complete(_ key: BatchTaskKey, _ outcome: BatchOutcome, _ now: Moment) {
        guard let job = jobs[key.job], let found = job.tasks[key.task] else { return }
        let options = BatchExitOptions(found, job, outcome)
        change(key) { task in
            if task.started == nil { task.started = now }
            task.ended = now
            task.exitCode = outcome.exitCode
            task.failure = outcome.failure
            task.satisfies = options.satisfies
            task.change(.completed, now)
        }
        jobs[key.job]?.quietSince = now
        switch options.action {
        case .none: break
        case .disable: disable(key.job, "requeue", now)
        case .terminate: terminate(job: key.job, reason: "TaskFailed", now)
        }
    }

    /// The slots of a task are free again.
    private func free(_ key: BatchTaskKey, _ run: BatchRun, isSuccess: Bool, _ now: Moment) {
        isStale = true
        guard let account = key.job.split(separator: "/").first else { return }
        let nodeID = run.program.environment["AZ_BATCH_NODE_ID"]
        let pool = "\(account)/\((run.program.environment["AZ_BATCH_POOL_ID"] ?? "").lowercased())"
        guard let index = pools[pool]?.nodes.firstIndex(where: { $0.id == nodeID }) else { return }
        let slots = max(1, run.program.body["requiredSlots"]?.integer ?? 1)
        pools[pool]?.nodes[index].slotsTaken -= slots
        pools[pool]?.nodes[index].tasksRunning -= 1
        pools[pool]?.nodes[index].tasksRun += 1
        if isSuccess {
            pools[pool]?.nodes[index].tasksSucceeded += 1
            pools[pool]?.succeeded += 1
        } else {
            pools[pool]?.failed += 1
        }
        if pools[pool]?.nodes[index].tasksRunning == 0, pools[pool]?.nodes[index].state == .running {
            pools[pool]?.nodes[index].change(.idle, now)
        }
    }
}

/// What follows from how a task ended.
struct BatchExitOptions {
    enum Action { case none, disable, terminate }
    var action = Action.none
    var satisfies = false

    init(_ task: BatchTask, _ job: BatchJob, _ outcome: BatchOutcome) {
        let conditions = task.body["exitConditions"]
        var found: JSONText?
        switch outcome.kind {
        case .preparing: found = conditions?["preProcessingError"]
        case .uploading: found = conditions?["fileUploadError"]
        default:
            let code = outcome.exitCode ?? -1
            found = conditions?["exitCodes"]?.items?.first { $0["code"]?.integer == code }?["exitOptions"]
            found =
                found
                ?? conditions?["exitCodeRanges"]?.items?.first {
                    ($0["start"]?.integer ?? .max) <= code && code <= ($0["end"]?.integer ?? .min)
                }?["exitOptions"]
        }
        if found == nil, outcome.failure != nil { found = conditions?["default"] }
        satisfies = found?["dependencyAction"]?.text?.lowercased() == "satisfy"
        guard job.body["onTaskFailure"]?.text?.lowercased() == "performexitoptionsjobaction" else { return }
        switch found?["jobAction"]?.text?.lowercased() {
        case "none": action = .none
        case "disable": action = .disable
        case "terminate": action = .terminate
        // A failure that nothing is said about ends the job.
        default: action = outcome.failure == nil ? .none : .terminate
        }
    }
}
