import Support

/// Where a block of a list is to be looked for.
enum BlockSource: String, Sendable {
    case latest = "Latest"
    case committed = "Committed"
    case uncommitted = "Uncommitted"
}

extension StorageEngine {
    /// How many blocks may wait, and how many a blob may have.
    private static let mostStaged = 100_000
    private static let mostBlocks = 50_000

    /// The room for a block, once it is clear that it may be put.
    func blockWriter(
        _ path: BlobPath, lease: String?, length: Int, wantsMD5: Bool, wantsCRC64: Bool
    ) throws(StorageFault) -> ContentWriter {
        try mayPut(path, Guard(lease: lease))
        let file = try look { (state) throws(StorageFault) -> UInt64? in
            let container = state.containers[try state.number(of: path.parent)]
            if let kind = container?.entries[path.name]?.kind, kind != .block { throw .wrongBlobType }
            return container?.stagingFiles[path.name]
        }
        return try ContentWriter(content, length: length, behind: file, wantsMD5: wantsMD5, wantsCRC64: wantsCRC64)
    }

    /// Keeps a block that was written, or copied.
    func stage(_ path: BlobPath, lease: String?, id: String, _ extent: Extent) throws(StorageFault) {
        try change { (change) throws(StorageFault) in
            let (number, before) = try change.place(path, Guard(lease: lease))
            if let before, before.kind != .block { throw .wrongBlobType }
            let staged = change.state.containers[number]?.staged[path.name]
            if let other = staged?.pieces.first?.id ?? before?.blocks.first?.id,
                Base64.decode(other)?.count != Base64.decode(id)?.count
            {
                // Ids of one blob are of one length.
                throw .invalidBlock
            }
            if let staged, staged.pieces.count >= Self.mostStaged, staged.block(id) == nil {
                throw StorageFault(
                    409, "BlockCountExceedsLimit",
                    "The uncommitted block count cannot exceed the maximum limit of 100,000 blocks.")
            }
            change.setStagingFile(extent.file, container: number, path.name)
            change.add(
                .stage(
                    container: number, path.name, StagedPiece(id: id, position: 0, extent: extent),
                    since: staged?.since ?? change.version()))
        }
    }

    /// Makes a blob of blocks.
    func commit(
        _ path: BlobPath, _ demand: Guard, _ list: [(source: BlockSource, id: String)],
        _ describe: (inout Entry) -> Void
    ) throws(StorageFault) -> Entry {
        if list.count > Self.mostBlocks {
            throw StorageFault(400, "BlockListTooLong", "The block list may not contain more than 50,000 blocks.")
        }
        return try change { (change) throws(StorageFault) in
            let (id, before) = try change.placeFile(path, demand)
            if let before, before.kind != .block { throw .wrongBlobType }
            let staged = change.state.containers[id]?.staged[path.name]
            var committed: [String: Range<Int>] = [:]
            var place = 0
            for block in before?.blocks ?? [] {
                committed[block.id] = place..<place + block.length
                place += block.length
            }
            var entry = change.replacing(before, Entry(kind: .block, version: change.version()))
            if let before { entry.created = before.created }
            entry.origin = .blob
            entry.blocks.reserveCapacity(list.count)
            for (source, block) in list {
                let waiting = source == .committed ? nil : staged?.block(block)
                if let waiting {
                    entry.extents.join(waiting.extent)
                    entry.blocks.append(Block(id: block, length: waiting.extent.length))
                } else if source != .uncommitted, let range = committed[block], let before {
                    for extent in before.extents.slice(range) { entry.extents.join(extent) }
                    entry.blocks.append(Block(id: block, length: range.count))
                } else {
                    throw .invalidBlockList
                }
            }
            describe(&entry)
            change.add(.setEntry(container: id, path.name, entry, endsStaging: true))
            return entry
        }
    }

    /// A blob's committed facts, nil while it has only blocks that wait, and those blocks.
    func blockList(_ path: BlobPath, _ demand: Guard) throws(StorageFault) -> (entry: Entry?, staged: [StagedPiece]) {
        let now = now()
        return try look { (state) throws(StorageFault) in
            let id = try state.number(of: path.parent)
            let staged = state.containers[id]?.staged[path.name]?.pieces.filter { !$0.id.isEmpty } ?? []
            guard state.containers[id]?.entries[path.name] != nil || staged.isEmpty else { return (nil, staged) }
            let entry = try state.entry(path, demand, isRead: true, now: now).entry
            if entry.kind != .block { throw .wrongBlobType }
            return (entry, staged)
        }
    }

    /// The room behind the end of an append blob.
    func appendWriter(
        _ path: BlobPath, _ demand: Guard, length: Int, wantsMD5: Bool, wantsCRC64: Bool
    ) throws(StorageFault) -> ContentWriter {
        let now = now()
        let last = try look { (state) throws(StorageFault) -> UInt64? in
            let entry = try state.entry(path, demand, isRead: false, now: now).entry
            if entry.kind != .append { throw .wrongBlobType }
            return entry.extents.last?.file
        }
        return try ContentWriter(content, length: length, behind: last, wantsMD5: wantsMD5, wantsCRC64: wantsCRC64)
    }

    /// Adds a block to an append blob; answers where it begins.
    func append(
        _ path: BlobPath, _ demand: Guard, _ extent: Extent, position: Int?, largest: Int?
    ) throws(StorageFault) -> (entry: Entry, offset: Int) {
        try change { (change) throws(StorageFault) in
            var (id, entry) = try change.entry(path, demand)
            if entry.kind != .append { throw .wrongBlobType }
            if entry.isSealed {
                throw StorageFault(
                    409, "BlobIsSealed", "The specified blob is sealed and its contents can't be modified.")
            }
            let offset = entry.size
            if let position, position != offset { throw .appendPosition }
            if let largest, offset + extent.length > largest { throw .appendSize }
            if entry.appends >= Self.mostBlocks { throw .tooManyBlocks }
            entry.extents.join(extent)
            entry.appends += 1
            entry.headers.md5 = nil
            entry.lease = entry.lease.afterWrite(at: change.now)
            entry.version = change.version()
            change.add(.setEntry(container: id, path.name, entry, endsStaging: false))
            return (entry, offset)
        }
    }
}
