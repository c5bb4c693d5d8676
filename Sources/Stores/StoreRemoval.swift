import Azure
public import Storage
public import Support

/// Removes what a selection holds, folders with all that is in them.
public struct StoreRemoval: Sendable {
    private let selection: StoreSelection
    private let recursive: Bool
    /// The objects that were found.
    public let objects: [ObjectEntry]

    /// Finds out what there is to remove.
    ///
    /// - parameter recursive: Whether a folder may be removed, with all that is in it.
    public init(_ selection: StoreSelection, recursive: Bool) async throws(SluiceError) {
        self.selection = selection
        self.recursive = recursive
        if case .folder = selection.kind, !recursive {
            throw SluiceError(
                .usage, "is a folder", place: .init(file: selection.place.name),
                hint: "Add --recursive to remove it with all that is in it.")
        }
        let listing = try await selection.entries(recursive: recursive)
        var objects: [ObjectEntry] = []
        while let page = try await listing.next() { objects += page.lazy.filter { !$0.isFolder } }
        self.objects = objects
    }

    /// Removes them.
    ///
    /// - parameter each: Is told of every object that is gone, and of every one that is not, one at a time.
    public func run(each: (ObjectEntry, SluiceError?) -> Void) async {
        let store = selection.place.store
        // Ends early only when the task is cancelled.
        try? await sideBySide(objects.indices, width: 16) { number throws(SluiceError) -> SluiceError? in
            do throws(SluiceError) {
                try await store.remove(objects[number].path)
                return nil
            } catch {
                return error.at(.init(file: store.url(objects[number].path)))
            }
        } take: {
            each(objects[$0], $1)
        }
        if case .folder = selection.kind, recursive, !Task.isCancelled { await removeFolders() }
    }

    /// Removes the folders that held them, the deepest first, as far as they are empty now.
    private func removeFolders() async {
        let (store, top) = (selection.place.store, selection.place.path)
        if let store = store as? AzurePathStore, !top.isEmpty, let full = try? store.root.full(top) {
            // The service does it in one step. What was written meanwhile goes too, as it would with any other tool.
            _ = try? await store.client.delete(full, recursive: true)
            return
        }
        for folder in await folders(below: top, in: store).reversed() { try? await store.remove(folder) }
        // Of Azure a whole container stays; a folder of this machine that was named goes like any other.
        if !top.isEmpty || store is FolderStore { try? await store.remove(top) }
    }

    private func folders(below folder: String, in store: any ObjectStore) async -> [String] {
        guard let listing = try? await store.entries(folder, recursive: false) else { return [] }
        var found: [String] = []
        while let page = try? await listing.next() {
            for entry in page where entry.isFolder {
                found.append(entry.path)
                found += await folders(below: entry.path, in: store)
            }
        }
        return found
    }
}
