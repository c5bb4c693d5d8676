public import Support
public import Transport

extension PathClient {
    /// Makes an empty file, or a folder.
    ///
    /// - returns: The version that was made; nil when the condition did not hold.
    public func create(
        _ path: String, isFolder: Bool = false, _ condition: StorageCondition = .always,
        metadata: [String: String] = [:], contentType: String? = nil
    ) async throws(SluiceError) -> String? {
        var headers: HTTPHeaders = [:]
        condition.add(to: &headers)
        headers["x-ms-content-type"] = contentType
        if !metadata.isEmpty { headers["x-ms-properties"] = PathClient.properties(metadata) }
        let request = service.request(
            .put, container, path, query: [("resource", isFolder ? "directory" : "file")], headers: headers)
        let answer = try await service.call(request, expecting: [409, 412])
        if answer.isSuccess { return answer.etag ?? "" }
        if answer.isConditionUnmet { return nil }
        throw service.failure(answer, of: request)
    }

    /// Brings bytes to where they shall stand in a file; they are part of it once they are flushed.
    public func append(_ path: String, _ bytes: HTTPBody, at position: Int, crc: CRC64) async throws(SluiceError) {
        var request = service.request(
            .patch, container, path, query: [("action", "append"), ("position", String(position))],
            headers: [
                "Content-Type": "application/octet-stream", "x-ms-content-crc64": Base64.encode(crc.bytes),
            ], body: bytes)
        // The same bytes at the same place: twice is once.
        request.isIdempotent = true
        _ = try await service.call(request)
    }

    /// Has a file keep `metadata`, and no other than that.
    public func keep(_ metadata: [String: String], with path: String) async throws(SluiceError) {
        var request = service.request(
            .patch, container, path, query: [("action", "setProperties")],
            headers: ["x-ms-properties": PathClient.properties(metadata)])
        request.isIdempotent = true
        _ = try await service.call(request)
    }

    /// Metadata as a header has it.
    private static func properties(_ metadata: [String: String]) -> String {
        metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\(Base64.encode(Array($0.value.utf8)))" }
            .joined(separator: ",")
    }

    /// Makes what was brought the file's contents, up to `size`, and closes it.
    ///
    /// - returns: The version that came to be.
    public func flush(
        _ path: String, size: Int, contentType: String? = nil
    ) async throws(SluiceError) -> String {
        var headers: HTTPHeaders = [:]
        headers["x-ms-content-type"] = contentType
        var request = service.request(
            .patch, container, path, query: [("action", "flush"), ("position", String(size)), ("close", "true")],
            headers: headers)
        // Nobody else writes a file under a temporary name, so that flushing twice to the same size does no harm.
        request.isIdempotent = true
        return try await service.call(request).etag ?? ""
    }

    /// How a renaming ended.
    public enum Renamed: Sendable {
        /// It has the new name.
        case done
        /// The condition did not hold.
        case refused
        /// The folder of the new name is not there.
        case folderMissing
        /// There is nothing of the old name; perhaps since an earlier attempt did the work and its answer was lost.
        case sourceMissing
    }

    /// Gives a file or folder another name in one step; a file that has the name is replaced.
    ///
    /// - parameter signature: The shared access signature that the source is read with, where there is one.
    public func rename(
        _ source: String, to path: String, _ condition: StorageCondition = .always, signature: String? = nil,
        lease: String? = nil
    ) async throws(SluiceError) -> Renamed {
        var continuation: String?
        while true {
            let from = "/\(container.percentEncoded)/\(source.percentEncodedPath)"
            var headers: HTTPHeaders = [
                "x-ms-rename-source": from + (signature.map { "?\($0)" } ?? "")
            ]
            headers["x-ms-lease-id"] = lease
            condition.add(to: &headers)
            let request = service.request(
                .put, container, path, query: [("mode", "legacy"), ("continuation", continuation)], headers: headers)
            let answer = try await service.call(request, expecting: [404, 409, 412])
            if answer.isSuccess {
                continuation = answer.headers["x-ms-continuation"].flatMap { $0.isEmpty ? nil : $0 }
                if continuation == nil { return .done }
                continue
            }
            if answer.isContainerMissing { throw service.failure(answer, of: request) }
            if answer.isConditionUnmet { return .refused }
            if answer.code == "RenameDestinationParentPathNotFound" { return .folderMissing }
            if answer.status == 404 {
                let words = ["RenameSourceNotFound", "SourcePathNotFound", "RenameSourcePathNotFound", "PathNotFound"]
                if answer.code.isEmpty || words.contains(answer.code) { return .sourceMissing }
            }
            throw service.failure(answer, of: request)
        }
    }
}
