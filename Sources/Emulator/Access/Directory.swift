import Azure
import HTTPServer
import Support
import Synchronization

/// Who there is, and what they are denied: a JSON document with
///
///     applications    clientId, and of its credentials any: secret, certificate (PEM), federated: [{issuer, subject}]
///     identities      clientId, objectId, resourceId: what the machine itself can be
///     identityHeader  what the App Service style endpoint demands in X-IDENTITY-HEADER
///     deny            service, account, path, method, client, credential (key, sas, token), code
///
/// Without applications every client and every secret is let in; without identities the machine is whoever it is asked to be.
final class Directory: Sendable {
    struct Application: Sendable {
        let client: String
        let secret: String?
        let certificate: SigningKey?
        let federated: [(issuer: String, subject: String)]
    }

    struct Identity: Sendable {
        let client: String
        let object: String
        let resource: String?
    }

    struct Denial: Sendable {
        let service, account, path, method, client, credential: String?
        let code: String
    }

    private struct Contents: Sendable {
        var applications: [Application] = []
        var identities: [Identity] = []
        var identityHeader: String?
        var denials: [Denial] = []
        var document: JSONText = [:]
    }

    private let contents = Mutex(Contents())

    /// The document, without secrets.
    var json: JSONText { contents.withLock { $0.document }.redacted() }
    var identities: [Identity] { contents.withLock { $0.identities } }
    var identityHeader: String? { contents.withLock { $0.identityHeader } }

    /// Takes the document of a file.
    func read(_ path: String) throws(SluiceError) {
        let document = try JSONFile.read(path)
        do throws(SluiceError) { try set(document) } catch { throw error.at(.init(file: path)) }
    }

    /// Takes a document in place of the one before.
    func set(_ document: JSONText) throws(SluiceError) {
        var new = Contents()
        new.document = document
        for (key, value) in document.members ?? [] {
            switch key {
            case "applications":
                for item in value.items ?? [] { new.applications.append(try Directory.application(item)) }
            case "identities":
                for item in value.items ?? [] {
                    let client = try Directory.required(item, "clientId", of: "an identity")
                    new.identities.append(
                        Identity(
                            client: client, object: item["objectId"]?.text ?? Directory.objectID(of: client),
                            resource: item["resourceId"]?.text))
                }
            case "identityHeader": new.identityHeader = value.text
            case "deny":
                for item in value.items ?? [] {
                    new.denials.append(
                        Denial(
                            service: item["service"]?.text, account: item["account"]?.text, path: item["path"]?.text,
                            method: item["method"]?.text?.uppercased(), client: item["client"]?.text,
                            credential: item["credential"]?.text,
                            code: item["code"]?.text ?? "AuthorizationPermissionMismatch"))
                }
            default:
                throw SluiceError(
                    .invalidConfiguration,
                    "\"\(key)\" is nothing that the directory has; expected applications, identities, identityHeader or deny"
                )
            }
        }
        contents.withLock { $0 = new }
    }

    private static func application(_ item: JSONText) throws(SluiceError) -> Application {
        let secret = item["secret"]?.text
        if let secret { Redactor.shared.protect(secret) }
        var certificate: SigningKey?
        if let pem = item["certificate"]?.text { certificate = try SigningKey(certificatePEM: pem) }
        let federated = (item["federated"]?.items ?? []).map { entry in
            (issuer: entry["issuer"]?.text ?? "*", subject: entry["subject"]?.text ?? "*")
        }
        return Application(
            client: try required(item, "clientId", of: "an application"), secret: secret, certificate: certificate,
            federated: federated)
    }

    private static func required(_ item: JSONText, _ key: String, of what: String) throws(SluiceError) -> String {
        guard let text = item[key]?.text, !text.isEmpty else {
            throw SluiceError(.invalidConfiguration, "\(what) of the directory has no \(key)")
        }
        return text
    }

    /// The application of this id; nil when nobody is registered, and so everybody is let in.
    ///
    /// - throws: `SluiceError` when others are registered and this one is not.
    func application(_ client: String) throws(SluiceError) -> Application? {
        let all = contents.withLock { $0.applications }
        if all.isEmpty { return nil }
        guard let found = all.first(where: { $0.client.lowercased() == client.lowercased() }) else {
            throw SluiceError(.permission, "the application is not registered")
        }
        return found
    }

    /// What a request is denied with; nil when it is not.
    func denial(_ request: EmulatedRequest, service: String, credential: String) -> String? {
        let client: String? = if case .identity(_, let client, _) = request.caller { client } else { nil }
        let path = request.path.percentDecoded() ?? request.path
        return contents.withLock { contents in
            contents.denials.first { rule in
                func fits(_ pattern: String?, _ text: String?) -> Bool {
                    guard let pattern else { return true }
                    return text.map { FaultRule.matches(pattern: pattern, $0) } ?? false
                }
                return fits(rule.service, service) && fits(rule.account, request.account) && fits(rule.path, path)
                    && fits(rule.method, request.server.method) && fits(rule.client, client)
                    && fits(rule.credential, credential)
            }?.code
        }
    }

    /// The object id of a client that nobody described: the same every time.
    static func objectID(of client: String) -> String {
        let digest = (try? Digest.of(Array("sluice emulator object of \(client.lowercased())".utf8), .sha256)) ?? []
        let digits = Array("0123456789abcdef")
        let hex = digest.prefix(16).map { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }.flatMap { $0 }
        guard hex.count == 32 else { return client }
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }
}
