import HTTPServer
import Support

extension DFSDialect {
    func update(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        switch call.query("action")?.lowercased() {
        case "append": return try await append(call)
        case "flush": return try flush(call)
        case "setproperties": return try setProperties(call)
        case "setaccesscontrol": return try setAccessControl(call)
        case "setaccesscontrolrecursive": return try setAccessControlRecursive(call)
        case nil: throw .missingQuery("action")
        case .some(let other): throw .invalidQuery("action", other)
        }
    }

    private func append(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        guard let position = try call.number(query: "position") else { throw .missingQuery("position") }
        let size = try call.bodySize(atMost: 4000 << 20)
        let flushes = try call.flag(query: "flush") ?? false
        let path = try call.path()
        // The lease is seen to first, so that it covers what is written.
        let (demand, action) = try call.appendLease()
        if let action, action.takes { _ = try engine.lease(path, action.first, .none) }
        let writer = try engine.pathWriter(
            path, demand, position: position, length: size, wantsMD5: call.wantsMD5(size: size),
            wantsCRC64: call.wantsCRC64(size: size))
        let found = try await call.store(in: writer)
        try engine.appendPath(path, demand, position: position, writer.extent)
        var headers = BlobDialect.checksums(found)
        if flushes {
            let entry = try engine.flushPath(path, demand, position: position + size, retains: false) {
                $0.headers.md5 = nil
            }
            headers.merge(StorageAnswer.stamp(entry.version))
        }
        if let action, let last = action.last, flushes { _ = try engine.lease(path, last, .none) }
        return ServerResponse(202, headers: headers)
    }

    private func flush(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        guard let position = try call.number(query: "position") else { throw .missingQuery("position") }
        if try call.bodySize(atMost: 4000 << 20) != 0 {
            throw StorageFault(400, "ContentLengthMustBeZero", "The Content-Length request header must be zero.")
        }
        _ = try call.flag(query: "close")
        let retains = try call.flag(query: "retainUncommittedData") ?? false
        let md5 = try call.header("x-ms-content-md5").map { (text) throws(StorageFault) in
            try StorageCall.checked(md5: text)
        }
        let path = try call.path()
        let (lease, action) = try call.appendLease()
        var demand = try call.demand()
        demand.lease = lease.lease
        if let action, action.takes { _ = try engine.lease(path, action.first, .none) }
        let entry = try engine.flushPath(path, demand, position: position, retains: retains) { entry in
            call.describe(&entry)
            entry.headers.md5 = md5
        }
        if let action, let last = action.last { _ = try engine.lease(path, last, .none) }
        var headers = StorageAnswer.stamp(entry.version)
        headers["x-ms-request-server-encrypted"] = "true"
        return ServerResponse(200, headers: headers)
    }

    private func setProperties(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let metadata = try call.properties()
        let md5 = try call.header("x-ms-content-md5").map { (text) throws(StorageFault) in
            try StorageCall.checked(md5: text)
        }
        let entry = try engine.changeEntry(try call.path(), try call.demand()) { entry in
            let isFolder = entry.isFolder && entry.kind != .directory
            call.describe(&entry)
            if let md5 { entry.headers.md5 = md5 }
            if let metadata { entry.metadata = metadata }
            if isFolder, !entry.isFolder { entry.metadata.append(Pair(name: "hdi_isfolder", value: "true")) }
        }
        return ServerResponse(200, headers: StorageAnswer.stamp(entry.version))
    }

    private func setAccessControl(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        let before = try entry(call)
        let access = try call.access(
            before: before.access ?? (before.kind == .directory ? .standard : .standardFile))
        let version: Int64
        if call.isRoot {
            version =
                try engine.changeContainer(call.containerPath, .none) { facts in
                    if let access { facts.access = access }
                }.version
        } else {
            version =
                try engine.changeEntry(try call.path(), try call.demand()) { entry in
                    if let access { entry.access = access }
                }.version
        }
        var headers = StorageAnswer.stamp(version)
        headers["x-ms-namespace-enabled"] = engine.isHierarchical(call.account) ? "true" : "false"
        return ServerResponse(200, headers: headers)
    }

    private func setAccessControlRecursive(_ call: StorageCall) throws(StorageFault) -> ServerResponse {
        guard let mode = call.query("mode") else { throw .missingQuery("mode") }
        guard ["set", "modify", "remove"].contains(mode) else { throw .invalidQuery("mode", mode) }
        guard let acl = call.header("x-ms-acl") else { throw .missingHeader("x-ms-acl") }
        if mode != "remove", AccessControl.list(acl) == nil { throw .invalidHeader("x-ms-acl", acl) }
        let name = call.isRoot ? BlobName("") : try call.path().name
        let (files, directories) = try engine.changeAccess(call.containerPath, below: name) { access in
            if mode == "set" { access.acl = acl } else { access.merge(acl, removes: mode == "remove") }
        }
        return .json([
            "directoriesSuccessful": .number(directories), "filesSuccessful": .number(files), "failureCount": 0,
            "failedEntries": [],
        ])
    }
}

/// What `x-ms-lease-action` of an append or a flush asks for.
private struct AppendLease {
    let first: LeaseAction
    let takes: Bool
    let last: LeaseAction?
}

extension StorageCall {
    /// The lease under which bytes are appended, and what is to be done with it.
    fileprivate func appendLease() throws(StorageFault) -> (Guard, AppendLease?) {
        guard let verb = header("x-ms-lease-action") else { return (Guard(lease: header("x-ms-lease-id")), nil) }
        switch verb.lowercased() {
        case "acquire", "acquire-release":
            let action = try leaseAction("acquire")
            guard case .acquire(let id, _) = action else { throw .invalidHeader("x-ms-lease-action", verb) }
            let last: LeaseAction? = verb.lowercased() == "acquire" ? nil : .release(id: id)
            return (Guard(lease: id), AppendLease(first: action, takes: true, last: last))
        case "auto-renew":
            let action = try leaseAction("renew")
            return (Guard(lease: header("x-ms-lease-id")), AppendLease(first: action, takes: true, last: nil))
        case "release":
            let action = try leaseAction("release")
            return (Guard(lease: header("x-ms-lease-id")), AppendLease(first: action, takes: false, last: action))
        default: throw .invalidHeader("x-ms-lease-action", verb)
        }
    }
}

extension StorageEngine {
    /// Changes who may do what with a path and everything below it.
    fileprivate func changeAccess(
        _ path: ContainerPath, below name: BlobName, _ body: (inout AccessControl) -> Void
    ) throws(StorageFault) -> (files: Int, directories: Int) {
        try change { (change) throws(StorageFault) in
            let id = try change.state.number(of: path)
            var (files, directories) = (0, 0)
            if name.text.isEmpty, var facts = change.state.containers[id]?.facts {
                var access = facts.access ?? .standard
                body(&access)
                facts.access = access
                directories += 1
                change.add(.setContainer(id: id, facts))
            } else if change.state.containers[id]?.entries[name] == nil {
                throw .pathNotFound
            }
            for found in (name.text.isEmpty ? [] : [name]) + change.state.namesBelow(name, in: id) {
                guard var entry = change.state.containers[id]?.entries[found] else { continue }
                var access = entry.access ?? (entry.isFolder ? .standard : .standardFile)
                body(&access)
                entry.access = access
                if entry.isFolder { directories += 1 } else { files += 1 }
                change.add(.setEntry(container: id, found, entry, endsStaging: false))
            }
            return (files, directories)
        }
    }
}
