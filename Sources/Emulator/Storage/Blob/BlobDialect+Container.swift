import HTTPServer
import Support

extension BlobDialect {
    func container(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        switch (call.method, call.query("comp")) {
        case ("PUT", nil):
            try ContainerName.check(call.container)
            let access = try Self.publicAccess(call)
            let facts = try engine.createContainer(
                call.containerPath, metadata: try call.metadata(), publicAccess: access)
            return ServerResponse(201, headers: StorageAnswer.stamp(facts.version))
        case ("GET", nil), ("HEAD", nil), ("GET", "metadata"), ("HEAD", "metadata"):
            let facts = try engine.container(call.containerPath, try call.demand())
            return ServerResponse(200, headers: Self.headers(facts, call))
        case ("DELETE", nil):
            try engine.deleteContainer(call.containerPath, try call.demand())
            return ServerResponse(202)
        case ("PUT", "metadata"):
            let metadata = try call.metadata()
            let facts = try engine.changeContainer(call.containerPath, try call.demand()) { $0.metadata = metadata }
            return ServerResponse(200, headers: StorageAnswer.stamp(facts.version))
        case ("PUT", "lease"): return try leaseContainer(call)
        case ("GET", "list"): return try list(call)
        case ("GET", "acl"), ("HEAD", "acl"): return try accessPolicies(call)
        case ("PUT", "acl"): return try await setAccessPolicies(call)
        case ("GET", "blobs"): throw .absent("Tags of blobs")
        case ("PUT", "undelete"), ("PUT", "rename"): throw .absent("Soft delete and renaming of containers")
        case (_, nil): throw Self.wrongVerb
        default: throw .invalidQuery("comp", call.query("comp") ?? "")
        }
    }

    private static func publicAccess(_ call: StorageCall) throws(StorageFault) -> String? {
        guard let access = call.header("x-ms-blob-public-access") else { return nil }
        guard access == "container" || access == "blob" else { throw .invalidHeader("x-ms-blob-public-access", access) }
        return access
    }

    private static func headers(_ facts: ContainerFacts, _ call: StorageCall) -> HTTPHeaders {
        var headers = StorageAnswer.stamp(facts.version)
        headers.merge(StorageAnswer.lease(facts.lease, at: call.now.microseconds))
        for pair in facts.metadata { headers["x-ms-meta-\(pair.name)"] = pair.value }
        headers["x-ms-blob-public-access"] = facts.publicAccess
        headers["x-ms-has-immutability-policy"] = "false"
        headers["x-ms-has-legal-hold"] = "false"
        headers["x-ms-immutable-storage-with-versioning-enabled"] = "false"
        headers["x-ms-default-encryption-scope"] = "$account-encryption-key"
        headers["x-ms-deny-encryption-scope-override"] = "false"
        return headers
    }

    private func leaseContainer(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        guard let verb = call.header("x-ms-lease-action") else { throw .missingHeader("x-ms-lease-action") }
        let action = try call.leaseAction(verb)
        let (facts, left) = try engine.lease(call.containerPath, action, try call.conditions(prefix: ""))
        return Self.leaseAnswer(action, facts.lease, StorageAnswer.stamp(facts.version), left)
    }

    static func leaseAnswer(_ action: LeaseAction, _ lease: Lease, _ stamp: HTTPHeaders, _ left: Int) -> ServerResponse
    {
        var headers = stamp
        switch action {
        case .acquire, .renew, .change: headers["x-ms-lease-id"] = lease.id
        case .breakUp: headers["x-ms-lease-time"] = String(left)
        case .release: break
        }
        return ServerResponse(action.status, headers: headers)
    }

    private func accessPolicies(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let facts = try engine.container(call.containerPath, try call.demand())
        var xml = XMLText()
        xml.open("SignedIdentifiers")
        for policy in facts.policies {
            xml.open("SignedIdentifier")
            xml.leaf("Id", policy.id)
            xml.open("AccessPolicy")
            xml.leaf("Start", ifAny: policy.start)
            xml.leaf("Expiry", ifAny: policy.expiry)
            xml.leaf("Permission", ifAny: policy.permission)
            xml.close("AccessPolicy")
            xml.close("SignedIdentifier")
        }
        xml.close("SignedIdentifiers")
        var headers = StorageAnswer.stamp(facts.version)
        headers["x-ms-blob-public-access"] = facts.publicAccess
        return xml.response(headers: headers)
    }

    private func setAccessPolicies(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        let access = try Self.publicAccess(call)
        var policies: [StoredPolicy] = []
        if (call.server.contentLength ?? 1) > 0 {
            let body = try await call.xmlBody(atMost: 1 << 16)
            for item in body.all("SignedIdentifier") {
                let policy = StoredPolicy(item)
                guard !policy.id.isEmpty, policy.id.utf8.count <= 64 else {
                    throw StorageFault(400, "InvalidXmlNodeValue", "The value for one of the XML nodes is not valid.")
                }
                policies.append(policy)
            }
        }
        if policies.count > 5 {
            throw StorageFault(400, "InvalidXmlDocument", "A container has at most five stored access policies.")
        }
        let stored = policies
        let facts = try engine.changeContainer(call.containerPath, try call.demand()) {
            $0.publicAccess = access
            $0.policies = stored
        }
        return ServerResponse(200, headers: StorageAnswer.stamp(facts.version))
    }
}

/// What a container may be called.
enum ContainerName {
    static func check(_ name: String) throws(StorageFault) {
        if ["$root", "$web", "$logs"].contains(name) { return }
        let bytes = Array(name.utf8)
        let isOf = bytes.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
        guard (3...63).contains(bytes.count), isOf, bytes.first != 0x2d, bytes.last != 0x2d else {
            throw .name(
                "The specified resource name contains invalid characters: '\(name.prefix(80))'. A container's name has 3 to 63 lower-case letters, digits and single hyphens, and begins with a letter or digit."
            )
        }
        if zip(bytes, bytes.dropFirst()).contains(where: { $0 == 0x2d && $1 == 0x2d }) {
            throw .name("The specified resource name contains invalid characters: two hyphens in a row.")
        }
    }
}
