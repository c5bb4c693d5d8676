import Azure
import Support
import Transport

/// What a registry says when it refuses: a status, and codes with words.
struct RegistryError: Sendable {
    let status: Int
    let codes: [String]
    let words: String?
    let host: String

    init(_ response: HTTPResponse, body: Buffer, host: String) {
        status = response.status
        self.host = host
        let items = (try? JSONText.parse(body, depthLimit: 30))?["errors"]?.items ?? []
        codes = items.compactMap { $0["code"]?.text }
        words = items.compactMap { $0["message"]?.text }.first.map { Display.cut(Display.safe($0), to: 300) }
    }

    /// One sentence of what failed, and what to do.
    func explained(
        _ what: String, as who: RegistryAuthorizer.Who, identity: TokenClaims?, isAzure: Bool
    ) -> SluiceError {
        let said = words.map { ": \($0)" } ?? codes.first.map { ": \($0)" } ?? ""
        let asWhom: String
        switch who {
        case .nobody: asWhom = "nobody"
        case .user(let name): asWhom = name.isEmpty ? "whoever signed in before" : "\"\(name)\""
        case .identity: asWhom = identity?.shown ?? "the Azure identity"
        }
        switch status {
        case 401:
            let hint: String
            switch who {
            case .nobody where isAzure: hint = "sign in: az login, or see sluice check --identity"
            case .nobody:
                hint = "give --username and SLUICE_REGISTRY_PASSWORD, or sign in with docker login or skopeo login"
            case .user: hint = "check --username and SLUICE_REGISTRY_PASSWORD, or what docker login has saved"
            case .identity: hint = "see who that is: sluice check --identity"
            }
            return SluiceError(.permission, "\(what) failed: \(host) does not let in \(asWhom)\(said)", hint: hint)
        case 403:
            return SluiceError(
                .permission, "\(what) failed: \(host) does not allow it to \(asWhom)\(said)",
                hint: isAzure
                    ? "give the role AcrPush (AcrPull to read) on the registry, and see that its network rules let "
                        + "this machine in"
                    : "ask for the right to write to this repository (to read from it)")
        case 404:
            return SluiceError(
                .notFound, "\(what) failed: \(host) has no such repository, tag or digest\(said)",
                hint: "check the name, the tag and the registry")
        case 413:
            return SluiceError(
                .limitExceeded, "\(what) failed: it is too large for \(host)\(said)",
                hint: "raise the limit of the proxy before the registry")
        case 429:
            return SluiceError(
                .limitExceeded, "\(what) failed: \(host) has had too many requests\(said)",
                hint: "wait, or sign in, which raises the limit", isTransient: true)
        case 400 where codes.contains("NAME_INVALID"):
            return SluiceError(
                .invalidConfiguration, "\(what) failed: \(host) does not accept the name\(said)",
                hint: "use small letters, digits and single separators")
        case 405:
            return SluiceError(
                .unsupported, "\(what) failed: \(host) does not do that\(said)",
                hint: "it may be a mirror, to which nothing can be written")
        case 400 where codes.contains("DIGEST_INVALID"):
            return SluiceError(
                .invalidData, "\(what) failed: what arrived at \(host) hashes to something else\(said)",
                hint: "the layer was damaged where it lies, or on its way: build or pull the image anew")
        case 500...:
            return SluiceError(
                .inputOutput, "\(what) failed: \(host) answered with status \(status)\(said)",
                hint: "try again later", isTransient: true)
        default:
            return SluiceError(.inputOutput, "\(what) failed: \(host) answered with status \(status)\(said)")
        }
    }
}
