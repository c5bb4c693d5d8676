import HTTPServer
import Support

/// Blob and Data Lake, which see the same accounts, containers and contents.
enum StorageServices {
    /// Opens what earlier runs left in `folder`.
    static func open(
        folder: String, hierarchical: [String]
    ) throws(SluiceError) -> [any EmulatedService] {
        let accounts = Set(hierarchical + [OneLake.account])
        let engine = try StorageEngine(folder: folder, isHierarchical: { accounts.contains($0) })
        return [DataLakeService(engine: engine), BlobService(engine: engine)]
    }
}

/// The Blob service.
struct BlobService: EmulatedService {
    let engine: StorageEngine

    let name = "blob"

    func accepts(_ request: EmulatedRequest) -> Bool {
        request.endpoint == .blob || (request.endpoint == .storage && !DFSDialect.accepts(request.server))
    }

    /// Whether anybody may read this, because the container's owner said so.
    func isPublic(_ request: EmulatedRequest) async -> Bool {
        guard request.server.method == "GET" || request.server.method == "HEAD",
            let call = try? StorageCall(request), !call.container.isEmpty,
            let access = try? engine.container(call.containerPath).publicAccess
        else { return false }
        if !call.name.isEmpty { return call.query("comp") == nil }
        return access == "container" && call.query("restype") == "container"
    }

    func storedPolicy(_ id: String, for request: EmulatedRequest) async -> StoredPolicy? {
        engine.storedPolicy(id, for: request)
    }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        let dialect = BlobDialect(engine: engine)
        do throws(StorageFault) {
            let call = try StorageCall(request)
            if let lake = try OneLake(call, isDFS: false, engine) {
                return lake.finish(await dialect.respond(to: lake.call))
            }
            return await dialect.respond(to: call)
        } catch {
            return BlobDialect.fault(
                error, isHead: request.server.method == "HEAD", at: request.now, requestID: request.id)
        }
    }
}

/// The Data Lake service (DFS).
struct DataLakeService: EmulatedService {
    let engine: StorageEngine

    let name = "dfs"

    func accepts(_ request: EmulatedRequest) -> Bool {
        request.endpoint == .dfs || (request.endpoint == .storage && DFSDialect.accepts(request.server))
    }

    func storedPolicy(_ id: String, for request: EmulatedRequest) async -> StoredPolicy? {
        engine.storedPolicy(id, for: request)
    }

    func respond(to request: EmulatedRequest) async -> ServerResponse {
        let dialect = DFSDialect(engine: engine)
        do throws(StorageFault) {
            let call = try StorageCall(request)
            if let lake = try OneLake(call, isDFS: true, engine) {
                return lake.finish(await dialect.respond(to: lake.call))
            }
            return await dialect.respond(to: call)
        } catch {
            return DFSDialect.fault(
                error, isHead: request.server.method == "HEAD", at: request.now, requestID: request.id)
        }
    }

    func close() async { await engine.stop() }
}

extension StorageEngine {
    /// The policy `id` of the container that a request is about.
    fileprivate func storedPolicy(_ id: String, for request: EmulatedRequest) -> StoredPolicy? {
        guard let call = try? StorageCall(request), !call.container.isEmpty,
            let facts = try? self.container(call.containerPath, .none)
        else { return nil }
        return facts.policies.first { $0.id == id }
    }
}

extension StorageCall {
    init(_ request: EmulatedRequest) throws(StorageFault) {
        try self.init(
            request.server, account: request.account, path: request.path, baseURL: request.baseURL, now: request.now,
            id: request.id)
    }
}
