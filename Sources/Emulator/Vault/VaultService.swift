import HTTPServer
import Support

/// Key Vault's secrets. Every name is a vault.
struct VaultService: EmulatedService {
    let store: VaultStore
    let issuer: TokenIssuer
    let directory: Directory
    let name = "keyvault"

    static func open(
        _ folder: EmulatorFolder, _ issuer: TokenIssuer, _ directory: Directory
    ) async throws(SluiceError) -> VaultService {
        VaultService(
            store: try await VaultStore.open(folder.item("vault.sqlite")), issuer: issuer, directory: directory)
    }

    func close() async { await store.close() }

    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .vault }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        if let refusal = refusal(request) { return refusal }
        guard let version = request.server[query: "api-version"], !version.isEmpty else {
            return VaultFault.parameter("The api-version query parameter is missing.").response
        }
        do throws(VaultFault) { return try await answer(request) } catch { return error.response }
    }

    /// Who asks has to be somebody, and one who may.
    private func refusal(_ request: EmulatedRequest) -> ServerResponse? {
        let host = request.server.host.lowercased()
        let suffix =
            host.contains("usgovcloudapi")
            ? "vault.usgovcloudapi.net" : host.contains(".cn") ? "vault.azure.cn" : "vault.azure.net"
        func unauthorized(_ message: String, _ more: String = "") -> ServerResponse {
            var response = ServiceErrors.json(401, "Unauthorized", message)
            response.headers["WWW-Authenticate"] =
                "Bearer authorization=\"https://login.microsoftonline.com/\(issuer.tenant)\", resource=\"https://\(suffix)\"\(more)"
            return response
        }
        guard let authorization = request.server.headers["Authorization"],
            authorization.lowercased().hasPrefix("bearer ")
        else { return unauthorized("AKV10000: Request is missing a Bearer or PoP token.") }
        let caller = issuer.caller(
            of: String(authorization.dropFirst("bearer ".count)),
            audiences: {
                ["https://\(suffix)", "https://\(suffix)/", "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"].contains($0)
            },
            now: request.now)
        switch caller {
        case .failure(let problem):
            return unauthorized("AKV10022: Invalid token: \(problem.reason)", ", error=\"invalid_token\"")
        case .success(let caller):
            var known = request
            known.caller = caller
            guard let code = directory.denial(known, service: name, credential: "token") else { return nil }
            let inner = code.hasPrefix("ForbiddenBy") ? code : "ForbiddenByRbac"
            return ServiceErrors.json(
                403, "Forbidden",
                "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
                inner: inner)
        }
    }

    private func answer(_ request: EmulatedRequest) async throws(VaultFault) -> ServerResponse {
        let parts = request.path.split(separator: "/").map { String($0).percentDecoded() ?? "" }
        let call = VaultCall(store: store, request: request)
        for name in parts.dropFirst().prefix(1) where !(parts[0] == "secrets" && name == "restore") {
            guard VaultCall.isName(name) else {
                throw .parameter("The request URI contains an invalid name: \(name)")
            }
        }
        switch (request.server.method, parts.first, parts.count) {
        case ("GET", "secrets", 1): return try await call.list(isDeleted: false)
        case ("GET", "secrets", 2): return try await call.get(parts[1], version: nil)
        case ("GET", "secrets", 3) where parts[2] == "versions": return try await call.versions(parts[1])
        case ("GET", "secrets", 3): return try await call.get(parts[1], version: parts[2])
        case ("PUT", "secrets", 2): return try await call.set(parts[1])
        case ("PATCH", "secrets", 2): return try await call.update(parts[1], version: nil)
        case ("PATCH", "secrets", 3): return try await call.update(parts[1], version: parts[2])
        case ("DELETE", "secrets", 2): return try await call.delete(parts[1])
        case ("GET", "deletedsecrets", 1): return try await call.list(isDeleted: true)
        case ("GET", "deletedsecrets", 2): return try await call.deleted(parts[1])
        case ("DELETE", "deletedsecrets", 2): return try await call.purge(parts[1])
        case ("POST", "deletedsecrets", 3) where parts[2] == "recover": return try await call.recover(parts[1])
        default:
            throw VaultFault(
                405, "MethodNotAllowed",
                "The emulator does not play \(request.server.method) \(request.path) of Key Vault.")
        }
    }
}

/// An answer that says no.
struct VaultFault: Error {
    let response: ServerResponse

    init(_ status: Int, _ code: String, _ message: String, inner: String? = nil) {
        response = ServiceErrors.json(status, code, message, inner: inner)
    }

    static func parameter(_ message: String) -> VaultFault { VaultFault(400, "BadParameter", message) }

    static func notFound(_ name: String) -> VaultFault {
        VaultFault(
            404, "SecretNotFound",
            "A secret with (name/id) \(name) was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
        )
    }
}
