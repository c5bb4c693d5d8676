import HTTPServer
import SQLite
public import Support

/// Operations that go on after their answer, and the addresses at which they are asked about.
public struct LongOperations: Sendable {
    let store: ResourceStore

    /// What came of an operation.
    public enum Outcome: Sendable {
        /// The resource as it is now.
        case resource(ResourceID)
        /// Nothing is left.
        case gone
        /// This.
        case body(JSONText)
        /// It failed.
        case failed(code: String, message: String)
    }

    /// How its state is asked for.
    public enum Style: Sendable {
        /// By `Azure-AsyncOperation`: 200 with a state.
        case status
        /// By `Location`: 202 until there is the result.
        case result
    }

    /// Begins an operation.
    ///
    /// - parameter name: What its address has behind the region, `containerappsjobOperationStatuses`.
    /// - parameter ends: When it ends; nil when `end` will tell.
    /// - returns: Its id, and the header with which the answer tells of it.
    public func begin(
        _ name: String, _ style: Style, for call: ManagementCall, region: String, ends: Moment?, _ outcome: Outcome
    ) async throws(ManagementFault) -> (id: String, header: (name: String, value: String)) {
        let id = ServiceErrors.newID()
        let path =
            "/subscriptions/\(call.id.subscription)/providers/\(call.id.namespace ?? "")/locations/\(region)/\(name)/\(id)"
        // As long as the real ones: who cuts them off, or decodes them, is told so.
        let secret =
            "t=\(call.request.now.microseconds)&c=\(Self.letters(1800))&s=\(Self.letters(342))&h=\(Self.letters(43))"
        do throws(SluiceError) {
            try await store.database.query(
                "INSERT INTO operations (id, path, secret, started, ended, outcome) VALUES (?, ?, ?, ?, ?, ?)",
                [
                    .text(id), .text(path), .text(secret), .integer(call.request.now.microseconds),
                    ends.map { .integer($0.microseconds) } ?? .null, .text(Self.json(outcome).text()),
                ])
        } catch { throw .broken(error) }
        let query = "?api-version=\(call.version.percentEncoded)"
        switch style {
        case .status:
            let url = "\(call.request.baseURL)\(path)\(query)&azureAsyncOperation=true&\(secret)"
            return (id, ("Azure-AsyncOperation", url))
        case .result: return (id, ("Location", "\(call.request.baseURL)\(path)\(query)&\(secret)"))
        }
    }

    /// Ends an operation that had no end.
    public func end(_ id: String, _ outcome: Outcome) async throws(SluiceError) {
        try await store.database.query(
            "UPDATE operations SET ended = ?, outcome = ? WHERE id = ? AND ended IS NULL",
            [.integer(Moment.now.microseconds), .text(Self.json(outcome).text()), .text(id)])
    }

    private static func letters(_ count: Int) -> String {
        let all = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        return String(decoding: (0..<count).map { _ in all[Int.random(in: 0..<64)] }, as: UTF8.self)
    }

    private static func json(_ outcome: Outcome) -> JSONText {
        switch outcome {
        case .resource(let id): ["resource": .string(id.description)]
        case .gone: [:]
        case .body(let body): ["body": body]
        case .failed(let code, let message): ["error": ["code": .string(code), "message": .string(message)]]
        }
    }

    /// The answer to a poll; nil when the address is that of no operation.
    func poll(
        _ request: EmulatedRequest, _ id: ResourceID, retryAfter: Int
    ) async throws(ManagementFault) -> ServerResponse? {
        guard id.types.count == 2, id.types[0].lowercased() == "locations", id.names.count == 2 else { return nil }
        let rows: SQLiteRows
        do throws(SluiceError) {
            rows = try await store.database.query(
                "SELECT path, secret, started, ended, outcome FROM operations WHERE id = ?", [.text(id.name)])
        } catch { throw .broken(error) }
        guard let row = rows.rows.first, let path = row[0].text, let secret = row[1].text,
            path.lowercased() == id.key
        else { return nil }
        guard request.server.rawQuery.contains(secret) else {
            throw ManagementFault(
                403, "AuthorizationFailed",
                "The address of the operation is not the one that was given out: its query has to be kept as it is.")
        }
        guard request.server.method == "GET" else {
            throw ManagementFault(
                405, "MethodNotAllowed",
                "The requested resource does not support http method '\(request.server.method)'."
            )
        }
        let outcome = (try? JSONText.parse(row[4].text ?? "")) ?? [:]
        let isOver = row[3].integer.map { Moment(microseconds: $0) <= request.now } ?? false
        let isStatus = request.server.rawQuery.contains("azureAsyncOperation=true")
        if !isOver, !isStatus {
            return ServerResponse(
                202,
                headers: [
                    "Location": "\(request.baseURL)\(request.path)?\(request.server.rawQuery)",
                    "Retry-After": String(retryAfter),
                ])
        }
        if isStatus {
            let error = outcome["error"]
            let body = JSONText.members([
                "id": .string(path), "name": .string(id.name),
                "status": .string(!isOver ? "InProgress" : error == nil ? "Succeeded" : "Failed"),
                "startTime": .string(String(Moment(microseconds: row[2].integer ?? 0).iso.dropLast())),
                "error": isOver ? error : nil,
            ])
            return .json(body, headers: isOver ? [:] : ["Retry-After": String(retryAfter)])
        }
        if let error = outcome["error"] { return .json(["error": error], status: 409) }
        if let body = outcome["body"] { return .json(body) }
        guard let resource = outcome["resource"]?.text.flatMap({ ResourceID($0) }) else { return ServerResponse(204) }
        do throws(SluiceError) {
            guard let found = try await store.find(resource) else { return ServerResponse(204) }
            return .json(found.shown(at: request.now))
        } catch { throw .broken(error) }
    }
}
