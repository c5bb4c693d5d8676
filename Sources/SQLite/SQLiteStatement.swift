import CSQLite
import Support

/// A prepared statement. Used on its database's thread only.
final class SQLiteStatement {
    let handle: SQLiteHandle
    /// Valid until `finalize`, or until the connection is closed.
    let pointer: OpaquePointer
    private var isFinal = false

    /// SQL that is read statement by statement.
    struct Text {
        private var bytes: [CChar]
        private var position = 0

        init(_ sql: String) { bytes = Array(sql.utf8CString) }

        /// Prepares the next statement; nil when nothing but space and comments is left.
        fileprivate mutating func prepare(
            on connection: OpaquePointer
        ) -> (result: Int32, statement: OpaquePointer?) {
            bytes.withUnsafeBufferPointer { all in
                var result = SQLITE_OK
                var statement: OpaquePointer?
                while result == SQLITE_OK, statement == nil, position < all.count - 1, let start = all.baseAddress {
                    var tail: UnsafePointer<CChar>?
                    result = sqlite3_prepare_v2(
                        connection, start + position, Int32(clamping: all.count - position), &statement, &tail)
                    position = tail.map { $0 - start } ?? all.count
                }
                return (result, statement)
            }
        }
    }

    /// The next statement of `text`; nil at its end.
    init?(next text: inout Text, on handle: SQLiteHandle) throws(SluiceError) {
        let (result, statement) = text.prepare(on: try handle.open())
        guard result == SQLITE_OK else { throw handle.failure() }
        guard let statement else { return nil }
        self.handle = handle
        pointer = statement
    }

    /// The one statement that `sql` is.
    convenience init(_ sql: String, on handle: SQLiteHandle) throws(SluiceError) {
        var text = Text(try Self.checked(sql, handle.name))
        try self.init(first: &text, on: handle)
        let connection = try handle.open()
        let (result, other) = text.prepare(on: connection)
        guard result == SQLITE_OK, other == nil else {
            sqlite3_finalize(other)
            finalize()
            throw SluiceError(
                .invalidConfiguration, "there is more than one statement", place: .init(file: handle.name),
                hint: "leave out what stands behind the first semicolon")
        }
    }

    private init(first text: inout Text, on handle: SQLiteHandle) throws(SluiceError) {
        let (result, statement) = text.prepare(on: try handle.open())
        guard result == SQLITE_OK else { throw handle.failure() }
        guard let statement else {
            throw SluiceError(.invalidConfiguration, "there is no statement", place: .init(file: handle.name))
        }
        self.handle = handle
        pointer = statement
    }

    /// `sql`, unless it has a NUL, where SQLite would take it to end.
    static func checked(_ sql: String, _ name: String) throws(SluiceError) -> String {
        guard !sql.utf8.contains(0) else {
            throw SluiceError(
                .invalidConfiguration, "a statement or a name in it has a NUL character, where SQLite takes it to end",
                place: .init(file: name))
        }
        return sql
    }

    var columnCount: Int { Int(sqlite3_column_count(pointer)) }
    var parameterCount: Int { Int(sqlite3_bind_parameter_count(pointer)) }
    var onlyReads: Bool { sqlite3_stmt_readonly(pointer) != 0 }

    func columnName(_ index: Int) -> String {
        sqlite3_column_name(pointer, Int32(index)).map { String(cString: $0) } ?? ""
    }

    /// The declared type of a column that is a table's; nil for an expression.
    func declaredType(_ index: Int) -> String? {
        sqlite3_column_decltype(pointer, Int32(index)).map { String(cString: $0) }
    }

    /// Gives every parameter its value.
    func bind(_ values: [SQLiteValue], named: [String: SQLiteValue] = [:]) throws(SluiceError) {
        var position = 0
        for index in 0..<Int32(parameterCount) {
            if let name = sqlite3_bind_parameter_name(pointer, index + 1).map({ String(cString: $0) }),
                !name.hasPrefix("?")
            {
                guard let value = named[String(name.dropFirst())] else {
                    throw SluiceError(
                        .invalidConfiguration, "the query's parameter \(name) has no value",
                        place: .init(file: handle.name), hint: "give it one, or leave it out of the query")
                }
                try bind(value, at: index + 1)
            } else {
                guard position < values.count else { throw mismatch(values.count) }
                try bind(values[position], at: index + 1)
                position += 1
            }
        }
        if position != values.count { throw mismatch(values.count) }
    }

    private func mismatch(_ count: Int) -> SluiceError {
        SluiceError(
            .invalidConfiguration, "the statement has \(parameterCount) parameters, and \(count) values were given",
            place: .init(file: handle.name))
    }

    func bind(_ value: SQLiteValue, at index: Int32) throws(SluiceError) {
        let result: Int32
        switch value {
        case .null: result = sqlite3_bind_null(pointer, index)
        case .integer(let value): result = sqlite3_bind_int64(pointer, index, value)
        case .real(let value): result = sqlite3_bind_double(pointer, index, value)
        case .text(var text):
            result = text.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) {
                    // Empty text is text, which a null pointer would not be.
                    sqlite3_bind_text64(
                        pointer, index, $0.baseAddress ?? Self.nothing, UInt64($0.count), Self.transient,
                        UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let bytes):
            result = bytes.withUnsafeBytes {
                $0.isEmpty
                    ? sqlite3_bind_zeroblob(pointer, index, 0)
                    : sqlite3_bind_blob64(pointer, index, $0.baseAddress, UInt64($0.count), Self.transient)
            }
        }
        guard result == SQLITE_OK else { throw handle.failure() }
    }

    /// Says that SQLite has to copy what it is given.
    static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    /// Where empty text lies.
    nonisolated(unsafe) static let nothing: UnsafePointer<CChar> = {
        let byte = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        byte.pointee = 0
        return UnsafePointer(byte)
    }()

    /// Goes to the next row; false when there is none.
    @inline(__always) func step() throws(SluiceError) -> Bool {
        let result = sqlite3_step(pointer)
        if result == SQLITE_ROW { return true }
        if result == SQLITE_DONE { return false }
        let error = handle.failure()
        sqlite3_reset(pointer)
        throw error
    }

    /// The value of a column of the current row.
    func value(_ column: Int) -> SQLiteValue {
        let cell = SQLiteCell(pointer, Int32(column))
        switch cell.storage {
        case .null: return .null
        case .integer: return .integer(cell.integer)
        case .real: return .real(cell.real)
        case .text: return .text(String(decoding: cell.bytes, as: UTF8.self))
        case .blob: return .blob(Array(cell.bytes))
        }
    }

    /// Gives the statement up; nothing when the connection is closed, since that has done so.
    func finalize() {
        guard !isFinal else { return }
        isFinal = true
        if handle.connection != nil { sqlite3_finalize(pointer) }
    }
}

extension SQLiteRows {
    /// Runs a statement to its end.
    init(_ statement: SQLiteStatement) throws(SluiceError) {
        let connection = try statement.handle.open()
        let before = sqlite3_total_changes64(connection)
        var rows: [[SQLiteValue]] = []
        while try statement.step() {
            rows.append((0..<statement.columnCount).map { statement.value($0) })
        }
        names = (0..<statement.columnCount).map { statement.columnName($0) }
        self.rows = rows
        // SQLite keeps the number of an earlier statement where this one could not change anything.
        changed = sqlite3_total_changes64(connection) == before ? 0 : Int(sqlite3_changes64(connection))
        lastRowID = sqlite3_last_insert_rowid(connection)
    }
}
