import Support

/// The proxy that the environment names for a URL, by the rules that users of curl know.
///
/// `https_proxy`, `http_proxy` (in small letters only: a CGI program's environment may hold a visitor's `HTTP_PROXY`),
/// `all_proxy`; capitals for the others. `no_proxy` lists hosts to go to directly, and `*` is all of them.
struct ProxyChoice: Sendable, Equatable {
    /// With its user and password, if it has one.
    var url: String
    /// libcurl decides by these, since it knows networks (10.0.0.0/8) as well as names.
    var exceptions: String

    init?(for url: WebAddress, environment: [String: String]) {
        let names =
            url.scheme == "https"
            ? ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] : ["http_proxy", "all_proxy", "ALL_PROXY"]
        guard let proxy = names.lazy.compactMap({ environment[$0] }).first(where: { !$0.isEmpty }) else { return nil }
        self.url = proxy
        exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        if exceptions == "*" { return nil }
    }

    /// The proxy as it may be shown: its host and port.
    var shown: String {
        var rest = url[...]
        if let mark = rest.firstRange(of: "://") { rest = rest[mark.upperBound...] }
        if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        return String(rest.prefix { $0 != "/" && $0 != "?" })
    }
}
