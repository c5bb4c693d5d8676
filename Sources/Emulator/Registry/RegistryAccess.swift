import Azure
import HTTPServer
import Support

/// Who may do what in a registry: tokens of Entra become tokens of the registry, and those name what they are good for.
struct RegistryAccess: Sendable {
    let issuer: TokenIssuer
    let directory: Directory

    /// The name under which a refresh token stands for a password.
    private static let tokenUser = "00000000-0000-0000-0000-000000000000"

    /// The password of a registry's admin user, whose name is the registry's own: known to everybody.
    static func password(of account: String) throws(SluiceError) -> String {
        Base64.encodeURL(try Digest.of(Array("sluice emulator password of \(account)".utf8), .sha256))
    }

    // MARK: Tokens

    func exchange(_ request: EmulatedRequest) async throws(RegistryFault) -> ServerResponse {
        let form = try await form(request)
        guard let grant = form["grant_type"], grant.contains("access_token") else {
            throw invalid("grant_type must be access_token")
        }
        guard form["service"] == request.server.host else {
            throw invalid("service must be \(request.server.host)")
        }
        guard let token = form["access_token"] else { throw invalid("access_token is missing") }
        let known = [
            "https://containerregistry.azure.net", "https://containerregistry.azure.net/",
            "https://management.azure.com",
            "https://management.azure.com/", "https://management.core.windows.net/",
        ]
        switch issuer.caller(of: token, audiences: known.contains, now: request.now) {
        case .failure(let problem): throw RegistryFault(401, "UNAUTHORIZED", "Invalid token: \(problem.reason)")
        case .success(let caller):
            var asked = request
            asked.caller = caller
            if directory.denial(asked, service: "acr", credential: "token") != nil {
                throw RegistryFault(403, "DENIED", "requested access to the resource is denied")
            }
            guard case .identity(let object, let client, let tenant) = caller else {
                throw RegistryFault(401, "UNAUTHORIZED", "Invalid token")
            }
            return .json([
                "refresh_token": .string(
                    try made(request, tenant, client, object, ["grant_type": "refresh_token"]))
            ])
        }
    }

    func token(_ request: EmulatedRequest) async throws(RegistryFault) -> ServerResponse {
        let isForm = request.server.method == "POST"
        let items = isForm ? try await items(request) : request.server.query
        func value(_ name: String) -> String? { items.first { $0.name == name }?.value }
        guard value("service") == request.server.host else { throw invalid("service must be \(request.server.host)") }
        let caller: (object: String, client: String, tenant: String)
        switch (isForm, value("grant_type")) {
        case (true, "refresh_token"):
            guard let found = value("refresh_token").flatMap({ refreshed($0, request) }) else {
                throw RegistryFault(401, "UNAUTHORIZED", "authentication required: the refresh token does not hold")
            }
            caller = found
        case (true, "password"):
            guard let user = value("username"), let password = value("password"),
                let found = try signedIn(user, password, request)
            else { throw RegistryFault(401, "UNAUTHORIZED", "authentication required") }
            caller = found
        case (false, _):
            guard let found = try basic(request) else {
                throw RegistryFault(401, "UNAUTHORIZED", "authentication required")
            }
            caller = found
        default: throw invalid("grant_type must be refresh_token or password")
        }
        var rights: [JSONText] = []
        for scope in items.filter({ $0.name == "scope" }).flatMap({ $0.value.split(separator: " ") }) {
            let parts = scope.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else { throw invalid("a scope is TYPE:NAME:ACTIONS") }
            rights.append([
                "type": .string(parts[0]), "name": .string(parts[1]),
                "actions": .array(parts[2].split(separator: ",").map { .string(String($0)) }),
            ])
        }
        let token = try made(
            request, caller.tenant, caller.client, caller.object,
            ["grant_type": "access_token", "access": .array(rights)])
        return .json(["access_token": .string(token)])
    }

    private func made(
        _ request: EmulatedRequest, _ tenant: String, _ client: String, _ object: String,
        _ more: KeyValuePairs<String, JSONText>
    ) throws(RegistryFault) -> String {
        do throws(SluiceError) {
            return try issuer.token(
                audience: request.server.host, tenant: tenant, client: client, object: object, now: request.now,
                claims: more.map { ($0.key, $0.value) })
        } catch {
            throw RegistryFault(500, "UNKNOWN", error.message)
        }
    }

    /// Whose a refresh token is; nil when it does not hold here.
    private func refreshed(_ text: String, _ request: EmulatedRequest) -> (
        object: String, client: String, tenant: String
    )? {
        guard WebToken(text)?.claims["grant_type"]?.text == "refresh_token",
            case .success(.identity(let object, let client, let tenant)) = issuer.caller(
                of: text, audiences: { $0 == request.server.host }, now: request.now)
        else { return nil }
        return (object, client, tenant)
    }

    /// Who signs in with a password: the admin user, or whoever has a refresh token.
    private func signedIn(
        _ user: String, _ password: String, _ request: EmulatedRequest
    ) throws(RegistryFault) -> (object: String, client: String, tenant: String)? {
        if user == RegistryAccess.tokenUser { return refreshed(password, request) }
        guard user == request.account, let right = try? RegistryAccess.password(of: request.account),
            Digest.areEqual(Array(password.utf8), Array(right.utf8))
        else { return nil }
        return (user, user, issuer.tenant)
    }

    private func basic(_ request: EmulatedRequest) throws(RegistryFault) -> (
        object: String, client: String, tenant: String
    )? {
        guard let header = request.server.headers["Authorization"], header.lowercased().hasPrefix("basic "),
            let bytes = Base64.decode(String(header.dropFirst(6)))
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let colon = text.firstIndex(of: ":") else { return nil }
        return try signedIn(String(text[..<colon]), String(text[text.index(after: colon)...]), request)
    }

    // MARK: Requests

    /// Refuses who is nobody, or may not do what is needed.
    func check(_ request: EmulatedRequest, _ need: String?) throws(RegistryFault) {
        guard let header = request.server.headers["Authorization"] else { throw challenge(request, need, nil) }
        if header.lowercased().hasPrefix("basic ") {
            guard try basic(request) != nil else { throw challenge(request, need, "invalid_token") }
            return
        }
        guard header.lowercased().hasPrefix("bearer "),
            let token = WebToken(String(header.dropFirst(7))), token.claims["grant_type"]?.text == "access_token",
            case .success(let caller) = issuer.caller(
                of: String(header.dropFirst(7)), audiences: { $0 == request.server.host }, now: request.now)
        else { throw challenge(request, need, "invalid_token") }
        var asked = request
        asked.caller = caller
        if directory.denial(asked, service: "acr", credential: "token") != nil {
            throw RegistryFault(403, "DENIED", "requested access to the resource is denied")
        }
        guard let need else { return }
        let parts = need.split(separator: ":", maxSplits: 2).map(String.init)
        let has = (token.claims["access"]?.items ?? []).contains { right in
            let actions = (right["actions"]?.items ?? []).compactMap(\.text)
            return right["type"]?.text == parts[0] && right["name"]?.text == parts[1]
                && (actions.contains(parts[2]) || actions.contains("*"))
        }
        if !has { throw challenge(request, need, "insufficient_scope") }
    }

    private func challenge(_ request: EmulatedRequest, _ need: String?, _ error: String?) -> RegistryFault {
        var fault = RegistryFault(
            401, "UNAUTHORIZED", "authentication required, visit https://aka.ms/acr/authorization for more information."
        )
        // Who pushes reads as well: one token for both is what clients expect.
        let scope = need.map { $0.hasSuffix(":push") ? $0.replacing(":push", with: ":pull,push") : $0 }
        fault.response.headers["WWW-Authenticate"] =
            "Bearer realm=\"\(request.baseURL)/oauth2/token\",service=\"\(request.server.host)\""
            + (scope.map { ",scope=\"\($0)\"" } ?? "") + (error.map { ",error=\"\($0)\"" } ?? "")
        return fault
    }

    private func invalid(_ message: String) -> RegistryFault { RegistryFault(400, "INVALID_REQUEST", message) }

    private func items(_ request: EmulatedRequest) async throws(RegistryFault) -> [(name: String, value: String)] {
        do throws(SluiceError) {
            let bytes = try await request.server.collect(limit: 256 << 10)
            return ServerRequest.parameters(String(decoding: bytes.bytes, as: UTF8.self), plusIsSpace: true)
        } catch {
            throw invalid("the form cannot be read")
        }
    }

    private func form(_ request: EmulatedRequest) async throws(RegistryFault) -> [String: String] {
        Dictionary(try await items(request).map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    }
}
