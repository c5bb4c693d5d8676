public import Support

/// Where objects lie: a folder, a container of a storage account, a part of one. Paths are relative to it, with `/` between
/// their parts. Lakes, inputs and outputs are all of these.
///
/// What is written appears whole or not at all, in one step. A failure to list or look is an error, and never the same as
/// nothing being there.
public protocol ObjectStore: Sendable {
    /// What to call it in a message: a path or URL without secrets.
    var name: String { get }
    /// What a message, answer or ledger calls the object `path`; whoever uses it again gets that object.
    func url(_ path: String) -> String
    /// What lies in `folder` (all of it when empty), page by page, in no particular order. Folders are listed where
    /// they are not gone into; names of files that are still being written never.
    func entries(_ folder: String, recursive: Bool) async throws(SluiceError) -> any ObjectListing
    /// What is known of the object or folder `path`; nil when there is none.
    func facts(_ path: String) async throws(SluiceError) -> ObjectEntry?
    /// The object `path`, for reading; it stays the one that was opened.
    func open(_ path: String) async throws(SluiceError) -> any StoredObject
    /// The object that a listing has just told of, for reading parts of it. Nothing is asked where what the listing said is
    /// enough; when the object is another by now, reading throws.
    func open(listed entry: ObjectEntry) async throws(SluiceError) -> any RandomAccess
    /// Begins the object `path`, which appears on `finish`, with the folders that it needs. When `condition` does not hold
    /// then, `finish` throws `.conflict`, and nothing has changed.
    func create(_ path: String, _ condition: WriteCondition) async throws(SluiceError) -> any ByteSink
    /// Writes a small object in one step.
    ///
    /// - returns: Whether `condition` held: of several who put a path that was not there, one gets it.
    func put(_ path: String, _ contents: Buffer, _ condition: WriteCondition) async throws(SluiceError) -> Bool
    /// Removes the object `path`; no error when it is not there.
    func remove(_ path: String) async throws(SluiceError)
    /// The paths of what was begun in `folder` and is not finished: by writers that are at it, or that were killed.
    func unfinished(_ folder: String) async throws(SluiceError) -> [String]
    /// Gives the object `from` the name `to`.
    ///
    /// - returns: Whether `condition` held for `to`.
    func move(_ from: String, to target: String, _ condition: WriteCondition) async throws(SluiceError) -> Bool
    /// Takes the object `path`, which must be there, for `seconds` (15 to 60), or as long as this process lives.
    ///
    /// - returns: nil when somebody else has it.
    func lease(_ path: String, seconds: Int) async throws(SluiceError) -> (any ObjectLease)?
}

/// What has to be so at the moment in which an object is put in place.
public enum WriteCondition: Sendable, Hashable {
    /// Nothing; what is there is replaced.
    case always
    /// There is no such object.
    case ifAbsent
    /// The object is still the one that had this tag.
    case ifUnchanged(tag: String)
}

/// What a store says of an object or a folder.
public struct ObjectEntry: Sendable, Hashable {
    /// Where it lies in its store.
    public var path: String
    /// How many bytes it has.
    public var size: Int
    /// When it was last changed.
    public var modified: Moment?
    /// What changes whenever the object does, as the store writes it.
    public var tag: String?
    /// Whether it is a folder.
    public var isFolder: Bool
    /// The MD5 of its bytes, when the store keeps one.
    public var md5: [UInt8]?

    /// What is known of the object or folder `path`.
    public init(
        path: String, size: Int = 0, modified: Moment? = nil, tag: String? = nil, isFolder: Bool = false,
        md5: [UInt8]? = nil
    ) {
        self.path = path
        self.size = size
        self.modified = modified
        self.tag = tag
        self.isFolder = isFolder
        self.md5 = md5
    }

    /// The last part of the path.
    public var name: String { splitPath(path).name }
}

/// The pages of a listing.
public protocol ObjectListing: AnyObject, Sendable {
    /// The next page, which may be empty; nil at the end.
    func next() async throws(SluiceError) -> [ObjectEntry]?
}

/// An object that is open for reading: at any position, or from the first byte on.
public protocol StoredObject: InputFile, RandomAccess {
    /// What the store said of it when it was opened.
    var facts: ObjectEntry { get }
}

/// An object that nobody else may write meanwhile, or take.
public protocol ObjectLease: AnyObject, Sendable {
    /// Keeps it for as long again.
    func renew() async throws(SluiceError)
    /// Lets go of it.
    func release() async throws(SluiceError)
}

extension ObjectStore {
    /// The object at the entry's path: where opening asks nobody, nothing is saved.
    public func open(listed entry: ObjectEntry) async throws(SluiceError) -> any RandomAccess {
        try await open(entry.path)
    }

    /// None: where writing leaves nothing behind, nothing has to be said.
    public func unfinished(_ folder: String) async throws(SluiceError) -> [String] { [] }

    /// The store's name before the path.
    public func url(_ path: String) -> String {
        path.isEmpty ? name : name.hasSuffix("/") ? name + path : name + "/" + path
    }

    /// Begins the object `path`, which takes the place of what is there.
    public func create(_ path: String) async throws(SluiceError) -> any ByteSink { try await create(path, .always) }

    /// Makes the small object `path` with `contents`, unless it is there.
    ///
    /// - returns: Whether it was made: of several who claim a path, one gets it.
    public func claim(_ path: String, _ contents: Buffer) async throws(SluiceError) -> Bool {
        try await put(path, contents, .ifAbsent)
    }

    /// The paths of all objects below `folder`, sorted; none when there is no such folder.
    public func list(_ folder: String) async throws(SluiceError) -> [String] {
        let listing = try await entries(folder, recursive: true)
        var found: [String] = []
        while let page = try await listing.next() { found += page.lazy.filter { !$0.isFolder }.map(\.path) }
        return found.sorted()
    }

    /// Writes a small object that appears whole.
    public func write(_ text: String, to path: String) async throws(SluiceError) {
        let sink = try await create(path)
        do throws(SluiceError) {
            try await sink.write(Buffer(Array(text.utf8)))
            try await sink.finish()
        } catch {
            await sink.abandon()
            throw error
        }
    }

    /// The text of a small object.
    public func text(of path: String, limit: Int = 64 << 20) async throws(SluiceError) -> String {
        let file = try await open(path)
        guard file.size <= limit else {
            throw SluiceError(
                .limitExceeded, "has \(file.size) bytes, the limit is \(limit)", place: .init(file: url(path)))
        }
        return String(decoding: try await file.read(0..<file.size).bytes, as: UTF8.self)
    }
}

/// A listing that is there already.
public final class ListedObjects: ObjectListing, @unchecked Sendable {
    // `@unchecked Sendable` because one consumer at a time calls `next`.

    private var page: [ObjectEntry]?

    /// A listing of one page.
    public init(_ entries: [ObjectEntry]) { page = entries }

    /// The page, once.
    public func next() async throws(SluiceError) -> [ObjectEntry]? {
        defer { page = nil }
        return page
    }
}
