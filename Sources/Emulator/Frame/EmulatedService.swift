public import HTTPServer
public import Support

/// One of Azure's services, as the emulator plays it. Later services are further types of this kind.
public protocol EmulatedService: Sendable {
    /// What it is called in traces and fault rules: `blob`, `dfs`, `queue`, `keyvault`, `acr`, `login`, `imds`, `arm`, `batch`.
    var name: String { get }
    /// Whether a request is for this service; asked in the order in which services are plugged in.
    func accepts(_ request: EmulatedRequest) -> Bool
    /// Whether a storage service answers this request though nobody signed it: what lies in a public container.
    func isPublic(_ request: EmulatedRequest) async -> Bool
    /// The stored access policy `id` of the container or queue that a request is about; nil when it has none of that name.
    func storedPolicy(_ id: String, for request: EmulatedRequest) async -> StoredPolicy?
    /// The answer. Whoever asks is known by then (`request.caller`), and is allowed to, as far as storage's rules go.
    func respond(to request: EmulatedRequest) async -> ServerResponse
    /// The answer at one of the emulator's own addresses, below `/_sluice/`; nil for one that is not this service's.
    func administer(_ request: ServerRequest) async throws(SluiceError) -> ServerResponse?
    /// Told once when the emulator listens. Whoever keeps the host lets go of it in `close`.
    func listens(_ host: EmulatorHost) async
    /// Brings what it holds to the disk and lets go of it.
    func close() async
}

extension EmulatedService {
    /// Nothing is public.
    public func isPublic(_ request: EmulatedRequest) async -> Bool { false }
    /// No policies are kept.
    public func storedPolicy(_ id: String, for request: EmulatedRequest) async -> StoredPolicy? { nil }
    /// There are no addresses of its own.
    public func administer(_ request: ServerRequest) async throws(SluiceError) -> ServerResponse? { nil }
    /// Nobody has to know.
    public func listens(_ host: EmulatorHost) async {}
    /// Nothing is held.
    public func close() async {}
}
