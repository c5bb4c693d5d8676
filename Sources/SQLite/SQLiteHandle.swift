import CSQLite
import Support
import Synchronization

/// Says that a call shall end.
final class CancellationFlag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

/// SQLite's connection. Used on its database's thread only.
final class SQLiteHandle: @unchecked Sendable {
    // `@unchecked Sendable` because everything but `name` and `path` is used on the database's thread only.

    let name: String
    let path: String
    /// nil when the connection is closed.
    private(set) var connection: OpaquePointer?
    /// Cancels the call that is under way.
    var token: CancellationFlag?
    private let busyTimeout: Duration
    private var waitingSince = ContinuousClock.now

    init(path: String, mode: SQLiteDatabase.Mode, busyTimeout: Duration, token: CancellationFlag) throws(SluiceError) {
        name = "sqlite:\(path)"
        self.path = path
        self.busyTimeout = busyTimeout
        self.token = token
        defer { self.token = nil }
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw SluiceError(
                .invalidConfiguration, "'\(path)' is not the path of a database",
                hint: "write it as sqlite:folder/file.db")
        }
        var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        switch mode {
        case .readOnly: flags |= SQLITE_OPEN_READONLY
        case .readWrite: flags |= SQLITE_OPEN_READWRITE
        case .create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
        }
        // Some builds of SQLite take `file:` for a URI whatever they are asked; with a folder before it, it is a path.
        let plain = path.hasPrefix("file:") ? "./" + path : path
        let result = sqlite3_open_v2(plain, &connection, flags, nil)
        guard result == SQLITE_OK else {
            let error = SQLiteErrors.opening(result, self, mode)
            close()
            throw error
        }
        do throws(SluiceError) {
            try setUp(mode)
        } catch {
            close()
            throw error
        }
    }

    deinit { close() }

    private func setUp(_ mode: SQLiteDatabase.Mode) throws(SluiceError) {
        guard let connection, sluice_sqlite_harden(connection) == SQLITE_OK else { throw failure() }
        let context = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_progress_handler(
            connection, 2000,
            { context in
                guard let context else { return 0 }
                let handle = Unmanaged<SQLiteHandle>.fromOpaque(context).takeUnretainedValue()
                return handle.token?.isSet == true ? 1 : 0
            }, context)
        sqlite3_busy_handler(
            connection,
            { context, count in
                guard let context else { return 0 }
                return Unmanaged<SQLiteHandle>.fromOpaque(context).takeUnretainedValue().waitForLock(count) ? 1 : 0
            }, context)
        // The file is not looked at before the first statement.
        do throws(SluiceError) { try execute("PRAGMA schema_version") } catch {
            throw SQLiteErrors.firstLook(error, self, mode)
        }
        guard mode != .readOnly else { return }
        try execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA cache_size = -16384")
        // The log is a matter of speed: where others keep the file from getting one, or its folder is on a network, the
        // old journal serves as well.
        if sqlite3_db_readonly(connection, "main") == 0 { try? execute("PRAGMA journal_mode = WAL") }
    }

    /// Sleeps a little while somebody else holds a lock; false when that was long enough.
    private func waitForLock(_ count: Int32) -> Bool {
        if token?.isSet == true { return false }
        if count == 0 { waitingSince = .now }
        let waited = waitingSince.duration(to: .now)
        guard waited < busyTimeout else { return false }
        sqlite3_sleep(min(1 << min(count, 6), 50))
        return true
    }

    /// The failure that the last call left behind.
    func failure() -> SluiceError { SQLiteErrors.statement(self) }

    /// The open connection.
    func open() throws(SluiceError) -> OpaquePointer {
        guard let connection else {
            throw SluiceError(.inputOutput, "the database is closed already", place: .init(file: name))
        }
        return connection
    }

    func execute(_ sql: String) throws(SluiceError) {
        var rest = SQLiteStatement.Text(try SQLiteStatement.checked(sql, name))
        while let statement = try SQLiteStatement(next: &rest, on: self) {
            defer { statement.finalize() }
            while try statement.step() {}
        }
    }

    /// Whether a transaction is open.
    var isInTransaction: Bool { connection.map { sqlite3_get_autocommit($0) == 0 } ?? false }

    func rollback() -> Bool {
        guard isInTransaction else { return true }
        return (try? execute("ROLLBACK")) != nil
    }

    func close() {
        guard let open = connection else { return }
        connection = nil
        while let statement = sqlite3_next_stmt(open, nil) { sqlite3_finalize(statement) }
        sqlite3_close_v2(open)
    }
}
