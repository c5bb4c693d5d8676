import HTTPServer
import Support

/// The largest bodies that the service takes.
private let largestPut = 5000 << 20
private let largestBlock = 4000 << 20
private let largestAppend = 100 << 20

extension BlobDialect {
    func put(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        let type = call.header("x-ms-blob-type")
        if call.header("x-ms-copy-source") != nil {
            return type == nil ? try copy(call) : try putFromURL(call)
        }
        switch type {
        case "BlockBlob": return try await putBlockBlob(call)
        case "AppendBlob": return try putAppendBlob(call)
        case "PageBlob": throw .absent("Page blobs")
        case nil: throw .missingHeader("x-ms-blob-type")
        case .some(let other): throw .invalidHeader("x-ms-blob-type", other)
        }
    }

    private func putBlockBlob(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        let size = try call.bodySize(atMost: largestPut)
        let (demand, path) = (try call.demand(), try call.path(engine))
        let (metadata, headers) = (try call.metadata(), try call.storedHeaders())
        let tier = try call.tier()
        try engine.mayPut(path, demand)
        let writer = try ContentWriter(
            engine.content, length: size, wantsMD5: call.wantsMD5(size: size, keeps: true),
            wantsCRC64: call.wantsCRC64(size: size))
        let found = try await call.store(in: writer)
        let entry = try engine.put(path, demand, kind: .block) { entry in
            entry.extents = size == 0 ? [] : [writer.extent]
            entry.headers = headers
            if entry.headers.md5 == nil { entry.headers.md5 = found.md5 }
            entry.metadata = metadata
            entry.tier = tier
        }
        var answer = StorageAnswer.stamp(entry.version)
        answer["Content-MD5"] = found.md5
        answer["x-ms-content-crc64"] = found.crc64
        answer["x-ms-request-server-encrypted"] = "true"
        return ServerResponse(201, headers: answer)
    }

    private func putAppendBlob(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        if try call.bodySize(atMost: largestPut) > 0 {
            throw .invalidHeader("Content-Length", String(call.server.contentLength ?? 0))
        }
        if engine.isHierarchical(call.account), call.header("x-ms-append-on-directory") != nil { throw .isDirectory }
        let (metadata, headers) = (try call.metadata(), try call.storedHeaders())
        let entry = try engine.put(try call.path(engine), try call.demand(), kind: .append) { entry in
            entry.headers = headers
            entry.metadata = metadata
        }
        var answer = StorageAnswer.stamp(entry.version)
        answer["x-ms-request-server-encrypted"] = "true"
        return ServerResponse(201, headers: answer)
    }

    func putBlock(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        let id = try call.blockID()
        if call.header("x-ms-copy-source") != nil { return try await putBlockFromURL(call, id) }
        let size = try call.bodySize(atMost: largestBlock)
        if size == 0 { throw .invalidHeader("Content-Length", "0") }
        let (path, lease) = (try call.path(engine), call.header("x-ms-lease-id"))
        let writer = try engine.blockWriter(
            path, lease: lease, length: size, wantsMD5: call.wantsMD5(size: size),
            wantsCRC64: call.wantsCRC64(size: size))
        let found = try await call.store(in: writer)
        try engine.stage(path, lease: lease, id: id, writer.extent)
        return ServerResponse(201, headers: Self.checksums(found))
    }

    func putBlockList(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        _ = try call.bodySize(atMost: 16 << 20)
        let body = try await call.xmlBody()
        guard body.name == "BlockList" else {
            throw StorageFault(400, "InvalidXmlDocument", "XML specified is not syntactically valid.")
        }
        var list: [(source: BlockSource, id: String)] = []
        for item in body.children {
            guard let source = BlockSource(rawValue: item.name) else {
                throw StorageFault(
                    400, "UnsupportedXmlNode", "One of the XML nodes specified in the request body is not supported.")
            }
            list.append((source, item.text))
        }
        let (metadata, headers) = (try call.metadata(), try call.storedHeaders(isBodyContent: false))
        let tier = try call.tier()
        let entry = try engine.commit(try call.path(engine), try call.demand(), list) { entry in
            entry.headers = headers
            entry.metadata = metadata
            entry.tier = tier
        }
        var answer = StorageAnswer.stamp(entry.version)
        answer["x-ms-request-server-encrypted"] = "true"
        return ServerResponse(201, headers: answer)
    }

    func appendBlock(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        if call.header("x-ms-copy-source") != nil { throw .absent("Append Block From URL") }
        let size = try call.bodySize(atMost: largestAppend)
        if size == 0 { throw .invalidHeader("Content-Length", "0") }
        let position = try call.number(header: "x-ms-blob-condition-appendpos")
        let largest = try call.number(header: "x-ms-blob-condition-maxsize")
        let (path, demand) = (try call.path(engine), try call.demand())
        let writer = try engine.appendWriter(
            path, demand, length: size, wantsMD5: call.wantsMD5(size: size), wantsCRC64: call.wantsCRC64(size: size))
        let found = try await call.store(in: writer)
        let (entry, offset) = try engine.append(path, demand, writer.extent, position: position, largest: largest)
        var answer = StorageAnswer.stamp(entry.version)
        answer.merge(Self.checksums(found))
        answer["x-ms-blob-append-offset"] = String(offset)
        answer["x-ms-blob-committed-block-count"] = String(entry.appends)
        return ServerResponse(201, headers: answer)
    }

    /// What a client is told of the bytes that came: the checksum that it sent, or the CRC-64.
    static func checksums(_ found: Checksums) -> HTTPHeaders {
        var headers: HTTPHeaders = ["x-ms-request-server-encrypted": "true"]
        headers["Content-MD5"] = found.md5
        headers["x-ms-content-crc64"] = found.crc64
        return headers
    }

    func delete(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        if let which = call.header("x-ms-delete-snapshots"), !["include", "only"].contains(which) {
            throw .invalidHeader("x-ms-delete-snapshots", which)
        }
        // There are never any snapshots.
        if call.header("x-ms-delete-snapshots") == "only" { throw .absent("Snapshots of blobs") }
        try engine.delete(try call.path(engine), try call.demand())
        return ServerResponse(202, headers: ["x-ms-delete-type-permanent": "true"])
    }
}

extension StorageCall {
    /// The id of a block.
    func blockID() throws(StorageFault) -> String {
        guard let id = query("blockid") else { throw .missingQuery("blockid") }
        guard let bytes = Base64.decode(id), (1...64).contains(bytes.count) else { throw .invalidQuery("blockid", id) }
        return id
    }

    /// The tier that a blob is put in.
    func tier() throws(StorageFault) -> String? {
        guard let tier = header("x-ms-access-tier") else { return nil }
        guard ["Hot", "Cool", "Cold", "Archive", "Smart"].contains(tier) else {
            throw .invalidHeader("x-ms-access-tier", tier)
        }
        if tier == "Archive" { throw .absent("The archive tier") }
        return tier
    }

    /// The headers that are to be stored with the content.
    ///
    /// - parameter isBodyContent: Whether the body is the content, so that its own headers speak for it too.
    func storedHeaders(isBodyContent: Bool = true) throws(StorageFault) -> ContentHeaders {
        func given(_ name: String) -> String? {
            header("x-ms-blob-\(name)") ?? (isBodyContent ? header(name) : nil)
        }
        var found = ContentHeaders()
        if let type = given("content-type") { found.type = type }
        found.encoding = given("content-encoding")
        found.language = given("content-language")
        found.disposition = header("x-ms-blob-content-disposition")
        found.cacheControl = given("cache-control")
        if let md5 = header("x-ms-blob-content-md5") { found.md5 = try Self.checked(md5: md5) }
        return found
    }

    /// The path of a blob: a hierarchical account has rules for names that a flat one has not.
    func path(_ engine: StorageEngine) throws(StorageFault) -> BlobPath {
        guard engine.isHierarchical(account) else { return blobPath }
        return BlobPath(account: account, container: container, name: try PathName.checked(name))
    }
}

/// What a path of a hierarchical account may be called.
enum PathName {
    /// The path without slashes at its ends.
    static func checked(_ text: String) throws(StorageFault) -> BlobName {
        let parts = text.split(separator: "/", omittingEmptySubsequences: true)
        for part in parts {
            if part == "." || part == ".." {
                throw StorageFault(
                    400, "InvalidUri", "A path of an account with a hierarchical namespace has no parts '.' and '..'.")
            }
            if part.utf16.count > 255 {
                throw StorageFault(400, "InvalidUri", "A part of the path is longer than 255 characters.")
            }
        }
        if parts.isEmpty {
            throw StorageFault(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
        }
        return BlobName(parts.joined(separator: "/"))
    }
}
