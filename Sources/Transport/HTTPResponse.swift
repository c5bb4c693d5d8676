public import Support

/// An answer: its headers are there, its body arrives as it is read.
///
/// Letting go of an answer whose body was not read to the end breaks the transfer off.
public struct HTTPResponse: Sendable {
    /// The status code.
    public let status: Int
    /// The header fields.
    public let headers: HTTPHeaders
    /// Who answered; another than was asked when redirects were followed.
    public let url: WebAddress
    /// How many times the request was sent.
    public internal(set) var attempts: Int
    /// The body, which is pulled at the reader's pace.
    public let body: any ByteStream

    /// The whole body in memory.
    ///
    /// - throws: `SluiceError` when it has more than `limit` bytes, or breaks off.
    public func collect(limit: Int = 64 << 20) async throws(SluiceError) -> Buffer {
        let declared = headers["Content-Length"].flatMap { Int($0) } ?? 0
        // The answer to HEAD declares a body that does not come.
        guard let first = try await body.next() else { return .empty }
        guard declared <= limit else { throw tooLarge(declared, limit) }
        guard first.count <= limit else { throw tooLarge(first.count, limit) }
        guard let second = try await body.next() else { return first }
        let whole = MutableBuffer(capacity: max(declared, first.count + second.count))
        whole.append(first)
        var piece: Buffer? = second
        while let bytes = piece {
            guard whole.count + bytes.count <= limit else { throw tooLarge(whole.count + bytes.count, limit) }
            whole.append(bytes)
            piece = try await body.next()
        }
        return whole.freeze()
    }

    /// Hands the body on as it comes.
    ///
    /// - throws: `SluiceError` when it breaks off, and what `receiver` throws.
    public func pass(to receiver: any BodyReceiver) async throws(SluiceError) {
        var count = 0
        while let bytes = try await body.next() {
            try bytes.withUnsafeBytes { (bytes) throws(SluiceError) in try receiver.take(bytes, at: count) }
            count += bytes.count
        }
    }

    private func tooLarge(_ count: Int, _ limit: Int) -> SluiceError {
        SluiceError(
            .limitExceeded, "\(url.host) answered with \(count) bytes or more, the limit for this is \(limit)")
    }

    /// How long the other side asks to be left alone.
    public var retryAfter: Duration? { RetryPolicy.retryAfter(headers, now: .now) }

    /// Whether the status says that it was done.
    public var isSuccess: Bool { (200..<300).contains(status) }
}
