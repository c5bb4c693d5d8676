import HTTPServer
import Support

extension DFSDialect {
    func filesystem(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let isHierarchical = engine.isHierarchical(call.account) ? "true" : "false"
        switch call.method {
        case "PUT":
            try ContainerName.check(call.container)
            let facts = try engine.createContainer(
                call.containerPath, metadata: try call.properties() ?? [], publicAccess: nil)
            var headers = StorageAnswer.stamp(facts.version)
            headers["x-ms-namespace-enabled"] = isHierarchical
            return ServerResponse(201, headers: headers)
        case "HEAD":
            let facts = try engine.container(call.containerPath)
            var headers = StorageAnswer.stamp(facts.version)
            headers["x-ms-namespace-enabled"] = isHierarchical
            headers["x-ms-properties"] =
                facts.metadata.map { "\($0.name)=\(Base64.encode(Array($0.value.utf8)))" }.joined(separator: ",")
            return ServerResponse(200, headers: headers)
        case "PATCH":
            let metadata = try call.properties() ?? []
            let facts = try engine.changeContainer(call.containerPath, try call.demand()) { $0.metadata = metadata }
            return ServerResponse(200, headers: StorageAnswer.stamp(facts.version))
        case "DELETE":
            try engine.deleteContainer(call.containerPath, try call.demand())
            return ServerResponse(202)
        case "GET": return try listPaths(call)
        default:
            throw StorageFault(405, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb.")
        }
    }

    func listFilesystems(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let page = try engine.listContainers(
            account: call.account, prefix: call.query("prefix") ?? "",
            from: try Marker.name(call.query("continuation"), "continuation"), limit: try call.pageSize("maxResults"))
        let items = page.containers.map { facts -> JSONText in
            [
                "name": .string(facts.name), "lastModified": .string(Version.moment(facts.version).httpDate),
                "eTag": .string("\"\(facts.etag)\""),
            ]
        }
        var headers = HTTPHeaders()
        headers["x-ms-continuation"] = page.next.map(Marker.text)
        return .json(["filesystems": .array(items)], headers: headers)
    }

    private func listPaths(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        guard let isRecursive = try call.flag(query: "recursive") else { throw .missingQuery("recursive") }
        let folder = call.query("directory") ?? ""
        let directory = folder.allSatisfy { $0 == "/" } ? "" : try PathName.checked(folder).text
        let page = try engine.listPaths(
            call.containerPath, directory: directory, isRecursive: isRecursive,
            from: try Marker.name(call.query("continuation"), "continuation"), limit: try call.pageSize("maxResults"))
        var headers = HTTPHeaders()
        headers["x-ms-continuation"] = page.next.map(Marker.text)
        let facts = try engine.container(call.containerPath)
        headers.merge(StorageAnswer.stamp(facts.version))
        headers["x-ms-namespace-enabled"] = engine.isHierarchical(call.account) ? "true" : "false"
        // The service writes everything as text.
        let paths = page.paths.map { path -> JSONText in
            let access = path.entry?.access ?? (path.isDirectory ? .standard : .standardFile)
            let version = path.entry?.version ?? facts.version
            return .members([
                "contentLength": .string(String(path.entry?.size ?? 0)),
                "creationTime": .string(String((path.entry?.created ?? version) - Version.fileTimeEpoch)),
                "etag": .string(Version.etag(version)), "group": .string(access.group),
                "isDirectory": path.isDirectory ? .string("true") : nil,
                "lastModified": .string(Version.moment(version).httpDate), "name": .string(path.name.text),
                "owner": .string(access.owner), "permissions": .string(access.permissions),
            ])
        }
        return .json(["paths": .array(paths)], headers: headers)
    }
}
