import Azure
import Connectors
import Settings
import Support

/// A project's secrets: those of Key Vault, and the environment's for what no vault has.
struct ProjectSecrets: SecretSource {
    private let secrets: AzureSecrets

    init(_ azure: AzureAccess, environment: [String: String]) {
        let variables = EnvironmentSecrets(environment)
        secrets = AzureSecrets(azure) { reference throws(SluiceError) in try await variables.value(of: reference) }
    }

    func value(of reference: SecretReference) async throws(SluiceError) -> String {
        try await secrets.value(of: reference)
    }
}

/// Who one is in Azure, for its databases.
struct ProjectTokens: DatabaseTokenSource {
    let azure: AzureAccess

    func databaseToken() async throws(SluiceError) -> String {
        let client = try azure.client()
        return try await client.identity.token(for: client.settings.cloud.sqlScope).value
    }

    func postgresToken() async throws(SluiceError) -> String {
        let client = try azure.client()
        return try await client.identity.token(for: client.settings.cloud.openDatabaseScope).value
    }
}
