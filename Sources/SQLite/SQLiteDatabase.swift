// SQLite: one database file, read and written in columns.
//
//     SQLiteDatabase ──reader──▶ SQLiteReader    rows of a query as batches; the types hold for all values
//                    ──inserter─▶ SQLiteInserter  batches as rows, bound straight from their columns' memory
//
// What a declared type means, and what a column is declared as, is told at `SQLiteType`.

import CSQLite
public import Columns
public import Support

/// One connection with a database file.
///
/// Calls run on a thread of the connection's own, one after the other, because SQLite waits in them. A call whose task is
/// cancelled ends soon with code `cancelled`; so does one that waits for a lock.
///
///     let database = try await SQLiteDatabase.open("shop.db")
///     let names = try await database.query("SELECT name FROM team WHERE id = ?", [.integer(7)])
///
/// A transaction is what lies between `execute("BEGIN IMMEDIATE")` and `execute("COMMIT")` or `rollback()`.
public final class SQLiteDatabase: Sendable {
    /// What to call the database in a message: `sqlite:path`.
    public let name: String
    /// The path that it was opened with.
    public let path: String
    let handle: SQLiteHandle
    let queue: BlockingQueue

    /// What may be done to the file.
    public enum Mode: Sendable {
        /// Nothing; the file is there.
        case readOnly
        /// Anything; the file is there.
        case readWrite
        /// Anything; the file is made when it is not there.
        case create
    }

    private init(path: String, handle: SQLiteHandle, queue: BlockingQueue) {
        name = handle.name
        self.path = path
        self.handle = handle
        self.queue = queue
    }

    /// Opens a file, or with the path `:memory:` a database that lives as long as the connection.
    ///
    /// What is written is on the disk when a commit returns. A file that is opened for writing gets a write-ahead log, so
    /// that readers and a writer do not wait for each other.
    ///
    /// - parameter busyTimeout: How long a call waits for locks of others before it fails as transient.
    public static func open(
        _ path: String, mode: Mode = .create, busyTimeout: Duration = .seconds(30)
    ) async throws(SluiceError) -> SQLiteDatabase {
        let queue = BlockingQueue("sluice.sqlite")
        let token = CancellationFlag()
        let outcome: Result<SQLiteHandle, SluiceError> = await withTaskCancellationHandler {
            await queue.run {
                do throws(SluiceError) {
                    return .success(try SQLiteHandle(path: path, mode: mode, busyTimeout: busyTimeout, token: token))
                } catch {
                    return .failure(error)
                }
            }
        } onCancel: {
            token.set()
        }
        return SQLiteDatabase(path: path, handle: try outcome.get(), queue: queue)
    }

    /// Runs statements without parameters, separated by semicolons, for their effect.
    public func execute(_ sql: String) async throws(SluiceError) {
        try await run { handle throws(SluiceError) in try handle.execute(sql) }
    }

    /// Runs one statement with values for its `?`, and for its `:name`, `@name` and `$name` those of `named`.
    ///
    /// For small answers: data travels by `reader` and `inserter`.
    @discardableResult
    public func query(
        _ sql: String, _ parameters: [SQLiteValue] = [], named: [String: SQLiteValue] = [:]
    ) async throws(SluiceError) -> SQLiteRows {
        try await run { handle throws(SluiceError) in
            let statement = try SQLiteStatement(sql, on: handle)
            defer { statement.finalize() }
            try statement.bind(parameters, named: named)
            return try SQLiteRows(statement)
        }
    }

    /// The columns that a query returns, without running it: their names, and the declared types of those that are
    /// columns of a table.
    public func describe(_ sql: String) async throws(SluiceError) -> [(name: String, declaredType: String?)] {
        try await run { handle throws(SluiceError) in
            let statement = try SQLiteStatement(sql, on: handle)
            defer { statement.finalize() }
            return (0..<statement.columnCount).map { (statement.columnName($0), statement.declaredType($0)) }
        }
    }

    /// Runs a query that only reads, and hands out its rows in batches.
    ///
    /// - parameter schema: What an earlier reading of the same query found out (`SchemaWidened`).
    /// - parameter types: Types that some columns have to have, by name; a value that does not fit is an error.
    /// - parameter batchRows: How many rows a batch has at most.
    public func reader(
        _ sql: String, _ parameters: [SQLiteValue] = [], named: [String: SQLiteValue] = [:], schema: Schema? = nil,
        types: Schema? = nil, batchRows: Int = 65_536
    ) async throws(SluiceError) -> SQLiteReader {
        let box = try await run { handle throws(SluiceError) in
            let statement = try SQLiteStatement(sql, on: handle)
            do throws(SluiceError) {
                try statement.bind(parameters, named: named)
                let rows = try SQLiteRowSource(statement, schema: schema, types: types, batchRows: max(1, batchRows))
                return SQLiteReader.Rows(rows)
            } catch {
                statement.finalize()
                throw error
            }
        }
        return SQLiteReader(self, box)
    }

    /// Prepares an `INSERT … VALUES (?, …)` or another statement that takes one value for each column of a batch, and
    /// behind them values that are the same for all rows.
    ///
    /// - parameter types: The types of the batches' columns, in the order of the statement's parameters.
    public func inserter(_ sql: String, types: [DataType]) async throws(SluiceError) -> SQLiteInserter {
        let box = try await run { handle throws(SluiceError) in
            SQLiteInserter.Prepared(try SQLiteStatement(sql, on: handle))
        }
        return SQLiteInserter(self, box, types: types)
    }

    /// Ends the open transaction without a trace, in a cancelled task as well; nothing when there is none.
    public func rollback() async {
        let handle = handle
        _ = await queue.run { () -> Bool in
            handle.token = nil
            return handle.rollback()
        }
    }

    /// Closes the connection, in a cancelled task as well; an open transaction is rolled back. Later calls fail.
    public func close() async {
        let handle = handle
        await queue.run { handle.close() }
    }

    /// Runs `body` on the connection's thread, and makes it end soon when the task is cancelled.
    func run<Answer: Sendable>(
        _ body: @escaping @Sendable (SQLiteHandle) throws(SluiceError) -> Answer
    ) async throws(SluiceError) -> Answer {
        let handle = handle
        let token = CancellationFlag()
        let outcome: Result<Answer, SluiceError> = await withTaskCancellationHandler {
            await queue.run { () -> Result<Answer, SluiceError> in
                handle.token = token
                defer { handle.token = nil }
                if token.isSet { return .failure(SQLiteErrors.cancelled(handle.name)) }
                // Statements are gone with a closed connection, so nothing may reach for one.
                do throws(SluiceError) { _ = try handle.open() } catch { return .failure(error) }
                do throws(SluiceError) { return .success(try body(handle)) } catch { return .failure(error) }
            }
        } onCancel: {
            token.set()
        }
        return try outcome.get()
    }
}
