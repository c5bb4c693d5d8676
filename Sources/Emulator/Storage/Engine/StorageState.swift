import Support

/// Accounts, containers and what is in them: the one namespace that both dialects see.
///
/// It changes by `apply` only, whether a change has just been written to the journal or is read from it.
struct StorageState: Sendable {
    struct Account: Sendable {
        var isHierarchical: Bool
        var containers = SortedNames<Int>()
        var properties: String?
    }

    var accounts: [String: Account] = [:]
    var containers: [Int: ContainerState] = [:]
    var nextContainer = 1
    /// The highest version that was given out.
    var lastVersion: Int64 = 0

    mutating func apply(_ change: Change, _ content: ContentStore) {
        switch change {
        case .setAccount(let name, let isHierarchical):
            accounts[name, default: Account(isHierarchical: isHierarchical)].isHierarchical = isHierarchical
        case .setProperties(let account, let xml):
            accounts[account]?.properties = xml
        case .setContainer(let id, let facts):
            if containers[id] == nil { containers[id] = ContainerState(facts: facts) }
            containers[id]?.facts = facts
            accounts[facts.account]?.containers[BlobName(facts.name)] = id
            nextContainer = max(nextContainer, id + 1)
            lastVersion = max(lastVersion, facts.version)
        case .dropContainer(let id):
            guard let container = containers.removeValue(forKey: id) else { return }
            accounts[container.facts.account]?.containers[BlobName(container.facts.name)] = nil
            container.entries.walk(from: BlobName("")) { _, entry in
                content.release(entry.extents)
                return true
            }
            container.staged.walk(from: BlobName("")) { _, staged in
                content.release(staged.pieces.map(\.extent))
                return true
            }
        case .setEntry(let container, let name, let entry, let endsStaging):
            content.retain(entry.extents)
            content.release(containers[container]?.entries[name]?.extents ?? [])
            containers[container]?.entries[name] = entry
            lastVersion = max(lastVersion, entry.version)
            if endsStaging { dropStaged(container, name, content) }
        case .dropEntry(let container, let name):
            content.release(containers[container]?.entries[name]?.extents ?? [])
            containers[container]?.entries[name] = nil
            dropStaged(container, name, content)
        case .dropBelow(let container, let name):
            for below in namesBelow(name, in: container) { apply(.dropEntry(container: container, below), content) }
            for below in stagedBelow(name, in: container) { dropStaged(container, below, content) }
        case .stage(let container, let name, let piece, let since):
            content.retain([piece.extent])
            if containers[container]?.staged[name] == nil {
                containers[container]?.staged[name] = Staged(since: since)
            }
            let before = containers[container]?.staged.update(name) { $0.add(piece) }
            if let before, let before { content.release([before.extent]) }
        case .dropStaged(let container, let name):
            dropStaged(container, name, content)
        case .move(let container, let name, let target, let newName, let isFolder):
            move(container, name, to: target, newName, isFolder)
        case .setVersion(let version):
            lastVersion = max(lastVersion, version)
        }
    }

    private mutating func dropStaged(_ container: Int, _ name: BlobName, _ content: ContentStore) {
        guard let staged = containers[container]?.staged[name] else { return }
        containers[container]?.staged[name] = nil
        containers[container]?.stagingFiles[name] = nil
        content.release(staged.pieces.map(\.extent))
    }

    /// What stood under the new name was dropped by a change before.
    private mutating func move(
        _ container: Int, _ name: BlobName, to target: Int, _ newName: BlobName, _ isFolder: Bool
    ) {
        for old in [name] + (isFolder ? namesBelow(name, in: container) : []) {
            guard let entry = containers[container]?.entries[old] else { continue }
            containers[container]?.entries[old] = nil
            containers[target]?.entries[Self.renamed(old, from: name, to: newName)] = entry
        }
        for old in [name] + (isFolder ? stagedBelow(name, in: container) : []) {
            guard let staged = containers[container]?.staged[old] else { continue }
            containers[container]?.staged[old] = nil
            containers[container]?.stagingFiles[old] = nil
            containers[target]?.staged[Self.renamed(old, from: name, to: newName)] = staged
        }
    }

    private static func renamed(_ name: BlobName, from old: BlobName, to new: BlobName) -> BlobName {
        BlobName(new.text + String(decoding: name.text.utf8.dropFirst(old.text.utf8.count), as: UTF8.self))
    }

    /// The names of everything below a folder; of everything when the folder is the root.
    func namesBelow(_ folder: BlobName, in container: Int) -> [BlobName] {
        var found: [BlobName] = []
        let prefix = folder.text.isEmpty ? "" : folder.text + "/"
        containers[container]?.entries.walk(from: BlobName(prefix)) { name, _ in
            guard name.hasPrefix(prefix) else { return false }
            found.append(name)
            return true
        }
        return found
    }

    /// The names below a folder that something is staged for.
    func stagedBelow(_ folder: BlobName, in container: Int) -> [BlobName] {
        var found: [BlobName] = []
        let prefix = folder.text.isEmpty ? "" : folder.text + "/"
        containers[container]?.staged.walk(from: BlobName(prefix)) { name, _ in
            guard name.hasPrefix(prefix) else { return false }
            found.append(name)
            return true
        }
        return found
    }

    /// Whether anything is below a folder.
    func hasBelow(_ folder: BlobName, in container: Int) -> Bool {
        let prefix = folder.text.isEmpty ? "" : folder.text + "/"
        return containers[container]?.entries.first(from: BlobName(prefix))?.name.hasPrefix(prefix) ?? false
    }

    /// Drops what refers to content that is not there, as after a power cut; answers what it was.
    mutating func dropDamaged(_ sizes: [UInt64: Int], _ content: ContentStore) -> [String] {
        func isWhole(_ extents: [Extent]) -> Bool {
            extents.allSatisfy { $0.offset + $0.length <= sizes[$0.file] ?? 0 }
        }
        var notes: [String] = []
        for (id, container) in containers {
            var damaged: [BlobName] = []
            container.entries.walk(from: BlobName("")) { name, entry in
                if !isWhole(entry.extents) { damaged.append(name) }
                return true
            }
            for name in damaged {
                notes.append("\(container.facts.account)/\(container.facts.name)/\(name.text)")
                apply(.dropEntry(container: id, name), content)
            }
            var lost: [BlobName] = []
            container.staged.walk(from: BlobName("")) { name, staged in
                if !isWhole(staged.pieces.map(\.extent)) { lost.append(name) }
                return true
            }
            for name in lost { apply(.dropStaged(container: id, name), content) }
        }
        return notes
    }

    /// The state as changes, an operation each: what a new journal begins with.
    func snapshot(_ write: ([Change]) throws(SluiceError) -> Void) throws(SluiceError) {
        try write([.setVersion(lastVersion)])
        for (name, account) in accounts {
            var changes: [Change] = [.setAccount(name, isHierarchical: account.isHierarchical)]
            if let xml = account.properties { changes.append(.setProperties(account: name, xml: xml)) }
            try write(changes)
        }
        for (id, container) in containers {
            try write([.setContainer(id: id, container.facts)])
            var batch: [Change] = []
            func add(_ change: Change) throws(SluiceError) {
                batch.append(change)
                if batch.count >= 256 {
                    try write(batch)
                    batch = []
                }
            }
            var failure: SluiceError?
            func each(_ change: Change) -> Bool {
                do throws(SluiceError) { try add(change) } catch { failure = error }
                return failure == nil
            }
            container.entries.walk(from: BlobName("")) { name, entry in
                each(.setEntry(container: id, name, entry, endsStaging: false))
            }
            container.staged.walk(from: BlobName("")) { name, staged in
                staged.pieces.allSatisfy { each(.stage(container: id, name, $0, since: staged.since)) }
            }
            if let failure { throw failure }
            if !batch.isEmpty { try write(batch) }
        }
    }
}
