public import Storage
public import Support

/// A path in a store: what a URL or a path of this machine means.
public struct StorePlace: Sendable {
    /// The store.
    public let store: any ObjectStore
    /// The path in it; empty for all of it.
    public let path: String
    /// Whether it was written with a slash at its end, and so means a folder.
    public let endsWithSlash: Bool

    /// A path in a store.
    public init(_ store: any ObjectStore, _ path: String, endsWithSlash: Bool = false) {
        self.store = store
        self.path = path
        self.endsWithSlash = endsWithSlash
    }

    /// What to call it in a message.
    public var name: String { store.url(path) }

    /// The last part of its path.
    public var lastName: String { path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path }
}

/// What a user means by a URL or path, which may hold wildcards: an object, a folder, or all that fits a pattern.
public struct StoreSelection: Sendable {
    /// What it is.
    public enum Kind: Sendable {
        /// One object.
        case object(ObjectEntry)
        /// A folder, with what lies in it.
        case folder
        /// All objects that fit.
        case pattern(PathPattern)
    }

    /// Where it is. Of a pattern, the path is the folder in which everything that fits it lies.
    public let place: StorePlace
    /// What it is.
    public let kind: Kind

    /// Finds out what `place` is; `path` may hold wildcards.
    ///
    /// - throws: `SluiceError` when there is nothing, unless it is a pattern.
    public init(_ place: StorePlace) async throws(SluiceError) {
        let (store, path) = (place.store, place.path)
        if path.isEmpty {
            guard try await store.facts("") != nil else { throw StoreSelection.missing(place) }
            self.init(place, .folder)
            return
        }
        // An object that bears the pattern itself as its name wins.
        if let found = try await store.facts(path) {
            self.init(place, found.isFolder ? .folder : .object(found))
            return
        }
        guard Glob.isPattern(path) else { throw StoreSelection.missing(place) }
        let pattern = try PathPattern(path)
        self.init(StorePlace(store, pattern.folder), .pattern(pattern))
    }

    private init(_ place: StorePlace, _ kind: Kind) {
        self.place = place
        self.kind = kind
    }

    /// What lies in it, page by page.
    ///
    /// - parameter recursive: Whether a folder's folders are gone into; a pattern itself says how deep it reaches.
    public func entries(recursive: Bool) async throws(SluiceError) -> any ObjectListing {
        switch kind {
        case .object(let entry): return ListedObjects([entry])
        case .folder: return try await place.store.entries(place.path, recursive: recursive)
        case .pattern(let pattern):
            let listing = try await place.store.entries(place.path, recursive: pattern.reachesDeeper)
            return FilteredListing(listing) { pattern.fits($0.path) }
        }
    }

    /// The path of `entry` below the place.
    public func relative(_ entry: ObjectEntry) -> String {
        if case .object = kind { return place.lastName }
        return place.path.isEmpty ? entry.path : String(entry.path.dropFirst(place.path.count + 1))
    }

    /// What a message says of a place where there is nothing.
    public static func missing(_ place: StorePlace) -> SluiceError {
        if place.path.isEmpty, !(place.store is FolderStore) {
            return SluiceError(
                .notFound, "there is no container of this name", place: .init(file: place.name),
                hint: "Check the name, and that the account is the right one; 'sluice lake cp --yes' makes a container."
            )
        }
        let folder = StorePlace(place.store, String(place.path.dropLast(place.lastName.count + 1))).name
        return SluiceError(
            .notFound, "there is no such object or folder", place: .init(file: place.name),
            hint: place.path.isEmpty ? nil : "See what is there: sluice lake ls '\(folder)'")
    }
}

/// A listing of which some entries are left out.
final class FilteredListing: ObjectListing, Sendable {
    private let base: any ObjectListing
    private let isWanted: @Sendable (ObjectEntry) -> Bool

    init(_ base: any ObjectListing, _ isWanted: @escaping @Sendable (ObjectEntry) -> Bool) {
        self.base = base
        self.isWanted = isWanted
    }

    func next() async throws(SluiceError) -> [ObjectEntry]? { try await base.next()?.filter(isWanted) }
}
