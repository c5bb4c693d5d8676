public import Support
import Synchronization
import Transport

/// A secret that was read from a vault. Its value is protected from the moment it is known, and never shown.
public struct VaultSecret: Sendable, CustomStringConvertible {
    /// Its name and version.
    public let name, version: String
    /// What nobody may see.
    public let value: String
    /// What the value is, if somebody said so.
    public let contentType: String?
    /// When it stops to be good, if ever.
    public let expiresAt: Moment?

    /// Its name and version, never its value.
    public var description: String { "\(name)/\(version)" }
}

/// A secret in a listing, which says nothing of its value.
public struct VaultSecretEntry: Sendable, Equatable {
    /// Its name; its version too, where versions are listed.
    public let name: String
    /// Its version, where versions are listed.
    public let version: String?
    /// Whether it can be read.
    public let isEnabled: Bool
    /// When it was made and changed.
    public let created, updated: Moment?
}

/// The secrets of one vault. What was read is kept for as long as this lives: a run asks for each secret once.
///
///     let vault = KeyVaultClient(azure, vault: try VaultName.address("shop-kv", in: .publicCloud))
///     try await vault.secret("orders-db-password").value
public final class KeyVaultClient: Sendable {
    /// The version of the service that is spoken to.
    public static let version = "7.6"

    private struct Key: Hashable {
        var name: String
        var version: String?
    }

    private let azure: AzureClient
    /// Where it is.
    public let vault: WebAddress
    private let authorizer: VaultAuthorizer
    private let flights = Mutex<[Key: Task<Result<VaultSecret?, SluiceError>, Never>]>([:])

    /// The vault at `vault`, as the identity of `azure` sees it.
    public init(_ azure: AzureClient, vault: WebAddress) {
        self.azure = azure
        self.vault = vault
        authorizer = VaultAuthorizer(azure, host: vault.host)
    }

    /// What to call it in a message: `shop-kv`.
    public var name: String {
        let suffix = ".\(azure.settings.cloud.vaultSuffix)"
        return vault.host.hasSuffix(suffix) ? String(vault.host.dropLast(suffix.count)) : vault.origin
    }

    /// The secret called `name`; its newest version unless one is named.
    ///
    /// - throws: `SluiceError` that says why it cannot be read, and what to do.
    public func secret(_ name: String, version: String? = nil) async throws(SluiceError) -> VaultSecret {
        if let found = try await find(name, version: version) { return found }
        throw SluiceError(
            .notFound, "there is no secret \"\(name)\(version.map { "/\($0)" } ?? "")\" in the Key Vault \(self.name)",
            hint: "list them: az keyvault secret list --vault-name \(self.name) --query \"[].name\"")
    }

    /// The secret called `name`; nil when the vault has none.
    public func find(_ name: String, version: String? = nil) async throws(SluiceError) -> VaultSecret? {
        try VaultName.check(secret: name)
        if let version { try check(version: version, of: name) }
        let key = Key(name: name.lowercased(), version: version)
        let flight = flights.withLock { flights in
            if let flight = flights[key] { return flight }
            let flight = Task { () -> Result<VaultSecret?, SluiceError> in
                do throws(SluiceError) { return .success(try await self.read(name, version)) } catch {
                    return .failure(error)
                }
            }
            flights[key] = flight
            return flight
        }
        switch await flight.value {
        case .success(let secret): return secret
        case .failure(let error):
            // The next who asks may have more luck.
            flights.withLock { $0[key] = nil }
            throw error
        }
    }

    /// All secrets that there are, by name.
    public func secrets() async throws(SluiceError) -> [VaultSecretEntry] { try await entries("secrets") }

    /// All versions of the secret called `name`.
    public func versions(of name: String) async throws(SluiceError) -> [VaultSecretEntry] {
        try VaultName.check(secret: name)
        return try await entries("secrets/\(name)/versions")
    }

    /// Sets a secret: makes it, or gives it a new version.
    @discardableResult
    public func set(
        _ name: String, to value: String, contentType: String? = nil, until expiry: Moment? = nil
    ) async throws(SluiceError) -> VaultSecret {
        try VaultName.check(secret: name)
        Redactor.shared.protect(value)
        guard value.utf8.count <= 25 << 10 else {
            throw SluiceError(
                .limitExceeded, "the value for the secret \"\(name)\" has \(value.utf8.count) bytes",
                hint: "Key Vault takes 25 KiB")
        }
        try await meet()
        let body = JSONText.members([
            "value": .string(value), "contentType": contentType.map { .string($0) },
            "attributes": expiry.map { ["exp": .number($0.seconds)] },
        ])
        var request = request(.put, "secrets/\(name)")
        request.headers["Content-Type"] = "application/json"
        request.body = .bytes(Buffer(Array(body.text().utf8)))
        let (_, answer) = try await azure.fetch(request, as: .authorizer(authorizer), limit: 1 << 20)
        flights.withLock { $0[Key(name: name.lowercased(), version: nil)] = nil }
        return try secret(in: answer, name)
    }

    /// Deletes a secret. No error when it is not there.
    public func delete(_ name: String) async throws(SluiceError) {
        try VaultName.check(secret: name)
        _ = try await azure.fetch(
            request(.delete, "secrets/\(name)"), as: .authorizer(authorizer), accepting: [404], limit: 1 << 20)
        flights.withLock { flights in flights = flights.filter { $0.key.name != name.lowercased() } }
    }

    // MARK: Requests

    /// Lets the vault show whose tokens it takes, before it is sent what is secret.
    private func meet() async throws(SluiceError) {
        guard !authorizer.knowsTheVault else { return }
        var question = request(.get, "secrets")
        question.url = question.url.with(query: [("maxresults", "1")])
        let (response, _) = try await azure.fetch(question, as: .nobody, accepting: [401], limit: 1 << 20)
        _ = try await authorizer.shouldRetry(after: response, to: question)
    }

    private func request(_ method: HTTPMethod, _ path: String) -> HTTPRequest {
        HTTPRequest(
            method, vault.appending(path: path).with(query: [("api-version", KeyVaultClient.version)]),
            headers: ["Accept": "application/json"], service: "keyvault")
    }

    private func check(version: String, of name: String) throws(SluiceError) {
        guard !version.isEmpty, version.utf8.allSatisfy({ 48...57 ~= $0 || 97...122 ~= $0 || 65...90 ~= $0 }) else {
            throw SluiceError(
                .invalidConfiguration, "the secret \"\(name)\" cannot have the version \"\(version)\"",
                hint: "a version is 32 hexadecimal digits")
        }
    }

    private func read(_ name: String, _ version: String?) async throws(SluiceError) -> VaultSecret? {
        // Without a version the path still has its slash, as the official clients send it.
        let request = request(.get, "secrets/\(name)/\(version ?? "")")
        let (response, body) = try await azure.fetch(
            request, as: .authorizer(authorizer), accepting: [404], limit: 1 << 20)
        if response.status != 404 { return try secret(in: body, name) }
        let failure = AzureServiceError(response, body: body)
        if failure.code == "SecretNotFound" { return nil }
        // Something else is not there: the vault's address is wrong, most likely.
        throw azure.error(failure, request, .authorizer(authorizer))
    }

    private func secret(in body: Buffer, _ name: String) throws(SluiceError) -> VaultSecret {
        let answer = try? JSONText.parse(body)
        guard let value = answer?["value"]?.text else {
            throw SluiceError(.invalidData, "the Key Vault \(self.name) answered without the value of \"\(name)\"")
        }
        Redactor.shared.protect(value)
        let id = answer?["id"]?.text?.split(separator: "/").map(String.init) ?? []
        return VaultSecret(
            name: name, version: id.last ?? "", value: value, contentType: answer?["contentType"]?.text,
            expiresAt: answer?["attributes"]?["exp"]?.integer.map { Moment(seconds: $0) })
    }

    private func entries(_ path: String) async throws(SluiceError) -> [VaultSecretEntry] {
        var next: HTTPRequest? = request(.get, path)
        next?.url = vault.appending(path: path).with(query: [
            ("api-version", KeyVaultClient.version), ("maxresults", "25"),
        ])
        var entries: [VaultSecretEntry] = []
        var seen: Set<String> = []
        while let request = next {
            let (_, body) = try await azure.fetch(request, as: .authorizer(authorizer), limit: 16 << 20)
            let page = try JSONText.parse(body)
            for item in page["value"]?.items ?? [] {
                let parts = (try WebAddress(item["id"]?.text ?? "")).path.split(separator: "/").map(String.init)
                guard parts.count >= 2 else { continue }
                let attributes = item["attributes"]
                entries.append(
                    VaultSecretEntry(
                        name: parts[1], version: parts.count > 2 ? parts[2] : nil,
                        isEnabled: attributes?["enabled"]?.flag ?? true,
                        created: attributes?["created"]?.integer.map { Moment(seconds: $0) },
                        updated: attributes?["updated"]?.integer.map { Moment(seconds: $0) }))
            }
            next = nil
            if let link = page["nextLink"]?.text, !link.isEmpty {
                let address = try WebAddress(link)
                // A token goes to this vault and to nobody whom an answer names.
                guard address.host == vault.host, seen.insert(link).inserted else {
                    throw SluiceError(.invalidData, "the Key Vault \(name) names a next page that is not its own")
                }
                var following = self.request(.get, path)
                following.url = address
                next = following
            }
        }
        return entries
    }
}

/// Asks a vault first whose tokens it takes, then brings one.
final class VaultAuthorizer: HTTPAuthorizer {
    private let azure: AzureClient
    private let host: String
    private let challenge = Mutex<AuthenticationChallenge?>(nil)

    init(_ azure: AzureClient, host: String) {
        self.azure = azure
        self.host = host
    }

    /// Whether the vault has shown whose tokens it takes.
    var knowsTheVault: Bool { challenge.withLock { $0 != nil } }

    func authorize(_ request: inout HTTPRequest) async throws(SluiceError) {
        guard let scope = challenge.withLock({ $0?.scope }) else {
            // Nothing that is secret is sent before it is known who asks.
            request.body = .none
            request.headers["Content-Type"] = nil
            return
        }
        // Where no tenant is set, as after `az login`, the vault's own is the one to sign in to.
        let tenant = azure.settings.tenant == nil ? challenge.withLock { $0?.tenant } : nil
        try await BearerAuthorizer(azure.identity, scope: scope, tenant: tenant).authorize(&request)
    }

    func shouldRetry(after response: HTTPResponse, to request: HTTPRequest) async throws(SluiceError) -> Bool {
        guard let found = response.headers.all("WWW-Authenticate").compactMap({ AuthenticationChallenge($0) }).first,
            let scope = found.scope
        else { return false }
        let resource = try WebAddress(scope).host
        // A server that asks for tokens of another service would act with them as whoever sent them.
        guard host == resource || host.hasSuffix(".\(resource)") || isLocal else {
            throw SluiceError(
                .permission, "\(host) asks for a token that is for \(resource)",
                hint: "it is not a Key Vault; check AZURE_KEYVAULT_URL")
        }
        return challenge.withLock { known in
            let isNew = known?.parameters != found.parameters
            known = found
            return isNew
        }
    }

    private var isLocal: Bool { host == "localhost" || host == "[::1]" || host.hasPrefix("127.") }
}
