import Connectors
import Ingest
import Init
import Map
import Project
import Report
import Storage
public import Support

/// What a job leaves on the machine that it runs on.
public struct LocalRemains: Sendable, Hashable {
    /// What it is: the lake, the warehouse, the reports.
    public var what: String
    /// Its path; from the project's folder on, when it is in there.
    public var path: String
    /// Whether it is in the project's folder.
    public var isInProject: Bool { !path.hasPrefix("/") }
}

extension Workspace {
    /// What the job called `name` leaves on the machine that it runs on, and nowhere else. Where a run's machine or folder goes
    /// with the run, it is lost.
    public func remains(of name: String) async throws(SluiceError) -> [LocalRemains] {
        let declared = try job(name)
        var remains: [LocalRemains] = []
        func add(_ what: String, _ text: String?) throws(SluiceError) {
            guard let text, text != Storage.standardName, case .local(var path) = try stores.place(of: text) else {
                return
            }
            while path.hasPrefix("./") { path.removeFirst(2) }
            let root = project.folder.hasSuffix("/") ? project.folder : "\(project.folder)/"
            if path.hasPrefix(root) { path.removeFirst(root.count) }
            let one = LocalRemains(what: what, path: path)
            if !remains.contains(one) { remains.append(one) }
        }
        func addDatabase(_ name: String? = nil) async throws(SluiceError) {
            let settings: ConnectionSettings
            if let name { settings = try await connection(name) } else { settings = try await warehouseSettings() }
            // A database that is a file; others are servers.
            guard settings.protocolName == "sqlite" else { return }
            try add(name.map { "the database \($0)" } ?? "the warehouse", settings.text("path"))
        }
        switch declared.kind {
        case IngestKeys.kind:
            try add("the lake", project.lake.literal)
            try await addDatabase()
        case ReportKeys.kind:
            try add("the reports", declared.settings.text("output"))
            if declared.settings.has("into") { try await addDatabase() }
        case MapKeys.kind: try add("the script", declared.settings.text("out"))
        case InitKeys.kind:
            let job = try setup(name)
            for entry in job.entries {
                switch entry.step {
                case .migrate: try await addDatabase(entry.database ?? job.database)
                case .seed:
                    try add("the lake", project.lake.literal)
                    try await addDatabase(entry.database ?? job.database)
                default: break
                }
            }
        default: break
        }
        return remains
    }

    /// Refuses to run the job called `name` in a folder that goes with the run, when it would leave something in it.
    public func refuseRemains(of name: String) async throws(SluiceError) {
        for one in try await remains(of: name) where one.isInProject {
            throw SluiceError(
                .invalidConfiguration,
                "job \"\(name)\" would leave \(one.what) in \(one.path), in the folder of its package, which goes with the run",
                hint: "name a container, az://account/container/path, or a server; or a path that begins with /")
        }
    }
}
