import Glibc
import Storage
import Support

/// One file to report on.
struct ReportInput: Sendable {
    /// What to open; `-` for standard input.
    var place: FilePlace
    /// What it is called in reports: its path from the folder that paths start from, when it lies there.
    var name: String

    /// The file at `place`, called `name`.
    init(_ place: FilePlace, name: String) {
        self.place = place
        self.name = name
    }

    /// The path or URL by which the ledger knows it.
    var path: String { place.name }

    /// Whether this is standard input.
    var isStandardInput: Bool { if case .local(Storage.standardName) = place { true } else { false } }
}

/// Finds the files that a report's `input` means.
enum InputFinder {
    /// The endings by which files of a folder are taken for input, packed or not.
    static let endings = ["json", "ndjson", "jsonl"]

    /// The files that `patterns` stand for, each once, in the order of their names.
    ///
    /// - parameter folder: Where relative paths start.
    /// - parameter output: Where reports are written, which are not read again; nil when they go elsewhere.
    /// - throws: `SluiceError` for a pattern or folder without a file: an empty result would look like empty data.
    static func find(
        _ patterns: [String], in folder: String, besides output: (any ObjectStore)?, of stores: any StoreOpener
    ) async throws(SluiceError) -> [ReportInput] {
        let base = absolute(folder.isEmpty ? "." : folder, from: nil)
        let avoided = (output as? FolderStore).map { absolute($0.name, from: base) }
        var found: [String: ReportInput] = [:]
        for given in patterns {
            if given == Storage.standardName {
                found[given] = ReportInput(.local(given), name: "standard input")
                continue
            }
            let pattern: String
            switch try stores.place(of: given) {
            case .local(let path): pattern = path
            case .stored(let store, let path):
                for input in try await objects(path, of: store, besides: output) { found[input.path] = input }
                continue
            }
            for path in try files(of: absolute(pattern, from: base), shown: pattern, besides: avoided) {
                let inside = base == "/" ? "/" : base + "/"
                let name = path.hasPrefix(inside) ? String(path.dropFirst(inside.utf8.count)) : path
                found[path] = ReportInput(.local(path), name: name)
            }
        }
        if found.count > 1, found[Storage.standardName] != nil {
            throw SluiceError(
                .usage, "standard input stands beside files",
                hint: "report on the one or the others, and merge them: sluice report merge")
        }
        return found.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// The objects that `path` in `store` means: one, those of a folder, or those that fit a pattern.
    private static func objects(
        _ path: String, of store: any ObjectStore, besides output: (any ObjectStore)?
    ) async throws(SluiceError) -> [ReportInput] {
        func input(_ entry: ObjectEntry) -> ReportInput { ReportInput(.stored(store, entry.path), name: entry.path) }
        let avoided = output.map { $0.name.hasSuffix("/") ? $0.name : $0.name + "/" }
        func isWanted(_ entry: ObjectEntry) -> Bool {
            !entry.isFolder && !(avoided.map { store.url(entry.path).hasPrefix($0) } ?? false)
        }
        if Glob.isPattern(path) {
            let all = try await store.matches(of: [path]).filter(isWanted)
            if all.isEmpty {
                throw SluiceError(.notFound, "no object matches the pattern", place: .init(file: store.url(path)))
            }
            return all.map(input)
        }
        if !path.isEmpty, let entry = try await store.facts(path), !entry.isFolder { return [input(entry)] }
        var all: [ReportInput] = []
        let listing = try await store.entries(path, recursive: true)
        while let page = try await listing.next() {
            all += page.filter { isWanted($0) && isInput($0.path) }.map(input)
        }
        if all.isEmpty {
            throw SluiceError(
                .notFound, "there is nothing to report on", place: .init(file: store.url(path)),
                hint: "name an object, a pattern, or a folder with .json, .ndjson or .jsonl in it (packed with .gz or "
                    + ".zst or not); see what is there with: sluice lake ls")
        }
        return all
    }

    private static func files(
        of path: String, shown: String, besides output: String?
    ) throws(SluiceError) -> [String] {
        if let facts = FileFacts(path: path) {
            guard facts.isFolder else { return [path] }
            let all = try Glob.matches(of: Glob.literal(path) + "/**")
            let inputs = all.filter { isInput($0) && !isBelow($0, output) }
            if inputs.isEmpty {
                throw SluiceError(
                    .notFound, "there is no file to report on in the folder", place: .init(file: shown),
                    hint: "files that end in .json, .ndjson or .jsonl are read, packed ones (.gz, .zst) too")
            }
            return inputs
        }
        if !Glob.isPattern(path) {
            throw SluiceError(
                .notFound, "there is no such file", place: .init(file: shown),
                hint: "name a file, a folder or a pattern")
        }
        let all = try Glob.matches(of: path).filter { !isBelow($0, output) }
        if all.isEmpty {
            throw SluiceError(.notFound, "no file matches the pattern", place: .init(file: shown))
        }
        return all
    }

    private static func isInput(_ path: String) -> Bool {
        let name = FileCompression.split(path).name.lowercased()
        return endings.contains { name.hasSuffix(".\($0)") }
    }

    private static func isBelow(_ path: String, _ folder: String?) -> Bool {
        guard let folder else { return false }
        return path.hasPrefix(folder.hasSuffix("/") ? folder : folder + "/")
    }

    /// `path` from the root, without `.` and `..`.
    static func absolute(_ path: String, from base: String?) -> String {
        var full = path
        if !path.hasPrefix("/") {
            let start =
                base ?? realpath(".", nil).map { pointer in
                    defer { free(pointer) }
                    return String(cString: pointer)
                } ?? "/"
            full = start + "/" + path
        }
        var parts: [Substring] = []
        for part in full.split(separator: "/") {
            if part == "." { continue }
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }
}
