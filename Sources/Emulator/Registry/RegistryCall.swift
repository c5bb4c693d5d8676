import Azure
import Glibc
import HTTPServer
import Support

/// One request to a registry: blobs and their uploads.
struct RegistryCall {
    let store: RegistryStore
    let request: EmulatedRequest

    var account: String { request.account }
    func folder(_ name: String) -> String { store.folder(account, name) }

    /// The 64 digits of a digest.
    static func hex(_ digest: String) throws(RegistryFault) -> String {
        let digits = String(digest.dropFirst("sha256:".count))
        guard digest.hasPrefix("sha256:"), digits.utf8.count == 64,
            digits.utf8.allSatisfy({
                Character(Unicode.Scalar($0)).isHexDigit && !Character(Unicode.Scalar($0)).isUppercase
            })
        else { throw RegistryFault(400, "DIGEST_INVALID", "provided digest did not match uploaded content") }
        return digits
    }

    // MARK: Blobs

    func blob(_ name: String, _ digest: String) throws(RegistryFault) -> ServerResponse {
        let hex = try RegistryCall.hex(digest)
        let path = store.blob(account, hex)
        guard store.exists("\(folder(name))/blobs/\(hex)"), let size = store.size(path) else {
            throw RegistryFault(404, "BLOB_UNKNOWN", "blob unknown to registry", detail: .string(digest))
        }
        var range = 0..<size
        var headers: HTTPHeaders = [
            "Docker-Content-Digest": digest, "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes",
            "Etag": "\"\(digest)\"",
        ]
        var status = 200
        if let text = request.server.headers["Range"] {
            let parts = text.replacing("bytes=", with: "").split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 2, let first = Int(parts[0]), first < size else {
                throw RegistryFault(416, "RANGE_INVALID", "the range cannot be served")
            }
            range = first..<min(size, (Int(parts[1]) ?? size - 1) + 1)
            guard range.upperBound > range.lowerBound else {
                throw RegistryFault(416, "RANGE_INVALID", "the range cannot be served")
            }
            status = 206
            headers["Content-Range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
        }
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { throw RegistryStore.failure() }
        return ServerResponse(status, headers: headers, body: .file(descriptor: number, range: range))
    }

    func deleteBlob(_ name: String, _ digest: String) throws(RegistryFault) -> ServerResponse {
        let hex = try RegistryCall.hex(digest)
        let link = "\(folder(name))/blobs/\(hex)"
        guard store.exists(link) else { throw RegistryFault(404, "BLOB_UNKNOWN", "blob unknown to registry") }
        store.remove(link)
        return ServerResponse(202, headers: ["Docker-Content-Digest": digest])
    }

    // MARK: Uploads

    func begin(_ name: String) async throws(RegistryFault) -> ServerResponse {
        if let digest = request.server[query: "mount"], let source = request.server[query: "from"] {
            let hex = try RegistryCall.hex(digest)
            if RegistryTarget.isName(source), store.exists("\(folder(source))/blobs/\(hex)") {
                try store.write([], to: "\(folder(name))/blobs/\(hex)")
                return created(name, digest)
            }
        }
        let id = ServiceErrors.newID()
        try store.write([], to: "\(folder(name))/uploads/\(id)")
        return ServerResponse(202, headers: progress(name, id, size: 0))
    }

    func status(_ name: String, _ id: String) throws(RegistryFault) -> ServerResponse {
        let path = try upload(name, id)
        return ServerResponse(204, headers: progress(name, id, size: store.size(path) ?? 0))
    }

    func append(_ name: String, _ id: String) async throws(RegistryFault) -> ServerResponse {
        let path = try upload(name, id)
        let size = store.size(path) ?? 0
        if let range = request.server.headers["Content-Range"] {
            let first = range.replacing("bytes ", with: "").split(separator: "-").first.flatMap { Int($0) }
            guard first == size else {
                var fault = RegistryFault(416, "RANGE_INVALID", "the chunk does not begin where the last one ended")
                let told = progress(name, id, size: size)
                for (key, value) in told { fault.response.headers[key] = value }
                throw fault
            }
        }
        try await receive(into: path)
        return ServerResponse(202, headers: progress(name, id, size: store.size(path) ?? 0))
    }

    func close(_ name: String, _ id: String) async throws(RegistryFault) -> ServerResponse {
        let path = try upload(name, id)
        guard let digest = request.server[query: "digest"] else {
            throw RegistryFault(400, "DIGEST_INVALID", "the digest is missing")
        }
        let hex = try RegistryCall.hex(digest)
        let size = store.size(path) ?? 0
        try await receive(into: path)
        guard store.hash(path) == hex else {
            // What came with the last request is taken back, so that it can be sent again.
            truncate(path, off_t(size))
            throw RegistryFault(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        }
        let target = store.blob(account, hex)
        try store.makeFolder(above: target)
        guard rename(path, target) == 0 else { throw RegistryStore.failure() }
        try store.write([], to: "\(folder(name))/blobs/\(hex)")
        return created(name, digest)
    }

    func cancel(_ name: String, _ id: String) throws(RegistryFault) -> ServerResponse {
        store.remove(try upload(name, id))
        return ServerResponse(204)
    }

    private func created(_ name: String, _ digest: String) -> ServerResponse {
        ServerResponse(
            201, headers: ["Location": "/v2/\(name)/blobs/\(digest)", "Docker-Content-Digest": digest])
    }

    private func upload(_ name: String, _ id: String) throws(RegistryFault) -> String {
        let path = "\(folder(name))/uploads/\(id)"
        guard id.utf8.count == 36, id.allSatisfy({ $0.isHexDigit || $0 == "-" }), store.exists(path) else {
            throw RegistryFault(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        }
        return path
    }

    private func progress(_ name: String, _ id: String, size: Int) -> HTTPHeaders {
        [
            "Location": "/v2/\(name)/blobs/uploads/\(id)?_nouploadcache=false&_state=\(size)", "Docker-Upload-Uuid": id,
            "Range": "0-\(max(0, size - 1))",
        ]
    }

    /// Adds the body to what has arrived: what came before a break stays, and can be gone on from.
    private func receive(into path: String) async throws(RegistryFault) {
        let number = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard number >= 0 else { throw RegistryStore.failure() }
        defer { Glibc.close(number) }
        while true {
            let bytes: Buffer?
            do throws(SluiceError) { bytes = try await request.server.body.next() } catch {
                throw RegistryFault(400, "BLOB_UPLOAD_INVALID", "the body broke off")
            }
            guard let bytes else { break }
            try store.append(bytes, number)
        }
        if fsync(number) != 0 { throw RegistryStore.failure() }
    }
}
