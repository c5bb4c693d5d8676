import Glibc
import HTTPServer
import Support
import Synchronization

/// Writes what was asked and answered, one JSON object a line, without secrets.
///
/// URLs are those that the caller would have used with Azure, so that the exchanges can be held against its documents.
final class ServerTrace: Sendable {
    private let descriptor: Int32
    /// Bodies beyond this size are told as their size.
    private static let largestBody = 256 << 10

    init(_ path: String) throws(SluiceError) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        if descriptor < 0 {
            throw SluiceError(
                .inputOutput, "the trace cannot be written: \(String(cString: strerror(errno)))",
                place: .init(file: path))
        }
    }

    deinit { close(descriptor) }

    /// A request whose body is remembered while it is read.
    static func listening(_ request: EmulatedRequest) -> (EmulatedRequest, HeardBody) {
        var request = request
        let heard = HeardBody(request.server.body, limit: largestBody)
        request.server.body = heard
        return (request, heard)
    }

    func write(_ request: EmulatedRequest, service: String, heard: HeardBody, _ response: ServerResponse) {
        let url = request.officialURL(service: service)
        let line = JSONText.members([
            "service": .string(service), "method": .string(request.server.method),
            "url": .string((try? WebAddress(url))?.description ?? "unreadable"),
            "request": [
                "headers": ServerTrace.headers(request.server.headers),
                "body": ServerTrace.body(
                    // Of a body that nobody read only its size is known.
                    heard.size > 0 ? heard.contents : nil, size: max(heard.size, request.server.contentLength ?? 0),
                    type: request.server.headers["Content-Type"]),
            ],
            "response": response.isLost
                ? .null
                : [
                    "status": .number(response.status), "headers": ServerTrace.headers(response.headers),
                    "body": ServerTrace.body(response),
                ],
        ])
        let bytes = Array((Redactor.shared.redact(line.text()) + "\n").utf8)
        // One write a line, so that the lines of several requests do not mix.
        bytes.withUnsafeBytes { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    private static func headers(_ headers: HTTPHeaders) -> JSONText {
        let secret: Set<String> = [
            "authorization", "x-identity-header", "secret", "x-ms-copy-source", "x-ms-rename-source",
            "x-ms-copy-source-authorization", "x-ms-encryption-key",
        ]
        return .object(
            headers.map { name, value in
                let name = name.lowercased()
                return (name, .string(secret.contains(name) || Redactor.isSecret(key: name) ? Redactor.mask : value))
            })
    }

    private static func body(_ response: ServerResponse) -> JSONText {
        guard case .bytes(let buffer) = response.body else {
            let size = response.body.size ?? 0
            return size == 0 ? .null : ["bytes": .number(size)]
        }
        return body(buffer, size: buffer.count, type: response.headers["Content-Type"])
    }

    private static func body(_ contents: Buffer?, size: Int, type: String?) -> JSONText {
        if size == 0 { return .null }
        guard let contents, let type, type.contains("json"), let json = try? JSONText.parse(contents) else {
            return ["bytes": .number(size)]
        }
        return withoutSignatures(masked(json)).redacted()
    }

    /// JSON whose signed URLs have lost their signatures.
    private static func withoutSignatures(_ json: JSONText) -> JSONText {
        switch json {
        case .object(let members): return .object(members.map { ($0.key, withoutSignatures($0.value)) })
        case .array(let items): return .array(items.map(withoutSignatures))
        case .string(let text) where text.contains("sig="):
            let parts = text.split(separator: "&", omittingEmptySubsequences: false).map { part in
                guard let sign = part.firstIndex(of: "="), part[..<sign].hasSuffix("sig") else { return String(part) }
                return "\(part[...sign])\(Redactor.mask)"
            }
            return .string(parts.joined(separator: "&"))
        default: return json
        }
    }

    /// JSON without what lets others in: tokens, keys, and the values of secrets, which the documents call `value`.
    private static func masked(_ json: JSONText) -> JSONText {
        if let items = json.items { return .array(items.map(masked)) }
        guard let members = json.members else { return json }
        return .object(
            members.map { key, value in
                guard case .string = value else { return (key, masked(value)) }
                return (key, secretMembers.contains(key) ? .string(Redactor.mask) : value)
            })
    }

    private static let secretMembers: Set<String> = [
        "value", "access_token", "token", "sharedKey", "primary", "secondary", "accountKey",
    ]
}

/// A body that remembers how much was read of it, and what, as long as that is little.
final class HeardBody: ByteStream {
    let name = "request body"
    private let base: any ByteStream
    private let limit: Int
    private let heard = Mutex<(bytes: [UInt8], size: Int)>(([], 0))

    init(_ base: any ByteStream, limit: Int) {
        self.base = base
        self.limit = limit
    }

    /// How many bytes were read.
    var size: Int { heard.withLock { $0.size } }
    /// All of them, when they are few.
    var contents: Buffer? { heard.withLock { $0.size <= limit ? Buffer($0.bytes) : nil } }

    func next() async throws(SluiceError) -> Buffer? {
        guard let bytes = try await base.next() else { return nil }
        heard.withLock { heard in
            heard.size += bytes.count
            if heard.size <= limit { heard.bytes += bytes.bytes } else { heard.bytes = [] }
        }
        return bytes
    }
}
