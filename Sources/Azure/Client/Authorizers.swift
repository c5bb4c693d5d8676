public import Support
public import Transport

/// Signs requests to storage with the account's key.
public struct SharedKeyAuthorizer: HTTPAuthorizer {
    /// The account and its key.
    public let key: StorageAccountKey

    /// Signs with `key`.
    public init(_ key: StorageAccountKey) { self.key = key }

    /// Adds the date and the signature over all that the request says.
    public func authorize(_ request: inout HTTPRequest) async throws(SluiceError) {
        request.headers["x-ms-date"] = Moment.now.httpDate
        request.headers["Authorization"] = try SharedKey.authorization(
            key, method: request.method.name, path: request.url.path, query: request.url.query,
            headers: request.headers, contentLength: request.body.size)
    }
}

/// Adds a shared access signature to the URL of requests to storage.
public struct SASAuthorizer: HTTPAuthorizer {
    /// The signature.
    public let signature: SharedAccessSignature

    /// Adds `signature`.
    public init(_ signature: SharedAccessSignature) { self.signature = signature }

    /// Adds the signature, unless it has expired.
    public func authorize(_ request: inout HTTPRequest) async throws(SluiceError) {
        if let expiry = signature.expiry, expiry < Moment.now {
            throw SluiceError(
                .permission,
                "the shared access signature for \(request.url.host) expired at \(expiry.isoSeconds)",
                hint: "ask for a new one, or sign in with an identity instead")
        }
        request.url.query = [request.url.query, signature.query].compactMap { $0 }.filter {
            !$0.isEmpty
        }
        .joined(separator: "&")
    }
}

/// Adds a token of the identity to requests.
public struct BearerAuthorizer: HTTPAuthorizer {
    private let credential: any TokenCredential
    private let scope: String
    private let tenant: String?

    /// Tokens of `credential` for `scope`.
    public init(_ credential: any TokenCredential, scope: String, tenant: String? = nil) {
        self.credential = credential
        self.scope = scope
        self.tenant = tenant
    }

    /// Adds the token. It never travels in the clear to another machine.
    public func authorize(_ request: inout HTTPRequest) async throws(SluiceError) {
        let host = request.url.host
        guard
            request.url.scheme == "https" || host == "localhost" || host == "[::1]"
                || host.hasPrefix("127.")
        else {
            throw SluiceError(
                .invalidConfiguration, "a token would go to \(request.url.origin) in the clear",
                hint: "write https://\(host)")
        }
        request.headers["Authorization"] =
            "Bearer \(try await credential.token(for: scope, tenant: tenant).value)"
    }

    /// A token that a service holds for expired is replaced by a new one, once.
    public func shouldRetry(after response: HTTPResponse, to request: HTTPRequest)
        async throws(SluiceError) -> Bool
    {
        guard let identity = credential as? AzureIdentity else { return false }
        let challenge = response.headers["WWW-Authenticate"] ?? ""
        guard challenge.contains("invalid_token") || challenge.contains("expired") else { return false }
        identity.forget(scope, tenant: tenant)
        return true
    }
}
