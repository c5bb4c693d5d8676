public import HTTPServer
public import Support

/// A request, with whose it is: the account or vault, the path there, and who asks.
public struct EmulatedRequest: Sendable {
    /// The request as it came in.
    public var server: ServerRequest
    /// The id that its answer has in `x-ms-request-id`.
    public let id: String
    /// When it came in.
    public let now: Moment
    /// Which service its address belongs to.
    public let endpoint: EmulatedEndpoint
    /// The storage account or the vault; empty where the address names none.
    public let account: String
    /// The path without the account, percent-encoded as it was sent; begins with a slash.
    public let path: String
    /// What the caller's URLs begin with: `https://shop.blob.core.windows.net`, `http://127.0.0.1:10000/shop`.
    public let baseURL: String
    /// Whether the account stands in the path, as official clients have it with local endpoints.
    public let isPathStyle: Bool
    /// Who asks, once that is known.
    public var caller: Caller = .anonymous

    /// The URL that the caller would have used with Azure itself, whatever address it came to: what traces say.
    ///
    /// - parameter service: The service that answers it, for addresses that Blob and Data Lake share.
    public func officialURL(service: String) -> String {
        let query = server.rawQuery.isEmpty ? "" : "?" + server.rawQuery
        let host = String(server.host.prefix { $0 != ":" })
        switch endpoint {
        case .blob, .dfs, .queue, .storage:
            if !isPathStyle { return "https://\(host)\(path)\(query)" }
            return "https://\(account).\(service).core.windows.net\(path)\(query)"
        case .vault: return "https://\(account).vault.azure.net\(path)\(query)"
        case .registry: return "https://\(account).azurecr.io\(path)\(query)"
        case .batch:
            return isPathStyle
                ? "https://\(account).westeurope.batch.azure.com\(path)\(query)" : "https://\(host)\(path)\(query)"
        case .login: return "https://login.microsoftonline.com\(path)\(query)"
        case .metadata: return "http://169.254.169.254\(path)\(query)"
        case .management: return "https://management.azure.com\(path)\(query)"
        case .containerLogs: return "https://westeurope.azurecontainerapps.dev\(path)\(query)"
        case .logQueries: return "https://api.loganalytics.io\(path)\(query)"
        case .other: return "https://\(host)\(path)\(query)"
        }
    }
}

/// Which service an address belongs to.
public enum EmulatedEndpoint: Sendable, Equatable {
    /// Blob, by its host.
    case blob
    /// Data Lake, by its host.
    case dfs
    /// Blob or Data Lake: both have this address, and the request itself tells which.
    case storage
    /// Queues.
    case queue
    /// A key vault.
    case vault
    /// A container registry.
    case registry
    /// A Batch account.
    case batch
    /// Where tokens come from.
    case login
    /// Where a machine asks who it is.
    case metadata
    /// Azure Resource Manager.
    case management
    /// Where logs of Container Apps are streamed from.
    case containerLogs
    /// Queries of Log Analytics.
    case logQueries
    /// Another host's: a service that is plugged in may know it.
    case other
}

/// Who asks.
public enum Caller: Sendable {
    /// Nobody said.
    case anonymous
    /// Whoever has the account's key.
    case accountKey
    /// Whoever was given a signed URL.
    case sharedAccessSignature
    /// Somebody with a token.
    case identity(objectID: String, clientID: String, tenant: String)
}
