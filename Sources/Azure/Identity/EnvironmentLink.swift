import Support
import Transport

/// An application that proves who it is by a secret or certificate, as the variables of the official SDKs name them.
struct EnvironmentLink: IdentityLink {
    let kind = IdentityKind.environment
    let settings: AzureSettings
    let http: HTTPClient

    func token(for scope: String, tenant: String?) async throws(SluiceError) -> LinkAnswer {
        let variables = settings.environment
        let secret = variables["AZURE_CLIENT_SECRET"].flatMap { $0.isEmpty ? nil : $0 }
        let certificate = variables["AZURE_CLIENT_CERTIFICATE_PATH"].flatMap { $0.isEmpty ? nil : $0 }
        guard secret != nil || certificate != nil else {
            return .absent("neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set")
        }
        if let secret { Redactor.shared.protect(secret) }
        let named = secret != nil ? "AZURE_CLIENT_SECRET" : "AZURE_CLIENT_CERTIFICATE_PATH"
        var missing: [String] = []
        if settings.tenant == nil { missing.append("AZURE_TENANT_ID") }
        if settings.clientID == nil { missing.append("AZURE_CLIENT_ID") }
        guard let home = settings.tenant, let clientID = settings.clientID else {
            return .absent(
                "\(named) is set, \(missing.joined(separator: " and ")) \(missing.count == 1 ? "is" : "are") not")
        }
        let endpoint = EntraEndpoint(settings: settings, http: http)
        let tenant = tenant ?? home
        if let secret {
            let token = try await endpoint.token(
                for: scope, tenant: tenant, clientID: clientID, proof: [("client_secret", secret)])
            return .token(token, by: "client secret")
        }
        let password = variables["AZURE_CLIENT_CERTIFICATE_PASSWORD"] ?? ""
        Redactor.shared.protect(password)
        let sendsChain = ["1", "true"].contains(
            variables["AZURE_CLIENT_SEND_CERTIFICATE_CHAIN"]?.lowercased() ?? "")
        let assertion = try ClientAssertion(
            certificateFile: certificate ?? "", password: password, sendsChain: sendsChain
        ).text(clientID: clientID, audience: endpoint.url(tenant).text)
        let token = try await endpoint.token(
            for: scope, tenant: tenant, clientID: clientID, proof: ClientAssertion.proof(assertion))
        return .token(token, by: "client certificate")
    }
}
