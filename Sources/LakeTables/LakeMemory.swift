import Columns
import SQLite
import Storage
public import Support

/// What earlier scans have seen of lakes, and what was made of it: one SQLite file in the project's state.
///
/// It lies with the project and not in the lake, since whoever gives names to a lake often may not write to it, and since
/// losing it costs one full scan and nothing else.
public final class LakeMemory: Sendable {
    /// What is known of a file.
    struct Known: Sendable {
        var size: Int
        var tag: String
        /// What the footer said, or why there is none.
        var footer: Result<KnownFooter, SluiceError>
    }

    /// An object that was made in a database, or by a script.
    public struct Made: Sendable, Hashable {
        /// Its name.
        public var name: String
        /// The table of the lake that it stands for.
        public var source: String
        /// What it is made by.
        public var definition: String
        /// Whether it is wanted no more; a script goes on removing it.
        public var isRetired: Bool

        /// An object.
        public init(name: String, source: String, definition: String, isRetired: Bool = false) {
            self.name = name
            self.source = source
            self.definition = definition
            self.isRetired = isRetired
        }
    }

    private let database: SQLiteDatabase

    private static let schema = """
        CREATE TABLE IF NOT EXISTS schemas (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
        CREATE TABLE IF NOT EXISTS files (
            lake TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, tag TEXT NOT NULL, rows INTEGER NOT NULL,
            schema INTEGER REFERENCES schemas (id), error TEXT,
            PRIMARY KEY (lake, path)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS made (
            scope TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, definition TEXT NOT NULL,
            retired INTEGER NOT NULL,
            PRIMARY KEY (scope, name)
        ) STRICT, WITHOUT ROWID;
        PRAGMA user_version = 1;
        """

    private init(_ database: SQLiteDatabase) { self.database = database }

    /// Opens the memory in the file `path`; makes it, and its folder, when it is not there.
    public static func open(_ path: String) async throws(SluiceError) -> LakeMemory {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        // The store makes the folders on the way.
        _ = try await FolderStore(folder).claim(ObjectEntry(path: path).name, .empty)
        let database = try await SQLiteDatabase.open(path)
        do throws(SluiceError) {
            let version = try await database.query("PRAGMA user_version").single?.integer ?? 0
            guard version <= 1 else {
                throw SluiceError(
                    .unsupported, "what is known of lakes was written by a newer Sluice (version \(version))",
                    place: .init(file: path), hint: "update Sluice, or move the file away to read all footers again")
            }
            if version == 0 { try await database.execute(schema) }
            // What a power cut takes away is read again.
            try await database.execute("PRAGMA synchronous = NORMAL")
        } catch {
            await database.close()
            throw error
        }
        return LakeMemory(database)
    }

    /// Closes it.
    public func close() async { await database.close() }

    // MARK: - Files

    /// What is known of the files of `lake`, by path.
    func files(of lake: String) async throws(SluiceError) -> [String: Known] {
        var schemas: [Int64: Schema] = [:]
        for row in try await database.query("SELECT id, text FROM schemas").rows {
            if let id = row[0].integer, let text = row[1].text, let schema = try? Schema(parsing: text) {
                schemas[id] = schema
            }
        }
        var known: [String: Known] = [:]
        let rows = try await database.query(
            "SELECT path, size, tag, rows, schema, error FROM files WHERE lake = ?", [.text(lake)]
        ).rows
        known.reserveCapacity(rows.count)
        for row in rows {
            guard let path = row[0].text, let size = row[1].integer, let tag = row[2].text else { continue }
            if let error = row[5].text {
                known[path] = Known(size: Int(size), tag: tag, footer: .failure(SluiceError(.invalidData, error)))
            } else if let id = row[4].integer, let schema = schemas[id], let count = row[3].integer {
                known[path] = Known(
                    size: Int(size), tag: tag, footer: .success(KnownFooter(rows: Int(count), schema: schema)))
            }
        }
        return known
    }

    /// Notes what the files `changed` have said, and forgets those at the paths `gone`, in one step.
    func note(_ changed: [(path: String, known: Known)], gone: [String], of lake: String) async throws(SluiceError) {
        if changed.isEmpty, gone.isEmpty { return }
        try await database.execute("BEGIN IMMEDIATE")
        do throws(SluiceError) {
            var ids: [Schema: Int64] = [:]
            for path in gone {
                try await database.query("DELETE FROM files WHERE lake = ? AND path = ?", [.text(lake), .text(path)])
            }
            for (path, known) in changed {
                var schema = SQLiteValue.null
                var error = SQLiteValue.null
                var rows = 0
                switch known.footer {
                case .success(let footer):
                    guard let id = try await id(of: footer.schema, &ids) else { continue }
                    schema = .integer(id)
                    rows = footer.rows
                case .failure(let reason): error = .text(reason.headline)
                }
                try await database.query(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
                    [
                        .text(lake), .text(path), .integer(Int64(known.size)), .text(known.tag), .integer(Int64(rows)),
                        schema, error,
                    ])
            }
            try await database.execute("COMMIT")
        } catch {
            await database.rollback()
            throw error
        }
    }

    /// The number of a schema; nil for one that cannot be written down such that it reads the same, which is then found
    /// out again each time.
    private func id(of schema: Schema, _ ids: inout [Schema: Int64]) async throws(SluiceError) -> Int64? {
        if let id = ids[schema] { return id }
        let text = schema.description
        guard let again = try? Schema(parsing: text), again == schema else { return nil }
        try await database.query("INSERT OR IGNORE INTO schemas (text) VALUES (?)", [.text(text)])
        let id = try await database.query("SELECT id FROM schemas WHERE text = ?", [.text(text)]).single?.integer
        ids[schema] = id
        return id
    }

    // MARK: - What was made

    /// The objects that were made in `scope`: a database, or the file of a script.
    public func made(in scope: String) async throws(SluiceError) -> [Made] {
        try await database.query(
            "SELECT name, source, definition, retired FROM made WHERE scope = ? ORDER BY name", [.text(scope)]
        ).rows.map { row in
            Made(
                name: row[0].text ?? "", source: row[1].text ?? "", definition: row[2].text ?? "",
                isRetired: row[3].integer == 1)
        }
    }

    /// Notes what there is in `scope` now, in place of what was noted before.
    public func note(_ made: [Made], in scope: String) async throws(SluiceError) {
        try await database.execute("BEGIN IMMEDIATE")
        do throws(SluiceError) {
            try await database.query("DELETE FROM made WHERE scope = ?", [.text(scope)])
            for object in made {
                try await database.query(
                    "INSERT OR REPLACE INTO made VALUES (?, ?, ?, ?, ?)",
                    [
                        .text(scope), .text(object.name), .text(object.source), .text(object.definition),
                        .integer(object.isRetired ? 1 : 0),
                    ])
            }
            try await database.execute("COMMIT")
        } catch {
            await database.rollback()
            throw error
        }
    }
}
