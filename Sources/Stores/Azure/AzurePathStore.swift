import Azure
public import Storage
public import Support
import Transport

/// A file system of a storage account, or a folder of one, by Data Lake Storage Gen2's interface.
///
/// What is written goes under a name that listings leave out, and gets its own in one step.
public struct AzurePathStore: ObjectStore {
    let client: PathClient
    let root: StoreRoot
    let options: StoreOptions
    /// What a renaming's source has to be named with, where a signature is the right that one has.
    let signature: String?
    private let held = HeldLeases()

    init(_ client: PathClient, root: StoreRoot, options: StoreOptions, signature: String?) {
        self.client = client
        self.root = root
        self.options = options
        self.signature = signature
    }

    /// The URL as the user wrote it, without a signature.
    public var name: String { root.name }
    /// The URL of `path`, as one can use it again.
    public func url(_ path: String) -> String { root.url(path) }

    /// What lies in `folder`.
    public func entries(_ folder: String, recursive: Bool) async throws(SluiceError) -> any ObjectListing {
        PathEntries(client, root: root, folder: try root.full(folder), recursive: recursive)
    }

    /// What is known of the file or folder `path`.
    public func facts(_ path: String) async throws(SluiceError) -> ObjectEntry? {
        let full = try root.full(path)
        if full.isEmpty {
            return try await client.containerExists() ? ObjectEntry(path: path, isFolder: true) : nil
        }
        if let found = try await client.properties(full) { return found.entry(path) }
        // A folder of an account without real ones is there when something is in it.
        guard let page = try await client.list(folder: full, recursive: false, limit: 1) else { return nil }
        return page.items.isEmpty && page.next == nil ? nil : ObjectEntry(path: path, isFolder: true)
    }

    /// The file `path`.
    public func open(_ path: String) async throws(SluiceError) -> any StoredObject {
        let full = try root.full(path)
        guard let found = full.isEmpty ? nil : try await client.properties(full) else {
            if let facts = try await facts(path), facts.isFolder { throw root.isFolder(path) }
            throw root.missing(path)
        }
        if found.isFolder { throw root.isFolder(path) }
        return AzureObject(
            name: root.url(path), facts: found.entry(path),
            check: WholeCheck(metadata: found.metadata, md5: found.contentMD5), memory: options.readMemory,
            reader: RangeReader(
                size: options.rangeSize, source: PathRanges(client: client, full: full, etag: found.etag)))
    }

    /// The object that a listing has told of, as long as it is that version.
    public func open(listed entry: ObjectEntry) async throws(SluiceError) -> any RandomAccess {
        guard let tag = entry.tag, !entry.isFolder else { return try await open(entry.path) }
        return AzureObject(
            name: root.url(entry.path), facts: entry, check: .none, memory: options.readMemory,
            reader: RangeReader(
                size: options.rangeSize, source: PathRanges(client: client, full: try root.full(entry.path), etag: tag))
        )
    }

    /// Begins the file `path`.
    public func create(_ path: String, _ condition: WriteCondition) async throws(SluiceError) -> any ByteSink {
        try sink(path, condition)
    }

    /// Writes the small file `path` in one step.
    public func put(_ path: String, _ contents: Buffer, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        try await sink(path, condition).put(contents)
    }

    private func sink(_ path: String, _ condition: WriteCondition) throws(SluiceError) -> AzureSink {
        AzureSink(
            PathAssembly(
                client, try root.full(path), name: root.url(path), condition, signature: signature, held: held),
            options)
    }

    /// Removes the file `path`, or the folder, when it is empty.
    public func remove(_ path: String) async throws(SluiceError) {
        let full = try root.full(path)
        _ = try await client.delete(full, lease: held[full])
    }

    /// The hidden files of writers, which stay when their writer is killed.
    public func unfinished(_ folder: String) async throws(SluiceError) -> [String] {
        var found: [String] = []
        var marker: String?
        repeat {
            let page = try await client.list(folder: try root.full(folder), recursive: false, marker: marker)
            found += (page?.items ?? []).compactMap { root.path(of: $0.name) }.filter(StoreRoot.isUnfinished)
            marker = page?.next
        } while marker != nil
        return found
    }

    /// Renames the file or folder `from`.
    public func move(_ from: String, to target: String, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        let (old, new) = (try root.full(from), try root.full(target))
        guard let source = try await client.properties(old) else { throw root.missing(from) }
        if old == new { return true }
        var renamed = try await client.rename(
            old, to: new, condition.storage, signature: signature, lease: held[new])
        if case .folderMissing = renamed, let slash = new.lastIndex(of: "/") {
            // Unlike writing, renaming makes no folders.
            _ = try await client.create(String(new[..<slash]), isFolder: true, .ifAbsent)
            renamed = try await client.rename(
                old, to: new, condition.storage, signature: signature, lease: held[new])
        }
        switch renamed {
        case .done: return true
        case .folderMissing: throw root.missing(target)
        case .refused, .sourceMissing:
            // An earlier attempt may have done it, and its answer been lost: what has the new name is what had the old.
            let found = try await client.properties(new)
            let isMoved = found.map { $0.etag == source.etag && $0.size == source.size } ?? false
            if isMoved, try await client.properties(old) == nil { return true }
            if case .refused = renamed { return false }
            throw root.missing(from)
        }
    }

    /// Takes the file `path`.
    public func lease(_ path: String, seconds: Int) async throws(SluiceError) -> (any ObjectLease)? {
        let full = try root.full(path)
        return try await AzureLease.take(full, name: root.url(path), seconds: seconds, held: held) {
            [client] action throws(SluiceError) in
            try await client.lease(full, action)
        }
    }
}

/// A version of a file.
private struct PathRanges: RangeSource {
    let client: PathClient
    let full: String
    let etag: String

    func read(
        _ range: Range<Int>, isChecked: Bool, into receiver: any BodyReceiver
    ) async throws(SluiceError) -> UInt64 {
        try await client.read(full, range, etag: etag, isChecked: isChecked, into: receiver)
    }
}

/// The pages of a listing of paths.
private final class PathEntries: ObjectListing, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`.

    private let client: PathClient
    private let root: StoreRoot
    private let folder: String
    private let recursive: Bool
    private var marker: String?
    private var isAtEnd = false
    private var isEmpty = true

    init(_ client: PathClient, root: StoreRoot, folder: String, recursive: Bool) {
        self.client = client
        self.root = root
        self.folder = folder
        self.recursive = recursive
    }

    func next() async throws(SluiceError) -> [ObjectEntry]? {
        if isAtEnd { return nil }
        let page = try await client.list(folder: folder, recursive: recursive, marker: marker)
        marker = page?.next
        isAtEnd = marker == nil
        if page?.items.isEmpty == false { isEmpty = false }
        if isAtEnd, isEmpty, !folder.isEmpty, let file = try await client.properties(folder), !file.isFolder {
            throw SluiceError(
                .invalidConfiguration, "is a file, not a folder",
                place: .init(file: root.url(root.path(of: folder) ?? "")))
        }
        var entries: [ObjectEntry] = []
        for item in page?.items ?? [] {
            // Asked for a file, the service lists that file.
            guard let path = root.path(of: item.name), item.name != folder, !StoreRoot.isUnfinished(path) else {
                if item.name == folder, !item.isFolder {
                    throw SluiceError(
                        .invalidConfiguration, "is a file, not a folder",
                        place: .init(file: root.url(root.path(of: folder) ?? "")))
                }
                continue
            }
            if item.isFolder, recursive { continue }
            entries.append(item.entry(path))
        }
        return entries
    }
}
