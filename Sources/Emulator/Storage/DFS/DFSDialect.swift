import HTTPServer
import Support

/// The Data Lake service (DFS): what its calls are, and which part of this folder does them.
struct DFSDialect: Sendable {
    let engine: StorageEngine

    /// Whether a request that came to an address of both dialects is for this one.
    static func accepts(_ request: ServerRequest) -> Bool {
        if request.method == "PATCH" { return true }
        if request.headers["x-ms-rename-source"] != nil { return true }
        if request.method == "POST", request.headers["x-ms-lease-action"] != nil { return true }
        return request.query.contains { item in
            ["resource", "action", "mode", "recursive"].contains(item.name.lowercased()) && !item.value.isEmpty
        }
    }

    /// The answer to a call, faults as the service words them.
    func respond(to call: StorageCall) async -> ServerResponse {
        do {
            return try await answer(call)
        } catch {
            return Self.fault(error, isHead: call.method == "HEAD", at: call.now, requestID: call.id)
        }
    }

    private func answer(_ call: StorageCall) async throws(StorageFault) -> ServerResponse {
        if call.container.isEmpty {
            guard call.method == "GET", call.query("resource") == "account" else {
                throw StorageFault(400, "InvalidUri", "The URI names neither a filesystem nor resource=account.")
            }
            return try listFilesystems(call)
        }
        if call.query("resource") == "filesystem" { return try filesystem(call) }
        if call.query("comp") == "expiry" || call.query("comp") == "undelete" {
            throw .absent("Expiry and soft delete")
        }
        switch call.method {
        case "PUT":
            return call.header("x-ms-rename-source") != nil ? try rename(call) : try create(call)
        case "PATCH": return try await update(call)
        case "GET": return try await read(call)
        case "HEAD": return try status(call)
        case "DELETE": return try delete(call)
        case "POST": return try lease(call)
        default:
            throw StorageFault(405, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb.")
        }
    }

    /// An error as the service words it: JSON, and a header with its code.
    static func fault(_ fault: StorageFault, isHead: Bool, at now: Moment, requestID: String) -> ServerResponse {
        let (code, message) = names[fault.code] ?? (fault.code, fault.message)
        let headers: HTTPHeaders = ["x-ms-error-code": code]
        if isHead || fault.status == 304 { return ServerResponse(fault.status, headers: headers) }
        var text = message
        for detail in fault.details { text += "\n\(detail.name): \(detail.value)" }
        return .json(
            ["error": ["code": .string(code), "message": .string("\(text)\nRequestId:\(requestID)\nTime:\(now.iso)")]],
            status: fault.status, headers: headers)
    }

    /// What this dialect calls what the other one calls something else.
    private static let names: [String: (String, String)] = [
        "ContainerNotFound": ("FilesystemNotFound", "The specified filesystem does not exist."),
        "ContainerAlreadyExists": ("FilesystemAlreadyExists", "The specified filesystem already exists."),
        "BlobNotFound": ("PathNotFound", "The specified path does not exist."),
        "BlobAlreadyExists": ("PathAlreadyExists", "The specified path already exists."),
        "ResourceTypeMismatch": (StorageFault.pathConflict.code, StorageFault.pathConflict.message),
        "DirectoryIsNotEmpty": (StorageFault.directoryNotEmpty.code, StorageFault.directoryNotEmpty.message),
    ]
}

extension StorageCall {
    /// The file or directory that is meant.
    func path() throws(StorageFault) -> BlobPath {
        BlobPath(account: account, container: container, name: try PathName.checked(name))
    }

    /// Whether the root directory is meant.
    var isRoot: Bool { name.allSatisfy { $0 == "/" } }

    /// The metadata in `x-ms-properties`: `name=base64,…`; nil when the header was not sent.
    func properties() throws(StorageFault) -> [Pair]? {
        guard let text = server.headers["x-ms-properties"] else { return nil }
        var found: [Pair] = []
        for item in text.split(separator: ",") {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].drop { $0 == " " }
            guard parts.count == 2, !name.isEmpty, let value = Base64.decode(String(parts[1])) else {
                throw .invalidHeader("x-ms-properties", text)
            }
            try Self.check(metadata: String(name))
            found.append(Pair(name: String(name), value: String(decoding: value, as: UTF8.self)))
        }
        return found
    }

    /// Puts the content headers that were sent in the place of those that are stored.
    func describe(_ entry: inout Entry) {
        if let type = header("x-ms-content-type") { entry.headers.type = type }
        if let encoding = header("x-ms-content-encoding") { entry.headers.encoding = encoding }
        if let language = header("x-ms-content-language") { entry.headers.language = language }
        if let disposition = header("x-ms-content-disposition") { entry.headers.disposition = disposition }
        if let control = header("x-ms-cache-control") { entry.headers.cacheControl = control }
    }
}

extension Entry {
    /// The metadata as `x-ms-properties` has it; the mark of a folder is the store's own affair.
    var properties: String {
        metadata.filter { $0.name.lowercased() != "hdi_isfolder" }
            .map { "\($0.name)=\(Base64.encode(Array($0.value.utf8)))" }.joined(separator: ",")
    }
}
