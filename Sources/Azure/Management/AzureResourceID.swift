public import Support

/// What Azure Resource Manager calls a resource: `/subscriptions/…/resourceGroups/…/providers/Microsoft.App/jobs/orders`.
///
/// Two that differ only in the case of their letters are the same.
public struct AzureResourceID: Sendable, Hashable, CustomStringConvertible {
    /// The subscription.
    public let subscription: String
    /// The resource group.
    public let group: String
    /// Who provides it: `Microsoft.App`.
    public let provider: String
    /// Types and names in turn: `jobs`, `orders`.
    public let path: [String]

    /// A resource of a type in a group.
    public init(subscription: String, group: String, provider: String, path: [String]) {
        self.subscription = subscription
        self.group = group
        self.provider = provider
        self.path = path
    }

    /// The resource that `text` names; nil when it is no such name.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 9, parts[0].isEmpty, parts[1].lowercased() == "subscriptions",
            parts[3].lowercased() == "resourcegroups", parts[5].lowercased() == "providers",
            parts[1...].allSatisfy({ !$0.isEmpty })
        else { return nil }
        self.init(subscription: parts[2], group: parts[4], provider: parts[6], path: Array(parts[7...]))
    }

    /// The name of the resource itself.
    public var name: String { path.last ?? "" }
    /// Its type: `jobs`, `jobs/executions`.
    public var type: String { stride(from: 0, to: path.count, by: 2).map { path[$0] }.joined(separator: "/") }

    /// The whole name.
    public var text: String {
        "/subscriptions/\(subscription)/resourceGroups/\(group)/providers/\(provider)/\(path.joined(separator: "/"))"
    }

    /// The whole name.
    public var description: String { text }

    /// Whether both are the same resource.
    public static func == (left: AzureResourceID, right: AzureResourceID) -> Bool {
        left.text.lowercased() == right.text.lowercased()
    }

    /// Hashes what is compared.
    public func hash(into hasher: inout Hasher) { hasher.combine(text.lowercased()) }

    /// Holds a word of a setting against what may stand in such a name, so that it can lead nowhere else.
    public static func check(_ word: String, _ what: String) throws(SluiceError) {
        let isFine = word.unicodeScalars.allSatisfy { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || "0123456789-_.()".unicodeScalars.contains(scalar))
        }
        if isFine, 1...128 ~= word.utf8.count, word != ".", word != "..", !word.hasSuffix(".") { return }
        throw SluiceError(
            .invalidConfiguration,
            "\(what) is \"\(word)\"; letters, digits, hyphens, underscores and dots were expected")
    }
}
