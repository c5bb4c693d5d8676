import HTTPServer
import Support

extension QueueCall {
    private static let longest = 64 << 10
    private static let week = 7 * 86_400

    private func moment(after seconds: Int) -> Moment {
        Moment(microseconds: now.microseconds + Int64(seconds) * 1_000_000)
    }

    /// The text of the message in the request's body; nil when there is no body.
    private func text() async throws(QueueFault) -> String? {
        guard let body = try? await request.server.collect(limit: 1 << 20) else { throw .tooLarge }
        if body.count == 0 { return nil }
        guard let node = try? XMLNode.parse(body), node.name == "QueueMessage" else { throw .invalidXML }
        let text = node["MessageText"]?.text ?? ""
        guard text.utf8.count <= Self.longest else { throw .tooLarge }
        return text
    }

    func put() async throws(QueueFault) -> ServerResponse {
        let delay = try number("visibilitytimeout", 0...Self.week) ?? 0
        let life = try number("messagettl", -1...Int(Int32.max)) ?? Self.week
        if life == 0 { throw .range("messagettl", "0", 1, Int(Int32.max)) }
        if life > 0, delay >= life {
            throw .range("visibilitytimeout", String(delay), 0, life - 1)
        }
        guard let text = try await text() else { throw .invalidXML }
        // The last second of the year 9999 is what the service calls never.
        let never = Moment(microseconds: 253_402_300_799_000_000)
        let message = try await asked { () async throws(SluiceError) in
            try await store.put(
                account, queue, text, now: now, visible: moment(after: delay),
                expires: life < 0 ? never : moment(after: life))
        }
        guard let message else { throw .notFound }
        return answer([message], status: 201, isShown: false)
    }

    func get() async throws(QueueFault) -> ServerResponse {
        let count = try number("numofmessages", 1...32) ?? 1
        if request.server[query: "peekonly"]?.lowercased() == "true" {
            try await found()
            let messages = try await asked { () async throws(SluiceError) in
                try await store.peek(account, queue, count: count, now: now)
            }
            return answer(messages, status: 200, isShown: true, isTaken: false)
        }
        let hidden = try number("visibilitytimeout", 1...Self.week) ?? 30
        try await found()
        let messages = try await asked { () async throws(SluiceError) in
            try await store.take(account, queue, count: count, now: now, visible: moment(after: hidden))
        }
        return answer(messages, status: 200, isShown: true)
    }

    func clear() async throws(QueueFault) -> ServerResponse {
        try await found()
        try await asked { () async throws(SluiceError) in try await store.clear(account, queue) }
        return ServerResponse(204)
    }

    func update(_ id: String) async throws(QueueFault) -> ServerResponse {
        let receipt = try receipt()
        guard let hidden = try number("visibilitytimeout", 0...Self.week) else { throw .missing("visibilitytimeout") }
        let text = try await text()
        try await found()
        let outcome = try await asked { () async throws(SluiceError) in
            try await store.update(
                account, queue, id, receipt: receipt, text: text, now: now, visible: moment(after: hidden))
        }
        let message = try message(outcome)
        return ServerResponse(
            204,
            headers: [
                "x-ms-popreceipt": Self.shown(message.receipt), "x-ms-time-next-visible": message.visible.httpDate,
            ])
    }

    func delete(_ id: String) async throws(QueueFault) -> ServerResponse {
        let receipt = try receipt()
        try await found()
        let outcome = try await asked { () async throws(SluiceError) in
            try await store.delete(account, queue, id, receipt: receipt, now: now)
        }
        _ = try message(outcome)
        return ServerResponse(204)
    }

    private func message(_ outcome: QueueStore.Outcome) throws(QueueFault) -> QueueStore.Message {
        switch outcome {
        case .done(let message): return message
        case .otherReceipt: throw .otherReceipt
        case .gone: throw .messageNotFound
        }
    }

    /// Receipts are shown in Base64, with `=` signs at the end, as the service has them: clients have to encode them.
    private static func shown(_ receipt: String) -> String { Base64.encode(Array(receipt.utf8)) }

    private func receipt() throws(QueueFault) -> String {
        guard let given = request.server[query: "popreceipt"], !given.isEmpty else { throw .missing("popreceipt") }
        guard let bytes = Base64.decode(given) else {
            throw QueueFault(
                400, "InvalidQueryParameterValue",
                "Value for one of the query parameters specified in the request URI is invalid.",
                details: [
                    "QueryParameterName": "popreceipt", "QueryParameterValue": given,
                    "Reason": "Invalid pop receipt format",
                ])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func answer(
        _ messages: [QueueStore.Message], status: Int, isShown: Bool, isTaken: Bool = true
    ) -> ServerResponse {
        let children = messages.map { message in
            var fields = [
                XMLNode("MessageId", text: message.id),
                XMLNode("InsertionTime", text: message.inserted.httpDate),
                XMLNode("ExpirationTime", text: message.expires.httpDate),
            ]
            if isTaken {
                fields.append(XMLNode("PopReceipt", text: Self.shown(message.receipt)))
                fields.append(XMLNode("TimeNextVisible", text: message.visible.httpDate))
            }
            if isShown {
                fields.append(XMLNode("DequeueCount", text: String(message.dequeued)))
                fields.append(XMLNode("MessageText", text: message.text))
            }
            return XMLNode("QueueMessage", children: fields)
        }
        return .xml(XMLNode("QueueMessagesList", children: children), status: status)
    }
}
