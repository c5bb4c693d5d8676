public import Support

/// One of Microsoft's clouds: where its services are, and what tokens for them are called.
///
///     let cloud = try AzureCloud.named("usgov")
///     cloud.storageHost("lake1", .dfs)  // lake1.dfs.core.usgovcloudapi.net
public struct AzureCloud: Sendable, Equatable {
    /// Its name, as settings have it: `public`, `usgovernment`, `china`.
    public let name: String
    /// Who issues tokens.
    public let authority: WebAddress
    /// What storage hosts end in: `core.windows.net`.
    public let storageSuffix: String
    /// What vaults' hosts end in: `vault.azure.net`.
    public let vaultSuffix: String
    /// Azure Resource Manager.
    public let management: WebAddress
    /// What Synapse workspaces' hosts end in: `dev.azuresynapse.net`.
    public let synapseSuffix: String
    /// What the SQL endpoints of Synapse workspaces end in.
    public let synapseSQLSuffix: String
    /// What Azure SQL servers' hosts end in.
    public let sqlSuffix: String
    /// What Batch accounts' hosts end in, behind their region.
    public let batchSuffix: String
    /// What tokens for Batch are made out to. The slash at its end belongs to it.
    public let batchAudience: String
    /// Log Analytics, for queries.
    public let logAnalytics: WebAddress
    /// What tokens for sending logs are made out to.
    public let monitorAudience: String
    /// What container registries' hosts end in.
    public let registrySuffix: String
    /// What Service Bus namespaces' hosts end in.
    public let serviceBusSuffix: String
    /// Microsoft Fabric; nil where there is none.
    public let fabric: WebAddress?
    /// What OneLake's hosts end in; nil where there is none.
    public let oneLakeSuffix: String?
    /// Other words for it.
    private let aliases: [String]

    /// A storage account's services.
    public enum StorageService: String, Sendable {
        /// Blobs.
        case blob
        /// Files in folders, on hierarchical accounts: ADLS Gen2.
        case dfs
        /// Queues.
        case queue
    }

    /// The host of a storage account's service.
    public func storageHost(_ account: String, _ service: StorageService) -> String {
        "\(account).\(service.rawValue).\(storageSuffix)"
    }

    /// What the hosts of Container Apps end in, behind their region.
    public var containerAppsSuffix: String {
        switch name {
        case "usgovernment": "azurecontainerapps.us"
        case "china": "azurecontainerapps.cn"
        default: "azurecontainerapps.dev"
        }
    }

    /// What a token for storage is for; the same in every cloud.
    public var storageScope: String { "https://storage.azure.com/.default" }
    /// What a token for Key Vault is for.
    public var vaultScope: String { "https://\(vaultSuffix)/.default" }
    /// What a token for Azure Resource Manager is for.
    public var managementScope: String { "\(management.origin)/.default" }
    /// What a token for Synapse workspaces is for.
    public var synapseScope: String { "https://\(synapseSuffix)/.default" }
    /// What a token for Azure SQL and the SQL endpoints of Synapse and Fabric is for.
    public var sqlScope: String { "https://\(sqlSuffix)/.default" }
    /// What a token for Azure's PostgreSQL and MySQL servers is for.
    public var openDatabaseScope: String { "https://ossrdbms-aad.\(sqlSuffix)/.default" }
    /// What a token for Batch is for. The two slashes are meant: the token's audience ends in one.
    public var batchScope: String { "\(batchAudience)/.default" }
    /// What a token for queries to Log Analytics is for.
    public var logAnalyticsScope: String { "\(logAnalytics.origin)/.default" }
    /// What a token for sending logs is for.
    public var monitorScope: String { "\(monitorAudience)/.default" }

    /// What a token for Fabric is for.
    ///
    /// - throws: `SluiceError` in a cloud without Fabric.
    public func fabricScope() throws(SluiceError) -> String {
        "\(try fabricEndpoint().origin)/.default"
    }

    /// Where Fabric is.
    ///
    /// - throws: `SluiceError` in a cloud without Fabric.
    public func fabricEndpoint() throws(SluiceError) -> WebAddress {
        if let fabric { return fabric }
        throw SluiceError(
            .unsupported, "Microsoft Fabric is not in the cloud \"\(name)\"",
            hint: "it is in the cloud \"public\"")
    }

    /// The cloud called `name`: `public`, `usgovernment`, `china`, or another word that tools have for one of them.
    ///
    /// - throws: `SluiceError` that lists the names.
    public static func named(_ name: String) throws(SluiceError) -> AzureCloud {
        let letters = String(name.lowercased().filter { $0.isLetter || $0.isNumber })
        if let cloud = all.first(where: { $0.name == letters || $0.aliases.contains(letters) }) {
            return cloud
        }
        throw SluiceError(
            .invalidConfiguration, "there is no Azure cloud \"\(name)\"",
            hint: "there are \(all.map(\.name).joined(separator: ", "))")
    }

    /// All of them.
    public static let all = [publicCloud, usGovernment, china]

    /// Endings of all hosts of this cloud that the product may speak to, and whole names: what the emulator stands in for.
    public var hostPatterns: [String] {
        let suffixes =
            [
                storageSuffix, vaultSuffix, synapseSuffix, synapseSQLSuffix, sqlSuffix, batchSuffix,
                registrySuffix,
                serviceBusSuffix, containerAppsSuffix,
            ] + [oneLakeSuffix].compactMap { $0 }
        let hosts =
            [authority.host, management.host, logAnalytics.host] + [fabric?.host].compactMap { $0 }
        return suffixes.map { ".\($0)" } + hosts
    }

    /// Azure as most know it.
    public static let publicCloud = AzureCloud(
        name: "public", authority: "login.microsoftonline.com", storageSuffix: "core.windows.net",
        vaultSuffix: "vault.azure.net", management: "management.azure.com",
        synapseSuffix: "dev.azuresynapse.net",
        synapseSQLSuffix: "sql.azuresynapse.net", sqlSuffix: "database.windows.net",
        batchSuffix: "batch.azure.com",
        batchAudience: "https://batch.core.windows.net/", logAnalytics: "api.loganalytics.io",
        monitorAudience: "https://monitor.azure.com", registrySuffix: "azurecr.io",
        serviceBusSuffix: "servicebus.windows.net", fabric: "api.fabric.microsoft.com",
        oneLakeSuffix: "fabric.microsoft.com",
        aliases: [
            "azure", "azurepublic", "azurecloud", "azurepubliccloud", "commercial", "global",
            "publiccloud",
        ])

    /// Azure for the government of the United States.
    public static let usGovernment = AzureCloud(
        name: "usgovernment", authority: "login.microsoftonline.us",
        storageSuffix: "core.usgovcloudapi.net",
        vaultSuffix: "vault.usgovcloudapi.net", management: "management.usgovcloudapi.net",
        synapseSuffix: "dev.azuresynapse.usgovcloudapi.net",
        synapseSQLSuffix: "sql.azuresynapse.usgovcloudapi.net",
        sqlSuffix: "database.usgovcloudapi.net", batchSuffix: "batch.usgovcloudapi.net",
        batchAudience: "https://batch.core.usgovcloudapi.net/", logAnalytics: "api.loganalytics.us",
        monitorAudience: "https://monitor.azure.us", registrySuffix: "azurecr.us",
        serviceBusSuffix: "servicebus.usgovcloudapi.net", fabric: nil, oneLakeSuffix: nil,
        aliases: [
            "gov", "government", "usgov", "azuregov", "azuregovernment", "azureusgov",
            "azureusgovernment",
            "azureusgovernmentcloud", "usgovernmentcloud",
        ])

    /// Azure in China, which 21Vianet runs.
    public static let china = AzureCloud(
        name: "china", authority: "login.chinacloudapi.cn", storageSuffix: "core.chinacloudapi.cn",
        vaultSuffix: "vault.azure.cn", management: "management.chinacloudapi.cn",
        synapseSuffix: "dev.azuresynapse.azure.cn", synapseSQLSuffix: "sql.azuresynapse.azure.cn",
        sqlSuffix: "database.chinacloudapi.cn", batchSuffix: "batch.chinacloudapi.cn",
        batchAudience: "https://batch.chinacloudapi.cn/", logAnalytics: "api.loganalytics.azure.cn",
        monitorAudience: "https://monitor.azure.cn", registrySuffix: "azurecr.cn",
        serviceBusSuffix: "servicebus.chinacloudapi.cn", fabric: nil, oneLakeSuffix: nil,
        aliases: ["azurechina", "azurechinacloud", "chinacloud", "mooncake", "cn"])

    private init(
        name: String, authority: String, storageSuffix: String, vaultSuffix: String, management: String,
        synapseSuffix: String, synapseSQLSuffix: String, sqlSuffix: String, batchSuffix: String,
        batchAudience: String,
        logAnalytics: String, monitorAudience: String, registrySuffix: String, serviceBusSuffix: String,
        fabric: String?, oneLakeSuffix: String?, aliases: [String]
    ) {
        self.name = name
        self.authority = WebAddress(host: authority)
        self.storageSuffix = storageSuffix
        self.vaultSuffix = vaultSuffix
        self.management = WebAddress(host: management)
        self.synapseSuffix = synapseSuffix
        self.synapseSQLSuffix = synapseSQLSuffix
        self.sqlSuffix = sqlSuffix
        self.batchSuffix = batchSuffix
        self.batchAudience = batchAudience
        self.logAnalytics = WebAddress(host: logAnalytics)
        self.monitorAudience = monitorAudience
        self.registrySuffix = registrySuffix
        self.serviceBusSuffix = serviceBusSuffix
        self.fabric = fabric.map { WebAddress(host: $0) }
        self.oneLakeSuffix = oneLakeSuffix
        self.aliases = aliases
    }
}
