import HTTPServer
import Support

/// Where applications get their tokens: Entra's endpoints, in their second and first version.
struct LoginService: EmulatedService {
    let issuer: TokenIssuer
    let directory: Directory
    let name = "login"

    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .login }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        let parts = request.path.split(separator: "/").map { String($0).percentDecoded() ?? String($0) }
        let tenant = parts.first ?? ""
        let rest = parts.dropFirst().joined(separator: "/")
        switch rest {
        case "discovery/instance": return instances(request)
        case "v2.0/.well-known/openid-configuration", ".well-known/openid-configuration":
            return configuration(request, tenant: tenant, isSecond: rest.hasPrefix("v2.0"))
        case "discovery/v2.0/keys", "discovery/keys": return .json(issuer.keySet)
        case "oauth2/v2.0/token", "oauth2/token":
            guard request.server.method == "POST" else {
                return failure(
                    TokenFailure(405, "invalid_request", 900561, "The endpoint only accepts POST requests."), request)
            }
            return await token(request, tenant: tenant, isSecond: rest == "oauth2/v2.0/token")
        default:
            return ServiceErrors.json(404, "ResourceNotFound", "The emulator has nothing at \(request.path).")
        }
    }

    private func configuration(_ request: EmulatedRequest, tenant: String, isSecond: Bool) -> ServerResponse {
        if let problem = problem(withTenant: tenant) { return failure(problem, request) }
        let base = "\(request.baseURL)/\(tenant)"
        let version = isSecond ? "v2.0/" : ""
        return .json([
            "token_endpoint": .string("\(base)/oauth2/\(version)token"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "jwks_uri": .string("\(base)/discovery/\(version)keys"),
            "response_modes_supported": ["query", "fragment", "form_post"],
            "subject_types_supported": ["pairwise"], "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "issuer": .string(isSecond ? "\(base)/v2.0" : "https://sts.windows.net/\(tenant)/"),
            "authorization_endpoint": .string("\(base)/oauth2/\(version)authorize"),
            "device_authorization_endpoint": .string("\(base)/oauth2/\(version)devicecode"),
            "tenant_region_scope": "EU", "cloud_instance_name": "microsoftonline.com",
        ])
    }

    private func instances(_ request: EmulatedRequest) -> ServerResponse {
        let host = request.server.host
        let endpoint = request.server[query: "authorization_endpoint"].flatMap { try? WebAddress($0) }
        let tenant = endpoint?.path.split(separator: "/").first.map(String.init) ?? issuer.tenant
        return .json([
            "tenant_discovery_endpoint": .string(
                "\(request.baseURL)/\(tenant)/v2.0/.well-known/openid-configuration"),
            "api-version": "1.1",
            "metadata": [
                [
                    "preferred_network": .string(host), "preferred_cache": .string(host), "aliases": [.string(host)],
                ]
            ],
        ])
    }

    private func problem(withTenant tenant: String) -> TokenFailure? {
        let isName =
            !tenant.isEmpty && tenant.utf8.count <= 128
            && tenant.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "-" || $0 == ".")
            }
        guard isName else {
            return TokenFailure(
                400, "invalid_request", 900023,
                "Specified tenant identifier '\(tenant.prefix(128))' is neither a valid DNS name, nor a valid external domain."
            )
        }
        if issuer.refuses(tenant: tenant) {
            return TokenFailure(
                400, "invalid_request", 90002,
                "Tenant '\(tenant)' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud."
            )
        }
        return nil
    }

    private func token(_ request: EmulatedRequest, tenant: String, isSecond: Bool) async -> ServerResponse {
        do throws(TokenFailure) {
            if let problem = problem(withTenant: tenant) { throw problem }
            guard let body = try? await request.server.collect(limit: 256 << 10) else {
                throw TokenFailure(400, "invalid_request", 900144, "The request body could not be read.")
            }
            let form = TokenForm(
                ServerRequest.parameters(String(decoding: body.bytes, as: UTF8.self), plusIsSpace: true))
            let grant = try form.required("grant_type")
            guard grant == "client_credentials" else {
                throw TokenFailure(
                    400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type '\(grant)'.")
            }
            let client = try form.client(request.server.headers["Authorization"])
            let audience = try isSecond ? form.audienceOfScope() : form.required("resource")
            let check = CredentialCheck(
                directory: directory, request: request, tenant: tenant, client: client, form: form)
            try check.run()
            return try answer(request, tenant: tenant, client: client, audience: audience, isSecond: isSecond)
        } catch { return failure(error, request) }
    }

    private func answer(
        _ request: EmulatedRequest, tenant: String, client: String, audience: String, isSecond: Bool
    ) throws(TokenFailure) -> ServerResponse {
        let object = Directory.objectID(of: client)
        let named = ["common", "organizations"].contains(tenant) ? issuer.tenant : tenant
        guard
            let token = try? issuer.token(
                audience: audience, tenant: named, client: client, object: object, now: request.now)
        else { throw TokenFailure(500, "server_error", 90033, "A transient error has occurred. Please try again.") }
        let headers: HTTPHeaders = ["Cache-Control": "no-store, no-cache", "Pragma": "no-cache"]
        let seconds = TokenIssuer.lifetime
        if isSecond {
            return .json(
                [
                    "token_type": "Bearer", "expires_in": .number(seconds), "ext_expires_in": .number(seconds),
                    "access_token": .string(token),
                ], headers: headers)
        }
        return .json(
            [
                "token_type": "Bearer", "expires_in": .string(String(seconds)),
                "ext_expires_in": .string(String(seconds)),
                "expires_on": .string(String(request.now.seconds + seconds)),
                "not_before": .string(String(request.now.seconds)), "resource": .string(audience),
                "access_token": .string(token),
            ], headers: headers)
    }

    private func failure(_ failure: TokenFailure, _ request: EmulatedRequest) -> ServerResponse {
        let trace = ServiceErrors.newID()
        let correlation = request.server.headers["client-request-id"] ?? ServiceErrors.newID()
        let time = request.now.isoSeconds.replacing("T", with: " ")
        return .json(
            [
                "error": .string(failure.error),
                "error_description": .string(
                    "AADSTS\(failure.number): \(failure.message) Trace ID: \(trace) Correlation ID: \(correlation) Timestamp: \(time)"
                ),
                "error_codes": [.number(failure.number)], "timestamp": .string(time), "trace_id": .string(trace),
                "correlation_id": .string(correlation),
                "error_uri": .string("https://login.microsoftonline.com/error?code=\(failure.number)"),
            ], status: failure.status, headers: ["Cache-Control": "no-store, no-cache", "Pragma": "no-cache"])
    }
}

/// Why there is no token, as Entra words it.
struct TokenFailure: Error {
    let status: Int
    let error: String
    let number: Int
    let message: String

    init(_ status: Int, _ error: String, _ number: Int, _ message: String) {
        self.status = status
        self.error = error
        self.number = number
        self.message = message
    }
}

/// The form by which a token is asked for.
struct TokenForm {
    private let fields: [(name: String, value: String)]

    init(_ fields: [(name: String, value: String)]) { self.fields = fields }

    subscript(name: String) -> String? {
        fields.first { $0.name == name && !$0.value.isEmpty }?.value
    }

    func required(_ name: String) throws(TokenFailure) -> String {
        guard let value = self[name] else {
            throw TokenFailure(
                400, "invalid_request", 900144,
                "The request body must contain the following parameter: '\(name)'.")
        }
        return value
    }

    /// Who asks: by the form, or by HTTP's own way.
    func client(_ authorization: String?) throws(TokenFailure) -> String {
        if self["client_id"] == nil, let basic = basic(authorization) { return basic.client }
        return try required("client_id")
    }

    func secret(_ authorization: String?) -> String? { self["client_secret"] ?? basic(authorization)?.secret }

    private func basic(_ authorization: String?) -> (client: String, secret: String)? {
        guard let authorization, authorization.lowercased().hasPrefix("basic "),
            let bytes = Base64.decode(String(authorization.dropFirst(6)))
        else { return nil }
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        return (
            parts[0].percentDecoded(plusIsSpace: true) ?? parts[0],
            parts[1].percentDecoded(plusIsSpace: true) ?? parts[1]
        )
    }

    func audienceOfScope() throws(TokenFailure) -> String {
        let scope = try required("scope")
        let named = scope.split(separator: " ").map(String.init).filter {
            !["openid", "profile", "offline_access"].contains($0)
        }
        guard named.count == 1, let one = named.first, one.hasSuffix("/.default"), one.utf8.count > 9 else {
            throw TokenFailure(
                400, "invalid_scope", 1_002_012,
                "The provided value for scope \(scope.prefix(200)) is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI)."
            )
        }
        return String(one.dropLast("/.default".count))
    }
}
