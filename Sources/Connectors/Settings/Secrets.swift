public import Settings
public import Support

/// Where secrets are looked up: the environment, a vault.
public protocol SecretSource: Sendable {
    /// The value of the secret that `reference` names.
    ///
    /// - throws: `SluiceError` that names the secret, where it was looked for, and what to do.
    func value(of reference: SecretReference) async throws(SluiceError) -> String
}

/// Gives tokens that say to databases of Azure's who one is. They come from floors that connectors do not know.
public protocol DatabaseTokenSource: Sendable {
    /// A token for Azure SQL that holds long enough to connect.
    ///
    /// - throws: `SluiceError` that lists what was tried to find out who one is.
    func databaseToken() async throws(SluiceError) -> String
    /// A token for Azure's PostgreSQL servers, which take it as a password.
    ///
    /// - throws: `SluiceError` that lists what was tried to find out who one is.
    func postgresToken() async throws(SluiceError) -> String
}

/// Secrets in environment variables: `${secret.orders-db-password}` is the variable of exactly that name, or else
/// `ORDERS_DB_PASSWORD`.
public struct EnvironmentSecrets: SecretSource {
    private let variables: [String: String]

    /// Secrets in `variables`: the process's own, with `.env` laid under them.
    public init(_ variables: [String: String]) { self.variables = variables }

    /// The value of the secret that `reference` names. An empty variable is one that is not set.
    public func value(of reference: SecretReference) async throws(SluiceError) -> String {
        let exact = reference.vault.map { "\($0)/\(reference.name)" } ?? reference.name
        let upper = EnvironmentPrefix.variableName(exact)
        for name in [exact, upper] {
            if let value = variables[name], !value.isEmpty { return value }
        }
        let names = exact == upper ? "\(upper) is not set" : "neither \(exact) nor \(upper) is set"
        throw SluiceError(
            .invalidConfiguration, "the secret \"\(exact)\" was not found: of the environment variables, \(names)",
            hint: "set \(upper) in the environment, or in a .env file beside sluice.yaml")
    }
}

/// How names become names of environment variables.
enum EnvironmentPrefix {
    /// `orders-db` → `ORDERS_DB`: upper case, and an underscore for all that is neither letter nor digit.
    static func variableName(_ name: String) -> String {
        String(name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
