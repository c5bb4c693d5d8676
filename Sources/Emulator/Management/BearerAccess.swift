import HTTPServer
import Support

/// Who may call a service that takes tokens of Entra only.
struct BearerAccess: Sendable {
    let issuer: TokenIssuer
    let directory: Directory
    /// The audiences, without a slash at the end.
    let audiences: Set<String>

    var tenant: String { issuer.tenant }

    /// What tokens for Resource Manager are for, in all clouds.
    static let management: Set<String> = [
        "https://management.azure.com", "https://management.core.windows.net", "https://management.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net", "https://management.chinacloudapi.cn",
        "https://management.core.chinacloudapi.cn", "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    ]
    /// What tokens for queries of Log Analytics are for.
    static let logs: Set<String> = [
        "https://api.loganalytics.io", "https://api.loganalytics.azure.com", "https://api.loganalytics.us",
        "https://api.loganalytics.azure.cn", "https://westus2.api.loganalytics.io",
        "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5",
    ]

    /// Who asks.
    ///
    /// - throws: 401 when it is nobody.
    func caller(_ request: EmulatedRequest) throws(ManagementFault) -> Caller {
        guard let authorization = request.server.headers["Authorization"], !authorization.isEmpty else {
            throw refusal("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        }
        guard authorization.lowercased().hasPrefix("bearer ") else {
            throw refusal(
                "AuthenticationFailedInvalidHeader",
                "Authentication failed. The 'Authorization' header is provided in an invalid format.")
        }
        let token = String(authorization.dropFirst("bearer ".count))
        let found = issuer.caller(
            of: token,
            audiences: { audience in
                audiences.contains(audience.hasSuffix("/") ? String(audience.dropLast()) : audience)
            },
            now: request.now)
        switch found {
        case .success(let caller): return caller
        case .failure(let problem):
            if problem.reason.hasPrefix("Audience") {
                let named = WebToken(token)?.audiences.joined(separator: ", ") ?? ""
                throw refusal(
                    "InvalidAuthenticationTokenAudience",
                    "The access token has been obtained for wrong audience or resource '\(named)'. It should exactly match with one of the allowed audiences '\(audiences.sorted().map { $0 + "/" }.joined(separator: "','"))'."
                )
            }
            if problem.reason.hasPrefix("Lifetime") {
                throw refusal(
                    "ExpiredAuthenticationToken", "The access token expiry UTC time has passed: \(problem.reason)")
            }
            throw refusal("InvalidAuthenticationToken", "The access token is invalid. \(problem.reason)")
        }
    }

    /// - throws: What the directory denies the request with.
    func checkDenial(
        _ request: EmulatedRequest, service: String, action: String, scope: String
    ) throws(ManagementFault) {
        guard let code = directory.denial(request, service: service, credential: "token") else { return }
        guard code == "AuthorizationPermissionMismatch" || code == "AuthorizationFailed" else {
            let status = ["MissingSubscriptionRegistration": 409, "SubscriptionNotFound": 404][code] ?? 403
            throw ManagementFault(status, code, "The emulator's directory denies \(action) over \(scope) with \(code).")
        }
        var (client, object) = ("", "")
        if case .identity(let found, let named, _) = request.caller { (client, object) = (named, found) }
        throw ManagementFault(
            403, "AuthorizationFailed",
            "The client '\(client)' with object id '\(object)' does not have authorization to perform action '\(action)' over scope '\(scope)' or the scope is invalid. If access was recently granted, please refresh your credentials."
        )
    }

    private func refusal(_ code: String, _ message: String) -> ManagementFault {
        var fault = ManagementFault(401, code, message)
        fault.response.headers["WWW-Authenticate"] =
            "Bearer authorization_uri=\"https://login.microsoftonline.com/\(issuer.tenant)\", error=\"invalid_token\", error_description=\"\(code)\""
        return fault
    }
}
