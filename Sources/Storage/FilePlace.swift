public import Support

/// Where a file lies that a user has named: on this machine, or in a store.
public enum FilePlace: Sendable {
    /// A path of this machine; `-` is standard input or output.
    case local(String)
    /// A path in a store.
    case stored(any ObjectStore, String)

    /// What to call it in a message: a path, or a URL without secrets.
    public var name: String {
        switch self {
        case .local(let path): path
        case .stored(let store, let path): store.url(path)
        }
    }

    /// Opens it for reading.
    ///
    /// - throws: `SluiceError` when there is no such file, it is a folder, or it may not be read.
    public func open() async throws(SluiceError) -> any InputFile {
        switch self {
        case .local(let path): try Storage.open(path)
        case .stored(let store, let path): try await store.open(path)
        }
    }

    /// Begins writing it; it appears, or replaces what is there, on `finish`.
    public func create() async throws(SluiceError) -> any ByteSink {
        switch self {
        case .local(let path): try Storage.create(path)
        case .stored(let store, let path): try await store.create(path, .always)
        }
    }

    /// By what one sees whether it has changed; nil when there is no such file or folder.
    public func facts() async throws(SluiceError) -> FileFacts? {
        switch self {
        case .local(let path): FileFacts(path: path)
        case .stored(let store, let path): try await store.facts(path).map { FileFacts($0) }
        }
    }

    /// The place of the store as a whole, when it is in one, and the folder itself otherwise.
    public var store: (store: any ObjectStore, path: String) {
        switch self {
        case .local(let path): (FolderStore(path), "")
        case .stored(let store, let path): (store, path)
        }
    }
}

/// Tells paths from URLs of stores, and opens those: floors below the stores themselves are handed one of these.
public protocol StoreOpener: Sendable {
    /// What `text`, which a user wrote, names. Nothing is opened yet.
    ///
    /// - throws: `SluiceError` for a URL that names no store, or none that can be reached from here.
    func place(of text: String) throws(SluiceError) -> FilePlace
    /// The folder or container with a path in it that `text` names, as a store of its own.
    func store(at text: String) throws(SluiceError) -> any ObjectStore
}

extension StoreOpener {
    /// Whether `text` is a URL rather than a path: letters, then `://`.
    public func isURL(_ text: String) -> Bool {
        guard let mark = text.firstRange(of: "://"), mark.lowerBound > text.startIndex else { return false }
        return text[..<mark.lowerBound].utf8.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 | 0x20 || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-")
        }
    }
}

/// Knows the files of this machine and no store.
public struct LocalStores: StoreOpener {
    /// The one there is.
    public init() {}

    /// The path that `text` is, `file:` before it or not.
    public func place(of text: String) throws(SluiceError) -> FilePlace { .local(try path(text)) }

    /// The folder that `text` is.
    public func store(at text: String) throws(SluiceError) -> any ObjectStore { FolderStore(try path(text)) }

    private func path(_ text: String) throws(SluiceError) -> String {
        if text.hasPrefix("file://") { return String(text.dropFirst(7)) }
        if text.hasPrefix("file:") { return String(text.dropFirst(5)) }
        if isURL(text) {
            throw SluiceError(
                .unsupported, "there is no store for this URL here", place: .init(file: text), hint: "name a path")
        }
        return text
    }
}
