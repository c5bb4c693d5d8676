import Storage
import Support

/// The part of a container that a store is: where it begins, and what it is called.
struct StoreRoot: Sendable {
    /// The URL as the user wrote it, without a signature.
    let name: String
    /// The folder in the container; empty for all of it.
    let prefix: String

    /// The name in the container of what the store calls `path`.
    ///
    /// - throws: `SluiceError` for a path that leads out of the store.
    func full(_ path: String) throws(SluiceError) -> String {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if parts.contains("..") || parts.contains(".") || path.hasPrefix("/") || path.utf8.contains(0) {
            throw SluiceError(.invalidData, "the name \"\(path)\" leads out of the store", place: .init(file: name))
        }
        var path = path[...]
        while path.hasSuffix("/") { path = path.dropLast() }
        return prefix.isEmpty ? String(path) : path.isEmpty ? prefix : "\(prefix)/\(path)"
    }

    /// What the store calls something in the container; nil for what is not in the store, or the store's folder itself.
    func path(of full: String) -> String? {
        if prefix.isEmpty { return full.isEmpty ? nil : full }
        guard full.hasPrefix(prefix + "/") else { return nil }
        let path = full.dropFirst(prefix.count + 1)
        return path.isEmpty ? nil : String(path)
    }

    /// What a message calls `path`: a URL that means it when it is used again.
    func url(_ path: String) -> String {
        path.isEmpty ? name : "\(name)/\(AzureLocation.written(path, in: name))"
    }

    /// What a message says of an object that is not there.
    func missing(_ path: String) -> SluiceError {
        let folder = path.lastIndex(of: "/").map { url(String(path[..<$0])) } ?? name
        return SluiceError(
            .notFound, "no such object", place: .init(file: url(path)),
            hint: "See what is there: sluice lake ls '\(folder)'")
    }

    /// What a message says of a folder where an object was expected.
    func isFolder(_ path: String) -> SluiceError {
        SluiceError(
            .notFound, "is a folder, not a file", place: .init(file: url(path)),
            hint: "Name the files in it, for example '\(url(path))/*.csv'.")
    }

    /// A name for an object that is being written, beside `full`; listings leave it out.
    static func unfinished(beside full: String, _ what: String) -> String {
        let slash = full.lastIndex(of: "/").map { full.index(after: $0) } ?? full.startIndex
        // A name has at most 255 bytes, and this one adds some.
        let stem = String(decoding: full[slash...].utf8.prefix(180), as: UTF8.self)
        return "\(full[..<slash]).\(stem).\(what).partial"
    }

    /// Whether an object is one that is being written.
    static func isUnfinished(_ path: String) -> Bool {
        AtomicFile.isUnfinished(path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path)
    }
}
