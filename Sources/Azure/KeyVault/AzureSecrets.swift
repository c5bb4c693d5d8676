public import Settings
public import Support
import Synchronization

/// Secrets from Key Vault, and from somewhere else what no vault has.
///
/// `${secret.name}` is looked up in the vault that `azure: vault:` or `AZURE_KEYVAULT_URL` names, `${secret.vault/name}` in the
/// vault of that name. What is not there is looked up in the environment. A vault that refuses is an error: another value than
/// the one that was meant would be worse than none.
public final class AzureSecrets: Sendable {
    /// Where a secret is looked up that no vault has.
    public typealias Fallback = @Sendable (SecretReference) async throws(SluiceError) -> String

    private let access: AzureAccess
    private let fallback: Fallback
    private let vaults = Mutex<[String: KeyVaultClient]>([:])

    /// Secrets as the identity of `access` sees them.
    public init(_ access: AzureAccess, fallback: @escaping Fallback) {
        self.access = access
        self.fallback = fallback
    }

    /// The value of the secret that `reference` names.
    ///
    /// - throws: `SluiceError` that names the secret, all places where it was looked for, and what to do.
    public func value(of reference: SecretReference) async throws(SluiceError) -> String {
        let client = try access.client()
        let vault: WebAddress?
        if let name = reference.vault {
            vault = try VaultName.address(name, in: client.settings.cloud)
        } else {
            vault = client.settings.vault
        }
        guard let vault else { return try await withoutVault(reference) }
        let store = store(vault, client)
        guard VaultName.isValid(secret: reference.name) else {
            return try await elsewhere(reference, "a secret in Key Vault cannot be called that", hint: rule(reference))
        }
        do throws(SluiceError) {
            if let secret = try await store.find(reference.name) { return secret.value }
        } catch {
            // Where nobody can sign in, as on a laptop without Azure, the environment stands in for the vault.
            guard client.identity.isNobody else { throw error }
            if let value = try? await fallback(reference) { return value }
            throw SluiceError(
                error.code,
                "the secret \"\(reference.name)\" cannot be read from the Key Vault \(store.name): \(error.message)",
                details: error.details, hint: error.hint)
        }
        return try await elsewhere(
            reference, "the Key Vault \(store.name) has no such secret",
            hint: "az keyvault secret set --vault-name \(store.name) --name \(reference.name) --file FILE")
    }

    private func store(_ vault: WebAddress, _ client: AzureClient) -> KeyVaultClient {
        vaults.withLock { vaults in
            if let known = vaults[vault.origin] { return known }
            let new = KeyVaultClient(client, vault: vault)
            vaults[vault.origin] = new
            return new
        }
    }

    private func withoutVault(_ reference: SecretReference) async throws(SluiceError) -> String {
        do throws(SluiceError) { return try await fallback(reference) } catch {
            throw SluiceError(
                error.code, error.message, place: error.place,
                hint: (error.hint.map { "\($0); " } ?? "")
                    + "or name a Key Vault: AZURE_KEYVAULT_URL, or vault under azure")
        }
    }

    private func elsewhere(
        _ reference: SecretReference, _ reason: String, hint: String
    ) async throws(SluiceError) -> String {
        do throws(SluiceError) { return try await fallback(reference) } catch {
            throw SluiceError(
                error.code, "\(error.message), and \(reason)", place: error.place,
                hint: (error.hint.map { "\($0); or " } ?? "") + hint)
        }
    }

    private func rule(_ reference: SecretReference) -> String {
        let suggestion = VaultName.suggestion(for: reference.name)
        return
            "write ${secret.\(reference.vault.map { "\($0)/" } ?? "")\(suggestion)}: names there have letters, digits and hyphens"
    }
}
