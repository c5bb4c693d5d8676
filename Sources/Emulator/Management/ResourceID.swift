import Support

/// What a path of Azure Resource Manager names: a resource, a collection of such, or something to do with one.
///
/// Letters' case does not matter in it; it is kept as it was given.
///
///     /subscriptions/S/resourceGroups/G/providers/Microsoft.App/jobs/nightly/start
///     types: ["jobs", "start"], names: ["nightly"]
public struct ResourceID: Sendable, Hashable, CustomStringConvertible {
    /// The subscription's id.
    public let subscription: String
    /// The resource group; nil for what stands above groups.
    public let group: String?
    /// The provider's namespace, `Microsoft.App`; nil for a subscription or a group itself.
    public let namespace: String?
    /// The types along the way: `["jobs", "executions"]`.
    public var types: [String]
    /// The names along the way; one fewer than types for a collection, or for something to do.
    public var names: [String]

    /// A resource or collection of `namespace`.
    public init(subscription: String, group: String?, namespace: String?, types: [String], names: [String]) {
        self.subscription = subscription
        self.group = group
        self.namespace = namespace
        self.types = types
        self.names = names
    }

    /// What a path names, percent-encoded or not; nil when it is none of Resource Manager's.
    public init?(_ path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map {
            String($0).percentDecoded() ?? ""
        }
        guard parts.count >= 2, parts[0].lowercased() == "subscriptions",
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.count <= 260 && !$0.contains("/") })
        else { return nil }
        subscription = parts[1]
        var rest = parts[2...]
        if rest.first?.lowercased() == "resourcegroups", rest.count >= 2 {
            group = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        } else {
            group = nil
        }
        if rest.first?.lowercased() == "providers", rest.count >= 2 {
            namespace = rest[rest.startIndex + 1]
            rest = rest.dropFirst(2)
        } else {
            namespace = nil
        }
        let below = Array(rest)
        types = stride(from: 0, to: below.count, by: 2).map { below[$0] }
        names = stride(from: 1, to: below.count, by: 2).map { below[$0] }
    }

    /// Whether it names one resource, and not a collection or something to do.
    public var isResource: Bool { !types.isEmpty && types.count == names.count }
    /// Its own name.
    public var name: String { names.last ?? group ?? subscription }
    /// `Microsoft.App/jobs/executions`
    public var type: String { ([namespace ?? "Microsoft.Resources"] + types).joined(separator: "/") }
    /// What is above it: of a resource its parent resource; of a collection, or something to do, the resource that it
    /// belongs to; nil at the top.
    public var parent: ResourceID? {
        guard types.count > 1 || !isResource && names.count > 0 else { return nil }
        return ResourceID(
            subscription: subscription, group: group, namespace: namespace, types: Array(types.dropLast()),
            names: isResource ? Array(names.dropLast()) : names)
    }

    /// A resource below this one, or of this collection.
    public func child(_ type: String? = nil, _ name: String) -> ResourceID {
        ResourceID(
            subscription: subscription, group: group, namespace: namespace, types: types + (type.map { [$0] } ?? []),
            names: names + [name])
    }

    /// The path, as answers have it.
    public var description: String {
        var text = "/subscriptions/\(subscription)"
        if let group { text += "/resourceGroups/\(group)" }
        if let namespace { text += "/providers/\(namespace)" }
        for (index, type) in types.enumerated() {
            text += "/\(type)"
            if index < names.count { text += "/\(names[index])" }
        }
        return text
    }

    /// What it is compared by.
    public var key: String { description.lowercased() }

    /// Whether both name the same.
    public static func == (left: ResourceID, right: ResourceID) -> Bool { left.key == right.key }
    /// Feeds what it is compared by.
    public func hash(into hasher: inout Hasher) { hasher.combine(key) }
}
