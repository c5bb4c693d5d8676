extension StorageEngine {
    /// What a reader gets: the facts of this moment, and a pin that keeps their content.
    struct Found: Sendable {
        let entry: Entry
        let pin: ContentPin
    }

    /// A blob that is to be read.
    func find(_ path: BlobPath, _ demand: Guard = .none) throws(StorageFault) -> Found {
        let now = now()
        return try look { (state) throws(StorageFault) in
            let entry = try state.entry(path, demand, isRead: true, now: now).entry
            return Found(entry: entry, pin: ContentPin(entry.extents, in: content))
        }
    }

    /// Whether something may be put here now, asked before a body is taken in.
    func mayPut(_ path: BlobPath, _ demand: Guard) throws(StorageFault) {
        let now = now()
        try look { (state) throws(StorageFault) in
            let id = try state.number(of: path.parent)
            guard let before = state.containers[id]?.entries[path.name] else {
                return try demand.conditions.check(etag: nil, modified: 0, isRead: false)
            }
            if demand.conditions.isCreateOnly { throw .blobExists }
            try demand.conditions.check(
                etag: before.etag, modified: Version.seconds(before.version), isRead: false)
            try before.lease.check(id: demand.lease, isWrite: true, of: .blob, at: now)
            if before.kind == .directory { throw .isDirectory }
        }
    }

    /// Puts a whole blob in the place of what was there.
    func put(
        _ path: BlobPath, _ demand: Guard, kind: EntryKind, _ describe: (inout Entry) -> Void
    ) throws(StorageFault) -> Entry {
        try change { (change) throws(StorageFault) in
            let (id, before) = try change.placeFile(path, demand)
            var entry = change.replacing(before, Entry(kind: kind, version: change.version()))
            entry.origin = .blob
            describe(&entry)
            change.add(.setEntry(container: id, path.name, entry, endsStaging: true))
            return entry
        }
    }

    /// Changes something about a blob that is there.
    ///
    /// - parameter isNewVersion: False for what leaves ETag and Last-Modified alone.
    func changeEntry(
        _ path: BlobPath, _ demand: Guard, isNewVersion: Bool = true,
        _ body: (inout Entry) throws(StorageFault) -> Void
    ) throws(StorageFault) -> Entry {
        try change { (change) throws(StorageFault) in
            var (id, entry) = try change.entry(path, demand)
            entry.lease = entry.lease.afterWrite(at: change.now)
            try body(&entry)
            if isNewVersion { entry.version = change.version() }
            change.add(.setEntry(container: id, path.name, entry, endsStaging: false))
            return entry
        }
    }

    /// Drops a blob; on a hierarchical account an empty directory too.
    func delete(_ path: BlobPath, _ demand: Guard) throws(StorageFault) {
        try change { (change) throws(StorageFault) in
            let (id, entry) = try change.entry(path, demand)
            if entry.kind == .directory, change.state.hasBelow(path.name, in: id) {
                throw StorageFault(
                    409, "DirectoryIsNotEmpty", "This operation is not permitted on a non-empty directory.")
            }
            change.add(.dropEntry(container: id, path.name))
        }
    }

    /// Copies a blob within the account; the two share their content.
    func copy(
        from source: BlobPath, _ sourceDemand: Guard, to target: BlobPath, _ demand: Guard,
        _ describe: (inout Entry) -> Void
    ) throws(StorageFault) -> Entry {
        try change { (change) throws(StorageFault) in
            let found: Entry
            do throws(StorageFault) {
                found = try change.state.entry(
                    source, sourceDemand, isRead: true, now: change.now, otherwise: .sourceConditionNotMet
                ).entry
            } catch {
                // A source that is newer than asked for is no answer to a reader here.
                throw error.status == 304 ? .sourceConditionNotMet : error
            }
            if found.kind == .directory { throw .wrongBlobType }
            let (id, before) = try change.placeFile(target, demand)
            var entry = found
            entry.lease = Lease()
            entry = change.replacing(before, entry)
            entry.version = change.version()
            entry.created = entry.version
            entry.origin = .blob
            entry.access = nil
            describe(&entry)
            change.add(.setEntry(container: id, target.name, entry, endsStaging: true))
            return entry
        }
    }
}
