import Glibc
import Runs
import SQLite
import Storage
import Support

/// What has been reported on: which content, called what, by which rules, into which output. One SQLite file, which
/// several processes may use at once; beside it lie the partials that combined reports are made of.
final class ReportLedger: Sendable {
    /// What is known of one report.
    struct Entry: Sendable {
        /// Where the report is in the output.
        var report: String
        var records: Int
        var valid: Int
        /// Which outputs beside the report were written: `html,parquet`.
        var extras: String
        /// The run that wrote it.
        var run: String
    }

    /// What a report is known by.
    struct Key: Sendable, Hashable {
        /// The output's name.
        var output: String
        /// The input's name; empty for several together.
        var name: String
        /// The hash of the content; of several inputs, of all their names and contents.
        var content: String
        /// The fingerprint of the rules.
        var rules: String
        var format: ReportFormat
    }

    /// Opens it, or has opened it.
    private let opening: Task<Result<SQLiteDatabase, SluiceError>, Never>
    /// Whether it was made for this run, and so knows nothing that the run does not.
    private let isNew: Bool
    /// Where the partials lie.
    let partials: FolderStore

    private static let schema = """
        CREATE TABLE IF NOT EXISTS reports (
            output TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, rules TEXT NOT NULL, format TEXT NOT NULL,
            report TEXT NOT NULL, extras TEXT NOT NULL, records INTEGER NOT NULL, valid INTEGER NOT NULL,
            run TEXT NOT NULL, written_at INTEGER NOT NULL,
            PRIMARY KEY (output, name, content, rules, format)
        ) STRICT;
        CREATE TABLE IF NOT EXISTS contents (
            path TEXT NOT NULL PRIMARY KEY, stamp TEXT NOT NULL, content TEXT NOT NULL
        ) STRICT;
        PRAGMA user_version = 1;
        """

    private init(_ folder: String, isNew: Bool) {
        self.isNew = isNew
        opening = Task {
            do throws(SluiceError) {
                return .success(try await ReportLedger.database(folder))
            } catch {
                return .failure(error)
            }
        }
        partials = FolderStore("\(folder)/partials")
    }

    /// Opens the ledger in `folder`; makes it when it is not there. A new one comes into being while the inputs are read,
    /// since that takes several waits for the disk.
    static func open(_ folder: String) async throws(SluiceError) -> ReportLedger {
        // The lake makes the folders on the way.
        let isNew = try await FolderStore(folder).claim("ledger.db", .empty)
        let ledger = ReportLedger(folder, isNew: isNew)
        if !isNew { _ = try await ledger.opening.value.get() }
        return ledger
    }

    private static func database(_ folder: String) async throws(SluiceError) -> SQLiteDatabase {
        let database = try await SQLiteDatabase.open("\(folder)/ledger.db")
        do throws(SluiceError) {
            let version = try await database.query("PRAGMA user_version").single?.integer ?? 0
            guard version <= 1 else {
                throw SluiceError(
                    .unsupported, "the ledger of reports was written by a newer Sluice (version \(version))",
                    place: .init(file: "\(folder)/ledger.db"),
                    hint: "update Sluice, or move the file away to do all reports again")
            }
            if version == 0 { try await database.execute(schema) }
            // What a power cut takes away is done again, and ends in the same files: nothing has to wait for the disk.
            try await database.execute("PRAGMA synchronous = NORMAL")
        } catch {
            await database.close()
            throw error
        }
        return database
    }

    /// The same, when there is one; nothing is made.
    static func openIfAny(_ folder: String) async throws(SluiceError) -> ReportLedger? {
        FileFacts(path: "\(folder)/ledger.db") == nil ? nil : try await open(folder)
    }

    func close() async {
        if case .success(let database) = await opening.value { await database.close() }
    }

    // MARK: Reports

    /// What is known of a report, if it was written.
    func entry(_ key: Key) async throws(SluiceError) -> Entry? {
        if isNew { return nil }
        let rows = try await opening.value.get().query(
            """
            SELECT report, records, valid, extras, run FROM reports
            WHERE output = :output AND name = :name AND content = :content AND rules = :rules AND format = :format
            """, named: ReportLedger.values(key))
        guard let row = rows.rows.first, let report = row[0].text else { return nil }
        return Entry(
            report: report, records: Int(row[1].integer ?? 0), valid: Int(row[2].integer ?? 0),
            extras: row[3].text ?? "", run: row[4].text ?? "")
    }

    /// Notes that a report is written, with everything beside it.
    func note(_ key: Key, _ entry: Entry) async throws(SluiceError) {
        var values = ReportLedger.values(key)
        values["report"] = .text(entry.report)
        values["extras"] = .text(entry.extras)
        values["records"] = .integer(Int64(entry.records))
        values["valid"] = .integer(Int64(entry.valid))
        values["run"] = .text(entry.run)
        values["at"] = .integer(Moment.now.microseconds)
        try await opening.value.get().query(
            """
            INSERT INTO reports VALUES (
                :output, :name, :content, :rules, :format, :report, :extras, :records, :valid, :run, :at
            ) ON CONFLICT DO UPDATE SET report = excluded.report, extras = excluded.extras,
                records = excluded.records, valid = excluded.valid, run = excluded.run, written_at = excluded.written_at
            """, named: values)
    }

    private static func values(_ key: Key) -> [String: SQLiteValue] {
        [
            "output": .text(key.output), "name": .text(key.name), "content": .text(key.content),
            "rules": .text(key.rules), "format": .text(key.format.rawValue),
        ]
    }

    // MARK: Contents

    /// The hash of the file at `path`, when it was read before and has not been touched since.
    func content(of path: String, _ stamp: FileStamp) async throws(SluiceError) -> String? {
        if isNew { return nil }
        return try await opening.value.get().query(
            "SELECT content FROM contents WHERE path = ? AND stamp = ?", [.text(path), .text(stamp.text)]
        ).single?.text
    }

    /// Notes the hash of the file at `place`, which bore `stamp` before it was read.
    func note(_ content: String, of place: FilePlace, _ stamp: FileStamp) async throws(SluiceError) {
        guard stamp.isSettled, try await FileStamp(place) == stamp else { return }
        try await opening.value.get().query(
            "INSERT OR REPLACE INTO contents VALUES (?, ?, ?)", [.text(place.name), .text(stamp.text), .text(content)])
    }

    // MARK: Partials

    /// Where the partial of an input is kept.
    static func partialName(_ key: Key) throws(SluiceError) -> String {
        try ReportNames.digest([key.name, key.content, key.rules]).prefix(40) + ".partial"
    }
}
