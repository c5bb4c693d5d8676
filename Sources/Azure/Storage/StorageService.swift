public import Support
import Transport

/// One of a storage account's services, and the right to use it: what Blob's and DFS's clients send through.
public struct StorageService: Sendable {
    /// The version of the protocol: old enough for every region, new enough for every operation that is used.
    public static let version = "2023-11-03"

    /// The door to Azure.
    public let client: AzureClient
    /// `https://account.blob.core.windows.net`; an emulator's ends with the account.
    public let endpoint: WebAddress
    /// As whom it is used.
    public let caller: AzureClient.Caller
    /// Its name in the trace: `blob` or `dfs`.
    public let name: String

    /// A service at `endpoint`, used as `caller`.
    public init(_ name: String, client: AzureClient, endpoint: WebAddress, as caller: AzureClient.Caller) {
        self.name = name
        self.client = client
        self.endpoint = endpoint
        self.caller = caller
    }

    /// A request about `path` of `container`, both decoded.
    func request(
        _ method: HTTPMethod, _ container: String, _ path: String = "", query: [(String, String?)] = [],
        headers: HTTPHeaders = [:], body: HTTPBody = .none
    ) -> HTTPRequest {
        var address = endpoint
        let base = address.path.hasSuffix("/") ? String(address.path.dropLast()) : address.path
        address.path = "\(base)/\(container.percentEncoded)" + (path.isEmpty ? "" : "/" + path.percentEncodedPath)
        var headers = headers
        headers["x-ms-version"] = StorageService.version
        return HTTPRequest(method, address.with(query: query), headers: headers, body: body, service: name)
    }

    /// Sends a request, and hands back any answer that is a success or one of the statuses in `expecting`.
    ///
    /// - throws: `SluiceError` with the remedy for every other status, and when nothing could be asked.
    func call(
        _ request: HTTPRequest, expecting: Set<Int> = [], limit: Int = 64 << 20
    ) async throws(SluiceError) -> StorageAnswer {
        try await call(request, expecting: expecting) { response throws(SluiceError) in
            try await response.collect(limit: limit)
        }
    }

    /// Sends a request, and hands the bytes of a success on as they come: each attempt's from the first on.
    ///
    /// - parameter directly: Whether they are taken on the thread of all transfers, and not in this task.
    func call(
        _ request: HTTPRequest, expecting: Set<Int>, into receiver: any BodyReceiver, directly: Bool
    ) async throws(SluiceError) -> StorageAnswer {
        var request = request
        if directly { request.receiver = receiver }
        return try await call(request, expecting: expecting) { response throws(SluiceError) in
            guard response.isSuccess else { return try await response.collect() }
            try await response.pass(to: receiver)
            return .empty
        }
    }

    private func call(
        _ request: HTTPRequest, expecting: Set<Int>, read: (HTTPResponse) async throws(SluiceError) -> Buffer
    ) async throws(SluiceError) -> StorageAnswer {
        var damaged = 0
        while true {
            let (response, body) = try await client.fetch(
                request, as: caller, accepting: expecting.union([400]), read: read)
            let answer = StorageAnswer(response, body: body)
            // What was damaged on the way there arrives whole at the next attempt.
            if answer.status == 400, ["Md5Mismatch", "Crc64Mismatch"].contains(answer.code), damaged < 2 {
                damaged += 1
                continue
            }
            if answer.isSuccess || expecting.contains(answer.status) { return answer }
            throw failure(answer, of: request)
        }
    }

    /// What went wrong, with the remedy.
    func failure(_ answer: StorageAnswer, of request: HTTPRequest) -> SluiceError {
        client.error(AzureServiceError(answer.response, body: answer.body), request, caller)
    }
}

/// What a storage service answered.
public struct StorageAnswer: Sendable {
    let response: HTTPResponse
    /// Its body.
    public let body: Buffer
    /// The service's word for what went wrong: `BlobNotFound`; empty when nothing did.
    public let code: String

    init(_ response: HTTPResponse, body: Buffer) {
        self.response = response
        self.body = body
        if let code = response.headers["x-ms-error-code"] {
            self.code = code
        } else {
            code = response.status < 400 ? "" : AzureServiceError(response, body: body).code ?? ""
        }
    }

    /// The HTTP status.
    public var status: Int { response.status }
    /// Its headers.
    public var headers: HTTPHeaders { response.headers }
    /// How often it was asked; more than once means that an earlier attempt may have done the work.
    public var attempts: Int { response.attempts }
    /// Whether the service did what was asked.
    public var isSuccess: Bool { 200..<300 ~= status }
    /// The object's version.
    public var etag: String? { headers["ETag"] }
    /// Whether it is the container that is not there, rather than something in it.
    public var isContainerMissing: Bool {
        ["ContainerNotFound", "FilesystemNotFound", "ContainerBeingDeleted", "FilesystemBeingDeleted"].contains(code)
    }
    /// Whether the write was refused because of what is there already.
    public var isConditionUnmet: Bool {
        status == 412 && !code.hasPrefix("Lease")
            || status == 409 && ["BlobAlreadyExists", "PathAlreadyExists", "ResourceAlreadyExists"].contains(code)
    }
}

/// When a write may happen.
public enum StorageCondition: Sendable, Hashable {
    /// Whatever is there.
    case always
    /// Only where nothing is.
    case ifAbsent
    /// Only where this version is.
    case ifMatch(String)

    func add(to headers: inout HTTPHeaders) {
        switch self {
        case .always: break
        case .ifAbsent: headers["If-None-Match"] = "*"
        case .ifMatch(let etag): headers["If-Match"] = etag
        }
    }
}

/// What is known of an object.
public struct StorageProperties: Sendable {
    /// How many bytes it has.
    public var size: Int
    /// Its version.
    public var etag: String
    /// When it was last written.
    public var modified: Moment?
    /// Whether it stands for a folder.
    public var isFolder: Bool
    /// What its writer says the bytes' MD5 is, in Base64.
    public var contentMD5: String?
    /// What its writer says they are.
    public var contentType: String?
    /// Names and values that belong to it; names in lower case.
    public var metadata: [String: String]

    init(_ headers: HTTPHeaders, metadata: [String: String], isFolder: Bool) {
        size = headers["Content-Length"].flatMap { Int($0) } ?? 0
        etag = headers["ETag"] ?? ""
        modified = headers["Last-Modified"].flatMap { Moment(httpDate: $0) }
        self.isFolder = isFolder
        contentMD5 = headers["Content-MD5"]
        contentType = headers["Content-Type"]
        self.metadata = metadata
    }
}

/// An object in a listing.
public struct StorageItem: Sendable {
    /// Its whole name in the container, without a slash at its end.
    public var name: String
    /// How many bytes it has.
    public var size = 0
    /// Its version, as a header would write it.
    public var etag: String?
    /// When it was last written.
    public var modified: Moment?
    /// Whether it is a folder, or stands for one.
    public var isFolder = false
    /// What its writer says the bytes' MD5 is, in Base64.
    public var contentMD5: String?
    /// Names and values that belong to it, where the listing has them; names in lower case.
    public var metadata: [String: String] = [:]
}

/// A part of a listing.
public struct StoragePage: Sendable {
    /// What is in it.
    public var items: [StorageItem]
    /// Where the next part begins; nil after the last.
    public var next: String?
}

/// The digest that goes with bytes on their way.
public enum TransferDigest {
    static func crc64(_ bytes: Buffer) -> String { Base64.encode(CRC64.of(bytes).bytes) }

    static func damaged(_ what: String, offset: Int) -> SluiceError {
        SluiceError(
            .inputOutput, "the \(what) of what arrived is not the one that the service computed",
            place: .init(offset: offset), hint: damage, isTransient: true)
    }

    /// Whether an error says that bytes were damaged on their way here.
    public static func isDamage(_ error: SluiceError) -> Bool { error.hint == damage }

    private static let damage = "The bytes were damaged on the way; try again."
}
