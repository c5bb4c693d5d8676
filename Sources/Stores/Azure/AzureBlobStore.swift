import Azure
public import Storage
public import Support
import Transport

/// A container of a storage account, or a folder of one, by Blob's interface.
///
/// What is written is committed as a block list in one step; until then nobody sees it.
public struct AzureBlobStore: ObjectStore {
    let client: BlobClient
    let root: StoreRoot
    let options: StoreOptions
    /// What a copy's source has to be read with, where a signature is the right that one has.
    let signature: String?
    let held = HeldLeases()

    init(_ client: BlobClient, root: StoreRoot, options: StoreOptions, signature: String?) {
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
        BlobEntries(client, root: root, folder: try root.full(folder), recursive: recursive)
    }

    /// What is known of the blob or folder `path`.
    public func facts(_ path: String) async throws(SluiceError) -> ObjectEntry? {
        let full = try root.full(path)
        if full.isEmpty {
            return try await client.containerExists() ? ObjectEntry(path: path, isFolder: true) : nil
        }
        if let found = try await client.properties(full) { return found.entry(path) }
        // A folder of an account without real ones is there when something is in it.
        var marker: String?
        repeat {
            let page = try await client.list(prefix: full + "/", delimiter: nil, marker: marker, limit: 1)
            if !page.items.isEmpty { return ObjectEntry(path: path, isFolder: true) }
            marker = page.next
        } while marker != nil
        return nil
    }

    /// The blob `path`.
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
                size: options.rangeSize, source: BlobRanges(client: client, full: full, etag: found.etag)))
    }

    /// The object that a listing has told of, as long as it is that version.
    public func open(listed entry: ObjectEntry) async throws(SluiceError) -> any RandomAccess {
        guard let tag = entry.tag, !entry.isFolder else { return try await open(entry.path) }
        return AzureObject(
            name: root.url(entry.path), facts: entry, check: .none, memory: options.readMemory,
            reader: RangeReader(
                size: options.rangeSize, source: BlobRanges(client: client, full: try root.full(entry.path), etag: tag))
        )
    }

    /// Begins the blob `path`.
    public func create(_ path: String, _ condition: WriteCondition) async throws(SluiceError) -> any ByteSink {
        try sink(path, condition)
    }

    /// Writes the small blob `path` in one step.
    public func put(_ path: String, _ contents: Buffer, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        try await sink(path, condition).put(contents)
    }

    private func sink(_ path: String, _ condition: WriteCondition) throws(SluiceError) -> AzureSink {
        AzureSink(BlobAssembly(client, try root.full(path), name: root.url(path), condition, held: held), options)
    }

    /// Removes the blob `path`.
    public func remove(_ path: String) async throws(SluiceError) {
        let full = try root.full(path)
        _ = try await client.delete(full, lease: held[full])
    }

    /// Copies the blob `from` within the account, then removes it.
    public func move(_ from: String, to target: String, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        let (old, new) = (try root.full(from), try root.full(target))
        guard let source = try await client.properties(old), !source.isFolder else { throw root.missing(from) }
        if old == new { return true }
        let mark = ObjectMark.unique()
        var metadata = source.metadata
        metadata[ObjectMark.writing] = mark
        let address = client.address(of: old) + (signature.map { "?\($0)" } ?? "")
        var copying = try await client.startCopy(
            new, from: address, sourceETag: source.etag, condition.storage, metadata: metadata)
        if case .refused = copying {
            guard try await client.properties(new)?.metadata[ObjectMark.writing] == mark else { return false }
            copying = try await client.copyStatus(new)
        }
        var wait = Duration.milliseconds(100)
        while case .pending = copying {
            do {
                try await Task.sleep(for: wait)
            } catch {
                throw SluiceError(.cancelled, "stopped", place: .init(file: root.url(target)))
            }
            wait = min(wait * 2, .seconds(5))
            copying = try await client.copyStatus(new)
        }
        if case .sourceMissing = copying { throw root.missing(from) }
        // What somebody wrote to the old name meanwhile stays.
        _ = try await client.delete(old, .ifMatch(source.etag), lease: held[old])
        return true
    }

    /// Takes the blob `path`.
    public func lease(_ path: String, seconds: Int) async throws(SluiceError) -> (any ObjectLease)? {
        let full = try root.full(path)
        return try await AzureLease.take(full, name: root.url(path), seconds: seconds, held: held) {
            [client] action throws(SluiceError) in
            try await client.lease(full, action)
        }
    }
}

/// A version of a blob.
private struct BlobRanges: RangeSource {
    let client: BlobClient
    let full: String
    let etag: String

    func read(
        _ range: Range<Int>, isChecked: Bool, into receiver: any BodyReceiver
    ) async throws(SluiceError) -> UInt64 {
        try await client.read(full, range, etag: etag, into: receiver)
    }
}

/// The pages of a listing of blobs.
private final class BlobEntries: ObjectListing, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`.

    private let client: BlobClient
    private let root: StoreRoot
    private let folder: String
    private let recursive: Bool
    private var marker: String?
    private var isAtEnd = false
    private var isEmpty = true
    /// Folders that were listed: as the beginning of other names, and on some accounts as blobs of their own too.
    private var folders: Set<String> = []

    init(_ client: BlobClient, root: StoreRoot, folder: String, recursive: Bool) {
        self.client = client
        self.root = root
        self.folder = folder
        self.recursive = recursive
    }

    func next() async throws(SluiceError) -> [ObjectEntry]? {
        if isAtEnd { return nil }
        let page = try await client.list(
            prefix: folder.isEmpty ? "" : folder + "/", delimiter: recursive ? nil : "/", marker: marker)
        marker = page.next
        isAtEnd = marker == nil
        if !page.items.isEmpty { isEmpty = false }
        if isAtEnd, isEmpty, !folder.isEmpty, let file = try await client.properties(folder), !file.isFolder {
            throw SluiceError(
                .invalidConfiguration, "is a file, not a folder",
                place: .init(file: root.url(root.path(of: folder) ?? "")))
        }
        var entries: [ObjectEntry] = []
        for item in page.items {
            guard item.name != folder, let path = root.path(of: item.name), !StoreRoot.isUnfinished(path) else {
                continue
            }
            if item.isFolder, recursive || !folders.insert(path).inserted { continue }
            entries.append(item.entry(path))
        }
        return entries
    }
}
