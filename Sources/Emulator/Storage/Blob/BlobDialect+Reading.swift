import HTTPServer
import Support

extension BlobDialect {
    func download(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        let found = try engine.find(try call.path(engine), try call.demand())
        return try await call.read(engine, found, headers: headers(found.entry, call))
    }

    func properties(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let entry = try engine.find(try call.path(engine), try call.demand()).entry
        var headers = headers(entry, call)
        headers["Accept-Ranges"] = "bytes"
        headers["Content-Length"] = String(entry.size)
        headers["Content-MD5"] = entry.headers.md5
        if entry.kind == .block {
            headers["x-ms-access-tier"] = entry.tier ?? "Hot"
            if entry.tier == nil { headers["x-ms-access-tier-inferred"] = "true" }
        }
        return ServerResponse(200, headers: headers)
    }

    func metadata(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let entry = try engine.find(try call.path(engine), try call.demand()).entry
        var headers = StorageAnswer.stamp(entry.version)
        for pair in entry.shownMetadata { headers["x-ms-meta-\(pair.name)"] = pair.value }
        return ServerResponse(200, headers: headers)
    }

    /// What readers are told of a blob.
    private func headers(_ entry: Entry, _ call: StorageCall) -> HTTPHeaders {
        var headers = StorageAnswer.stamp(entry.version)
        headers.merge(call.contentHeaders(entry))
        headers["x-ms-blob-type"] = entry.blobType
        headers["x-ms-creation-time"] = Version.moment(entry.created).httpDate
        headers["x-ms-server-encrypted"] = "true"
        headers.merge(StorageAnswer.lease(entry.lease, at: call.now.microseconds))
        for pair in entry.shownMetadata { headers["x-ms-meta-\(pair.name)"] = pair.value }
        if entry.kind == .append {
            headers["x-ms-blob-committed-block-count"] = String(entry.appends)
            if entry.isSealed { headers["x-ms-blob-sealed"] = "true" }
        }
        if let copy = entry.copy {
            headers["x-ms-copy-id"] = copy.id
            headers["x-ms-copy-status"] = "success"
            headers["x-ms-copy-source"] = copy.source
            headers["x-ms-copy-progress"] = "\(entry.size)/\(entry.size)"
            headers["x-ms-copy-completion-time"] = Version.moment(copy.completed).httpDate
        }
        if engine.isHierarchical(call.account) {
            headers["x-ms-resource-type"] = entry.kind == .directory ? "directory" : "file"
            headers.merge(entry.accessHeaders)
        }
        return headers
    }

    func blockList(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let which = (call.query("blocklisttype") ?? "committed").lowercased()
        guard ["committed", "uncommitted", "all"].contains(which) else { throw .invalidQuery("blocklisttype", which) }
        let (entry, staged) = try engine.blockList(try call.path(engine), try call.demand())
        var xml = XMLText()
        xml.open("BlockList")
        func write(_ name: String, _ blocks: [(String, Int)]) {
            xml.open(name)
            for (id, size) in blocks {
                xml.open("Block")
                xml.leaf("Name", id)
                xml.leaf("Size", String(size))
                xml.close("Block")
            }
            xml.close(name)
        }
        if which != "uncommitted" { write("CommittedBlocks", entry?.blocks.map { ($0.id, $0.length) } ?? []) }
        if which != "committed" {
            // The service names them in the order of their ids.
            write("UncommittedBlocks", staged.sorted { $0.id < $1.id }.map { ($0.id, $0.extent.length) })
        }
        xml.close("BlockList")
        var headers = entry.map { StorageAnswer.stamp($0.version) } ?? [:]
        headers["x-ms-blob-content-length"] = String(entry?.size ?? 0)
        return xml.response(headers: headers)
    }
}

extension StorageCall {
    /// The headers that are stored with content, as a signature may have them otherwise.
    func contentHeaders(_ entry: Entry) -> HTTPHeaders {
        var headers = HTTPHeaders()
        let stored = entry.headers
        headers["Content-Type"] = signed("rsct") ?? stored.type
        headers["Content-Encoding"] = signed("rsce") ?? stored.encoding
        headers["Content-Language"] = signed("rscl") ?? stored.language
        headers["Content-Disposition"] = signed("rscd") ?? stored.disposition
        headers["Cache-Control"] = signed("rscc") ?? stored.cacheControl
        return headers
    }

    private func signed(_ name: String) -> String? { isSigned ? query(name) : nil }
}

extension Entry {
    /// Whose it is and who may do what.
    var accessHeaders: HTTPHeaders {
        let access = access ?? (kind == .directory ? .standard : .standardFile)
        return [
            "x-ms-owner": access.owner, "x-ms-group": access.group, "x-ms-permissions": access.permissions,
            "x-ms-acl": access.acl,
        ]
    }
}
