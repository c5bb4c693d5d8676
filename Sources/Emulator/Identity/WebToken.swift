import Support

/// A JSON Web Token, taken apart; whether its signature holds is another question.
struct WebToken: Sendable {
    let header: JSONText
    let claims: JSONText
    /// What is signed.
    let signedText: String
    let signature: [UInt8]

    /// The token in a text; nil when it is none.
    init?(_ text: String) {
        guard text.utf8.count <= 64 << 10 else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let header = WebToken.json(parts[0]), let claims = WebToken.json(parts[1]),
            let signature = Base64.decodeURL(parts[2])
        else { return nil }
        self.header = header
        self.claims = claims
        self.signature = signature
        signedText = "\(parts[0]).\(parts[1])"
    }

    private static func json(_ part: String) -> JSONText? {
        guard let bytes = Base64.decodeURL(part), let json = try? JSONText.parse(Buffer(bytes)), json.members != nil
        else { return nil }
        return json
    }

    var algorithm: String { header["alg"]?.text ?? "" }
    var issuer: String { claims["iss"]?.text ?? "" }
    var subject: String { claims["sub"]?.text ?? "" }

    /// For whom it is: one, or several.
    var audiences: [String] {
        if let one = claims["aud"]?.text { return [one] }
        return (claims["aud"]?.items ?? []).compactMap(\.text)
    }

    /// Why it does not hold at this moment; nil when it does. Clocks may differ by five minutes.
    func timeProblem(at now: Moment) -> String? {
        let slack = 300
        guard let expiry = seconds("exp") else { return "the token has no exp" }
        if expiry < now.seconds - slack { return "the token has expired" }
        if let begin = seconds("nbf"), begin > now.seconds + slack { return "the token is not valid yet" }
        return nil
    }

    /// A claim that is a time, which may have a fraction.
    private func seconds(_ name: String) -> Int? {
        guard let claim = claims[name] else { return nil }
        return claim.integer ?? Double(claim.text()).flatMap { Int(exactly: $0.rounded(.down)) }
    }
}
