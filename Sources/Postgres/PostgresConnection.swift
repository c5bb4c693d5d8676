import CPq
public import Columns
public import Support

/// One session with a PostgreSQL server.
///
/// Calls run on a thread of the session's own, one after the other, because libpq waits in them. A call that is
/// cancelled asks the server to stop what it is doing, and then fails as the server says.
///
///     let session = try await PostgresConnection.open(["host": "db.example", "dbname": "shop"])
///     let rows = try await session.query("SELECT name FROM team WHERE id = $1", ["7"])
public final class PostgresConnection: Sendable {
    /// What to call the server in a message: `postgres://host:port/database`, without a password.
    public let name: String
    private let handle: Handle
    private let queue = BlockingQueue("sluice.postgres")

    /// libpq's connection, and the cancel handle that may be used from another thread.
    // `@unchecked Sendable` because all but `cancel` is used on `queue` only, and libpq allows `PQcancel` on any thread.
    private final class Handle: @unchecked Sendable {
        let connection: OpaquePointer
        let cancel: OpaquePointer?
        private(set) var isClosed = false

        init(_ connection: OpaquePointer) {
            self.connection = connection
            cancel = PQgetCancel(connection)
        }

        func close() {
            if !isClosed { PQfinish(connection) }
            isClosed = true
        }

        deinit {
            PQfreeCancel(cancel)
            close()
        }
    }

    private init(name: String, handle: Handle) {
        self.name = name
        self.handle = handle
    }

    /// Opens a session with libpq's settings (`host`, `port`, `dbname`, `user`, `password`, `sslmode`, …).
    ///
    /// Values go to libpq as they are, so that any character is safe in them.
    public static func open(_ settings: [String: String]) async throws(SluiceError) -> PostgresConnection {
        var all = settings
        all["client_encoding"] = "UTF8"
        if all["fallback_application_name"] == nil { all["fallback_application_name"] = "sluice" }
        if all["connect_timeout"] == nil { all["connect_timeout"] = "15" }
        let name = Self.name(settings)
        let opened: Result<Handle, SluiceError> = await BlockingQueue("sluice.postgres.open").run { [all] in
            if let failure = sluice_pq_load() {
                return .failure(
                    SluiceError(
                        .unsupported, "PostgreSQL's client library cannot be loaded: \(String(cString: failure))",
                        place: .init(file: name), hint: "install libpq 5: apt install libpq5"))
            }
            let keys = all.keys.sorted()
            let connection = withCStrings(keys) { names in
                withCStrings(keys.map { all[$0] ?? "" }) { values in PQconnectdbParams(names, values, 0) }
            }
            guard let connection else {
                return .failure(SluiceError(.inputOutput, "out of memory", place: .init(file: name)))
            }
            let handle = Handle(connection)
            guard PQstatus(connection) == CONNECTION_OK else {
                return .failure(PostgresErrors.connecting(String(cString: PQerrorMessage(connection)), to: name))
            }
            // Notices belong to no answer; libpq would print them.
            _ = PQsetNoticeProcessor(connection, { _, _ in }, nil)
            return .success(handle)
        }
        return PostgresConnection(name: name, handle: try opened.get())
    }

    private static func name(_ settings: [String: String]) -> String {
        let host = settings["host"] ?? "localhost"
        let port = settings["port"].map { ":\($0)" } ?? ""
        return "postgres://\(host)\(port)/\(settings["dbname"] ?? settings["user"] ?? "")"
    }

    /// Ends the session, once what it is doing is done; whatever it had open is rolled back.
    public func close() async {
        let handle = handle
        await queue.run { handle.close() }
    }

    /// Runs a statement with parameters `$1`, `$2`, … (nil for null), and returns the answer as text.
    @discardableResult
    public func query(_ sql: String, _ parameters: [String?] = []) async throws(SluiceError) -> PostgresRows {
        let name = name
        return try await cancellable { handle throws(SluiceError) in
            let result = withOptionalCStrings(parameters) { values in
                PQexecParams(handle.connection, sql, Int32(parameters.count), nil, values, nil, nil, 0)
            }
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK: return PostgresRows(result)
            default: throw PostgresErrors.statement(result, handle.connection, server: name)
            }
        }
    }

    /// Runs statements without parameters, separated by semicolons, for their effect.
    ///
    /// - parameter tellsLine: Whether an error is to say in which line of `sql` it is, where the server knows.
    public func execute(_ sql: String, tellsLine: Bool = false) async throws(SluiceError) {
        let name = name
        try await cancellable { handle throws(SluiceError) in
            let result = PQexec(handle.connection, sql)
            defer { PQclear(result) }
            switch PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return
            default:
                var error = PostgresErrors.statement(result, handle.connection, server: name)
                if tellsLine, let position = PostgresErrors.position(result) {
                    error.place.line = sql.unicodeScalars.prefix(position - 1).reduce(1) { $0 + ($1 == "\n" ? 1 : 0) }
                }
                throw error
            }
        }
    }

    /// The names and types of the columns that a query returns, without running it.
    public func describe(_ sql: String) async throws(SluiceError) -> [(name: String, oid: UInt32, modifier: Int32)] {
        let name = name
        return try await cancellable { handle throws(SluiceError) in
            let prepared = PQprepare(handle.connection, "", sql, 0, nil)
            defer { PQclear(prepared) }
            guard PQresultStatus(prepared) == PGRES_COMMAND_OK else {
                throw PostgresErrors.statement(prepared, handle.connection, server: name)
            }
            let described = PQdescribePrepared(handle.connection, "")
            defer { PQclear(described) }
            guard PQresultStatus(described) == PGRES_COMMAND_OK else {
                throw PostgresErrors.statement(described, handle.connection, server: name)
            }
            return (0..<PQnfields(described)).map {
                (String(cString: PQfname(described, $0)), PQftype(described, $0), PQfmod(described, $0))
            }
        }
    }

    /// The verifier of `password` for `role`, in the way that the server keeps passwords: what is sent in its place, so
    /// that neither a statement nor the server's log ever holds it.
    public func verifier(of password: String, for role: String) async throws(SluiceError) -> String {
        let name = name
        return try await cancellable { handle throws(SluiceError) in
            guard let text = PQencryptPasswordConn(handle.connection, password, role, nil) else {
                throw SluiceError(
                    .inputOutput, "the password of \(role) cannot be encrypted", place: .init(file: name))
            }
            defer { PQfreemem(text) }
            return String(cString: text)
        }
    }

    // MARK: COPY

    /// Starts `COPY … TO STDOUT (FORMAT binary)`; read its rows with `copyOut(into:)`.
    public func startCopy(_ sql: String, expecting status: CopyDirection) async throws(SluiceError) {
        let name = name
        try await cancellable { handle throws(SluiceError) in
            let result = PQexec(handle.connection, sql)
            defer { PQclear(result) }
            let wanted = status == .out ? PGRES_COPY_OUT : PGRES_COPY_IN
            guard PQresultStatus(result) == wanted else {
                throw PostgresErrors.statement(result, handle.connection, server: name)
            }
        }
    }

    /// Which way a COPY goes.
    public enum CopyDirection: Sendable {
        /// From the server.
        case out
        /// To the server.
        case `in`
    }

    /// Feeds `decoder` until it has a full batch or the COPY ends; nil when there is nothing more.
    public func copyOut(into decoder: sending CopyDecoder) async throws(SluiceError) -> RecordBatch? {
        // Used on the session's thread only, and the caller waits here until that is done with it.
        nonisolated(unsafe) let decoder = decoder
        let name = name
        return try await cancellable { handle throws(SluiceError) in
            while !decoder.isBatchFull, !decoder.isDrained {
                var bytes: UnsafeMutablePointer<CChar>?
                let length = PQgetCopyData(handle.connection, &bytes, 0)
                if length > 0 {
                    defer { PQfreemem(bytes) }
                    try decoder.decode(UnsafeRawBufferPointer(start: bytes, count: Int(length)))
                } else if length == -1 {
                    try Self.endOfCopy(handle.connection, server: name)
                    decoder.isDrained = true
                } else {
                    throw PostgresErrors.statement(nil, handle.connection, server: name)
                }
            }
            return try decoder.takeBatch()
        }
    }

    /// Sends bytes of a `COPY … FROM STDIN`.
    public func copyIn(_ bytes: Buffer) async throws(SluiceError) {
        let name = name
        try await cancellable { handle throws(SluiceError) in
            try bytes.withUnsafeBytes { (raw) throws(SluiceError) in
                var rest = raw[...]
                while !rest.isEmpty {
                    // libpq keeps a copy of what it is handed, so that a large message would cost its size once more.
                    let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(256 << 10))
                    rest = rest.dropFirst(piece.count)
                    let start = piece.baseAddress?.assumingMemoryBound(to: CChar.self)
                    guard PQputCopyData(handle.connection, start, Int32(piece.count)) == 1 else {
                        throw Self.failureOfCopy(handle.connection, server: name)
                    }
                }
                // Takes in what the server has said meanwhile, so that an error of its ends the sending soon.
                _ = PQconsumeInput(handle.connection)
            }
        }
    }

    /// Why the server takes no more rows: what it has said, or else that it is gone.
    private static func failureOfCopy(_ connection: OpaquePointer, server: String) -> SluiceError {
        let spoken = PostgresErrors.statement(nil, connection, server: server)
        do throws(SluiceError) {
            _ = try endOfCopy(connection, server: server)
            return spoken
        } catch {
            return error
        }
    }

    /// Ends a `COPY … FROM STDIN`; with a reason, the server throws the rows away.
    ///
    /// - returns: How many rows the server took.
    @discardableResult
    public func endCopyIn(failing reason: String? = nil) async throws(SluiceError) -> Int {
        let name = name
        return try await cancellable { handle throws(SluiceError) in
            guard PQputCopyEnd(handle.connection, reason) == 1 else {
                throw Self.failureOfCopy(handle.connection, server: name)
            }
            return try Self.endOfCopy(handle.connection, server: name)
        }
    }

    @discardableResult
    private static func endOfCopy(_ connection: OpaquePointer, server: String) throws(SluiceError) -> Int {
        var failure: SluiceError?
        var rows = 0
        while let result = PQgetResult(connection) {
            if PQresultStatus(result) == PGRES_COPY_IN {
                // Still open, and it would be handed out for ever.
                PQclear(result)
                break
            }
            if PQresultStatus(result) == PGRES_COMMAND_OK {
                rows = Int(String(cString: PQcmdTuples(result))) ?? rows
            } else if failure == nil {
                failure = PostgresErrors.statement(result, connection, server: server)
            }
            PQclear(result)
        }
        if let failure { throw failure }
        return rows
    }

    // MARK: Running

    private func cancellable<Answer: Sendable>(
        _ body: @escaping @Sendable (Handle) throws(SluiceError) -> Answer
    ) async throws(SluiceError) -> Answer {
        let handle = handle
        let name = name
        let stop = StatementStop()
        let outcome: Result<Answer, SluiceError> = await withTaskCancellationHandler {
            await queue.run { () -> Result<Answer, SluiceError> in
                defer { stop.statementEnded() }
                if handle.isClosed {
                    return .failure(SluiceError(.inputOutput, "the session is closed", place: .init(file: name)))
                }
                do throws(SluiceError) { return .success(try body(handle)) } catch { return .failure(error) }
            }
        } onCancel: {
            Task.detached {
                await BlockingQueue("sluice.postgres.cancel").run {
                    stop.insist {
                        guard let cancel = handle.cancel else { return }
                        var message = [CChar](repeating: 0, count: 256)
                        // A failure to cancel shows as the statement going on, which the caller waits for anyway.
                        _ = PQcancel(cancel, &message, Int32(message.count))
                    }
                }
            }
        }
        return try outcome.get()
    }
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<R>(_ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> R) -> R {
    withOptionalCStrings(texts.map(Optional.some), body)
}

private func withOptionalCStrings<R>(
    _ texts: [String?], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> R
) -> R {
    var bytes: [CChar] = []
    var starts: [Int?] = []
    for text in texts {
        starts.append(text == nil ? nil : bytes.count)
        if let text { bytes += text.utf8CString }
    }
    return bytes.withUnsafeBufferPointer { all in
        let pointers = starts.map { start in start.flatMap { all.baseAddress?.advanced(by: $0) } } + [nil]
        return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}
