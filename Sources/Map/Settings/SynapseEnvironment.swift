import LakeTables
public import Support

/// The environment variables that `synapse-map-tables.py` was started with, and what they mean for a mapping.
///
/// In a project they are what holds where a job says nothing else. Without one, they are a job of their own, which does what
/// the script did.
public struct SynapseEnvironment: Sendable {
    private let values: [String: String]

    /// What the script did not start without.
    public static let required = [
        "STORAGE_ACCOUNT", "CONTAINER_OUTPUT", "STORAGE_CONNECTION_STRING", "SYNAPSE_SERVER", "SYNAPSE_PASSWORD",
        "MASTER_KEY_PASSWORD",
    ]

    /// What `environment` says. Its secrets are never shown from now on.
    public init(_ environment: [String: String]) {
        values = environment
        for name in ["SYNAPSE_PASSWORD", "MASTER_KEY_PASSWORD", "STORAGE_CONNECTION_STRING"] {
            if let secret = value(name) { Redactor.shared.protect(secret) }
        }
    }

    private func value(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// Whether any variable of the contract is there.
    public var isPresent: Bool { SynapseEnvironment.required.contains { value($0) != nil } }

    /// The password with which a master key is made.
    public var masterKey: String? { value("MASTER_KEY_PASSWORD") }

    /// Where tables lie.
    public var lake: String? { container("CONTAINER_OUTPUT") }

    private func container(_ name: String) -> String? {
        guard let account = value("STORAGE_ACCOUNT"), let container = value(name) else { return nil }
        return "abfss://\(container)@\(account).dfs.core.windows.net"
    }

    /// The server as `mssql` knows it; nil when none is named.
    public struct Server: Sendable {
        /// The serverless endpoint.
        public var host: String
        /// Its port; nil for the usual one.
        public var port: String?
        /// Who logs in; nil for the identity that the project has in Azure.
        public var username: String?
        /// The password: a secret.
        public var password: String?
    }

    /// The server, with who logs in.
    public var server: Server? {
        guard let text = value("SYNAPSE_SERVER") else { return nil }
        var rest = text.lowercased().hasPrefix("tcp:") ? text.dropFirst(4) : text[...]
        var port: String?
        if let mark = rest.lastIndex(where: { $0 == "," || $0 == ":" }) {
            port = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        let password = value("SYNAPSE_PASSWORD")
        return Server(
            host: SynapseEnvironment.serverless(String(rest)), port: port,
            username: password == nil ? value("SYNAPSE_USER") : value("SYNAPSE_USER") ?? "sqladminuser",
            password: password)
    }

    /// The serverless endpoint of a workspace, by its name or by any of its endpoints. Other hosts are what they are.
    public static func serverless(_ host: String) -> String {
        var labels = host.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let workspace = labels.first, !workspace.isEmpty, workspace.lowercased() != "localhost" else {
            return host
        }
        if labels.count == 1 {
            labels += ["sql", "azuresynapse", "net"]
        } else if labels.count < 3 || labels[1] != "sql" || labels[2] != "azuresynapse" {
            return host
        }
        if !workspace.lowercased().hasSuffix("-ondemand") { labels[0] = workspace + "-ondemand" }
        return labels.joined(separator: ".")
    }

    /// Puts what the environment says where `job` says nothing.
    public func complete(_ job: inout MapJob) {
        guard job.dialect == .synapse else { return }
        if job.connection == nil, job.out == nil, server != nil { job.usesEnvironmentServer = true }
        if job.database == nil {
            job.database = value("SYNAPSE_DATABASE") ?? (job.usesEnvironmentServer ? "parquetdatalake" : nil)
        }
    }

    /// The job that the script was.
    ///
    /// - throws: `SluiceError` that names every variable that is missing.
    public func job() throws(SluiceError) -> MapJob {
        let missing = SynapseEnvironment.required.filter { value($0) == nil }.map { "'\($0)'" }
        guard missing.isEmpty, let lake else {
            throw SluiceError(
                .invalidConfiguration,
                "Missing required environment variable\(missing.count > 1 ? "s" : ""): \(missing.joined(separator: ", "))",
                hint: "set them all, as for synapse-map-tables.py; or name a lake, or write a project: docs/map.md")
        }
        var job = MapJob(name: "synapse-map-tables")
        job.lake = lake
        job.layout = .pattern(
            try TablePattern("{device}/{message}/{yyyy}/{mm}/{dd}/*.parquet"), partitions: ["yyyy", "mm", "dd"])
        job.restrictions = ["device": String(repeating: "[0-9A-F]", count: 8)]
        job.template = "tbl_{device}_{message}"
        job.dialect = .synapse
        job.makesTables = true
        job.source = "ParquetDataLake"
        job.errors = lake + "/synapse-mapping-errors.txt"
        var devices = Lookup(
            try LookupTemplate("tbl_aggregations_devicemeta", key: "name"),
            columns: [
                .init(
                    "MetaName",
                    [
                        try LookupTemplate("{document.log_meta} ({device})", key: "MetaName"),
                        try LookupTemplate("{device}", key: "MetaName"),
                    ]), .init("DeviceId", [try LookupTemplate("{device}", key: "DeviceId")]),
            ], documents: try LookupTemplate("{device}/device.json", key: "documents"))
        devices.lake = container("CONTAINER_INPUT")
        let messages = Lookup(
            try LookupTemplate("tbl_{device}_messages", key: "name"),
            columns: [.init("MessageName", [try LookupTemplate("{message}", key: "MessageName")])])
        job.lookups = [devices, messages]
        complete(&job)
        return job
    }
}
