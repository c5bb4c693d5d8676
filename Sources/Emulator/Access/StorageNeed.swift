import HTTPServer
import Support

/// What a signature has to permit for a request: any of some letters, on some level of an account.
struct StorageNeed {
    /// What a request is about.
    enum Level: Character {
        case service = "s"
        case container = "c"
        case object = "o"
    }

    let level: Level
    /// The letters of which one has to be there.
    let letters: String
    /// Whether only a signature for the whole account can permit it.
    let isAccountsOnly: Bool

    func isMet(by permissions: String) -> Bool { letters.isEmpty || permissions.contains { letters.contains($0) } }

    init(_ request: EmulatedRequest, service: String) {
        let parts = request.path.split(separator: "/", maxSplits: 1)
        let method = request.server.method
        let comp = request.server[query: "comp"]
        func has(_ name: String) -> String? { request.server[query: name] }
        if parts.isEmpty {
            level = .service
            isAccountsOnly = true
            letters =
                comp == "list" || has("resource") == "account"
                ? "l" : method == "PUT" ? "w" : comp == "batch" ? "" : "r"
        } else if service == "queue" {
            (level, letters) = StorageNeed.queue(method, comp, String(parts.count > 1 ? parts[1] : ""), has("peekonly"))
            isAccountsOnly = level == .container && method != "GET" && method != "HEAD"
        } else if has("restype") == "container" || has("resource") == "filesystem" {
            level = .container
            let isListing =
                service == "dfs" ? method == "GET" : comp == "list" || (comp == "blobs" && method == "GET")
            isAccountsOnly = !isListing
            letters = isListing ? (comp == "blobs" ? "f" : "l") : StorageNeed.container(method, comp)
        } else {
            level = .object
            isAccountsOnly = false
            letters =
                service == "dfs"
                ? StorageNeed.path(method, has("action"), isRename: request.server.headers["x-ms-rename-source"] != nil)
                : StorageNeed.blob(method, comp)
        }
    }

    private static func container(_ method: String, _ comp: String?) -> String {
        switch method {
        case "GET", "HEAD": "r"
        case "DELETE": "d"
        case "PUT" where comp == nil: "cw"
        default: "w"
        }
    }

    private static func blob(_ method: String, _ comp: String?) -> String {
        switch (method, comp) {
        case ("GET", "tags"), ("PUT", "tags"): "t"
        case ("GET", _), ("HEAD", _): "r"
        case ("DELETE", "immutabilityPolicies"), ("PUT", "immutabilityPolicies"), ("PUT", "legalhold"): "i"
        case ("DELETE", _): "dxy"
        case ("PUT", nil), ("PUT", "snapshot"), ("PUT", "incrementalcopy"): "cw"
        case ("PUT", "appendblock"), ("PUT", "seal"): "aw"
        case ("PUT", "lease"): "wd"
        default: "w"
        }
    }

    private static func path(_ method: String, _ action: String?, isRename: Bool) -> String {
        switch (method, action) {
        case ("GET", _): "r"
        case ("HEAD", _): "re"
        case ("DELETE", _): "d"
        case ("PUT", _): isRename ? "mw" : "cw"
        case ("PATCH", "append"), ("PATCH", "flush"): "acw"
        case ("PATCH", "setAccessControl"), ("PATCH", "setAccessControlRecursive"): "po"
        case ("POST", _): "wd"
        default: "w"
        }
    }

    private static func queue(_ method: String, _ comp: String?, _ rest: String, _ peek: String?) -> (Level, String) {
        guard rest == "messages" || rest.hasPrefix("messages/") else {
            return (.container, method == "GET" || method == "HEAD" ? "r" : container(method, comp))
        }
        switch method {
        case "GET": return (.object, peek?.lowercased() == "true" ? "r" : "p")
        case "POST": return (.object, "a")
        case "PUT": return (.object, "u")
        default: return (.object, rest == "messages" ? "d" : "p")
        }
    }
}
