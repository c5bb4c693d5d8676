import Azure
import Settings
import Support

/// Where the jobs of a project stand on Container Apps. What is not written follows from the names of project and environment.
struct ContainerAppsSettings: Sendable {
    /// The subscription's id.
    let subscription: String
    /// The resource group of the jobs.
    let group: String
    /// The Container Apps environment.
    let environment: AzureResourceID
    /// The identity that jobs sign in with, and that pulls their images and reads their secrets.
    let identity: AzureResourceID
    /// Its client id, when that is written.
    let clientID: String?
    /// The region, when that is written.
    let location: String?
    /// The profile whose machines jobs run on.
    let profile: String?
    /// The vault of secrets whose vault is not written.
    let vault: String?
    /// A mark behind the names of jobs.
    let uniqueID: String?
    /// Who pulls images from a registry that is not Azure's, and the secret that the password is.
    let registryUser: String?
    let registrySecret: String?
    /// Tags of all jobs.
    let tags: [String: String]

    /// The keys of a platform of this type.
    static let keys = [
        KeyShape("subscription", .text, "The subscription's id", standard: "AZURE_SUBSCRIPTION_ID of the environment"),
        KeyShape("resource_group", .text, "The resource group of the jobs", standard: "named PROJECT-rg-ENVIRONMENT"),
        KeyShape(
            "environment", .text, "The Container Apps environment: its name, or its whole resource id",
            standard: "named PROJECT-cae-ENVIRONMENT"),
        KeyShape(
            "identity", .text, "The user-assigned identity that jobs sign in with: its name, or its whole resource id",
            standard: "named PROJECT-identity-ENVIRONMENT"),
        KeyShape("client_id", .text, "The identity's client id", standard: "what Azure says"),
        KeyShape("location", .text, "The region", standard: "that of the Container Apps environment"),
        KeyShape("image", .text, "The image that jobs run from: registry/repository:tag"),
        PlatformSite.packagesKey,
        KeyShape("registry_username", .text, "Who pulls images from a registry that is not Azure's"),
        KeyShape("registry_secret", .text, "The secret of Key Vault that is that user's password"),
        KeyShape(
            "vault", .text, "The Key Vault of secrets without one", standard: "azure.vault, else PROJECT-kv-ENVIRONMENT"
        ),
        KeyShape("workload_profile", .text, "The profile whose machines jobs run on", standard: "Consumption"),
        KeyShape("unique_id", .text, "Names jobs JOB-UNIQUE_ID instead of PROJECT-JOB-ENVIRONMENT"),
        KeyShape("tags", .map(.text, of: "texts"), "Tags of all jobs"),
    ]

    init(_ site: PlatformSite) throws(SluiceError) {
        func text(_ key: String) -> String? { site.section?.text(key) }
        func value(_ key: String, variable: String? = nil, middle: String? = nil) throws(SluiceError) -> String {
            if let written = text(key) ?? variable.flatMap({ site.variables[$0] }), !written.isEmpty { return written }
            if let middle, let environment = site.environment { return "\(site.project)-\(middle)-\(environment)" }
            throw SluiceError(
                .invalidConfiguration, "the platform \"\(site.name)\" does not say its \(key)",
                hint: "write \(key) under platforms.\(site.name)"
                    + (variable.map { ", or set \($0)" } ?? ", or choose an environment: --environment NAME"))
        }
        let name = site.name
        subscription = try value("subscription", variable: "AZURE_SUBSCRIPTION_ID")
        try AzureResourceID.check(subscription, "platforms.\(name).subscription")
        group = try value("resource_group", middle: "rg")
        try AzureResourceID.check(group, "platforms.\(name).resource_group")
        let (subscription, group) = (subscription, group)
        func resource(_ key: String, _ middle: String, _ provider: String, _ type: String) throws(SluiceError)
            -> AzureResourceID
        {
            let word = try value(key, middle: middle)
            if word.hasPrefix("/") {
                guard let id = AzureResourceID(word), id.type.lowercased() == type.lowercased() else {
                    throw SluiceError(
                        .invalidConfiguration,
                        "platforms.\(name).\(key) is \"\(word)\", which is no id of a resource of \(provider)/\(type)",
                        hint: "write its name when it is in the resource group \(group)")
                }
                return id
            }
            try AzureResourceID.check(word, "platforms.\(name).\(key)")
            return AzureResourceID(subscription: subscription, group: group, provider: provider, path: [type, word])
        }
        environment = try resource("environment", "cae", "Microsoft.App", "managedEnvironments")
        identity = try resource("identity", "identity", "Microsoft.ManagedIdentity", "userAssignedIdentities")
        clientID = text("client_id")
        location = text("location")
        profile = text("workload_profile")
        vault = text("vault") ?? (site.environment.map { "\(site.project)-kv-\($0)" })
        uniqueID = text("unique_id")
        registryUser = text("registry_username")
        registrySecret = text("registry_secret")
        tags = site.section?.section("tags")?.textsByName ?? [:]
        if (registryUser == nil) != (registrySecret == nil) {
            throw SluiceError(
                .invalidConfiguration,
                "platforms.\(name) has a registry's user without a secret, or a secret without a user",
                hint: "write registry_username and registry_secret")
        }
    }

    /// The whole name of a job.
    func job(_ name: String) -> AzureResourceID {
        AzureResourceID(subscription: subscription, group: group, provider: "Microsoft.App", path: ["jobs", name])
    }

    /// Where all jobs are listed.
    var jobs: String { "/subscriptions/\(subscription)/resourceGroups/\(group)/providers/Microsoft.App/jobs" }
}
