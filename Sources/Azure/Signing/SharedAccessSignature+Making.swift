public import Support

/// A key that Entra ID lends to a user, for at most seven days, to sign with.
public struct UserDelegationKey: Sendable {
    /// Who asked for it: object and tenant.
    public let objectID, tenantID: String
    /// How long it holds, as the service wrote it.
    public let start, expiry: String
    /// For which service and version, as the service wrote it.
    public let service, version: String
    let value: [UInt8]

    /// The key as the service answered.
    ///
    /// - throws: `SluiceError` when its value is not Base64.
    public init(
        objectID: String, tenantID: String, start: String, expiry: String, service: String, version: String,
        value: String
    ) throws(SluiceError) {
        Redactor.shared.protect(value)
        guard let bytes = Base64.decode(value), !bytes.isEmpty else {
            throw SluiceError(.invalidData, "the user delegation key is not Base64")
        }
        self.objectID = objectID
        self.tenantID = tenantID
        self.start = start
        self.expiry = expiry
        self.service = service
        self.version = version
        self.value = bytes
    }
}

extension SharedAccessSignature {
    /// The version of the signatures that Sluice makes.
    public static let version = "2023-11-03"

    /// What a signature grants, and for how long.
    public struct Grant: Sendable {
        /// The rights, a letter each, in any order.
        public var permissions: String
        /// Until when.
        public var expiry: Moment
        /// From when; at once when nil.
        public var start: Moment?
        /// The address, or range of addresses, that requests must come from.
        public var addresses: String?
        /// Whether requests over plain HTTP are refused.
        public var isHTTPSOnly: Bool

        /// Rights until a moment.
        public init(
            _ permissions: String, until expiry: Moment, from start: Moment? = nil, addresses: String? = nil,
            isHTTPSOnly: Bool = true
        ) {
            self.permissions = permissions
            self.expiry = expiry
            self.start = start
            self.addresses = addresses
            self.isHTTPSOnly = isHTTPSOnly
        }

        /// The service demands the letters in its own order.
        fileprivate func ordered(_ order: String) throws(SluiceError) -> String {
            if permissions.isEmpty || !permissions.allSatisfy({ order.contains($0) }) {
                throw SluiceError(
                    .invalidConfiguration, "the rights \"\(permissions)\" are not some of \"\(order)\"",
                    hint: "r reads, l lists, w and c write, d deletes")
            }
            return order.filter { permissions.contains($0) }
        }

        fileprivate func parameters(_ order: String, version: String) throws(SluiceError) -> [(String, String)] {
            var list: [(String, String)] = []
            if let start { list.append(("st", start.isoSeconds)) }
            list += [("se", expiry.isoSeconds), ("sp", try ordered(order))]
            if let addresses { list.append(("sip", addresses)) }
            if isHTTPSOnly { list.append(("spr", "https")) }
            return list + [("sv", version)]
        }
    }

    /// A signature for the account.
    ///
    /// - parameters:
    ///   - services: `b` blob, `q` queue, `t` table, `f` file.
    ///   - resourceTypes: `s` service, `c` container, `o` object.
    public static func account(
        _ key: StorageAccountKey, services: String, resourceTypes: String, _ grant: Grant, version: String = version
    ) throws(SluiceError) -> SharedAccessSignature {
        let parameters =
            try grant.parameters("rwdxylacupfti", version: version) + [("ss", services), ("srt", resourceTypes)]
        return try signed(parameters, .init(account: key.account)) { text throws(SluiceError) in try key.sign(text) }
    }

    /// A signature for a container, blob, folder or queue, with the account's key.
    ///
    /// - parameter isDirectory: Whether the resource's path is a folder, for all that lies in it.
    public static func service(
        _ key: StorageAccountKey, _ resource: Resource, _ grant: Grant, isDirectory: Bool = false,
        version: String = version
    ) throws(SluiceError) -> SharedAccessSignature {
        let parameters = try parameters(resource, grant, isDirectory: isDirectory, version: version)
        return try signed(parameters, resource) { text throws(SluiceError) in try key.sign(text) }
    }

    /// A signature for a container, blob or folder, with a key that was delegated to a user.
    public static func userDelegation(
        _ key: UserDelegationKey, _ resource: Resource, _ grant: Grant, isDirectory: Bool = false,
        version: String = version
    ) throws(SluiceError) -> SharedAccessSignature {
        let parameters =
            try parameters(resource, grant, isDirectory: isDirectory, version: version) + [
                ("skoid", key.objectID), ("sktid", key.tenantID), ("skt", key.start), ("ske", key.expiry),
                ("sks", key.service), ("skv", key.version),
            ]
        return try signed(parameters, resource) { text throws(SluiceError) in
            Base64.encode(try Digest.authentication(of: text, key: key.value))
        }
    }

    private static func parameters(
        _ resource: Resource, _ grant: Grant, isDirectory: Bool, version: String
    ) throws(SluiceError) -> [(String, String)] {
        if resource.service == "queue" { return try grant.parameters("raup", version: version) }
        if resource.path.isEmpty {
            return try grant.parameters("racwdxyltfmei", version: version) + [("sr", "c")]
        }
        let parameters = try grant.parameters("racwdxyltmei", version: version)
        if !isDirectory { return parameters + [("sr", resource.snapshot == nil ? "b" : "bs")] }
        let depth = resource.path.split(separator: "/").count
        return parameters + [("sr", "d"), ("sdd", String(depth))]
    }

    private static func signed(
        _ parameters: [(String, String)], _ resource: Resource, sign: (String) throws(SluiceError) -> String
    ) throws(SluiceError) -> SharedAccessSignature {
        let named = parameters.map { (name: $0.0, value: $0.1) }
        let text = SharedAccessSignature(parameters: named, signature: "").stringToSign(for: resource)
        return SharedAccessSignature(parameters: named, signature: try sign(text))
    }
}
