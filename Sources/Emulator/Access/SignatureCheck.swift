import Azure
import HTTPServer
import Support

/// Holds a shared access signature against a request: whose key, until when, for what.
struct SignatureCheck {
    let request: EmulatedRequest
    let service: String
    let signature: SharedAccessSignature
    /// The policy that it names, as far as that is there.
    let policy: StoredPolicy?
    let issuer: TokenIssuer

    func check(_ refusals: Refusals) -> StorageAccess.Outcome {
        if let refusal = refusal(refusals) { return .refused(refusal) }
        return .allowed(.sharedAccessSignature)
    }

    private func refusal(_ refusals: Refusals) -> ServerResponse? {
        let resource = resource
        do throws(SluiceError) {
            let isSigned: Bool
            if signature.kind == .userDelegation {
                if service == "queue" { return refusals.unauthentic("Delegated keys sign for blobs only") }
                let terms = ["skoid", "sktid", "skt", "ske", "sks", "skv"].map { signature[$0] ?? "" }
                guard let end = Moment(iso: signature["ske"] ?? ""), end >= request.now else {
                    return refusals.unauthentic("The user delegation key has expired: [\(signature["ske"] ?? "")]")
                }
                isSigned = try signature.isSigned(with: issuer.delegationKey(terms), for: resource)
            } else if request.account == "onelake" {
                return refusals.denied("KeyBasedAuthenticationNotPermitted")
            } else {
                isSigned = try signature.isSigned(with: AccountKeys.signing(request.account), for: resource)
            }
            guard isSigned else {
                return refusals.unauthentic(
                    "Signature did not match. String to sign used was \(signature.stringToSign(for: resource))")
            }
        } catch { return refusals.unauthentic(error.message) }
        if let problem = policyProblem { return refusals.unauthentic(problem) }
        if let refusal = time(refusals) { return refusal }
        if let code = terms { return refusals.denied(code) }
        return nil
    }

    private var resource: SharedAccessSignature.Resource {
        let rest = request.path.dropFirst()
        let container = rest.prefix { $0 != "/" }
        var path = rest.dropFirst(container.count)
        if path.hasPrefix("/") { path = path.dropFirst() }
        var resource = SharedAccessSignature.Resource(
            account: request.account, service: service == "queue" ? "queue" : "blob",
            container: String(container).percentDecoded() ?? "", path: String(path).percentDecoded() ?? "",
            snapshot: request.server[query: "snapshot"] ?? request.server[query: "versionid"])
        resource.headers = request.server.headers
        resource.query = request.server.query
        return resource
    }

    /// What is wrong with the policy that the signature names: each term stands here or there.
    private var policyProblem: String? {
        guard let id = signature["si"] else { return nil }
        if signature.kind == .userDelegation || signature.kind == .account {
            return "A signature of this kind names no policy: [\(id)]"
        }
        guard let policy else { return "The policy [\(id)] is not among those of the container or queue" }
        for (name, stored) in [("st", policy.start), ("se", policy.expiry), ("sp", policy.permission)]
        where signature[name] != nil && stored?.isEmpty == false {
            return "The term [\(name)] stands in the signature and in its policy [\(id)]"
        }
        return nil
    }

    private func time(_ refusals: Refusals) -> ServerResponse? {
        let start = signature.start ?? policy?.start.flatMap { Moment(iso: $0) }
        guard let expiry = signature.expiry ?? policy?.expiry.flatMap({ Moment(iso: $0) }) else {
            return refusals.unauthentic("Signed expiry time is missing or not a time: [\(signature["se"] ?? "")]")
        }
        if expiry < request.now || (start.map { $0.seconds > request.now.seconds } ?? false) {
            return refusals.unauthentic(
                "Signature not valid in the specified time frame: Start [\(start?.httpDate ?? "")] - Expiry [\(expiry.httpDate)] - Current [\(request.now.httpDate)]"
            )
        }
        return nil
    }

    /// The code that says which of the signature's terms is not met; nil when all are.
    private var terms: String? {
        // A client whose connections are led here means https, whatever the connection itself is.
        if signature["spr"] == "https", request.isPathStyle, !request.server.isSecure {
            return "AuthorizationProtocolMismatch"
        }
        if let range = signature["sip"], !SignatureCheck.isAddress(request.server.remoteAddress, in: range) {
            return "AuthorizationSourceIPMismatch"
        }
        let need = StorageNeed(request, service: service)
        if signature.kind == .account {
            if !(signature["ss"] ?? "").contains(service == "queue" ? "q" : "b") {
                return "AuthorizationServiceMismatch"
            }
            if !(signature["srt"] ?? "").contains(need.level.rawValue) { return "AuthorizationResourceTypeMismatch" }
        } else if need.isAccountsOnly {
            return "AuthorizationPermissionMismatch"
        } else if signature["sr"] == "b" || signature["sr"] == "bs" || signature["sr"] == "bv", need.level != .object {
            return "AuthorizationFailure"
        }
        return need.isMet(by: signature["sp"] ?? policy?.permission ?? "") ? nil : "AuthorizationPermissionMismatch"
    }

    /// Whether an IPv4 address is the one, or between the two, of `range`.
    static func isAddress(_ text: String, in range: String) -> Bool {
        let ends = range.split(separator: "-", maxSplits: 1).map { number(String($0)) }
        guard let address = number(text), let first = ends.first, let low = first, let high = ends.last ?? nil else {
            return false
        }
        return (low...max(low, high)).contains(address)
    }

    private static func number(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard let part else { return nil }
            number = number << 8 | UInt32(part)
        }
        return number
    }
}
