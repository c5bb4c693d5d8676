import Support
import Transport

/// How a long-running operation of Azure Resource Manager goes on, answer by answer. It sends nothing itself.
///
/// Each answer may name where to ask next, and the newest name counts. `Azure-AsyncOperation` tells a status, `Location` 202 until
/// it is done, and a resource itself has a `provisioningState`; whichever there is is followed, in this order.
struct LongOperation {
    /// What to do next.
    enum Step: Equatable {
        /// Ask there.
        case ask(WebAddress, after: Duration?)
        /// Ask for the resource, whose state decides.
        case read(after: Duration?)
        /// It is done, and this is what came of it.
        case done(JSONText?)
    }

    /// An answer, with its body read.
    struct Answer {
        var status: Int
        var headers: HTTPHeaders
        var body: JSONText?
        var retryAfter: Duration?
    }

    /// The method that began it.
    let method: HTTPMethod
    /// What it is done to, for messages.
    let subject: String

    private enum Place: Equatable {
        case beginning
        case status(WebAddress)
        case location(WebAddress)
        case resource
    }
    private var place = Place.beginning
    /// Where the result will be, when the status tells only that it is there.
    private var result: WebAddress?
    private let base: WebAddress

    /// The operation that `method` on `base` began.
    init(_ method: HTTPMethod, _ base: WebAddress, subject: String) {
        self.method = method
        self.subject = subject
        self.base = base
    }

    private var leavesResource: Bool { method == .put || method == .patch }

    /// Takes the answer to the step before.
    ///
    /// - throws: What the operation failed with.
    mutating func handle(_ answer: Answer) throws(SluiceError) -> Step {
        let wait = answer.retryAfter
        if let text = answer.headers["Azure-AsyncOperation"] ?? answer.headers["Operation-Location"] {
            if case .status = place, !Self.isOpen(answer.body?["status"]?.text) {
                // What has ended may still name itself.
            } else {
                place = .status(try base.resolved(text))
            }
            if let text = answer.headers["Location"] { result = try base.resolved(text) }
        } else if let text = answer.headers["Location"], answer.status == 202 || answer.status == 201 {
            if case .status = place {
                result = try base.resolved(text)
            } else {
                place = .location(try base.resolved(text))
            }
        }
        switch place {
        case .beginning:
            if leavesResource, answer.status != 204 { return try state(answer) }
            return .done(answer.body)
        case .status(let address):
            guard let word = answer.body?["status"]?.text else {
                // The answer that began it: its body is the resource.
                return .ask(address, after: wait)
            }
            if Self.isOpen(word) { return .ask(address, after: wait) }
            guard word.lowercased() == "succeeded" else { throw failure(word, answer.body?["error"]) }
            if leavesResource {
                place = .resource
                return .read(after: nil)
            }
            if let result, method == .post {
                place = .location(result)
                return .ask(result, after: nil)
            }
            return .done(answer.body?["properties"] ?? answer.body?["output"])
        case .location(let address):
            if answer.status == 202 { return .ask(address, after: wait) }
            guard leavesResource, answer.status != 204 else { return .done(answer.body) }
            return try state(answer)
        case .resource: return try state(answer)
        }
    }

    /// What the resource says of itself.
    private mutating func state(_ answer: Answer) throws(SluiceError) -> Step {
        let word = answer.body?["properties"]?["provisioningState"]?.text
        if Self.isOpen(word, openUnlessSaid: false) {
            place = .resource
            return .read(after: answer.retryAfter)
        }
        if let word, ["failed", "canceled"].contains(word.lowercased()) {
            let properties = answer.body?["properties"]
            throw failure(word, properties?["provisioningError"] ?? properties?["error"])
        }
        return .done(answer.body)
    }

    private static func isOpen(_ word: String?, openUnlessSaid: Bool = true) -> Bool {
        guard let word else { return openUnlessSaid }
        return !["succeeded", "failed", "canceled", "cancelled"].contains(word.lowercased())
    }

    private func failure(_ word: String, _ error: JSONText?) -> SluiceError {
        let code = error?["code"]?.text
        let message = error?["message"]?.text ?? error?.text ?? "Azure said no more"
        let details = (error?["details"]?.items ?? []).compactMap { $0["message"]?.text }.prefix(10)
        return SluiceError(
            code?.lowercased().contains("conflict") == true ? .conflict : .inputOutput,
            "\(subject) \(word.lowercased() == "failed" ? "failed" : "was cancelled"): \(message.prefix(400))\(code.map { " (\($0))" } ?? "")",
            details: Array(details))
    }
}
