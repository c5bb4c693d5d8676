public import Support
public import Transport

/// What goes with a blob's bytes.
public struct BlobWriting: Sendable {
    /// When it may be written.
    public var condition: StorageCondition
    /// Names and values to keep with it.
    public var metadata: [String: String]
    /// The MD5 of all bytes, in Base64, for whoever reads it.
    public var contentMD5: String?
    /// What the bytes are.
    public var contentType: String?
    /// The lease that the writer holds.
    public var lease: String?

    /// What goes with a blob's bytes.
    public init(
        _ condition: StorageCondition = .always, metadata: [String: String] = [:], contentMD5: String? = nil,
        contentType: String? = nil, lease: String? = nil
    ) {
        self.condition = condition
        self.metadata = metadata
        self.contentMD5 = contentMD5
        self.contentType = contentType
        self.lease = lease
    }

    func headers() -> HTTPHeaders {
        var headers: HTTPHeaders = [:]
        condition.add(to: &headers)
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { headers["x-ms-meta-\(name)"] = value }
        headers["x-ms-blob-content-md5"] = contentMD5
        headers["x-ms-blob-content-type"] = contentType
        headers["x-ms-lease-id"] = lease
        return headers
    }
}

extension BlobClient {
    /// How a write of a whole blob ended.
    public enum Written: Sendable {
        /// It is there, of this version.
        case done(etag: String)
        /// The condition did not hold; the blob is as it was.
        case refused
        /// The blocks are not there (any more): somebody else wrote the blob meanwhile.
        case blocksMissing
    }

    /// Writes a blob of few bytes in one step.
    public func put(
        _ name: String, _ contents: HTTPBody, crc: CRC64, _ writing: BlobWriting
    ) async throws(SluiceError) -> Written {
        var headers = writing.headers()
        headers["x-ms-blob-type"] = "BlockBlob"
        headers["Content-Type"] = "application/octet-stream"
        headers["x-ms-content-crc64"] = Base64.encode(crc.bytes)
        let request = service.request(.put, container, name, headers: headers, body: contents)
        let answer = try await service.call(request, expecting: [409, 412])
        if answer.isSuccess { return .done(etag: answer.etag ?? "") }
        if answer.isConditionUnmet { return .refused }
        throw service.failure(answer, of: request)
    }

    /// Brings a block to the service, which keeps it for a week until a list names it.
    ///
    /// - parameter id: At most 64 bytes; those of all blocks of a blob have the same length.
    public func putBlock(
        _ name: String, id: [UInt8], _ bytes: HTTPBody, crc: CRC64, lease: String? = nil
    ) async throws(SluiceError) {
        var headers: HTTPHeaders = [
            "Content-Type": "application/octet-stream", "x-ms-content-crc64": Base64.encode(crc.bytes),
        ]
        headers["x-ms-lease-id"] = lease
        let request = service.request(
            .put, container, name, query: [("comp", "block"), ("blockid", Base64.encode(id))], headers: headers,
            body: bytes)
        _ = try await service.call(request)
    }

    /// Makes a blob of blocks, in their order, in one step.
    public func commit(_ name: String, blocks: [[UInt8]], _ writing: BlobWriting) async throws(SluiceError) -> Written {
        var text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
        for id in blocks { text += "<Latest>\(Base64.encode(id))</Latest>" }
        text += "</BlockList>"
        let body = Buffer(Array(text.utf8))
        var headers = writing.headers()
        headers["Content-Type"] = "application/xml"
        headers["x-ms-content-crc64"] = TransferDigest.crc64(body)
        let request = service.request(
            .put, container, name, query: [("comp", "blocklist")], headers: headers, body: .bytes(body))
        let answer = try await service.call(request, expecting: [400, 409, 412])
        if answer.isSuccess { return .done(etag: answer.etag ?? "") }
        if answer.isConditionUnmet { return .refused }
        if answer.code == "InvalidBlockList" { return .blocksMissing }
        throw service.failure(answer, of: request)
    }

    /// The blocks of `name` that are there and belong to no version yet, with their sizes.
    public func uncommittedBlocks(_ name: String) async throws(SluiceError) -> [[UInt8]: Int] {
        let request = service.request(
            .get, container, name, query: [("comp", "blocklist"), ("blocklisttype", "uncommitted")])
        let answer = try await service.call(request, expecting: [404])
        guard answer.isSuccess else {
            if answer.isContainerMissing { throw service.failure(answer, of: request) }
            return [:]
        }
        var blocks: [[UInt8]: Int] = [:]
        for block in try XMLNode.parse(answer.body)["UncommittedBlocks"]?.all("Block") ?? [] {
            guard let name = block["Name"]?.text, let id = Base64.decode(name) else { continue }
            blocks[id] = block["Size"].flatMap { Int($0.text) } ?? 0
        }
        return blocks
    }

    /// The URL of the blob, for a copy's source.
    public func address(of name: String) -> String { service.request(.get, container, name).url.text }

    /// How a copy within the account stands.
    public enum Copying: Sendable {
        /// It is there.
        case done
        /// The service is still at it.
        case pending
        /// The condition did not hold.
        case refused
        /// The source is not there.
        case sourceMissing
    }

    /// Has the service copy a blob of this account.
    ///
    /// - parameter source: The source's URL, with a signature where one is needed.
    public func startCopy(
        _ name: String, from source: String, sourceETag: String, _ condition: StorageCondition,
        metadata: [String: String]
    ) async throws(SluiceError) -> Copying {
        var headers: HTTPHeaders = ["x-ms-copy-source": source, "x-ms-source-if-match": sourceETag]
        condition.add(to: &headers)
        for (name, value) in metadata.sorted(by: { $0.key < $1.key }) { headers["x-ms-meta-\(name)"] = value }
        let request = service.request(.put, container, name, headers: headers)
        let answer = try await service.call(request, expecting: [404, 409, 412])
        if answer.isSuccess { return answer.headers["x-ms-copy-status"] == "pending" ? .pending : .done }
        if answer.isContainerMissing { throw service.failure(answer, of: request) }
        if answer.status == 404 || answer.code == "SourceConditionNotMet" { return .sourceMissing }
        if answer.isConditionUnmet { return .refused }
        throw service.failure(answer, of: request)
    }

    /// How a copy to `name` that was pending stands by now.
    public func copyStatus(_ name: String) async throws(SluiceError) -> Copying {
        let request = service.request(.head, container, name)
        let answer = try await service.call(request)
        switch answer.headers["x-ms-copy-status"] {
        case "pending": return .pending
        case "success", nil: return .done
        default:
            throw SluiceError(
                .inputOutput,
                "the service's copy ended as \"\(answer.headers["x-ms-copy-status"] ?? "")\": "
                    + (answer.headers["x-ms-copy-status-description"] ?? "it gives no reason"),
                place: .init(file: request.url.description), isTransient: true)
        }
    }
}
