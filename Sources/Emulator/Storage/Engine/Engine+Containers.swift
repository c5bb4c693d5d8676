extension StorageEngine {
    /// Makes a container.
    func createContainer(
        _ path: ContainerPath, metadata: [Pair], publicAccess: String?
    ) throws(StorageFault) -> ContainerFacts {
        let account = newAccount(path.account)
        return try change { (change) throws(StorageFault) in
            if change.state.accounts[path.account] == nil { change.add(account) }
            if change.state.accounts[path.account]?.containers[BlobName(path.container)] != nil {
                throw .containerExists
            }
            var facts = ContainerFacts(account: path.account, name: path.container, version: change.version())
            facts.metadata = metadata
            facts.publicAccess = publicAccess
            change.add(.setContainer(id: change.state.nextContainer, facts))
            return facts
        }
    }

    /// Drops a container and everything in it.
    func deleteContainer(_ path: ContainerPath, _ demand: Guard) throws(StorageFault) {
        try change { (change) throws(StorageFault) in
            let facts = try change.container(path, demand, isWrite: true)
            try facts.lease.check(id: demand.lease, isWrite: true, of: .container, at: change.now)
            change.add(.dropContainer(id: try change.state.number(of: path)))
        }
    }

    /// The container.
    func container(_ path: ContainerPath, _ demand: Guard = .none) throws(StorageFault) -> ContainerFacts {
        let now = now()
        return try look { (state) throws(StorageFault) in
            let facts = try state.facts(of: path)
            try facts.lease.check(id: demand.lease, isWrite: false, of: .container, at: now)
            return facts
        }
    }

    /// Changes something about a container.
    func changeContainer(
        _ path: ContainerPath, _ demand: Guard, _ body: (inout ContainerFacts) -> Void
    ) throws(StorageFault) -> ContainerFacts {
        try change { (change) throws(StorageFault) in
            var facts = try change.container(path, demand, isWrite: false)
            body(&facts)
            facts.version = change.version()
            change.add(.setContainer(id: try change.state.number(of: path), facts))
            return facts
        }
    }

    /// The containers of an account whose names begin with `prefix`, from `start` on; `next` is where to go on.
    func listContainers(
        account: String, prefix: String, from start: String, limit: Int
    ) throws(StorageFault) -> (containers: [ContainerFacts], next: String?) {
        try look { state in
            var found: [ContainerFacts] = []
            var next: String?
            state.accounts[account]?.containers.walk(from: BlobName(max(prefix, start))) { name, id in
                guard name.hasPrefix(prefix) else { return false }
                if found.count == limit {
                    next = name.text
                    return false
                }
                if let facts = state.containers[id]?.facts { found.append(facts) }
                return true
            }
            return (found, next)
        }
    }

    /// The service properties that a client set, as XML.
    func properties(account: String) throws(StorageFault) -> String? {
        try look { $0.accounts[account]?.properties }
    }

    /// Keeps service properties.
    func setProperties(account: String, xml: String) throws(StorageFault) {
        let new = newAccount(account)
        try change { change in
            if change.state.accounts[account] == nil { change.add(new) }
            change.add(.setProperties(account: account, xml: xml))
        }
    }
}

extension Transaction {
    /// A container that has to be there and to be as the request wants it.
    func container(_ path: ContainerPath, _ demand: Guard, isWrite: Bool) throws(StorageFault) -> ContainerFacts {
        let facts = try state.facts(of: path)
        try demand.conditions.check(
            etag: facts.etag, modified: Version.seconds(facts.version), isRead: false)
        try facts.lease.check(id: demand.lease, isWrite: isWrite, of: .container, at: now)
        return facts
    }
}
