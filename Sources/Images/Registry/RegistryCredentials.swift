import Glibc
public import Support

/// With what somebody signs in to a registry that does not know Entra.
public struct RegistryCredentials: Sendable, Equatable {
    /// The user's name.
    public var user: String
    /// The password, or a token that stands in its place.
    public var password: String
    /// A token from an earlier sign-in, which is exchanged for others.
    public var refreshToken: String?

    /// A name and a password, which no message shows from now on.
    public init(user: String, password: String, refreshToken: String? = nil) {
        self.user = user
        self.password = password
        self.refreshToken = refreshToken
        Redactor.shared.protect(password)
        if let refreshToken { Redactor.shared.protect(refreshToken) }
    }

    /// The `Authorization` of Basic.
    var header: String { "Basic \(Base64.encode(Array("\(user):\(password)".utf8)))" }

    /// What `docker login`, `skopeo login` and their kind have left for `registry`; nil when they have left nothing.
    ///
    /// - throws: `SluiceError` when a file of theirs is there and does not parse.
    public static func saved(
        for registry: String, environment: [String: String]
    ) throws(SluiceError) -> RegistryCredentials? {
        func value(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        var files: [String] = []
        if let named = value("REGISTRY_AUTH_FILE") { files.append(named) }
        if let folder = value("DOCKER_CONFIG") { files.append("\(folder)/config.json") }
        if let folder = value("XDG_RUNTIME_DIR") { files.append("\(folder)/containers/auth.json") }
        if let home = value("HOME") { files.append("\(home)/.docker/config.json") }
        for file in files {
            guard let text = read(file) else { continue }
            let document: JSONText
            do throws(SluiceError) { document = try JSONText.parse(text) } catch {
                throw error.at(.init(file: file))
            }
            if let found = entry(in: document, for: registry) { return found }
        }
        return nil
    }

    static func entry(in document: JSONText, for registry: String) -> RegistryCredentials? {
        var names = [
            registry, "https://\(registry)", "https://\(registry)/", "https://\(registry)/v2/", "http://\(registry)",
        ]
        if registry == "docker.io" { names.append("https://index.docker.io/v1/") }
        for name in names {
            guard let entry = document["auths"]?[name] else { continue }
            let token = entry["identitytoken"]?.text.flatMap { $0.isEmpty ? nil : $0 }
            if let code = entry["auth"]?.text, let bytes = Base64.decode(code) {
                let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                if let colon = text.firstIndex(of: ":") {
                    return RegistryCredentials(
                        user: String(text[..<colon]), password: String(text[text.index(after: colon)...]),
                        refreshToken: token)
                }
            }
            if let token { return RegistryCredentials(user: "", password: "", refreshToken: token) }
        }
        return nil
    }

    private static func read(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = fread(&bytes, 1, bytes.count, file)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
