public import Azure
public import Connectors
public import Ingest
public import Platforms
public import Project
public import Report
import Settings
public import Storage
import Stores
public import Support
public import Warehouse

/// A project that is ready to work: its connections can be opened, its jobs can be run.
public struct Workspace: Sendable {
    /// What the user declared.
    public let project: Project
    /// The protocols that connections may have.
    public let registry: ConnectorRegistry
    /// Opens the stores that URLs name.
    public let stores: any StoreOpener
    /// Azure as the project sees it: settings, identity, requests. One for all that the project does.
    public let azure: AzureAccess
    /// Who is told what happens to the project's jobs on platforms.
    public let events = LifecycleEvents()
    let context: ConnectionContext
    /// Where the history of runs is, when it is not beside the project.
    private let stateHome: String?

    /// The workspace of `project`.
    ///
    /// - parameter environmentVariables: The process's environment, `.env` laid under it.
    /// - parameter stores: Opens the stores that URLs name; nil for those that the environment leads to.
    /// - parameter stateFolder: Where the history of runs is; nil for beside the project.
    public init(
        _ project: Project, environmentVariables: [String: String], registry: ConnectorRegistry = .standard,
        stores: (any StoreOpener)? = nil, stateFolder: String? = nil
    ) {
        self.project = project
        stateHome = stateFolder
        self.registry = registry
        let azure = AzureAccess(environment: environmentVariables, section: project.sections["azure"])
        self.azure = azure
        let stores =
            stores
            ?? StoresOnDemand { () throws(SluiceError) in
                let client = try azure.client()
                return try Stores(environment: environmentVariables, settings: client.settings, client: client)
            }
        self.stores = stores
        context = ConnectionContext(
            folder: project.folder, environment: environmentVariables,
            secrets: ProjectSecrets(azure, environment: environmentVariables), stores: stores,
            tokens: ProjectTokens(azure: azure))
    }

    /// The folder of what Sluice keeps beside the project: the history of runs and their logs.
    public var stateFolder: String {
        stateHome ?? (project.folder == "." ? ".sluice" : "\(project.folder)/.sluice")
    }

    // MARK: Connections

    /// The settings of the connection that `name` is, or describes when it is a URL or path.
    public func connection(_ name: String) async throws(SluiceError) -> ConnectionSettings {
        switch project.connections[name] {
        case .settings(let section): return try registry.settings(name: name, section: section, in: context)
        case .url(let url, _): return try await registry.settings(name: name, url: url, in: context)
        case nil:
            if name.contains(":") || name.contains("/") || name.contains(".") {
                return try await registry.settings(url: Scalar(name), in: context)
            }
            let names = project.connections.keys.sorted()
            throw SluiceError(
                .invalidConfiguration, "there is no connection \"\(name)\"",
                hint: nearestWord(to: name, among: names).map { "did you mean \"\($0)\"?" }
                    ?? (names.isEmpty
                        ? "a path is written ./\(name)"
                        : "declared: \(names.joined(separator: ", ")); a path is written ./\(name)"))
        }
    }

    /// The source of rows that `name` is, or describes when it is a URL or path.
    public func connector(_ name: String) async throws(SluiceError) -> any Connector {
        try registry.makeConnector(try await connection(name))
    }

    /// The settings of a connection that a file describes, or environment variables alone when there is none.
    public func connection(name: String, configFile: String?) throws(SluiceError) -> ConnectionSettings {
        try registry.settings(name: name, configFile: configFile, prefix: nil, in: context)
    }

    /// The database at `url`, or that the connection of this name is.
    public func warehouse(at url: String) async throws(SluiceError) -> any Warehouse {
        if project.connections[url] != nil { return try await registry.makeWarehouse(try await connection(url)) }
        return try await registry.makeWarehouse(
            try await registry.settings(name: "warehouse", url: Scalar(url), in: context))
    }

    /// The database that rows end in.
    public func warehouse() async throws(SluiceError) -> any Warehouse {
        try await registry.makeWarehouse(try await warehouseSettings())
    }

    /// The settings of the database that rows end in.
    public func warehouseSettings() async throws(SluiceError) -> ConnectionSettings {
        if let name = project.warehouseConnection { return try await connection(name) }
        switch project.warehouse {
        case .settings(let section): return try registry.settings(name: "warehouse", section: section, in: context)
        case .url(let url, _): return try await registry.settings(name: "warehouse", url: url, in: context)
        }
    }

    /// The settings of the connection that `url`, which may hold secrets, describes.
    func settings(url: Scalar) async throws(SluiceError) -> ConnectionSettings {
        try await registry.settings(url: url, in: context)
    }

    /// Where the project's secrets are looked up.
    var secrets: any SecretSource { context.secrets }

    /// The environment variables that the project is seen with.
    var environmentVariables: [String: String] { context.environment }

    /// Where staged files lie.
    public func lake() throws(SluiceError) -> any ObjectStore {
        guard let path = project.lake.literal else {
            throw SluiceError(.invalidConfiguration, "the lake's path holds a secret, and is shown in messages")
        }
        return try lake(path)
    }

    /// The folder or container that `path` is: a path from the project's folder on, or a store's URL.
    public func lake(_ path: String) throws(SluiceError) -> any ObjectStore {
        guard case .local(var local) = try stores.place(of: path) else { return try stores.store(at: path) }
        while local.hasPrefix("./") { local.removeFirst(2) }
        if let colon = local.firstIndex(of: ":"), local[..<colon].allSatisfy({ $0.isLetter || $0.isNumber }) {
            throw SluiceError(
                .unsupported, "there is no lake of kind \"\(local[..<colon])\"", place: .init(file: path),
                hint: "name a folder, or a container: abfss://container@account.dfs.core.windows.net/folder")
        }
        let isWhole = local.hasPrefix("/") || project.folder.isEmpty || project.folder == "."
        return FolderStore(isWhole ? local : "\(project.folder)/\(local)")
    }

    // MARK: Jobs

    /// The declared job called `name`.
    public func job(_ name: String) throws(SluiceError) -> Project.Job {
        if let job = project.job(name) { return job }
        let names = project.jobs.map(\.name)
        throw SluiceError(
            .invalidConfiguration, "there is no job \"\(name)\"",
            hint: nearestWord(to: name, among: names).map { "did you mean \"\($0)\"?" }
                ?? (names.isEmpty ? "the project declares none" : "declared: \(names.joined(separator: ", "))"))
    }

    /// What the report job called `name` does, and where its reports go.
    public func report(_ name: String) throws(SluiceError) -> (job: ReportJob, output: any ObjectStore) {
        let declared = try job(name)
        guard declared.kind == ReportKeys.kind else {
            throw SluiceError(.invalidConfiguration, "job \"\(name)\" is of kind \(declared.kind), not report")
        }
        let job = ReportJob(declared.settings, name: name, project: project.name, folder: project.folder)
        return (job, try lake(job.output))
    }

    /// What the ingest job called `name` does, and the source that it reads.
    public func ingest(_ name: String) async throws(SluiceError) -> (job: IngestJob, connector: any Connector) {
        let declared = try job(name)
        guard declared.kind == IngestKeys.kind else {
            throw SluiceError(.invalidConfiguration, "job \"\(name)\" is of kind \(declared.kind), not ingest")
        }
        let from = declared.settings.scalar("from") ?? Scalar("")
        let settings: ConnectionSettings
        var source = "source"
        if let text = from.literal {
            settings = try await connection(text)
            source = project.connections[text] == nil ? settings.protocolName : text
        } else {
            settings = try await registry.settings(url: from, in: context)
            source = settings.protocolName
        }
        return (
            try IngestJob(declared.settings, name: name, project: project.name, source: source),
            try registry.makeConnector(settings)
        )
    }
}
