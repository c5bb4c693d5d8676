import SQLite
public import Support

/// A resource as it is kept: what was sent, unknown members too, and what is never shown.
public struct Resource: Sendable {
    /// What names it.
    public let id: ResourceID
    /// What answers have, but for id, name, type and the state of provisioning.
    public var document: JSONText
    /// What no answer has, such as the values of secrets.
    public var hidden: JSONText
    /// The state of provisioning once the operation that runs has ended: `Succeeded`, `Failed`.
    public var state: String
    /// When the operation that runs ends; nil when none does.
    public var ready: Moment?
    /// When it will be gone; nil when nobody deletes it.
    public var gone: Moment?
    /// When it was made.
    public var created: Moment
    /// Which change of it this is: whoever writes has to have seen the last one.
    var version: Int = 0

    /// A resource that is to be kept.
    public init(
        _ id: ResourceID, _ document: JSONText, hidden: JSONText = .object([]), state: String = "Succeeded",
        created: Moment = .now
    ) {
        self.id = id
        self.document = document
        self.hidden = hidden
        self.state = state
        self.created = created
    }

    /// Whether an operation changes it.
    public func isBusy(at now: Moment) -> Bool { gone != nil || (ready.map { $0 > now } ?? false) }

    /// The resource as answers have it.
    public func shown(at now: Moment) -> JSONText {
        // Environments have words of their own.
        let isEnvironment = id.type.lowercased() == "microsoft.app/managedenvironments"
        let current =
            gone != nil
            ? (isEnvironment ? "ScheduledForDelete" : "Deleting")
            : isBusy(at: now) ? (isEnvironment ? "InfrastructureSetupInProgress" : "InProgress") : state
        let properties: [(key: String, value: JSONText)] = [("provisioningState", .string(current))]
        let others = (document.at("properties")?.members ?? []).filter { $0.key.lowercased() != "provisioningstate" }
        let head: [(key: String, value: JSONText)] = [
            ("id", .string(id.description)), ("name", .string(id.name)), ("type", .string(id.type)),
        ]
        let rest = (document.members ?? []).filter {
            !["id", "name", "type", "properties"].contains($0.key.lowercased())
        }
        return .object(head + rest + [("properties", .object(properties + others))])
    }
}

/// The resources of all subscriptions and all providers, in one database file.
public struct ResourceStore: Sendable {
    let database: SQLiteDatabase

    static func open(_ path: String) async throws(SluiceError) -> ResourceStore {
        let database = try await SQLiteDatabase.open(path)
        try await database.execute(
            """
            CREATE TABLE IF NOT EXISTS resources (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
                subscription TEXT NOT NULL, grouped TEXT NOT NULL, parent TEXT NOT NULL, id TEXT NOT NULL,
                document TEXT NOT NULL, hidden TEXT NOT NULL, state TEXT NOT NULL, ready INTEGER, gone INTEGER,
                created INTEGER NOT NULL, version INTEGER NOT NULL);
            CREATE INDEX IF NOT EXISTS resourcesByPlace ON resources (type, subscription, grouped, parent, sequence);
            CREATE TABLE IF NOT EXISTS groups (
                key TEXT PRIMARY KEY, subscription TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL);
            CREATE TABLE IF NOT EXISTS operations (
                id TEXT PRIMARY KEY, path TEXT NOT NULL, secret TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER,
                outcome TEXT NOT NULL);
            """)
        return ResourceStore(database: database)
    }

    func close() async { await database.close() }

    private static let columns = "id, document, hidden, state, ready, gone, created, version"

    /// The resource; nil when there is none.
    public func find(_ id: ResourceID) async throws(SluiceError) -> Resource? {
        try await sweep()
        let rows = try await database.query(
            "SELECT \(Self.columns) FROM resources WHERE key = ?", [.text(id.key)])
        return rows.rows.first.flatMap(Resource.init)
    }

    /// Keeps a resource that is new, or that was changed since it was found.
    ///
    /// - returns: It as it is kept now; nil when somebody else was faster, and it has to be found once more.
    @discardableResult
    public func save(_ resource: Resource) async throws(SluiceError) -> Resource? {
        let id = resource.id
        var parameters: [SQLiteValue] = [
            .text(id.key), .text(resource.document.text()), .text(resource.hidden.text()), .text(resource.state),
            Self.value(resource.ready), Self.value(resource.gone), .integer(Int64(resource.version)),
        ]
        let rows: SQLiteRows
        if resource.version == 0 {
            parameters += [
                .text(id.type.lowercased()), .text(id.subscription.lowercased()), .text(id.group?.lowercased() ?? ""),
                .text(id.parent?.key ?? ""), .text(id.description), .integer(resource.created.microseconds),
            ]
            rows = try await database.query(
                """
                INSERT OR IGNORE INTO resources (key, document, hidden, state, ready, gone, version, type, subscription,
                    grouped, parent, id, created)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7 + 1, ?8, ?9, ?10, ?11, ?12, ?13)
                """, parameters)
        } else {
            rows = try await database.query(
                """
                UPDATE resources SET document = ?2, hidden = ?3, state = ?4, ready = ?5, gone = ?6, version = version + 1
                WHERE key = ?1 AND version = ?7
                """, parameters)
        }
        guard rows.changed == 1 else { return nil }
        var saved = resource
        saved.version += 1
        return saved
    }

    /// Changes a resource, whoever else changes it meanwhile; nil when it is not there, or `change` says so.
    @discardableResult
    public func update(
        _ id: ResourceID, _ change: (inout Resource) -> Bool
    ) async throws(SluiceError) -> Resource? {
        while var resource = try await find(id) {
            guard change(&resource) else { return nil }
            if let saved = try await save(resource) { return saved }
        }
        return nil
    }

    /// Removes a resource and all below it; false when there is none.
    @discardableResult
    public func remove(_ id: ResourceID) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            "DELETE FROM resources WHERE key = ?1 OR substr(key, 1, length(?1) + 1) = ?1 || '/'", [.text(id.key)])
        return rows.changed > 0
    }

    /// Resources of a type: all of them, or of a subscription, a group, or below a resource; oldest first.
    public func list(
        _ type: String, subscription: String? = nil, group: String? = nil, parent: ResourceID? = nil,
        isNewestFirst: Bool = false
    ) async throws(SluiceError) -> [Resource] {
        try await sweep()
        let rows = try await database.query(
            """
            SELECT \(Self.columns) FROM resources
            WHERE type = ?1 AND (?2 IS NULL OR subscription = ?2) AND (?3 IS NULL OR grouped = ?3)
                AND (?4 IS NULL OR parent = ?4) ORDER BY sequence \(isNewestFirst ? "DESC" : "ASC")
            """,
            [
                .text(type.lowercased()), .init((parent?.subscription ?? subscription)?.lowercased()),
                .init((parent?.group ?? group)?.lowercased()), .init(parent?.key),
            ])
        return rows.rows.compactMap(Resource.init)
    }

    /// The resources of a subscription or group that stand below no other.
    func top(subscription: String, group: String?) async throws(SluiceError) -> [Resource] {
        try await sweep()
        let rows = try await database.query(
            """
            SELECT \(Self.columns) FROM resources
            WHERE subscription = ?1 AND (?2 IS NULL OR grouped = ?2) AND parent = '' ORDER BY sequence
            """, [.text(subscription.lowercased()), .init(group?.lowercased())])
        return rows.rows.compactMap(Resource.init)
    }

    /// Takes away what was to be gone by now, and what stood below.
    private func sweep() async throws(SluiceError) {
        let rows = try await database.query(
            "SELECT id FROM resources WHERE gone <= ?", [.integer(Moment.now.microseconds)])
        for row in rows.rows {
            if let id = row[0].text.flatMap({ ResourceID($0) }) { try await remove(id) }
        }
    }

    private static func value(_ moment: Moment?) -> SQLiteValue {
        moment.map { .integer($0.microseconds) } ?? .null
    }

    // MARK: Groups

    /// A resource group's document; it exists from its first use on.
    func group(_ id: ResourceID) async throws(SluiceError) -> JSONText {
        let rows = try await database.query("SELECT document FROM groups WHERE key = ?", [.text(id.key)])
        if let text = rows.single?.text, let document = try? JSONText.parse(text) { return document }
        let document: JSONText = ["location": "westeurope", "tags": .object([])]
        try await setGroup(id, document)
        return document
    }

    func setGroup(_ id: ResourceID, _ document: JSONText) async throws(SluiceError) {
        try await database.query(
            """
            INSERT INTO groups (key, subscription, name, document) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (key) DO UPDATE SET document = ?4
            """,
            [
                .text(id.key), .text(id.subscription.lowercased()), .text(id.group ?? ""), .text(document.text()),
            ])
    }

    func removeGroup(_ id: ResourceID) async throws(SluiceError) {
        try await database.query("DELETE FROM groups WHERE key = ?", [.text(id.key)])
    }

    func groups(_ subscription: String) async throws(SluiceError) -> [(name: String, document: JSONText)] {
        let rows = try await database.query(
            "SELECT name, document FROM groups WHERE subscription = ? ORDER BY key", [.text(subscription.lowercased())])
        return rows.rows.map { row in
            (name: row[0].text ?? "", document: (try? JSONText.parse(row[1].text ?? "")) ?? .object([]))
        }
    }
}

extension Resource {
    fileprivate init?(_ row: [SQLiteValue]) {
        guard let id = row[0].text.flatMap({ ResourceID($0) }), let document = try? JSONText.parse(row[1].text ?? ""),
            let hidden = try? JSONText.parse(row[2].text ?? "")
        else { return nil }
        self.init(
            id, document, hidden: hidden, state: row[3].text ?? "Succeeded",
            created: Moment(microseconds: row[6].integer ?? 0))
        ready = row[4].integer.map { Moment(microseconds: $0) }
        gone = row[5].integer.map { Moment(microseconds: $0) }
        version = Int(row[7].integer ?? 0)
    }
}
