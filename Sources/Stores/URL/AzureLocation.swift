/// A place in Azure's storage: an account, a container in it, and a path in that.
public struct AzureLocation: Sendable, Hashable {
    /// The protocol by which the place is spoken to.
    public enum Dialect: String, Sendable {
        /// Blob: what every account understands.
        case blob
        /// Data Lake Storage Gen2: real folders, and files that are renamed in one step.
        case dfs
    }

    /// The protocol.
    public var dialect: Dialect
    /// The account; `onelake` for OneLake.
    public var account: String
    /// The host as it was written; nil where the cloud's suffix completes the account.
    public var host: String?
    /// For an emulator on this machine: `http://127.0.0.1:10000`. Its paths begin with the account.
    public var origin: String?
    /// The container (file system, OneLake workspace); empty when only the account is named.
    public var container: String
    /// The decoded path in the container, without slashes at either end.
    public var path: String
    /// Whether it was written with a slash at its end.
    public var endsWithSlash = false
    /// The shared access signature that was written behind `?`.
    public var signature: String?
    /// The scheme as it was written.
    public var scheme: String

    /// Whether this is OneLake, which takes Entra tokens only, and manages its two first levels itself.
    public var isOneLake: Bool { host.map { $0.hasSuffix(StoreHosts.oneLakeSuffix) } ?? false }

    /// The container's URL in the form that the user chose, without a signature and without a slash at its end.
    public var containerName: String {
        if let origin { return "\(origin)/\(account)/\(container)" }
        switch scheme {
        case "abfss", "abfs", "wasbs", "wasb": return "\(scheme)://\(container)@\(host ?? account)"
        case "az": return "az://\(account)/\(container)"
        default: return "\(scheme)://\(host ?? account)/\(container)"
        }
    }

    /// The URL in the form that the user chose, without a signature.
    public var name: String {
        path.isEmpty ? containerName : "\(containerName)/\(AzureLocation.written(path, in: scheme))"
    }

    /// A path as it has to be written in a URL of the form of `form` to mean itself: easy to read, and no more than that is
    /// encoded. In web addresses a question mark ends the path.
    static func written(_ path: String, in form: String) -> String {
        let isWeb = form.hasPrefix("http")
        guard path.utf8.contains(where: { $0 == UInt8(ascii: "%") || isWeb && $0 == UInt8(ascii: "?") }) else {
            return path
        }
        var text = ""
        for character in path.unicodeScalars {
            switch character {
            case "%": text += "%25"
            case "?" where isWeb: text += "%3F"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    /// The place below this one.
    public func appending(_ path: String) -> AzureLocation {
        var location = self
        location.path = self.path.isEmpty ? path : path.isEmpty ? self.path : "\(self.path)/\(path)"
        location.endsWithSlash = false
        return location
    }

    /// The folder that this place lies in, and the name in it.
    public var split: (folder: AzureLocation, name: String) {
        var folder = self
        guard let slash = path.lastIndex(of: "/") else {
            folder.path = ""
            return (folder, path)
        }
        folder.path = String(path[..<slash])
        return (folder, String(path[path.index(after: slash)...]))
    }
}

/// What hosts of Azure's storage are called.
enum StoreHosts {
    static let oneLakeSuffix = ".fabric.microsoft.com"

    /// Of a host such as `sales.dfs.core.windows.net`: account, service, and the rest. nil when it is none of Azure's.
    static func split(_ host: String) -> (account: String, service: String, suffix: String)? {
        let labels = host.lowercased().split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard labels.count >= 4, labels.allSatisfy({ !$0.isEmpty }) else { return nil }
        if host.lowercased().hasSuffix(oneLakeSuffix) {
            // `onelake.dfs.…`, `westeurope-onelake.dfs.…`, `{workspace}.z0a.dfs.…`
            let service = labels[labels.count - 4]
            guard service == "dfs" || service == "blob", labels.count > 4 else { return nil }
            return ("onelake", service, oneLakeSuffix)
        }
        // `{account}.blob.core.windows.net`; `{account}.z01.blob.storage.azure.net` of accounts in a DNS zone.
        let isZone = labels.count == 6 && labels[1].hasPrefix("z") && labels[3...] == ["storage", "azure", "net"]
        let service = labels[isZone ? 2 : 1]
        guard services.contains(service) else { return nil }
        let suffix = labels[(isZone ? 3 : 2)...].joined(separator: ".")
        guard isZone || suffixes.contains(suffix) else { return nil }
        return (labels[0], service, suffix)
    }

    static let services = ["blob", "dfs", "file", "queue", "table", "web"]
    static let suffixes = [
        "core.windows.net", "core.usgovcloudapi.net", "core.chinacloudapi.cn", "core.cloudapi.de",
    ]
}
