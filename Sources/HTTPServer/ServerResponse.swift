import Glibc
public import Support

/// An answer: a status, header fields, a body.
///
/// `Content-Length`, `Date` and what concerns the connection are the server's business. Only an answer to `HEAD`, or one
/// without a body, may say a `Content-Length` of its own. A header without a value, or with line breaks, is left out.
public struct ServerResponse: Sendable {
    /// The status, 200 to 599.
    public var status: Int
    /// The header fields in their order.
    public var headers: HTTPHeaders
    /// What is sent; to `HEAD` only its size is told.
    public var body: ServerBody
    /// For tests of faults: closes the connection after so many bytes of the body.
    public var cut: Int?
    /// For tests of faults: the connection is closed without an answer, whatever was done.
    public var isLost = false

    /// An answer.
    public init(_ status: Int, headers: HTTPHeaders = [:], body: ServerBody = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// No answer at all: the connection is closed.
    public static var lost: ServerResponse {
        var response = ServerResponse(500)
        response.isLost = true
        return response
    }

    /// An answer of text.
    public static func text(_ text: String, status: Int = 200, headers: HTTPHeaders = [:]) -> ServerResponse {
        of(text, "text/plain; charset=utf-8", status, headers)
    }

    /// An answer of JSON.
    public static func json(_ json: JSONText, status: Int = 200, headers: HTTPHeaders = [:]) -> ServerResponse {
        of(json.text(), "application/json; charset=utf-8", status, headers)
    }

    /// An answer of XML.
    public static func xml(_ node: XMLNode, status: Int = 200, headers: HTTPHeaders = [:]) -> ServerResponse {
        of(node.write(), "application/xml", status, headers)
    }

    private static func of(_ text: String, _ type: String, _ status: Int, _ headers: HTTPHeaders) -> ServerResponse {
        var headers = headers
        if headers["Content-Type"] == nil { headers["Content-Type"] = type }
        return ServerResponse(status, headers: headers, body: .bytes(Buffer(Array(text.utf8))))
    }

    /// Lets go of what the body holds, when the answer is not sent.
    func discard() { if case .file(let descriptor, _) = body { close(descriptor) } }
}

/// What an answer's body is made of.
public enum ServerBody: Sendable {
    /// No bytes.
    case none
    /// Bytes in memory.
    case bytes(Buffer)
    /// A part of a file, sent by the kernel where there is no TLS. The server closes the descriptor.
    case file(descriptor: Int32, range: Range<Int>)
    /// Bytes that are pulled as the client takes them; without a size they are sent in chunks. A stream that fails, or
    /// ends before its size, closes the connection, so that the client sees that something is missing.
    case stream(any ByteStream, size: Int?)

    /// The number of bytes, when that is known beforehand.
    public var size: Int? {
        switch self {
        case .none: 0
        case .bytes(let buffer): buffer.count
        case .file(_, let range): range.count
        case .stream(_, let size): size
        }
    }
}
