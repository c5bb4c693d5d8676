import CCurl
import Glibc
import Support

/// Which limit of time.
enum TimeLimit: Sendable {
    case stall
    case total
}

/// How far a transfer had come when it ended.
struct TransferState: Sendable {
    /// Whether the request was begun to be sent.
    var isStarted = false
    var head: ResponseHead?
    var received = 0
    var sent = 0
}

/// Why a transfer failed, and what that means for trying again.
struct TransferFailure: Error, Sendable {
    /// Whether the other side can have seen the request.
    enum Reach: Sendable {
        case never
        case perhaps
    }

    var error: SluiceError
    /// Whether trying again may help.
    var isTransient: Bool
    var reached: Reach
    /// The name could not be resolved; whether it exists is still to be asked.
    var isNameUnknown = false

    init(error: SluiceError, isTransient: Bool, reached: Reach, isNameUnknown: Bool = false) {
        self.error = error
        self.isTransient = isTransient
        self.reached = reached
        self.isNameUnknown = isNameUnknown
    }

    static func cancelled(_ plan: TransferPlan) -> TransferFailure {
        TransferFailure(
            error: SluiceError(.cancelled, "the request to \(plan.place) was cancelled"), isTransient: false,
            reached: .perhaps)
    }
}

extension sluice_curl_outcome {
    init(end: sluice_curl_end) {
        self.init()
        self.end = end
    }

    /// libcurl's own words.
    var words: String {
        withUnsafeBytes(of: text) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// One sentence for each way to fail: who, what, and what to do about it. Never a path or a query, which may hold secrets.
extension TransferPlan {
    /// The host, with its port when that says something.
    var place: String {
        let url = request.url
        let name = String(url.origin.drop { $0 != "/" }.dropFirst(2))
        return route.map { "\(name) (at \($0.host):\($0.effectivePort))" } ?? name
    }

    /// What is known to have gone wrong, as an error.
    func failure(_ outcome: sluice_curl_outcome, state: TransferState) -> TransferFailure {
        var code = SluiceError.Code.inputOutput
        var isTransient = true
        var isNameUnknown = false
        var text: String
        var hint: String?
        let proxyName = proxy?.shown ?? "?"
        switch outcome.end {
        case SLUICE_CURL_NO_HOST:
            text = "the address of \(place) could not be looked up"
            hint = "Check the network and its name server (/etc/resolv.conf)."
            isNameUnknown = true
        case SLUICE_CURL_NO_PROXY_HOST:
            text = "the proxy \(proxyName) has no address that could be looked up"
            hint = "Check https_proxy, http_proxy and all_proxy in the environment."
            isTransient = false
        case SLUICE_CURL_NO_CONNECTION:
            let target = proxy == nil ? place : "the proxy \(proxyName)"
            if outcome.system_error == ECONNREFUSED || outcome.system_error == 0 {
                text = "\(target) refused the connection"
            } else {
                text = "\(target) cannot be reached: \(String(cString: strerror(outcome.system_error)))"
            }
            hint = refusedHint
        case SLUICE_CURL_PROXY_REFUSED: return proxyRefused(outcome)
        case SLUICE_CURL_TIMED_OUT:
            code = .timedOut
            text = "\(place) did not accept a connection within \(TransferPlan.shown(timeouts.connect))"
            hint = "Check the name and port, firewalls, and whether a proxy is needed (https_proxy)."
        case SLUICE_CURL_TLS_FAILED:
            text = "no encrypted connection to \(place) came about: \(outcome.words)"
            hint = "Check that this port speaks TLS, and what stands between (a proxy, a firewall)."
            isTransient = outcome.system_error != 0
        case SLUICE_CURL_NOT_TRUSTED: return notTrusted(outcome)
        case SLUICE_CURL_BAD_CA_FILE:
            code = .invalidConfiguration
            text = "the certificates to trust cannot be read"
            hint = "Install ca-certificates, and check the file that SLUICE_CA_FILE names."
            isTransient = false
        case SLUICE_CURL_SEND_FAILED, SLUICE_CURL_CANNOT_REWIND, SLUICE_CURL_RECEIVE_FAILED, SLUICE_CURL_NO_ANSWER,
            SLUICE_CURL_CUT:
            if proxy != nil, !state.isStarted { return proxyRefused(outcome) }
            text = cut(outcome, state)
            hint = "Try again; if it happens at the same place each time, look at \(request.url.host)'s own log."
        case SLUICE_CURL_BAD_PROTOCOL:
            text = "\(place) did not answer in HTTP"
            hint = "Check scheme and port: https goes to 443 as a rule, http to 80."
            isTransient = false
        case SLUICE_CURL_BAD_CODING:
            code = .invalidData
            text = "the compressed answer of \(place) is damaged"
            isTransient = false
        case SLUICE_CURL_STOPPED where state.isStarted:
            text = "\(place) closed the connection before it answered, and the request must not be sent twice"
            hint = "Look whether it took effect before you try again."
        default:
            text = "the exchange with \(place) failed: \(outcome.words)"
            isTransient = false
        }
        return TransferFailure(
            error: SluiceError(code, text, hint: hint, isTransient: isTransient), isTransient: isTransient,
            reached: state.isStarted ? .perhaps : .never, isNameUnknown: isNameUnknown)
    }

    private var refusedHint: String {
        if proxy != nil {
            return "Check https_proxy, http_proxy and all_proxy, and no_proxy for hosts to reach directly."
        }
        if route != nil { return "Start the emulator (sluice emulate), or take its address out of the settings." }
        return "Check that the service runs, and that name and port are right."
    }

    private func cut(_ outcome: sluice_curl_outcome, _ state: TransferState) -> String {
        guard let head = state.head else {
            return state.sent > 0
                ? "\(place) closed the connection after \(state.sent) bytes were sent, before it answered"
                : "\(place) closed the connection before it answered"
        }
        if let whole = head.headers["Content-Length"] {
            return "\(place) broke off after \(state.received) of \(whole) bytes"
        }
        return "\(place) broke off after \(state.received) bytes, before the end of its answer"
    }

    private func proxyRefused(_ outcome: sluice_curl_outcome) -> TransferFailure {
        let name = proxy?.shown ?? "?"
        let status = outcome.proxy_status
        let said = status > 0 ? "answered \(status)" : "broke off: \(outcome.words)"
        let hint =
            status == 407
            ? "It wants a user and password: https_proxy=http://user:password@\(name)."
            : "Ask who runs the proxy whether it lets \(request.url.host) through, or name the host in no_proxy."
        let isTransient = status == 0 || RetryPolicy.isTransient(status: Int(status))
        return TransferFailure(
            error: SluiceError(
                status == 403 || status == 407 ? .permission : .inputOutput,
                "the proxy \(name), asked for \(place), \(said)", hint: hint, isTransient: isTransient),
            isTransient: isTransient, reached: .never)
    }

    private func notTrusted(_ outcome: sluice_curl_outcome) -> TransferFailure {
        let text: String
        var hint = "If this is expected (a company's proxy, a test), name the file of its CA in SLUICE_CA_FILE."
        switch outcome.verify_result {
        // libcurl compares the names itself, before it asks OpenSSL for its verdict.
        case 0, 1:
            text = "the certificate that \(place) shows is for another name"
            hint = "Check the name; a certificate is valid for the names that it lists, and for no others."
        case 9: text = "the certificate that \(place) shows is not valid yet"
        case 10:
            text = "the certificate that \(place) shows has expired"
            hint = "Renew it, or check this machine's clock."
        case 18: text = "the certificate that \(place) shows is signed by itself and by nobody who is trusted"
        case 19: text = "the certificate that \(place) shows comes from a CA that is not trusted here"
        case 20, 21:
            text = "the certificate that \(place) shows comes from a CA that is not known here"
            hint = "Install ca-certificates if it is missing. " + hint
        case 23: text = "the certificate that \(place) shows has been revoked"
        default: text = "the certificate that \(place) shows cannot be verified: \(outcome.words)"
        }
        if outcome.verify_result == 9 { hint = "Check this machine's clock." }
        return TransferFailure(
            error: SluiceError(.inputOutput, text, hint: hint), isTransient: false, reached: .never)
    }

    /// A limit of time was reached.
    func timedOut(_ limit: TimeLimit, state: TransferState) -> TransferFailure {
        let text: String
        switch limit {
        case .stall:
            let time = TransferPlan.shown(timeouts.stall)
            let when =
                state.head == nil
                ? "after the request, before an answer" : "after \(state.received) bytes of its answer"
            text = "nothing came from \(place) for \(time), \(when)"
        case .total:
            text = "\(place) had not answered in full within \(TransferPlan.shown(timeouts.total ?? .zero))"
        }
        // Who sets a limit for the whole wants to know by then, not after five times as long.
        let isRetried = if case .stall = limit { true } else { false }
        return TransferFailure(
            error: SluiceError(.timedOut, text, hint: "Try again later, or allow it more time.", isTransient: true),
            isTransient: isRetried, reached: state.isStarted ? .perhaps : .never)
    }

    /// The other side's headers are larger than any honest ones.
    func headTooLarge() -> TransferFailure {
        TransferFailure(
            error: SluiceError(
                .limitExceeded, "\(place) answered with more than \(HeadParser.limit >> 10) kB of headers"),
            isTransient: false, reached: .perhaps)
    }

    /// libcurl did not take the request.
    func cannotBegin() -> TransferFailure {
        TransferFailure(
            error: SluiceError(
                .invalidConfiguration, "no request to \(place) can be made: libcurl refuses its URL or a header",
                hint: "libcurl 7.85 or newer is needed."),
            isTransient: false, reached: .never)
    }

    /// `10 s`, `0.5 s`
    static func shown(_ time: Duration) -> String {
        let seconds = time.inSeconds
        return seconds == seconds.rounded() ? "\(Int(seconds)) s" : "\(seconds) s"
    }
}
