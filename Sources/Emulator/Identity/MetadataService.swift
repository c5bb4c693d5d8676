import Azure
import HTTPServer
import Support

/// Where a virtual machine asks for its own tokens.
struct MetadataService: EmulatedService {
    let issuer: TokenIssuer
    let directory: Directory
    let name = "imds"

    func accepts(_ request: EmulatedRequest) -> Bool {
        request.endpoint == .metadata && !request.path.hasPrefix("/msi/")
    }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        guard request.path == "/metadata/identity/oauth2/token" || request.path == "/metadata/identity/oauth2/token/"
        else {
            return .json(["error": "Not found"], status: 404)
        }
        guard request.server.method == "GET" else { return .json(["error": "Method not allowed"], status: 405) }
        guard request.server.headers["Metadata"]?.lowercased() == "true" else {
            return refusal("Required metadata header not specified")
        }
        guard request.server.headers["X-Forwarded-For"] == nil else {
            return refusal("X-Forwarded-For header is not allowed")
        }
        guard request.server[query: "api-version"]?.isEmpty == false else {
            return .json(["error": "Bad request. api-version was not specified in the request"], status: 400)
        }
        guard let resource = request.server[query: "resource"], !resource.isEmpty else {
            return refusal("Required audience parameter not specified")
        }
        let choice = ManagedIdentities(directory: directory).choose(
            client: request.server[query: "client_id"], object: request.server[query: "object_id"],
            resource: request.server[query: "msi_res_id"] ?? request.server[query: "mi_res_id"])
        switch choice {
        case .none: return refusal("Identity not found")
        case .several:
            return refusal(
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"
            )
        case .one(let identity):
            let token = try? issuer.token(
                audience: resource, tenant: issuer.tenant, client: identity.client, object: identity.object,
                now: request.now)
            guard let token else { return .json(["error": "server_error"], status: 500) }
            let seconds = TokenIssuer.lifetime
            return .json([
                "access_token": .string(token), "client_id": .string(identity.client),
                "expires_in": .string(String(seconds)), "expires_on": .string(String(request.now.seconds + seconds)),
                "ext_expires_in": .string(String(seconds)), "not_before": .string(String(request.now.seconds)),
                "resource": .string(resource), "token_type": "Bearer",
            ])
        }
    }

    private func refusal(_ description: String) -> ServerResponse {
        .json(["error": "invalid_request", "error_description": .string(description)], status: 400)
    }
}

/// Where App Service, Functions and Container Apps ask for their own tokens.
struct HostIdentityService: EmulatedService {
    let issuer: TokenIssuer
    let directory: Directory
    let name = "msi"

    func accepts(_ request: EmulatedRequest) -> Bool {
        request.endpoint == .metadata && request.path.hasPrefix("/msi/")
    }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        guard request.server.method == "GET" else { return refusal(405, "Method Not Allowed") }
        let shown = request.server.headers["X-IDENTITY-HEADER"] ?? request.server.headers["secret"] ?? ""
        guard !shown.isEmpty else { return refusal(401, "The X-IDENTITY-HEADER header is missing.") }
        if let expected = directory.identityHeader, !Digest.areEqual(Array(expected.utf8), Array(shown.utf8)) {
            return refusal(403, "The X-IDENTITY-HEADER header is wrong.")
        }
        guard let resource = request.server[query: "resource"], !resource.isEmpty else {
            return refusal(500, "The resource parameter is missing.")
        }
        let query = request.server
        let choice = ManagedIdentities(directory: directory).choose(
            client: query[query: "client_id"] ?? query[query: "clientid"],
            object: query[query: "object_id"] ?? query[query: "principal_id"], resource: query[query: "mi_res_id"])
        switch choice {
        case .none:
            return refusal(
                400,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.")
        case .several: return refusal(400, "Several identities are attached; name one of them.")
        case .one(let identity):
            let token = try? issuer.token(
                audience: resource, tenant: issuer.tenant, client: identity.client, object: identity.object,
                now: request.now)
            guard let token else { return refusal(500, "The token could not be made.") }
            return .json([
                "access_token": .string(token),
                "expires_on": .string(String(request.now.seconds + TokenIssuer.lifetime)),
                "resource": .string(resource), "token_type": "Bearer", "client_id": .string(identity.client),
            ])
        }
    }

    private func refusal(_ status: Int, _ message: String) -> ServerResponse {
        .json(["statusCode": .number(status), "message": .string(message)], status: status)
    }
}

/// Which of its identities a machine is asked for.
struct ManagedIdentities {
    let directory: Directory

    enum Choice {
        case one(Directory.Identity)
        case none
        case several
    }

    /// What the machine is when the directory does not say.
    static let ownClient = Directory.objectID(of: "this machine")

    func choose(client: String?, object: String?, resource: String?) -> Choice {
        let all = directory.identities
        let selectors = [client, object, resource].compactMap { $0 }.filter { !$0.isEmpty }
        if all.isEmpty {
            let client = client ?? ManagedIdentities.ownClient
            return .one(
                Directory.Identity(
                    client: client, object: object ?? Directory.objectID(of: client), resource: resource))
        }
        if selectors.isEmpty { return all.count == 1 ? .one(all[0]) : .several }
        let found = all.first { identity in
            client.map { $0.lowercased() == identity.client.lowercased() } ?? true
                && object.map { $0.lowercased() == identity.object.lowercased() } ?? true
                && resource.map { $0.lowercased() == identity.resource?.lowercased() } ?? true
        }
        return found.map { .one($0) } ?? .none
    }
}
