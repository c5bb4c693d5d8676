public import Support

/// A shared access signature: a query that grants some rights to some of an account for some time.
///
/// Its signature is protected from the moment it is known, and never shown.
///
///     let sas = try SharedAccessSignature("sv=2023-11-03&sr=c&sp=rl&se=2026-11-22T00:00:00Z&sig=…")
///     sas.expiry
public struct SharedAccessSignature: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// What it was signed with, and for what.
    public enum Kind: Sendable {
        /// The account's key, for the account.
        case account
        /// The account's key, for a container, blob, folder or queue.
        case service
        /// A key that Entra ID delegated to a user, for a container, blob or folder.
        case userDelegation
    }

    /// The parameters in their order with decoded values, without the signature.
    public let parameters: [(name: String, value: String)]
    /// The signature, in Base64.
    public let signature: String

    init(parameters: [(name: String, value: String)], signature: String) {
        Redactor.shared.protect(signature)
        self.parameters = parameters
        self.signature = signature
    }

    /// The signature that is written `text`, as the portal shows it, with or without `?`.
    ///
    /// - throws: `SluiceError` that says what is not as it should be.
    public init(_ text: String) throws(SluiceError) {
        if text.contains("://") {
            throw SluiceError(
                .invalidConfiguration, "a URL stands where a shared access signature was expected",
                hint: "take what stands behind its ?")
        }
        let text = text.hasPrefix("?") ? String(text.dropFirst()) : text
        let items = text.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let value = parts.count > 1 ? parts[1] : ""
            // As it is written it may be encoded in a way of its own, and a message may quote it so.
            if parts[0] == "sig" { Redactor.shared.protect(value) }
            return (name: parts[0], value: value.percentDecoded() ?? value)
        }
        guard let sas = SharedAccessSignature(items: items) else {
            throw SluiceError(
                .invalidConfiguration, "the shared access signature has no \"sig\"",
                hint: items.count < 3
                    ? "it ends early: the shell ends a word at & unless it stands between quotes" : "copy it whole")
        }
        if let problem = sas.problem {
            throw SluiceError(
                .invalidConfiguration, "the shared access signature \(problem)",
                hint: "make it anew, in the portal or by: az storage container generate-sas")
        }
        self = sas
    }

    /// The signature among the parameters of a URL; nil when there is no `sig`.
    public init?(items: [(name: String, value: String)]) {
        guard let signature = items.first(where: { $0.name == "sig" })?.value, !signature.isEmpty else { return nil }
        self.init(
            parameters: items.filter { $0.name != "sig" && SharedAccessSignature.names.contains($0.name) },
            signature: signature)
    }

    /// The value of a parameter.
    public subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// What it was signed with, and for what.
    public var kind: Kind { self["skoid"] != nil ? .userDelegation : self["ss"] != nil ? .account : .service }
    /// The rights, a letter each.
    public var permissions: String { self["sp"] ?? "" }
    /// When it begins to hold.
    public var start: Moment? { self["st"].flatMap { Moment(iso: $0) } }
    /// When it stops to hold; nil when a stored policy says so.
    public var expiry: Moment? { self["se"].flatMap { Moment(iso: $0) } }

    /// Everything, as it goes into a URL.
    public var query: String {
        (parameters + [(name: "sig", value: signature)]).map { "\($0.name)=\($0.value.percentEncoded)" }
            .joined(separator: "&")
    }

    /// The parameters, never the signature.
    public var description: String {
        (parameters + [(name: "sig", value: Redactor.mask)]).map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }
    /// The parameters, never the signature.
    public var debugDescription: String { description }

    /// What is wrong with its form; nil when nothing is.
    private var problem: String? {
        guard let version = self["sv"] else { return "has no \"sv\"" }
        let digits = version.split(separator: "-", omittingEmptySubsequences: false).map(\.count)
        guard digits == [4, 2, 2], version.utf8.allSatisfy({ $0 == 45 || 48...57 ~= $0 }) else {
            return "has the version \"\(version)\"; a date such as 2023-11-03 was expected"
        }
        guard Base64.decode(signature)?.count == 32 else {
            return "has a \"sig\" that is not 32 bytes in Base64: it is cut off, or encoded twice"
        }
        for name in ["st", "se", "skt", "ske"] {
            if let value = self[name], Moment(iso: value) == nil {
                return "has \"\(name)=\(value)\"; a time such as 2026-11-21T00:00:00Z was expected"
            }
        }
        if self["si"] == nil {
            if self["se"] == nil { return "has neither \"se\", its end, nor \"si\", a policy that has one" }
            if self["sp"] == nil { return "has neither \"sp\", its rights, nor \"si\", a policy that has them" }
        }
        if kind == .account, self["srt"] == nil { return "is one for an account, and has no \"srt\"" }
        if kind == .userDelegation {
            for name in ["sktid", "skt", "ske", "sks", "skv"] where self[name] == nil { return "has no \"\(name)\"" }
        }
        return nil
    }

    /// Everything that belongs to a signature; other parameters of a URL belong to the request.
    private static let names: Set<String> = [
        "sv", "ss", "srt", "sr", "sp", "st", "se", "si", "sip", "spr", "ses", "sdd", "rscc", "rscd", "rsce", "rscl",
        "rsct",
        "skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid", "skdutid", "sduoid", "srh", "srq",
    ]
}
