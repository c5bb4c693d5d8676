public import Support

/// A storage account's connection string, as the portal shows it: where it is, and with what right.
///
///     let settings = try StorageConnectionString("DefaultEndpointsProtocol=https;AccountName=lake1;AccountKey=…")
///     settings.blobEndpoint  // https://lake1.blob.core.windows.net
public struct StorageConnectionString: Sendable {
    /// With what right.
    public enum Right: Sendable {
        /// The account's key.
        case key(StorageAccountKey)
        /// A shared access signature.
        case signature(SharedAccessSignature)
        /// None: what is public.
        case none
    }

    /// The account's name; nil when only endpoints are given from which it does not follow.
    public let account: String?
    /// With what right.
    public let right: Right
    /// Where its services are, as far as the string says or lets conclude.
    public let blobEndpoint, dfsEndpoint, queueEndpoint: WebAddress?

    /// Reads a connection string.
    ///
    /// - throws: `SluiceError` that says what is not as it should be, without the string's secrets.
    public init(_ text: String) throws(SluiceError) {
        let parts = try StorageConnectionString.parts(text)
        if parts["usedevelopmentstorage"]?.lowercased() == "true" {
            self = try StorageConnectionString(developmentProxy: parts["developmentstorageproxyuri"])
            return
        }
        let scheme = parts["defaultendpointsprotocol"]?.lowercased() ?? "https"
        guard scheme == "https" || scheme == "http" else {
            throw StorageConnectionString.problem("has DefaultEndpointsProtocol=\(scheme); https was expected")
        }
        let suffix = parts["endpointsuffix"] ?? "core.windows.net"
        var name = parts["accountname"]
        func endpoint(_ service: String) throws(SluiceError) -> WebAddress? {
            if let given = parts["\(service)endpoint"] { return try WebAddress(given) }
            guard let name else { return nil }
            return try WebAddress("\(scheme)://\(name).\(service).\(suffix)")
        }
        blobEndpoint = try endpoint("blob")
        queueEndpoint = try endpoint("queue")
        let given = parts["dfsendpoint"]
        if given == nil, parts["blobendpoint"] != nil, let blob = blobEndpoint {
            // The one endpoint that a string for an emulator or a private name often lacks.
            var address = blob
            address.host = blob.host.replacing(".blob.", with: ".dfs.", maxReplacements: 1)
            dfsEndpoint = address
        } else {
            dfsEndpoint = try endpoint("dfs")
        }
        if name == nil, let host = blobEndpoint?.host, host.contains(".blob.") {
            name = host.split(separator: ".").first.map(String.init)
        }
        account = name
        switch (parts["accountkey"], parts["sharedaccesssignature"]) {
        case (let key?, _):
            guard let name else { throw StorageConnectionString.problem("has an AccountKey and no AccountName") }
            right = .key(try StorageAccountKey(account: name, key: key))
        case (nil, let text?): right = .signature(try SharedAccessSignature(text))
        case (nil, nil): right = .none
        }
        if blobEndpoint == nil, dfsEndpoint == nil, queueEndpoint == nil {
            throw StorageConnectionString.problem("has neither an AccountName nor a BlobEndpoint")
        }
    }

    private init(developmentProxy proxy: String?) throws(SluiceError) {
        let base = proxy ?? "http://127.0.0.1"
        let account = StorageAccountKey.development.account
        self.account = account
        right = .key(.development)
        blobEndpoint = try WebAddress("\(base):10000/\(account)")
        dfsEndpoint = try WebAddress("\(base):10000/\(account)")
        queueEndpoint = try WebAddress("\(base):10001/\(account)")
    }

    private static func problem(_ text: String) -> SluiceError {
        SluiceError(
            .invalidConfiguration, "the storage connection string \(text)",
            hint: "copy it whole: az storage account show-connection-string --name ACCOUNT")
    }

    /// `Name=value` by lower-case name. A value may hold `=` signs, as keys do.
    private static func parts(_ text: String) throws(SluiceError) -> [String: String] {
        var parts: [String: String] = [:]
        for (place, item) in text.split(separator: ";").enumerated() {
            let pair = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = pair[0].lowercased().filter { !$0.isWhitespace }
            guard pair.count == 2, !name.isEmpty else {
                // The text may be a key that lost its name: only its place is told.
                throw problem("has a part, number \(place + 1), that is not of the form Name=value")
            }
            if ["accountkey", "sharedaccesssignature"].contains(name) { Redactor.shared.protect(pair[1]) }
            parts[name] = pair[1]
        }
        if parts.isEmpty { throw problem("is empty") }
        return parts
    }
}
