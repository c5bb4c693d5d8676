public import Support
import Synchronization
public import Transport

/// Who one is in Azure: the first of several ways to sign in that is set up here.
///
/// A way that is not set up is passed over. One that is set up and fails is an error, so that a mistake in a variable never
/// lets the program act as somebody else. Tokens are kept for each scope and renewed in time, by one request however many
/// ask for it.
public final class AzureIdentity: TokenCredential {
    /// What became of one way to sign in.
    public struct Attempt: Sendable {
        /// The way.
        public let kind: IdentityKind
        /// By what exactly, when it gave a token: `client secret`, `IMDS`.
        public let detail: String?
        /// Why it was passed over.
        public let absence: String?
        /// How it failed.
        public let error: SluiceError?
    }

    /// What became of all of them, and the token in the end.
    public struct Explanation: Sendable {
        /// The scope.
        public let scope: String
        /// The ways in the order in which they were tried.
        public let attempts: [Attempt]
        /// The token, when one gave it.
        public let token: AccessToken?
        /// Why there is none.
        public let error: SluiceError?
    }

    private struct State {
        var tokens: [TokenKey: AccessToken] = [:]
        var flights: [TokenKey: Task<Result<AccessToken, SluiceError>, Never>] = [:]
        /// When a renewal failed: it is not tried again at once.
        var failures: [TokenKey: Moment] = [:]
        var chosen: Int?
        /// Whether every way was passed over when it was last tried.
        var isNobody = false
    }

    private struct TokenKey: Hashable {
        var scope: String
        var tenant: String?
    }

    private let links: [any IdentityLink]
    private let state = Mutex(State())
    private let now: @Sendable () -> Moment

    /// The identity under `settings`; requests go over `http`.
    public convenience init(settings: AzureSettings, http: HTTPClient) {
        let links: [any IdentityLink] = [
            EnvironmentLink(settings: settings, http: http), WorkloadLink(settings: settings, http: http),
            ManagedLink(settings: settings, http: http), CLILink(settings: settings),
        ]
        self.init(links: links.filter { settings.identity == nil || settings.identity == $0.kind })
    }

    init(links: [any IdentityLink], now: @escaping @Sendable () -> Moment = { .now }) {
        self.links = links
        self.now = now
    }

    /// The way that gave a token; all that may be tried, before one did.
    public var name: String {
        let chosen = state.withLock { $0.chosen }
        return (chosen.map { [links[$0]] } ?? links).map(\.kind.shown).joined(separator: ", ")
    }

    /// What is known of who one is, from any token that has been got.
    public var claims: TokenClaims? { state.withLock { $0.tokens.values.first }?.claims }

    /// Whether no way to sign in was set up when one was last needed.
    public var isNobody: Bool { state.withLock { $0.isNobody } }

    /// A token for `scope`, such as `https://storage.azure.com/.default`.
    ///
    /// - parameter tenant: The directory, when it must be a certain one.
    /// - throws: `SluiceError` that lists what was tried, and why each failed.
    public func token(for scope: String, tenant: String? = nil) async throws(SluiceError)
        -> AccessToken
    {
        let key = TokenKey(scope: scope, tenant: tenant)
        let now = now()
        let (kept, flight) = state.withLock {
            state -> (AccessToken?, Task<Result<AccessToken, SluiceError>, Never>?) in
            let kept = state.tokens[key].flatMap { now < $0.expiresAt ? $0 : nil }
            if let kept {
                if now < kept.refreshAt { return (kept, nil) }
                // Half a minute between attempts to renew what still holds.
                if let failed = state.failures[key], now.seconds - failed.seconds < 30 {
                    return (kept, nil)
                }
            }
            if let flight = state.flights[key] { return (kept, flight) }
            let flight = Task { await self.fly(key) }
            state.flights[key] = flight
            return (kept, flight)
        }
        guard let flight else {
            if let kept { return kept }
            throw SluiceError(.inputOutput, "no token for \(scope)")
        }
        switch await flight.value {
        case .success(let token): return token
        case .failure(let error):
            // The old one still opens the door.
            if let kept, self.now() < kept.expiresAt { return kept }
            throw error
        }
    }

    /// Lets go of a token that a service refused, so that the next is a new one.
    public func forget(_ scope: String, tenant: String? = nil) {
        state.withLock { $0.tokens[TokenKey(scope: scope, tenant: tenant)] = nil }
    }

    /// Tries the ways in turn, whatever is known already, and tells what became of each.
    public func explain(_ scope: String, tenant: String? = nil) async -> Explanation {
        await walk(TokenKey(scope: scope, tenant: tenant))
    }

    // MARK: One request

    private func fly(_ key: TokenKey) async -> Result<AccessToken, SluiceError> {
        let result: Result<AccessToken, SluiceError>
        do throws(SluiceError) {
            result = .success(try await fresh(key))
        } catch {
            result = .failure(error)
        }
        let now = now()
        state.withLock { state in
            state.flights[key] = nil
            if case .failure = result { state.failures[key] = now } else { state.failures[key] = nil }
        }
        return result
    }

    private func fresh(_ key: TokenKey) async throws(SluiceError) -> AccessToken {
        let chosen = state.withLock { $0.chosen }
        let explanation = await walk(key, only: chosen)
        if let token = explanation.token { return token }
        throw explanation.error ?? SluiceError(.permission, "there is nobody to sign in to Azure as")
    }

    /// Tries the ways in turn, up to the first that is set up.
    private func walk(_ key: TokenKey, only chosen: Int? = nil) async -> Explanation {
        var attempts: [Attempt] = []
        for (place, link) in links.enumerated() where chosen == nil || chosen == place {
            do throws(SluiceError) {
                switch try await link.token(for: key.scope, tenant: key.tenant) {
                case .token(let token, let detail):
                    attempts.append(Attempt(kind: link.kind, detail: detail, absence: nil, error: nil))
                    state.withLock { state in
                        state.tokens[key] = token
                        state.chosen = place
                        state.isNobody = false
                    }
                    return Explanation(scope: key.scope, attempts: attempts, token: token, error: nil)
                case .absent(let reason):
                    attempts.append(Attempt(kind: link.kind, detail: nil, absence: reason, error: nil))
                }
            } catch {
                attempts.append(Attempt(kind: link.kind, detail: nil, absence: nil, error: error))
                let told = SluiceError(
                    error.code, "signing in to Azure by \(link.kind.shown) failed: \(error.message)",
                    place: error.place, details: error.details, hint: error.hint, isTransient: error.isTransient)
                return Explanation(scope: key.scope, attempts: attempts, token: nil, error: told)
            }
        }
        state.withLock { $0.isNobody = true }
        let isEmulated = links.contains { ($0 as? ManagedLink)?.settings.emulator != nil }
        let error = SluiceError(
            .permission, "there is nobody to sign in to Azure as; what was tried",
            details: attempts.map { "\($0.kind.shown): \($0.absence ?? "")" },
            hint: isEmulated
                ? "start the emulator where SLUICE_AZURE_EMULATOR, or emulator under azure, says it is: sluice emulate; or "
                    + "take the setting away"
                : links.count == 1
                    ? "set it up as it says there, or leave \"identity\" out so that all ways are tried"
                    : "on your own machine: az login; in Azure: give the job a managed identity; elsewhere: set "
                        + "AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET")
        return Explanation(scope: key.scope, attempts: attempts, token: nil, error: error)
    }
}
