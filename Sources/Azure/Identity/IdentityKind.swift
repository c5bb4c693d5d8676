import Support

/// The ways to sign in, in the order in which they are tried.
public enum IdentityKind: String, Sendable, CaseIterable {
    /// An application with a secret or certificate, from variables.
    case environment
    /// A token of somebody whom Entra ID trusts: Kubernetes, GitHub Actions.
    case workload
    /// The identity of the machine, container or function.
    case managed
    /// Whoever signed in with `az login`.
    case cli

    /// What to call it in a message.
    public var shown: String {
        switch self {
        case .environment: "environment"
        case .workload: "workload identity"
        case .managed: "managed identity"
        case .cli: "Azure CLI"
        }
    }

    static func named(_ name: String) throws(SluiceError) -> IdentityKind {
        if let kind = IdentityKind(rawValue: name.lowercased()) { return kind }
        let names = allCases.map(\.rawValue)
        throw SluiceError(
            .invalidConfiguration, "there is no way to sign in called \"\(name)\"",
            hint: nearestWord(to: name.lowercased(), among: names).map { "did you mean \"\($0)\"?" }
                ?? "there are \(names.joined(separator: ", "))")
    }
}

/// One way to sign in, as a link of the chain.
protocol IdentityLink: Sendable {
    var kind: IdentityKind { get }
    /// A token; or why this way is not there. One that is there and fails throws.
    func token(for scope: String, tenant: String?) async throws(SluiceError) -> LinkAnswer
}

/// What a link has to say.
enum LinkAnswer: Sendable {
    /// A token, and by what exactly: `client secret`.
    case token(AccessToken, by: String)
    /// It is not set up here: why, and what would set it up.
    case absent(String)
}
