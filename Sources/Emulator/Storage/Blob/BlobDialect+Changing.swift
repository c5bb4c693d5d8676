import HTTPServer
import Support

extension BlobDialect {
    func setMetadata(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let metadata = try call.metadata()
        let entry = try engine.changeEntry(try call.path(engine), try call.demand()) { $0.metadata = metadata }
        var answer = StorageAnswer.stamp(entry.version)
        answer["x-ms-request-server-encrypted"] = "true"
        return ServerResponse(200, headers: answer)
    }

    func setProperties(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        if call.header("x-ms-blob-content-length") != nil || call.header("x-ms-sequence-number-action") != nil {
            throw .absent("Page blobs")
        }
        let headers = try call.storedHeaders(isBodyContent: false)
        let entry = try engine.changeEntry(try call.path(engine), try call.demand()) { $0.headers = headers }
        return ServerResponse(200, headers: StorageAnswer.stamp(entry.version))
    }

    func lease(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        guard let verb = call.header("x-ms-lease-action") else { throw .missingHeader("x-ms-lease-action") }
        let action = try call.leaseAction(verb)
        let (entry, left) = try engine.lease(try call.path(engine), action, try call.conditions(prefix: ""))
        return Self.leaseAnswer(action, entry.lease, StorageAnswer.stamp(entry.version), left)
    }

    func setTier(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        guard let tier = try call.tier() else { throw .missingHeader("x-ms-access-tier") }
        _ = try engine.changeEntry(
            try call.path(engine), Guard(lease: call.header("x-ms-lease-id")), isNewVersion: false
        ) {
            (entry) throws(StorageFault) in
            if entry.kind != .block { throw .wrongBlobType }
            entry.tier = tier
        }
        return ServerResponse(200)
    }

    func seal(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let position = try call.number(header: "x-ms-blob-condition-appendpos")
        let entry = try engine.changeEntry(try call.path(engine), try call.demand()) { (entry) throws(StorageFault) in
            if entry.kind != .append { throw .wrongBlobType }
            if let position, position != entry.size { throw .appendPosition }
            entry.isSealed = true
        }
        var answer = StorageAnswer.stamp(entry.version)
        answer["x-ms-blob-sealed"] = "true"
        return ServerResponse(200, headers: answer)
    }
}
