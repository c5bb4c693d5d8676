import HTTPServer
import Support

/// One call to Queue, by somebody who may: queues themselves. Messages are in the extension beside it.
struct QueueCall: Sendable {
    let store: QueueStore
    let request: EmulatedRequest
    let queue: String

    var account: String { request.account }
    var now: Moment { request.now }

    /// The database's own failures are the emulator's.
    func asked<Answer>(_ body: () async throws(SluiceError) -> Answer) async throws(QueueFault) -> Answer {
        do throws(SluiceError) { return try await body() } catch {
            throw QueueFault(500, "InternalError", error.description)
        }
    }

    static func check(name: String) throws(QueueFault) {
        guard (3...63).contains(name.utf8.count) else {
            throw QueueFault(
                400, "OutOfRangeInput", "The specified resource name length is not within the permissible limits.")
        }
        let isPlain = name.utf8.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                || $0 == UInt8(ascii: "-")
        }
        guard isPlain, !name.hasPrefix("-"), !name.hasSuffix("-"), !name.contains("--") else {
            throw QueueFault(400, "InvalidResourceName", "The specified resource name contains invalid characters.")
        }
    }

    func number(_ name: String, _ range: ClosedRange<Int>) throws(QueueFault) -> Int? {
        guard let text = request.server[query: name], !text.isEmpty else { return nil }
        guard let number = Int(text) else {
            throw QueueFault(
                400, "InvalidQueryParameterValue",
                "Value for one of the query parameters specified in the request URI is invalid.",
                details: ["QueryParameterName": name, "QueryParameterValue": text, "Reason": "It is not a number."])
        }
        guard range.contains(number) else { throw .range(name, text, range.lowerBound, range.upperBound) }
        return number
    }

    /// The queue; nobody works on one that is not there.
    @discardableResult
    func found() async throws(QueueFault) -> QueueStore.Queue {
        let found = try await asked { () async throws(SluiceError) in try await store.find(account, queue) }
        guard let found else { throw .notFound }
        return found
    }

    private func givenMetadata() throws(QueueFault) -> [(name: String, value: String)] {
        let given = request.server.headers.compactMap { name, value -> (name: String, value: String)? in
            guard name.lowercased().hasPrefix("x-ms-meta-") else { return nil }
            return (name: String(name.dropFirst("x-ms-meta-".count)), value: value)
        }
        let size = given.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        if size > 8192 {
            throw QueueFault(
                400, "MetadataTooLarge", "The size of the specified metadata exceeds the maximum size permitted.")
        }
        let isWord = given.allSatisfy { name, _ in
            !name.isEmpty && name.first?.isNumber == false
                && name.unicodeScalars.allSatisfy {
                    $0.properties.isAlphabetic || $0 == "_" || $0.properties.numericType != nil
                }
        }
        guard isWord else {
            throw QueueFault(
                400, "InvalidMetadata", "The metadata specified is invalid. It has characters that are not permitted.")
        }
        return given
    }

    func create() async throws(QueueFault) -> ServerResponse {
        let wanted = QueueStore.Queue(name: queue, metadata: try givenMetadata())
        let isNew = try await asked { () async throws(SluiceError) in try await store.create(account, wanted) }
        if isNew { return ServerResponse(201) }
        func sorted(_ metadata: [(name: String, value: String)]) -> [String] {
            metadata.map { "\($0.name.lowercased())=\($0.value)" }.sorted()
        }
        guard sorted(try await found().metadata) == sorted(wanted.metadata) else { throw .exists }
        return ServerResponse(204)
    }

    func remove() async throws(QueueFault) -> ServerResponse {
        guard try await asked({ () async throws(SluiceError) in try await store.remove(account, queue) }) else {
            throw .notFound
        }
        return ServerResponse(204)
    }

    func metadata() async throws(QueueFault) -> ServerResponse {
        let found = try await found()
        let count = try await asked { () async throws(SluiceError) in
            try await store.count(account, queue, now: now)
        }
        var response = ServerResponse(200, headers: ["x-ms-approximate-messages-count": String(count)])
        for (name, value) in found.metadata { response.headers.add("x-ms-meta-\(name)", value) }
        return response
    }

    func setMetadata() async throws(QueueFault) -> ServerResponse {
        let wanted = QueueStore.Queue(name: queue, metadata: try givenMetadata())
        guard try await asked({ () async throws(SluiceError) in try await store.setMetadata(account, wanted) }) else {
            throw .notFound
        }
        return ServerResponse(204)
    }

    func policies() async throws(QueueFault) -> ServerResponse {
        try await found()
        let kept = try await asked { () async throws(SluiceError) in try await store.policies(account, queue) }
        let node = kept.flatMap { try? XMLNode.parse(Buffer(Array($0.utf8))) }
        return .xml(node ?? XMLNode("SignedIdentifiers"))
    }

    func setPolicies() async throws(QueueFault) -> ServerResponse {
        try await found()
        guard let body = try? await request.server.collect(limit: 64 << 10) else { throw .invalidXML }
        var text = XMLNode("SignedIdentifiers").write()
        if body.count > 0 {
            guard let node = try? XMLNode.parse(body), node.name == "SignedIdentifiers", node.children.count <= 5 else {
                throw .invalidXML
            }
            text = node.write()
        }
        let written = text
        try await asked { () async throws(SluiceError) in try await store.setPolicies(account, queue, written) }
        return ServerResponse(204)
    }

    func list() async throws(QueueFault) -> ServerResponse {
        let limit = try number("maxresults", 1...Int.max).map { min($0, 5000) } ?? 5000
        let prefix = request.server[query: "prefix"] ?? ""
        let marker = request.server[query: "marker"] ?? ""
        let found = try await asked { () async throws(SluiceError) in
            try await store.list(account, prefix: prefix, marker: marker, limit: limit)
        }
        let hasMetadata = (request.server[query: "include"] ?? "").contains("metadata")
        let queues = found.prefix(limit).map { queue in
            var children = [XMLNode("Name", text: queue.name)]
            if hasMetadata {
                children.append(
                    XMLNode("Metadata", children: queue.metadata.map { XMLNode($0.name, text: $0.value) }))
            }
            return XMLNode("Queue", children: children)
        }
        var children: [XMLNode] = []
        if !prefix.isEmpty { children.append(XMLNode("Prefix", text: prefix)) }
        if !marker.isEmpty { children.append(XMLNode("Marker", text: marker)) }
        if request.server[query: "maxresults"] != nil { children.append(XMLNode("MaxResults", text: String(limit))) }
        children.append(XMLNode("Queues", children: Array(queues)))
        children.append(XMLNode("NextMarker", text: found.count > limit ? found[limit].name : ""))
        return .xml(
            XMLNode(
                "EnumerationResults", attributes: ["ServiceEndpoint": "\(request.baseURL)/"], children: children))
    }

    func serviceProperties() -> ServerResponse {
        let retention = XMLNode("RetentionPolicy", children: [XMLNode("Enabled", text: "false")])
        func metrics(_ name: String) -> XMLNode {
            XMLNode(
                name,
                children: [XMLNode("Version", text: "1.0"), XMLNode("Enabled", text: "false"), retention])
        }
        let logging = XMLNode(
            "Logging",
            children: [XMLNode("Version", text: "1.0")]
                + ["Delete", "Read", "Write"].map { XMLNode($0, text: "false") } + [retention])
        return .xml(
            XMLNode(
                "StorageServiceProperties",
                children: [logging, metrics("HourMetrics"), metrics("MinuteMetrics"), XMLNode("Cors")]))
    }

    func statistics() -> ServerResponse {
        let replication = XMLNode(
            "GeoReplication",
            children: [XMLNode("Status", text: "live"), XMLNode("LastSyncTime", text: now.httpDate)])
        return .xml(XMLNode("StorageServiceStats", children: [replication]))
    }
}
