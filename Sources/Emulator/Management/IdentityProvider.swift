import HTTPServer
import Support

/// `Microsoft.ManagedIdentity`: user-assigned identities. Their ids follow from their names, and a token that a machine asks for by a
/// client id is that identity's.
struct IdentityProvider: ResourceProvider {
    let store: ResourceStore
    let tenant: String

    let namespace = "Microsoft.ManagedIdentity"
    let types = [ResourceType("userAssignedIdentities", versions: ["2018-11-30", "2023-01-31", "2024-11-30"])]

    func respond(to call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        switch (call.method, call.isCollection) {
        case ("GET", true): return try await call.list()
        case ("GET", false): return try await call.get()
        case ("PUT", false): return try await put(call)
        case ("DELETE", false):
            let isGone = try await call.stored { () async throws(SluiceError) in try await store.remove(call.id) }
            return ServerResponse(isGone ? 200 : 204)
        default:
            throw ManagementFault(
                405, "MethodNotAllowed", "The requested resource does not support http method '\(call.method)'.")
        }
    }

    private func put(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        let body = try await call.body()
        guard let location = body.at("location")?.text, !location.isEmpty else {
            throw .invalid("LocationRequired", "The location property is required for this definition.")
        }
        let old = try await call.stored { () async throws(SluiceError) in try await store.find(call.id) }
        let id = "\(call.id)".lowercased()
        return try await call.put(
            .members([
                "location": .string(location), "tags": body.at("tags"),
                "properties": [
                    "tenantId": .string(tenant), "principalId": .string(Directory.objectID(of: "principal \(id)")),
                    "clientId": .string(Directory.objectID(of: "client \(id)")),
                ],
            ]), over: old, operation: nil)
    }
}
