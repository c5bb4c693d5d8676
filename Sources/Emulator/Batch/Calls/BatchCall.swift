import HTTPServer
import Support

/// One call to Batch: whose, what, and with which body.
struct BatchCall: Sendable {
    let request: EmulatedRequest
    let account: String
    /// The path's parts, decoded.
    let parts: [String]
    /// The body without members that are null; nil when there is none.
    let body: JSONText?

    var method: String { request.server.method }
    var now: Moment { request.now }
    var base: String { request.baseURL }

    init(_ request: EmulatedRequest, account: String) async throws(BatchFault) {
        self.request = request
        self.account = account
        var parts: [String] = []
        for part in request.path.split(separator: "/") {
            guard let text = String(part).percentDecoded() else {
                throw BatchFault(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
            }
            parts.append(text)
        }
        self.parts = parts
        body = try await Self.body(of: request)
    }

    private static func body(of request: EmulatedRequest) async throws(BatchFault) -> JSONText? {
        guard ["POST", "PUT", "PATCH"].contains(request.server.method), request.server.contentLength != 0 else {
            return nil
        }
        let type = request.server.headers["Content-Type"] ?? ""
        let plain = type.lowercased().filter { $0 != " " }
        guard plain.hasPrefix("application/json;") && plain.contains("odata=") else {
            throw BatchFault(
                400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.",
                ["HeaderName": "Content-Type", "HeaderValue": type])
        }
        let bytes: Buffer
        do throws(SluiceError) { bytes = try await request.server.collect(limit: 1 << 20) } catch {
            guard error.code == .limitExceeded else {
                throw BatchFault(400, "InvalidRequestBody", "The body could not be read.")
            }
            throw BatchFault(
                413, "RequestBodyTooLarge",
                "The request body is too large and exceeds the maximum permissible limit.", ["MaxLimit": "1048576"])
        }
        if bytes.count == 0 { return nil }
        do throws(SluiceError) {
            let json = try JSONText.parse(bytes, depthLimit: 60)
            guard json.members != nil else { throw SluiceError(.invalidData, "an object was expected") }
            return json.withoutNulls()
        } catch {
            throw BatchFault(
                400, "InvalidRequestBody", "The specified Request Body is not syntactically valid.",
                ["Reason": error.description])
        }
    }

    /// The body, which has to be there.
    func needed() throws(BatchFault) -> JSONText {
        guard let body else { throw BatchFault(400, "InvalidRequestBody", "The request body is missing.") }
        return body
    }

    /// The id in a body.
    func id(_ body: JSONText) throws(BatchFault) -> String {
        guard let id = body["id"]?.text else { throw .missing("id") }
        guard BatchText.isID(id) else {
            throw .invalid("id", id, "It has 1 to 64 letters, digits, hyphens and underscores.")
        }
        return id
    }

    // MARK: Answers

    /// An answer without a body.
    func done(_ status: Int, _ modified: Moment? = nil, url: String? = nil) -> ServerResponse {
        ServerResponse(status, headers: headers(modified, url))
    }

    private func headers(_ modified: Moment?, _ url: String?) -> HTTPHeaders {
        var headers: HTTPHeaders = ["DataServiceVersion": "3.0", "request-id": request.id]
        if let client = request.server.headers["client-request-id"], client.utf8.count <= 64,
            request.server.headers["return-client-request-id"]?.lowercased() == "true"
        {
            headers["client-request-id"] = client
        }
        if let modified {
            headers["ETag"] = BatchText.tag(modified)
            headers["Last-Modified"] = modified.httpDate
        }
        if let url {
            headers["DataServiceId"] = url
            headers["Location"] = url
        }
        return headers
    }

    /// One thing as an answer, with the members that the caller selects.
    func answer(_ json: JSONText, _ kind: String, modified: Moment? = nil) -> ServerResponse {
        var headers = headers(modified, nil)
        headers["Content-Type"] = BatchFault.type
        return .json(.object([metadata("\(kind)/@Element")] + (selected(json).members ?? [])), headers: headers)
    }

    /// A page of a list: those behind the token, that fit the filter, as many as are asked for.
    func list(_ items: [(sequence: Int, json: JSONText)], _ kind: String) throws(BatchFault) -> ServerResponse {
        var most = 1000
        if let text = request.server[query: "maxresults"] {
            guard let number = Int(text), (1...1000).contains(number) else {
                throw BatchFault(
                    400, "OutOfRangeQueryParameterValue",
                    "A query parameter specified in the request URI is outside the permissible range.",
                    [
                        "QueryParameterName": "maxresults", "QueryParameterValue": text, "MinimumAllowed": "1",
                        "MaximumAllowed": "1000",
                    ])
            }
            most = number
        }
        let filter = try request.server[query: "$filter"].map { text throws(BatchFault) in try BatchFilter(text) }
        let after = request.server[query: "$skiptoken"].flatMap { Int($0) } ?? Int.min
        var page: [JSONText] = []
        var last = 0
        var next: String?
        for item in items.sorted(by: { $0.sequence < $1.sequence }) where item.sequence > after {
            if let filter, !filter.holds(for: item.json) { continue }
            if page.count == most {
                let kept = request.server.query.filter { $0.name != "$skiptoken" }.map {
                    "\($0.name.percentEncoded)=\($0.value.percentEncoded)"
                }
                next = "\(base)\(request.path)?\((kept + ["%24skiptoken=\(last)"]).joined(separator: "&"))"
                break
            }
            page.append(selected(item.json))
            last = item.sequence
        }
        var headers = headers(nil, nil)
        headers["Content-Type"] = BatchFault.type
        let body = JSONText.members(["value": .array(page), "odata.nextLink": next.map { .string($0) }])
        return .json(.object([metadata(kind)] + (body.members ?? [])), headers: headers)
    }

    private func metadata(_ kind: String) -> (key: String, value: JSONText) {
        ("odata.metadata", .string("\(base)/$metadata#\(kind)"))
    }

    private func selected(_ json: JSONText) -> JSONText {
        guard let text = request.server[query: "$select"], let members = json.members else { return json }
        let wanted = Set(
            text.split(separator: ",").map { $0.filter { $0 != " " }.prefix { $0 != "/" } }.map(String.init))
        return .object(members.filter { wanted.contains($0.key) })
    }

    /// Holds what the caller has seen against what is there.
    func checkUnchanged(_ modified: Moment) throws(BatchFault) {
        let tag = BatchText.tag(modified)
        func names(_ header: String) -> Bool? {
            request.server.headers[header].map { $0 == "*" || $0.filter { $0 != "\"" } == tag }
        }
        if names("If-Match") == false || names("If-None-Match") == true {
            let isReading = method == "GET" || method == "HEAD"
            throw BatchFault(
                isReading && names("If-None-Match") == true ? 304 : 412, "ConditionNotMet",
                "The condition specified using HTTP conditional header(s) is not met.")
        }
        if let text = request.server.headers["If-Unmodified-Since"], let date = Moment(httpDate: text),
            modified.seconds > date.seconds
        {
            throw BatchFault(
                412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
        }
    }
}

extension JSONText {
    /// The same without members that are null, which mean nothing to Batch.
    func withoutNulls() -> JSONText {
        switch self {
        case .object(let members):
            .object(members.filter { $0.value != .null }.map { ($0.key, $0.value.withoutNulls()) })
        case .array(let items): .array(items.map { $0.withoutNulls() })
        default: self
        }
    }

    /// The same with the members of `other` in place of its own.
    func replacing(_ other: JSONText) -> JSONText {
        let changes = other.members ?? []
        let names = Set(changes.map(\.key))
        return .object((members ?? []).filter { !names.contains($0.key) } + changes)
    }
}
