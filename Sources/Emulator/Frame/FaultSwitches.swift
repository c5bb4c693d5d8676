import HTTPServer
import Support
import Synchronization

/// The faults that are switched on.
final class FaultSwitches: Sendable {
    private let rules = Mutex<[FaultRule]>([])

    /// Takes the place of all rules.
    func set(_ new: [FaultRule]) { rules.withLock { $0 = new } }

    /// All rules, with how often each has happened.
    var json: JSONText { ["rules": .array(rules.withLock { $0 }.map(\.json))] }

    /// What happens to a request, by the first rule that is about it and not used up.
    func deed(for request: EmulatedRequest, service: String) -> FaultRule.Deed? {
        rules.withLock { rules in
            for index in rules.indices where rules[index].matches(request, service: service) {
                rules[index].seen += 1
                if rules[index].seen <= rules[index].skip { continue }
                if let times = rules[index].times, rules[index].hits >= times { continue }
                rules[index].hits += 1
                return rules[index].deed
            }
            return nil
        }
    }

    /// The answer that a fault gives instead of the service; nil when the service is asked as well.
    static func answer(_ deed: FaultRule.Deed, _ request: EmulatedRequest, service: String) -> ServerResponse? {
        switch deed {
        case .throttle(let status, let retryAfter):
            var answer = error(status, status == 429 ? "TooManyRequests" : "ServerBusy", request, service)
            answer.headers["Retry-After"] = retryAfter.map(String.init)
            return answer
        case .status(let status, let code): return error(status, code ?? usualCode(status), request, service)
        default: return nil
        }
    }

    private static func usualCode(_ status: Int) -> String {
        switch status {
        case 400: "InvalidInput"
        case 401: "NoAuthenticationInformation"
        case 403: "AuthorizationFailure"
        case 404: "ResourceNotFound"
        case 408, 504: "OperationTimedOut"
        case 409: "Conflict"
        case 412: "ConditionNotMet"
        case 429: "TooManyRequests"
        case 503: "ServerBusy"
        default: "InternalError"
        }
    }

    private static func error(
        _ status: Int, _ code: String, _ request: EmulatedRequest, _ service: String
    ) -> ServerResponse {
        let message = "This fault was switched on in the emulator."
        switch service {
        case "blob", "queue": return ServiceErrors.storage(status, code, message, for: request)
        case "dfs": return ServiceErrors.dataLake(status, code, message, for: request)
        case "login", "imds":
            let body: JSONText = ["error": "temporarily_unavailable", "error_description": .string(message)]
            return .json(body, status: status)
        default: return ServiceErrors.json(status, code, message)
        }
    }
}

/// A body that breaks off: what a service reads of a request whose connection is to be closed in the middle.
final class CutBody: ByteStream {
    let name = "request body"
    private let base: any ByteStream
    private let left: Mutex<Int>

    init(_ base: any ByteStream, after bytes: Int) {
        self.base = base
        left = Mutex(bytes)
    }

    func next() async throws(SluiceError) -> Buffer? {
        let room = left.withLock { $0 }
        guard room > 0, let bytes = try await base.next() else {
            throw SluiceError(
                .inputOutput, "the connection was closed by a fault that was switched on", isTransient: true)
        }
        left.withLock { $0 -= bytes.count }
        return bytes.count <= room ? bytes : bytes[0..<room]
    }
}
