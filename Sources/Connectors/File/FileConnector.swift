import Columns
import Glibc
import Parquet
import Settings
import Storage
import Support
import Tables
import Warehouse

extension ConnectorRegistry.Entry {
    /// Files on this machine.
    static let file = ConnectorRegistry.Entry(
        name: "file", aliases: ["files"],
        summary: "CSV, TSV, JSON, NDJSON and Parquet files on this machine, packed with gzip or Zstandard or not",
        keys: [
            KeyShape(
                "path", .text, "The folder that a job's patterns start from; or one file, or a pattern of files",
                standard: "the project's folder")
        ],
        urlForm: "file:FOLDER",
        readURL: { url throws(SluiceError) in
            if let parameter = url.query.first {
                throw ConnectionURL.malformed(
                    "has a parameter '\(parameter.name)', and files have none", url.scheme,
                    hint: "write %3F for a '?' in a name")
            }
            if let host = url.host?.literal, host != "localhost" {
                throw ConnectionURL.malformed(
                    "names the host '\(host)', and files lie on this machine", url.scheme,
                    hint: "write file:\(host)\(url.path?.literal ?? "") for a path")
            }
            return url.path.map { ["path": $0] } ?? [:]
        },
        makeConnector: { settings throws(SluiceError) in try FileConnector(settings) },
        makeWarehouse: nil)
}

/// Reads files: each is a unit of its own, and one that is loaded and has not changed since is left out.
struct FileConnector: Connector {
    let name: String
    var protocolName: String { "file" }
    /// The folder that patterns start from, with a slash at its end; empty for where the process runs.
    private let base: String
    /// What is read when a job names no files: all that the path stands for.
    private let standardPatterns: [String]

    init(_ settings: ConnectionSettings) throws(SluiceError) {
        if settings.values["path"] != nil, settings.text("path") == nil {
            throw SluiceError(
                .invalidConfiguration, "the path of the connection \"\(settings.name)\" is a secret",
                hint: "write it out, or use ${env.NAME}")
        }
        let path = settings.path("path") ?? settings.anchored(".")
        name = settings.name
        if let facts = FileFacts(path: path) {
            if facts.isFolder {
                base = path.hasSuffix("/") ? path : path + "/"
                standardPatterns = FileConnector.everyFormat
            } else {
                base = FileConnector.folder(of: path)
                standardPatterns = [Glob.literal(String(path.dropFirst(base.count)))]
            }
        } else if Glob.isPattern(path) {
            // Up to the last slash before the first wildcard.
            let first = path.firstIndex { "*?[{".contains($0) } ?? path.endIndex
            base = FileConnector.folder(of: String(path[..<first]))
            standardPatterns = [String(path.dropFirst(base.count))]
        } else {
            base = path.hasSuffix("/") ? path : path + "/"
            standardPatterns = FileConnector.everyFormat
        }
    }

    /// Patterns for all files that can be read, by their endings.
    private static let everyFormat = FileFormat.allCases.flatMap(\.fileExtensions).map {
        "*.\($0){,.gz,.gzip,.zst,.zstd}"
    }

    /// `path` up to its last slash.
    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    func check() async throws(SluiceError) -> String {
        let folder = base.isEmpty ? "." : base
        guard try FileFacts(of: folder).isFolder else {
            throw SluiceError(.notFound, "is not a folder", place: .init(file: folder))
        }
        if access(folder, R_OK | X_OK) != 0 {
            throw SluiceError(
                .permission, "the folder cannot be listed: \(String(cString: strerror(errno)).lowercased())",
                place: .init(file: folder), hint: "check its permissions with: ls -ld '\(folder)'")
        }
        let count = try paths(of: standardPatterns).count
        return "\(count) \(count == 1 ? "file" : "files")"
    }

    func discover() async throws(SluiceError) -> [SourceTable] {
        var tables: [SourceTable] = []
        for path in try paths(of: standardPatterns) {
            let table = try await FileTable(try Storage.open(path), options: FileReadPlan.standardOptions)
            if let parquet = try await table.parquetFile() {
                tables.append(
                    SourceTable(name: relative(path), schema: parquet.schema, rows: Int(parquet.metadata.rowCount)))
                continue
            }
            do {
                let reader = try await table.open(under: nil, columns: nil)
                tables.append(SourceTable(name: relative(path), schema: reader.schema))
            } catch let error as SluiceError {
                throw error
            } catch {
                throw SluiceError(.inputOutput, "\(error)", place: .init(file: path))
            }
        }
        return tables
    }

    func read(_ request: ReadRequest) async throws(SluiceError) -> any SourceRead {
        let plan = try FileReadPlan(request, connection: name)
        let patterns: [String]
        switch request.selection {
        case .files(let given): patterns = given.isEmpty ? standardPatterns : given
        case .table(let name): patterns = [name]
        case .query:
            throw SluiceError(
                .invalidConfiguration, "files cannot be queried", place: .init(file: name),
                hint: "name the files with a pattern, such as orders-*.csv")
        }
        var units: [any SourceUnit] = []
        var known = 0
        for path in try paths(of: patterns) {
            let unit = FileUnit(path: path, name: relative(path), plan: plan)
            if let loaded = request.known[unit.name], try await unit.isUnchanged(since: loaded) {
                known += 1
            } else {
                units.append(unit)
            }
        }
        return FileRead(units: units, knownUnits: known)
    }

    /// The files that fit `patterns`, each once, sorted.
    private func paths(of patterns: [String]) throws(SluiceError) -> [String] {
        var found: Set<String> = []
        for pattern in patterns {
            let path = pattern.hasPrefix("/") ? pattern : base + pattern
            if let facts = FileFacts(path: path) {
                if facts.isFolder {
                    throw SluiceError(
                        .notFound, "is a folder, not a file", place: .init(file: path),
                        hint: "name the files in it, for example '\(pattern)/*.csv'")
                }
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

    /// What a file is called in the ledger: its path from the base folder on, so that a project can be moved.
    private func relative(_ path: String) -> String {
        !base.isEmpty && path.hasPrefix(base) ? String(path.dropFirst(base.count)) : path
    }
}

/// Some files, listed at one moment.
final class FileRead: SourceRead {
    let units: [any SourceUnit]
    let knownUnits: Int
    var key: [String] { [] }

    init(units: [any SourceUnit], knownUnits: Int) {
        self.units = units
        self.knownUnits = knownUnits
    }

    func close() async {}
}
