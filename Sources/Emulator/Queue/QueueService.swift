import HTTPServer
import Support

/// Queue storage.
struct QueueService: EmulatedService {
    let store: QueueStore
    let name = "queue"

    static func open(_ folder: EmulatorFolder) async throws(SluiceError) -> QueueService {
        QueueService(store: try await QueueStore.open(folder.item("queues.sqlite")))
    }

    func close() async { await store.close() }

    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .queue }

    func storedPolicy(_ id: String, for request: EmulatedRequest) async -> StoredPolicy? {
        let queue = request.path.dropFirst().prefix { $0 != "/" }
        guard let text = try? await store.policies(request.account, String(queue)),
            let node = try? XMLNode.parse(Buffer(Array(text.utf8)))
        else { return nil }
        return node.all("SignedIdentifier").map { StoredPolicy($0) }.first { $0.id == id }
    }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        do throws(QueueFault) { return try await answer(request) } catch {
            return ServiceErrors.storage(
                error.status, error.code, error.message, details: error.details, for: request)
        }
    }

    private func answer(_ request: EmulatedRequest) async throws(QueueFault) -> ServerResponse {
        let parts = request.path.split(separator: "/").map { String($0).percentDecoded() ?? "" }
        let call = QueueCall(store: store, request: request, queue: parts.first ?? "")
        let method = request.server.method
        let comp = request.server[query: "comp"] ?? ""
        if parts.isEmpty {
            switch (method, comp) {
            case ("GET", "list"): return try await call.list()
            case ("GET", "properties"), ("HEAD", "properties"): return call.serviceProperties()
            case ("PUT", "properties"): return ServerResponse(202)
            case ("GET", "stats"): return call.statistics()
            default: throw .verb
            }
        }
        try QueueCall.check(name: parts[0])
        switch (parts.count, method, comp) {
        case (1, "PUT", ""): return try await call.create()
        case (1, "DELETE", ""): return try await call.remove()
        case (1, "GET", "metadata"), (1, "HEAD", "metadata"): return try await call.metadata()
        case (1, "PUT", "metadata"): return try await call.setMetadata()
        case (1, "GET", "acl"), (1, "HEAD", "acl"): return try await call.policies()
        case (1, "PUT", "acl"): return try await call.setPolicies()
        case (2, "POST", _) where parts[1] == "messages": return try await call.put()
        case (2, "GET", _) where parts[1] == "messages": return try await call.get()
        case (2, "DELETE", _) where parts[1] == "messages": return try await call.clear()
        case (3, "PUT", _) where parts[1] == "messages": return try await call.update(parts[2])
        case (3, "DELETE", _) where parts[1] == "messages": return try await call.delete(parts[2])
        default: throw .verb
        }
    }
}

/// An answer that says no, as Queue words it.
struct QueueFault: Error {
    let status: Int
    let code: String
    let message: String
    var details: KeyValuePairs<String, String> = [:]

    init(_ status: Int, _ code: String, _ message: String, details: KeyValuePairs<String, String> = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.details = details
    }

    static let verb = QueueFault(
        405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.")
    static let notFound = QueueFault(404, "QueueNotFound", "The specified queue does not exist.")
    static let exists = QueueFault(409, "QueueAlreadyExists", "The specified queue already exists.")
    static let messageNotFound = QueueFault(404, "MessageNotFound", "The specified message does not exist.")
    static let otherReceipt = QueueFault(
        400, "PopReceiptMismatch",
        "The specified pop receipt did not match the pop receipt for a dequeued message.")
    static let tooLarge = QueueFault(
        400, "MessageTooLarge",
        "The message exceeds the maximum allowed size of 64 KiB (65536 bytes).")
    static let invalidXML = QueueFault(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")

    static func missing(_ name: String) -> QueueFault {
        QueueFault(
            400, "MissingRequiredQueryParameter",
            "A query parameter that's mandatory for this request is not specified.",
            details: ["QueryParameterName": name])
    }

    static func range(_ name: String, _ value: String, _ low: Int, _ high: Int) -> QueueFault {
        QueueFault(
            400, "OutOfRangeQueryParameterValue",
            "One of the query parameters specified in the request URI is outside the permissible range.",
            details: [
                "QueryParameterName": name, "QueryParameterValue": value, "MinimumAllowed": String(low),
                "MaximumAllowed": String(high),
            ])
    }
}
