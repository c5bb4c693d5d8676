import HTTPServer
import Support

/// Something of Azure that a project's jobs stand on, and that somebody has to make before they can run.
public enum EmulatedGround: Sendable, Hashable, CustomStringConvertible {
    /// What Resource Manager knows by an id, in a region: a Container Apps environment, a Batch account, an identity.
    case resource(ResourceID, region: String)
    /// A container of a storage account.
    case container(account: String, name: String)
    /// A queue of a storage account.
    case queue(account: String, name: String)
    /// A secret of a vault.
    case secret(vault: String, name: String, value: String)

    /// What it is called. The value of a secret is not in it.
    public var description: String {
        switch self {
        case .resource(let id, _): "\(id.group ?? "")/\(id.name)"
        case .container(let account, let name), .queue(let account, let name): "\(account)/\(name)"
        case .secret(let vault, let name, _): "\(vault)/\(name)"
        }
    }

    /// What kind of thing it is.
    public var kind: Kind {
        switch self {
        case .resource(let id, _):
            switch id.type.lowercased() {
            case "microsoft.app/managedenvironments": .environment
            case "microsoft.batch/batchaccounts": .batchAccount
            case "microsoft.managedidentity/userassignedidentities": .identity
            default: .other
            }
        case .container: .container
        case .queue: .queue
        case .secret: .secret
        }
    }

    /// The kinds, by what they are called, in the order in which they are told.
    public enum Kind: String, Sendable, CaseIterable {
        case environment = "Container Apps environment"
        case batchAccount = "Batch account"
        case identity
        case other = "resource"
        case container
        case queue
        case secret
    }
}

extension EmulatedGround {
    /// Whether it had to be made, or changed, or was there.
    public enum Outcome: String, Sendable {
        /// It was not there.
        case made
        /// It was there, and was another.
        case changed
        /// It was there.
        case there
    }
}

/// Makes what projects stand on, as a client would, so that the same rules hold; but no fault happens to it, and no trace tells
/// of it.
struct GroundWork: Sendable {
    let issuer: TokenIssuer
    /// Asks the emulator.
    let ask: @Sendable (ServerRequest) async -> ServerResponse

    /// Makes sure that it is there.
    ///
    /// - throws: `SluiceError` with what the service says against it.
    func provide(_ ground: EmulatedGround) async throws(SluiceError) -> EmulatedGround.Outcome {
        switch ground {
        case .resource(let id, let region): return try await provide(id, region, ground)
        case .container(let account, let name):
            let target = "/\(name.percentEncoded)?restype=container"
            return try await put(ground, "\(account).blob.core.windows.net", target, Self.storage)
        case .queue(let account, let name):
            return try await put(ground, "\(account).queue.core.windows.net", "/\(name.percentEncoded)", Self.storage)
        case .secret(let vault, let name, let value):
            let host = "\(vault).vault.azure.net"
            let target = "/secrets/\(name.percentEncoded)?api-version=7.4"
            let found = try await send("GET", host, target, Self.vault)
            let old = found.status == 200 ? Self.document(found)["value"]?.text : nil
            if old == value { return .there }
            try check(ground, try await send("PUT", host, target, Self.vault, ["value": .string(value)]))
            return found.status == 200 ? .changed : .made
        }
    }

    private static let storage = "https://storage.azure.com"
    private static let vault = "https://vault.azure.net"
    private static let management = (host: "management.azure.com", audience: "https://management.azure.com/")

    /// The version of the interface, and what stands in a document beside the region.
    private static func form(_ id: ResourceID) -> (version: String, properties: JSONText?) {
        switch EmulatedGround.resource(id, region: "").kind {
        case .environment:
            let logs: JSONText = [
                "destination": "log-analytics",
                "logAnalyticsConfiguration": [
                    "customerId": .string(Directory.objectID(of: "workspace \(id.key)")), "sharedKey": "ZW11bGF0ZWQ=",
                ],
            ]
            return ("2025-01-01", ["appLogsConfiguration": logs])
        case .batchAccount: return ("2024-07-01", nil)
        default: return ("2023-01-31", nil)
        }
    }

    private func provide(
        _ id: ResourceID, _ region: String, _ ground: EmulatedGround
    ) async throws(SluiceError) -> EmulatedGround.Outcome {
        let (version, properties) = Self.form(id)
        let path = id.description.split(separator: "/").map { String($0).percentEncoded }.joined(separator: "/")
        let (host, audience) = Self.management
        let target = "/\(path)?api-version=\(version)"
        func found() async throws(SluiceError) -> ServerResponse { try await send("GET", host, target, audience) }
        if try await found().status == 200 { return .there }
        let body = JSONText.members(["location": .string(region), "properties": properties])
        try check(ground, try await send("PUT", host, target, audience, body))
        // What is made in the cloud takes minutes; whoever reads that it is made may use it.
        let deadline = ContinuousClock.now + .seconds(30)
        while ContinuousClock.now < deadline {
            let state = Self.document(try await found()).at("properties.provisioningState")?.text
            if state == nil || state == "Succeeded" { break }
            do { try await Task.sleep(for: .milliseconds(20)) } catch {
                throw SluiceError(.cancelled, "was interrupted")
            }
        }
        return .made
    }

    private func put(
        _ ground: EmulatedGround, _ host: String, _ target: String, _ audience: String
    ) async throws(SluiceError) -> EmulatedGround.Outcome {
        let response = try await send("PUT", host, target, audience)
        // 204 is a queue's, 409 a container's.
        if response.status == 204 || response.status == 409 { return .there }
        try check(ground, response)
        return .made
    }

    private func send(
        _ method: String, _ host: String, _ target: String, _ audience: String, _ body: JSONText? = nil
    ) async throws(SluiceError) -> ServerResponse {
        let client = ManagedIdentities.ownClient
        let token = try issuer.token(
            audience: audience, tenant: issuer.tenant, client: client, object: Directory.objectID(of: client), now: .now
        )
        var headers: HTTPHeaders = ["Host": host, "Authorization": "Bearer \(token)", "x-ms-version": "2024-11-04"]
        let text = body.map { Buffer(Array($0.text().utf8)) } ?? .empty
        if body != nil { headers["Content-Type"] = "application/json" }
        return await ask(
            ServerRequest(
                method: method, target: target, headers: headers, body: MemoryStream(text), contentLength: text.count))
    }

    private func check(_ ground: EmulatedGround, _ response: ServerResponse) throws(SluiceError) {
        if 200...299 ~= response.status { return }
        let said = Self.document(response).at("error.message")?.text
        throw SluiceError(
            .invalidConfiguration,
            "the \(ground.kind.rawValue) \(ground) cannot be made: \(said ?? "\(response.status) \(response.headers["x-ms-error-code"] ?? "")")"
        )
    }

    /// A body of JSON; an empty object for any other.
    private static func document(_ response: ServerResponse) -> JSONText {
        guard case .bytes(let bytes) = response.body, let document = try? JSONText.parse(bytes) else { return [:] }
        return document
    }
}
