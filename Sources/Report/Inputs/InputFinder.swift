import Glibc
import Storage
import Support

/// One file to report on.
struct ReportInput: Sendable, Hashable {
    /// What to open; `-` for standard input.
    var path: String
    /// What it is called in reports: its path from the folder that paths start from, when it lies there.
    var name: String

    /// The file at `path`, called `name`.
    init(path: String, name: String) {
        self.path = path
        self.name = name
    }

    /// Whether this is standard input.
    var isStandardInput: Bool { path == Storage.standardName }
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
        _ patterns: [String], in folder: String, besides output: String?
    ) throws(SluiceError) -> [ReportInput] {
        let base = absolute(folder.isEmpty ? "." : folder, from: nil)
        let avoided = output.map { absolute($0, from: base) }
        var found: [String: ReportInput] = [:]
        for pattern in patterns {
            if pattern == Storage.standardName {
                found[pattern] = ReportInput(path: pattern, name: "standard input")
                continue
            }
            for path in try files(of: absolute(pattern, from: base), shown: pattern, besides: avoided) {
                let inside = base == "/" ? "/" : base + "/"
                let name = path.hasPrefix(inside) ? String(path.dropFirst(inside.utf8.count)) : path
                found[path] = ReportInput(path: path, name: name)
            }
        }
        if found.count > 1, found[Storage.standardName] != nil {
            throw SluiceError(
                .usage, "standard input stands beside files",
                hint: "report on the one or the others, and merge them: sluice report merge")
        }
        return found.values.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
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
