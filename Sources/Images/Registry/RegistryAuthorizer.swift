import Azure
import Support
import Synchronization
import Transport

/// Proves to a registry who asks, in the way that the registry itself asks for: Basic, or a token of its own, for which a
/// password, a saved token or an Entra identity is exchanged.
final class RegistryAuthorizer: HTTPAuthorizer {
    private let azure: AzureClient
    private let host: String
    /// Only there is anything proven: uploads may lead elsewhere.
    private let origin: String
    private let credentials: RegistryCredentials?
    private let isAzure: Bool
    private let allowsPlain: Bool
    private let state: Mutex<State>

    private struct State {
        var header: String?
        var scopes: [String]
        var refresh: String?
        var who = Who.nobody
    }

    /// As whom the registry was asked, for messages.
    enum Who: Sendable {
        case nobody
        case user(String)
        case identity
    }

    init(
        _ azure: AzureClient, origin: WebAddress, credentials: RegistryCredentials?, isAzure: Bool, allowsPlain: Bool,
        scopes: [String]
    ) {
        self.azure = azure
        host = String(origin.origin.drop { $0 != "/" }.dropFirst(2))
        self.origin = origin.origin
        self.credentials = credentials
        self.isAzure = isAzure
        self.allowsPlain = allowsPlain
        state = Mutex(State(scopes: scopes))
    }

    /// As whom the last request was made.
    var who: Who { state.withLock { $0.who } }

    /// Asks for more rights from the next token on: a mount reads from another repository.
    func widen(_ scope: String) {
        state.withLock { state in
            guard !state.scopes.contains(scope) else { return }
            state.scopes.append(scope)
            if state.header?.hasPrefix("Bearer") ?? false { state.header = nil }
        }
    }

    func authorize(_ request: inout HTTPRequest) async throws(SluiceError) {
        guard request.url.origin == origin, let header = state.withLock({ $0.header }) else { return }
        request.headers["Authorization"] = header
    }

    func shouldRetry(after response: HTTPResponse, to request: HTTPRequest) async throws(SluiceError) -> Bool {
        guard request.url.origin == origin else { return false }
        let challenges = response.headers.all("WWW-Authenticate").flatMap(RegistryChallenge.parse)
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
            let token = try await token(for: bearer)
            state.withLock { $0.header = "Bearer \(token)" }
            return true
        }
        guard challenges.contains(where: { $0.scheme == "basic" }), let credentials else { return false }
        let isNew = state.withLock { state in
            defer { (state.header, state.who) = (credentials.header, .user(credentials.user)) }
            return state.header != credentials.header
        }
        return isNew
    }

    // MARK: Tokens

    private func token(for challenge: RegistryChallenge) async throws(SluiceError) -> String {
        guard let text = challenge.parameters["realm"], let realm = try? WebAddress(text) else {
            throw SluiceError(
                .inputOutput, "the registry \(host) does not say where its tokens come from",
                hint: "it does not follow the distribution specification")
        }
        guard realm.scheme == "https" || allowsPlain || ImageRegistry.isLoopback(realm.host) else {
            throw SluiceError(
                .permission, "the registry \(host) sends whoever asks for a token to \(realm.origin), in the clear",
                hint: "its tokens must come from an https address")
        }
        let service = challenge.parameters["service"]
        var scopes = state.withLock { $0.scopes }
        if let asked = challenge.parameters["scope"], !asked.isEmpty {
            let name = asked.split(separator: ":").prefix(2).joined(separator: ":")
            if !scopes.contains(where: { $0.hasPrefix("\(name):") }) { scopes.append(asked) }
        }
        if let refresh = credentials?.refreshToken {
            state.withLock { $0.who = .user(credentials?.user ?? "") }
            return try await exchange(refresh, at: realm, service, scopes)
        }
        if let credentials {
            state.withLock { $0.who = .user(credentials.user) }
            return try await simple(realm, service, scopes, credentials.header)
        }
        if isAzure {
            do throws(SluiceError) {
                let refresh = try await azureRefreshToken(service ?? host)
                state.withLock { $0.who = .identity }
                return try await exchange(refresh, at: realm, service, scopes)
            } catch {
                // A registry that lets everybody read asks nobody who they are.
                guard azure.identity.isNobody, scopes.allSatisfy({ $0.hasSuffix(":pull") }) else { throw error }
                let anonymous = try? await simple(realm, service, scopes, nil)
                guard let anonymous else { throw error }
                return anonymous
            }
        }
        return try await simple(realm, service, scopes, nil)
    }

    /// A token that is asked for by GET, with a password or without.
    private func simple(
        _ realm: WebAddress, _ service: String?, _ scopes: [String], _ header: String?
    ) async throws(SluiceError) -> String {
        let items = [("service", service)] + scopes.map { ("scope", Optional($0)) }
        var request = HTTPRequest(.get, realm.with(query: items), service: serviceName)
        request.headers["Accept"] = "application/json"
        if let header { request.headers["Authorization"] = header }
        return try await granted(request)
    }

    /// A token of the registry's for a refresh token.
    private func exchange(
        _ refresh: String, at realm: WebAddress, _ service: String?, _ scopes: [String]
    ) async throws(SluiceError) -> String {
        var form = [("grant_type", "refresh_token"), ("service", service ?? host)]
        form += scopes.map { ("scope", $0) }
        form += [("client_id", "sluice"), ("refresh_token", refresh)]
        return try await granted(post(form, to: realm))
    }

    /// The registry's refresh token for who one is in Entra; kept as long as this object is.
    private func azureRefreshToken(_ service: String) async throws(SluiceError) -> String {
        if let kept = state.withLock({ $0.refresh }) { return kept }
        let settings = azure.settings
        let identity = try await azure.identity.token(for: ImageRegistry.azureScope)
        var form = [("grant_type", "access_token"), ("service", service)]
        if let tenant = settings.tenant { form.append(("tenant", tenant)) }
        form.append(("access_token", identity.value))
        let request = post(form, to: try WebAddress("\(origin)/oauth2/exchange"))
        let (response, body) = try await azure.http.fetch(request, limit: 1 << 20)
        guard response.isSuccess, let token = (try? JSONText.parse(body))?["refresh_token"]?.text else {
            throw RegistryError(response, body: body, host: host).explained(
                "signing in to \(host)", as: .identity, identity: azure.identity.claims, isAzure: true)
        }
        Redactor.shared.protect(token)
        state.withLock { $0.refresh = token }
        return token
    }

    private func post(_ form: [(String, String)], to url: WebAddress) -> HTTPRequest {
        let text = form.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
        var request = HTTPRequest(
            .post, url,
            headers: ["Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"],
            body: .bytes(Buffer(Array(text.utf8))), service: serviceName)
        // Another token more does no harm.
        request.isIdempotent = true
        return request
    }

    private var serviceName: String { isAzure ? "acr" : "oci" }

    private func granted(_ request: HTTPRequest) async throws(SluiceError) -> String {
        let (response, body) = try await azure.http.fetch(request, limit: 1 << 20)
        let answer = try? JSONText.parse(body)
        guard response.isSuccess, let token = answer?["access_token"]?.text ?? answer?["token"]?.text else {
            throw RegistryError(response, body: body, host: host).explained(
                "signing in to \(host)", as: who, identity: azure.identity.claims, isAzure: isAzure)
        }
        Redactor.shared.protect(token)
        return token
    }
}
