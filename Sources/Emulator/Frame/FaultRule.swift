import HTTPServer
import Support

/// One thing that goes wrong on purpose: for which requests, how often, and what.
struct FaultRule: Sendable {
    /// What happens to a request.
    enum Deed: Sendable, Equatable {
        /// It is refused for now, with the time to wait when one is said.
        case throttle(status: Int, retryAfter: Int?)
        /// It is answered with this status, and nothing is done.
        case status(Int, code: String?)
        /// It is answered later.
        case slow(milliseconds: Int)
        /// The connection is closed when so many bytes of the request's body have come.
        case cutRequest(bytes: Int)
        /// The connection is closed when so many bytes of the answer's body are sent.
        case cutResponse(bytes: Int)
        /// Everything is done, and the connection is closed without an answer.
        case loseResponse
    }

    var service: String?
    var method: String?
    var account: String?
    var path: String?
    var query: [(name: String, value: String)] = []
    /// How many matching requests are let through first.
    var skip = 0
    /// How often it happens; always when nil.
    var times: Int?
    let deed: Deed
    /// How often it happened.
    var hits = 0
    var seen = 0

    /// The rules in a JSON document: a list, or an object with the list as `rules`.
    static func parse(_ document: JSONText) throws(SluiceError) -> [FaultRule] {
        guard let items = document.items ?? document["rules"]?.items else {
            throw invalid("the document", "a list of rules")
        }
        var rules: [FaultRule] = []
        for item in items { rules.append(try FaultRule(item)) }
        return rules
    }

    init(_ item: JSONText) throws(SluiceError) {
        guard item.members != nil else { throw FaultRule.invalid("a rule", "an object with match and do") }
        for (key, _) in item.members ?? [] where !["match", "times", "skip", "do", "hits"].contains(key) {
            throw FaultRule.invalid("a rule's \"\(key)\"", "match, do, times or skip")
        }
        for (key, value) in item["match"]?.members ?? [] {
            switch key {
            case "service": service = value.text
            case "method": method = value.text?.uppercased()
            case "account": account = value.text
            case "path": path = value.text
            case "query":
                if let text = value.text { query = WebAddress.items(of: text) }
                query += (value.members ?? []).map { (name: $0.key, value: $0.value.text ?? "") }
            default: throw FaultRule.invalid("match.\(key)", "service, method, account, path or query")
            }
        }
        times = item["times"]?.integer
        skip = item["skip"]?.integer ?? 0
        guard let action = item["do"] else { throw FaultRule.invalid("a rule without do", "what is to happen") }
        deed = try FaultRule.deed(action)
    }

    private static func deed(_ action: JSONText) throws(SluiceError) -> Deed {
        let name = action.text ?? action.members?.first?.key ?? ""
        let value = action[name]
        switch name {
        case "throttle":
            let status = value?.integer ?? 503
            guard status == 429 || status == 503 else { throw invalid("throttle \(status)", "429 or 503") }
            return .throttle(status: status, retryAfter: action["retryAfter"]?.integer)
        case "status":
            guard let status = value?.integer, (200...599).contains(status) else {
                throw invalid("do.status", "200 to 599")
            }
            return .status(status, code: action["code"]?.text)
        case "slow": return .slow(milliseconds: min(600_000, max(0, value?.integer ?? 1000)))
        case "cutRequest": return .cutRequest(bytes: max(0, value?.integer ?? 0))
        case "cutResponse": return .cutResponse(bytes: max(0, value?.integer ?? 0))
        case "loseResponse": return .loseResponse
        default:
            throw invalid(
                "do \"\(name)\"", "throttle, status, slow, cutRequest, cutResponse or loseResponse")
        }
    }

    private static func invalid(_ what: String, _ expected: String) -> SluiceError {
        SluiceError(
            .invalidConfiguration, "\(what) is not what a fault rule has; expected \(expected)",
            hint:
                #"One that works: {"match": {"service": "blob", "method": "PUT"}, "times": 2, "do": {"throttle": 503}}"#
        )
    }

    /// Whether the rule is about a request.
    func matches(_ request: EmulatedRequest, service name: String) -> Bool {
        if let service, service != name { return false }
        if let method, method != request.server.method.uppercased() { return false }
        if let account, !FaultRule.matches(pattern: account, request.account) { return false }
        if let path {
            let decoded = request.path.percentDecoded() ?? request.path
            if !FaultRule.matches(pattern: path, decoded) { return false }
        }
        return query.allSatisfy { wanted in
            request.server.query.contains { item in
                item.name.lowercased() == wanted.name.lowercased()
                    && FaultRule.matches(pattern: wanted.value, item.value)
            }
        }
    }

    /// Whether `text` is what `pattern` says, where `*` stands for anything.
    static func matches(pattern: String, _ text: String) -> Bool {
        let pattern = Array(pattern.utf8)
        let text = Array(text.utf8)
        var (p, t) = (0, 0)
        var (star, mark) = (-1, 0)
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                (star, mark) = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == text[t] {
                p += 1
                t += 1
            } else if star >= 0 {
                mark += 1
                (p, t) = (star + 1, mark)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }

    /// The rule as it is shown.
    var json: JSONText {
        let match = JSONText.members([
            "service": service.map { .string($0) }, "method": method.map { .string($0) },
            "account": account.map { .string($0) }, "path": path.map { .string($0) },
            "query": query.isEmpty ? nil : .object(query.map { ($0.name, .string($0.value)) }),
        ])
        let action: JSONText =
            switch deed {
            case .throttle(let status, let retryAfter):
                .members(["throttle": .number(status), "retryAfter": retryAfter.map { .number($0) }])
            case .status(let status, let code):
                .members(["status": .number(status), "code": code.map { .string($0) }])
            case .slow(let milliseconds): ["slow": .number(milliseconds)]
            case .cutRequest(let bytes): ["cutRequest": .number(bytes)]
            case .cutResponse(let bytes): ["cutResponse": .number(bytes)]
            case .loseResponse: ["loseResponse": true]
            }
        return .members([
            "match": match, "times": times.map { .number($0) }, "skip": skip > 0 ? .number(skip) : nil,
            "do": action, "hits": .number(hits),
        ])
    }
}
