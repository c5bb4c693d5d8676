import SQLite
import Support

/// The secrets of all vaults, in one database file.
struct VaultStore: Sendable {
    private let database: SQLiteDatabase

    /// A secret's version.
    struct Version: Sendable {
        let name: String
        let version: String
        var value: String
        var contentType: String?
        var tags: JSONText?
        var isEnabled: Bool
        var begins: Int?
        var ends: Int?
        let created: Int
        let updated: Int
        /// When it was deleted, for those that are.
        let deleted: Int?
    }

    /// A page of versions, and where the next begins.
    struct Page: Sendable {
        let versions: [Version]
        let next: String?
    }

    static func open(_ path: String) async throws(SluiceError) -> VaultStore {
        let database = try await SQLiteDatabase.open(path)
        // Names differ by more than case: `key` is the one that counts, `name` the one that was given first.
        try await database.execute(
            """
            CREATE TABLE IF NOT EXISTS secrets (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, vault TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,
                version TEXT NOT NULL, value TEXT NOT NULL, contentType TEXT, tags TEXT, enabled INTEGER NOT NULL,
                begins INTEGER, ends INTEGER, created INTEGER NOT NULL, updated INTEGER NOT NULL);
            CREATE INDEX IF NOT EXISTS secretsByKey ON secrets (vault, key, sequence);
            CREATE TABLE IF NOT EXISTS deleted (
                vault TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL, isPurged INTEGER NOT NULL DEFAULT 0,
                PRIMARY KEY (vault, key));
            CREATE TRIGGER IF NOT EXISTS secretsGo AFTER UPDATE OF isPurged ON deleted BEGIN
                DELETE FROM secrets WHERE vault = new.vault AND key = new.key;
                DELETE FROM deleted WHERE vault = new.vault AND key = new.key;
            END;
            """)
        return VaultStore(database: database)
    }

    func close() async { await database.close() }

    private static let columns =
        "s.name, s.version, s.value, s.contentType, s.tags, s.enabled, s.begins, s.ends, s.created, s.updated"
    private static let join = "LEFT JOIN deleted d ON d.vault = s.vault AND d.key = s.key"

    /// Adds a version; false when the secret is deleted and not yet recovered or purged.
    func add(_ vault: String, _ version: Version) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            """
            INSERT INTO secrets (vault, key, name, version, value, contentType, tags, enabled, begins, ends, created, updated)
            SELECT ?1, ?2, coalesce((SELECT name FROM secrets WHERE vault = ?1 AND key = ?2 LIMIT 1), ?3),
                ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
            WHERE NOT EXISTS (SELECT 1 FROM deleted WHERE vault = ?1 AND key = ?2)
            """,
            [
                .text(vault), .text(version.name.lowercased()), .text(version.name), .text(version.version),
                .text(version.value), .init(version.contentType), .init(version.tags?.text()),
                .integer(version.isEnabled ? 1 : 0), .init(version.begins), .init(version.ends),
                .integer(Int64(version.created)), .integer(Int64(version.updated)),
            ])
        return rows.changed == 1
    }

    /// The newest version, or the one that is named; nil when there is none.
    func find(
        _ vault: String, _ name: String, version: String?, isDeleted: Bool = false
    ) async throws(SluiceError) -> Version? {
        let rows = try await database.query(
            """
            SELECT \(Self.columns), d.at FROM secrets s \(Self.join)
            WHERE s.vault = ?1 AND s.key = ?2 AND (?3 IS NULL OR s.version = ?3) AND (d.at IS NOT NULL) = ?4
            ORDER BY s.sequence DESC LIMIT 1
            """,
            [.text(vault), .text(name.lowercased()), .init(version), .integer(isDeleted ? 1 : 0)])
        return rows.rows.first.map(Version.init)
    }

    /// Changes what is not the value.
    func update(_ vault: String, _ version: Version) async throws(SluiceError) {
        try await database.query(
            """
            UPDATE secrets SET contentType = ?, tags = ?, enabled = ?, begins = ?, ends = ?, updated = ?
            WHERE vault = ? AND key = ? AND version = ?
            """,
            [
                .init(version.contentType), .init(version.tags?.text()), .integer(version.isEnabled ? 1 : 0),
                .init(version.begins), .init(version.ends), .integer(Int64(version.updated)), .text(vault),
                .text(version.name.lowercased()), .text(version.version),
            ])
    }

    /// The newest version of each secret, by name.
    func list(
        _ vault: String, isDeleted: Bool, after: String?, limit: Int
    ) async throws(SluiceError) -> Page {
        let rows = try await database.query(
            """
            SELECT \(Self.columns), d.at FROM secrets s \(Self.join)
            WHERE s.vault = ?1 AND s.key > ?2 AND (d.at IS NOT NULL) = ?3
                AND s.sequence = (SELECT max(sequence) FROM secrets WHERE vault = s.vault AND key = s.key)
            ORDER BY s.key LIMIT ?4
            """,
            [.text(vault), .text(after ?? ""), .integer(isDeleted ? 1 : 0), .integer(Int64(limit + 1))])
        let all = rows.rows.map(Version.init)
        let page = Array(all.prefix(limit))
        return Page(versions: page, next: all.count > limit ? page.last?.name.lowercased() : nil)
    }

    /// The versions of a secret, oldest first.
    func versions(_ vault: String, _ name: String, after: String?, limit: Int) async throws(SluiceError) -> Page {
        let rows = try await database.query(
            """
            SELECT \(Self.columns), d.at FROM secrets s \(Self.join)
            WHERE s.vault = ?1 AND s.key = ?2 AND d.at IS NULL AND s.sequence >
                coalesce((SELECT sequence FROM secrets WHERE vault = ?1 AND key = ?2 AND version = ?3), 0)
            ORDER BY s.sequence LIMIT ?4
            """,
            [.text(vault), .text(name.lowercased()), .text(after ?? ""), .integer(Int64(limit + 1))])
        let all = rows.rows.map(Version.init)
        let page = Array(all.prefix(limit))
        return Page(versions: page, next: all.count > limit ? page.last?.version : nil)
    }

    /// Marks a secret as deleted; false when there is none.
    func delete(_ vault: String, _ name: String, at now: Int) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            """
            INSERT OR IGNORE INTO deleted (vault, key, at) SELECT ?1, ?2, ?3
            WHERE EXISTS (SELECT 1 FROM secrets WHERE vault = ?1 AND key = ?2)
            """, [.text(vault), .text(name.lowercased()), .integer(Int64(now))])
        return rows.changed == 1
    }

    /// Takes the mark away; false when there is none.
    func recover(_ vault: String, _ name: String) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            "DELETE FROM deleted WHERE vault = ? AND key = ?", [.text(vault), .text(name.lowercased())])
        return rows.changed == 1
    }

    /// Removes a deleted secret for good; false when it is not deleted.
    func purge(_ vault: String, _ name: String) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            "UPDATE deleted SET isPurged = 1 WHERE vault = ? AND key = ?", [.text(vault), .text(name.lowercased())])
        return rows.changed == 1
    }
}

extension VaultStore.Version {
    fileprivate init(_ row: [SQLiteValue]) {
        func number(_ index: Int) -> Int? { row[index].integer.map { Int($0) } }
        name = row[0].text ?? ""
        version = row[1].text ?? ""
        value = row[2].text ?? ""
        contentType = row[3].text
        tags = row[4].text.flatMap { try? JSONText.parse($0) }
        isEnabled = number(5) == 1
        begins = number(6)
        ends = number(7)
        created = number(8) ?? 0
        updated = number(9) ?? 0
        deleted = number(10)
    }
}

extension SQLiteValue {
    init(_ text: String?) { self = text.map { .text($0) } ?? .null }
    init(_ number: Int?) { self = number.map { .integer(Int64($0)) } ?? .null }
}
