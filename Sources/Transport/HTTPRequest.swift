public import Support

/// What a request does to what its URL names.
public struct HTTPMethod: Sendable, Hashable, CustomStringConvertible {
    /// The method's name, in capitals.
    public let name: String

    private init(_ name: String) { self.name = name }

    /// Reads.
    public static let get = HTTPMethod("GET")
    /// Reads the headers alone.
    public static let head = HTTPMethod("HEAD")
    /// Puts something in its place.
    public static let put = HTTPMethod("PUT")
    /// Hands something over.
    public static let post = HTTPMethod("POST")
    /// Removes.
    public static let delete = HTTPMethod("DELETE")
    /// Changes a part.
    public static let patch = HTTPMethod("PATCH")
    /// Asks what may be done.
    public static let options = HTTPMethod("OPTIONS")

    /// The method's name, in capitals.
    public var description: String { name }

    /// Whether doing it twice is as good as doing it once (RFC 9110, 9.2.2).
    var isIdempotent: Bool { self != .post && self != .patch }
}

/// What a request sends along.
public enum HTTPBody: Sendable {
    /// Nothing.
    case none
    /// Bytes in memory.
    case bytes(Buffer)
    /// A part of a file, read straight into the connection's memory when that has room, on the thread of all transfers: for
    /// files that answer without waiting, as those of this machine do that were read a moment ago.
    case part(any DirectAccess, Range<Int>)
    /// Bytes that are pulled while they are sent; streamed from the start again for every attempt. Without a size they
    /// travel in chunks.
    case stream(any StreamSource, size: Int?)

    /// How many bytes it has, when that is known.
    public var size: Int? {
        switch self {
        case .none: 0
        case .bytes(let bytes): bytes.count
        case .part(_, let range): range.count
        case .stream(let source, let size): size ?? source.streamSize
        }
    }
}

/// What takes an answer's body straight from the connection's memory, without a copy and without another thread.
public protocol BodyReceiver: AnyObject, Sendable {
    /// Takes bytes that stand at `place` in the body; at 0 an attempt begins, perhaps not the first one.
    ///
    /// Called one at a time on the thread of all transfers, which wait meanwhile: it must not wait for other machines.
    func take(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(SluiceError)
}

/// How long a request may take.
public struct HTTPTimeouts: Sendable, Equatable {
    /// Until the connection stands, TLS and proxies included.
    public var connect: Duration
    /// Without a byte going either way while the other side is to act.
    public var stall: Duration
    /// One attempt as a whole, the body of the answer included; nil is no limit.
    public var total: Duration?

    /// Limits, each with its usual value.
    public init(connect: Duration = .seconds(10), stall: Duration = .seconds(100), total: Duration? = nil) {
        self.connect = connect
        self.stall = stall
        self.total = total
    }
}

/// A request: what is asked of which URL, and how far the client may go for an answer.
public struct HTTPRequest: Sendable {
    /// What is to be done.
    public var method: HTTPMethod
    /// To what.
    public var url: WebAddress
    /// Fields as they are sent; `Content-Length` is set by the client, which knows the body.
    public var headers: HTTPHeaders
    /// What is sent along.
    public var body: HTTPBody
    /// Whether sending it twice does no harm, so that it may be sent again when it is not known what became of it.
    public var isIdempotent: Bool
    /// The service's name in the trace: `blob`, `keyvault`, `arm`, …
    public var service: String?
    /// How long it may take; the client's limits when nil.
    public var timeouts: HTTPTimeouts?
    /// False: never through a proxy, as for what is reached on the machine's own network only.
    public var proxy: Bool
    /// Takes the body of an answer that is a success, which then seems to be empty; others can be read as always.
    public var receiver: (any BodyReceiver)?
    /// Whether the answer's body may come compressed, and is decompressed on its way. Never done to a range.
    public var decompresses: Bool

    /// A request with the usual ways.
    public init(
        _ method: HTTPMethod, _ url: WebAddress, headers: HTTPHeaders = [:], body: HTTPBody = .none,
        service: String? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.service = service
        isIdempotent = method.isIdempotent
        proxy = true
        decompresses = false
    }
}

/// Signs requests, or adds what else proves who is asking.
public protocol HTTPAuthorizer: Sendable {
    /// Adds the proof. Called for every attempt, so that dates and tokens are fresh.
    func authorize(_ request: inout HTTPRequest) async throws(SluiceError)
    /// Whether a 401 said something by which `request` can be authorized better now. Asked once for each request.
    func shouldRetry(after response: HTTPResponse, to request: HTTPRequest) async throws(SluiceError) -> Bool
}

extension HTTPAuthorizer {
    /// A 401 is final.
    public func shouldRetry(after response: HTTPResponse, to request: HTTPRequest) async throws(SluiceError) -> Bool {
        false
    }
}
