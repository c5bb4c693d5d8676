public import Settings
public import Support
public import Transport

/// What is set about Azure: in the `azure:` section of `sluice.yaml`, and over it in the environment.
public struct AzureSettings: Sendable {
    /// Which cloud.
    public var cloud = AzureCloud.publicCloud
    /// The directory that one signs in to; nil for whatever the identity's own is.
    public var tenant: String?
    /// An application or user-assigned identity.
    public var clientID: String?
    /// The user-assigned managed identity, when it is another than `clientID`.
    public var managedClientID: String?
    /// The one way to sign in that is tried, instead of all in turn.
    public var identity: IdentityKind?
    /// The local Azure that stands in for all of it.
    public var emulator: WebAddress?
    /// Who issues tokens, when it is not the cloud's own.
    public var authority: WebAddress?
    /// A file of certificates that are trusted beside the system's.
    public var caFile: String?
    /// The vault of `${secret.name}`.
    public var vault: WebAddress?
    /// The environment, `.env` laid under it.
    public var environment: [String: String]

    /// What `environment` alone says.
    public init(environment: [String: String]) throws(SluiceError) {
        try self.init(environment: environment, section: nil)
    }

    /// What `section` says, and over it `environment`.
    ///
    /// - throws: `SluiceError` that names the setting that is wrong.
    public init(environment: [String: String], section: Section?) throws(SluiceError) {
        self.environment = environment
        func value(_ key: String, _ variables: String...) -> (text: String, source: String)? {
            for name in variables {
                if let text = environment[name], !text.isEmpty { return (text, name) }
            }
            return section?.text(key).map { ($0, "azure.\(key)") }
        }
        if let found = value("cloud", "AZURE_CLOUD") {
            cloud = try AzureSettings.named(found.source) { () throws(SluiceError) in
                try AzureCloud.named(found.text)
            }
        }
        if let found = value("tenant", "AZURE_TENANT_ID") {
            tenant = try AzureSettings.word(found.text, found.source, "a tenant's id or domain")
        }
        if let found = value("client_id", "AZURE_CLIENT_ID") {
            clientID = try AzureSettings.word(found.text, found.source, "a client id")
        }
        if let found = value("managed_client_id", "MANAGED_IDENTITY_CLIENT_ID") {
            managedClientID = try AzureSettings.word(found.text, found.source, "a client id")
        }
        if let found = value("identity", "SLUICE_AZURE_IDENTITY") {
            identity = try AzureSettings.named(found.source) { () throws(SluiceError) in
                try IdentityKind.named(found.text)
            }
        }
        if let found = value("emulator", "SLUICE_AZURE_EMULATOR") {
            emulator = try AzureSettings.address(found.text, found.source)
        }
        if let found = value("authority", "AZURE_AUTHORITY_HOST") {
            let text = found.text.contains("://") ? found.text : "https://\(found.text)"
            authority = try AzureSettings.address(text, found.source)
        }
        caFile = value("ca_file", "SLUICE_CA_FILE")?.text
        if let found = value("vault", "AZURE_KEYVAULT_URL") {
            vault = try AzureSettings.named(found.source) { () throws(SluiceError) in
                try VaultName.address(found.text, in: cloud)
            }
        }
    }

    /// Who issues tokens.
    public var tokenAuthority: WebAddress { authority ?? cloud.authority }

    /// How a client goes about its requests under these settings: trusted certificates, and the way to the emulator.
    public var httpOptions: HTTPOptions {
        var options = HTTPOptions(environment: environment)
        if let caFile, !options.caFiles.contains(caFile) { options.caFiles.append(caFile) }
        if let emulator {
            var hosts = cloud.hostPatterns + [AzureSettings.metadataHost]
            if let authority { hosts.append(authority.host) }
            options.routes.append(HTTPRoute(hosts: hosts, to: emulator))
        }
        return options
    }

    /// The address at which a virtual machine asks about itself.
    static let metadataHost = "169.254.169.254"

    // MARK: Reading

    private static func named<Value>(
        _ source: String, _ body: () throws(SluiceError) -> Value
    ) throws(SluiceError) -> Value {
        do throws(SluiceError) { return try body() } catch {
            throw SluiceError(
                error.code, "\(source): \(error.message)", place: error.place, hint: error.hint)
        }
    }

    private static func address(_ text: String, _ source: String) throws(SluiceError) -> WebAddress {
        try named(source) { () throws(SluiceError) in try WebAddress(text) }
    }

    /// Ids and domains go into URLs and command lines: nothing else may.
    private static func word(_ text: String, _ source: String, _ what: String) throws(SluiceError)
        -> String
    {
        let isPlain = text.utf8.allSatisfy { byte in
            48...57 ~= byte || 65...90 ~= byte || 97...122 ~= byte || byte == 45 || byte == 46
                || byte == 95
        }
        if isPlain, !text.isEmpty, !text.hasPrefix("-"), text.utf8.count <= 255 { return text }
        throw SluiceError(
            .invalidConfiguration, "\(source) is \"\(text)\"; \(what) was expected",
            hint: "an id looks like 01234567-89ab-cdef-0123-456789abcdef")
    }
}

extension AzureSettings {
    /// The keys of the `azure:` section.
    public static let shape = ObjectShape(
        "set of Azure settings",
        keys: [
            KeyShape(
                "cloud", .choice(AzureCloud.all.map(\.name)), "Which of Microsoft's clouds",
                standard: "public"),
            KeyShape("tenant", .text, "The directory to sign in to: its id or a domain"),
            KeyShape("client_id", .text, "The application or user-assigned identity to sign in as"),
            KeyShape(
                "managed_client_id", .text,
                "The user-assigned managed identity, when it is another than client_id"),
            KeyShape(
                "identity", .choice(IdentityKind.allCases.map(\.rawValue)),
                "The one way to sign in, instead of trying them in turn"),
            KeyShape("vault", .text, "The Key Vault of ${secret.name}: its name or URL"),
            KeyShape(
                "emulator", .text, "The local Azure that stands in for all of it: http://127.0.0.1:10000"),
            KeyShape("authority", .text, "Who issues tokens, when it is not the cloud's own"),
            KeyShape(
                "ca_file", .text, "A file of certificates (PEM) that are trusted beside the system's"),
        ])
}
