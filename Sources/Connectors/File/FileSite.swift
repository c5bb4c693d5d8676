import Glibc
import Storage
import Support
import Tables

/// A file that a pattern has found.
struct ListedFile: Sendable {
    /// Where it lies.
    let place: FilePlace
    /// What it is called in the ledger: its path from the base folder on, so that a project can be moved.
    let name: String
    /// What was said of it when it was listed.
    let facts: FileFacts?
}

/// Where a connection's files lie: a folder that patterns start from, and the patterns that are meant when a job names none.
struct FileSite: Sendable {
    /// The folder, with a slash at its end; empty for where the process runs, or the whole of a store.
    private let base: String
    /// The store that the folder is in; nil for this machine.
    private let store: (any ObjectStore)?
    let standardPatterns: [String]

    /// The site that a connection's path means: a folder, one file, or a pattern of files.
    init(_ place: FilePlace) {
        switch place {
        case .local(let path):
            store = nil
            if let facts = FileFacts(path: path) {
                if facts.isFolder {
                    base = FileSite.asFolder(path)
                    standardPatterns = FileSite.everyFormat
                } else {
                    base = FileSite.folder(of: path)
                    standardPatterns = [Glob.literal(String(path.dropFirst(base.count)))]
                }
                return
            }
            (base, standardPatterns) = FileSite.split(path) ?? (FileSite.asFolder(path), FileSite.everyFormat)
        case .stored(let store, let path):
            self.store = store
            if let split = FileSite.split(path) {
                (base, standardPatterns) = split
            } else if FileFormat(fileName: FileCompression.split(path).name) != nil {
                // To ask the store costs time and rights before anything is wanted; the ending says what is meant.
                base = FileSite.folder(of: path)
                standardPatterns = [Glob.literal(String(path.dropFirst(base.count)))]
            } else {
                base = path.isEmpty ? "" : FileSite.asFolder(path)
                standardPatterns = FileSite.everyFormat
            }
        }
    }

    /// A pattern with the folders before its first wildcard taken off; nil when it has none.
    private static func split(_ path: String) -> (String, [String])? {
        guard Glob.isPattern(path), let first = path.firstIndex(where: { "*?[{".contains($0) }) else { return nil }
        let base = folder(of: String(path[..<first]))
        return (base, [String(path.dropFirst(base.count))])
    }

    /// Patterns for all files that can be read, by their endings.
    private static let everyFormat = FileFormat.allCases.flatMap(\.fileExtensions).map {
        "*.\($0){,.gz,.gzip,.zst,.zstd}"
    }

    private static func asFolder(_ path: String) -> String { path.hasSuffix("/") ? path : path + "/" }

    /// `path` up to its last slash.
    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// Looks whether the folder can be listed.
    func check() async throws(SluiceError) {
        if store != nil {
            // A listing of what is there says more than a question about the folder, which a store need not have.
            _ = try await files(standardPatterns)
            return
        }
        let folder = base.isEmpty ? "." : base
        guard try FileFacts(of: folder).isFolder else {
            throw SluiceError(.notFound, "is not a folder", place: .init(file: folder))
        }
        if access(folder, R_OK | X_OK) != 0 {
            throw SluiceError(
                .permission, "the folder cannot be listed: \(String(cString: strerror(errno)).lowercased())",
                place: .init(file: folder), hint: "check its permissions with: ls -ld '\(folder)'")
        }
    }

    /// The files that fit `patterns`, each once, sorted.
    func files(_ patterns: [String]) async throws(SluiceError) -> [ListedFile] {
        guard let store else {
            return try paths(of: patterns).map { path in
                ListedFile(place: .local(path), name: relative(path), facts: FileFacts(path: path))
            }
        }
        var found: [String: ObjectEntry] = [:]
        var wild: [String] = []
        for pattern in patterns {
            // A slash in front is the store's own root.
            let isWhole = pattern.hasPrefix("/")
            let path = isWhole ? String(pattern.dropFirst()) : base + pattern
            if Glob.isPattern(pattern) || pattern.contains("\\") {
                wild.append(isWhole ? path : Glob.literal(base) + pattern)
            } else if let entry = try await store.facts(path) {
                if entry.isFolder { throw FileSite.isFolder(store.url(path), pattern) }
                found[path] = entry
            } else {
                throw SluiceError(
                    .notFound, "no such object", place: .init(file: store.url(path)),
                    hint: "see what is there with: sluice lake ls \(store.url(FileSite.folder(of: path)))")
            }
        }
        for entry in try await store.matches(of: wild) { found[entry.path] = entry }
        return found.values.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }.map { entry in
            ListedFile(place: .stored(store, entry.path), name: relative(entry.path), facts: FileFacts(entry))
        }
    }

    /// The files of this machine that fit `patterns`, each once, sorted.
    private func paths(of patterns: [String]) throws(SluiceError) -> [String] {
        var found: Set<String> = []
        for pattern in patterns {
            let path = pattern.hasPrefix("/") ? pattern : base + pattern
            if let facts = FileFacts(path: path) {
                if facts.isFolder { throw FileSite.isFolder(path, pattern) }
                found.insert(path)
            } else if Glob.isPattern(pattern) || pattern.contains("\\") {
                found.formUnion(
                    try Glob.matches(of: pattern.hasPrefix("/") ? pattern : Glob.literal(base) + pattern))
            } else {
                _ = try FileFacts(of: path)
            }
        }
        return found.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    private static func isFolder(_ path: String, _ pattern: String) -> SluiceError {
        SluiceError(
            .notFound, "is a folder, not a file", place: .init(file: path),
            hint: "name the files in it, for example '\(pattern)/*.csv'")
    }

    private func relative(_ path: String) -> String {
        !base.isEmpty && path.hasPrefix(base) ? String(path.dropFirst(base.count)) : path
    }
}
