import HTTPServer
import Support

/// The Blob service: what its calls are, and which part of this folder does them.
struct BlobDialect: Sendable {
    let engine: StorageEngine

    /// The answer to a call, faults as the service words them.
    func respond(to call: StorageCall) async -> ServerResponse {
        do {
            return try await answer(call)
        } catch {
            return Self.fault(error, isHead: call.method == "HEAD", at: call.now, requestID: call.id)
        }
    }

    private func answer(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        if call.query("restype") == "account", call.query("comp") == "properties" {
            guard call.method == "GET" || call.method == "HEAD" else { throw Self.wrongVerb }
            return accountInfo(call)
        }
        if call.query("comp") == "batch" {
            guard call.method == "POST" else { throw Self.wrongVerb }
            return try await batch(call)
        }
        if call.container.isEmpty { return try await service(call) }
        if call.name.isEmpty, call.query("restype") == "container" { return try await container(call) }
        // A name without a container is a blob of the root container.
        if call.name.isEmpty {
            throw StorageFault(
                400, "InvalidUri", "The URI names a container and says neither restype=container nor a blob in it.")
        }
        if call.hasQuery("snapshot") || call.hasQuery("versionid") { throw .absent("Snapshots and versions of blobs") }
        return try await blob(call)
    }

    static let wrongVerb = StorageFault(
        405, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb.")

    private func blob(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        let comp = call.query("comp")
        switch (call.method, comp) {
        case ("GET", nil): return try await download(call)
        case ("HEAD", nil): return try properties(call)
        case ("GET", "metadata"), ("HEAD", "metadata"): return try metadata(call)
        case ("GET", "blocklist"): return try blockList(call)
        case ("DELETE", nil): return try delete(call)
        case ("PUT", nil): return try await put(call)
        case ("PUT", "block"): return try await putBlock(call)
        case ("PUT", "blocklist"): return try await putBlockList(call)
        case ("PUT", "appendblock"): return try await appendBlock(call)
        case ("PUT", "seal"): return try seal(call)
        case ("PUT", "metadata"): return try setMetadata(call)
        case ("PUT", "properties"): return try setProperties(call)
        case ("PUT", "lease"): return try lease(call)
        case ("PUT", "tier"): return try setTier(call)
        case ("PUT", "copy"):
            throw StorageFault(
                409, "NoPendingCopyOperation", "There is currently no pending copy operation.")
        case ("PUT", "snapshot"): throw .absent("Snapshots of blobs")
        case ("PUT", "page"), ("GET", "pagelist"), ("PUT", "incrementalcopy"): throw .absent("Page blobs")
        case ("GET", "tags"), ("PUT", "tags"): throw .absent("Tags of blobs")
        case ("PUT", "expiry"), ("PUT", "undelete"), ("POST", "query"), ("PUT", "legalhold"),
            ("PUT", "immutabilityPolicies"), ("DELETE", "immutabilityPolicies"):
            throw .absent("The operation comp=\(comp ?? "")")
        case ("GET", _), ("HEAD", _), ("PUT", _), ("DELETE", _), ("POST", _):
            throw .invalidQuery("comp", comp ?? "")
        default: throw Self.wrongVerb
        }
    }

    /// An error as the service words it: XML, and a header with its code.
    static func fault(_ fault: StorageFault, isHead: Bool, at now: Moment, requestID: String) -> ServerResponse {
        var headers: HTTPHeaders = ["x-ms-error-code": fault.code]
        if isHead || fault.status == 304 { return ServerResponse(fault.status, headers: headers) }
        var xml = XMLText()
        xml.open("Error")
        xml.leaf("Code", fault.code)
        xml.leaf("Message", "\(fault.message)\nRequestId:\(requestID)\nTime:\(now.iso)")
        for detail in fault.details { xml.leaf(detail.name, detail.value) }
        xml.close("Error")
        headers["Content-Type"] = "application/xml"
        return xml.response(fault.status, headers: headers)
    }

    private func accountInfo(_ call: StorageCall) -> ServerResponse {
        ServerResponse(
            200,
            headers: [
                "x-ms-sku-name": "Standard_LRS", "x-ms-account-kind": "StorageV2",
                "x-ms-is-hns-enabled": engine.isHierarchical(call.account) ? "true" : "false",
            ])
    }
}
