import Columns
import Parquet
import Settings
import Storage
import Support
import Tables
import Warehouse

extension ConnectorRegistry.Entry {
    /// Files on this machine, or in a store.
    static let file = ConnectorRegistry.Entry(
        name: "file", aliases: ["files"],
        summary:
            "CSV, TSV, JSON, NDJSON and Parquet files on this machine or in a store, packed with gzip or Zstandard or not",
        keys: [
            KeyShape(
                "path", .text,
                "The folder that a job's patterns start from; or one file, or a pattern of files; a path, or a store's URL such as "
                    + "abfss://container@account.dfs.core.windows.net/folder",
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
    private let site: FileSite

    init(_ settings: ConnectionSettings) throws(SluiceError) {
        if settings.values["path"] != nil, settings.text("path") == nil {
            throw SluiceError(
                .invalidConfiguration, "the path of the connection \"\(settings.name)\" is a secret",
                hint: "write it out, or use ${env.NAME}")
        }
        name = settings.name
        let path = settings.text("path") ?? "."
        site = FileSite(try settings.place(path))
    }

    func check() async throws(SluiceError) -> String {
        try await site.check()
        let count = try await site.files(site.standardPatterns).count
        return "\(count) \(count == 1 ? "file" : "files")"
    }

    func discover() async throws(SluiceError) -> [SourceTable] {
        var tables: [SourceTable] = []
        for file in try await site.files(site.standardPatterns) {
            let table = try await FileTable(try await file.place.open(), options: FileReadPlan.standardOptions)
            if let parquet = try await table.parquetFile() {
                tables.append(
                    SourceTable(name: file.name, schema: parquet.schema, rows: Int(parquet.metadata.rowCount)))
                continue
            }
            do {
                let reader = try await table.open(under: nil, columns: nil)
                tables.append(SourceTable(name: file.name, schema: reader.schema))
            } catch let error as SluiceError {
                throw error
            } catch {
                throw SluiceError(.inputOutput, "\(error)", place: .init(file: file.place.name))
            }
        }
        return tables
    }

    func read(_ request: ReadRequest) async throws(SluiceError) -> any SourceRead {
        let plan = try FileReadPlan(request, connection: name)
        let patterns: [String]
        switch request.selection {
        case .files(let given): patterns = given.isEmpty ? site.standardPatterns : given
        case .table(let name): patterns = [name]
        case .query:
            throw SluiceError(
                .invalidConfiguration, "files cannot be queried", place: .init(file: name),
                hint: "name the files with a pattern, such as orders-*.csv")
        }
        var units: [any SourceUnit] = []
        var known = 0
        for file in try await site.files(patterns) {
            let unit = FileUnit(file, plan: plan)
            if let loaded = request.known[unit.name], try await unit.isUnchanged(since: loaded) {
                known += 1
            } else {
                units.append(unit)
            }
        }
        return FileRead(units: units, knownUnits: known)
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
