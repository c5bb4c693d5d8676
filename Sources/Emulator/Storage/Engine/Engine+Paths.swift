/// One path of a listing in the DFS dialect.
struct ListedPath: Sendable {
    let name: BlobName
    /// Nil for a directory that only names imply, as on a flat account.
    let entry: Entry?

    var isDirectory: Bool { entry?.isFolder ?? true }
}

extension StorageEngine {
    /// Makes a file or directory, or makes a file empty.
    func createPath(
        _ path: BlobPath, isDirectory: Bool, _ demand: Guard, _ describe: (inout Entry) -> Void
    ) throws(StorageFault) -> Entry {
        try change { (change) throws(StorageFault) in
            let isHierarchical = change.state.isHierarchical(path.account)
            let (id, before) = try change.place(path, demand)
            if let before, before.isFolder != isDirectory, isHierarchical || before.isFolder { throw .pathConflict }
            try change.addParents(of: path, in: id)
            var entry = change.replacing(
                before, Entry(kind: isDirectory && isHierarchical ? .directory : .block, version: change.version()))
            if isDirectory, let before { entry.created = before.created }
            describe(&entry)
            // A flat account knows a folder by a mark.
            if isDirectory, !isHierarchical {
                entry.metadata.removeAll { $0.name.lowercased() == "hdi_isfolder" }
                entry.metadata.append(Pair(name: "hdi_isfolder", value: "true"))
            }
            change.add(.setEntry(container: id, path.name, entry, endsStaging: true))
            return entry
        }
    }

    /// The room for bytes that are to be appended to a file.
    func pathWriter(
        _ path: BlobPath, _ demand: Guard, position: Int, length: Int, wantsMD5: Bool, wantsCRC64: Bool
    ) throws(StorageFault) -> ContentWriter {
        let now = now()
        let file = try look { (state) throws(StorageFault) -> UInt64? in
            let (id, entry) = try state.entry(path, demand, isRead: false, now: now)
            try entry.mayAppend(at: position)
            return state.containers[id]?.stagingFiles[path.name] ?? entry.extents.last?.file
        }
        return try ContentWriter(content, length: length, behind: file, wantsMD5: wantsMD5, wantsCRC64: wantsCRC64)
    }

    /// Keeps bytes for a file until they are flushed.
    func appendPath(_ path: BlobPath, _ demand: Guard, position: Int, _ extent: Extent) throws(StorageFault) {
        try change { (change) throws(StorageFault) in
            let (id, entry) = try change.entry(path, demand)
            try entry.mayAppend(at: position)
            if extent.length == 0 { return }
            change.setStagingFile(extent.file, container: id, path.name)
            let since = change.state.containers[id]?.staged[path.name]?.since ?? change.version()
            change.add(
                .stage(
                    container: id, path.name, StagedPiece(id: "", position: position, extent: extent), since: since))
        }
    }

    /// Makes appended bytes the file's own, up to `position`, where they have to end without a gap.
    func flushPath(
        _ path: BlobPath, _ demand: Guard, position: Int, retains: Bool, _ describe: (inout Entry) -> Void
    ) throws(StorageFault) -> Entry {
        try change { (change) throws(StorageFault) in
            var (id, entry) = try change.entry(path, demand)
            try entry.mayAppend(at: position)
            let staged = change.state.containers[id]?.staged[path.name]
            let pieces = (staged?.pieces.filter { $0.id.isEmpty } ?? []).sorted { $0.position < $1.position }
            var end = entry.size
            var left: [StagedPiece] = []
            for piece in pieces {
                if piece.position >= position {
                    left.append(piece)
                } else {
                    guard piece.position == end else { throw .invalidFlushPosition }
                    entry.extents.join(piece.extent)
                    end += piece.extent.length
                }
            }
            guard end == position, retains || left.isEmpty else { throw .invalidFlushPosition }
            if !pieces.isEmpty { entry.origin = .dfs }
            entry.lease = entry.lease.afterWrite(at: change.now)
            entry.version = change.version()
            describe(&entry)
            change.add(.setEntry(container: id, path.name, entry, endsStaging: true))
            if let staged {
                change.add(left.map { .stage(container: id, path.name, $0, since: staged.since) })
            }
            return entry
        }
    }

    /// Drops a file or directory.
    func deletePath(_ path: BlobPath, _ demand: Guard, isRecursive: Bool?) throws(StorageFault) {
        try change { (change) throws(StorageFault) in
            let id = try change.state.number(of: path.parent)
            let isEmpty = !change.state.hasBelow(path.name, in: id)
            if change.state.containers[id]?.entries[path.name] != nil {
                let entry = try change.entry(path, demand).entry
                if entry.isFolder, !isEmpty {
                    if isRecursive != true { throw .directoryNotEmpty }
                    try change.checkLeases(below: path.name, in: id)
                    change.add(.dropBelow(container: id, path.name))
                }
                change.add(.dropEntry(container: id, path.name))
            } else {
                // On a flat account names below imply a directory.
                if isEmpty { throw .blobNotFound }
                if isRecursive != true { throw .directoryNotEmpty }
                try change.checkLeases(below: path.name, in: id)
                change.add(.dropBelow(container: id, path.name))
            }
        }
    }

    /// Gives a file or directory another name, with everything below, in one step. ETags stay.
    func rename(
        _ source: BlobPath, _ sourceDemand: Guard, to target: BlobPath, _ demand: Guard
    ) throws(StorageFault) -> Entry {
        try change { (change) throws(StorageFault) in
            let isHierarchical = change.state.isHierarchical(target.account)
            let from = try change.state.number(of: source.parent)
            let moved = try change.source(source, sourceDemand, in: from)
            let (to, before) = try change.place(target, demand)
            let isFolder = moved?.isFolder ?? true
            if from == to, source.name == target.name {
                if isFolder { throw .renameIntoItself }
                return moved ?? Entry(kind: .directory, version: change.version())
            }
            if isFolder, from == to, target.name.hasPrefix(source.name.text + "/") { throw .renameIntoItself }
            if isHierarchical, let parent = target.name.parent {
                guard let above = change.state.containers[to]?.entries[parent] else { throw .targetParentNotFound }
                if above.kind != .directory { throw .destinationConflict }
            }
            if let before {
                if before.isFolder != isFolder { throw .kindsDiffer }
                change.add(.dropEntry(container: to, target.name))
            }
            if isFolder, change.state.hasBelow(target.name, in: to) { throw .directoryNotEmpty }
            if isFolder { try change.checkLeases(below: source.name, in: from) }
            // Blocks may wait there for a blob that is not.
            change.add(.dropStaged(container: to, target.name))
            if isFolder { change.add(.dropBelow(container: to, target.name)) }
            change.add(.move(container: from, source.name, to: to, target.name, isFolder: isFolder))
            return moved ?? Entry(kind: .directory, version: change.version())
        }
    }

    /// A page of the paths below a directory, in the order of names; `next` is where to go on.
    func listPaths(
        _ path: ContainerPath, directory: String, isRecursive: Bool, from start: String, limit: Int
    ) throws(StorageFault) -> (paths: [ListedPath], next: String?) {
        try look { (state) throws(StorageFault) in
            let id = try state.number(of: path)
            guard let entries = state.containers[id]?.entries else { throw .containerNotFound }
            if !directory.isEmpty, state.isHierarchical(path.account) {
                guard let folder = entries[BlobName(directory)] else { throw .pathNotFound }
                if folder.kind != .directory { throw .pathNotFound }
            }
            let prefix = directory.isEmpty ? "" : directory + "/"
            var found: [ListedPath] = []
            var place = BlobName(start) < BlobName(prefix) ? prefix : start
            while true {
                var jump: String?
                var next: String?
                entries.walk(from: BlobName(place)) { name, entry in
                    guard name.hasPrefix(prefix) else { return false }
                    if found.count >= limit {
                        next = name.text
                        return false
                    }
                    let rest = name.text.utf8.dropFirst(prefix.utf8.count)
                    if !isRecursive, let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
                        let folder = BlobName(String(name.text[..<slash]))
                        if entries[folder]?.isFolder != true { found.append(ListedPath(name: folder, entry: nil)) }
                        jump = folder.text + "/"
                        return false
                    }
                    if !rest.isEmpty { found.append(ListedPath(name: name, entry: entry)) }
                    return true
                }
                if let next { return (found, next) }
                guard let jump, let behind = jump.behindAllWithThisPrefix else { return (found, nil) }
                place = behind
            }
        }
    }
}

extension Entry {
    /// Whether the DFS dialect may add bytes here.
    fileprivate func mayAppend(at position: Int) throws(StorageFault) {
        if isFolder { throw .pathConflict }
        if kind != .block || (origin == .blob && size > 0) {
            throw StorageFault(
                400, "InvalidFlushOperation",
                "The resource was created or modified by the Azure Blob Service API and cannot be written to by the Azure Data Lake Storage Service API."
            )
        }
        if position < size { throw .invalidFlushPosition }
    }
}

extension Transaction {
    /// What is to be renamed; nil for a directory that only names imply.
    fileprivate func source(_ path: BlobPath, _ demand: Guard, in id: Int) throws(StorageFault) -> Entry? {
        guard state.containers[id]?.entries[path.name] != nil else {
            if state.isHierarchical(path.account) || !state.hasBelow(path.name, in: id) { throw .sourceNotFound }
            return nil
        }
        do throws(StorageFault) {
            return try state.entry(path, demand, isRead: false, now: now, otherwise: .sourceConditionNotMet).entry
        } catch {
            throw error
        }
    }

    /// Nobody may hold a lease on what goes away.
    fileprivate func checkLeases(below folder: BlobName, in id: Int) throws(StorageFault) {
        for name in state.namesBelow(folder, in: id) {
            if let lease = state.containers[id]?.entries[name]?.lease {
                try lease.check(id: nil, isWrite: true, of: .blob, at: now)
            }
        }
    }
}
