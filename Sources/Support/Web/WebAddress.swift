/// An `http` or `https` URL. Its parts are kept percent-encoded as they were given, so that a signed one stays what it is.
///
/// `text` is the whole of it; `description`, which goes into messages, masks values of a query that let others in.
public struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    /// `http` or `https`.
    public var scheme: String
    /// The host's name or address, in lower case; an IPv6 address with its brackets.
    public var host: String
    /// The port, when one is named.
    public var port: Int?
    /// The path, percent-encoded; begins with a slash.
    public var path: String
    /// What stands behind the question mark, percent-encoded.
    public var query: String?

    /// The URL that `text` is.
    ///
    /// - throws: `SluiceError` for another scheme, a user or password, a missing host, or letters that no URL has.
    public init(_ text: String) throws(SluiceError) {
        guard let mark = text.firstRange(of: "://") else { throw WebAddress.malformed("has no scheme", "https://…") }
        scheme = text[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw WebAddress.malformed("has the scheme \"\(scheme)\"", "http:// or https://")
        }
        if text.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7f || $0 == UInt8(ascii: "\\") }) {
            throw WebAddress.malformed("holds a blank or a letter outside ASCII", "it percent-encoded")
        }
        var rest = text[mark.upperBound...]
        if let hash = rest.firstIndex(of: "#") { rest = rest[..<hash] }
        if let question = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: question)...])
            rest = rest[..<question]
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
        var authority = rest[..<slash]
        guard !authority.contains("@") else {
            throw WebAddress.malformed("holds a user or password", "neither: they would be shown in messages")
        }
        let bracket = authority.firstIndex(of: "]")
        if let colon = authority.lastIndex(of: ":"), bracket.map({ colon > $0 }) ?? true {
            let digits = authority[authority.index(after: colon)...]
            if !digits.isEmpty {
                guard let number = Int(digits), (1...65_535).contains(number), digits.allSatisfy(\.isNumber) else {
                    throw WebAddress.malformed("has the port \"\(digits)\"", "a number from 1 to 65535")
                }
                port = number
            }
            authority = authority[..<colon]
        }
        guard !authority.isEmpty else { throw WebAddress.malformed("names no host", "\(scheme)://host/…") }
        host = authority.lowercased()
    }

    /// The root of a host over TLS, for names that the program knows itself.
    public init(host: String) {
        scheme = "https"
        self.host = host
        path = "/"
    }

    private static func malformed(_ what: String, _ expected: String) -> SluiceError {
        // The text itself may hold a secret, so it is not shown.
        SluiceError(.invalidConfiguration, "the URL \(what); expected \(expected)")
    }

    /// The port that is meant: the scheme's own when none is named.
    public var effectivePort: Int { port ?? (scheme == "https" ? 443 : 80) }

    /// `https://host:port`, the port when it is not the scheme's own.
    public var origin: String {
        let isOwn = port == nil || port == (scheme == "https" ? 443 : 80)
        return "\(scheme)://\(host)\(isOwn ? "" : ":\(effectivePort)")"
    }

    /// The whole URL, with all that is secret in it.
    public var text: String { origin + path + (query.map { "?\($0)" } ?? "") }

    /// The URL as it may be shown: signatures, tokens and codes are masked.
    public var description: String {
        guard let query else { return origin + path }
        let shown = query.split(separator: "&", omittingEmptySubsequences: false).map { item in
            guard let equals = item.firstIndex(of: "="), WebAddress.isSecret(String(item[..<equals])) else {
                return String(item)
            }
            return "\(item[..<equals])=\(Redactor.mask)"
        }
        return Redactor.shared.redact(origin + path + "?" + shown.joined(separator: "&"))
    }

    /// Whether a query's value of this name lets whoever has it in.
    public static func isSecret(_ name: String) -> Bool {
        let name = name.percentDecoded()?.lowercased() ?? name.lowercased()
        // The last four sign the poll addresses of Azure's long operations.
        return ["sig", "code", "key", "t", "c", "s", "h"].contains(name) || Redactor.isSecret(key: name)
    }

    /// This URL with one or more segments behind its path, which are encoded here but for the slashes between them.
    public func appending(path component: String) -> WebAddress {
        var address = self
        if !address.path.hasSuffix("/") { address.path += "/" }
        address.path += component.percentEncodedPath
        return address
    }

    /// This URL with more items in its query, which are encoded here; those without a value are left out.
    public func with(query items: [(String, String?)]) -> WebAddress {
        var address = self
        for case (let name, let value?) in items {
            let item = "\(name.percentEncoded)=\(value.percentEncoded)"
            address.query = address.query.map { $0.isEmpty ? item : "\($0)&\(item)" } ?? item
        }
        return address
    }

    /// The query taken apart and decoded; an item without `=` has an empty value.
    public var queryItems: [(name: String, value: String)] { WebAddress.items(of: query ?? "") }

    /// A query taken apart and decoded. What is not well encoded stands as it is.
    public static func items(of query: String) -> [(name: String, value: String)] {
        query.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let (name, value) = (parts[0], parts.count > 1 ? parts[1] : "")
            return (
                name.percentDecoded(plusIsSpace: true) ?? name, value.percentDecoded(plusIsSpace: true) ?? value
            )
        }
    }

    /// The URL that `location`, found in an answer to this one, means: a whole URL, or one relative to this.
    public func resolved(_ location: String) throws(SluiceError) -> WebAddress {
        if location.contains("://"), !location.hasPrefix("/"), !location.hasPrefix("?") {
            return try WebAddress(location)
        }
        if location.hasPrefix("//") { return try WebAddress("\(scheme):\(location)") }
        if location.hasPrefix("/") { return try WebAddress(origin + location) }
        if location.hasPrefix("?") { return try WebAddress(origin + path + location) }
        let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        var address = try WebAddress(origin + folder + location)
        address.path = WebAddress.withoutDots(address.path)
        return address
    }

    /// A path with `.` and `..` worked out, as RFC 3986 5.2.4 does.
    private static func withoutDots(_ path: String) -> String {
        var kept: [Substring] = []
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (index, part) in parts.enumerated() {
            let isLast = index == parts.count - 1
            switch part {
            case ".": if isLast { kept.append("") }
            case "..":
                _ = kept.popLast()
                if isLast { kept.append("") }
            default: kept.append(part)
            }
        }
        return "/" + kept.joined(separator: "/")
    }
}
