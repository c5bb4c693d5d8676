public import Settings
public import Storage
public import Support

/// What is needed to reach a source or a warehouse: its protocol, and values that may hold references to secrets.
///
/// Secrets are looked up with `resolved(_:)` when a connection opens and not before. What they turn out to be, and every
/// password that was written out, is protected by `Redactor.shared`.
///
///     let settings = try registry.settings("postgres://reader:…@db.example/shop")
///     let connector = try registry.makeConnector(settings)
public struct ConnectionSettings: Sendable {
    /// What the connection is called: its name in the project, or its URL without secrets.
    public let name: String
    /// The word by which its connector is found: `postgres`.
    public let protocolName: String
    /// The values by key.
    public private(set) var values: [String: Scalar]
    /// The folder that relative paths start from.
    public let folder: String
    /// Where the secrets are looked up.
    public let secrets: any SecretSource
    /// Opens the stores that URLs name.
    public let stores: any StoreOpener
    /// Who says to databases who one is in Azure; nil where nobody does.
    public let tokens: (any DatabaseTokenSource)?

    /// Settings whose keys and values have been checked by a registry.
    init(
        name: String, protocolName: String, values: [String: Scalar], folder: String, secrets: any SecretSource,
        stores: any StoreOpener, tokens: (any DatabaseTokenSource)? = nil
    ) {
        self.name = name
        self.protocolName = protocolName
        self.values = values
        self.folder = folder
        self.secrets = secrets
        self.stores = stores
        self.tokens = tokens
        for (key, value) in values where Redactor.isSecret(key: key) {
            if let literal = value.literal { Redactor.shared.protect(literal) }
        }
    }

    /// The value of `key` when it holds no secret.
    public func text(_ key: String) -> String? { values[key]?.literal }

    /// The path under `key`, from the project's folder on unless it is absolute.
    public func path(_ key: String) -> String? { text(key).map { path in anchored(path) } }

    /// `path`, from the project's folder on unless it is absolute.
    func anchored(_ path: String) -> String {
        var path = path
        while path.hasPrefix("./") { path.removeFirst(2) }
        if stores.isURL(path) || path.hasPrefix("/") || folder.isEmpty || folder == "." { return path }
        return folder.hasSuffix("/") ? folder + path : "\(folder)/\(path)"
    }

    /// Where the files lie that `path` means: from the project's folder on, unless it is absolute or a URL.
    func place(_ path: String) throws(SluiceError) -> FilePlace {
        let place = try stores.place(of: path)
        if case .local(let path) = place { return .local(anchored(path)) }
        return place
    }

    /// All values with their secrets looked up.
    ///
    /// - throws: `SluiceError` that names a secret which is not there.
    public func resolved() async throws(SluiceError) -> [String: String] {
        var texts: [String: String] = [:]
        for (key, value) in values { texts[key] = try await secrets.text(of: value) }
        for (key, text) in texts where Redactor.isSecret(key: key) { Redactor.shared.protect(text) }
        return texts
    }
}

extension SecretSource {
    /// The text of `scalar` with its secrets looked up and protected.
    public func text(of scalar: Scalar) async throws(SluiceError) -> String {
        var text = ""
        for part in scalar.parts {
            switch part {
            case .literal(let piece): text += piece
            case .secret(let reference):
                let value = try await value(of: reference)
                Redactor.shared.protect(value)
                text += value
            }
        }
        return text
    }
}
