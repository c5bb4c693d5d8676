public import Azure
public import Storage
public import Support
import Synchronization

/// Opens stores by the URLs and paths that users write: folders of this machine, and containers of Azure's storage.
///
///     let stores = try Stores(environment: environment, folder: nil)
///     let lake = try stores.store("abfss://lake@account.dfs.core.windows.net/raw")
///     let file = try await stores.file("az://account/in/orders.csv")
///
/// With what right an account is used is found out once: see `StoreRights`.
public final class Stores: Sendable {
    /// What Azure is reached through.
    public let settings: AzureSettings
    private let rights: StoreRights
    private let folder: String?
    private let options: StoreOptions
    private let client: Mutex<AzureClient?>

    /// Stores as the environment's settings have them.
    ///
    /// - parameters:
    ///   - folder: The folder that relative paths start from; nil for the process's own.
    ///   - settings: What Azure is reached through; nil for what the environment says.
    ///   - client: The door to Azure that others use already.
    public init(
        environment: [String: String], folder: String? = nil, settings: AzureSettings? = nil,
        options: StoreOptions = StoreOptions(), client: AzureClient? = nil
    ) throws(SluiceError) {
        self.folder = folder
        self.options = options
        if let settings {
            self.settings = settings
        } else {
            self.settings = try AzureSettings(environment: environment)
        }
        rights = StoreRights(environment: environment)
        self.client = Mutex(client)
    }

    // MARK: - What users write

    /// The store that is all of what `text` names: a folder, a container, or a folder in one. It need not be there.
    ///
    /// - throws: `SluiceError` that says how a URL is written right.
    public func store(_ text: String) throws(SluiceError) -> any ObjectStore {
        switch try StoreURL(text) {
        case .path(let path): return FolderStore(resolved(path))
        case .azure(let location): return try store(of: location, root: location.path)
        }
    }

    /// The file that `text` names, opened.
    public func file(_ text: String) async throws(SluiceError) -> any StoredObject {
        let place = try place(text)
        return try await place.store.open(place.path)
    }

    /// The place that `text` names, in a store that reaches as far as it may be gone: of Azure the container, of this
    /// machine the folder.
    ///
    /// - parameter asFolder: Whether it is to be a folder, also when there is nothing yet.
    public func place(_ text: String, asFolder: Bool = false) throws(SluiceError) -> StorePlace {
        switch try StoreURL(text) {
        case .azure(let location):
            return StorePlace(
                try store(of: location, root: ""), location.path, endsWithSlash: location.endsWithSlash)
        case .path(let path):
            let path = resolved(path)
            let isFolder = (try? FileFacts(of: path))?.isFolder ?? false
            if asFolder || isFolder || path.hasSuffix("/") {
                return StorePlace(FolderStore(path.withoutSlashes), "", endsWithSlash: path.hasSuffix("/"))
            }
            // A pattern may begin with folders that have none.
            let pattern = Glob.isPattern(path) ? try PathPattern(path).folder : nil
            let above = pattern.map { path.hasPrefix("/") ? "/" + $0 : $0 } ?? path.folder
            let rest = above.isEmpty || above == "." ? path : String(path.dropFirst(above == "/" ? 1 : above.count + 1))
            return StorePlace(FolderStore(above.isEmpty ? "." : above), rest)
        }
    }

    private func resolved(_ path: String) -> String {
        guard let folder, !path.hasPrefix("/") else { return path }
        return folder.hasSuffix("/") ? folder + path : folder + "/" + path
    }

    // MARK: - Azure

    private func store(of location: AzureLocation, root prefix: String) throws(SluiceError) -> any ObjectStore {
        var named = location
        named.path = prefix
        let right = try rights.right(for: location, cloud: settings.cloud)
        let client = azureClient()
        let service = StorageService(
            location.dialect.rawValue, client: client, endpoint: right.endpoint,
            as: right.caller(settings.cloud))
        let root = StoreRoot(name: named.name, prefix: prefix)
        switch location.dialect {
        case .blob:
            return AzureBlobStore(
                BlobClient(service, container: location.container), root: root, options: options,
                signature: right.signature)
        case .dfs:
            return AzurePathStore(
                PathClient(service, container: location.container), root: root, options: options,
                signature: right.signature)
        }
    }

    private func azureClient() -> AzureClient {
        client.withLock { client in
            if let client { return client }
            let made = AzureClient(settings)
            client = made
            return made
        }
    }

    // MARK: - Containers

    /// Whether it is the container of a place that is not there.
    public func containerIsMissing(_ place: StorePlace) async throws(SluiceError) -> Bool {
        switch place.store {
        case let store as AzureBlobStore: try await !store.client.containerExists()
        case let store as AzurePathStore: try await !store.client.containerExists()
        default: false
        }
    }

    /// Makes the container of a place; no error when it is there.
    public func makeContainer(_ place: StorePlace) async throws(SluiceError) {
        switch place.store {
        case let store as AzureBlobStore: _ = try await store.client.createContainer()
        case let store as AzurePathStore: _ = try await store.client.createContainer()
        default: break
        }
    }

    /// The lake that `ADLS_ACCOUNT_NAME` and `ADLS_CONTAINER` name; nil when neither is set.
    ///
    /// - throws: `SluiceError` when only one of them is.
    public static func lake(of environment: [String: String]) throws(SluiceError) -> String? {
        let names = ["ADLS_ACCOUNT_NAME", "ADLS_CONTAINER"]
        let values = names.map { environment[$0].flatMap { $0.isEmpty ? nil : $0 } }
        guard let account = values[0], let container = values[1] else {
            if values[0] == nil, values[1] == nil { return nil }
            let (set, missing) = values[0] == nil ? (names[1], names[0]) : (names[0], names[1])
            throw SluiceError(
                .invalidConfiguration, "\(set) is set, and \(missing) is not", hint: "Set both, or neither.")
        }
        let suffix = try AzureSettings(environment: environment).cloud.storageSuffix
        let url = "abfss://\(container)@\(account).dfs.\(suffix)"
        _ = try StoreURL(url)
        return url
    }
}

extension String {
    /// The folder that a path lies in; empty for a bare name.
    fileprivate var folder: String {
        guard let slash = lastIndex(of: "/") else { return "" }
        return slash == startIndex ? "/" : String(self[..<slash])
    }

    fileprivate var withoutSlashes: String {
        var path = self[...]
        while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
        return String(path)
    }
}
