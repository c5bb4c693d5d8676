import Azure
import Foundation
import HTTPServer
import Storage
import Support
import Synchronization
import Testing
import Transport

@testable import Emulator
@testable import Stores

/// A storage account in this process: the emulator's dialects behind a real server, with faults as a test wants them.
final class Lab: HTTPHandler, Sendable {
    static let shared: Lab = {
        do { return try Lab() } catch { preconditionFailure("\(error)") }
    }()

    /// What goes wrong with a request.
    enum Fault: Sendable {
        /// The answer has this status, and nothing is done.
        case status(Int)
        /// The connection ends after so many bytes of the answer's body.
        case cut(Int)
        /// The work is done, and the answer gets lost.
        case lost
        /// One byte of the answer's body is another.
        case damage
    }

    struct Rule: Sendable {
        var container: String
        var method: String
        var query: String
        var fault: Fault
        var times: Int
    }

    let engine: StorageEngine
    private let folder = NSTemporaryDirectory() + "sluice-lab-\(UInt64.random(in: .min ... .max))"
    private let rules = Mutex<[Rule]>([])
    private let seen = Mutex<[String]>([])
    private let server = Mutex<HTTPServer?>(nil)

    private init() throws {
        engine = try StorageEngine(folder: folder, isHierarchical: { $0.hasPrefix("lake") })
        let server = HTTPServer(handler: self)
        try server.start()
        self.server.withLock { $0 = server }
        // What is left of the folder goes with the system's other temporary files.
    }

    var port: Int { server.withLock { $0?.port ?? 0 } }

    /// The key of an account.
    static func key(of account: String) -> String { Base64.encode(Array("the key of \(account) in tests".utf8)) }

    /// Lets something go wrong the next times that it is asked for.
    func fault(_ fault: Fault, _ method: String, in container: String, query: String = "", times: Int = 1) {
        rules.withLock {
            $0.append(Rule(container: container, method: method, query: query, fault: fault, times: times))
        }
    }

    /// What was asked for in a container: method and query.
    func requests(in container: String) -> [String] {
        seen.withLock { $0.filter { $0.contains("/\(container)") } }
    }

    func respond(to request: ServerRequest) async -> ServerResponse {
        let labels = request.host.split(separator: ".")
        guard labels.count > 2, let account = labels.first.map(String.init) else { return ServerResponse(400) }
        let call: StorageCall
        do throws(StorageFault) {
            call = try StorageCall(
                request, account: account, path: request.path, baseURL: "https://\(request.host)", now: .now,
                id: "test")
        } catch {
            return ServerResponse(error.status, headers: ["x-ms-error-code": error.code])
        }
        seen.withLock { $0.append("\(request.method) \(request.path)?\(request.rawQuery)") }
        if let refusal = refusal(request, account) { return refusal }
        let fault = rules.withLock { rules -> Fault? in
            guard
                let index = rules.firstIndex(where: {
                    $0.times > 0 && $0.container == call.container && $0.method == request.method
                        && ($0.query.isEmpty || request.rawQuery.contains($0.query))
                })
            else { return nil }
            rules[index].times -= 1
            return rules[index].fault
        }
        if case .status(let status) = fault { return ServerResponse(status) }
        var answer =
            labels[1] == "dfs"
            ? await DFSDialect(engine: engine).respond(to: call) : await BlobDialect(engine: engine).respond(to: call)
        switch fault {
        case .lost: return .lost
        case .cut(let count): answer.cut = count
        case .damage:
            if case .bytes(let bytes) = answer.body {
                var copy = bytes.bytes
                if !copy.isEmpty { copy[copy.count / 2] ^= 1 }
                answer.body = .bytes(Buffer(copy))
            } else {
                answer.headers["x-ms-content-crc64"] = Base64.encode([1, 2, 3, 4, 5, 6, 7, 8])
                answer.headers["Content-MD5"] = Base64.encode([UInt8](repeating: 7, count: 16))
            }
        case .status, nil: break
        }
        return answer
    }

    /// The signature is what the account's key makes of the request, or nothing is done.
    private func refusal(_ request: ServerRequest, _ account: String) -> ServerResponse? {
        let refused = ServerResponse(403, headers: ["x-ms-error-code": "AuthenticationFailed"])
        guard let header = request.headers["Authorization"], let found = SharedKey.parse(authorization: header),
            let key = try? StorageAccountKey(account: account, key: Lab.key(of: account))
        else { return refused }
        let text = SharedKey.stringToSign(
            method: request.method, account: account, path: request.path,
            query: request.rawQuery.isEmpty ? nil : request.rawQuery, headers: request.headers)
        return (try? key.isSignature(found.signature, of: text)) == true ? nil : refused
    }

    /// Stores that use `account` of this lab, and wait for little.
    func stores(_ account: String, key: String? = nil, options: StoreOptions = .small) throws -> Stores {
        let settings = try AzureSettings(environment: ["SLUICE_AZURE_EMULATOR": "http://127.0.0.1:\(port)"])
        var http = settings.httpOptions
        http.retry.base = .milliseconds(5)
        return try Stores(
            environment: ["AZURE_STORAGE_ACCOUNT": account, "AZURE_STORAGE_KEY": key ?? Lab.key(of: account)],
            settings: settings, options: options, client: AzureClient(settings, http: HTTPClient(http)))
    }

    /// A container of a test's own, and its URL.
    func container(_ account: String, _ dialect: String) async throws -> (name: String, url: String) {
        let name = "test-" + String(UInt64.random(in: .min ... .max), radix: 36)
        let url =
            dialect == "dfs"
            ? "abfss://\(name)@\(account).dfs.core.windows.net" : "https://\(account).blob.core.windows.net/\(name)"
        let stores = try stores(account)
        try await stores.makeContainer(try stores.place(url))
        return (name, url)
    }
}

/// The kinds of stores that there are.
enum StoreKind: String, CaseIterable, Sendable {
    case folder
    case blobFlat
    case blobHierarchical
    case dfsFlat
    case dfsHierarchical

    static let remote = allCases.filter { $0 != .folder }

    var account: String { self == .blobFlat || self == .dfsFlat ? "flat1" : "lake1" }
    var dialect: String { self == .dfsFlat || self == .dfsHierarchical ? "dfs" : "blob" }

    /// An empty store of this kind. Of a container it is a folder in it, so that paths are not taken for the container's.
    func make() async throws -> any ObjectStore {
        if self == .folder { return ScratchStore() }
        let container = try await Lab.shared.container(account, dialect)
        return try Lab.shared.stores(account).store(container.url + "/some/where")
    }

    /// The same with the container's name, for faults.
    func makeNamed() async throws -> (store: any ObjectStore, container: String) {
        let (name, url) = try await Lab.shared.container(account, dialect)
        return (try Lab.shared.stores(account).store(url), name)
    }

    /// Puts something small there, the quickest way.
    func seed(_ store: any ObjectStore, _ path: String) async throws {
        let container: (String, StoreRoot)
        switch store {
        case let store as AzureBlobStore: container = (store.client.container, store.root)
        case let store as AzurePathStore: container = (store.client.container, store.root)
        default: return try await store.write("", to: path)
        }
        let name = BlobPath(
            account: account, container: container.0, name: BlobName(try container.1.full(path)))
        _ = try Lab.shared.engine.put(name, .none, kind: .block) { _ in }
    }
}

/// A folder that goes with the last who uses it.
private struct ScratchStore: ObjectStore {
    let folder = Scratch()
    var base: FolderStore { FolderStore(folder.path + "/some/where") }

    init() { try? Storage.makeFolders(folder.path + "/some/where") }

    var name: String { base.name }
    func entries(_ folder: String, recursive: Bool) async throws(SluiceError) -> any ObjectListing {
        try await base.entries(folder, recursive: recursive)
    }
    func facts(_ path: String) async throws(SluiceError) -> ObjectEntry? { try await base.facts(path) }
    func open(_ path: String) async throws(SluiceError) -> any StoredObject { try await base.open(path) }
    func create(_ path: String, _ condition: WriteCondition) async throws(SluiceError) -> any ByteSink {
        try await base.create(path, condition)
    }
    func put(_ path: String, _ contents: Buffer, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        try await base.put(path, contents, condition)
    }
    func remove(_ path: String) async throws(SluiceError) { try await base.remove(path) }
    func move(_ from: String, to target: String, _ condition: WriteCondition) async throws(SluiceError) -> Bool {
        try await base.move(from, to: target, condition)
    }
    func lease(_ path: String, seconds: Int) async throws(SluiceError) -> (any ObjectLease)? {
        try await base.lease(path, seconds: seconds)
    }
}

/// Names that no well-behaved client gives to blobs.
enum BlobNaming {
    static func path(_ account: String, _ container: String, _ name: String) -> BlobPath {
        BlobPath(account: account, container: container, name: BlobName(name))
    }

    static func put(_ path: BlobPath) throws { _ = try Lab.shared.engine.put(path, .none, kind: .block) { _ in } }
}

extension StoreOptions {
    /// A sixteenth of what is usual, so that a test of many blocks takes little time.
    static var small: StoreOptions {
        var options = StoreOptions()
        options.blockSize = 512 << 10
        options.rangeSize = 256 << 10
        options.writeMemory = 2 << 20
        options.readMemory = 2 << 20
        return options
    }
}

extension StoreCopy {
    /// A copy that goes on from small sizes already.
    static func small(from source: any ObjectStore, to target: any ObjectStore) -> StoreCopy {
        var copy = StoreCopy(from: source, to: target)
        copy.resumesFrom = 2 << 20
        copy.pieceSize = 512 << 10
        return copy
    }
}
