public import Support

/// A token that lets its bearer in. It is protected from the moment it is known, and never shown.
public struct AccessToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// What goes into the `Authorization` header.
    public let value: String
    /// When it stops to hold.
    public let expiresAt: Moment
    /// When it is time for the next one.
    public let refreshAt: Moment

    /// The token `value`, got at `now`.
    ///
    /// - parameter refreshIn: After how many seconds the issuer wants it to be renewed.
    public init(_ value: String, expiresAt: Moment, refreshIn: Int? = nil, now: Moment = .now) {
        Redactor.shared.protect(value)
        self.value = value
        self.expiresAt = expiresAt
        // Five minutes are enough to get the next. Tokens of managed identities hold for a day, and are renewed at half time.
        let lifetime = expiresAt.seconds - now.seconds
        let standard = lifetime > 7200 ? lifetime / 2 : max(0, lifetime - 300)
        refreshAt = Moment(
            seconds: now.seconds + min(refreshIn.map { max(0, $0) } ?? standard, standard))
    }

    /// What the token says of its bearer.
    public var claims: TokenClaims? { TokenClaims(token: value) }

    /// When it stops to hold, never the token.
    public var description: String { "token until \(expiresAt.isoSeconds)" }
    /// When it stops to hold, never the token.
    public var debugDescription: String { description }
    /// Nothing of the token, which a dump would show.
    public var customMirror: Mirror { Mirror(self, children: ["expiresAt": expiresAt.isoSeconds]) }
}

/// What an access token says of its bearer, for people to read. Nothing is decided by it: only who issued it can tell whether it
/// is true.
public struct TokenClaims: Sendable {
    /// The user's or service principal's object, and the application.
    public let objectID, applicationID: String?
    /// The directory.
    public let tenant: String?
    /// A user's or application's name.
    public let name: String?
    /// What the token is made out to.
    public let audience: String?
    /// Whether it is a person.
    public let isUser: Bool

    /// The claims of a JWT; nil for other tokens.
    init?(token: String) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.decodeURL(String(parts[1])),
            let claims = try? JSONText.parse(Buffer(bytes))
        else { return nil }
        objectID = claims["oid"]?.text
        applicationID = claims["appid"]?.text ?? claims["azp"]?.text
        tenant = claims["tid"]?.text
        audience = claims["aud"]?.text
        let user =
            claims["upn"]?.text ?? claims["unique_name"]?.text ?? claims["preferred_username"]?.text
        name = user ?? claims["app_displayname"]?.text ?? claims["name"]?.text
        isUser = claims["idtyp"]?.text.map { $0 == "user" } ?? (user != nil)
    }

    /// `app 1111…` or `jo@example.com`, for a message.
    public var shown: String {
        if let name { return name }
        if let applicationID { return "application \(applicationID)" }
        return objectID.map { "object \($0)" } ?? "somebody"
    }
}

/// A way to get tokens.
public protocol TokenCredential: Sendable {
    /// What to call it in a message: `managed identity`.
    var name: String { get }
    /// A token for `scope`, such as `https://storage.azure.com/.default`.
    ///
    /// - parameter tenant: The directory, when it must be a certain one.
    /// - throws: `SluiceError` that says why there is none, and what to do.
    func token(for scope: String, tenant: String?) async throws(SluiceError) -> AccessToken
}
