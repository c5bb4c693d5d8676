public import Support
public import Transport

/// Blobs of one container, by Blob's REST interface.
public struct BlobClient: Sendable {
    /// The service that it asks.
    public let service: StorageService
    /// The container.
    public let container: String

    /// No range of a checked read may be longer.
    public static let checkedRange = 4 << 20

    /// The blobs of `container`.
    public init(_ service: StorageService, container: String) {
        self.service = service
        self.container = container
    }

    // MARK: - The container

    /// Makes the container; false when it is there already.
    public func createContainer() async throws(SluiceError) -> Bool {
        let answer = try await service.call(
            service.request(.put, container, query: [("restype", "container")]), expecting: [409])
        if answer.isSuccess { return true }
        guard answer.code == "ContainerAlreadyExists" else {
            throw service.failure(
                answer, of: service.request(.put, container, query: [("restype", "container")]))
        }
        return answer.attempts > 1
    }

    /// Whether the container is there.
    public func containerExists() async throws(SluiceError) -> Bool {
        let request = service.request(.get, container, query: [("restype", "container")])
        return try await service.call(request, expecting: [404]).isSuccess
    }

    // MARK: - Listing

    /// A part of the blobs whose names begin with `prefix`.
    ///
    /// - parameter delimiter: When given, names that go on behind it are gathered to one folder.
    public func list(
        prefix: String, delimiter: String?, marker: String? = nil, limit: Int? = nil
    ) async throws(SluiceError) -> StoragePage {
        let request = service.request(
            .get, container,
            query: [
                ("restype", "container"), ("comp", "list"), ("prefix", prefix.isEmpty ? nil : prefix),
                ("delimiter", delimiter), ("marker", marker), ("maxresults", limit.map(String.init)),
                ("include", "metadata"),
            ])
        let answer = try await service.call(request)
        do throws(SluiceError) {
            return try BlobListing.page(answer.body)
        } catch {
            throw error.at(.init(file: request.url.description))
        }
    }

    // MARK: - One blob

    /// What is known of the blob `name`; nil when it is not there.
    public func properties(_ name: String) async throws(SluiceError) -> StorageProperties? {
        let request = service.request(.head, container, name)
        let answer = try await service.call(request, expecting: [404])
        guard answer.isSuccess else {
            if answer.isContainerMissing { throw service.failure(answer, of: request) }
            return nil
        }
        return BlobClient.properties(answer.headers)
    }

    /// What the headers of an answer about a blob say.
    static func properties(_ headers: HTTPHeaders) -> StorageProperties {
        var metadata: [String: String] = [:]
        for (name, value) in headers where name.lowercased().hasPrefix("x-ms-meta-") {
            metadata[String(name.lowercased().dropFirst("x-ms-meta-".count))] = value
        }
        let isFolder =
            metadata["hdi_isfolder"]?.lowercased() == "true"
            || headers["x-ms-resource-type"]?.lowercased() == "directory"
        return StorageProperties(headers, metadata: metadata, isFolder: isFolder)
    }

    /// Reads the bytes in `range` of the version `etag` into `receiver`, where they have their places in the blob; at most
    /// `checkedRange` bytes are checked on the way.
    ///
    /// They come from the first again when an attempt broke off, and before it is known whether they arrived undamaged.
    ///
    /// - throws: `SluiceError` when the blob is another by now, or what arrived is damaged.
    /// - returns: Their CRC64.
    public func read(
        _ name: String, _ range: Range<Int>, etag: String, into receiver: any BodyReceiver
    ) async throws(SluiceError) -> UInt64 {
        var headers: HTTPHeaders = [
            "x-ms-range": "bytes=\(range.lowerBound)-\(range.upperBound - 1)", "If-Match": etag,
        ]
        let isChecked = range.count <= BlobClient.checkedRange
        if isChecked { headers["x-ms-range-get-content-crc64"] = "true" }
        let request = service.request(.get, container, name, headers: headers)
        let arrival = RangeArrival(range, receiver)
        let answer = try await service.call(request, expecting: [404, 412], into: arrival, directly: true)
        try service.check(answer, of: request, brought: arrival.count, of: range)
        if isChecked, let wanted = answer.headers["x-ms-content-crc64"], Base64.encode(arrival.crc.bytes) != wanted {
            throw TransferDigest.damaged("CRC64", offset: range.lowerBound)
        }
        return arrival.crc.value
    }

    /// Removes the blob, its snapshots too; false when it was not there, or another version was.
    public func delete(
        _ name: String, _ condition: StorageCondition = .always, lease: String? = nil
    ) async throws(SluiceError) -> Bool {
        var headers: HTTPHeaders = ["x-ms-delete-snapshots": "include"]
        headers["x-ms-lease-id"] = lease
        condition.add(to: &headers)
        let request = service.request(.delete, container, name, headers: headers)
        let answer = try await service.call(request, expecting: [404, 412])
        if answer.isSuccess { return true }
        if answer.isContainerMissing || answer.status == 412 && !answer.isConditionUnmet {
            throw service.failure(answer, of: request)
        }
        // An earlier attempt may have removed it, and its answer been lost.
        return answer.status == 404 && answer.attempts > 1
    }
}

extension StorageService {
    /// Holds what was read against what was asked for.
    func check(
        _ answer: StorageAnswer, of request: HTTPRequest, brought count: Int, of range: Range<Int>
    ) throws(SluiceError) {
        if answer.status == 412 || answer.status == 404 {
            if answer.isContainerMissing || answer.status == 412 && !answer.isConditionUnmet {
                throw failure(answer, of: request)
            }
            throw SluiceError(
                .inputOutput,
                answer.status == 404
                    ? "it was removed while it was being read" : "it was changed while it was being read",
                place: .init(offset: range.lowerBound), hint: "Wait until it is written, then run again.",
                isTransient: true)
        }
        let begins = answer.headers["Content-Range"].map { $0.hasPrefix("bytes \(range.lowerBound)-") }
        guard count == range.count, begins != false, answer.status == 206 || range.lowerBound == 0 else {
            throw SluiceError(
                .inputOutput, "\(range.count) bytes were asked for, and \(count) came",
                place: .init(offset: range.lowerBound), isTransient: true)
        }
    }
}
