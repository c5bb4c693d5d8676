import Azure
import Support

/// Makes the tokens that the emulator's services trust, and finds out whether a token is one of them.
final class TokenIssuer: Sendable {
    /// The tenant that stands in challenges, and in tokens of whoever named none.
    let tenant: String
    /// Whether tokens of other tenants are refused.
    private let isOnlyTenant: Bool
    private let key: SigningKey
    private let keyID: String
    /// What delegation keys are derived from.
    private let delegation: [UInt8]

    /// How long a token holds.
    static let lifetime = 3599

    /// The issuer whose key lies in `folder`, made there when it does not.
    init(_ folder: EmulatorFolder, tenant: String?) throws(SluiceError) {
        self.tenant = tenant ?? EmulatorOptions.defaultTenant
        isOnlyTenant = tenant != nil
        _ = try folder.folder("identity")
        if let pem = try folder.read("identity/key.pem") {
            key = try SigningKey(pem: pem)
        } else {
            key = try SigningKey.make()
            try folder.write(try key.pem(), to: "identity/key.pem")
        }
        let modulus = key.publicNumbers.modulus
        keyID = Base64.encodeURL(Array(try Digest.of(Array(modulus.utf8), .sha256).prefix(20)))
        delegation = try Digest.of(Array(try key.pem().utf8), .sha256)
    }

    /// Whether nobody gets tokens of a tenant.
    func refuses(tenant: String) -> Bool {
        isOnlyTenant && tenant.lowercased() != self.tenant.lowercased()
            && !["common", "organizations"].contains(tenant)
    }

    /// A token for `audience`, with what else it claims.
    func token(
        audience: String, tenant: String, client: String, object: String, now: Moment,
        claims more: [(key: String, value: JSONText)] = []
    ) throws(SluiceError) -> String {
        let header: JSONText = ["typ": "JWT", "alg": "RS256", "kid": .string(keyID)]
        let claims: JSONText = [
            "aud": .string(audience), "iss": .string("https://sts.windows.net/\(tenant)/"),
            "iat": .number(now.seconds), "nbf": .number(now.seconds),
            "exp": .number(now.seconds + TokenIssuer.lifetime), "appid": .string(client), "azp": .string(client),
            "idtyp": "app", "oid": .string(object), "sub": .string(object), "tid": .string(tenant), "ver": "1.0",
            "uti": .string(ServiceErrors.newID()),
        ]
        let all = JSONText.object((claims.members ?? []) + more)
        let text = [header, all].map { Base64.encodeURL(Array($0.text().utf8)) }.joined(separator: ".")
        return "\(text).\(Base64.encodeURL(try key.sign(text)))"
    }

    /// Who a token says that its bearer is; why not, when it does not hold for any of `audiences`.
    func caller(of text: String, audiences: (String) -> Bool, now: Moment) -> Result<Caller, TokenProblem> {
        guard let token = WebToken(text) else { return .failure(.init("the token is not a JWT")) }
        guard token.algorithm == "RS256", key.isSignature(token.signature, of: token.signedText, algorithm: "RS256")
        else { return .failure(.init("Signature validation failed. The token was not issued by this emulator.")) }
        if let problem = token.timeProblem(at: now) {
            return .failure(.init("Lifetime validation failed: \(problem)."))
        }
        guard token.audiences.contains(where: audiences) else {
            return .failure(
                .init("Audience validation failed. Audiences: '\(token.audiences.joined(separator: "', '"))'."))
        }
        let tenant = token.claims["tid"]?.text ?? ""
        if refuses(tenant: tenant) {
            return .failure(.init("Issuer validation failed. Issuer: '\(token.issuer)'."))
        }
        return .success(
            .identity(
                objectID: token.claims["oid"]?.text ?? "", clientID: token.claims["appid"]?.text ?? "", tenant: tenant))
    }

    /// The keys by which others may check tokens.
    var keySet: JSONText {
        let (modulus, exponent) = key.publicNumbers
        return [
            "keys": [
                [
                    "kty": "RSA", "use": "sig", "alg": "RS256", "kid": .string(keyID), "x5t": .string(keyID),
                    "n": .string(modulus), "e": .string(exponent),
                ]
            ]
        ]
    }

    /// The key by which somebody with a token signs URLs for others: the same again for the same terms.
    func delegationKey(_ terms: [String]) throws(SluiceError) -> [UInt8] {
        try Digest.authentication(of: terms.joined(separator: "\n"), key: delegation)
    }
}

/// Why a token is refused.
struct TokenProblem: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}
