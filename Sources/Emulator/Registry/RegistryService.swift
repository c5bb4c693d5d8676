import HTTPServer
import Support

/// Container Registry: OCI's distribution API, Azure's own beside it, and the exchange of tokens. Every name is a registry.
struct RegistryService: EmulatedService {
    let store: RegistryStore
    let access: RegistryAccess
    let name = "acr"

    init(_ folder: EmulatorFolder, _ issuer: TokenIssuer, _ directory: Directory) throws(SluiceError) {
        store = RegistryStore(try folder.folder("registry"))
        access = RegistryAccess(issuer: issuer, directory: directory)
    }

    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .registry }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        var response: ServerResponse
        do throws(RegistryFault) { response = try await answer(request) } catch { response = error.response }
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        if request.server.method == "HEAD" {
            // An answer to HEAD tells the size of what GET would bring.
            if response.status >= 400 { response.body = .none }
        }
        return response
    }

    private func answer(_ request: EmulatedRequest) async throws(RegistryFault) -> ServerResponse {
        let path = request.path.percentDecoded() ?? request.path
        switch (request.server.method, path) {
        case ("POST", "/oauth2/exchange"): return try await access.exchange(request)
        case ("POST", "/oauth2/token"), ("GET", "/oauth2/token"): return try await access.token(request)
        default: break
        }
        guard let target = RegistryTarget(path) else {
            throw RegistryFault(404, "UNSUPPORTED", "The emulator has nothing at \(path) of a registry.")
        }
        let method = request.server.method
        try access.check(request, target.need(method: method))
        let call = RegistryCall(store: store, request: request)
        switch (method, target) {
        case ("GET", .root): return .json(.object([]))
        case ("GET", .catalog(let isAzure)): return try call.catalog(isAzure: isAzure)
        case ("GET", .tagList(let name)): return try call.tagList(name)
        case ("GET", .blob(let name, let digest)), ("HEAD", .blob(let name, let digest)):
            return try call.blob(name, digest)
        case ("DELETE", .blob(let name, let digest)): return try call.deleteBlob(name, digest)
        case ("POST", .uploads(let name)): return try await call.begin(name)
        case ("GET", .upload(let name, let id)): return try call.status(name, id)
        case ("PATCH", .upload(let name, let id)): return try await call.append(name, id)
        case ("PUT", .upload(let name, let id)): return try await call.close(name, id)
        case ("DELETE", .upload(let name, let id)): return try call.cancel(name, id)
        case ("GET", .manifest(let name, let version)), ("HEAD", .manifest(let name, let version)):
            return try call.manifest(name, version)
        case ("PUT", .manifest(let name, let version)): return try await call.putManifest(name, version)
        case ("DELETE", .manifest(let name, let version)): return try call.deleteManifest(name, version)
        case ("GET", .repository(let name)): return try call.repository(name)
        case ("PATCH", .repository(let name)): return try await call.changeRepository(name)
        case ("DELETE", .repository(let name)): return try call.deleteRepository(name)
        case ("GET", .tags(let name)): return try call.tags(name)
        case ("GET", .tag(let name, let tag)): return try call.tag(name, tag)
        case ("PATCH", .tag(let name, let tag)): return try await call.changeTag(name, tag)
        case ("DELETE", .tag(let name, let tag)): return try call.deleteTag(name, tag)
        case ("GET", .manifests(let name)): return try call.manifests(name)
        case ("GET", .manifestFacts(let name, let digest)): return try call.manifestFacts(name, digest)
        case ("PATCH", .manifestFacts(let name, let digest)): return try await call.changeManifest(name, digest)
        default: throw RegistryFault(405, "UNSUPPORTED", "The operation is unsupported.")
        }
    }
}

/// What of a registry a path means.
enum RegistryTarget: Equatable {
    case root
    case catalog(isAzure: Bool)
    case tagList(String)
    case blob(String, String)
    case uploads(String)
    case upload(String, String)
    case manifest(String, String)
    case repository(String)
    case tags(String)
    case tag(String, String)
    case manifests(String)
    case manifestFacts(String, String)

    init?(_ path: String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        guard let first = parts.first else { return nil }
        func name(_ range: Range<Int>) -> String? {
            let name = parts[range].joined(separator: "/")
            return !name.isEmpty && RegistryTarget.isName(name) ? name : nil
        }
        let count = parts.count
        if first == "v2" {
            if count == 1 { self = .root; return }
            if parts[1...] == ["_catalog"] { self = .catalog(isAzure: false); return }
            guard count >= 4 else { return nil }
            if count >= 5, parts[count - 3] == "blobs", parts[count - 2] == "uploads", let name = name(1..<count - 3) {
                self = .upload(name, parts[count - 1])
            } else if parts[count - 2] == "blobs", parts[count - 1] == "uploads", let name = name(1..<count - 2) {
                self = .uploads(name)
            } else if parts[count - 2] == "blobs", let name = name(1..<count - 2) {
                self = .blob(name, parts[count - 1])
            } else if parts[count - 2] == "manifests", let name = name(1..<count - 2) {
                self = .manifest(name, parts[count - 1])
            } else if parts[count - 2] == "tags", parts[count - 1] == "list", let name = name(1..<count - 2) {
                self = .tagList(name)
            } else {
                return nil
            }
            return
        }
        guard first == "acr", count >= 3, parts[1] == "v1" else { return nil }
        if parts[2...] == ["_catalog"] { self = .catalog(isAzure: true); return }
        if count >= 5, parts[count - 2] == "_tags", let name = name(2..<count - 2) {
            self = .tag(name, parts[count - 1])
        } else if count >= 5, parts[count - 2] == "_manifests", let name = name(2..<count - 2) {
            self = .manifestFacts(name, parts[count - 1])
        } else if count >= 4, parts[count - 1] == "_tags", let name = name(2..<count - 1) {
            self = .tags(name)
        } else if count >= 4, parts[count - 1] == "_manifests", let name = name(2..<count - 1) {
            self = .manifests(name)
        } else if let name = name(2..<count) {
            self = .repository(name)
        } else {
            return nil
        }
    }

    /// Small letters and digits with separators between them; nothing that means another folder.
    static func isName(_ name: String) -> Bool {
        name.utf8.count <= 200
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
                guard let first = part.utf8.first, let last = part.utf8.last else { return false }
                func isLetter(_ byte: UInt8) -> Bool {
                    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                }
                return isLetter(first) && isLetter(last)
                    && part.utf8.allSatisfy { isLetter($0) || "._-".utf8.contains($0) } && !part.contains("..")
            }
    }

    /// The right that a request needs, as scopes write it: `repository:NAME:pull`; nil for any.
    func need(method: String) -> String? {
        let reads = method == "GET" || method == "HEAD"
        switch self {
        case .root: return nil
        case .catalog: return "registry:catalog:*"
        case .tagList(let name): return "repository:\(name):pull"
        case .blob(let name, _), .manifest(let name, _):
            return "repository:\(name):\(reads ? "pull" : method == "DELETE" ? "delete" : "push")"
        case .uploads(let name), .upload(let name, _): return "repository:\(name):push"
        case .repository(let name), .tags(let name), .tag(let name, _), .manifests(let name),
            .manifestFacts(let name, _):
            return "repository:\(name):\(reads ? "metadata_read" : method == "DELETE" ? "delete" : "metadata_write")"
        }
    }
}

/// An answer that says no, as the distribution specification has it.
struct RegistryFault: Error {
    var response: ServerResponse

    init(_ status: Int, _ code: String, _ message: String, detail: JSONText? = nil) {
        let error = JSONText.members(["code": .string(code), "message": .string(message), "detail": detail])
        response = .json(["errors": [error]], status: status)
    }

    static func unknownName(_ name: String) -> RegistryFault {
        RegistryFault(404, "NAME_UNKNOWN", "repository name not known to registry", detail: ["name": .string(name)])
    }
}
