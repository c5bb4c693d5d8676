import Support

/// Where an answer sends a request that reads.
enum Redirect {
    /// How many are followed in a row.
    static let limit = 5

    /// Where to go on; nil when the answer is final. Requests that write are never sent elsewhere: the answer is theirs to
    /// act on.
    static func target(of response: HTTPResponse, to request: HTTPRequest) throws(SluiceError) -> WebAddress? {
        guard request.method == .get || request.method == .head, [301, 302, 303, 307, 308].contains(response.status),
            let location = response.headers["Location"]
        else { return nil }
        let host = request.url.host
        let next: WebAddress
        do throws(SluiceError) {
            next = try request.url.resolved(location)
        } catch {
            throw SluiceError(.inputOutput, "\(host) redirects to what is no URL: \(error.message)")
        }
        guard request.url.scheme != "https" || next.scheme == "https" else {
            throw SluiceError(
                .inputOutput, "\(host) redirects from https to plain http, to \(next.host), which is not followed",
                hint: "Ask for an https URL that leads there directly.")
        }
        return next
    }

    /// The fields that may go to another origin: none that proves who is asking, none that carries a signed URL.
    static func withoutSecrets(_ headers: HTTPHeaders) -> HTTPHeaders {
        var kept = HTTPHeaders()
        for field in headers where !Secrecy.isSecret(header: field.name) && !Secrecy.holdsSignature(field.value) {
            if field.name.lowercased() != "host" { kept.add(field.name, field.value) }
        }
        return kept
    }
}
