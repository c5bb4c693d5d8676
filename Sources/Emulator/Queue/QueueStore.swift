import SQLite
import Support

/// The queues of all accounts and their messages, in one database file. Times are in microseconds.
struct QueueStore: Sendable {
    private let database: SQLiteDatabase

    /// A queue.
    struct Queue: Sendable {
        let name: String
        let metadata: [(name: String, value: String)]
    }

    /// A message as somebody got to see it.
    struct Message: Sendable {
        let sequence: Int
        let id: String
        let text: String
        let inserted: Moment
        let expires: Moment
        let visible: Moment
        let dequeued: Int
        let receipt: String
    }

    /// What became of a message that was to be changed.
    enum Outcome: Sendable {
        case done(Message)
        case otherReceipt
        case gone
    }

    static func open(_ path: String) async throws(SluiceError) -> QueueStore {
        let database = try await SQLiteDatabase.open(path)
        try await database.execute(
            """
            CREATE TABLE IF NOT EXISTS queues (
                account TEXT NOT NULL, name TEXT NOT NULL, metadata TEXT NOT NULL, policies TEXT,
                PRIMARY KEY (account, name));
            CREATE TABLE IF NOT EXISTS messages (
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, queue TEXT NOT NULL, id TEXT NOT NULL,
                text TEXT NOT NULL, inserted INTEGER NOT NULL, expires INTEGER NOT NULL, visible INTEGER NOT NULL,
                dequeued INTEGER NOT NULL, receipt TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS messagesByTime ON messages (account, queue, visible, sequence);
            CREATE INDEX IF NOT EXISTS messagesByID ON messages (account, queue, id);
            CREATE TRIGGER IF NOT EXISTS messagesGo AFTER DELETE ON queues BEGIN
                DELETE FROM messages WHERE account = old.account AND queue = old.name;
            END;
            """)
        try await database.query(
            "DELETE FROM messages WHERE expires <= ?", [.integer(Moment.now.microseconds)])
        return QueueStore(database: database)
    }

    func close() async { await database.close() }

    // MARK: Queues

    /// Makes a queue; false when it is there.
    func create(_ account: String, _ queue: Queue) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            "INSERT OR IGNORE INTO queues (account, name, metadata) VALUES (?, ?, ?)",
            [.text(account), .text(queue.name), .text(Self.text(of: queue.metadata))])
        return rows.changed == 1
    }

    /// Removes a queue with its messages; false when it is not there.
    func remove(_ account: String, _ queue: String) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            "DELETE FROM queues WHERE account = ? AND name = ?", [.text(account), .text(queue)])
        return rows.changed == 1
    }

    func find(_ account: String, _ queue: String) async throws(SluiceError) -> Queue? {
        let rows = try await database.query(
            "SELECT name, metadata FROM queues WHERE account = ? AND name = ?", [.text(account), .text(queue)])
        return rows.rows.first.map(Queue.init)
    }

    /// False when the queue is not there.
    func setMetadata(_ account: String, _ queue: Queue) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            "UPDATE queues SET metadata = ? WHERE account = ? AND name = ?",
            [.text(Self.text(of: queue.metadata)), .text(account), .text(queue.name)])
        return rows.changed == 1
    }

    /// The access policies as they were sent; nil when there are none.
    func policies(_ account: String, _ queue: String) async throws(SluiceError) -> String? {
        let rows = try await database.query(
            "SELECT policies FROM queues WHERE account = ? AND name = ?", [.text(account), .text(queue)])
        return rows.single?.text
    }

    func setPolicies(_ account: String, _ queue: String, _ text: String) async throws(SluiceError) {
        try await database.query(
            "UPDATE queues SET policies = ? WHERE account = ? AND name = ?",
            [.text(text), .text(account), .text(queue)])
    }

    /// Queues whose names begin with `prefix`, from `marker` on; one more than `limit` when there are more.
    func list(
        _ account: String, prefix: String, marker: String, limit: Int
    ) async throws(SluiceError) -> [Queue] {
        let rows = try await database.query(
            """
            SELECT name, metadata FROM queues
            WHERE account = ?1 AND name >= ?2 AND substr(name, 1, length(?3)) = ?3 ORDER BY name LIMIT ?4
            """, [.text(account), .text(marker), .text(prefix), .integer(Int64(limit + 1))])
        return rows.rows.map(Queue.init)
    }

    fileprivate static func text(of metadata: [(name: String, value: String)]) -> String {
        JSONText.object(metadata.map { ($0.name, .string($0.value)) }).text()
    }

    // MARK: Messages

    private static let columns = "sequence, id, text, inserted, expires, visible, dequeued, receipt"
    private static let newReceipt = "lower(hex(randomblob(8)))"

    /// How many messages there are, those included that nobody sees for now.
    func count(_ account: String, _ queue: String, now: Moment) async throws(SluiceError) -> Int {
        let rows = try await database.query(
            "SELECT count(*) FROM messages WHERE account = ? AND queue = ? AND expires > ?",
            [.text(account), .text(queue), .integer(now.microseconds)])
        return Int(rows.single?.integer ?? 0)
    }

    /// Adds a message; nil when the queue is not there.
    func put(
        _ account: String, _ queue: String, _ text: String, now: Moment, visible: Moment, expires: Moment
    ) async throws(SluiceError) -> Message? {
        let rows = try await database.query(
            """
            INSERT INTO messages (account, queue, id, text, inserted, expires, visible, dequeued, receipt)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, \(Self.newReceipt)
            WHERE EXISTS (SELECT 1 FROM queues WHERE account = ?1 AND name = ?2)
            RETURNING \(Self.columns)
            """,
            [
                .text(account), .text(queue), .text(ServiceErrors.newID()), .text(text), .integer(now.microseconds),
                .integer(expires.microseconds), .integer(visible.microseconds),
            ])
        return rows.rows.first.map(Message.init)
    }

    /// Takes messages, which nobody else sees until `visible`.
    func take(
        _ account: String, _ queue: String, count: Int, now: Moment, visible: Moment
    ) async throws(SluiceError) -> [Message] {
        let rows = try await database.query(
            """
            UPDATE messages SET visible = ?3, dequeued = dequeued + 1, receipt = \(Self.newReceipt)
            WHERE sequence IN (
                SELECT sequence FROM messages WHERE account = ?1 AND queue = ?2 AND visible <= ?4 AND expires > ?4
                ORDER BY visible, sequence LIMIT ?5)
            RETURNING \(Self.columns)
            """,
            [
                .text(account), .text(queue), .integer(visible.microseconds), .integer(now.microseconds),
                .integer(Int64(count)),
            ])
        return rows.rows.map(Message.init).sorted { $0.sequence < $1.sequence }
    }

    /// Looks at messages without taking them.
    func peek(_ account: String, _ queue: String, count: Int, now: Moment) async throws(SluiceError) -> [Message] {
        let rows = try await database.query(
            """
            SELECT \(Self.columns) FROM messages WHERE account = ?1 AND queue = ?2 AND visible <= ?3 AND expires > ?3
            ORDER BY visible, sequence LIMIT ?4
            """, [.text(account), .text(queue), .integer(now.microseconds), .integer(Int64(count))])
        return rows.rows.map(Message.init)
    }

    /// Changes a message that was taken, and gives it a new receipt.
    func update(
        _ account: String, _ queue: String, _ id: String, receipt: String, text: String?, now: Moment, visible: Moment
    ) async throws(SluiceError) -> Outcome {
        let rows = try await database.query(
            """
            UPDATE messages SET visible = ?5, text = coalesce(?6, text), receipt = \(Self.newReceipt)
            WHERE account = ?1 AND queue = ?2 AND id = ?3 AND receipt = ?4 AND expires > ?7 RETURNING \(Self.columns)
            """,
            [
                .text(account), .text(queue), .text(id), .text(receipt), .integer(visible.microseconds), .init(text),
                .integer(now.microseconds),
            ])
        if let row = rows.rows.first { return .done(Message(row)) }
        return try await isThere(account, queue, id, now: now) ? .otherReceipt : .gone
    }

    /// Removes a message that was taken.
    func delete(
        _ account: String, _ queue: String, _ id: String, receipt: String, now: Moment
    ) async throws(SluiceError) -> Outcome {
        let rows = try await database.query(
            """
            DELETE FROM messages WHERE account = ?1 AND queue = ?2 AND id = ?3 AND receipt = ?4 AND expires > ?5
            RETURNING \(Self.columns)
            """, [.text(account), .text(queue), .text(id), .text(receipt), .integer(now.microseconds)])
        if let row = rows.rows.first { return .done(Message(row)) }
        return try await isThere(account, queue, id, now: now) ? .otherReceipt : .gone
    }

    private func isThere(
        _ account: String, _ queue: String, _ id: String, now: Moment
    ) async throws(SluiceError) -> Bool {
        let rows = try await database.query(
            "SELECT 1 FROM messages WHERE account = ? AND queue = ? AND id = ? AND expires > ?",
            [.text(account), .text(queue), .text(id), .integer(now.microseconds)])
        return rows.single != nil
    }

    /// Removes all messages.
    func clear(_ account: String, _ queue: String) async throws(SluiceError) {
        try await database.query(
            "DELETE FROM messages WHERE account = ? AND queue = ?", [.text(account), .text(queue)])
    }
}

extension QueueStore.Queue {
    fileprivate init(_ row: [SQLiteValue]) {
        name = row[0].text ?? ""
        let members = (try? JSONText.parse(row[1].text ?? "{}"))?.members ?? []
        metadata = members.map { (name: $0.key, value: $0.value.text ?? "") }
    }
}

extension QueueStore.Message {
    fileprivate init(_ row: [SQLiteValue]) {
        sequence = Int(row[0].integer ?? 0)
        id = row[1].text ?? ""
        text = row[2].text ?? ""
        inserted = Moment(microseconds: row[3].integer ?? 0)
        expires = Moment(microseconds: row[4].integer ?? 0)
        visible = Moment(microseconds: row[5].integer ?? 0)
        dequeued = Int(row[6].integer ?? 0)
        receipt = row[7].text ?? ""
    }
}
