import HTTPServer
import Support

/// Finds out whose a request is: by the host that it names, or by its path where the host is just this machine.
enum Addresses {
    /// The vault that local addresses mean.
    static let defaultVault = "devvault"

    /// The registry that local addresses mean.
    static let defaultRegistry = "devregistry"

    /// What local addresses mean of services that have accounts and name none in their paths.
    private static let defaultAccounts: [EmulatedEndpoint: String] = [
        .vault: defaultVault, .registry: defaultRegistry, .batch: BatchService.defaultAccount,
    ]

    /// Hosts that give out tokens, in all clouds.
    static let loginHosts: Set<String> = [
        "login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.windows.net",
        "login.partner.microsoftonline.cn", "login.microsoft.com", "sts.windows.net",
    ]

    /// - parameter isQueuePort: Whether it came to the port on which paths mean queues.
    /// Hosts of Azure Resource Manager, in all clouds.
    static let managementHosts: Set<String> = [
        "management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn", "management.localhost",
    ]

    static func read(_ request: ServerRequest, id: String, isQueuePort: Bool) -> EmulatedRequest {
        let host = request.host.lowercased()
        let scheme = request.isSecure ? "https" : "http"
        let found = byHost(withoutPort(host))
        if let (endpoint, account) = found {
            // A client whose connections are led here still means the URL that Azure has.
            let isOfficial = !host.contains(":") && !host.hasSuffix(".localhost") && endpoint != .metadata
            return EmulatedRequest(
                server: request, id: id, now: .now, endpoint: endpoint, account: account, path: request.path,
                baseURL: "\(isOfficial ? "https" : scheme)://\(host)", isPathStyle: false)
        }
        if let endpoint = byPath(request.path) {
            return EmulatedRequest(
                server: request, id: id, now: .now, endpoint: endpoint,
                account: defaultAccounts[endpoint] ?? "",
                path: request.path, baseURL: "\(scheme)://\(host)",
                isPathStyle: true)
        }
        let rest = request.path.dropFirst()
        let account = rest.prefix { $0 != "/" }
        let path = rest.dropFirst(account.count)
        return EmulatedRequest(
            server: request, id: id, now: .now, endpoint: isQueuePort ? .queue : .storage,
            account: withoutSecondary(String(account).percentDecoded() ?? ""), path: path.isEmpty ? "/" : String(path),
            baseURL: "\(scheme)://\(host)/\(account)", isPathStyle: true)
    }

    private static func withoutPort(_ host: String) -> String {
        if host.hasPrefix("[") { return String(host.prefix { $0 != "]" }.dropFirst()) }
        return String(host.prefix { $0 != ":" })
    }

    /// The endpoint that a host's name stands for; nil for this machine's own names and addresses.
    private static func byHost(_ host: String) -> (EmulatedEndpoint, String)? {
        if host == "169.254.169.254" { return (.metadata, "") }
        if loginHosts.contains(host) { return (.login, "") }
        if managementHosts.contains(host) { return (.management, "") }
        if host.split(separator: ".").dropFirst().first == "azurecontainerapps" { return (.containerLogs, "") }
        if host.hasPrefix("api.loganalytics.") { return (.logQueries, "") }
        let labels = host.split(separator: ".").map(String.init)
        guard labels.count > 1, labels.contains(where: { $0.contains { $0.isLetter } }) else { return nil }
        for (index, label) in labels.enumerated() where index > 0 {
            // Every region of OneLake shows the same account.
            let account = host.hasSuffix(".fabric.microsoft.com") ? "onelake" : withoutSecondary(labels[0])
            switch label {
            case "blob": return (.blob, account)
            case "dfs": return (.dfs, account)
            case "queue": return (.queue, account)
            case "vault": return (.vault, labels[0])
            case "azurecr": return (.registry, labels[0])
            case "batch": return (.batch, labels[0])
            default: continue
            }
        }
        return labels.last == "localhost" ? nil : (.other, "")
    }

    private static func withoutSecondary(_ account: String) -> String {
        account.hasSuffix("-secondary") ? String(account.dropLast("-secondary".count)) : account
    }

    /// The endpoint that a path stands for on this machine's own address; nil when it begins with an account.
    private static func byPath(_ path: String) -> EmulatedEndpoint? {
        let parts = path.split(separator: "/").map(String.init)
        guard let first = parts.first else { return .other }
        switch first {
        case "metadata" where parts.count > 1 && ["identity", "instance"].contains(parts[1]): return .metadata
        case "msi" where parts.count == 2 && parts[1] == "token": return .metadata
        case "secrets", "deletedsecrets": return .vault
        // A job's logs lie where its resource does, but for the provider.
        case "subscriptions":
            return parts.count > 6 && parts[4] == "jobs" && parts.last == "logstream" ? .containerLogs : .management
        case "v1" where parts.count == 4 && parts[1] == "workspaces": return .logQueries
        case "v2": return .registry
        case "pools", "jobs", "nodecounts", "supportedimages", "jobschedules", "applications": return .batch
        case "acr" where parts.count > 2 && parts[1] == "v1": return .registry
        case "oauth2" where parts.count == 2 && ["exchange", "token"].contains(parts[1]): return .registry
        default: break
        }
        guard parts.count >= 3 else { return nil }
        switch parts[1] {
        case "oauth2" where parts.last == "token" || parts.last == "authorize": return .login
        case "v2.0" where parts[2] == ".well-known": return .login
        case ".well-known", "discovery": return .login
        default: return nil
        }
    }
}
