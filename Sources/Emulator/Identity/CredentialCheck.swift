import Azure
import HTTPServer
import Support

/// Holds what an application shows of itself against what the directory knows of it.
///
/// Where the directory lists no applications, any secret is good, and so is any certificate that a signed assertion
/// brings along; an assertion that names its certificate only by thumbprint is believed. The emulator says that it is
/// for development.
struct CredentialCheck {
    let directory: Directory
    let request: EmulatedRequest
    let tenant: String
    let client: String
    let form: TokenForm

    private static let assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    /// What federated tokens have to be for, in the public cloud and the others.
    private static let exchanges: Set<String> = [
        "api://AzureADTokenExchange", "api://AzureADTokenExchangeUSGov", "api://AzureADTokenExchangeChina",
    ]

    func run() throws(TokenFailure) {
        let application: Directory.Application?
        do throws(SluiceError) { application = try directory.application(client) } catch {
            throw TokenFailure(
                400, "unauthorized_client", 700016,
                "Application with identifier '\(client)' was not found in the directory '\(tenant)'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
            )
        }
        if let assertion = form["client_assertion"] {
            guard form["client_assertion_type"] == Self.assertionType else {
                throw TokenFailure(
                    400, "invalid_request", 900144,
                    "The request body must contain the following parameter: 'client_assertion_type'.")
            }
            return try check(assertion, application)
        }
        guard let secret = form.secret(request.server.headers["Authorization"]) else {
            throw TokenFailure(
                401, "invalid_client", 7_000_218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
        }
        guard let application else { return }
        guard let expected = application.secret, Digest.areEqual(Array(expected.utf8), Array(secret.utf8)) else {
            throw TokenFailure(
                401, "invalid_client", 7_000_215,
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '\(client)'."
            )
        }
    }

    private func check(_ text: String, _ application: Directory.Application?) throws(TokenFailure) {
        guard let token = WebToken(text) else {
            throw TokenFailure(401, "invalid_client", 50027, "JWT token is invalid or malformed.")
        }
        if let problem = token.timeProblem(at: request.now) {
            throw TokenFailure(
                401, "invalid_client", 700024,
                "Client assertion is not within its valid time range: \(problem). Current time: \(request.now.isoSeconds)."
            )
        }
        if token.issuer == client, token.subject == client {
            try checkSigned(token, application)
        } else {
            try checkFederated(token, application)
        }
    }

    /// An assertion that the application signed with its certificate's key.
    private func checkSigned(_ token: WebToken, _ application: Directory.Application?) throws(TokenFailure) {
        let isForHere = token.audiences.contains { $0.contains("/oauth2/") || $0.hasSuffix("/v2.0") }
        guard isForHere else {
            throw TokenFailure(
                401, "invalid_client", 50027,
                "JWT token is invalid or malformed: the audience '\(token.audiences.joined(separator: ","))' is not the token endpoint."
            )
        }
        let unknown = TokenFailure(
            401, "invalid_client", 700027,
            "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Please visit the Azure Portal or Graph Explorer to see configured keys for application Id '\(client)'.]"
        )
        if let application {
            guard let certificate = application.certificate,
                certificate.isSignature(token.signature, of: token.signedText, algorithm: token.algorithm)
            else { throw unknown }
            return
        }
        guard ["RS256", "PS256"].contains(token.algorithm) else {
            throw TokenFailure(
                401, "invalid_client", 50027, "JWT token is invalid or malformed: algorithm '\(token.algorithm)'.")
        }
        let shown = token.header["x5c"]?.items?.first?.text ?? token.header["x5c"]?.text
        if let shown, let bytes = Base64.decode(shown) {
            guard let certificate = SigningKey(certificate: bytes),
                certificate.isSignature(token.signature, of: token.signedText, algorithm: token.algorithm)
            else { throw unknown }
        } else if token.header["x5t"] == nil, token.header["x5t#S256"] == nil {
            throw unknown
        }
    }

    /// Another issuer's token. Its signature cannot be checked here; its words are.
    private func checkFederated(_ token: WebToken, _ application: Directory.Application?) throws(TokenFailure) {
        guard token.audiences.contains(where: { Self.exchanges.contains($0) }) else {
            throw TokenFailure(
                401, "invalid_client", 700212,
                "No matching federated identity record found for presented assertion audience '\(token.audiences.joined(separator: ","))'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion."
            )
        }
        guard let application else { return }
        let ofIssuer = application.federated.filter { FaultRule.matches(pattern: $0.issuer, token.issuer) }
        guard !ofIssuer.isEmpty else {
            throw TokenFailure(
                401, "invalid_client", 700211,
                "No matching federated identity record found for presented assertion issuer '\(token.issuer)'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion."
            )
        }
        guard ofIssuer.contains(where: { FaultRule.matches(pattern: $0.subject, token.subject) }) else {
            throw TokenFailure(
                401, "invalid_client", 700213,
                "No matching federated identity record found for presented assertion subject '\(token.subject)'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion."
            )
        }
    }
}
