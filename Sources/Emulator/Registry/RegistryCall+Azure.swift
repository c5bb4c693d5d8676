import HTTPServer
import Support

/// What Azure's registries tell beside the distribution specification: repositories, tags and manifests with their times and
/// attributes.
extension RegistryCall {
    func catalog(isAzure: Bool) throws(RegistryFault) -> ServerResponse {
        let (page, next) = page(store.repositories(account))
        var response = ServerResponse.json(["repositories": .array(page.map { .string($0) })])
        response.headers["Link"] = next.map { "<\(isAzure ? "/acr/v1" : "/v2")/_catalog?\($0)>; rel=\"next\"" }
        return response
    }

    // MARK: Repositories

    private func known(_ name: String) throws(RegistryFault) -> JSONText {
        guard let facts = store.json("\(folder(name))/repository") else { throw .unknownName(name) }
        return facts
    }

    func repository(_ name: String) throws(RegistryFault) -> ServerResponse {
        let facts = try known(name)
        let manifests = store.names("\(folder(name))/manifests")
        let updates = manifests.compactMap { store.json("\(folder(name))/manifests/\($0)")?["lastUpdateTime"]?.text }
        return .json([
            "registry": .string(request.server.host), "imageName": .string(name),
            "createdTime": facts["createdTime"] ?? .null,
            "lastUpdateTime": (updates.max()).map { .string($0) } ?? facts["createdTime"] ?? .null,
            "manifestCount": .number(manifests.count), "tagCount": .number(store.names("\(folder(name))/tags").count),
            "changeableAttributes": RegistryCall.attributes(facts, isRepository: true),
        ])
    }

    func changeRepository(_ name: String) async throws(RegistryFault) -> ServerResponse {
        try await change("\(folder(name))/repository", try known(name))
        return try repository(name)
    }

    func deleteRepository(_ name: String) throws(RegistryFault) -> ServerResponse {
        _ = try known(name)
        try deletable("\(folder(name))/repository")
        let manifests = store.names("\(folder(name))/manifests").map { JSONText.string("sha256:\($0)") }
        let tags = store.names("\(folder(name))/tags").map { JSONText.string($0) }
        store.removeFolder(folder(name))
        return .json(["manifestsDeleted": .array(manifests), "tagsDeleted": .array(tags)], status: 202)
    }

    // MARK: Tags

    func tags(_ name: String) throws(RegistryFault) -> ServerResponse {
        _ = try known(name)
        var names = ordered(store.names("\(folder(name))/tags"), "\(folder(name))/tags")
        if let digest = request.server[query: "digest"], !digest.isEmpty {
            names = names.filter { store.json("\(folder(name))/tags/\($0)")?["digest"]?.text == digest }
        }
        let (page, next) = page(names)
        var response = ServerResponse.json(
            envelope(name, "tags", .array(page.compactMap { tagFacts(name, $0) })))
        response.headers["Link"] = next.map { "</acr/v1/\(name)/_tags?\($0)>; rel=\"next\"" }
        return response
    }

    func tag(_ name: String, _ tag: String) throws(RegistryFault) -> ServerResponse {
        guard RegistryCall.isTag(tag), let facts = tagFacts(name, tag) else { throw RegistryCall.unknownTag }
        return .json(envelope(name, "tag", facts))
    }

    func changeTag(_ name: String, _ tag: String) async throws(RegistryFault) -> ServerResponse {
        let path = "\(folder(name))/tags/\(tag)"
        guard RegistryCall.isTag(tag), let facts = store.json(path) else { throw RegistryCall.unknownTag }
        try await change(path, facts)
        return try self.tag(name, tag)
    }

    func deleteTag(_ name: String, _ tag: String) throws(RegistryFault) -> ServerResponse {
        let path = "\(folder(name))/tags/\(tag)"
        guard RegistryCall.isTag(tag), store.exists(path) else { throw RegistryCall.unknownTag }
        try deletable(path)
        store.remove(path)
        return ServerResponse(202)
    }

    private static let unknownTag = RegistryFault(404, "TAG_UNKNOWN", "the specified tag does not exist")

    private func tagFacts(_ name: String, _ tag: String) -> JSONText? {
        guard let facts = store.json("\(folder(name))/tags/\(tag)") else { return nil }
        return [
            "name": .string(tag), "digest": facts["digest"] ?? .null, "createdTime": facts["createdTime"] ?? .null,
            "lastUpdateTime": facts["lastUpdateTime"] ?? .null, "signed": false,
            "changeableAttributes": RegistryCall.attributes(facts),
        ]
    }

    // MARK: Manifests

    func manifests(_ name: String) throws(RegistryFault) -> ServerResponse {
        _ = try known(name)
        let (page, next) = page(
            ordered(store.names("\(folder(name))/manifests"), "\(folder(name))/manifests").map { "sha256:\($0)" })
        var items: [JSONText] = []
        for digest in page { if let facts = manifestEntry(name, digest) { items.append(facts) } }
        var response = ServerResponse.json(envelope(name, "manifests", .array(items)))
        response.headers["Link"] = next.map { "</acr/v1/\(name)/_manifests?\($0)>; rel=\"next\"" }
        return response
    }

    func manifestFacts(_ name: String, _ digest: String) throws(RegistryFault) -> ServerResponse {
        _ = try RegistryCall.hex(digest)
        guard let facts = manifestEntry(name, digest) else {
            throw RegistryFault(404, "MANIFEST_UNKNOWN", "manifest unknown")
        }
        return .json(envelope(name, "manifest", facts))
    }

    func changeManifest(_ name: String, _ digest: String) async throws(RegistryFault) -> ServerResponse {
        let path = "\(folder(name))/manifests/\(try RegistryCall.hex(digest))"
        guard let facts = store.json(path) else { throw RegistryFault(404, "MANIFEST_UNKNOWN", "manifest unknown") }
        try await change(path, facts)
        return try manifestFacts(name, digest)
    }

    private func manifestEntry(_ name: String, _ digest: String) -> JSONText? {
        let hex = String(digest.dropFirst("sha256:".count))
        guard let facts = store.json("\(folder(name))/manifests/\(hex)") else { return nil }
        let tags = store.names("\(folder(name))/tags").filter {
            store.json("\(folder(name))/tags/\($0)")?["digest"]?.text == digest
        }
        let document = store.json(store.blob(account, hex))
        let config = document?["config"]?["digest"]?.text.flatMap {
            store.json(store.blob(account, String($0.dropFirst("sha256:".count))))
        }
        return .members([
            "digest": .string(digest), "imageSize": facts["size"] ?? .number(0),
            "createdTime": facts["createdTime"] ?? .null, "lastUpdateTime": facts["lastUpdateTime"] ?? .null,
            "architecture": config?["architecture"], "os": config?["os"], "mediaType": facts["mediaType"] ?? .null,
            "configMediaType": facts["configMediaType"].flatMap { $0 == .null ? nil : $0 },
            "tags": tags.isEmpty ? nil : .array(tags.map { .string($0) }),
            "changeableAttributes": RegistryCall.attributes(facts),
        ])
    }

    // MARK: Both

    private func envelope(_ name: String, _ key: String, _ value: JSONText) -> JSONText {
        .object([("registry", .string(request.server.host)), ("imageName", .string(name)), (key, value)])
    }

    /// By name, or by time when that is asked for.
    private func ordered(_ names: [String], _ folder: String) -> [String] {
        guard let order = request.server[query: "orderby"], order.hasPrefix("time") else { return names }
        let dated = names.map { ($0, store.json("\(folder)/\($0)")?["lastUpdateTime"]?.text ?? "") }
        let sorted = dated.sorted { ($0.1, $0.0) < ($1.1, $1.0) }.map(\.0)
        return order == "timedesc" ? sorted.reversed() : sorted
    }

    private static let switches = ["deleteEnabled", "writeEnabled", "listEnabled", "readEnabled"]

    private static func attributes(_ facts: JSONText, isRepository: Bool = false) -> JSONText {
        let set = facts["changeableAttributes"]
        return .object(
            switches.map { ($0, .bool(set?[$0]?.flag ?? true)) } + (isRepository ? [("teleportEnabled", false)] : []))
    }

    private func change(_ path: String, _ facts: JSONText) async throws(RegistryFault) {
        let wanted: JSONText
        do throws(SluiceError) { wanted = try JSONText.parse(try await request.server.collect(limit: 64 << 10)) } catch
        {
            throw RegistryFault(400, "INVALID_REQUEST", "the attributes do not parse")
        }
        var set = facts["changeableAttributes"] ?? .object([])
        for key in RegistryCall.switches {
            if let value = wanted[key]?.flag { set = set.replacing(member: key, .bool(value)) }
        }
        try store.write(facts.replacing(member: "changeableAttributes", set), to: path)
    }
}
