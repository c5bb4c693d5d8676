public import Storage
public import Support

/// Where the packages of a project are published, and how others are told of one.
public struct PackageShelf: Sendable {
    /// The folder or container, as any program that runs from a package has to write it.
    public let place: String
    /// The packages of the project there.
    public let packages: PackageStore

    /// The packages called `name` in `store`, which `place` leads to.
    public init(_ place: String, _ store: any ObjectStore, name: String) throws(SluiceError) {
        self.place = place
        packages = try PackageStore(store, name: name)
    }

    /// What the package `hash` is called, whether it is there already or not.
    public func reference(to hash: String) -> PackageReference {
        PackageReference(place: place, name: packages.name, hash: hash)
    }

    /// The package that was published before and that `word` means: `current`, `previous`, or a hash or the beginning of one.
    public func find(_ word: String) async throws(SluiceError) -> PackageReference {
        if word == "current" { return reference(to: try await packages.current().hash) }
        if word == "previous" { return reference(to: try await packages.previous()) }
        // One that is named whole needs no list.
        return reference(to: PackageName.isHash(word) ? word : try await packages.published(word))
    }
}
