/// A container of an account.
struct ContainerPath: Sendable, Hashable {
    var account: String
    var container: String
}

/// A blob, file or directory of a container.
struct BlobPath: Sendable, Hashable {
    var account: String
    var container: String
    var name: BlobName

    var parent: ContainerPath { ContainerPath(account: account, container: container) }
}

/// What a request demands of what it works on.
struct Guard: Sendable {
    var conditions = Conditions.none
    /// The lease id that it names.
    var lease: String?

    static let none = Guard()
}

extension StorageState {
    /// The number of a container.
    func number(of path: ContainerPath) throws(StorageFault) -> Int {
        guard let id = accounts[path.account]?.containers[BlobName(path.container)] else { throw .containerNotFound }
        return id
    }

    /// The container.
    func facts(of path: ContainerPath) throws(StorageFault) -> ContainerFacts {
        guard let facts = containers[try number(of: path)]?.facts else { throw .containerNotFound }
        return facts
    }

    func isHierarchical(_ account: String) -> Bool { accounts[account]?.isHierarchical ?? false }

    /// An entry that has to be there and to be as the request wants it.
    func entry(
        _ path: BlobPath, _ demand: Guard, isRead: Bool, now: Int64, otherwise fault: StorageFault = .conditionNotMet
    ) throws(StorageFault) -> (container: Int, entry: Entry) {
        let id = try number(of: path.parent)
        guard let entry = containers[id]?.entries[path.name] else { throw .blobNotFound }
        try demand.conditions.check(
            etag: entry.etag, modified: Version.seconds(entry.version), isRead: isRead, otherwise: fault)
        try entry.lease.check(id: demand.lease, isWrite: !isRead, of: .blob, at: now)
        return (id, entry)
    }
}

extension Transaction {
    /// An entry that is to be changed.
    func entry(_ path: BlobPath, _ demand: Guard) throws(StorageFault) -> (container: Int, entry: Entry) {
        try state.entry(path, demand, isRead: false, now: now)
    }

    /// What stands where something is to be put, if that may be done.
    func place(_ path: BlobPath, _ demand: Guard) throws(StorageFault) -> (container: Int, before: Entry?) {
        let id = try state.number(of: path.parent)
        let before = state.containers[id]?.entries[path.name]
        if before != nil, demand.conditions.isCreateOnly { throw .blobExists }
        try demand.conditions.check(
            etag: before?.etag, modified: Version.seconds(before?.version ?? 0), isRead: false)
        try (before?.lease ?? Lease()).check(id: demand.lease, isWrite: true, of: .blob, at: now)
        return (id, before)
    }

    /// Where a blob or file is to be put on either kind of account, with the directories above that are not there yet.
    mutating func placeFile(
        _ path: BlobPath, _ demand: Guard
    ) throws(StorageFault) -> (container: Int, before: Entry?) {
        let (id, before) = try place(path, demand)
        if before?.kind == .directory { throw .isDirectory }
        try addParents(of: path, in: id)
        return (id, before)
    }

    /// Makes the directories above a path, on an account that has any.
    mutating func addParents(of path: BlobPath, in id: Int) throws(StorageFault) {
        guard state.isHierarchical(path.account) else { return }
        for parent in path.name.parents {
            if let above = state.containers[id]?.entries[parent] {
                if above.kind != .directory { throw .pathConflict }
            } else {
                add(.setEntry(container: id, parent, Entry(kind: .directory, version: version()), endsStaging: false))
            }
        }
    }

    /// An entry in the place of another: its lease outlives what it protects.
    func replacing(_ before: Entry?, _ entry: Entry) -> Entry {
        var entry = entry
        if let before { entry.lease = before.lease.afterWrite(at: now) }
        return entry
    }
}
