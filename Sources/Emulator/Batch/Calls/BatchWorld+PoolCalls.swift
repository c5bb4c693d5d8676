import Autoscale
import HTTPServer
import Support

extension BatchWorld {
    func poolAnswer(_ call: BatchCall) throws(BatchFault) -> ServerResponse {
        let parts = call.parts
        if parts.count == 1 {
            switch call.method {
            case "POST": return try addPool(call)
            case "GET":
                let own = pools.filter { $0.key.hasPrefix("\(call.account)/") }.values
                return try call.list(own.map { (sequence: $0.sequence, json: $0.shown(call.base)) }, "pools")
            default: throw notPlayed(call)
            }
        }
        let key = "\(call.account)/\(parts[1].lowercased())"
        guard let pool = pools[key] else { throw .poolNotFound }
        if parts.count >= 3, parts[2] == "nodes" { return try nodeAnswer(call, key, pool) }
        try call.checkUnchanged(pool.modified)
        switch (call.method, parts.count == 3 ? parts[2] : "") {
        case ("GET", "") where parts.count == 2:
            return call.answer(pool.shown(call.base), "pools", modified: pool.modified)
        case ("HEAD", "") where parts.count == 2: return call.done(200, pool.modified)
        case ("DELETE", "") where parts.count == 2:
            if pool.isDeleting { throw .poolBeingDeleted }
            delete(pool: key, call.now)
            return call.done(202)
        default: break
        }
        if pool.isDeleting { throw .poolBeingDeleted }
        switch (call.method, parts.count == 3 ? parts[2] : "") {
        case ("PATCH", "") where parts.count == 2:
            try update(pool: key, try call.needed(), call.now)
            return call.done(200, call.now)
        case ("POST", "updateproperties"):
            let body = try call.needed()
            for name in ["metadata", "applicationPackageReferences"] where body[name] == nil { throw .missing(name) }
            try update(pool: key, body, call.now)
            return call.done(204, call.now)
        case ("POST", "enableautoscale"):
            try enableAutoscale(key, call.body ?? [:], call.now)
            return call.done(200, call.now)
        case ("POST", "disableautoscale"):
            change(pool: key) { pool in
                pool.body = pool.body.replacing(["enableAutoScale": false])
                pool.modified = call.now
            }
            return call.done(200, call.now)
        case ("POST", "evaluateautoscale"):
            guard pool.scalesItself else {
                throw BatchFault(
                    409, "AutoScalingNotEnabled",
                    "The operation is not valid as autoscaling is not enabled for the pool.")
            }
            guard let formula = try call.needed()["autoScaleFormula"]?.text else { throw .missing("autoScaleFormula") }
            return call.answer(evaluate(formula, pool, call.now).1, "autoscalerun", modified: pool.modified)
        case ("POST", "resize"):
            try resize(key, try call.needed(), call.now)
            return call.done(202, call.now)
        case ("POST", "stopresize"):
            guard pool.allocation == .resizing else {
                throw BatchFault(
                    409, "PoolNotResizing", "The operation is not valid: no resize is in progress on the pool.")
            }
            stopResize(pool: key, call.now)
            return call.done(202, call.now)
        case ("POST", "removenodes"):
            try removeNodes(key, try call.needed(), call.now)
            return call.done(202, call.now)
        default: throw notPlayed(call)
        }
    }

    private func addPool(_ call: BatchCall) throws(BatchFault) -> ServerResponse {
        let body = try call.needed()
        let id = try call.id(body)
        let pool = try newPool(id, body, account: call.account, now: call.now)
        return call.done(201, pool.modified, url: "\(call.base)/pools/\(id)")
    }

    /// Makes a pool, whichever interface asks for it.
    func newPool(_ id: String, _ body: JSONText, account: String, now: Moment) throws(BatchFault) -> BatchPool {
        let key = "\(account)/\(id.lowercased())"
        if let other = pools[key] {
            throw other.isDeleting
                ? .poolBeingDeleted : BatchFault(409, "PoolExists", "The specified pool already exists.")
        }
        guard body["vmSize"]?.text?.isEmpty == false else { throw .missing("vmSize") }
        guard let machine = body["virtualMachineConfiguration"] else { throw .missing("virtualMachineConfiguration") }
        for name in ["imageReference", "nodeAgentSKUId"] where machine[name] == nil {
            throw .missing("virtualMachineConfiguration.\(name)")
        }
        if let start = body["startTask"], start["commandLine"]?.text == nil { throw .missing("startTask.commandLine") }
        let slots = body["taskSlotsPerNode"]?.integer ?? 1
        guard (1...256).contains(slots) else {
            throw .invalid("taskSlotsPerNode", String(slots), "It is 1 to 256, and at most 4 times the cores.")
        }
        for name in ["targetDedicatedNodes", "targetLowPriorityNodes"] {
            guard let value = body[name]?.integer else { continue }
            if value < 0 { throw .invalid(name, String(value), "It must not be negative.") }
            if body["enableAutoScale"]?.flag == true {
                throw .invalid(name, String(value), "It must not be specified when enableAutoScale is true.")
            }
        }
        if body["enableAutoScale"]?.flag == true {
            guard let formula = body["autoScaleFormula"]?.text else { throw .missing("autoScaleFormula") }
            try check(formula: formula)
            try check(interval: body["autoScaleEvaluationInterval"])
        } else if body["autoScaleFormula"] != nil {
            throw .invalid("autoScaleFormula", "", "It must not be specified when enableAutoScale is false.")
        }
        var pool = BatchPool(id, body, sequence: nextSequence(), now: now)
        pool.history = Self.history(switches.now)
        if pool.targetDedicated + pool.targetLowPriority > 0 { pool.change(.resizing, now) }
        pools[key] = pool
        note(pool: key)
        return pool
    }

    private func check(formula: String) throws(BatchFault) {
        do throws(SluiceError) { _ = try AutoscaleFormula(formula) } catch {
            throw BatchFault(
                400, error.code == .limitExceeded ? "AutoScaleFormulaTooLong" : "AutoScalingFormulaSyntaxError",
                "The specified autoscaling formula has a syntax error.",
                ["Message": error.description + (error.hint.map { "; \($0)" } ?? "")])
        }
    }

    private func check(interval: JSONText?) throws(BatchFault) {
        guard let text = interval?.text else { return }
        guard let seconds = BatchText.seconds(text), (300...604_800).contains(seconds) else {
            throw .invalid("autoScaleEvaluationInterval", text, "It is 5 minutes to 168 hours.")
        }
    }

    func delete(pool key: String, _ now: Moment) {
        change(pool: key) { pool in
            pool.isDeleting = true
            pool.stateSince = now
            pool.modified = now
        }
    }

    func update(pool key: String, _ body: JSONText, _ now: Moment) throws(BatchFault) {
        if let formula = body["autoScaleFormula"]?.text { try check(formula: formula) }
        try check(interval: body["autoScaleEvaluationInterval"])
        change(pool: key) { pool in
            pool.body = pool.body.replacing(body)
            pool.modified = now
        }
    }

    private func enableAutoscale(_ key: String, _ body: JSONText, _ now: Moment) throws(BatchFault) {
        guard let pool = pools[key] else { return }
        if !pool.scalesItself {
            guard body["autoScaleFormula"]?.text != nil else { throw .missing("autoScaleFormula") }
            if pool.allocation == .resizing { throw beingResized }
        }
        var changes: JSONText = ["enableAutoScale": true]
        for name in ["autoScaleFormula", "autoScaleEvaluationInterval"] {
            if let value = body[name] { changes = changes.replacing(.object([(name, value)])) }
        }
        try update(pool: key, changes, now)
        // A new formula is evaluated at once.
        change(pool: key) { $0.evaluated = nil }
    }

    /// Leaves a pool with the nodes that it has now; those that only waited for their tasks stay.
    func stopResize(pool key: String, _ now: Moment) {
        change(pool: key) { pool in
            for index in pool.nodes.indices where pool.nodes[index].state == .leavingpool {
                let waits = pool.deallocation == .taskcompletion || pool.deallocation == .retaineddata
                if waits, pool.nodes[index].tasksRunning > 0 { pool.nodes[index].change(.running, now) }
            }
            pool.targetDedicated = pool.nodes.count { $0.isDedicated && $0.state != .leavingpool }
            pool.targetLowPriority = pool.nodes.count { !$0.isDedicated && $0.state != .leavingpool }
            pool.change(.stopping, now)
        }
    }

    var beingResized: BatchFault {
        BatchFault(409, "PoolBeingResized", "The specified pool is being resized.")
    }

    private func resize(_ key: String, _ body: JSONText, _ now: Moment) throws(BatchFault) {
        guard let pool = pools[key] else { return }
        if pool.scalesItself {
            throw BatchFault(
                409, "AutoScalingEnabled", "The operation is not valid as autoscaling is enabled for the pool.")
        }
        if pool.allocation != .steady { throw beingResized }
        for name in ["targetDedicatedNodes", "targetLowPriorityNodes"] {
            if let value = body[name]?.integer, value < 0 {
                throw .invalid(name, String(value), "It must not be negative.")
            }
        }
        let how = try deallocation(body)
        change(pool: key) { pool in
            pool.targetDedicated = body["targetDedicatedNodes"]?.integer ?? pool.targetDedicated
            pool.targetLowPriority = body["targetLowPriorityNodes"]?.integer ?? pool.targetLowPriority
            pool.deallocation = how
            pool.change(.resizing, now)
        }
    }

    func deallocation(_ body: JSONText) throws(BatchFault) -> AutoscaleResult.Deallocation {
        guard let text = body["nodeDeallocationOption"]?.text else { return .requeue }
        guard let how = AutoscaleResult.Deallocation(rawValue: text.lowercased()) else {
            throw .invalid("nodeDeallocationOption", text, "requeue, terminate, taskcompletion or retaineddata")
        }
        return how
    }

    private func removeNodes(_ key: String, _ body: JSONText, _ now: Moment) throws(BatchFault) {
        guard let pool = pools[key], let ids = body["nodeList"]?.items?.compactMap(\.text) else {
            throw .missing("nodeList")
        }
        if pool.allocation != .steady { throw beingResized }
        let known = pool.nodes.filter { ids.contains($0.id) }
        guard known.count == ids.count else { throw .nodeNotFound }
        let how = try deallocation(body)
        change(pool: key) { pool in
            pool.targetDedicated = max(0, pool.targetDedicated - known.count { $0.isDedicated })
            pool.targetLowPriority = max(0, pool.targetLowPriority - known.count { !$0.isDedicated })
            pool.change(.resizing, now)
        }
        remove(nodes: ids, from: key, how, now)
    }

    // MARK: Nodes

    private func nodeAnswer(_ call: BatchCall, _ key: String, _ pool: BatchPool) throws(BatchFault) -> ServerResponse {
        let parts = call.parts
        if parts.count == 3, call.method == "GET" {
            let items = pool.nodes.enumerated().map { (sequence: $0, json: $1.shown(pool, call.base)) }
            return try call.list(items, "nodes")
        }
        guard parts.count > 3, let index = pool.nodes.firstIndex(where: { $0.id == parts[3] }) else {
            throw .nodeNotFound
        }
        let node = pool.nodes[index]
        switch (call.method, parts.count > 4 ? parts[4] : "") {
        case ("GET", "") where parts.count == 4:
            return call.answer(node.shown(pool, call.base), "nodes", modified: pool.modified)
        case ("POST", "disablescheduling"), ("POST", "enablescheduling"):
            pools[key]?.nodes[index].isScheduling = parts[4] == "enablescheduling"
            isStale = true
            return call.done(200)
        case ("POST", "reboot"):
            guard node.state == .idle || node.state == .running || node.state == .starttaskfailed else {
                throw BatchFault(409, "NodeNotReady", "The node is not ready for the operation.")
            }
            for (task, run) in runs where jobs[task.job]?.tasks[task.task]?.node == node.id { run.stop(.requeue) }
            pools[key]?.nodes[index].change(.rebooting, call.now)
            return call.done(202)
        case ("GET", "files"), ("HEAD", "files"):
            let root = "\(folder)/\(call.account)/nodes/\(node.id)"
            return try fileAnswer(
                call, root: root, parts.dropFirst(5).joined(separator: "/"),
                "\(call.base)/pools/\(pool.id)/nodes/\(node.id)/files")
        default: throw notPlayed(call)
        }
    }
}
