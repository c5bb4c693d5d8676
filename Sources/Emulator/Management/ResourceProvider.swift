public import HTTPServer
public import Support

/// One of Azure's resource providers, such as `Microsoft.App`, as the emulator plays it.
///
/// To plug one in: make a type of this kind, and add it to the list in `EmulatorServices`. Before `respond` is asked, the
/// frame has made sure that the caller's token is good and nothing denies it, that the type is one of `types`, and that its
/// api-version is one that it takes. The frame also answers polls of long operations, subscriptions and resource groups, and
/// keeps what `call.put`, `patch` and `delete` are handed, so that it survives a `kill -9`.
///
///     func respond(to call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
///         switch (call.method, call.type) {
///         case ("PUT", "batchaccounts"):      try await call.put(try await call.body(), …)
///         case ("GET", "batchaccounts"):      try await call.get()       // or call.list() for the collection
///         …
public protocol ResourceProvider: Sendable {
    /// `Microsoft.App`
    var namespace: String { get }
    /// What it has: `jobs`, `jobs/executions`.
    var types: [ResourceType] { get }
    /// The answer. Things to do (`POST …/jobs/nightly/start`) come with the resource's own type in `call.type` and the rest in
    /// `call.action`.
    func respond(to call: ManagementCall) async throws(ManagementFault) -> ServerResponse
    /// The answer at one of the emulator's own addresses, below `/_sluice/`; nil for one that is not this provider's.
    func administer(_ request: ServerRequest) async throws(SluiceError) -> ServerResponse?
    /// Lets go of what it holds.
    func close() async
}

extension ResourceProvider {
    /// There are no addresses of its own.
    public func administer(_ request: ServerRequest) async throws(SluiceError) -> ServerResponse? { nil }
    /// Nothing is held.
    public func close() async {}
}

/// A type of resources.
public struct ResourceType: Sendable {
    /// Its name below the namespace, with types above it: `jobs/executions`.
    public let name: String
    /// The versions of its interface that are played.
    public let versions: [String]
    /// What can be done with a resource of it beside reading, writing and deleting: `start`, `listSecrets`.
    public let actions: [String]

    /// A type of resources.
    public init(_ name: String, versions: [String], actions: [String] = []) {
        self.name = name
        self.versions = versions
        self.actions = actions
    }
}

/// An answer of Resource Manager that says no.
public struct ManagementFault: Error, Sendable {
    /// What is answered.
    public var response: ServerResponse

    /// An error as Resource Manager words it.
    public init(_ status: Int, _ code: String, _ message: String, target: String? = nil, details: [JSONText] = []) {
        let error = JSONText.members([
            "code": .string(code), "message": .string(message), "target": target.map { .string($0) },
            "details": details.isEmpty ? nil : .array(details),
        ])
        response = .json(["error": error], status: status)
    }

    /// The resource is not there.
    public static func notFound(_ id: ResourceID) -> ManagementFault {
        let name =
            "\(id.namespace ?? "Microsoft.Resources")/"
            + zip(id.types, id.names).map { "\($0)/\($1)" }.joined(separator: "/")
        return ManagementFault(
            404, "ResourceNotFound",
            "The Resource '\(name)' under resource group '\(id.group ?? "<null>")' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
        )
    }

    /// Something of the body is not as it has to be.
    public static func invalid(_ code: String, _ message: String, target: String? = nil) -> ManagementFault {
        ManagementFault(400, code, message, target: target)
    }

    /// The emulator itself failed.
    static func broken(_ error: SluiceError) -> ManagementFault {
        ManagementFault(500, "InternalServerError", error.description)
    }
}
