import Support
import Transport

extension RetryPolicy {
    /// Whoever signs in waits for it, and mostly at a terminal.
    static let identity = RetryPolicy(attempts: 4, base: .milliseconds(500), cap: .seconds(4), deadline: .seconds(60))
}

/// Where Entra ID issues tokens.
struct EntraEndpoint: Sendable {
    let authority: WebAddress
    let http: HTTPClient

    init(settings: AzureSettings, http: HTTPClient) {
        authority = settings.tokenAuthority
        self.http = http
    }

    /// The URL for `tenant`.
    func url(_ tenant: String) -> WebAddress {
        authority.appending(path: "\(tenant)/oauth2/v2.0/token")
    }

    /// A token for an application that proves who it is by `proof`.
    func token(
        for scope: String, tenant: String, clientID: String, proof: [(String, String)]
    ) async throws(SluiceError) -> AccessToken {
        let url = url(tenant)
        guard url.scheme == "https" || isLoopback(url.host) else {
            throw SluiceError(
                .invalidConfiguration, "the authority \(url.origin) is not https",
                hint: "secrets are never sent in the clear")
        }
        let form =
            [("client_id", clientID), ("scope", scope), ("grant_type", "client_credentials")] + proof
        let text = form.map { "\($0.0)=\($0.1.percentEncoded)" }.joined(separator: "&")
        var request = HTTPRequest(
            .post, url,
            headers: ["Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"],
            body: .bytes(Buffer(Array(text.utf8))), service: "entra")
        // Two tokens do no more than one.
        request.isIdempotent = true
        request.timeouts = HTTPTimeouts(connect: .seconds(10), stall: .seconds(30))
        let (response, body) = try await http.fetch(request, retry: .identity, limit: 1 << 20)
        guard response.isSuccess else {
            throw EntraError(response.status, body).error(tenant: tenant, clientID: clientID)
        }
        return try TokenAnswer(body, from: url.host).token
    }

    private func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "[::1]" || host.hasPrefix("127.")
    }
}

/// What any of the token services answers. Numbers come as numbers or as texts.
struct TokenAnswer {
    let token: AccessToken

    init(_ body: Buffer, from host: String) throws(SluiceError) {
        let answer = try? JSONText.parse(body)
        guard let value = answer?["access_token"]?.text ?? answer?["accessToken"]?.text, !value.isEmpty
        else {
            throw SluiceError(.invalidData, "\(host) answered without a token", isTransient: true)
        }
        let now = Moment.now
        let expiresAt: Moment
        if let seconds = answer?["expires_on"]?.integer {
            expiresAt = Moment(seconds: seconds)
        } else if let seconds = answer?["expires_in"]?.integer {
            expiresAt = Moment(seconds: now.seconds + max(0, min(seconds, 10 * 86_400)))
        } else {
            expiresAt = Moment(seconds: now.seconds + 300)
        }
        token = AccessToken(
            value, expiresAt: expiresAt, refreshIn: answer?["refresh_in"]?.integer, now: now)
    }
}

/// A refusal by Entra ID: a number that says what is wrong, and many words.
struct EntraError {
    let status: Int
    let number: Int?
    let words: String

    init(_ status: Int, _ body: Buffer) {
        self.status = status
        let answer = try? JSONText.parse(body)
        let text = answer?["error_description"]?.text ?? answer?["error"]?.text ?? ""
        let line = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
        let end = line.firstRange(of: " Trace ID:")?.lowerBound ?? line.endIndex
        words = String(line[..<end].prefix(500))
        number =
            answer?["error_codes"]?.items?.first?.integer
            ?? (line.hasPrefix("AADSTS") ? Int(line.dropFirst(6).prefix(while: \.isNumber)) : nil)
    }

    func error(tenant: String, clientID: String) -> SluiceError {
        let words = words.isEmpty ? "status \(status)" : words
        return SluiceError(
            status >= 500 || status == 429 ? .inputOutput : .permission, "Entra ID refused: \(words)",
            hint: hint(tenant: tenant, clientID: clientID),
            isTransient: RetryPolicy.isTransient(status: status))
    }

    private func hint(tenant: String, clientID: String) -> String? {
        switch number {
        case 7_000_215: "AZURE_CLIENT_SECRET is wrong: it is the secret's value, not its id"
        case 7_000_222: "the secret has expired; make one: az ad app credential reset --id \(clientID)"
        case 700_016:
            "there is no application \(clientID) in the tenant \(tenant): check AZURE_CLIENT_ID and AZURE_TENANT_ID"
        case 90_002, 900_021, 900_023:
            "there is no tenant \(tenant): check AZURE_TENANT_ID, and AZURE_CLOUD"
        case 700_027:
            "the application does not know the certificate: upload its public part to \(clientID)"
        case 70_021, 700_211, 700_213, 700_212:
            "no federated credential of \(clientID) matches the token's issuer, subject and audience "
                + "(api://AzureADTokenExchange); a new one takes some minutes"
        case 700_024: "the token or assertion is not valid now: check this machine's clock"
        case 500_011, 650_057, 1_002_012:
            "the scope is not known in the tenant \(tenant): check AZURE_CLOUD"
        case 53_003, 530_003:
            "a conditional access policy forbids it: ask the directory's administrator"
        case 7_000_112: "the application \(clientID) is disabled"
        default: nil
        }
    }
}
