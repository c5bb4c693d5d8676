import Support

/// How an emulator is set up.
public struct EmulatorOptions: Sendable {
    /// Where everything is kept; made when it is not there.
    public var dataFolder: String
    /// The address that it listens on.
    public var address = "127.0.0.1"
    /// The port for everything but queues by path; 0 takes one that is free.
    public var port = 10_000
    /// The port on which paths mean queues; 0 takes one that is free.
    public var queuePort = 10_001
    /// Whether the same is offered over TLS, with a certificate that the emulator makes.
    public var hasTLS = false
    /// The TLS port for everything but queues by path.
    public var tlsPort = 10_443
    /// The TLS port on which paths mean queues.
    public var tlsQueuePort = 10_444
    /// Accounts with a hierarchical namespace, beside those of earlier runs; the others are flat.
    public var hierarchicalAccounts: [String] = ["devlake"]
    /// The tenant that storage and vaults trust; the tokens of any other are refused when it is set.
    public var tenant: String?
    /// A file with fault rules, from the start on.
    public var faultsFile: String?
    /// A file with applications, identities and what they are denied.
    public var directoryFile: String?
    /// Where exchanges are written, one JSON object a line.
    public var traceFile: String?

    /// An emulator that keeps everything in `dataFolder`.
    public init(dataFolder: String) { self.dataFolder = dataFolder }

    /// The tenant that challenges and tokens name when nobody named another.
    public static let defaultTenant = "5a7d1c1e-0000-4000-8000-51c1ce51c1ce"
}
