import HTTPServer
import Support

/// One call to a vault, by somebody who may.
struct VaultCall: Sendable {
    let store: VaultStore
    let request: EmulatedRequest

    private static let recoverableDays = 90
    private static let longestValue = 25_600

    /// Whether a secret can have this name.
    static func isName(_ text: String) -> Bool {
        (1...127).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0
                    || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || $0 == UInt8(ascii: "-")
            }
    }

    private var vault: String { request.account.lowercased() }

    /// The database's own failures are the emulator's.
    private func asked<Answer>(
        _ body: () async throws(SluiceError) -> Answer
    ) async throws(VaultFault) -> Answer {
        do throws(SluiceError) { return try await body() } catch {
            throw VaultFault(500, "InternalServerError", error.description)
        }
    }

    private func found(_ name: String, _ version: String?) async throws(VaultFault) -> VaultStore.Version {
        let found = try await asked { () async throws(SluiceError) in
            try await store.find(vault, name, version: version)
        }
        guard let found else { throw .notFound(version.map { "\(name)/\($0)" } ?? name) }
        return found
    }

    // MARK: Secrets

    func get(_ name: String, version: String?) async throws(VaultFault) -> ServerResponse {
        let found = try await found(name, version)
        guard found.isEnabled else {
            throw VaultFault(
                403, "Forbidden", "Operation get is not allowed on a disabled secret.", inner: "SecretDisabled")
        }
        return .json(bundle(found))
    }

    func set(_ name: String) async throws(VaultFault) -> ServerResponse {
        let body = try await body()
        guard let value = body["value"]?.text else { throw .parameter("Property value is invalid: it is missing.") }
        guard value.utf8.count <= Self.longestValue else {
            throw .parameter("The secret's value is longer than \(Self.longestValue) bytes.")
        }
        let id = ServiceErrors.newID().replacing("-", with: "")
        var version = VaultStore.Version(
            name: name, version: id, value: value, contentType: nil, tags: nil, isEnabled: true, begins: nil, ends: nil,
            created: request.now.seconds, updated: request.now.seconds, deleted: nil)
        try apply(body, to: &version)
        let new = version
        let isAdded = try await asked { () async throws(SluiceError) in try await store.add(vault, new) }
        guard isAdded else {
            throw VaultFault(
                409, "Conflict",
                "Secret \(name) is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.",
                inner: "ObjectIsDeletedButRecoverable")
        }
        return .json(bundle(try await found(name, id)))
    }

    func update(_ name: String, version: String?) async throws(VaultFault) -> ServerResponse {
        let body = try await body()
        let old = try await found(name, version)
        var changed = VaultStore.Version(
            name: old.name, version: old.version, value: old.value, contentType: old.contentType, tags: old.tags,
            isEnabled: old.isEnabled, begins: old.begins, ends: old.ends, created: old.created,
            updated: request.now.seconds, deleted: nil)
        try apply(body, to: &changed)
        let new = changed
        try await asked { () async throws(SluiceError) in try await store.update(vault, new) }
        return .json(bundle(new, hasValue: false))
    }

    private func body() async throws(VaultFault) -> JSONText {
        guard let bytes = try? await request.server.collect(limit: 256 << 10), let json = try? JSONText.parse(bytes),
            json.members != nil
        else { throw .parameter("The request body is missing or is not valid JSON.") }
        return json
    }

    private func apply(_ body: JSONText, to version: inout VaultStore.Version) throws(VaultFault) {
        if let type = body["contentType"]?.text { version.contentType = type }
        if let tags = body["tags"], let members = tags.members {
            guard members.count <= 15, members.allSatisfy({ $0.key.utf8.count <= 256 && $0.value.text != nil }) else {
                throw .parameter("Property tags is invalid: at most 15 texts with names of at most 256 letters.")
            }
            version.tags = tags
        }
        guard let attributes = body["attributes"], attributes != .null else { return }
        guard attributes.members != nil else { throw .parameter("Property attributes is invalid.") }
        if let enabled = attributes["enabled"]?.flag { version.isEnabled = enabled }
        if let begins = attributes["nbf"]?.integer { version.begins = begins }
        if let ends = attributes["exp"]?.integer { version.ends = ends }
        if let begins = version.begins, let ends = version.ends, begins >= ends {
            throw .parameter("Property attributes is invalid: exp has to be later than nbf.")
        }
    }

    // MARK: Lists

    private func limit() throws(VaultFault) -> Int {
        guard let text = request.server[query: "maxresults"], !text.isEmpty else { return 25 }
        guard let number = Int(text), (1...25).contains(number) else {
            throw .parameter("The maxresults query parameter has to be 1 to 25, not \(text.prefix(20)).")
        }
        return number
    }

    private func after() throws(VaultFault) -> String? {
        guard let token = request.server[query: "$skiptoken"], !token.isEmpty else { return nil }
        guard let bytes = Base64.decodeURL(token), let text = String(validating: bytes, as: UTF8.self) else {
            throw .parameter("The $skiptoken query parameter is none that this vault gave out.")
        }
        return text
    }

    private func page(
        _ page: VaultStore.Page, limit: Int, path: String, _ item: (VaultStore.Version) -> JSONText
    ) -> ServerResponse {
        let link = page.next.map { next in
            let version = request.server[query: "api-version"] ?? ""
            return "\(request.baseURL)/\(path)?api-version=\(version.percentEncoded)"
                + "&$skiptoken=\(Base64.encodeURL(Array(next.utf8)))&maxresults=\(limit)"
        }
        return .json([
            "value": .array(page.versions.map(item)), "nextLink": link.map { .string($0) } ?? .null,
        ])
    }

    func list(isDeleted: Bool) async throws(VaultFault) -> ServerResponse {
        let (limit, after) = (try limit(), try after())
        let found = try await asked { () async throws(SluiceError) in
            try await store.list(vault, isDeleted: isDeleted, after: after, limit: limit)
        }
        return page(found, limit: limit, path: isDeleted ? "deletedsecrets" : "secrets") { version in
            let item = self.item(version, id: "\(request.baseURL)/secrets/\(version.name)")
            return isDeleted ? withDeletion(item, version) : item
        }
    }

    func versions(_ name: String) async throws(VaultFault) -> ServerResponse {
        let (limit, after) = (try limit(), try after())
        let found = try await asked { () async throws(SluiceError) in
            try await store.versions(vault, name, after: after, limit: limit)
        }
        return page(found, limit: limit, path: "secrets/\(name)/versions") { version in
            item(version, id: "\(request.baseURL)/secrets/\(version.name)/\(version.version)")
        }
    }

    // MARK: Deleted secrets

    func delete(_ name: String) async throws(VaultFault) -> ServerResponse {
        let isDeleted = try await asked { () async throws(SluiceError) in
            try await store.delete(vault, name, at: request.now.seconds)
        }
        guard isDeleted else { throw .notFound(name) }
        return try await deleted(name)
    }

    func deleted(_ name: String) async throws(VaultFault) -> ServerResponse {
        let found = try await asked { () async throws(SluiceError) in
            try await store.find(vault, name, version: nil, isDeleted: true)
        }
        guard let found else { throw .notFound(name) }
        return .json(withDeletion(bundle(found, hasValue: false), found))
    }

    func recover(_ name: String) async throws(VaultFault) -> ServerResponse {
        let isRecovered = try await asked { () async throws(SluiceError) in try await store.recover(vault, name) }
        guard isRecovered else { throw .notFound(name) }
        return .json(bundle(try await found(name, nil), hasValue: false))
    }

    func purge(_ name: String) async throws(VaultFault) -> ServerResponse {
        let isPurged = try await asked { () async throws(SluiceError) in try await store.purge(vault, name) }
        guard isPurged else { throw .notFound(name) }
        return ServerResponse(204)
    }

    // MARK: Shapes

    private func item(_ version: VaultStore.Version, id: String) -> JSONText {
        .members([
            "contentType": version.contentType.map { .string($0) }, "id": .string(id),
            "attributes": attributes(version), "tags": version.tags ?? [:],
        ])
    }

    private func bundle(_ version: VaultStore.Version, hasValue: Bool = true) -> JSONText {
        let id = "\(request.baseURL)/secrets/\(version.name)/\(version.version)"
        guard hasValue, case .object(let members) = item(version, id: id) else { return item(version, id: id) }
        return .object([(key: "value", value: .string(version.value))] + members)
    }

    private func attributes(_ version: VaultStore.Version) -> JSONText {
        .members([
            "enabled": .bool(version.isEnabled), "nbf": version.begins.map { .number($0) },
            "exp": version.ends.map { .number($0) }, "created": .number(version.created),
            "updated": .number(version.updated), "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": .number(Self.recoverableDays),
        ])
    }

    private func withDeletion(_ json: JSONText, _ version: VaultStore.Version) -> JSONText {
        guard case .object(let members) = json, let deleted = version.deleted else { return json }
        return .object(
            [
                (key: "recoveryId", value: .string("\(request.baseURL)/deletedsecrets/\(version.name)")),
                (key: "deletedDate", value: .number(deleted)),
                (key: "scheduledPurgeDate", value: .number(deleted + Self.recoverableDays * 86_400)),
            ] + members)
    }
}
