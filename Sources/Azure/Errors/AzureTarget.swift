import Support
import Transport

/// What a request is about, for a message: a container on an account, a secret in a vault.
struct AzureTarget {
    enum Kind {
        case storage
        case queue
        case oneLake
        case vault
        case other
    }

    let kind: Kind
    let host: String
    /// The account's, vault's or workspace's name.
    let name: String
    /// The container, queue, file system, or the secret.
    let part: String
    /// The path in the container.
    let path: String
    let method: HTTPMethod
    let isListing: Bool

    init(_ request: HTTPRequest, settings: AzureSettings) {
        let url = request.url
        host = url.host
        method = request.method
        var segments = url.path.split(separator: "/").map { $0.removingPercentEncoding }
        let first = host.split(separator: ".").first.map(String.init) ?? host
        let service = request.service ?? ""
        if host.hasSuffix(settings.cloud.vaultSuffix) || service == "keyvault" {
            kind = .vault
            name = host.hasSuffix(settings.cloud.vaultSuffix) ? first : url.origin
            part = segments.count > 1 ? segments[1] : ""
            path = ""
        } else if let suffix = settings.cloud.oneLakeSuffix, host.hasSuffix(suffix),
            first.hasSuffix("onelake")
        {
            kind = .oneLake
            name = segments.first ?? "onelake"
            part = segments.first ?? ""
            path = segments.dropFirst().joined(separator: "/")
        } else if host.hasSuffix(settings.cloud.storageSuffix)
            || ["blob", "dfs", "queue"].contains(service)
        {
            let isHost = host.hasSuffix(settings.cloud.storageSuffix)
            kind = service == "queue" || host.contains(".queue.") ? .queue : .storage
            // An emulator's paths begin with the account.
            name = isHost ? first : segments.isEmpty ? host : segments.removeFirst()
            part = segments.first ?? ""
            path = segments.dropFirst().joined(separator: "/")
        } else {
            kind = .other
            name = host
            part = ""
            path = url.path
        }
        let query = url.queryItems
        isListing =
            query.contains {
                ($0.name == "comp" && $0.value == "list")
                    || ($0.name == "resource" && $0.value == "filesystem")
            }
            && method == .get || (kind == .vault && method == .get && part.isEmpty)
    }

    private var reads: Bool { method == .get || method == .head }

    /// What was to be done, as the beginning of a sentence: `reading raw/a.csv on the storage account lake1`.
    var sentence: String {
        let verb =
            isListing ? "listing" : reads ? "reading" : method == .delete ? "deleting" : "writing"
        switch kind {
        case .vault:
            return part.isEmpty
                ? "\(verb) the secrets of \(place)" : "\(verb) the secret \"\(part)\" in \(place)"
        case .other: return "\(method) of \(host)\(path)"
        default:
            let what = [part, path].filter { !$0.isEmpty }.joined(separator: "/")
            return what.isEmpty ? "\(verb) \(place)" : "\(verb) \(what) on \(place)"
        }
    }

    /// `the storage account lake1`
    var place: String {
        switch kind {
        case .storage, .queue: "the storage account \(name)"
        case .oneLake: "the OneLake workspace \(name)"
        case .vault: "the Key Vault \(name)"
        case .other: host
        }
    }

    /// The role that permits it.
    var role: String? {
        switch kind {
        case .storage: reads ? "Storage Blob Data Reader" : "Storage Blob Data Contributor"
        case .queue: "Storage Queue Data Contributor"
        case .vault: reads ? "Key Vault Secrets User" : "Key Vault Secrets Officer"
        case .oneLake, .other: nil
        }
    }

    /// The command that prints the id of what a role is assigned on.
    var scopeCommand: String {
        kind == .vault
            ? "az keyvault show --name \(name) --query id --output tsv"
            : "az storage account show --name \(name) --query id --output tsv"
    }
}

extension Substring {
    /// The text that it encodes, or itself when it does not decode.
    fileprivate var removingPercentEncoding: String { String(self).percentDecoded() ?? String(self) }
}
