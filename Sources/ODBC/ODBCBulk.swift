import CODBC
public import Columns
public import Support
import Synchronization

/// A column that rows are sent to.
public struct ODBCBulkColumn: Sendable, Hashable {
    /// Its name as SQL.
    public var sql: String
    /// What it is.
    public var type: ODBCBulkType

    /// A column, by its name as SQL.
    public init(_ sql: String, _ type: ODBCBulkType) {
        self.sql = sql
        self.type = type
    }
}

/// Rows on their way into one table of SQL Server, as fast as the driver can send them.
///
/// By the bulk copy calls of Microsoft's driver where it has them, or else by a statement with arrays of values, of which
/// every row's status is looked at: such a statement succeeds although rows of it have failed.
///
///     let bulk = try await session.bulk(into: "#t", columns: [ODBCBulkColumn("[id]", .int)])
///     try await bulk.write(batch)
///     let rows = try await bulk.finish()
public final class ODBCBulk: @unchecked Sendable {
    // `@unchecked Sendable` because it has one caller at a time, and all that varies is used in calls on the session's
    // thread, of which the next begins when the last has ended.

    /// Whether rows go by bulk copy.
    public let copies: Bool
    /// Why they do not; nil when they do.
    public let obstacle: String?
    private let connection: ODBCConnection
    private let table: String
    private let columns: [ODBCBulkColumn]
    private var bound: [sluice_bulk_column] = []
    private let slots: UnsafeMutableRawPointer
    private var isOpen = false
    private var rowsInBatch = 0
    private var bytesInBatch = 0
    private var sent = 0
    private var taken = 0

    /// From so many rows on, a batch is as fast as it gets.
    private static let batchRows = 100_000
    /// And it ends before a server has to keep more than so many bytes of it.
    private static let batchBytes = 64 << 20
    /// What a slot needs at most.
    private static let slotWidth = 32

    init(_ connection: ODBCConnection, table: String, columns: [ODBCBulkColumn], allowsCopy: Bool) {
        self.connection = connection
        self.table = table
        self.columns = columns
        obstacle = allowsCopy ? connection.obstacleToBulkCopy : "it is not asked for"
        copies = obstacle == nil
        slots = .allocate(byteCount: max(1, columns.count) * Self.slotWidth, alignment: 16)
        slots.initializeMemory(as: UInt8.self, repeating: 0, count: max(1, columns.count) * Self.slotWidth)
    }

    deinit { slots.deallocate() }

    /// The driver whose functions are known, or why there are none.
    private static let known = Mutex<(driver: String, failure: String?)?>(nil)

    /// Why a session cannot copy; nil when it can.
    fileprivate static func obstacle(_ connection: ODBCConnection) -> String? {
        let driver = connection.facts.driver
        guard connection.copiesInBulk else { return "the session was opened without bulk copy" }
        guard driver.lowercased().contains("msodbcsql") else { return "\(driver) has no bulk copy" }
        return known.withLock { known in
            if known == nil { known = (driver, sluice_bcp_load(driver).map { String(cString: $0) }) }
            // The functions of one driver know nothing of another's sessions.
            return known?.driver == driver ? known?.failure : "bulk copy is another driver's in this process"
        }
    }

    // MARK: Writing

    /// Sends a batch, whose columns are this table's in their order.
    ///
    /// - throws: `conversion` for a value that the server cannot hold, naming column and row, before anything is sent.
    public func write(_ batch: RecordBatch) async throws(SluiceError) {
        var ready: [BulkCells] = []
        for (place, column) in columns.enumerated() {
            do throws(SluiceError) {
                ready.append(try BulkCells(batch.columns[place], column.type))
            } catch {
                throw error.at(.init(column: batch.schema.fields[place].name))
            }
        }
        if batch.rowCount == 0 { return }
        if copies { try await copy(ready, rows: batch.rowCount) } else { try await insert(batch, ready) }
        sent += batch.rowCount
    }

    /// Ends what is open, and says how many rows the server has taken.
    public func finish() async throws(SluiceError) -> Int {
        if isOpen {
            try await connection.cancellable { [self] handle throws(SluiceError) in
                isOpen = false
                let rows = sluice_bcp_done(handle.connection)
                guard rows >= 0 else { throw failure(handle) }
                taken += Int(rows)
            }
        }
        guard taken == sent else {
            throw SluiceError(
                .inputOutput, "the server has taken \(taken) rows of \(sent) that were sent",
                place: .init(file: connection.name), hint: "Run the job again")
        }
        return taken
    }

    /// Ends what is open, for a transaction that is to be rolled back.
    public func abandon() async {
        guard isOpen else { return }
        isOpen = false
        let handle = connection.handle
        // Whether the task is cancelled or not: the session is of no use before.
        await connection.onThread { if !handle.isClosed { _ = sluice_bcp_done(handle.connection) } }
    }

    // MARK: By bulk copy

    private func copy(_ ready: [BulkCells], rows: Int) async throws(SluiceError) {
        // Handed to the session's thread, and not touched until the call has ended.
        nonisolated(unsafe) let ready = ready
        try await connection.cancellable { [self] handle throws(SluiceError) in
            if !isOpen { try open(handle) }
            for (place, cells) in ready.enumerated() {
                bound[place].cells = UnsafePointer(cells.cells.base.assumingMemoryBound(to: UInt8.self))
                bound[place].starts = cells.starts.map { UnsafePointer($0.base.assumingMemoryBound(to: Int64.self)) }
                bound[place].nulls = cells.nulls.map { UnsafePointer($0.base.assumingMemoryBound(to: UInt8.self)) }
                bytesInBatch += cells.width == 0 ? cells.cells.count : rows * cells.width
                // The driver is told the most that may come; a length is given with each row.
                if Int64(cells.longest) > bound[place].room {
                    bound[place].room = Int64(cells.longest)
                    // What is longer than 8000 bytes has a type of its own there.
                    bound[place].type = Int32(columns[place].type.copiedLong)
                    guard sluice_bcp_bind(handle.connection, &bound[place]) == 1 else { throw failure(handle) }
                }
            }
            let done = sluice_bcp_send(handle.connection, &bound, Int32(bound.count), Int64(rows))
            withExtendedLifetime(ready) {}
            guard done == Int64(rows) else { throw failure(handle) }
            rowsInBatch += rows
            if rowsInBatch >= Self.batchRows || bytesInBatch >= Self.batchBytes {
                let rows = sluice_bcp_batch(handle.connection)
                guard rows >= 0 else { throw failure(handle) }
                taken += Int(rows)
                (rowsInBatch, bytesInBatch) = (0, 0)
            }
        }
    }

    private func open(_ handle: ODBCConnection.Handle) throws(SluiceError) {
        let name = Array(table.utf16) + [0]
        guard sluice_bcp_init(handle.connection, name, "TABLOCK") == 1 else { throw failure(handle) }
        isOpen = true
        bound = []
        for (place, column) in columns.enumerated() {
            let (type, width) = column.type.copied
            var one = sluice_bulk_column()
            one.slot = (slots + place * Self.slotWidth).assumingMemoryBound(to: UInt8.self)
            one.width = Int32(width)
            one.room = Int64(width == 0 ? 8000 : width)
            one.type = Int32(type)
            one.place = Int32(place + 1)
            guard sluice_bcp_bind(handle.connection, &one) == 1 else { throw failure(handle) }
            bound.append(one)
        }
    }

    /// What a failed call leaves behind. A value that the server refuses now has no row of a batch to blame.
    private func failure(_ handle: ODBCConnection.Handle) -> SluiceError {
        let words = ODBCErrors.diagnostics(SQL_HANDLE_DBC, handle.connection, by: sluice_bcp_diagnostic)
        var error = ODBCErrors.error(words, server: connection.name, connecting: false)
        if error.code == .conversion { error.code = .invalidData }
        return error
    }

    // MARK: By arrays

    private func insert(_ batch: RecordBatch, _ ready: [BulkCells]) async throws(SluiceError) {
        var cells: [BulkCells] = []
        for (place, column) in columns.enumerated() {
            // What drivers understand in different ways is sent as text, and read by the server.
            cells.append(
                column.type.isSentAsText
                    ? try BulkCells(batch.columns[place].cast(to: .utf8), .text(limit: nil)) : ready[place])
        }
        let statement = ODBCArrayInsert(table: table, columns: columns)
        nonisolated(unsafe) let values = cells
        let rows = batch.rowCount
        try await connection.cancellable { [self] handle throws(SluiceError) in
            try statement.run(values, rows: rows, on: connection, handle)
            taken += rows
        }
    }
}

extension ODBCConnection {
    /// Why rows cannot be copied in bulk; nil when they can.
    public var obstacleToBulkCopy: String? { ODBCBulk.obstacle(self) }

    /// Rows into `table`, which has `columns` and no others, in this order.
    ///
    /// - parameter allowsCopy: False to send rows by arrays in any case.
    public func bulk(into table: String, columns: [ODBCBulkColumn], allowsCopy: Bool = true) -> ODBCBulk {
        ODBCBulk(self, table: table, columns: columns, allowsCopy: allowsCopy)
    }
}
