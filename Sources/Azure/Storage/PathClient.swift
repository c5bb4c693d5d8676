public import Support
public import Transport

/// Files and folders of one file system (container), by Data Lake Storage Gen2's REST interface.
public struct PathClient: Sendable {
    /// The service that it asks.
    public let service: StorageService
    /// The file system.
    public let container: String

    /// The paths of the file system `container`.
    public init(_ service: StorageService, container: String) {
        self.service = service
        self.container = container
    }

    // MARK: - The file system

    /// Makes the file system; false when it is there already.
    public func createContainer() async throws(SluiceError) -> Bool {
        let request = service.request(.put, container, query: [("resource", "filesystem")])
        let answer = try await service.call(request, expecting: [409])
        if answer.isSuccess { return true }
        guard answer.code == "FilesystemAlreadyExists" else { throw service.failure(answer, of: request) }
        return answer.attempts > 1
    }

    /// Whether the file system is there.
    public func containerExists() async throws(SluiceError) -> Bool {
        let request = service.request(.head, container, query: [("resource", "filesystem")])
        return try await service.call(request, expecting: [404]).isSuccess
    }

    // MARK: - Listing

    /// A part of what is in `folder`; nil when there is no such folder.
    public func list(
        folder: String, recursive: Bool, marker: String? = nil, limit: Int? = nil
    ) async throws(SluiceError) -> StoragePage? {
        let request = service.request(
            .get, container,
            query: [
                ("resource", "filesystem"), ("recursive", recursive ? "true" : "false"),
                ("directory", folder.isEmpty ? nil : folder), ("continuation", marker),
                ("maxResults", limit.map(String.init)),
            ])
        let answer = try await service.call(request, expecting: [404])
        guard answer.isSuccess else {
            if answer.isContainerMissing || folder.isEmpty { throw service.failure(answer, of: request) }
            return nil
        }
        let page: JSONText
        do throws(SluiceError) {
            page = try JSONText.parse(answer.body)
        } catch {
            throw error.at(.init(file: request.url.description))
        }
        guard let paths = page["paths"]?.items else {
            throw SluiceError(
                .invalidData, "this is not a listing: it has no \"paths\"", place: .init(file: request.url.description))
        }
        let next = answer.headers["x-ms-continuation"] ?? ""
        return StoragePage(items: paths.compactMap(PathClient.item), next: next.isEmpty ? nil : next)
    }

    private static func item(_ path: JSONText) -> StorageItem? {
        guard let name = path["name"]?.text else { return nil }
        var item = StorageItem(name: name)
        item.isFolder = path["isDirectory"]?.flag ?? false
        item.size = path["contentLength"]?.integer ?? 0
        item.etag = path["etag"]?.text.map { StorageItem.quoted($0) }
        item.modified = path["lastModified"]?.text.flatMap { Moment(httpDate: $0) }
        return item
    }

    // MARK: - One path

    /// What is known of a file or folder; nil when it is not there.
    public func properties(_ path: String) async throws(SluiceError) -> StorageProperties? {
        let request = service.request(.head, container, path)
        let answer = try await service.call(request, expecting: [404])
        guard answer.isSuccess else {
            if answer.isContainerMissing { throw service.failure(answer, of: request) }
            return nil
        }
        return StorageProperties(
            answer.headers, metadata: PathClient.metadata(answer.headers["x-ms-properties"]),
            isFolder: answer.headers["x-ms-resource-type"]?.lowercased() == "directory")
    }

    /// `n1=v1,n2=v2` with values in Base64.
    static func metadata(_ text: String?) -> [String: String] {
        var metadata: [String: String] = [:]
        for pair in (text ?? "").split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let bytes = Base64.decode(String(parts[1])) else { continue }
            metadata[parts[0].trimmingBlanks.lowercased()] = String(decoding: bytes, as: UTF8.self)
        }
        return metadata
    }

    /// Reads the bytes in `range` of the version `etag` into `receiver`, where they have their places in the file.
    ///
    /// They come from the first again when an attempt broke off, and before it is known whether they arrived undamaged.
    ///
    /// - parameter isChecked: Whether they are checked on the way, which the service offers for `BlobClient.checkedRange` bytes.
    /// - throws: `SluiceError` when the file is another by now, or what arrived is damaged.
    /// - returns: Their CRC64.
    public func read(
        _ path: String, _ range: Range<Int>, etag: String, isChecked: Bool = true, into receiver: any BodyReceiver
    ) async throws(SluiceError) -> UInt64 {
        // Of this service only `Range` is documented.
        var headers: HTTPHeaders = [
            "Range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)", "If-Match": etag,
        ]
        let isChecked = isChecked && range.count <= BlobClient.checkedRange
        if isChecked { headers["x-ms-range-get-content-md5"] = "true" }
        let request = service.request(.get, container, path, headers: headers)
        let arrival = RangeArrival(range, receiver, md5: isChecked ? try Digest(.md5) : nil)
        // An MD5 takes longer than all else, and those of several ranges are computed side by side.
        let answer = try await service.call(request, expecting: [404, 412], into: arrival, directly: !isChecked)
        try service.check(answer, of: request, brought: arrival.count, of: range)
        // `x-ms-content-md5` would be that of the whole file.
        if answer.status == 206, let wanted = answer.headers["Content-MD5"], let found = arrival.md5?.finish(),
            wanted != Base64.encode(found)
        {
            throw TransferDigest.damaged("MD5", offset: range.lowerBound)
        }
        return arrival.crc.value
    }

    /// Removes a file, or a folder with all that is in it; false when it was not there, or another version was.
    public func delete(
        _ path: String, recursive: Bool = false, _ condition: StorageCondition = .always, lease: String? = nil
    ) async throws(SluiceError) -> Bool {
        var headers: HTTPHeaders = [:]
        headers["x-ms-lease-id"] = lease
        condition.add(to: &headers)
        var continuation: String?
        var isRepeated = false
        while true {
            let request = service.request(
                .delete, container, path,
                query: [("recursive", recursive ? "true" : nil), ("continuation", continuation)], headers: headers)
            let answer = try await service.call(request, expecting: [404, 412])
            if answer.isSuccess {
                continuation = answer.headers["x-ms-continuation"].flatMap { $0.isEmpty ? nil : $0 }
                if continuation == nil { return true }
                isRepeated = true
                continue
            }
            if answer.isContainerMissing || answer.status == 412 && !answer.isConditionUnmet {
                throw service.failure(answer, of: request)
            }
            return answer.status == 404 && (isRepeated || answer.attempts > 1)
        }
    }

    /// Acts on the lease of a file; false when somebody else has it, or the lease is no more.
    public func lease(_ path: String, _ action: LeaseAction) async throws(SluiceError) -> Bool {
        var request = service.request(.post, container, path, headers: action.headers())
        // Under an id of the caller's choice, asking twice does the same as asking once.
        request.isIdempotent = true
        return try await service.lease(request)
    }
}

extension Substring {
    fileprivate var trimmingBlanks: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
