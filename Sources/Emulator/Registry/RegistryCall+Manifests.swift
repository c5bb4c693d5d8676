import Azure
import HTTPServer
import Support

/// Manifests and tags, as the distribution specification has them.
extension RegistryCall {
    private static let largest = 4 << 20

    /// The hash of the manifest that a tag or digest names.
    func hex(of version: String, in name: String) throws(RegistryFault) -> String {
        let unknown = RegistryFault(
            404, "MANIFEST_UNKNOWN", "manifest tagged by \"\(version)\" is not found", detail: ["name": .string(name)])
        if version.contains(":") {
            let hex = try RegistryCall.hex(version)
            guard store.exists("\(folder(name))/manifests/\(hex)") else { throw unknown }
            return hex
        }
        guard RegistryCall.isTag(version), let tag = store.json("\(folder(name))/tags/\(version)"),
            let hex = tag["digest"]?.text?.dropFirst("sha256:".count)
        else { throw unknown }
        return String(hex)
    }

    static func isTag(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.first != "." && text.first != "-"
            && text.utf8.allSatisfy { byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || "._-".utf8.contains(byte)
            }
    }

    func manifest(_ name: String, _ version: String) throws(RegistryFault) -> ServerResponse {
        let hex = try hex(of: version, in: name)
        guard let facts = store.json("\(folder(name))/manifests/\(hex)"),
            let bytes = store.read(store.blob(account, hex))
        else { throw RegistryFault(404, "MANIFEST_UNKNOWN", "manifest unknown") }
        return ServerResponse(
            200,
            headers: [
                "Content-Type": facts["mediaType"]?.text ?? "application/json",
                "Docker-Content-Digest": "sha256:\(hex)", "Etag": "\"sha256:\(hex)\"",
            ], body: .bytes(Buffer(bytes)))
    }

    func putManifest(_ name: String, _ version: String) async throws(RegistryFault) -> ServerResponse {
        let bytes: Buffer
        do throws(SluiceError) { bytes = try await request.server.collect(limit: RegistryCall.largest) } catch {
            throw RegistryFault(
                error.code == .limitExceeded ? 413 : 400, "MANIFEST_INVALID", "manifest invalid: \(error.message)")
        }
        guard let json = try? JSONText.parse(bytes, depthLimit: 30), json.members != nil,
            let digest = try? Digest.of(bytes, .sha256)
        else { throw RegistryFault(400, "MANIFEST_INVALID", "manifest invalid") }
        let hex = RegistryStore.hex(digest)
        let blobs = ([json["config"]].compactMap { $0 } + (json["layers"]?.items ?? [])).compactMap {
            $0["digest"]?.text
        }
        for blob in blobs where !store.exists("\(folder(name))/blobs/\(try RegistryCall.hex(blob))") {
            throw RegistryFault(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", detail: .string(blob))
        }
        for child in (json["manifests"]?.items ?? []).compactMap({ $0["digest"]?.text })
        where !store.exists("\(folder(name))/manifests/\(try RegistryCall.hex(child))") {
            throw RegistryFault(400, "MANIFEST_UNKNOWN", "manifest unknown", detail: .string(child))
        }
        let isDigest = version.contains(":")
        if isDigest, try RegistryCall.hex(version) != hex {
            throw RegistryFault(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        }
        if !isDigest {
            guard RegistryCall.isTag(version) else {
                throw RegistryFault(400, "TAG_INVALID", "manifest tag did not match")
            }
            try writable("\(folder(name))/tags/\(version)")
        }
        try store.write(bytes.bytes, to: store.blob(account, hex))
        let type = request.server.headers["Content-Type"] ?? json["mediaType"]?.text ?? "application/json"
        let now = request.now.iso
        let path = "\(folder(name))/manifests/\(hex)"
        var facts =
            store.json(path) ?? [
                "createdTime": .string(now), "size": .number(bytes.count + RegistryCall.size(json)),
                "configMediaType": json["config"]?["mediaType"] ?? .null,
            ]
        facts = facts.replacing(member: "mediaType", .string(type)).replacing(member: "lastUpdateTime", .string(now))
        try store.write(facts, to: path)
        if !isDigest {
            let path = "\(folder(name))/tags/\(version)"
            var tag = store.json(path) ?? ["createdTime": .string(now)]
            tag = tag.replacing(member: "digest", .string("sha256:\(hex)")).replacing(
                member: "lastUpdateTime", .string(now))
            try store.write(tag, to: path)
        }
        if !store.exists("\(folder(name))/repository") {
            try store.write(["createdTime": .string(now)], to: "\(folder(name))/repository")
        }
        return ServerResponse(
            201,
            headers: ["Location": "/v2/\(name)/manifests/sha256:\(hex)", "Docker-Content-Digest": "sha256:\(hex)"])
    }

    private static func size(_ manifest: JSONText) -> Int {
        let sizes = (manifest["layers"]?.items ?? []).compactMap { $0["size"]?.integer }
        return ([manifest["config"]?["size"]?.integer ?? 0] + sizes).reduce(0) { $0 &+ $1 }
    }

    func deleteManifest(_ name: String, _ version: String) throws(RegistryFault) -> ServerResponse {
        guard version.contains(":") else {
            throw RegistryFault(400, "UNSUPPORTED", "a manifest is deleted by its digest")
        }
        let hex = try hex(of: version, in: name)
        try deletable("\(folder(name))/manifests/\(hex)")
        for tag in store.names("\(folder(name))/tags")
        where store.json("\(folder(name))/tags/\(tag)")?["digest"]?.text == version {
            store.remove("\(folder(name))/tags/\(tag)")
        }
        store.remove("\(folder(name))/manifests/\(hex)")
        return ServerResponse(202, headers: ["Docker-Content-Digest": version])
    }

    func tagList(_ name: String) throws(RegistryFault) -> ServerResponse {
        guard store.exists("\(folder(name))/repository") else { throw .unknownName(name) }
        let (page, next) = page(store.names("\(folder(name))/tags"))
        var response = ServerResponse.json(["name": .string(name), "tags": .array(page.map { .string($0) })])
        response.headers["Link"] = next.map { "</v2/\(name)/tags/list?\($0)>; rel=\"next\"" }
        return response
    }

    /// The part of a list that is asked for, and the query for the next one.
    func page(_ items: [String]) -> (items: [String], next: String?) {
        let count = request.server[query: "n"].flatMap { Int($0) }.map { min(max($0, 1), 1000) } ?? 100
        var rest = items[...]
        if let last = request.server[query: "last"], !last.isEmpty {
            if let place = items.firstIndex(of: last) {
                rest = items[(place + 1)...]
            } else {
                rest = items.drop { $0 <= last }
            }
        }
        let page = Array(rest.prefix(count))
        guard rest.count > count, let last = page.last else { return (page, nil) }
        let order = request.server[query: "orderby"].map { "&orderby=\($0.percentEncoded)" } ?? ""
        return (page, "last=\(last.percentEncoded)&n=\(count)\(order)")
    }

    func writable(_ path: String) throws(RegistryFault) {
        if store.json(path)?["changeableAttributes"]?["writeEnabled"]?.flag == false { throw RegistryCall.locked }
    }

    func deletable(_ path: String) throws(RegistryFault) {
        if store.json(path)?["changeableAttributes"]?["deleteEnabled"]?.flag == false { throw RegistryCall.locked }
    }

    private static let locked = RegistryFault(
        405, "UNSUPPORTED", "The operation is disallowed on this registry, repository or image.")
}

extension JSONText {
    /// This object with a member of this value.
    func replacing(member key: String, _ value: JSONText) -> JSONText {
        var members = members ?? []
        members.removeAll { $0.key == key }
        members.append((key, value))
        return .object(members)
    }
}
