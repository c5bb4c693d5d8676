public import Support
import Transport

/// What somebody wants of a lease.
public enum LeaseAction: Sendable {
    /// To have it for 15 to 60 seconds, or with -1 for ever, under an id of one's own.
    case acquire(id: String, seconds: Int)
    /// To have it for longer.
    case renew(id: String)
    /// To give it back.
    case release(id: String)

    /// The headers that say so.
    func headers() -> HTTPHeaders {
        switch self {
        case .acquire(let id, let seconds):
            ["x-ms-lease-action": "acquire", "x-ms-lease-duration": String(seconds), "x-ms-proposed-lease-id": id]
        case .renew(let id): ["x-ms-lease-action": "renew", "x-ms-lease-id": id]
        case .release(let id): ["x-ms-lease-action": "release", "x-ms-lease-id": id]
        }
    }
}

extension BlobClient {
    /// Acts on the lease of a blob; false when somebody else has it, or the lease is no more.
    ///
    /// The id is the caller's, so that asking twice does the same as asking once.
    public func lease(_ name: String, _ action: LeaseAction) async throws(SluiceError) -> Bool {
        let request = service.request(
            .put, container, name, query: [("comp", "lease")], headers: action.headers())
        return try await service.lease(request)
    }
}

extension StorageService {
    /// Sends a request about a lease.
    func lease(_ request: HTTPRequest) async throws(SluiceError) -> Bool {
        let answer = try await call(request, expecting: [409, 412])
        if answer.isSuccess { return true }
        if answer.code.hasPrefix("Lease") { return false }
        throw failure(answer, of: request)
    }
}
