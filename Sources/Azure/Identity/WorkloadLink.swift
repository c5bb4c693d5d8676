import Support
import Transport

/// A token of somebody whom Entra ID was told to trust: a Kubernetes cluster, which puts it into a file, or GitHub Actions,
/// where it is asked for.
struct WorkloadLink: IdentityLink {
    let kind = IdentityKind.workload
    let settings: AzureSettings
    let http: HTTPClient

    func token(for scope: String, tenant: String?) async throws(SluiceError) -> LinkAnswer {
        let variables = settings.environment
        let file = variables["AZURE_FEDERATED_TOKEN_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        let actions = variables["ACTIONS_ID_TOKEN_REQUEST_URL"].flatMap { $0.isEmpty ? nil : $0 }
        guard file != nil || actions != nil else {
            return .absent("AZURE_FEDERATED_TOKEN_FILE is not set")
        }
        guard let home = settings.tenant, let clientID = settings.clientID else {
            let missing = [(settings.tenant, "AZURE_TENANT_ID"), (settings.clientID, "AZURE_CLIENT_ID")]
                .filter { $0.0 == nil }.map(\.1)
            let named = file != nil ? "AZURE_FEDERATED_TOKEN_FILE" : "ACTIONS_ID_TOKEN_REQUEST_URL"
            return .absent(
                "\(named) is set, \(missing.joined(separator: " and ")) \(missing.count == 1 ? "is" : "are") not")
        }
        let assertion: String
        if let file {
            // Read each time: the cluster replaces it long before the token in it expires.
            let bytes = try readSmallFile(file, limit: 1 << 20, what: "the federated token")
            assertion = String(decoding: bytes, as: UTF8.self).trimmed
            guard !assertion.isEmpty else {
                throw SluiceError(
                    .invalidConfiguration, "the federated token's file is empty", place: .init(file: file))
            }
        } else {
            assertion = try await actionsToken(
                actions ?? "", variables["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] ?? "")
        }
        Redactor.shared.protect(assertion)
        let token = try await EntraEndpoint(settings: settings, http: http).token(
            for: scope, tenant: tenant ?? home, clientID: clientID,
            proof: ClientAssertion.proof(assertion))
        return .token(token, by: file != nil ? "federated token file" : "GitHub Actions")
    }

    private func actionsToken(_ url: String, _ proof: String) async throws(SluiceError) -> String {
        guard !proof.isEmpty else {
            throw SluiceError(
                .invalidConfiguration,
                "ACTIONS_ID_TOKEN_REQUEST_URL is set, ACTIONS_ID_TOKEN_REQUEST_TOKEN is not",
                hint: "give the workflow the permission id-token: write")
        }
        Redactor.shared.protect(proof)
        let address = try WebAddress(url).with(query: [("audience", "api://AzureADTokenExchange")])
        var request = HTTPRequest(.get, address, service: "github")
        request.headers["Authorization"] = "bearer \(proof)"
        let (response, body) = try await http.fetch(request, retry: .identity, limit: 1 << 20)
        guard response.isSuccess, let value = (try? JSONText.parse(body))?["value"]?.text else {
            throw SluiceError(
                .permission, "GitHub Actions gave no token: status \(response.status)",
                hint: "give the workflow the permission id-token: write")
        }
        return value
    }
}

extension String {
    /// Without blanks and ends of lines around it.
    var trimmed: String {
        guard let first = firstIndex(where: { !$0.isWhitespace }),
            let last = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[first...last])
    }
}
