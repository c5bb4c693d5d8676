import Support

/// Reads URLs of storage by hand: users also write wildcards in them, which no general URL may hold.
struct StoreURLParser {
    let text: String
    let scheme: String
    /// What is said of the URL in a message: never its signature.
    private var shown: String

    init(text: String, scheme: String) {
        self.text = text
        self.scheme = scheme
        shown = text
    }

    mutating func parse() throws(SluiceError) -> StoreURL {
        if scheme == "file" { return .path(try filePath()) }
        var rest = String(text.dropFirst(scheme.count + 3))
        let signature = try takeSignature(from: &rest)
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
            throw wrong("holds a control character", nil)
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = String(rest[..<slash])
        let path = String(rest[slash...].drop { $0 == "/" })
        var location: AzureLocation
        switch scheme {
        case "abfss", "abfs", "wasbs", "wasb": location = try hadoop(authority, path)
        case "https", "http": location = try web(authority, path)
        case "az", "azure": location = try short(authority, path)
        case "s3", "s3a", "gs", "gcs", "hdfs", "dbfs", "ftp", "sftp":
            throw SluiceError(
                .unsupported, "storage of the kind \"\(scheme)://\" is not something Sluice reads or writes",
                place: .init(file: shown), hint: StoreURLParser.forms)
        default:
            let near = nearestWord(to: scheme, among: ["abfss", "https", "az", "file"]).map {
                "Did you mean \($0)://? "
            }
            throw SluiceError(
                .unsupported, "\"\(scheme)://\" is not known", place: .init(file: shown),
                hint: (near ?? "") + StoreURLParser.forms)
        }
        location.signature = signature
        try check(location)
        return .azure(location)
    }

    static let forms =
        "Write abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH, https://ACCOUNT.blob.core.windows.net/CONTAINER/PATH, "
        + "az://ACCOUNT/CONTAINER/PATH, or a path."

    // MARK: - Parts

    private func filePath() throws(SluiceError) -> String {
        var path = text.dropFirst("file:".count)
        if path.hasPrefix("//") {
            path = path.dropFirst(2)
            if path.lowercased().hasPrefix("localhost/") { path = path.dropFirst("localhost".count) }
            guard path.hasPrefix("/") else {
                throw wrong(
                    "names the host \"\(path.prefix { $0 != "/" })\"", "Write file:///PATH with three slashes.")
            }
        }
        guard let decoded = String(path).percentDecoded(), !decoded.utf8.contains(0) else {
            throw wrong("is not percent-encoded as URLs are", "Write the plain path instead.")
        }
        return decoded
    }

    /// What stands behind `?`, when it is a shared access signature. Protected at once.
    private mutating func takeSignature(from rest: inout String) throws(SluiceError) -> String? {
        guard let mark = rest.firstIndex(of: "?") else { return nil }
        let query = String(rest[rest.index(after: mark)...])
        let fields = query.split(separator: "&").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        let value = fields.first { $0.count == 2 && $0[0].lowercased() == "sig" }?[1]
        guard let value else {
            // `?` is a wildcard too, but not in a web address.
            if scheme != "https", scheme != "http" { return nil }
            shown = String(text.prefix { $0 != "?" })
            throw wrong(
                "has a query that is no shared access signature (it has no \"sig\")",
                "Leave away what is behind \"?\", or write a question mark of a name as %3F.")
        }
        Redactor.shared.protect(value)
        if let decoded = value.percentDecoded() { Redactor.shared.protect(decoded) }
        rest = String(rest[..<mark])
        shown = String(text.prefix { $0 != "?" })
        return query
    }

    /// `abfss://container@account.dfs.core.windows.net/path`
    private func hadoop(_ authority: String, _ path: String) throws(SluiceError) -> AzureLocation {
        let parts = authority.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
        let dialect: AzureLocation.Dialect = scheme.hasPrefix("wasb") ? .blob : .dfs
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            if parts.count == 1, let found = StoreHosts.split(authority) {
                let pieces = path.split(separator: "/", maxSplits: 1).map(String.init)
                throw wrong(
                    "names no container before \"@\"",
                    "Write \(scheme)://\(pieces.first ?? "CONTAINER")@\(found.account).\(dialect.rawValue)."
                        + "\(found.suffix.trimmedDot)/\(pieces.count > 1 ? pieces[1] : "").")
            }
            throw wrong(
                "is not CONTAINER@ACCOUNT behind \"://\"",
                "Write \(scheme)://CONTAINER@ACCOUNT.\(dialect.rawValue).core.windows.net/PATH.")
        }
        let container = try decoded(parts[0])
        let host = parts[1].lowercased()
        guard let found = StoreHosts.split(host) else {
            if !host.contains(".") {
                throw wrong(
                    "names the account \"\(host)\" without its host",
                    "Write \(scheme)://\(parts[0])@\(host).\(dialect.rawValue).core.windows.net/\(path).")
            }
            throw unknownHost(host)
        }
        guard found.service == dialect.rawValue else {
            let scheme = found.service == "dfs" ? "abfss" : found.service == "blob" ? "wasbs" : nil
            throw wrong(
                "\"\(self.scheme)://\" goes to a host of the kind \"\(dialect.rawValue)\", and this is \"\(found.service)\"",
                scheme.map { "Write \($0)://\(authority)/\(path)." })
        }
        return try location(dialect, found.account, host: host, container: container, path: path)
    }

    /// `https://account.blob.core.windows.net/container/path`
    private func web(_ authority: String, _ path: String) throws(SluiceError) -> AzureLocation {
        if authority.contains("@") {
            throw wrong("has \"@\", which belongs to abfss://", "Write abfss://\(authority)/\(path).")
        }
        let (host, port) = try hostAndPort(authority.lowercased())
        if StoreURLParser.isLoopback(host) {
            let parts = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let account = parts.first, !account.isEmpty else {
                throw wrong("names no account", "Write \(scheme)://\(authority)/ACCOUNT/CONTAINER/PATH.")
            }
            var found = try split(
                .blob, account, host: nil, parts.count > 1 ? String(parts[1].drop { $0 == "/" }) : "")
            found.origin = "\(scheme)://\(authority.lowercased())"
            return found
        }
        guard scheme == "https" else {
            throw wrong(
                "is not encrypted, and \(host) is not this machine", "Write https:// instead of http://.")
        }
        guard let found = StoreHosts.split(host), port == nil else { throw unknownHost(host) }
        guard let dialect = AzureLocation.Dialect(rawValue: found.service) else {
            throw wrong(
                "is a host of the kind \"\(found.service)\", which holds no files for Sluice",
                "Write https://\(found.account).blob.\(found.suffix)/\(path).")
        }
        return try split(dialect, found.account, host: host, path)
    }

    /// `az://account/container/path`
    private func short(_ authority: String, _ path: String) throws(SluiceError) -> AzureLocation {
        if authority.contains("@") {
            throw wrong("has \"@\", which belongs to abfss://", "Write abfss://\(authority)/\(path).")
        }
        if authority.contains(".") {
            guard let found = StoreHosts.split(authority) else { throw unknownHost(authority) }
            throw wrong(
                "has a host where az:// has the account",
                "Write az://\(found.account)/\(path), or https://\(authority)/\(path).")
        }
        var found = try split(.blob, authority, host: nil, path)
        found.scheme = "az"
        return found
    }

    /// `container/path`
    private func split(
        _ dialect: AzureLocation.Dialect, _ account: String, host: String?, _ path: String
    ) throws(SluiceError) -> AzureLocation {
        let parts = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return try location(
            dialect, account, host: host, container: try decoded(parts.first ?? ""),
            path: parts.count > 1 ? parts[1] : "")
    }

    private func location(
        _ dialect: AzureLocation.Dialect, _ account: String, host: String?, container: String, path: String
    ) throws(SluiceError) -> AzureLocation {
        let decoded = try decoded(path)
        let parts = decoded.split(separator: "/", omittingEmptySubsequences: true)
        return AzureLocation(
            dialect: dialect, account: account, host: host, container: container,
            path: parts.joined(separator: "/"), endsWithSlash: decoded.hasSuffix("/"), scheme: scheme)
    }

    private func hostAndPort(_ authority: String) throws(SluiceError) -> (host: String, port: Int?) {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            let port = authority[authority.index(after: end)...].dropFirst()
            return (String(authority[...end]), port.isEmpty ? nil : Int(port))
        }
        let parts = authority.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return (authority, nil) }
        guard let port = Int(parts[1]), 1...65_535 ~= port else { throw wrong("has the port \"\(parts[1])\"", nil) }
        return (parts[0], port)
    }

    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "[::1]" || host.hasPrefix("127.") && host.utf8.allSatisfy { $0 < 0x3a }
    }

    private func decoded(_ part: String) throws(SluiceError) -> String {
        guard let decoded = part.percentDecoded() else {
            throw wrong("has a \"%\" that begins no encoded character", "Write a percent sign of a name as %25.")
        }
        if decoded.utf8.contains(0) { throw wrong("holds a zero byte", nil) }
        return decoded
    }

    // MARK: - Rules

    private func check(_ location: AzureLocation) throws(SluiceError) {
        let parts = location.path.split(separator: "/")
        if parts.contains(where: { $0 == "." || $0 == ".." }) {
            throw wrong("has \".\" or \"..\" in its path, which storage does not resolve", "Write the path out.")
        }
        if location.path.utf8.count > 1024 { throw wrong("has a path of more than 1,024 bytes", nil) }
        if location.isOneLake {
            if location.container.isEmpty { throw missingContainer(location) }
            return
        }
        let account =
            location.account.hasSuffix("-secondary") ? String(location.account.dropLast(10)) : location.account
        let isPlain = account.utf8.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
        }
        guard 3...24 ~= account.utf8.count, isPlain else {
            throw wrong(
                "the account \"\(account)\" cannot exist: 3 to 24 lower-case letters and digits were expected",
                location.scheme == "az" ? "Write az://ACCOUNT/CONTAINER/PATH." : nil)
        }
        if location.container.isEmpty { throw missingContainer(location) }
        if let problem = StoreURLParser.problem(container: location.container) {
            throw wrong("the container \"\(location.container)\" cannot exist: \(problem)", nil)
        }
    }

    /// What is wrong with the name of a container, if anything.
    static func problem(container name: String) -> String? {
        if ["$root", "$web", "$logs", "$blobchangefeed"].contains(name) { return nil }
        let isPlain = name.utf8.allSatisfy {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0
                || $0 == UInt8(ascii: "-")
        }
        let ends = name.hasPrefix("-") || name.hasSuffix("-") || name.contains("--")
        guard 3...63 ~= name.utf8.count, isPlain, !ends else {
            return "3 to 63 lower-case letters, digits and single dashes between them were expected"
        }
        return nil
    }

    private func missingContainer(_ location: AzureLocation) -> SluiceError {
        wrong(
            "names the \(location.isOneLake ? "service" : "account") but no "
                + (location.isOneLake ? "workspace" : "container"),
            location.scheme == "az"
                ? "Write az://\(location.account)/CONTAINER/PATH."
                : "Write \(location.containerName)\(location.isOneLake ? "WORKSPACE" : "CONTAINER")/PATH.")
    }

    private func unknownHost(_ host: String) -> SluiceError {
        wrong(
            "\"\(host)\" is not a host of Azure's storage",
            "Hosts end like ACCOUNT.dfs.core.windows.net, ACCOUNT.blob.core.windows.net (or .core.usgovcloudapi.net, "
                + ".core.chinacloudapi.cn), or onelake.dfs.fabric.microsoft.com.")
    }

    private func wrong(_ what: String, _ hint: String?) -> SluiceError {
        SluiceError(.invalidConfiguration, what, place: .init(file: shown), hint: hint)
    }
}

extension String {
    fileprivate var trimmedDot: String { hasPrefix(".") ? String(dropFirst()) : self }
}
