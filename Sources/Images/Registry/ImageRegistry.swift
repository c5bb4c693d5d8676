public import Azure
public import Support
import Transport

/// A container registry: any that follows OCI's distribution specification, Azure's among them.
///
///     let registry = try ImageRegistry(reference, azure: azure)
///     let image = try await registry.find(reference, platform: .current)
public final class ImageRegistry: Sendable {
    /// Its host as references name it.
    public let host: String
    let azure: AzureClient
    let address: WebAddress
    let isAzure: Bool
    private let credentials: RegistryCredentials?
    private let allowsPlain: Bool

    /// What tokens of Entra for registries are for; the same in every cloud.
    public static let azureScope = "https://containerregistry.azure.net/.default"

    /// The registry that `reference` names.
    ///
    /// - parameter credentials: With what to sign in; what docker login has saved when nil, and in Azure the identity.
    /// - parameter allowsPlain: Whether http is spoken to other machines too.
    /// - throws: `SluiceError` for plain http to another machine without that.
    public init(
        _ reference: ImageReference, azure: AzureClient, credentials: RegistryCredentials? = nil,
        allowsPlain: Bool = false
    ) throws(SluiceError) {
        host = reference.registry
        self.azure = azure
        self.allowsPlain = allowsPlain
        let named = host == "docker.io" ? "registry-1.docker.io" : host
        let name = named.hasPrefix("[") ? named.prefix { $0 != "]" } + "]" : named.prefix { $0 != ":" }
        let isNear = ImageRegistry.isLoopback(String(name))
        let scheme = reference.scheme ?? (isNear || allowsPlain ? "http" : "https")
        guard scheme == "https" || isNear || allowsPlain else {
            throw SluiceError(
                .usage, "\(host) is another machine, and http would send everything in the clear",
                hint: "write https://\(reference), or add --plain-http if that is meant")
        }
        let address = try WebAddress("\(scheme)://\(named)/")
        self.address = address
        let suffix = ".\(azure.settings.cloud.registrySuffix)"
        isAzure =
            named.hasSuffix(suffix)
            // The emulator's registry at its own address signs in the same way.
            || (azure.settings.emulator.map { $0.origin == address.origin } ?? false)
        if let credentials {
            self.credentials = credentials
        } else {
            self.credentials = try RegistryCredentials.saved(for: host, environment: azure.settings.environment)
        }
    }

    static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Whether requests may go to this address, to which the registry has led.
    func allows(_ url: WebAddress) -> Bool {
        url.scheme == "https" || allowsPlain || ImageRegistry.isLoopback(url.host)
    }

    /// The repository `name`, with the right to `actions`: `pull`, or `pull,push`.
    func repository(_ name: String, _ actions: String) -> Repository {
        let authorizer = RegistryAuthorizer(
            azure, origin: address, credentials: credentials, isAzure: isAzure, allowsPlain: allowsPlain,
            scopes: ["repository:\(name):\(actions)"])
        return Repository(registry: self, name: name, authorizer: authorizer)
    }
}

/// A repository of a registry, and requests to it.
struct Repository: Sendable {
    let registry: ImageRegistry
    let name: String
    let authorizer: RegistryAuthorizer

    /// The address of something in it.
    ///
    /// Names, tags and digests were checked: none has a letter that a path could not have as it is.
    func url(_ rest: String) -> WebAddress {
        var url = registry.address
        url.path = "/v2/\(name)/\(rest)"
        return url
    }

    func request(
        _ method: HTTPMethod, _ url: WebAddress, headers: HTTPHeaders = [:], body: HTTPBody = .none
    ) -> HTTPRequest {
        HTTPRequest(method, url, headers: headers, body: body, service: registry.isAzure ? "acr" : "oci")
    }

    /// Sends a request and reads the whole answer.
    ///
    /// - throws: `SluiceError` for a status that is neither success nor among `accepting`; `what` is what failed then.
    func fetch(
        _ request: HTTPRequest, _ what: @autoclosure () -> String, accepting: Set<Int> = [], retry: RetryPolicy? = nil,
        limit: Int = ImageManifest.largest
    ) async throws(SluiceError) -> (response: HTTPResponse, body: Buffer) {
        let answer = try await registry.azure.http.fetch(request, authorizer: authorizer, retry: retry, limit: limit)
        if answer.response.isSuccess || accepting.contains(answer.response.status) { return answer }
        throw error(answer.response, answer.body, what())
    }

    func error(_ response: HTTPResponse, _ body: Buffer, _ what: String) -> SluiceError {
        RegistryError(response, body: body, host: registry.host).explained(
            what, as: authorizer.who, identity: registry.azure.identity.claims, isAzure: registry.isAzure)
    }

    /// Where the registry says that something goes on.
    func location(_ response: HTTPResponse) throws(SluiceError) -> WebAddress {
        guard let text = response.headers["Location"] else {
            throw SluiceError(
                .inputOutput, "the registry \(registry.host) does not say where an upload goes on",
                hint: "it does not follow the distribution specification")
        }
        var url = try response.url.resolved(text)
        // Behind a proxy that ends TLS many believe that they are asked by plain http.
        if url.host == registry.address.host, url.scheme == "http", registry.address.scheme == "https" {
            url.scheme = "https"
            url.port = registry.address.port
        }
        guard registry.allows(url) else {
            throw SluiceError(
                .permission, "the registry \(registry.host) leads an upload to \(url.origin), in the clear",
                hint: "it must be at an https address")
        }
        return url
    }
}
