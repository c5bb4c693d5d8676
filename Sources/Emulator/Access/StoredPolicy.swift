import Support

/// A stored access policy: terms that a container or queue keeps for the signatures that name it.
public struct StoredPolicy: Sendable, Equatable {
    /// The name by which signatures know it.
    public var id: String
    /// When it begins to hold, as it was sent.
    public var start: String?
    /// When it stops to hold, as it was sent.
    public var expiry: String?
    /// The rights, a letter each.
    public var permission: String?

    /// A policy with these terms.
    public init(id: String, start: String? = nil, expiry: String? = nil, permission: String? = nil) {
        self.id = id
        self.start = start
        self.expiry = expiry
        self.permission = permission
    }

    /// The policy in an element `SignedIdentifier`.
    init(_ item: XMLNode) {
        let terms = item["AccessPolicy"]
        self.init(
            id: item["Id"]?.text ?? "", start: terms?["Start"]?.text, expiry: terms?["Expiry"]?.text,
            permission: terms?["Permission"]?.text)
    }
}
