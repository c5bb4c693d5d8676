import Azure
import Glibc
import HTTPServer
import Support
import Synchronization

/// A server on this machine that answers for Azure, as the test says, and remembers what it was asked.
final class FakeAzure: HTTPHandler {
    struct Asked: Sendable {
        var method: String
        var host: String
        var path: String
        var query: [String: String]
        var headers: HTTPHeaders
        var body: String
        var form: [String: String]
    }

    typealias Answer = @Sendable (Asked, Int) async -> ServerResponse

    private let answer: Answer
    private let seen = Mutex<[Asked]>([])
    private let server = Mutex<HTTPServer?>(nil)

    init(_ answer: @escaping Answer) { self.answer = answer }

    /// What was asked so far.
    var asked: [Asked] { seen.withLock { $0 } }

    func respond(to request: ServerRequest) async -> ServerResponse {
        let body = String(decoding: ((try? await request.collect()) ?? .empty).bytes, as: UTF8.self)
        var query: [String: String] = [:]
        for item in request.query { query[item.name] = item.value }
        var form: [String: String] = [:]
        for item in ServerRequest.parameters(body, plusIsSpace: true) { form[item.name] = item.value }
        let asked = Asked(
            method: request.method, host: request.host, path: request.path, query: query, headers: request.headers,
            body: body, form: form)
        let count = seen.withLock { seen in
            seen.append(asked)
            return seen.count
        }
        return await answer(asked, count)
    }

    /// Answers while `body` runs, which is given the server's URL.
    func run<T>(_ body: (String) async throws -> T) async throws -> T {
        let server = HTTPServer(handler: self)
        try server.start()
        do {
            let result = try await body("http://127.0.0.1:\(server.port)")
            await server.stop()
            return result
        } catch {
            await server.stop()
            throw error
        }
    }

    // MARK: Answers

    /// A token of Entra ID's shape that names its bearer.
    static func token(_ audience: String = "https://storage.azure.com", salt: String = "0") -> String {
        let claims: JSONText = [
            "aud": .string(audience), "oid": "aaaaaaaa-0000-0000-0000-000000000001",
            "appid": "aaaaaaaa-0000-0000-0000-000000000002", "tid": "aaaaaaaa-0000-0000-0000-000000000003",
            "jti": .string(salt),
        ]
        let parts = ["{\"alg\":\"RS256\",\"typ\":\"JWT\"}", claims.text(), "signature of \(salt)"]
        return parts.map { Base64.encodeURL(Array($0.utf8)) }.joined(separator: ".")
    }

    static func entra(_ token: String = token(), seconds: Int = 3599) -> ServerResponse {
        .json([
            "token_type": "Bearer", "expires_in": .number(seconds), "ext_expires_in": .number(seconds),
            "access_token": .string(token),
        ])
    }

    static func managed(_ token: String = token(), seconds: Int = 86_000) -> ServerResponse {
        .json([
            "access_token": .string(token), "expires_on": .string(String(Moment.now.seconds + seconds)),
            "resource": "https://storage.azure.com", "token_type": "Bearer",
            "client_id": "aaaaaaaa-0000-0000-0000-000000000002",
        ])
    }

    static func refusal(_ number: Int, _ words: String, status: Int = 401) -> ServerResponse {
        .json(
            [
                "error": "invalid_client",
                "error_description": .string("AADSTS\(number): \(words) Trace ID: x Correlation ID: y Timestamp: z"),
                "error_codes": .array([.number(number)]), "timestamp": "2026-11-21 12:00:00Z", "trace_id": "x",
                "correlation_id": "y",
            ], status: status)
    }
}

/// A folder of its own for a test, gone afterwards.
final class Scratch {
    let path: String

    init() {
        var pattern = Array("/tmp/azure-tests-XXXXXX".utf8CString)
        path = pattern.withUnsafeMutableBufferPointer { text in
            guard let start = text.baseAddress, mkdtemp(start) != nil else { return "/tmp" }
            return String(cString: start)
        }
    }

    deinit {
        guard path.hasPrefix("/tmp/azure-tests-"), let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }

    /// Writes a file, and gives its path.
    @discardableResult
    func write(_ name: String, _ text: String, isProgram: Bool = false) -> String {
        let file = "\(path)/\(name)"
        if let stream = fopen(file, "we") {
            fputs(text, stream)
            fclose(stream)
        }
        if isProgram { chmod(file, 0o755) }
        return file
    }
}
