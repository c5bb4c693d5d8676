public import Support

extension ObjectStore {
    /// The objects that fit any of `patterns`, which `Glob` explains, each once, in the order of their paths. Folders that
    /// cannot hold any are not looked at, and none is listed twice.
    public func matches(of patterns: [String]) async throws(SluiceError) -> [ObjectEntry] {
        var walk = StoreWalk(self)
        for pattern in patterns {
            for variant in try Glob.alternatives(of: pattern) {
                let parts = variant.split(separator: "/").map { Array($0.utf8) }
                try await walk.go("", parts[...])
            }
        }
        return walk.found.values.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }
}

/// A way through the folders of a store, along the parts of a pattern.
private struct StoreWalk {
    private let store: any ObjectStore
    private var folders: [String: [ObjectEntry]] = [:]
    private(set) var found: [String: ObjectEntry] = [:]

    init(_ store: any ObjectStore) { self.store = store }

    /// Follows `parts` from `folder` on.
    mutating func go(_ folder: String, _ parts: ArraySlice<[UInt8]>) async throws(SluiceError) {
        guard let part = parts.first else { return }
        let rest = parts.dropFirst()
        if part == Array("**".utf8) {
            let listing = try await store.entries(folder, recursive: true)
            while let page = try await listing.next() {
                for entry in page where !entry.isFolder {
                    let inside = entry.path.dropFirst(folder.isEmpty ? 0 : folder.count + 1)
                    if PathPattern.fits(inside.split(separator: "/").map { Array($0.utf8) }[...], parts) {
                        found[entry.path] = entry
                    }
                }
            }
            return
        }
        let isLiteral = !part.contains { "*?[\\".utf8.contains($0) }
        if isLiteral, !rest.isEmpty {
            return try await go(joined(folder, String(decoding: part, as: UTF8.self)), rest)
        }
        for entry in try await list(folder) {
            let name = Array(splitPath(entry.path).name.utf8)
            guard PathPattern.fits([name], [part]) else { continue }
            if !rest.isEmpty {
                if entry.isFolder { try await go(entry.path, rest) }
            } else if !entry.isFolder {
                found[entry.path] = entry
            }
        }
    }

    private mutating func list(_ folder: String) async throws(SluiceError) -> [ObjectEntry] {
        if let known = folders[folder] { return known }
        let listing = try await store.entries(folder, recursive: false)
        var entries: [ObjectEntry] = []
        while let page = try await listing.next() { entries += page }
        folders[folder] = entries
        return entries
    }

    private func joined(_ folder: String, _ name: String) -> String { folder.isEmpty ? name : folder + "/" + name }
}
