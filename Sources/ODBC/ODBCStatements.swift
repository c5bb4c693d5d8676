import CODBC
public import Support

/// How a result is read.
public struct ODBCReadOptions: Sendable {
    /// The most rows of a batch.
    public var batchRows: Int
    /// About how many bytes a batch has at most.
    public var batchBytes: Int
    /// The most rows in all; nil for all there are.
    public var limit: Int?

    /// Options.
    public init(batchRows: Int = 65_536, batchBytes: Int = 16 << 20, limit: Int? = nil) {
        self.batchRows = max(1, batchRows)
        self.batchBytes = batchBytes
        self.limit = limit
    }
}

/// A small answer, as text: catalogues, settings. Data travels by `ODBCRows`.
public struct ODBCAnswer: Sendable {
    /// The columns' names.
    public var names: [String] = []
    /// The rows, nil for null.
    public var rows: [[String?]] = []
    /// How many rows a statement changed; −1 when the driver does not say.
    public var changed = -1

    /// The first value of the first row.
    public var single: String? { rows.first?.first ?? nil }
}

extension ODBCConnection {
    /// Runs a statement with values for each `?`, and returns the last result as text.
    ///
    /// All results are gone through, since a batch of statements that failed in the middle says so behind its first one.
    @discardableResult
    public func query(_ sql: String, _ parameters: [ODBCParameter] = []) async throws(SluiceError) -> ODBCAnswer {
        try await cancellable { [self] handle throws(SluiceError) in
            try withStatement(handle) { (statement) throws(SluiceError) in
                let block = ODBCParameterBlock()
                try execute(sql, parameters, statement, handle, block)
                var answer = try ODBCConnection.answer(statement, handle, name)
                while true {
                    let code = handle.whileBusy(with: statement) { odbcMoreResults(statement) }
                    if code == SQL_NO_DATA { break }
                    guard ODBCEnvironment.isGood(code) else {
                        throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: name)
                    }
                    answer = try ODBCConnection.answer(statement, handle, name)
                }
                withExtendedLifetime(block) {}
                return answer
            }
        }
    }

    /// Runs a statement and hands out its rows as columns.
    ///
    /// - parameter columns: Which of its columns, in which order; nil for all.
    public func rows(
        _ sql: String, _ parameters: [ODBCParameter] = [], columns: [String]? = nil, options: ODBCReadOptions = .init()
    ) async throws(SluiceError) -> ODBCRows {
        try await cancellable { [self] handle throws(SluiceError) in
            let statement = try ODBCConnection.statement(handle, name)
            do throws(SluiceError) {
                if let limit = options.limit {
                    // Saves the server what nobody wants; a driver that cannot do it is stopped by us.
                    _ = odbcSetStmtAttrW(
                        statement, SQLINTEGER(SQL_ATTR_MAX_ROWS), UnsafeMutableRawPointer(bitPattern: max(1, limit)), 0)
                }
                let block = ODBCParameterBlock()
                try execute(sql, parameters, statement, handle, block)
                withExtendedLifetime(block) {}
                _ = odbcFreeStmt(statement, SQLUSMALLINT(SQL_RESET_PARAMS))
                return try ODBCRows(statement, of: self, choosing: columns, options: options)
            } catch {
                _ = odbcFreeHandle(SQLSMALLINT(SQL_HANDLE_STMT), statement)
                throw error
            }
        }
    }

    /// The columns that a statement returns, without running it.
    public func describe(_ sql: String) async throws(SluiceError) -> [ODBCColumn] {
        try await cancellable { [self] handle throws(SluiceError) in
            try withStatement(handle) { (statement) throws(SluiceError) in
                let text = Array(sql.utf16)
                let code = handle.whileBusy(with: statement) { odbcPrepareW(statement, text, SQLINTEGER(text.count)) }
                guard ODBCEnvironment.isGood(code) else {
                    throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: name)
                }
                return try ODBCRows.describe(statement, name)
            }
        }
    }

    /// The columns that a statement returns, by running it: for one that finds no rows, where drivers that do not prepare
    /// know nothing before.
    public func describeRunning(_ sql: String) async throws(SluiceError) -> [ODBCColumn] {
        try await rows(sql).described
    }

    /// Begins a transaction with the next statement; `false` ends the mode in which each statement commits itself.
    public func setAutocommit(_ isOn: Bool) async throws(SluiceError) {
        try await cancellable { [self] handle throws(SluiceError) in
            let code = odbcSetConnectAttrW(
                handle.connection, SQLINTEGER(SQL_ATTR_AUTOCOMMIT), UnsafeMutableRawPointer(bitPattern: isOn ? 1 : 0),
                -5)
            guard ODBCEnvironment.isGood(code) else {
                throw ODBCErrors.error(SQL_HANDLE_DBC, handle.connection, server: name)
            }
        }
    }

    /// Ends the transaction: what it did stays, or is gone.
    public func end(committing: Bool) async throws(SluiceError) {
        try await cancellable { [self] handle throws(SluiceError) in
            let code = odbcEndTran(
                SQLSMALLINT(SQL_HANDLE_DBC), handle.connection, SQLSMALLINT(committing ? SQL_COMMIT : SQL_ROLLBACK))
            guard ODBCEnvironment.isGood(code) else {
                throw ODBCErrors.error(SQL_HANDLE_DBC, handle.connection, server: name)
            }
        }
    }

    // MARK: Catalogue

    /// What the driver's catalogue call says of tables and views.
    public func tables(catalog: String? = nil) async throws(SluiceError) -> ODBCAnswer {
        try await catalogue { statement in
            let types = Array("TABLE,VIEW,BASE TABLE,MATERIALIZED VIEW,FOREIGN TABLE,PARTITIONED TABLE,MATVIEW".utf16)
            return withUnits(catalog) { catalog, length in
                odbcTablesW(statement, catalog, length, nil, 0, nil, 0, types, SQLSMALLINT(types.count))
            }
        }
    }

    /// What it says of the columns of one table, or of all tables when `table` is nil.
    public func columns(
        catalog: String?, schema: String?, table: String?
    ) async throws(SluiceError) -> ODBCAnswer {
        // Schema and table are patterns in this call.
        let (schema, table) = (schema.map(pattern), table.map(pattern))
        return try await catalogue { statement in
            withUnits(catalog) { a, al in
                withUnits(schema) { b, bl in
                    withUnits(table) { c, cl in odbcColumnsW(statement, a, al, b, bl, c, cl, nil, 0) }
                }
            }
        }
    }

    /// What it says of the primary key of a table.
    public func primaryKey(catalog: String?, schema: String?, table: String) async throws(SluiceError) -> ODBCAnswer {
        try await catalogue { statement in
            withUnits(catalog) { a, al in
                withUnits(schema) { b, bl in
                    withUnits(table) { c, cl in odbcPrimaryKeysW(statement, a, al, b, bl, c, cl) }
                }
            }
        }
    }

    private func pattern(_ text: String) -> String {
        let escape = facts.patternEscape
        guard !escape.isEmpty else { return text }
        var result = ""
        for character in text {
            if character == "%" || character == "_" || String(character) == escape { result += escape }
            result.append(character)
        }
        return result
    }

    private func catalogue(
        _ call: @escaping @Sendable (SQLHANDLE) -> SQLRETURN
    ) async throws(SluiceError) -> ODBCAnswer {
        try await cancellable { [self] handle throws(SluiceError) in
            try withStatement(handle) { (statement) throws(SluiceError) in
                let code = handle.whileBusy(with: statement) { call(statement) }
                guard ODBCEnvironment.isGood(code) else {
                    throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: name)
                }
                return try ODBCConnection.answer(statement, handle, name)
            }
        }
    }

    // MARK: Parts

    /// Binds `parameters` and runs `sql`.
    func execute(
        _ sql: String, _ parameters: [ODBCParameter], _ statement: SQLHANDLE, _ handle: Handle,
        _ block: ODBCParameterBlock
    ) throws(SluiceError) {
        guard ODBCEnvironment.isGood(block.bind(parameters, to: statement, in: facts.database)) else {
            throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: name)
        }
        let text = Array(sql.utf16)
        let code = handle.whileBusy(with: statement) { odbcExecDirectW(statement, text, SQLINTEGER(text.count)) }
        // An UPDATE or DELETE that finds no row says that there is no data.
        guard ODBCEnvironment.isGood(code) || code == SQL_NO_DATA else {
            throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: name)
        }
    }

    private static func answer(
        _ statement: SQLHANDLE, _ handle: Handle, _ name: String
    ) throws(SluiceError) -> ODBCAnswer {
        var answer = ODBCAnswer()
        let columns = try ODBCRows.describe(statement, name)
        answer.names = columns.map(\.name)
        if columns.isEmpty {
            var count: SQLLEN = -1
            if ODBCEnvironment.isGood(odbcRowCount(statement, &count)) { answer.changed = Int(count) }
            return answer
        }
        while true {
            let code = handle.whileBusy(with: statement) { odbcFetch(statement) }
            if code == SQL_NO_DATA { return answer }
            guard ODBCEnvironment.isGood(code) else {
                throw ODBCErrors.error(SQL_HANDLE_STMT, statement, server: name)
            }
            var row: [String?] = []
            for place in 1...columns.count {
                let bytes = try ODBCRows.get(statement, SQLUSMALLINT(place), SQL_C_WCHAR, name)
                row.append(
                    bytes.map { bytes in
                        bytes.withUnsafeBytes { String(decoding: $0.bindMemory(to: UInt16.self), as: UTF16.self) }
                    })
            }
            answer.rows.append(row)
        }
    }
}

private func withUnits<Answer>(
    _ text: String?, _ body: (UnsafePointer<SQLWCHAR>?, SQLSMALLINT) -> Answer
) -> Answer {
    guard let text else { return body(nil, 0) }
    let units = Array(text.utf16.prefix(Int(Int16.max)))
    return units.withUnsafeBufferPointer { buffer in
        var nothing: SQLWCHAR = 0
        return withUnsafePointer(to: &nothing) { body(buffer.baseAddress ?? $0, SQLSMALLINT(buffer.count)) }
    }
}
