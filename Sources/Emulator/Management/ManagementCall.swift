public import HTTPServer
public import Support

/// One call to a resource provider, by somebody who may.
public struct ManagementCall: Sendable {
    /// The request itself.
    public let request: EmulatedRequest
    /// `GET`, `PUT`, `PATCH`, `DELETE`, `POST`.
    public let method: String
    /// The resource or collection, its types written as the provider does; of something to do, what it is done to.
    public let id: ResourceID
    /// The type below the namespace, in small letters: `jobs/executions`.
    public let type: String
    /// What is to be done with it, in small letters: `start`.
    public let action: String?
    /// The name behind that: of `stop/EXECUTION` the execution.
    public let argument: String?
    /// The version of the interface that the caller means.
    public let version: String
    /// All resources.
    public let store: ResourceStore
    /// How long things take.
    let switches: ManagementSwitches

    /// When it came in.
    public var now: Moment { request.now }
    /// Long operations.
    public var operations: LongOperations { LongOperations(store: store) }
    /// Whether it is about a collection.
    public var isCollection: Bool { !id.isResource }

    /// The body, which has to be a JSON object.
    public func body() async throws(ManagementFault) -> JSONText {
        let bytes: Buffer
        do throws(SluiceError) { bytes = try await request.server.collect(limit: 4 << 20) } catch {
            throw error.code == .limitExceeded
                ? ManagementFault(413, "RequestEntityTooLarge", "The request is larger than 4 MB.")
                : .invalid("InvalidRequestContent", "The request content could not be read.")
        }
        do throws(SluiceError) {
            let body = try JSONText.parse(bytes)
            guard body.members != nil else {
                throw SluiceError(.invalidData, "an object was expected")
            }
            return body
        } catch {
            throw .invalid(
                "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: '\(error.description)'.")
        }
    }

    /// The body of something to do, which may be missing.
    public func optionalBody() async throws(ManagementFault) -> JSONText {
        request.server.contentLength == 0 ? .object([]) : try await body()
    }

    /// Runs something of the store, whose own failures are the emulator's.
    public func stored<Answer>(
        _ body: () async throws(SluiceError) -> Answer
    ) async throws(ManagementFault) -> Answer {
        do throws(SluiceError) { return try await body() } catch { throw .broken(error) }
    }

    /// The resource, which has to be there.
    public func found(_ other: ResourceID? = nil) async throws(ManagementFault) -> Resource {
        let wanted = other ?? id
        let found = try await stored { () async throws(SluiceError) in try await store.find(wanted) }
        guard let found else { throw .notFound(wanted) }
        return found
    }

    /// Makes sure that the resource is there to which this one belongs.
    public func checkParent() async throws(ManagementFault) {
        guard let parent = id.parent else { return }
        let found = try await stored { () async throws(SluiceError) in try await store.find(parent) }
        if found == nil { throw .notFound(parent) }
    }

    /// The resource as an answer.
    public func get() async throws(ManagementFault) -> ServerResponse { .json(try await found().shown(at: now)) }

    /// The resources of the collection as an answer, page by page: of a resource, a group or a subscription.
    public func list(isNewestFirst: Bool = false) async throws(ManagementFault) -> ServerResponse {
        let all = try await stored { () async throws(SluiceError) in
            try await store.list(
                id.type, subscription: id.subscription, group: id.group, parent: id.parent, isNewestFirst: isNewestFirst
            )
        }
        return try page(all.map { $0.shown(at: now) })
    }

    /// A page of a list, with the link to the next.
    public func page(_ values: [JSONText]) throws(ManagementFault) -> ServerResponse {
        let size = switches.now.page
        var start = 0
        if let token = request.server[query: "$skiptoken"] {
            guard let bytes = Base64.decodeURL(token), let number = Int(String(decoding: bytes, as: UTF8.self)),
                number >= 0
            else { throw .invalid("InvalidSkipToken", "The provided skip token is not one that was given out.") }
            start = number
        }
        let rest = values.dropFirst(start)
        let next = start + size
        let link =
            "\(request.baseURL)\(request.path)?api-version=\(version.percentEncoded)"
            + "&%24skiptoken=\(Base64.encodeURL(Array(String(next).utf8)))"
        return .json(
            .members(["value": .array(Array(rest.prefix(size))), "nextLink": rest.count > size ? .string(link) : nil]))
    }

    // MARK: Changes

    /// Who made a resource and who changed it last, as answers tell.
    public func systemData(_ old: JSONText?) -> JSONText {
        var name = "sluice"
        if case .identity(let object, let client, _) = request.caller { name = client.isEmpty ? object : client }
        return [
            "createdBy": old?.at("createdBy") ?? .string(name),
            "createdByType": old?.at("createdByType") ?? "Application",
            "createdAt": old?.at("createdAt") ?? .string(now.iso), "lastModifiedBy": .string(name),
            "lastModifiedByType": "Application", "lastModifiedAt": .string(now.iso),
        ]
    }

    /// Keeps a resource under this call's id, and answers as to `PUT`: 201 for a new one and 200 for one that was there, with
    /// the address of an operation when `operation` names one.
    ///
    /// - parameter old: What was found there before.
    public func put(
        _ document: JSONText, hidden: JSONText = .object([]), over old: Resource?, operation: String?,
        state: String = "Succeeded"
    ) async throws(ManagementFault) -> ServerResponse {
        var resource = old ?? Resource(id, document, created: now)
        resource.document = document.setting("systemData", systemData(old?.document.at("systemData")))
        resource.hidden = hidden
        resource.state = state
        resource.ready = operation == nil ? nil : now.later(switches.now.operation)
        try await keep(resource)
        var answer = ServerResponse.json(resource.shown(at: now), status: old == nil ? 201 : 200)
        if let operation {
            let outcome: LongOperations.Outcome =
                state == "Succeeded" ? .resource(id) : .failed(code: "ProvisioningFailed", message: "It failed.")
            let begun = try await operations.begin(
                operation, .status, for: self, region: region(document), ends: resource.ready, outcome)
            answer.headers[begun.header.name] = begun.header.value
            answer.headers["Retry-After"] = String(switches.now.retryAfter)
        }
        return answer
    }

    /// Changes a resource and answers as to `PATCH`: 202 with the address of the result.
    public func patch(
        _ old: Resource, _ document: JSONText, hidden: JSONText, operation: String
    ) async throws(ManagementFault) -> ServerResponse {
        var resource = old
        resource.document = document.setting("systemData", systemData(old.document.at("systemData")))
        resource.hidden = hidden
        resource.ready = now.later(switches.now.operation)
        try await keep(resource)
        return try await accepted(operation, ends: resource.ready, .resource(id), region: region(document))
    }

    /// Deletes a resource with all below it, and answers as to `DELETE`: 202 with the address of the result, 204 when it is not
    /// there.
    public func delete(operation: String) async throws(ManagementFault) -> ServerResponse {
        let gone = now.later(switches.now.operation)
        let deleted = try await stored { () async throws(SluiceError) in
            try await store.update(id) { resource in
                if resource.gone == nil { resource.gone = gone }
                return true
            }
        }
        guard let deleted else { return ServerResponse(204) }
        return try await accepted(operation, ends: deleted.gone, .gone, region: region(deleted.document))
    }

    /// 202 with the address at which the result will be.
    public func accepted(
        _ operation: String, ends: Moment?, _ outcome: LongOperations.Outcome, region: String
    ) async throws(ManagementFault) -> ServerResponse {
        let begun = try await operations.begin(operation, .result, for: self, region: region, ends: ends, outcome)
        return ServerResponse(
            202, headers: [begun.header.name: begun.header.value, "Retry-After": String(switches.now.retryAfter)])
    }

    private func keep(_ resource: Resource) async throws(ManagementFault) {
        let saved = try await stored { () async throws(SluiceError) in try await store.save(resource) }
        guard saved != nil else {
            throw ManagementFault(
                409, "AnotherOperationInProgress",
                "Another operation on this or dependent resource is in progress. Try again later.")
        }
        let group = ResourceID(
            subscription: id.subscription, group: id.group, namespace: nil, types: [], names: [])
        if id.group != nil {
            _ = try await stored { () async throws(SluiceError) in try await store.group(group) }
        }
    }

    /// A region as addresses write it: `West Europe` is `westeurope`.
    public func region(_ document: JSONText) -> String {
        let name = document.at("location")?.text ?? "westeurope"
        let short = name.lowercased().utf8.filter {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
        }
        return short.isEmpty ? "westeurope" : String(decoding: short, as: UTF8.self)
    }
}
