import HTTPServer
import Support

/// Azure Resource Manager: the frame in which resource providers stand.
struct ManagementService: EmulatedService {
    let access: BearerAccess
    let store: ResourceStore
    let switches: ManagementSwitches
    let providers: [any ResourceProvider]
    let name = "arm"

    func close() async {
        for provider in providers { await provider.close() }
        await store.close()
    }

    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .management }

    func administer(_ request: ServerRequest) async throws(SluiceError) -> ServerResponse? {
        if request.path == "/_sluice/lifecycle", request.method == "PUT" || request.method == "GET" {
            if request.method == "PUT" { try switches.set(try JSONText.parse(try await request.collect())) }
            return .json(switches.json)
        }
        for provider in providers {
            if let answer = try await provider.administer(request) { return answer }
        }
        return nil
    }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        var response: ServerResponse
        do throws(ManagementFault) { response = try await answer(request) } catch { response = error.response }
        let reads = request.server.method == "GET" || request.server.method == "HEAD"
        response.headers["x-ms-ratelimit-remaining-subscription-\(reads ? "reads" : "writes")"] =
            reads ? "11999" : "1199"
        response.headers["x-ms-correlation-request-id"] =
            request.server.headers["x-ms-correlation-request-id"] ?? request.id
        response.headers["Cache-Control"] = "no-cache"
        if request.server.method == "HEAD" { response.body = .none }
        return response
    }

    private func answer(_ request: EmulatedRequest) async throws(ManagementFault) -> ServerResponse {
        let id = ResourceID(request.path)
        var request = request
        request.caller = try access.caller(request)
        let action = id.map(self.action) ?? "Microsoft.Resources/subscriptions/read"
        try access.checkDenial(
            request, service: name, action: operationName(request, id, action), scope: id?.description ?? request.path)
        guard let version = request.server[query: "api-version"], !version.isEmpty else {
            throw ManagementFault(
                400, "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.")
        }
        guard Self.isVersion(version) else {
            throw ManagementFault(
                400, "InvalidApiVersionParameter",
                "The api-version '\(version.prefix(40))' is invalid. The supported versions are '2022-12-01,2021-04-01,2020-06-01'."
            )
        }
        guard let id else {
            if request.path.split(separator: "/").map({ $0.lowercased() }) == ["subscriptions"] {
                return .json(["value": [subscription("00000000-0000-0000-0000-000000000000")]])
            }
            throw ManagementFault(404, "NotFound", "The emulator has nothing at \(request.path).")
        }
        if let poll = try await LongOperations(store: store).poll(
            request, id, retryAfter: switches.now.retryAfter)
        {
            return poll
        }
        guard let namespace = id.namespace, !id.types.isEmpty else { return try await resources(request, id, version) }
        guard let provider = providers.first(where: { $0.namespace.lowercased() == namespace.lowercased() }) else {
            throw ManagementFault(
                404, "InvalidResourceNamespace", "The resource namespace '\(namespace)' is invalid.")
        }
        if id.group == nil, ["register", "unregister"].contains(id.types[0].lowercased()), id.names.isEmpty {
            return .json(registration(provider, id))
        }
        return try await provider.respond(to: try call(request, id, provider, version))
    }

    /// `2024-03-01`, or with `-preview` behind it.
    private static func isVersion(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count >= 3 && parts.count <= 4 && Moment(iso: parts[..<3].joined(separator: "-")) != nil
    }

    // MARK: Providers

    /// Splits off what is to be done: `jobs/nightly/stop/EXECUTION` is about the job `nightly`.
    private func split(_ id: ResourceID, _ provider: any ResourceProvider) -> (ResourceID, String?, String?) {
        guard id.types.count > 1, let last = id.types.last?.lowercased() else { return (id, nil, nil) }
        let above = id.types.dropLast().joined(separator: "/").lowercased()
        guard let type = provider.types.first(where: { $0.name.lowercased() == above }),
            type.actions.contains(where: { $0.lowercased() == last })
        else { return (id, nil, nil) }
        let isNamed = id.isResource
        let subject = ResourceID(
            subscription: id.subscription, group: id.group, namespace: id.namespace, types: Array(id.types.dropLast()),
            names: isNamed ? Array(id.names.dropLast()) : id.names)
        return (subject, last, isNamed ? id.name : nil)
    }

    private func call(
        _ request: EmulatedRequest, _ id: ResourceID, _ provider: any ResourceProvider, _ version: String
    ) throws(ManagementFault) -> ManagementCall {
        let (subject, action, argument) =
            request.server.method == "POST" ? split(id, provider) : (id, nil, nil)
        let path = subject.types.joined(separator: "/")
        guard let type = provider.types.first(where: { $0.name.lowercased() == path.lowercased() }) else {
            throw ManagementFault(
                404, "InvalidResourceType",
                "The resource type '\(path)' could not be found in the namespace '\(provider.namespace)' for api version '\(version)'. The supported api-versions are '\(versions(provider).joined(separator: ","))'."
            )
        }
        guard type.versions.contains(where: { $0.lowercased() == version.lowercased() }) else {
            throw ManagementFault(
                400, "NoRegisteredProviderFound",
                "No registered resource provider found for location '' and API version '\(version)' for type '\(type.name)'. The supported api-versions are '\(type.versions.joined(separator: ", "))'. The supported locations are ', westeurope, northeurope, northcentralusstage'."
            )
        }
        let canonical = ResourceID(
            subscription: subject.subscription, group: subject.group, namespace: provider.namespace,
            types: type.name.split(separator: "/").map(String.init), names: subject.names)
        return ManagementCall(
            request: request, method: request.server.method, id: canonical, type: type.name.lowercased(),
            action: action, argument: argument, version: version, store: store, switches: switches)
    }

    private func versions(_ provider: any ResourceProvider) -> [String] {
        Set(provider.types.flatMap(\.versions)).sorted(by: >)
    }

    private func action(_ id: ResourceID) -> String {
        guard let provider = providers.first(where: { $0.namespace.lowercased() == id.namespace?.lowercased() }) else {
            return id.type
        }
        let (subject, action, _) = split(id, provider)
        return action.map { "\(subject.type)/\($0)" } ?? subject.type
    }

    /// What somebody needs a right to: `Microsoft.App/jobs/write`.
    private func operationName(_ request: EmulatedRequest, _ id: ResourceID?, _ action: String) -> String {
        switch request.server.method {
        case "GET", "HEAD": return id == nil ? action : "\(action)/read"
        case "PUT", "PATCH": return "\(action)/write"
        case "DELETE": return "\(action)/delete"
        default: return "\(action)/action"
        }
    }

    private func registration(_ provider: any ResourceProvider, _ id: ResourceID) -> JSONText {
        [
            "id": .string("/subscriptions/\(id.subscription)/providers/\(provider.namespace)"),
            "namespace": .string(provider.namespace), "registrationState": "Registered",
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": .array(
                provider.types.map { type in
                    [
                        "resourceType": .string(type.name), "locations": ["West Europe", "North Europe"],
                        "apiVersions": .array(type.versions.map { .string($0) }),
                    ]
                }),
        ]
    }

    // MARK: Subscriptions and groups

    private func subscription(_ id: String) -> JSONText {
        [
            "id": .string("/subscriptions/\(id)"), "subscriptionId": .string(id), "tenantId": .string(access.tenant),
            "displayName": "Emulated", "state": "Enabled",
        ]
    }

    private func resources(
        _ request: EmulatedRequest, _ id: ResourceID, _ version: String
    ) async throws(ManagementFault) -> ServerResponse {
        let call = ManagementCall(
            request: request, method: request.server.method, id: id, type: "", action: nil, argument: nil,
            version: version, store: store, switches: switches)
        if id.namespace != nil {
            guard let provider = providers.first(where: { $0.namespace.lowercased() == id.namespace?.lowercased() })
            else {
                throw ManagementFault(
                    404, "InvalidResourceNamespace", "The resource namespace '\(id.namespace ?? "")' is invalid.")
            }
            return .json(registration(provider, id))
        }
        switch (request.server.method, id.types.first?.lowercased(), id.names.count) {
        case ("GET", nil, _) where id.group == nil: return .json(subscription(id.subscription))
        case ("GET", "providers", 0): return try call.page(providers.map { registration($0, id) })
        case ("GET", "resourcegroups", 0):
            let groups = try await call.stored { () async throws(SluiceError) in try await store.groups(id.subscription)
            }
            return try call.page(groups.map { group(id.subscription, $0.name, $0.document) })
        case ("GET", "resources", 0):
            let all = try await call.stored { () async throws(SluiceError) in
                try await store.top(subscription: id.subscription, group: id.group)
            }
            return try call.page(all.map { $0.shown(at: call.now).setting("properties", nil) })
        case (_, nil, _): return try await group(call)
        default:
            throw ManagementFault(
                404, "InvalidResourceType", "The emulator has nothing at \(request.path) of Resource Manager.")
        }
    }

    private func group(_ subscription: String, _ name: String, _ document: JSONText) -> JSONText {
        let head: [(key: String, value: JSONText)] = [
            ("id", .string("/subscriptions/\(subscription)/resourceGroups/\(name)")), ("name", .string(name)),
            ("type", "Microsoft.Resources/resourceGroups"),
        ]
        return .object(head + (document.members ?? []) + [("properties", ["provisioningState": "Succeeded"])])
    }

    /// A resource group, which exists as soon as somebody asks for it.
    private func group(_ call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        let name = call.id.group ?? ""
        func stored() async throws(ManagementFault) -> JSONText {
            try await call.stored { () async throws(SluiceError) in try await store.group(call.id) }
        }
        switch call.method {
        case "GET": return .json(group(call.id.subscription, name, try await stored()))
        case "HEAD":
            _ = try await stored()
            return ServerResponse(204)
        case "PUT", "PATCH":
            let body = try await call.body()
            let old = try await stored()
            guard call.method == "PATCH" || body.at("location")?.text != nil else {
                throw .invalid("LocationRequired", "The location property is required for this definition.")
            }
            var document = old
            for key in ["location", "tags", "managedBy"] {
                if let value = body.at(key) { document = document.setting(key, value) }
            }
            let new = document
            try await call.stored { () async throws(SluiceError) in try await store.setGroup(call.id, new) }
            return .json(group(call.id.subscription, name, new))
        case "DELETE":
            let all = try await call.stored { () async throws(SluiceError) in
                try await store.top(subscription: call.id.subscription, group: name)
            }
            for resource in all {
                guard let provider = providers.first(where: { $0.namespace == resource.id.namespace }),
                    let type = provider.types.first(where: { $0.name == resource.id.types.joined(separator: "/") }),
                    let version = type.versions.first
                else { continue }
                _ = try await provider.respond(
                    to: ManagementCall(
                        request: call.request, method: "DELETE", id: resource.id, type: type.name.lowercased(),
                        action: nil, argument: nil, version: version, store: store, switches: switches))
            }
            try await call.stored { () async throws(SluiceError) in try await store.removeGroup(call.id) }
            return try await call.accepted(
                "operationresults", ends: call.now.later(switches.now.operation), .gone, region: "westeurope")
        default:
            throw ManagementFault(
                405, "MethodNotAllowed", "The requested resource does not support http method '\(call.method)'.")
        }
    }
}
