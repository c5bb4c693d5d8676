import HTTPServer
import Support

extension BlobDialect {
    /// Does the deletions of a batch one after the other: each has an answer of its own in the answer.
    func batch(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        let parts = try BatchPart.all(
            in: try await call.smallBody(atMost: 4 << 20), type: call.header("Content-Type") ?? "")
        if parts.count > 256 {
            throw StorageFault(
                400, "ExceedsMaxBatchRequestCount", "The batch operation exceeds maximum number of allowed subrequests."
            )
        }
        let boundary = "batchresponse_\(ServiceErrors.newID())"
        var text = ""
        for part in parts {
            let answer = await respond(to: part, of: call)
            text += "--\(boundary)\r\nContent-Type: application/http\r\n"
            if let id = part.id { text += "Content-ID: \(id)\r\n" }
            text += "\r\nHTTP/1.1 \(answer.status) \(answer.status < 300 ? "Accepted" : "Refused")\r\n"
            for (name, value) in answer.headers { text += "\(name): \(value)\r\n" }
            if case .bytes(let bytes) = answer.body {
                text += "Content-Length: \(bytes.count)\r\n\r\n\(String(decoding: bytes.bytes, as: UTF8.self))\r\n"
            } else {
                text += "\r\n\r\n"
            }
        }
        text += "--\(boundary)--\r\n"
        return ServerResponse(
            202, headers: ["Content-Type": "multipart/mixed; boundary=\(boundary)"],
            body: .bytes(Buffer(Array(text.utf8))))
    }

    private func respond(to part: BatchPart, of call: StorageCall) async -> ServerResponse {
        let server = ServerRequest(
            method: part.method, target: part.target, headers: part.headers, isSecure: call.server.isSecure,
            remoteAddress: call.server.remoteAddress, localAddress: call.server.localAddress)
        var path = server.path
        // Where the account is a part of the path, it is one here too.
        if call.baseURL.hasSuffix("/" + call.account), path.hasPrefix("/\(call.account)/") {
            path = String(path.dropFirst(call.account.count + 1))
        }
        let id = ServiceErrors.newID()
        var answer: ServerResponse
        do throws(StorageFault) {
            let inner = try StorageCall(
                server, account: call.account, path: path, baseURL: call.baseURL, now: call.now, id: id)
            let isDelete = inner.method == "DELETE" && !inner.hasQuery("comp") && !inner.hasQuery("restype")
            let isTier = inner.method == "PUT" && inner.query("comp") == "tier"
            guard isDelete || isTier, !inner.name.isEmpty else {
                throw StorageFault.absent("This operation in a batch")
            }
            if !call.container.isEmpty, inner.container != call.container {
                throw StorageFault(400, "InvalidInput", "A batch for a container names a blob of another one.")
            }
            answer = await respond(to: inner)
        } catch {
            answer = Self.fault(error, isHead: false, at: call.now, requestID: id)
        }
        answer.headers["x-ms-request-id"] = id
        answer.headers["x-ms-version"] = call.header("x-ms-version")
        return answer
    }
}

/// One request of a batch.
private struct BatchPart {
    var id: String?
    var method = ""
    var target = ""
    var headers = HTTPHeaders()

    private static let invalid = StorageFault(
        400, "InvalidInput", "The batch's body is not multipart/mixed of requests.")

    static func all(in body: Buffer, type: String) throws(StorageFault) -> [BatchPart] {
        let items = type.split(separator: ";").map { $0.drop { $0 == " " } }
        guard items.first?.lowercased() == "multipart/mixed",
            var boundary = items.first(where: { $0.lowercased().hasPrefix("boundary=") })?.dropFirst(9),
            let text = String(validating: body.bytes, as: UTF8.self)
        else { throw invalid }
        if boundary.hasPrefix("\""), boundary.hasSuffix("\""), boundary.count > 1 {
            boundary = boundary.dropFirst().dropLast()
        }
        var parts: [BatchPart] = []
        var current: [String]?
        for line in lines(of: text) {
            if line == "--\(boundary)" || line == "--\(boundary)--" {
                if let current { parts.append(try BatchPart(current)) }
                current = line.hasSuffix("--") && line.count > boundary.count + 2 ? nil : []
            } else {
                current?.append(line)
            }
        }
        guard current == nil, !parts.isEmpty else { throw invalid }
        return parts
    }

    private static func lines(of text: String) -> [String] {
        text.utf8.split(separator: 10, omittingEmptySubsequences: false).map { line in
            String(decoding: line.last == 13 ? line.dropLast() : line, as: UTF8.self)
        }
    }

    private init(_ lines: [String]) throws(StorageFault) {
        // The part's own headers, an empty line, the request's first line and headers.
        guard let gap = lines.firstIndex(of: "") else { throw Self.invalid }
        for line in lines[..<gap] where line.lowercased().hasPrefix("content-id:") {
            id = String(line.dropFirst(11).drop { $0 == " " })
        }
        let request = lines[(gap + 1)...]
        let words = (request.first ?? "").split(separator: " ").map(String.init)
        guard words.count == 3, words[2].hasPrefix("HTTP/"), words[1].hasPrefix("/") else { throw Self.invalid }
        (method, target) = (words[0], words[1])
        for line in request.dropFirst() {
            if line.isEmpty { break }
            let field = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard field.count == 2 else { throw Self.invalid }
            headers.add(String(field[0]), String(field[1].drop { $0 == " " }))
        }
    }
}
