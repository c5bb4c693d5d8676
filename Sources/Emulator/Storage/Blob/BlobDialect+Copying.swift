import HTTPServer
import Support

extension BlobDialect {
    /// Copies at once and says so: the copy that goes on in the background is over when it is answered.
    func copy(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let (source, url) = try call.copySource()
        let (metadata, tier) = (try call.metadata(), try call.tier())
        let id = ServiceErrors.newID()
        let entry = try engine.copy(
            from: source, try call.sourceDemand(), to: try call.path(engine), try call.demand()
        ) { entry in
            if !metadata.isEmpty { entry.metadata = metadata }
            if let tier { entry.tier = tier }
            entry.copy = CopyFacts(id: id, source: url, completed: entry.version)
        }
        var answer = StorageAnswer.stamp(entry.version)
        answer["x-ms-copy-id"] = id
        answer["x-ms-copy-status"] = "success"
        return ServerResponse(202, headers: answer)
    }

    func putFromURL(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        guard call.header("x-ms-blob-type") == "BlockBlob" else { throw .absent("Put From URL of this kind of blob") }
        let (source, _) = try call.copySource()
        let (metadata, headers, tier) = (
            try call.metadata(), try call.storedHeaders(isBodyContent: false), try call.tier()
        )
        let keeps = call.header("x-ms-copy-source-blob-properties")?.lowercased() != "false"
        let entry = try engine.copy(
            from: source, try call.sourceDemand(), to: try call.path(engine), try call.demand()
        ) { entry in
            let stored = entry.headers
            entry.kind = .block
            entry.blocks = []
            entry.appends = 0
            entry.isSealed = false
            entry.copy = nil
            entry.tier = tier
            entry.headers = headers
            if keeps {
                if call.header("x-ms-blob-content-type") == nil { entry.headers.type = stored.type }
                entry.headers.encoding = headers.encoding ?? stored.encoding
                entry.headers.language = headers.language ?? stored.language
                entry.headers.disposition = headers.disposition ?? stored.disposition
                entry.headers.cacheControl = headers.cacheControl ?? stored.cacheControl
            }
            entry.headers.md5 = headers.md5 ?? stored.md5
            if !metadata.isEmpty || !keeps { entry.metadata = metadata }
        }
        var answer = StorageAnswer.stamp(entry.version)
        answer["Content-MD5"] = entry.headers.md5
        answer["x-ms-request-server-encrypted"] = "true"
        return ServerResponse(201, headers: answer)
    }

    func putBlockFromURL(_ call: StorageCall, _ id: String) async throws(StorageFault) -> ServerResponse {
        if try call.bodySize(atMost: 0) != 0 { throw .invalidHeader("Content-Length", "") }
        let (source, _) = try call.copySource()
        let found: StorageEngine.Found
        do throws(StorageFault) { found = try engine.find(source, try call.sourceDemand()) } catch {
            throw error.status == 304 || error.status == 412 ? .sourceConditionNotMet : error
        }
        var range = 0..<found.entry.size
        if let text = call.header("x-ms-source-range") {
            let parts = text.hasPrefix("bytes=") ? text.dropFirst(6).split(separator: "-") : []
            guard let first = parts.first.flatMap({ Int($0) }), first < found.entry.size, parts.count <= 2 else {
                throw .invalidHeader("x-ms-source-range", text)
            }
            let last = parts.count == 2 ? Int(parts[1]) : found.entry.size - 1
            guard let last, last >= first else { throw .invalidHeader("x-ms-source-range", text) }
            range = first..<min(found.entry.size, last + 1)
        }
        let extents = found.entry.extents.slice(range)
        let (path, lease) = (try call.path(engine), call.header("x-ms-lease-id"))
        if extents.count == 1 {
            try engine.stage(path, lease: lease, id: id, extents[0])
        } else {
            let writer = try engine.blockWriter(
                path, lease: lease, length: range.count, wantsMD5: false, wantsCRC64: false)
            try await writer.fill(from: ContentReader(extents, pin: found.pin, in: engine.content))
            try engine.stage(path, lease: lease, id: id, writer.extent)
        }
        return ServerResponse(201, headers: ["x-ms-request-server-encrypted": "true"])
    }
}

extension StorageCall {
    /// The blob that `x-ms-copy-source` names, which has to be one of this emulator; and the URL without its signature.
    func copySource() throws(StorageFault) -> (path: BlobPath, url: String) {
        guard let text = header("x-ms-copy-source") else { throw .missingHeader("x-ms-copy-source") }
        let url: WebAddress
        do { url = try WebAddress(text) } catch { throw .invalidHeader("x-ms-copy-source", "(not a URL)") }
        var shown = url
        shown.query = nil
        var parts = url.path.dropFirst().split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
            .map(String.init)
        let labels = url.host.split(separator: ".")
        let source: String
        if labels.count > 2, labels[1] == "blob" || labels[1] == "dfs" {
            source = String(labels[0])
            parts = url.path.dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
                .map(String.init)
        } else {
            guard parts.count == 3 else { throw .invalidHeader("x-ms-copy-source", shown.text) }
            source = parts.removeFirst()
        }
        guard parts.count == 2, let container = parts[0].percentDecoded(), let name = parts[1].percentDecoded(),
            !container.isEmpty, !name.isEmpty
        else { throw .invalidHeader("x-ms-copy-source", shown.text) }
        if source != account, !text.contains("sig=") {
            throw StorageFault(
                401, "CannotVerifyCopySource",
                "The source is in another account, and its URL has no shared access signature.")
        }
        return (BlobPath(account: source, container: container, name: BlobName(name)), shown.text)
    }
}
