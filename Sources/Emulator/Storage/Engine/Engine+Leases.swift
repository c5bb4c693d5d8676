/// What a client asks of a lease.
enum LeaseAction: Sendable {
    case acquire(id: String, seconds: Int)
    case renew(id: String)
    case change(id: String, to: String)
    case release(id: String)
    case breakUp(period: Int?)
}

extension Lease {
    /// Does as asked; answers the seconds that a break still takes.
    fileprivate mutating func perform(_ action: LeaseAction, at now: Int64) throws(StorageFault) -> Int {
        switch action {
        case .acquire(let id, let seconds): try acquire(id: id, seconds: seconds, at: now)
        case .renew(let id): try renew(id: id, at: now)
        case .change(let id, let proposed): try change(id: id, to: proposed, at: now)
        case .release(let id): try release(id: id, at: now)
        case .breakUp(let period): return try breakUp(period: period, at: now)
        }
        return 0
    }
}

extension StorageEngine {
    /// Works on the lease of a blob.
    func lease(
        _ path: BlobPath, _ action: LeaseAction, _ conditions: Conditions
    ) throws(StorageFault) -> (entry: Entry, remaining: Int) {
        try change { (change) throws(StorageFault) in
            let id = try change.state.number(of: path.parent)
            guard var entry = change.state.containers[id]?.entries[path.name] else { throw .blobNotFound }
            try conditions.check(etag: entry.etag, modified: Version.seconds(entry.version), isRead: false)
            let remaining = try entry.lease.perform(action, at: change.now)
            change.add(.setEntry(container: id, path.name, entry, endsStaging: false))
            return (entry, remaining)
        }
    }

    /// Works on the lease of a container.
    func lease(
        _ path: ContainerPath, _ action: LeaseAction, _ conditions: Conditions
    ) throws(StorageFault) -> (facts: ContainerFacts, remaining: Int) {
        try change { (change) throws(StorageFault) in
            var facts = try change.state.facts(of: path)
            try conditions.check(etag: facts.etag, modified: Version.seconds(facts.version), isRead: false)
            let remaining = try facts.lease.perform(action, at: change.now)
            change.add(.setContainer(id: try change.state.number(of: path), facts))
            return (facts, remaining)
        }
    }
}
