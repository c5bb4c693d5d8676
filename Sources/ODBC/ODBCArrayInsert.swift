import CODBC
import Columns
import Support

/// An INSERT that takes many rows at once, as arrays of values side by side.
struct ODBCArrayInsert: Sendable {
    let table: String
    let columns: [ODBCBulkColumn]

    /// The most rows of one execution, and the most bytes of its arrays.
    private static let blockRows = 4096
    private static let blockBytes = 4 << 20

    /// The statement.
    var sql: String {
        let names = columns.map(\.sql).joined(separator: ", ")
        let values = columns.map(\.type.parameter).joined(separator: ", ")
        return "INSERT INTO \(table) (\(names)) VALUES (\(values))"
    }

    /// FreeTDS declares a parameter without a limit by the first row's value, and cuts long values without a word.
    private func refuseWhatIsCut(_ cells: [BulkCells], on connection: ODBCConnection) throws(SluiceError) {
        guard connection.facts.driver.lowercased().contains("tdsodbc"),
            let place = cells.firstIndex(where: { $0.width == 0 && $0.longest > 8000 })
        else { return }
        throw SluiceError(
            .unsupported,
            "a value of column \(columns[place].sql) has \(cells[place].longest) bytes, and FreeTDS sends 8000 at most",
            place: .init(file: connection.name), hint: "install Microsoft's driver, msodbcsql18, and name it as driver")
    }

    /// Sends `rows` rows, and looks at the status of each.
    func run(
        _ cells: [BulkCells], rows: Int, on connection: ODBCConnection, _ handle: ODBCConnection.Handle
    ) throws(SluiceError) {
        try refuseWhatIsCut(cells, on: connection)
        try connection.withStatement(handle) { (statement) throws(SluiceError) in
            func check(_ code: SQLRETURN) throws(SluiceError) {
                if ODBCEnvironment.isGood(code) { return }
                var error = ODBCErrors.error(SQL_HANDLE_STMT, statement, server: connection.name)
                if error.code == .conversion { error.code = .invalidData }
                throw error
            }
            func set(_ attribute: Int, _ value: UnsafeMutableRawPointer?) throws(SluiceError) {
                try check(odbcSetStmtAttrW(statement, SQLINTEGER(attribute), value, 0))
            }
            let text = Array(sql.utf16)
            try check(odbcPrepareW(statement, text, SQLINTEGER(text.count)))
            let statuses = UnsafeMutablePointer<SQLUSMALLINT>.allocate(capacity: Self.blockRows)
            let processed = UnsafeMutablePointer<SQLULEN>.allocate(capacity: 1)
            defer {
                statuses.deallocate()
                processed.deallocate()
            }
            // 0: each column's values lie side by side.
            try set(SQL_ATTR_PARAM_BIND_TYPE, nil)
            try set(SQL_ATTR_PARAM_STATUS_PTR, statuses)
            try set(SQL_ATTR_PARAMS_PROCESSED_PTR, processed)
            let widths = cells.map { $0.width == 0 ? $0.longest + 2 : $0.width }
            let rowWidth = widths.reduce(0) { $0 + $1 + 8 }
            let most = max(1, min(Self.blockRows, Self.blockBytes / max(1, rowWidth)))
            var first = 0
            while first < rows {
                let count = min(most, rows - first)
                let block = ArrayBlock(cells, widths, first..<(first + count))
                for (place, column) in cells.enumerated() { try check(block.bind(column, place, to: statement)) }
                try set(SQL_ATTR_PARAMSET_SIZE, UnsafeMutableRawPointer(bitPattern: count))
                statuses.initialize(repeating: SQLUSMALLINT(SQL_PARAM_UNUSED), count: Self.blockRows)
                processed.initialize(to: 0)
                // Each call forgets what the one before had to say, so that it is kept here.
                var words: [ODBCErrors.Diagnostic] = []
                func note(_ code: SQLRETURN) throws(SluiceError) {
                    if code == SQL_SUCCESS_WITH_INFO { words += ODBCErrors.diagnostics(SQL_HANDLE_STMT, statement) }
                    try check(code)
                }
                try note(handle.whileBusy(with: statement) { odbcExecute(statement) })
                // A later row's failure may come behind an earlier one's result.
                while true {
                    let code = handle.whileBusy(with: statement) { odbcMoreResults(statement) }
                    if code == SQL_NO_DATA { break }
                    try note(code)
                }
                withExtendedLifetime(block) {}
                // Of a single row drivers may say nothing but that the statement succeeded, or not.
                for row in 0..<count where count > 1 && !ArrayBlock.isDone(statuses[row]) {
                    var error = ODBCErrors.error(words, server: connection.name, connecting: false)
                    if words.isEmpty {
                        error.message += " (status \(statuses[row]), \(processed.pointee) rows of \(count) done)"
                    }
                    if error.code == .conversion { error.code = .invalidData }
                    throw error.at(.init(row: first + row + 1))
                }
                _ = odbcFreeStmt(statement, SQLUSMALLINT(SQL_CLOSE))
                first += count
            }
        }
    }
}

/// Values of some rows, each with the same room, as arrays are bound.
private final class ArrayBlock {
    private var cells: [UnsafeMutableRawPointer] = []
    private var lengths: [UnsafeMutablePointer<SQLLEN>] = []
    private let widths: [Int]

    init(_ columns: [BulkCells], _ widths: [Int], _ rows: Range<Int>) {
        self.widths = widths
        for (column, width) in zip(columns, widths) {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: max(16, rows.count * width), alignment: 16)
            let lengths = UnsafeMutablePointer<SQLLEN>.allocate(capacity: rows.count)
            let starts = column.starts?.base.assumingMemoryBound(to: Int64.self)
            let nulls = column.nulls?.base.assumingMemoryBound(to: UInt8.self)
            for (place, row) in rows.enumerated() {
                let cell = memory + place * width
                if let starts {
                    let start = Int(starts[row])
                    let count = Int(starts[row + 1]) - start
                    cell.copyMemory(from: column.cells.base + start, byteCount: count)
                    cell.storeBytes(of: 0, toByteOffset: count, as: UInt16.self)
                    lengths[place] = SQLLEN(count)
                } else {
                    cell.copyMemory(from: column.cells.base + row * width, byteCount: width)
                    lengths[place] = SQLLEN(width)
                }
                if let nulls, nulls[row] != 0 { lengths[place] = SQLLEN(SQL_NULL_DATA) }
            }
            cells.append(memory)
            self.lengths.append(lengths)
        }
    }

    deinit {
        for memory in cells { memory.deallocate() }
        for memory in lengths { memory.deallocate() }
    }

    func bind(_ column: BulkCells, _ place: Int, to statement: SQLHANDLE) -> SQLRETURN {
        let (cType, sqlType, size) = column.type.bound(longest: column.longest)
        return odbcBindParameter(
            statement, SQLUSMALLINT(place + 1), SQLSMALLINT(SQL_PARAM_INPUT), SQLSMALLINT(cType), SQLSMALLINT(sqlType),
            SQLULEN(size), 0, cells[place], SQLLEN(widths[place]), lengths[place])
    }

    static func isDone(_ status: SQLUSMALLINT) -> Bool {
        status == SQLUSMALLINT(SQL_PARAM_SUCCESS) || status == SQLUSMALLINT(SQL_PARAM_SUCCESS_WITH_INFO)
    }
}

extension ODBCBulkType {
    /// Whether drivers differ in how they take it, so that arrays have it as text.
    var isSentAsText: Bool {
        switch self {
        case .decimal, .date, .time, .wallClock, .moment, .uuid: true
        default: false
        }
    }

    /// What stands for a value in a statement.
    var parameter: String {
        switch self {
        case .decimal(let precision, let scale): "CONVERT(DECIMAL(\(precision), \(scale)), ?)"
        case .date: "CONVERT(DATE, ?)"
        // Nanoseconds are written with nine digits, of which the server takes seven, and the others are zero.
        case .time(let digits): "CONVERT(TIME(\(digits)), LEFT(?, 16))"
        case .wallClock(let digits): "CONVERT(DATETIME2(\(digits)), LEFT(?, 27))"
        case .moment(let digits): "CONVERT(DATETIMEOFFSET(\(digits)), LEFT(?, 27))"
        case .uuid: "CONVERT(UNIQUEIDENTIFIER, ?)"
        default: "?"
        }
    }

    /// The numbers of the types in C and in SQL, and the size of the latter.
    fileprivate func bound(longest: Int) -> (cType: Int, sqlType: Int, size: Int) {
        switch self {
        case .bit: (SQL_C_BIT, SQL_BIT, 1)
        case .tinyint: (SQL_C_UTINYINT, SQL_TINYINT, 3)
        case .smallint: (SQL_C_SSHORT, SQL_SMALLINT, 5)
        case .int: (SQL_C_SLONG, SQL_INTEGER, 10)
        case .bigint: (SQL_C_SBIGINT, SQL_BIGINT, 19)
        case .real: (SQL_C_FLOAT, SQL_REAL, 7)
        case .float: (SQL_C_DOUBLE, SQL_DOUBLE, 15)
        // Beyond 8000 bytes, SQL Server knows types without a limit only, whose size is 0.
        case .bytes: (SQL_C_BINARY, SQL_VARBINARY, longest > 8000 ? 0 : max(1, longest))
        default: (SQL_C_WCHAR, SQL_WVARCHAR, longest > 8000 ? 0 : max(1, longest / 2))
        }
    }
}
