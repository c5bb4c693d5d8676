public import Support

extension SharedAccessSignature {
    /// What a request asks for: the part of an account that a signature is held against.
    public struct Resource: Sendable {
        /// The account's name.
        public var account: String
        /// `blob` (for DFS too) or `queue`.
        public var service: String
        /// The container or queue, decoded; empty for the account itself.
        public var container: String
        /// The path in the container, decoded, without a slash at its beginning; empty for the container itself.
        public var path: String
        /// The snapshot or version that the request names.
        public var snapshot: String?
        /// Headers of the request, which newer signatures may demand.
        public var headers: HTTPHeaders = [:]
        /// Parameters of the request, which newer signatures may demand.
        public var query: [(name: String, value: String)] = []

        /// A part of an account.
        public init(
            account: String, service: String = "blob", container: String = "", path: String = "",
            snapshot: String? = nil
        ) {
            self.account = account
            self.service = service
            self.container = container
            self.path = path
            self.snapshot = snapshot
        }
    }

    /// The text that is signed for `resource`, in the form that this signature's version has.
    public func stringToSign(for resource: Resource) -> String {
        switch kind {
        case .account: accountText(resource.account)
        case .service: serviceText(resource)
        case .userDelegation: userDelegationText(resource)
        }
    }

    /// Whether it was signed with `key` for `resource`: the account's key, or one that was delegated.
    public func isSigned(with key: [UInt8], for resource: Resource) throws(SluiceError) -> Bool {
        Digest.areEqual(
            Base64.decode(signature) ?? [], try Digest.authentication(of: stringToSign(for: resource), key: key))
    }

    /// Whether it was signed with the account's key for `resource`.
    public func isSigned(with key: StorageAccountKey, for resource: Resource) throws(SluiceError) -> Bool {
        try key.isSignature(signature, of: stringToSign(for: resource))
    }

    /// The names of a version's date sort as the dates do.
    private func isAtLeast(_ version: String) -> Bool { (self["sv"] ?? "") >= version }

    private func values(_ names: String...) -> [String] { names.map { self[$0] ?? "" } }

    private func accountText(_ account: String) -> String {
        var lines = [account] + values("sp", "ss", "srt", "st", "se", "sip", "spr", "sv")
        if isAtLeast("2020-12-06") { lines += values("ses") }
        return lines.map { $0 + "\n" }.joined()
    }

    private func serviceText(_ resource: Resource) -> String {
        var lines = values("sp", "st", "se") + [canonical(resource)] + values("si", "sip", "spr", "sv")
        if resource.service == "queue" { return lines.joined(separator: "\n") }
        lines += resourceLines(resource)
        lines += values("rscc", "rscd", "rsce", "rscl", "rsct")
        return lines.joined(separator: "\n")
    }

    private func userDelegationText(_ resource: Resource) -> String {
        var lines = values("sp", "st", "se") + [canonical(resource)]
        lines += values("skoid", "sktid", "skt", "ske", "sks", "skv")
        if isAtLeast("2020-02-10") { lines += values("saoid", "suoid", "scid") }
        if isAtLeast("2025-07-05") { lines += values("skdutid", "sduoid") }
        lines += values("sip", "spr", "sv") + resourceLines(resource)
        if isAtLeast("2026-04-06") { lines += demanded(resource) }
        lines += values("rscc", "rscd", "rsce", "rscl", "rsct")
        return lines.joined(separator: "\n")
    }

    private func resourceLines(_ resource: Resource) -> [String] {
        guard isAtLeast("2018-11-09") else { return [] }
        let isPinned = self["sr"] == "bs" || self["sr"] == "bv"
        let lines = values("sr") + [isPinned ? resource.snapshot ?? "" : ""]
        return isAtLeast("2020-12-06") ? lines + values("ses") : lines
    }

    /// The headers and parameters that the request must have: `name:value` each, the former ended, the latter begun by a line's
    /// end.
    private func demanded(_ resource: Resource) -> [String] {
        let headers = (self["srh"] ?? "").split(separator: ",").map { name in
            "\(name):\(resource.headers[String(name)] ?? "")\n"
        }
        let parameters = (self["srq"] ?? "").split(separator: ",").map { name in
            "\n\(name):\(resource.query.first { $0.name == name }?.value ?? "")"
        }
        return [headers.joined(), parameters.joined()]
    }

    /// `/blob/account/container/path`, as deep as the signature reaches.
    private func canonical(_ resource: Resource) -> String {
        let container = "/\(resource.service)/\(resource.account)/\(resource.container)"
        switch self["sr"] {
        case "c", nil: return container
        case "d":
            let depth = self["sdd"].flatMap { Int($0) } ?? 0
            let segments = resource.path.split(separator: "/")
            // A folder that lies less deep than the signature's matches nothing: what stands here was never signed.
            return depth == 0 ? container + "/" : container + "/" + segments.prefix(depth).joined(separator: "/")
        default: return "\(container)/\(resource.path)"
        }
    }
}
