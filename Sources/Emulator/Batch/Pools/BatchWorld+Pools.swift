import Autoscale
import Support

extension BatchWorld {
    /// The most nodes that a pool gets here, as if the account had cores for so many.
    static let mostNodes = 200

    /// Moves nodes on, takes samples, and lets formulas decide.
    func movePools(_ now: Moment) {
        for key in Array(pools.keys) {
            guard let pool = pools[key] else { continue }
            if pool.isDeleting {
                moveDeleting(key, now)
                continue
            }
            sample(key, now)
            if pool.scalesItself { scale(key, now) }
            resize(key, now)
            moveNodes(key, now)
        }
    }

    // MARK: Nodes

    private func moveNodes(_ key: String, _ now: Moment) {
        guard let pool = pools[key] else { return }
        let delay = Int64(switches.now.node) * 1000
        for index in pool.nodes.indices {
            let node = pool.nodes[index]
            let isDue = now.microseconds - node.stateSince.microseconds >= delay
            switch node.state {
            case .creating where isDue, .rebooting where isDue && node.tasksRunning == 0:
                pools[key]?.nodes[index].change(.starting, now)
            case .starting where house.host != nil:
                pools[key]?.nodes[index].booted = now
                if pool.body["startTask"]?.members != nil {
                    pools[key]?.nodes[index].change(.waitingforstarttask, now)
                    runStartTask(key, node.id, retries: 0)
                } else {
                    pools[key]?.nodes[index].change(.idle, now)
                    isStale = true
                }
            default: break
            }
        }
        // Nodes that leave go when nothing runs there.
        let gone = pool.nodes.filter { $0.state == .leavingpool && $0.tasksRunning == 0 }
        for node in gone {
            pools[key]?.nodes.removeAll { $0.id == node.id }
            BatchFiles.remove("\(folder)/\(key.prefix { $0 != "/" })/nodes/\(node.id)")
        }
    }

    private func runStartTask(_ key: String, _ nodeID: String, retries: Int) {
        guard let pool = pools[key], let node = pool.nodes.first(where: { $0.id == nodeID }),
            let body = pool.body["startTask"]
        else { return }
        let account = String(key.prefix { $0 != "/" })
        let root = "\(folder)/\(account)/nodes/\(nodeID)"
        var program = BatchProgram(body: body, folder: "\(root)/startup", nodeFolder: root)
        program.environment = environment(account, pool, node)
        program.add(body["environmentSettings"])
        let run = BatchRun(program, in: house, grace: switches.now.grace)
        let started = Moment.now
        let info: JSONText = [
            "state": "running", "startTime": .string(started.iso), "retryCount": .number(retries),
        ]
        setStartTask(key, nodeID, info)
        if body["waitForSuccess"]?.flag == false { setState(key, nodeID, .idle) }
        Task {
            let outcome = await run.perform {}
            self.startTaskEnded(key, nodeID, outcome, started: started, retries: retries)
        }
    }

    private func startTaskEnded(
        _ key: String, _ nodeID: String, _ outcome: BatchOutcome, started: Moment, retries: Int
    ) {
        guard let body = pools[key]?.body["startTask"] else { return }
        if outcome.failure != nil, retries < (body["maxTaskRetryCount"]?.integer ?? 0) {
            runStartTask(key, nodeID, retries: retries + 1)
            return
        }
        setStartTask(
            key, nodeID,
            .members([
                "state": "completed", "startTime": .string(started.iso), "endTime": .string(Moment.now.iso),
                "exitCode": outcome.exitCode.map { .number($0) }, "retryCount": .number(retries),
                "result": outcome.failure == nil ? "success" : "failure", "failureInfo": outcome.failure?.json,
            ]))
        guard body["waitForSuccess"]?.flag != false else { return }
        setState(key, nodeID, outcome.failure == nil ? .idle : .starttaskfailed)
    }

    private func setStartTask(_ key: String, _ node: String, _ info: JSONText) {
        guard let index = pools[key]?.nodes.firstIndex(where: { $0.id == node }) else { return }
        pools[key]?.nodes[index].startTask = info
    }

    private func setState(_ key: String, _ node: String, _ state: BatchNode.State) {
        guard let index = pools[key]?.nodes.firstIndex(where: { $0.id == node }),
            pools[key]?.nodes[index].state == .waitingforstarttask
        else { return }
        pools[key]?.nodes[index].change(state, .now)
        isStale = true
    }

    // MARK: Size

    /// Makes nodes, or lets them go, until there are as many as there should be.
    private func resize(_ key: String, _ now: Moment) {
        guard let pool = pools[key] else { return }
        if pool.allocation == .stopping { change(pool: key) { $0.change(.steady, now) } }
        let wanted = [
            (true, min(pool.targetDedicated, Self.mostNodes)), (false, min(pool.targetLowPriority, Self.mostNodes)),
        ]
        var isChanging = false
        for (isDedicated, target) in wanted {
            let all = pool.nodes.filter { $0.isDedicated == isDedicated }
            let staying = all.filter { $0.state != .leavingpool }
            isChanging = isChanging || all.count != target
            if staying.count < target {
                for _ in staying.count..<target {
                    pools[key]?.nodes.append(BatchNode(isDedicated: isDedicated, now: now))
                }
            } else if staying.count > target {
                let going = staying.sorted { ($0.tasksRunning, $0.allocated) < ($1.tasksRunning, $1.allocated) }
                    .prefix(staying.count - target)
                remove(nodes: going.map(\.id), from: key, pool.deallocation, now)
            }
        }
        if pool.allocation == .steady, isChanging { change(pool: key) { $0.change(.resizing, now) } }
        guard let after = pools[key] else { return }
        let isThere =
            after.currentDedicated == wanted[0].1 && after.currentLowPriority == wanted[1].1
            && after.nodes.allSatisfy { $0.state != .leavingpool && $0.state != .creating }
        if after.allocation == .resizing, isThere {
            let isShort = pool.targetDedicated > Self.mostNodes || pool.targetLowPriority > Self.mostNodes
            change(pool: key) { pool in
                pool.change(.steady, now)
                pool.resizeError =
                    isShort
                    ? BatchFailure(
                        code: "AccountCoreQuotaReached",
                        message:
                            "The specified account has reached core quota: the emulator has \(Self.mostNodes) nodes.")
                    : nil
            }
        }
    }

    /// Lets nodes go, with their tasks as `how` says.
    func remove(nodes ids: [String], from key: String, _ how: AutoscaleResult.Deallocation, _ now: Moment) {
        for id in ids {
            guard let index = pools[key]?.nodes.firstIndex(where: { $0.id == id }) else { continue }
            pools[key]?.nodes[index].change(.leavingpool, now)
            guard how == .requeue || how == .terminate else { continue }
            for (task, run) in runs where jobs[task.job]?.tasks[task.task]?.node == id {
                run.stop(how == .requeue ? .requeue : .end)
            }
        }
    }

    private func moveDeleting(_ key: String, _ now: Moment) {
        guard let pool = pools[key] else { return }
        remove(nodes: pool.nodes.filter { $0.state != .leavingpool }.map(\.id), from: key, .requeue, now)
        moveNodes(key, now)
        let delay = Int64(switches.now.transition) * 1000
        if pools[key]?.nodes.isEmpty == true, now.microseconds - pool.stateSince.microseconds >= delay {
            pools[key] = nil
            note(pool: key)
        }
    }

    // MARK: Formulas

    private func sample(_ key: String, _ now: Moment) {
        guard let pool = pools[key] else { return }
        let period = Int64(switches.now.sample) * 1000
        if let last = pool.lastSample, now.microseconds - last.microseconds < period { return }
        pools[key]?.lastSample = now
        for (name, value) in measured(key) { pools[key]?.history.add(name, value, at: now) }
    }

    private func measured(_ key: String) -> [(String, Double)] {
        guard let pool = pools[key] else { return [] }
        let account = key.prefix { $0 != "/" }
        var (active, running) = (0, 0)
        for (name, job) in jobs where job.state == .active || job.state == .disabling {
            guard name.prefix(while: { $0 != "/" }) == account, job.poolID.lowercased() == pool.key else { continue }
            for task in job.tasks.values {
                switch task.state {
                case .active: if job.state == .active, task.isReady(among: job.tasks) { active += 1 }
                case .preparing, .running: running += 1
                case .completed: break
                }
            }
        }
        let slots = pool.nodes.count * pool.slotsPerNode
        let usable = pool.nodes.count { $0.state == .idle || $0.state == .running }
        return [
            ("$ActiveTasks", active), ("$RunningTasks", running), ("$PendingTasks", active + running),
            ("$SucceededTasks", pool.succeeded), ("$FailedTasks", pool.failed),
            ("$CurrentDedicatedNodes", pool.currentDedicated), ("$CurrentLowPriorityNodes", pool.currentLowPriority),
            ("$PreemptedNodeCount", 0), ("$SampleNodeCount", pool.nodes.count), ("$UsableNodeCount", usable),
            ("$TargetDedicatedNodes", pool.targetDedicated), ("$TargetLowPriorityNodes", pool.targetLowPriority),
            // Nobody measures a slot: what runs is taken to be busy.
            ("$CPUPercent", slots == 0 ? 0 : min(100, running * 100 / slots)),
        ].map { ($0.0, Double($0.1)) }
    }

    private func scale(_ key: String, _ now: Moment) {
        guard let pool = pools[key] else { return }
        let own = switches.now.autoscale
        let interval =
            own > 0
            ? Double(own) / 1000
            : pool.body["autoScaleEvaluationInterval"]?.text.flatMap(BatchText.seconds) ?? 900
        if let last = pool.evaluated, Double(now.microseconds - last.microseconds) / 1_000_000 < interval { return }
        let (result, run) = evaluate(pool.formula, pool, now)
        change(pool: key) { pool in
            pool.evaluated = now
            pool.evaluation = run
            guard let result else { return }
            pool.deallocation = result.deallocation
            if pool.targetDedicated != result.targetDedicated || pool.targetLowPriority != result.targetLowPriority {
                pool.targetDedicated = max(0, result.targetDedicated)
                pool.targetLowPriority = max(0, result.targetLowPriority)
                pool.modified = now
            }
        }
    }

    /// What a formula says about a pool, and how Batch tells of it.
    func evaluate(_ formula: String, _ pool: BatchPool, _ now: Moment) -> (AutoscaleResult?, JSONText) {
        do throws(SluiceError) {
            let result = try AutoscaleFormula(formula).evaluate(
                AutoscaleConditions(
                    now: now, history: pool.history, targetDedicated: pool.targetDedicated,
                    targetLowPriority: pool.targetLowPriority, currentDedicated: pool.currentDedicated,
                    currentLowPriority: pool.currentLowPriority, seed: UInt64(clamping: now.microseconds)))
            return (result, ["timestamp": .string(now.iso), "results": .string(result.text)])
        } catch {
            let message = error.description + (error.hint.map { "; \($0)" } ?? "")
            return (
                nil,
                [
                    "timestamp": .string(now.iso),
                    "error": [
                        "code": "AutoScalingFormulaEvaluationError",
                        "message": "An error occurred during the evaluation of the autoscale formula.",
                        "values": [["name": "Message", "value": .string(message)]],
                    ],
                ]
            )
        }
    }
}
