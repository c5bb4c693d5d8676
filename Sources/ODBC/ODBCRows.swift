import CODBC
public import Columns
public import Support

/// A run of rows, and those that were left out of it.
public struct ODBCBatch: Sendable {
    /// A row with a value that its column's type cannot hold.
    public struct Misfit: Sendable {
        /// The row's number in the result, from 1.
        public let row: Int
        /// The column that it failed in.
        public let column: String
        /// The value as the driver gave it.
        public let raw: String
        /// The row, null where the value is.
        public let batch: RecordBatch
    }

    /// The rows.
    public let batch: RecordBatch
    /// The rows that are not among them.
    public let misfits: [Misfit]
    /// How many bytes the driver handed over for them.
    public let bytes: Int
}

/// The rows of a statement that has been executed, block by block out of the driver, in batches.
public final class ODBCRows: @unchecked Sendable {
    // `@unchecked Sendable` because all but the two constants is used on the session's thread only.

    /// The columns as they come.
    public let schema: Schema
    /// The columns as the driver describes them.
    public let described: [ODBCColumn]
    private let connection: ODBCConnection
    private let statement: SQLHANDLE
    private var columns: [FetchColumn] = []
    /// The columns as they stand in the result, which is the order in which values have to be asked for.
    private var byPlace: [FetchColumn] = []
    private let fetched: UnsafeMutablePointer<SQLULEN>
    private let statuses: UnsafeMutablePointer<SQLUSMALLINT>
    private var blockRows = 1
    private var isFinished = false
    private var rowsBefore = 0
    private var rowsLeft: Int
    private let options: ODBCReadOptions

    /// Reads what `statement` brings; takes the statement over.
    init(
        _ statement: SQLHANDLE, of connection: ODBCConnection, choosing names: [String]?, options: ODBCReadOptions
    ) throws(SluiceError) {
        self.statement = statement
        self.connection = connection
        self.options = options
        rowsLeft = options.limit ?? .max
        let all = try ODBCRows.describe(statement, connection.name)
        let facts = connection.facts
        var chosen: [(place: Int, column: ODBCColumn, kind: ODBCType)] = []
        for (place, column) in all.enumerated() where names?.contains(column.name) ?? true {
            chosen.append((place + 1, column, ODBCType(column, in: facts.database)))
        }
        if let names {
            chosen.sort { a, b in
                (names.firstIndex(of: a.column.name) ?? 0) < (names.firstIndex(of: b.column.name) ?? 0)
            }
        }
        described = chosen.map(\.column)
        schema = Schema(chosen.map { Field($0.column.name, $0.kind.type) })
        fetched = .allocate(capacity: 1)
        fetched.initialize(to: 0)
        statuses = .allocate(capacity: ODBCRows.mostRows)
        statuses.initialize(repeating: 0, count: ODBCRows.mostRows)
        plan(chosen)
    }

    deinit {
        fetched.deallocate()
        statuses.deallocate()
        // A session that has been closed has freed its statements, and another may have got the memory since.
        let address = UInt(bitPattern: statement)
        let handle = connection.handle
        connection.start {
            if !handle.isClosed { _ = odbcFreeHandle(SQLSMALLINT(SQL_HANDLE_STMT), SQLHANDLE(bitPattern: address)) }
        }
    }

    // MARK: Blocks

    private static let mostRows = 4096
    /// How many bytes of a block there is room for.
    private static let blockBytes = 2 << 20
    /// What text and bytes of unknown length get at first, where more can be asked for.
    private static let firstWidth = 512
    /// What they get at most.
    private static let mostWidth = 64 << 10

    /// Decides which columns the driver fills block by block.
    private func plan(_ chosen: [(place: Int, column: ODBCColumn, kind: ODBCType)]) {
        let canGetAgain = connection.facts.canGetAgain
        // Where a value cannot be asked for twice, those of unknown length are asked for one by one. Drivers allow that
        // for columns behind the last one that is bound, and in one row at a time.
        let firstLong = canGetAgain ? nil : chosen.filter { $0.kind.width == nil }.map(\.place).min()
        for (place, column, kind) in chosen {
            let isBound = firstLong.map { place < $0 } ?? true
            var width = kind.width ?? ODBCRows.firstWidth
            if canGetAgain, kind.form == .text || kind.form == .bytes { width = min(width, ODBCRows.firstWidth) }
            columns.append(
                FetchColumn(
                    column, kind, place: place, isBound: isBound, width: width, capacity: options.batchRows))
        }
        byPlace = columns.sorted { $0.place < $1.place }
        isByRow = firstLong != nil
    }

    private var isByRow = false
    private var isBound = false

    private func bindAll() throws(SluiceError) {
        let rowWidth = columns.reduce(0) { $0 + ($1.isBound ? $1.width + 8 : 0) }
        blockRows = isByRow ? 1 : max(1, min(ODBCRows.mostRows, ODBCRows.blockBytes / max(1, rowWidth)))
        blockRows = min(blockRows, options.batchRows)
        func set(_ attribute: Int, _ value: UnsafeMutableRawPointer?) throws(SluiceError) {
            let code = odbcSetStmtAttrW(statement, SQLINTEGER(attribute), value, 0)
            guard ODBCEnvironment.isGood(code) else {
                throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: connection.name)
            }
        }
        try set(SQL_ATTR_ROW_ARRAY_SIZE, UnsafeMutableRawPointer(bitPattern: blockRows))
        if !isBound {
            try set(SQL_ATTR_ROWS_FETCHED_PTR, fetched)
            try set(SQL_ATTR_ROW_STATUS_PTR, statuses)
        }
        for column in columns {
            guard ODBCEnvironment.isGood(column.bind(to: statement, rows: blockRows)) else {
                throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: connection.name)
                    .at(.init(column: column.column.name))
            }
        }
        isBound = true
    }

    // MARK: Reading

    /// The next rows; nil at the end.
    public func next() async throws(SluiceError) -> ODBCBatch? {
        try await connection.cancellable { [self] handle throws(SluiceError) in try read(handle) }
    }

    private func read(_ handle: ODBCConnection.Handle) throws(SluiceError) -> ODBCBatch? {
        var rows = 0
        while !isFinished, rowsLeft > 0, rows + blockRows <= options.batchRows, bytes < options.batchBytes {
            if !isBound { try bindAll() }
            fetched.pointee = 0
            let code = handle.whileBusy(with: statement) { odbcFetch(statement) }
            if code == SQL_NO_DATA {
                isFinished = true
                break
            }
            guard ODBCEnvironment.isGood(code) else {
                throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: connection.name)
                    .at(.init(row: rowsBefore + rows + 1))
            }
            let count = min(Int(fetched.pointee), blockRows, rowsLeft)
            if code == SQL_SUCCESS_WITH_INFO { try refuseBadRows(count, rowsBefore + rows) }
            try add(count)
            rows += count
            rowsLeft -= count
            var isWider = false
            for column in columns where column.isBound && connection.facts.canGetAgain {
                isWider = column.widen(upTo: ODBCRows.mostWidth) || isWider
            }
            if isWider { try bindAll() }
        }
        if rowsLeft == 0 { isFinished = true }
        guard rows > 0 else { return nil }
        return take(rows)
    }

    private var bytes: Int { columns.reduce(0) { $0 + $1.byteCount } }

    private func add(_ count: Int) throws(SluiceError) {
        for column in byPlace {
            do throws(SluiceError) {
                if column.isBound {
                    try column.add(count) { (row) throws(SluiceError) in try again(column, row, count) }
                } else if count > 0, column.kind.width == nil {
                    try column.addOne(try getWhole(column))
                } else if count > 0 {
                    try column.getOne(statement, connection.name)
                }
            } catch {
                throw error.at(.init(file: connection.name, column: column.column.name))
            }
        }
    }

    /// A block may be a success although a row of it failed: only its status tells.
    private func refuseBadRows(_ count: Int, _ before: Int) throws(SluiceError) {
        for row in 0..<count where statuses[row] == SQLUSMALLINT(SQL_ROW_ERROR) {
            throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: connection.name).at(.init(row: before + row + 1))
        }
    }

    // MARK: Long values

    /// The value of a row that had no room.
    private func again(_ column: FetchColumn, _ row: Int, _ count: Int) throws(SluiceError) -> [UInt8]? {
        guard connection.facts.canGetAgain else {
            throw SluiceError(
                .invalidData,
                "the driver says that a value has at most \(column.column.size) characters, and one has more",
                hint: "cast the column to what it may hold in a query, or use another driver")
        }
        let code = odbcSetPos(statement, SQLULEN(row + 1), SQLUSMALLINT(SQL_POSITION), SQLUSMALLINT(SQL_LOCK_NO_CHANGE))
        guard ODBCEnvironment.isGood(code) else {
            throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: connection.name)
        }
        return try getWhole(column)
    }

    /// All of a value, in as many pieces as the driver likes; nil for null.
    private func getWhole(_ column: FetchColumn) throws(SluiceError) -> [UInt8]? {
        try ODBCRows.get(statement, column.place, column.kind.cType, connection.name)
    }

    /// The most that one value may have.
    private static let longest = 1 << 30

    static func get(
        _ statement: SQLHANDLE, _ place: SQLUSMALLINT, _ cType: Int, _ server: String
    ) throws(SluiceError) -> [UInt8]? {
        var bytes: [UInt8] = []
        var room = 8192
        let zero = cType == SQL_C_WCHAR ? 2 : cType == SQL_C_CHAR ? 1 : 0
        while true {
            let before = bytes.count
            bytes.append(contentsOf: repeatElement(0, count: room))
            var length: SQLLEN = 0
            let code = bytes.withUnsafeMutableBytes { memory in
                odbcGetData(
                    statement, place, SQLSMALLINT(cType), memory.baseAddress.map { $0 + before }, SQLLEN(room), &length)
            }
            if code == SQL_NO_DATA {
                bytes.removeLast(room)
                return bytes
            }
            guard ODBCEnvironment.isGood(code) else {
                throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: server)
            }
            if length == SQLLEN(SQL_NULL_DATA) { return nil }
            let isCut = length == SQLLEN(SQL_NO_TOTAL) || Int(length) > room - zero
            let got = isCut ? room - zero : Int(length)
            bytes.removeLast(room - max(0, got))
            if !isCut { return bytes }
            let rest = length == SQLLEN(SQL_NO_TOTAL) ? room * 2 : Int(length) - got
            guard bytes.count + rest <= longest else {
                throw SluiceError(
                    .limitExceeded, "a value has more than 1 GiB", place: .init(file: server),
                    hint: "leave the column out, or read a part of it by a query")
            }
            room = max(64, rest + zero)
        }
    }

    // MARK: Batches

    private func take(_ rows: Int) -> ODBCBatch {
        let size = bytes
        let before = rowsBefore
        rowsBefore += rows
        let misfits = columns.map { ($0.column.name, $0.misfits) }
        let batch = RecordBatch(schema: schema, columns: columns.map { $0.take() }, rowCount: rows)
        guard misfits.contains(where: { !$0.1.isEmpty }) else {
            return ODBCBatch(batch: batch, misfits: [], bytes: size)
        }
        var bad: [Int: ODBCBatch.Misfit] = [:]
        for (name, found) in misfits {
            for misfit in found where bad[misfit.row] == nil {
                bad[misfit.row] = ODBCBatch.Misfit(
                    row: before + misfit.row + 1, column: name, raw: misfit.raw,
                    batch: batch.slice(misfit.row..<(misfit.row + 1)))
            }
        }
        let kept = (0..<Int32(rows)).filter { bad[Int($0)] == nil }
        let rest = (try? batch.take(kept)) ?? batch.slice(0..<0)
        return ODBCBatch(batch: rest, misfits: bad.values.sorted { $0.row < $1.row }, bytes: size)
    }

    /// The columns of a statement's result.
    static func describe(_ statement: SQLHANDLE, _ server: String) throws(SluiceError) -> [ODBCColumn] {
        var count: SQLSMALLINT = 0
        guard ODBCEnvironment.isGood(odbcNumResultCols(statement, &count)) else {
            throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: server)
        }
        var columns: [ODBCColumn] = []
        var name = [SQLWCHAR](repeating: 0, count: 1024)
        for place in 0..<Int(max(0, count)) {
            var (length, type, digits, nullable): (SQLSMALLINT, SQLSMALLINT, SQLSMALLINT, SQLSMALLINT) = (0, 0, 0, 0)
            var size: SQLULEN = 0
            let code = odbcDescribeColW(
                statement, SQLUSMALLINT(place + 1), &name, SQLSMALLINT(name.count), &length, &type, &size, &digits,
                &nullable)
            guard ODBCEnvironment.isGood(code) else {
                throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: server)
            }
            let units = name.prefix(max(0, min(Int(length), name.count - 1)))
            var number: SQLLEN = 0
            let isUnsigned =
                ODBCEnvironment.isGood(
                    odbcColAttributeW(
                        statement, SQLUSMALLINT(place + 1), SQLUSMALLINT(SQL_DESC_UNSIGNED), nil, 0, nil, &number))
                && number == 1
            var word = [SQLWCHAR](repeating: 0, count: 256)
            _ = odbcColAttributeW(
                statement, SQLUSMALLINT(place + 1), SQLUSMALLINT(SQL_DESC_TYPE_NAME), &word, 510, nil, nil)
            columns.append(
                ODBCColumn(
                    name: String(decoding: units, as: UTF16.self), sqlType: Int(type),
                    size: size > SQLULEN(Int32.max) ? 0 : Int(size), digits: Int(digits), isUnsigned: isUnsigned,
                    typeName: String(decoding: word.prefix { $0 != 0 }, as: UTF16.self)))
        }
        return columns
    }
}
