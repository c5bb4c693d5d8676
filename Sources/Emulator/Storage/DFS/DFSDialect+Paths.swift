import HTTPServer
import Support

extension DFSDialect {
    func create(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let isDirectory: Bool
        switch call.query("resource") {
        case "file": isDirectory = false
        case "directory": isDirectory = true
        case nil: throw .missingQuery("resource")
        case .some(let other): throw .invalidQuery("resource", other)
        }
        if try call.bodySize(atMost: 5000 << 20) != 0 {
            throw StorageFault(400, "ContentLengthMustBeZero", "The Content-Length request header must be zero.")
        }
        let metadata = try call.properties() ?? []
        let access = try call.access(before: isDirectory ? .standard : .standardFile)
        let lease = call.header("x-ms-lease-duration") == nil ? nil : try call.leaseAction("acquire")
        let path = try call.path()
        let entry = try engine.createPath(path, isDirectory: isDirectory, try call.demand()) { entry in
            call.describe(&entry)
            entry.metadata = metadata
            entry.access = access
        }
        if let lease { _ = try engine.lease(path, lease, .none) }
        var headers = StorageAnswer.stamp(entry.version)
        headers["x-ms-request-server-encrypted"] = "true"
        if case .acquire(let id, _) = lease { headers["x-ms-lease-id"] = id }
        return ServerResponse(201, headers: headers)
    }

    func rename(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        if let resource = call.query("resource") {
            throw StorageFault(
                400, "UnsupportedHeader",
                "One of the HTTP headers specified in the request is not supported: x-ms-rename-source with resource=\(resource)."
            )
        }
        if let mode = call.query("mode"), !["legacy", "posix"].contains(mode) { throw .invalidQuery("mode", mode) }
        let source = try call.renameSource()
        let entry = try engine.rename(source, try call.sourceDemand(), to: try call.path(), try call.demand())
        var headers = StorageAnswer.stamp(entry.version)
        headers["x-ms-request-server-encrypted"] = "true"
        return ServerResponse(201, headers: headers)
    }

    func delete(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        if call.isRoot { throw StorageFault(400, "InvalidUri", "The root directory cannot be deleted.") }
        try engine.deletePath(
            try call.path(), try call.demand(), isRecursive: try call.flag(query: "recursive"))
        return ServerResponse(200, headers: ["x-ms-delete-type-permanent": "true"])
    }

    func lease(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        guard let verb = call.header("x-ms-lease-action") else { throw .missingHeader("x-ms-lease-action") }
        let action = try call.leaseAction(verb)
        let (entry, left) = try engine.lease(try call.path(), action, try call.conditions(prefix: ""))
        return BlobDialect.leaseAnswer(action, entry.lease, StorageAnswer.stamp(entry.version), left)
    }

    func read(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        let found = try engine.find(try call.path(), try call.demand())
        if found.entry.isFolder { throw .pathConflict }
        return try await call.read(engine, found, headers: headers(found.entry, call))
    }

    func status(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let action = call.query("action")
        guard action == nil || ["getstatus", "getaccesscontrol", "checkaccess"].contains(action?.lowercased()) else {
            throw .invalidQuery("action", action ?? "")
        }
        let entry = try entry(call)
        var answer = StorageAnswer.stamp(entry.version)
        switch action?.lowercased() {
        case "checkaccess": break
        case "getaccesscontrol": answer.merge(entry.accessHeaders)
        case "getstatus":
            answer = headers(entry, call)
            answer["x-ms-properties"] = nil
            answer["Content-Length"] = String(entry.size)
        default:
            answer = headers(entry, call)
            answer["Accept-Ranges"] = "bytes"
            answer["Content-Length"] = String(entry.size)
            answer["Content-MD5"] = entry.headers.md5
        }
        return ServerResponse(200, headers: answer)
    }

    /// A path's facts, or those of the root directory.
    func entry(_ call: StorageCall) throws(StorageFault) -> Entry {
        if !call.isRoot { return try engine.findPath(try call.path(), try call.demand()) }
        let facts = try engine.container(call.containerPath)
        var root = Entry(kind: .directory, version: facts.version)
        root.access = facts.access
        return root
    }

    private func headers(_ entry: Entry, _ call: StorageCall) -> HTTPHeaders {
        var headers = StorageAnswer.stamp(entry.version)
        headers.merge(call.contentHeaders(entry))
        headers["x-ms-resource-type"] = entry.isFolder ? "directory" : "file"
        headers["x-ms-properties"] = entry.properties
        headers["x-ms-creation-time"] = Version.moment(entry.created).httpDate
        headers["x-ms-server-encrypted"] = "true"
        headers.merge(StorageAnswer.lease(entry.lease, at: call.now.microseconds))
        headers.merge(entry.accessHeaders)
        return headers
    }
}

extension StorageCall {
    /// What `x-ms-rename-source` names: `/filesystem/path`, percent-encoded, perhaps with a signature behind it.
    fileprivate func renameSource() throws(StorageFault) -> BlobPath {
        let text = header("x-ms-rename-source") ?? ""
        let parts = text.prefix { $0 != "?" }.drop { $0 == "/" }
            .split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map { String($0).percentDecoded() }
        guard parts.count == 2, let container = parts[0], let name = parts[1], !container.isEmpty else {
            throw StorageFault(400, "InvalidSourceUri", "The source URI is invalid.")
        }
        return BlobPath(account: account, container: container, name: try PathName.checked(name))
    }

    /// Whose the headers say the path is to be; nil when they say nothing.
    func access(before: AccessControl) throws(StorageFault) -> AccessControl? {
        var access = before
        if let owner = header("x-ms-owner") { access.owner = owner }
        if let group = header("x-ms-group") { access.group = group }
        if let text = header("x-ms-permissions") {
            guard let acl = AccessControl.list(permissions: text) else {
                throw .invalidHeader("x-ms-permissions", text)
            }
            access.acl = acl
        }
        if let text = header("x-ms-acl") {
            guard let acl = AccessControl.list(text) else { throw .invalidHeader("x-ms-acl", text) }
            access.acl = acl
        }
        return access == before ? nil : access
    }
}

extension StorageEngine {
    /// A path's facts; a directory that only names imply has those of a new one.
    func findPath(_ path: BlobPath, _ demand: Guard) throws(StorageFault) -> Entry {
        let now = now()
        return try look { (state) throws(StorageFault) in
            let id = try state.number(of: path.parent)
            if state.containers[id]?.entries[path.name] == nil, state.hasBelow(path.name, in: id),
                let version = state.containers[id]?.facts.version
            {
                return Entry(kind: .directory, version: version)
            }
            return try state.entry(path, demand, isRead: true, now: now).entry
        }
    }
}
