import HTTPServer
import Support

/// The flavour of storage that Fabric's OneLake is: an account whose containers are workspaces and whose upper folders
/// are items, which are not made, renamed or deleted here.
///
/// There is no Fabric beside the emulator to make workspaces and items, so that they come to be with what is first written
/// below them.
struct OneLake: Sendable {
    static let account = "onelake"

    /// The call without what OneLake does not take.
    let call: StorageCall
    private let rejected: [String]

    /// Headers that are ignored, and said to be.
    private static let unsupported: Set<String> = [
        "x-ms-owner", "x-ms-group", "x-ms-permissions", "x-ms-acl", "x-ms-acls", "x-ms-encryption-key",
        "x-ms-encryption-algorithm", "x-ms-encryption-key-sha256", "x-ms-access-tier",
    ]

    /// Nil for calls to other accounts.
    init?(_ call: StorageCall, isDFS: Bool, _ engine: StorageEngine) throws(StorageFault) {
        guard call.account == Self.account else { return nil }
        if let action = call.query("action"), action.lowercased().hasPrefix("setaccesscontrol") {
            throw StorageFault(
                400, "UnsupportedQueryParameter",
                "One of the query parameters specified in the request URI is not supported: action=\(action).")
        }
        var server = call.server
        var headers = HTTPHeaders()
        var rejected: [String] = []
        for (name, value) in server.headers {
            if Self.unsupported.contains(name.lowercased()) {
                rejected.append(name.lowercased())
            } else {
                headers.add(name, value)
            }
        }
        server.headers = headers
        self.call = call.with(server)
        self.rejected = rejected
        let parts = call.name.split(separator: "/").map(String.init)
        try Self.checkNames(workspace: call.container, item: parts.first)
        let isReading = call.method == "GET" || call.method == "HEAD"
        if isReading { return }
        if call.container.isEmpty || parts.count < 3 { throw Self.managed }
        if let source = call.header("x-ms-rename-source") {
            let path = source.prefix { $0 != "?" }.split(separator: "/")
            if path.count < 4 { throw Self.managed }
        }
        try engine.makeManaged(call.container, item: parts[0], top: parts[1])
    }

    private static let managed = StorageFault(
        403, "OperationNotAllowedOnManagedPath",
        "Workspaces, items and the first folder in an item are managed by Fabric: create, rename or delete them there. Below them everything may be written."
    )

    private static func checkNames(workspace: String, item: String?) throws(StorageFault) {
        guard let item else { return }
        let (first, second) = (isGUID(workspace), isGUID(item))
        if first != second || (!second && !item.contains(".")) {
            throw StorageFault(
                400, "InvalidUri",
                "Workspace and item are both named by their GUIDs, or both by their names, the item's with its type: '\(workspace.prefix(80))/\(item.prefix(80))'."
            )
        }
    }

    private static func isGUID(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
        return parts == [8, 4, 4, 4, 12] && text.allSatisfy { $0 == "-" || $0.isHexDigit }
    }

    /// The answer as OneLake gives it: what it ignored is listed, and nobody but it owns anything.
    func finish(_ response: ServerResponse) -> ServerResponse {
        var response = response
        if !rejected.isEmpty { response.headers["x-ms-rejected-headers"] = rejected.joined(separator: ",") }
        if response.headers["x-ms-owner"] != nil {
            response.headers["x-ms-owner"] = "$superuser"
            response.headers["x-ms-group"] = "$superuser"
            response.headers["x-ms-permissions"] = "---------"
            response.headers["x-ms-acl"] = "user::rwx,group::---,other::---"
        }
        return response
    }
}

extension StorageEngine {
    /// Makes a workspace, an item and its first folder when they are not there.
    fileprivate func makeManaged(_ workspace: String, item: String, top: String) throws(StorageFault) {
        let path = ContainerPath(account: OneLake.account, container: workspace)
        do throws(StorageFault) { _ = try createContainer(path, metadata: [], publicAccess: nil) } catch {
            if error.code != StorageFault.containerExists.code { throw error }
        }
        let folder = BlobPath(account: OneLake.account, container: workspace, name: BlobName("\(item)/\(top)"))
        do throws(StorageFault) {
            let createOnly = Guard(conditions: Conditions(noneMatches: ["*"]))
            _ = try createPath(folder, isDirectory: true, createOnly) { _ in }
        } catch {
            if error.code != StorageFault.blobExists.code { throw error }
        }
    }
}
