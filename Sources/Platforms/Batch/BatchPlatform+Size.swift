import Azure
public import Support

/// The size of the pool, by hand.
extension BatchPlatform {
    /// How many nodes the pool has, and who decides it; nil when there is no pool yet.
    public func size() async throws(SluiceError) -> PoolSize? {
        guard let pool = try await existing() else { return nil }
        try refuseOthers(pool)
        return size(of: pool)
    }

    private func size(of pool: BatchPoolForm) -> PoolSize {
        PoolSize(
            name: settings.pool, aim: pool.aim, nodes: pool.nodes.dedicated, spot: pool.nodes.spot,
            isChanging: pool.isChanging, problem: pool.problem, machine: settings.vmSize, usesSpot: settings.isSpot,
            most: settings.most, bound: "max_nodes under platforms.\(name)")
    }

    /// Sets the pool's size, or has its formula decide again. A resize that is going on is stopped first.
    public func resize(_ seen: PoolSize, to aim: PoolSize.Aim) async throws(SluiceError) {
        guard let pool = try await existing() else {
            throw SluiceError(
                .notFound, "there is no pool \(settings.pool) in the account \(settings.account)",
                hint: "'sluice deploy JOB' makes it")
        }
        try refuseOthers(pool)
        let now = size(of: pool)
        try now.check(aim)
        guard now.aim == seen.aim else {
            throw SluiceError(
                .conflict, "the size of \(settings.pool) has changed since it was shown: \(now.aim.words)",
                hint: "look at a new plan")
        }
        if now.aim == aim, aim == .formula || now.isReached { return }
        try await halt(pool)
        try await management().patch(
            settings.poolID.text, version: BatchPoolForm.version,
            body: ["properties": ["scaleSettings": scale(aim, now)]])
    }

    private func scale(_ aim: PoolSize.Aim, _ now: PoolSize) -> JSONText {
        switch aim {
        case .formula: BatchPoolForm.autoScale(settings)
        case .fixed(let nodes, let spot):
            [
                "fixedScale": [
                    "targetDedicatedNodes": .number(nodes), "targetLowPriorityNodes": .number(spot),
                    "nodeDeallocationOption": "TaskCompletion",
                    // Nodes that go wait for their tasks, and those that come are there soon, or not at all.
                    "resizeTimeout": nodes < now.nodes || spot < now.spot ? "PT12H" : "PT15M",
                ]
            ]
        }
    }

    /// Stops a resize that is going on, which Batch wants done before it takes another size.
    func halt(_ pool: BatchPoolForm) async throws(SluiceError) {
        guard pool.isChanging else { return }
        let id = settings.poolID.text
        // Otherwise it might begin the next one.
        if pool.isByFormula { try await management().post("\(id)/disableAutoScale", version: BatchPoolForm.version) }
        try await management().post("\(id)/stopResize", version: BatchPoolForm.version)
        let deadline = ContinuousClock.now + patience.deadline
        while try await existing()?.isChanging == true {
            guard ContinuousClock.now < deadline else {
                throw SluiceError(
                    .timedOut, "the pool \(settings.pool) is still being resized", hint: "try it again later",
                    isTransient: true)
            }
            do { try await Task.sleep(for: patience.pause) } catch {
                throw SluiceError(.cancelled, "stopped while the pool \(settings.pool) was being resized")
            }
        }
    }
}
