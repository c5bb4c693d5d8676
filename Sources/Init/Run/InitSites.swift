public import Connectors
public import Runs
import Settings
public import Support
public import Warehouse

/// What steps reach for: the connections, secrets and folders of the project that the job is part of.
public struct InitSites: Sendable {
    /// The settings of a connection; nil means the warehouse.
    public var settings: @Sendable (String?) async throws(SluiceError) -> ConnectionSettings
    /// A connection as a database that rows end in.
    public var warehouse: @Sendable (String?) async throws(SluiceError) -> any Warehouse
    /// Where secrets are looked up, late.
    public var secrets: any SecretSource
    /// Loads files into a table, or says what that would do.
    public var seeder: any Seeder
    /// The folder that relative paths start from.
    public var folder: String
    /// The folder of what is kept beside the project.
    public var stateFolder: String
    /// The environment variables that programs are started with.
    public var environment: [String: String]

    /// All of them.
    public init(
        settings: @escaping @Sendable (String?) async throws(SluiceError) -> ConnectionSettings,
        warehouse: @escaping @Sendable (String?) async throws(SluiceError) -> any Warehouse,
        secrets: any SecretSource, seeder: any Seeder, folder: String, stateFolder: String,
        environment: [String: String]
    ) {
        self.settings = settings
        self.warehouse = warehouse
        self.secrets = secrets
        self.seeder = seeder
        self.folder = folder
        self.stateFolder = stateFolder
        self.environment = environment
    }

    /// `path` from the project's folder on, unless it is absolute.
    func anchored(_ path: String) -> String {
        var path = path
        while path.hasPrefix("./") { path.removeFirst(2) }
        if path.isEmpty || path == "." { return folder }
        return path.hasPrefix("/") || folder.isEmpty || folder == "." ? path : "\(folder)/\(path)"
    }
}

/// Loads files into tables: whoever brings rows from sources into warehouses.
public protocol Seeder: Sendable {
    /// What loading would do.
    func look(_ seed: Seed) async throws(SluiceError) -> SeedState
    /// Loads what is new.
    ///
    /// - returns: What was done, as a sentence.
    func load(_ seed: Seed, monitor: RunMonitor) async throws(SluiceError) -> String
}

/// Files that are to be in a table.
public struct Seed: Sendable {
    /// By which its ledger is found: `project.job.step`.
    public var pipeline: String
    /// What is to be loaded, and how.
    public var step: SeedStep
    /// The connection of the table; nil for the warehouse.
    public var database: String?
    /// The run that loads.
    public var run: String
}

/// How files and their table stand.
public struct SeedState: Sendable {
    /// The files that are not loaded, or have changed since.
    public var files: [String]
    /// How many files are loaded.
    public var known: Int
    /// What would be changed about the table.
    public var changes: [String]

    /// How they stand.
    public init(files: [String], known: Int, changes: [String]) {
        self.files = files
        self.known = known
        self.changes = changes
    }
}
