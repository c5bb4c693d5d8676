import HTTPServer
import Support

/// What a task or start task wants to be run.
struct BatchProgram: Sendable {
    /// The task as it was sent.
    let body: JSONText
    /// The folder of the task: its outputs, and its working folder below it.
    let folder: String
    /// The folder of the node.
    let nodeFolder: String
    var environment: [String: String] = [:]
    /// How long it may run, in seconds.
    var wallClock: Double?

    var workingFolder: String { "\(folder)/wd" }
    var words: [String] { BatchText.words(body["commandLine"]?.text ?? "") }

    /// Adds variables as Batch has them: a list of names and values.
    mutating func add(_ settings: JSONText?) {
        for item in settings?.items ?? [] {
            guard let name = item["name"]?.text, !name.isEmpty else { continue }
            environment[name] = item["value"]?.text ?? ""
        }
    }
}

/// How a program ended.
struct BatchOutcome: Sendable {
    enum Kind: Sendable { case preparing, ran, tookTooLong, uploading }

    var kind = Kind.ran
    var exitCode: Int?
    var failure: BatchFailure?
    /// What somebody wanted of it before it ended.
    var wish: BatchRun.Wish?
    /// Whether the emulator ended first.
    var isAbandoned = false
}

/// What all nodes share: programs are run by it, and it leads to the emulated storage.
struct BatchHouse: Sendable {
    let workloads: Workloads
    let identities: BatchIdentities
    /// Where programs that run are kept track of.
    let home: String
    /// The emulator, once it listens.
    var host: EmulatorHost?

    /// Asks the emulator as a node would.
    func ask(_ request: ServerRequest) async -> ServerResponse {
        await host?.ask(request) ?? ServerResponse(503)
    }
}

/// What a node can be: the tokens that the identities of its pool get.
struct BatchIdentities: Sendable {
    let issuer: TokenIssuer
    let directory: Directory

    /// What the endpoint for tokens wants to be shown; no word of anybody's, since programs mask it wherever it stands.
    var header: String { directory.identityHeader ?? "51c1ce00-ba7c-4000-8000-51c1ce00ba7c" }

    /// A token for storage; nil when the machine has no such identity.
    func storageToken(_ reference: JSONText) -> String? {
        let resource = reference["resourceId"]?.text
        guard
            case .one(let identity) = ManagedIdentities(directory: directory).choose(
                client: nil, object: nil, resource: resource)
        else { return nil }
        return try? issuer.token(
            audience: "https://storage.azure.com", tenant: issuer.tenant, client: identity.client,
            object: identity.object, now: .now)
    }
}
