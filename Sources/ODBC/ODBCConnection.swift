import CODBC
public import Support
import Synchronization

/// What a session is opened with.
public struct ODBCSettings: Sendable {
    /// What to call the database in a message.
    public var name: String
    /// What the driver is told.
    public var string: ConnectionString
    /// How many seconds to wait for the server.
    public var loginTimeout: Int
    /// A token of Entra's that says who one is, instead of a name and password. Microsoft's driver takes it.
    public var accessToken: String?
    /// Whether rows are going to be loaded by bulk copy, which has to be said before connecting.
    public var bulkCopy: Bool
    /// How many seconds to try again while the server says that it will be there soon: a serverless database that wakes up,
    /// one that is being moved.
    public var patience = 0

    /// Settings with what the driver is told.
    public init(
        name: String, string: ConnectionString, loginTimeout: Int = 15, accessToken: String? = nil,
        bulkCopy: Bool = false
    ) {
        self.name = name
        self.string = string
        self.loginTimeout = loginTimeout
        self.accessToken = accessToken
        self.bulkCopy = bulkCopy
    }
}

/// One session with a database, through an ODBC driver.
///
/// Calls run on a thread of the session's own, one after the other, because drivers wait in them. A call that is cancelled
/// asks the driver to stop what it is doing.
///
///     let session = try await ODBCConnection.open(ODBCSettings(name: "shop", string: string))
///     let answer = try await session.query("SELECT name FROM team WHERE id = ?", [.integer(7)])
public final class ODBCConnection: Sendable {
    /// What to call the database in a message.
    public let name: String
    /// What the driver says of itself and of the server.
    public let facts: ODBCFacts
    let handle: Handle
    /// Whether the session was opened for bulk copy.
    let copiesInBulk: Bool
    private let queue: BlockingQueue

    /// The driver's connection, and the statement that it is busy with.
    // `@unchecked Sendable` because all but the cancelling is used on the session's thread only, and the standard allows
    // `SQLCancel` on any thread; the lock keeps the statement alive meanwhile.
    final class Handle: @unchecked Sendable {
        let connection: SQLHANDLE
        private let busy = Mutex<UInt>(0)
        private(set) var isClosed = false
        let isAbandoned = Atomic(false)

        init(_ connection: SQLHANDLE) { self.connection = connection }

        /// Calls `body` while `statement` is the one that a cancellation stops.
        func whileBusy<Answer>(with statement: SQLHANDLE, _ body: () -> Answer) -> Answer {
            busy.withLock { $0 = UInt(bitPattern: statement) }
            defer { busy.withLock { $0 = 0 } }
            return body()
        }

        /// Asks the driver to stop what it is doing, if it is.
        func cancel() {
            busy.withLock { address in
                if let statement = SQLHANDLE(bitPattern: address) { _ = odbcCancel(statement) }
            }
        }

        /// Nobody waits for the driver any more, which does not stop.
        func abandon() { isAbandoned.store(true, ordering: .relaxed) }

        func close() {
            if isClosed { return }
            isClosed = true
            // What is open is rolled back: some drivers refuse to disconnect in a transaction, others would commit.
            _ = odbcEndTran(SQLSMALLINT(SQL_HANDLE_DBC), connection, SQLSMALLINT(SQL_ROLLBACK))
            _ = odbcDisconnect(connection)
            _ = odbcFreeHandle(SQLSMALLINT(SQL_HANDLE_DBC), connection)
        }

        deinit { close() }
    }

    private init(name: String, handle: Handle, facts: ODBCFacts, copiesInBulk: Bool, queue: BlockingQueue) {
        self.name = name
        self.handle = handle
        self.copiesInBulk = copiesInBulk
        self.facts = facts
        self.queue = queue
    }

    // A driver's connect and disconnect may wait for the network, so the last one gone must not do it on a task's thread.
    deinit {
        let handle = handle
        queue.start { handle.close() }
    }

    /// Opens a session.
    public static func open(_ settings: ODBCSettings) async throws(SluiceError) -> ODBCConnection {
        let queue = BlockingQueue("sluice.odbc")
        settings.string.protectSecrets()
        if let token = settings.accessToken { Redactor.shared.protect(token) }
        let deadline = ContinuousClock.now + .seconds(settings.patience)
        var pause = Duration.seconds(1)
        while true {
            let opened: Result<(Handle, ODBCFacts), Refusal> = await queue.run {
                do throws(Refusal) {
                    let handle = try connect(settings)
                    return .success((handle, ODBCFacts(handle.connection)))
                } catch {
                    return .failure(error)
                }
            }
            switch opened {
            case .success((let handle, let facts)):
                return ODBCConnection(
                    name: settings.name, handle: handle, facts: facts, copiesInBulk: settings.bulkCopy, queue: queue)
            case .failure(let refusal):
                guard refusal.mayPass, ContinuousClock.now + pause < deadline, !Task.isCancelled else {
                    throw refusal.error
                }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(15))
            }
        }
    }

    /// Why there is no session, and whether the server itself says that there will be one.
    private struct Refusal: Error {
        let error: SluiceError
        var mayPass = false
    }

    private static func connect(_ settings: ODBCSettings) throws(Refusal) -> Handle {
        let environment: SQLHANDLE
        do throws(SluiceError) { environment = try ODBCEnvironment.handle() } catch { throw Refusal(error: error) }
        var connection: SQLHANDLE?
        guard odbcAllocHandle(SQLSMALLINT(SQL_HANDLE_DBC), environment, &connection) == SQL_SUCCESS, let connection
        else {
            throw Refusal(error: ODBCErrors.error(SQL_HANDLE_ENV, environment, server: settings.name))
        }
        func set(_ attribute: some BinaryInteger, _ value: Int) {
            // A driver that knows no such attribute waits as long as it likes, which is not worth failing for.
            _ = odbcSetConnectAttrW(
                connection, SQLINTEGER(attribute), UnsafeMutableRawPointer(bitPattern: value), SQLINTEGER(-5))
        }
        set(SQL_ATTR_LOGIN_TIMEOUT, max(1, settings.loginTimeout))
        if settings.bulkCopy { set(SQL_COPT_SS_BCP, 1) }
        // The driver may look at the token until it has connected.
        let token = settings.accessToken.map(tokenBytes)
        defer { token?.deallocate() }
        if let token {
            _ = odbcSetConnectAttrW(connection, SQLINTEGER(SQL_COPT_SS_ACCESS_TOKEN), token.baseAddress, -4)
        }
        let text = Array(settings.string.text.utf16)
        guard text.count <= Int(Int16.max) else {
            _ = odbcFreeHandle(SQLSMALLINT(SQL_HANDLE_DBC), connection)
            throw Refusal(
                error: SluiceError(
                    .invalidConfiguration, "the connection string has more than 32,767 characters",
                    place: .init(file: settings.name)))
        }
        let code = odbcDriverConnectW(connection, nil, text, SQLSMALLINT(text.count), nil, 0, nil, 0)
        guard ODBCEnvironment.isGood(code) else {
            let diagnostics = ODBCErrors.diagnostics(SQL_HANDLE_DBC, connection)
            _ = odbcFreeHandle(SQLSMALLINT(SQL_HANDLE_DBC), connection)
            throw Refusal(
                error: failure(diagnostics, settings), mayPass: ODBCErrors.sayThatItPasses(diagnostics))
        }
        return Handle(connection)
    }

    private static func failure(_ diagnostics: [ODBCErrors.Diagnostic], _ settings: ODBCSettings) -> SluiceError {
        var error = ODBCErrors.error(diagnostics, server: settings.name, connecting: true)
        // unixODBC takes a name that it does not know for the path of a library.
        if diagnostics.contains(where: { $0.state.hasPrefix("IM00") || $0.text.contains("Can't open lib") }) {
            let names = (try? ODBCDrivers.list()) ?? []
            error.details.append(
                names.isEmpty
                    ? "unixODBC knows no driver" : "unixODBC knows the drivers \(names.joined(separator: ", "))")
        }
        return error
    }

    /// A token as the driver wants it: its length, then each of its bytes with a zero behind it.
    private static func tokenBytes(_ token: String) -> UnsafeMutableRawBufferPointer {
        let bytes = Array(token.utf8)
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4 + bytes.count * 2, alignment: 8)
        memory.storeBytes(of: UInt32(bytes.count * 2), as: UInt32.self)
        for (index, byte) in bytes.enumerated() {
            memory[4 + index * 2] = byte
            memory[5 + index * 2] = 0
        }
        return memory
    }

    /// Ends the session, once what it is doing is done; whatever it had open is rolled back.
    public func close() async {
        let handle = handle
        if handle.isAbandoned.load(ordering: .relaxed) { return }
        await queue.run { handle.close() }
    }

    // MARK: Running

    /// Runs `body` on the session's thread; a cancellation asks the driver to stop until it is over.
    func cancellable<Answer: Sendable>(
        _ body: @escaping @Sendable (Handle) throws(SluiceError) -> Answer
    ) async throws(SluiceError) -> Answer {
        let (handle, name) = (handle, name)
        let cancelled = SluiceError(.cancelled, "the call was cancelled", place: .init(file: name))
        if Task.isCancelled { throw cancelled }
        let stop = StatementStop()
        let answer = Answering<Answer>()
        let outcome: Result<Answer, SluiceError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                answer.wait(continuation)
                queue.start {
                    defer { stop.statementEnded() }
                    if handle.isClosed {
                        answer.give(
                            .failure(SluiceError(.inputOutput, "the session is closed", place: .init(file: name))))
                        return
                    }
                    do throws(SluiceError) {
                        answer.give(.success(try body(handle)))
                    } catch {
                        answer.give(.failure(error))
                    }
                }
            }
        } onCancel: {
            Task.detached {
                await BlockingQueue("sluice.odbc.cancel").run {
                    var asked = 0
                    stop.insist {
                        handle.cancel()
                        asked += 1
                        // Some drivers cannot be stopped while they fetch; nobody has to wait for them.
                        if asked == 50, answer.give(.failure(cancelled)) { handle.abandon() }
                    }
                }
            }
        }
        // Whatever words the driver has for it.
        if case .failure = outcome, Task.isCancelled { throw cancelled }
        return try outcome.get()
    }

    /// Runs `body` on the session's thread, whether the task is cancelled or not.
    func onThread(_ body: @escaping @Sendable () -> Void) async { await queue.run { body() } }

    /// Runs `body` on the session's thread, and does not wait for it.
    func start(_ body: @escaping @Sendable () -> Void) { queue.start(body) }

    /// Runs `body` with a statement of its own.
    func withStatement<Answer>(
        _ handle: Handle, _ body: (SQLHANDLE) throws(SluiceError) -> Answer
    ) throws(SluiceError) -> Answer {
        let statement = try ODBCConnection.statement(handle, name)
        defer { _ = odbcFreeHandle(SQLSMALLINT(SQL_HANDLE_STMT), statement) }
        return try body(statement)
    }

    static func statement(_ handle: Handle, _ name: String) throws(SluiceError) -> SQLHANDLE {
        var statement: SQLHANDLE?
        let code = odbcAllocHandle(SQLSMALLINT(SQL_HANDLE_STMT), handle.connection, &statement)
        guard ODBCEnvironment.isGood(code), let statement else {
            throw ODBCErrors.error(SQL_HANDLE_DBC, handle.connection, server: name)
        }
        return statement
    }
}

/// Who waits for an answer, and gets the first one that is given.
private final class Answering<Answer: Sendable>: Sendable {
    private let waiting = Mutex<CheckedContinuation<Result<Answer, SluiceError>, Never>?>(nil)

    func wait(_ continuation: CheckedContinuation<Result<Answer, SluiceError>, Never>) {
        waiting.withLock { $0 = continuation }
    }

    /// Whether somebody still waited.
    @discardableResult
    func give(_ answer: Result<Answer, SluiceError>) -> Bool {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: answer)
        return continuation != nil
    }
}
