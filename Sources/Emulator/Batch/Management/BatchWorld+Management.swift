import Autoscale
import Support

/// What Resource Manager does to pools.
extension BatchWorld {
    func pools(of account: String) -> [BatchPool] {
        pools.filter { $0.key.hasPrefix("\(account)/") }.values.sorted { $0.sequence < $1.sequence }
    }

    func pool(_ account: String, _ name: String) -> BatchPool? { pools["\(account)/\(name.lowercased())"] }

    /// Makes a pool, or changes it: what a patch does not name stays, and so does what cannot be changed.
    func manage(
        _ account: String, _ name: String, _ body: JSONText, isPatch: Bool, resize: String?, _ now: Moment
    ) async throws(BatchFault) {
        let key = "\(account)/\(name.lowercased())"
        guard let pool = pools[key] else {
            if isPatch { throw .poolNotFound }
            _ = try newPool(name, body, account: account, now: now)
            await save()
            return
        }
        if pool.isDeleting { throw .poolBeingDeleted }
        if !isPatch {
            for fixed in ["vmSize", "taskSlotsPerNode", "virtualMachineConfiguration"] {
                guard let wanted = body[fixed], let found = pool.body[fixed], wanted != found else { continue }
                throw BatchFault(
                    409, "PropertyCannotBeUpdated", "The property \(fixed) of a pool cannot be changed.",
                    ["PropertyName": fixed])
            }
        }
        try update(pool: key, body, now)
        change(pool: key) { pool in
            if let dedicated = body["targetDedicatedNodes"]?.integer, !pool.scalesItself {
                pool.targetDedicated = dedicated
                pool.targetLowPriority = body["targetLowPriorityNodes"]?.integer ?? 0
                pool.deallocation = resize.flatMap { .init(rawValue: $0.lowercased()) } ?? .requeue
                pool.body = .object((pool.body.members ?? []).filter { !$0.key.hasPrefix("autoScale") })
            }
            // A new formula is evaluated at once.
            if body["autoScaleFormula"] != nil { pool.evaluated = nil }
        }
        await save()
    }

    func deletePool(_ account: String, _ name: String, _ now: Moment) async -> Bool {
        let key = "\(account)/\(name.lowercased())"
        guard pools[key] != nil else { return false }
        if pools[key]?.isDeleting == false { delete(pool: key, now) }
        await save()
        return true
    }

    func deletePools(account: String, _ now: Moment) async {
        for pool in pools(of: account) { _ = await deletePool(account, pool.id, now) }
    }

    func disableAutoscale(_ account: String, _ name: String, _ now: Moment) async throws(BatchFault) {
        let key = "\(account)/\(name.lowercased())"
        guard pools[key] != nil else { throw .poolNotFound }
        change(pool: key) { pool in
            pool.body = pool.body.replacing(["enableAutoScale": false])
            pool.modified = now
        }
        await save()
    }

    func stopResize(_ account: String, _ name: String, _ now: Moment) async throws(BatchFault) {
        let key = "\(account)/\(name.lowercased())"
        guard let pool = pools[key] else { throw .poolNotFound }
        guard pool.allocation == .resizing else { return }
        change(pool: key) { pool in
            pool.targetDedicated = pool.nodes.count { $0.isDedicated && $0.state != .leavingpool }
            pool.targetLowPriority = pool.nodes.count { !$0.isDedicated && $0.state != .leavingpool }
            pool.change(.stopping, now)
        }
        await save()
    }
}
