import SQLite
import Support

/// What Batch keeps on disk: a record for each pool, job and task, written as it was at the end of a call.
struct BatchStore: Sendable {
    private let database: SQLiteDatabase

    static func open(_ path: String) async throws(SluiceError) -> BatchStore {
        let database = try await SQLiteDatabase.open(path)
        try await database.execute(
            "CREATE TABLE IF NOT EXISTS records (key TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;")
        return BatchStore(database: database)
    }

    func close() async { await database.close() }

    /// Every record, by its key.
    func all() async throws(SluiceError) -> [(key: String, document: JSONText)] {
        let rows = try await database.query("SELECT key, document FROM records ORDER BY key")
        return rows.rows.compactMap { row in
            guard let key = row[0].text, let text = row[1].text, let json = try? JSONText.parse(text) else {
                return nil
            }
            return (key, json)
        }
    }

    /// Writes what has changed, nil for what is gone; on the disk when this returns.
    func write(_ changes: [String: JSONText?]) async throws(SluiceError) {
        let kept = changes.compactMap { key, value in value.map { JSONText.array([.string(key), .string($0.text())]) } }
        let gone = changes.filter { $0.value == nil }.map { JSONText.string($0.key) }
        if !kept.isEmpty {
            try await database.query(
                """
                INSERT INTO records (key, document)
                SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?) WHERE true
                ON CONFLICT (key) DO UPDATE SET document = excluded.document
                """, [.text(JSONText.array(kept).text())])
        }
        if !gone.isEmpty {
            try await database.query(
                "DELETE FROM records WHERE key IN (SELECT value FROM json_each(?))",
                [.text(JSONText.array(gone).text())])
        }
    }
}
