import Support
import Synchronization

/// An exchange on its way into the trace: written once, when its body has ended or been let go.
final class HTTPExchangeRecord: Sendable {
    private struct State {
        var head: ResponseHead?
        var kept = MutableBuffer()
        var count = 0
        var isWritten = false
    }

    /// Larger bodies are told by their length.
    private static let bodyLimit = 1 << 20

    private let plan: TransferPlan
    private let trace: HTTPTrace
    private let begin = Moment.now
    private let state = Mutex(State())

    init(_ plan: TransferPlan, trace: HTTPTrace) {
        self.plan = plan
        self.trace = trace
    }

    /// No answer came.
    func lost(_ error: SluiceError, sent: Int) { write(note: error.message, sent: sent) }

    /// The answer's headers came.
    func answered(_ head: ResponseHead) { state.withLock { $0.head = head } }

    /// Bytes of its body came.
    func received(_ bytes: Buffer) {
        state.withLock { state in
            state.count += bytes.count
            guard state.count <= Self.bodyLimit, Self.isJSON(state.head?.headers) else { return state.kept.removeAll() }
            state.kept.append(bytes)
        }
    }

    /// So many bytes of its body went by.
    func passed(_ count: Int) { state.withLock { $0.count += count } }

    /// The body has ended, well or with an error, or nobody wants more of it.
    func ended(_ error: SluiceError?, sent: Int) { write(note: error?.message, sent: sent) }

    private func write(note: String?, sent: Int) {
        let line = state.withLock { state -> JSONText? in
            guard !state.isWritten else { return nil }
            state.isWritten = true
            return self.line(state, note: note, sent: sent)
        }
        if let line { trace.write(line) }
    }

    private func line(_ state: borrowing State, note: String?, sent: Int) -> JSONText {
        var headers = HTTPHeaders()
        for field in plan.fields { headers.add(field.name, field.value) }
        if let size = plan.request.body.size, plan.hasBody { headers.add("content-length", String(size)) }
        let response = state.head.map { head in
            JSONText.members([
                "status": .number(head.status), "headers": TraceMask.headers(head.headers),
                "body": body(
                    Self.isJSON(head.headers) && state.kept.count == state.count
                        ? Buffer(copying: UnsafeRawBufferPointer(start: state.kept.base, count: state.count)) : nil,
                    count: state.count),
            ])
        }
        return .members([
            "service": .string(plan.request.service ?? "http"), "method": .string(plan.request.method.name),
            "url": .string(plan.request.url.description),
            "request": .members(["headers": TraceMask.headers(headers), "body": requestBody(sent)]),
            "response": response ?? .null, "note": note.map { .string(TraceMask.text($0)) },
            "at": .string(begin.iso),
            "milliseconds": .number(Int((Moment.now.microseconds - begin.microseconds) / 1000)),
        ])
    }

    private func requestBody(_ sent: Int) -> JSONText {
        switch plan.body {
        case .none: .null
        case .bytes(let bytes):
            body(bytes.count <= Self.bodyLimit && Self.isJSON(plan.request.headers) ? bytes : nil, count: bytes.count)
        case .part, .stream: body(nil, count: sent)
        }
    }

    private func body(_ json: Buffer?, count: Int) -> JSONText {
        if count == 0 { return .null }
        guard let json, let value = try? JSONText.parse(json) else { return ["bytes": .number(count)] }
        return TraceMask.body(value, service: plan.request.service, path: plan.request.url.path)
    }

    private static func isJSON(_ headers: HTTPHeaders?) -> Bool {
        guard let type = headers?["Content-Type"]?.lowercased().prefix(while: { $0 != ";" }) else { return false }
        return type == "application/json" || type.hasSuffix("+json")
    }
}

/// Takes what is secret out of what is recorded.
enum TraceMask {
    /// Header fields by their names in lower case.
    static func headers(_ headers: HTTPHeaders) -> JSONText {
        var members: [(key: String, value: String)] = []
        for field in headers {
            let name = field.name.lowercased()
            let value = Secrecy.isSecret(header: name) ? Redactor.mask : text(field.value)
            if let index = members.firstIndex(where: { $0.key == name }) {
                members[index].value += ", " + value
            } else {
                members.append((name, value))
            }
        }
        return .object(members.map { ($0.key, .string($0.value)) })
    }

    /// Text that may hold a URL, or be one.
    static func text(_ value: String) -> String {
        if value.contains("://"), let url = try? WebAddress(value) { return url.description }
        return Redactor.shared.redact(Secrecy.masked(value))
    }

    /// A body: members that hold secrets by their names, and values where the service keeps secrets under harmless ones.
    static func body(_ value: JSONText, service: String?, path: String) -> JSONText {
        let path = path.lowercased()
        let isListOfSecrets = ["/listsecrets", "/listkeys", "/listcredentials"].contains { path.hasSuffix($0) }
        return masked(value, hidesValues: service == "keyvault" || isListOfSecrets)
    }

    private static func masked(_ value: JSONText, hidesValues: Bool) -> JSONText {
        switch value {
        case .null, .bool, .number, .real: return value
        case .raw(let raw): return .raw(text(raw))
        case .string(let value): return .string(text(value))
        case .array(let items): return .array(items.map { masked($0, hidesValues: hidesValues) })
        case .object(let members):
            return .object(
                members.map { key, value in
                    let name = key.lowercased()
                    if Redactor.isSecret(key: key) || names.contains(name) { return (key, hidden(value)) }
                    if hidesValues, name == "value", value.isScalar { return (key, hidden(value)) }
                    return (key, masked(value, hidesValues: hidesValues || name == "secrets" || name == "keys"))
                })
        }
    }

    private static let names: Set<String> = [
        "client_assertion", "assertion", "device_code", "code", "sig", "signature", "primarykey", "secondarykey",
        "primary", "secondary", "sasuri", "sasurl",
    ]

    /// The same shape with every text and number hidden.
    private static func hidden(_ value: JSONText) -> JSONText {
        switch value {
        case .null, .bool: value
        case .number, .real, .raw, .string: .string(Redactor.mask)
        case .array(let items): .array(items.map(hidden))
        case .object(let members): .object(members.map { ($0.key, hidden($0.value)) })
        }
    }
}

extension JSONText {
    fileprivate var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }
}
