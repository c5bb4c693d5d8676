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
        let size = try fixedSize(body, over: pool)
        let how = try deallocation(resize.map { ["nodeDeallocationOption": .string($0)] } ?? [:])
        // The formula of a pool that has one can be changed at any time.
        let isResize = size.map { pool.scalesItself || $0 != (pool.targetDedicated, pool.targetLowPriority) }
        if isResize ?? (body["autoScaleFormula"] != nil && !pool.scalesItself), pool.allocation != .steady {
            throw beingResized
        }
        try update(pool: key, body, now)
        change(pool: key) { pool in
            if let size {
                (pool.targetDedicated, pool.targetLowPriority) = size
                pool.deallocation = how
                pool.body = .object((pool.body.members ?? []).filter { !$0.key.hasPrefix("autoScale") })
                if size != (pool.currentDedicated, pool.currentLowPriority) { pool.change(.resizing, now) }
            }
            // A new formula is evaluated at once.
            if body["autoScaleFormula"] != nil { pool.evaluated = nil }
        }
        await save()
    }

    /// The size that a pool is to have by hand; nil when none is named.
    private func fixedSize(_ body: JSONText, over pool: BatchPool) throws(BatchFault) -> (Int, Int)? {
        guard body["enableAutoScale"]?.flag == false else { return nil }
        for name in ["targetDedicatedNodes", "targetLowPriorityNodes"] {
            guard let value = body[name]?.integer, value < 0 else { continue }
            throw .invalid("scaleSettings.fixedScale.\(name)", String(value), "It must not be negative.")
        }
        if let text = body["resizeTimeout"]?.text, BatchText.seconds(text) ?? 0 < 300 {
            throw .invalid("scaleSettings.fixedScale.resizeTimeout", text, "It is 5 minutes at least.")
        }
        return (body["targetDedicatedNodes"]?.integer ?? 0, body["targetLowPriorityNodes"]?.integer ?? 0)
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
        stopResize(pool: key, now)
        await save()
    }
}
