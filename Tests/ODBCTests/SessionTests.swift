import Columns
import Glibc
import ODBC
import Support
import TestServers
import Testing

@Suite struct ConnectionStringTests {
    @Test(arguments: [
        ("plain", "PWD=plain"), ("a;b", "PWD={a;b}"), ("a}b", "PWD={a}}b}"), ("{}", "PWD={{}}}"), (" x ", "PWD={ x }"),
        ("", "PWD="), ("p'w\"=", "PWD={p'w\"=}"), ("ü€", "PWD={ü€}"), ("}\u{301};", "PWD={}}\u{301};}"),
    ])
    func everyCharacterSurvives(_ password: String, _ text: String) throws {
        var string = ConnectionString()
        string["PWD"] = password
        #expect(string.text == text)
        string["UID"] = "me"
        let parsed = try ConnectionString(parsing: string.text)
        #expect(parsed["pwd"].map { Array($0.unicodeScalars) } == Array(password.unicodeScalars))
        #expect(parsed["UID"] == "me")
        #expect(!string.shown.contains(password) || password.isEmpty)
    }

    @Test(arguments: ["PWD", "A=1;B", "A={x", "A={x}y;B=1", "=x"])
    func whatIsNoneIsRefusedWithoutShowingValues(_ text: String) {
        #expect(throws: SluiceError.self) { try ConnectionString(parsing: text) }
    }

    @Test func spacesAndCaseDoNotCount() throws {
        let string = try ConnectionString(parsing: " Driver = {MariaDB Unicode} ; server=db ;; ")
        #expect(string["DRIVER"] == "MariaDB Unicode")
        #expect(string["Server"] == "db")
        #expect(string.first(of: "DSN", "server") == "db")
    }
}

@Suite(.enabled(if: TestMariaDB.shared != nil)) struct SessionTests {
    private func error(_ change: (inout ConnectionString) -> Void) async throws -> SluiceError {
        var string = try #require(TestMariaDB.shared).string()
        change(&string)
        do {
            _ = try await ODBCConnection.open(ODBCSettings(name: "maria", string: string, loginTimeout: 3))
        } catch {
            return error
        }
        throw SluiceError(.usage, "it connected")
    }

    @Test func driversAreListed() async throws {
        #expect(try await ODBCDrivers.names().contains("MariaDB Unicode"))
    }

    @Test func aWrongPasswordIsNamedAsOneAndNotShown() async throws {
        let error = try await error { $0["PWD"] = "wr;ong}secret" }
        #expect(error.code == .permission)
        #expect(!error.isTransient)
        #expect(!"\(error)\(error.hint ?? "")".contains("ong}secret"))
    }

    @Test func anUnknownDatabaseIsNotFound() async throws {
        let error = try await error { $0["DATABASE"] = "nowhere" }
        #expect(error.code == .notFound || error.code == .permission, "\(error)")
        #expect(error.message.contains("nowhere"))
    }

    @Test func aHostThatDoesNotAnswerMayAnswerLater() async throws {
        let error = try await error { $0["PORT"] = "1" }
        #expect(error.code == .inputOutput, "\(error)")
        #expect(error.isTransient)
    }

    @Test func anUnknownDriverNamesThoseThatThereAre() async throws {
        let error = try await error { $0["Driver"] = "No Such" }
        #expect(error.code == .invalidConfiguration || error.code == .notFound)
        #expect("\(error)".contains("MariaDB Unicode"))
        #expect(error.hint?.contains("odbc-mariadb") ?? false)
    }

    @Test func parametersOfEachTypeArrive() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        let text = String(repeating: "ü", count: 10_000) + "'\"\\;x"
        let found = try await values(
            "SELECT ? + 0, ?, ?, hex(?), ? = '2024-02-29', ? = '2024-02-29 01:02:03.000004', ? IS NULL",
            [
                .integer(-7), .real(1.5), .text(text), .bytes([0, 255]), .date(year: 2024, month: 2, day: 29),
                .timestamp(
                    year: 2024, month: 2, day: 29, hour: 1, minute: 2, second: 3, nanosecond: 4000, digits: 6), .null,
            ], on: session)
        #expect(found.rows.count == 1)
        #expect(found.rows.first?[0] == .int(-7))
        #expect(found.rows.first?[1] == .float(1.5))
        #expect(found.rows.first?[2] == .text(text))
        #expect(found.rows.first?[3] == .text("00FF"))
        #expect(found.rows.first?[4] == .int(1))
        #expect(found.rows.first?[5] == .int(1))
        #expect(found.rows.first?[6] == .int(1))
    }

    @Test func aWrongStatementSaysWhatIsWrong() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        let error = await #expect(throws: SluiceError.self) { try await session.query("SELECT * FROM no_such") }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("no_such") ?? false)
        // The session goes on.
        #expect(try await session.query("SELECT 1").single == "1")
    }

    @Test func aTransactionIsTakenBackOrKept() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        try await session.query("CREATE TABLE kept (id int)")
        try await session.setAutocommit(false)
        #expect(try await session.query("INSERT INTO kept VALUES (1), (2)").changed == 2)
        try await session.end(committing: false)
        try await session.query("INSERT INTO kept VALUES (3)")
        try await session.end(committing: true)
        #expect(try await session.query("SELECT group_concat(id) FROM kept").single == "3")
    }

    @Test(.timeLimit(.minutes(1))) func aCancelledStatementStopsAtOnce() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        let task = Task { try await session.query("SELECT sleep(50)") }
        try await Task.sleep(for: .milliseconds(300))
        let start = ContinuousClock.now
        task.cancel()
        let error = await #expect(throws: SluiceError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(40))
        #expect(try await session.query("SELECT 1").single == "1")
    }

    @Test(.timeLimit(.minutes(1))) func aSessionThatIsKilledMidFetchFailsAndMayBeTriedAgain() async throws {
        let server = try #require(TestMariaDB.shared)
        let session = try await server.session()
        let id = try #require(try await session.query("SELECT connection_id()").single)
        let killer = try await server.session()
        let task = Task {
            try await session.query("SELECT count(*) FROM seq_1_to_1000000000 a WHERE a.seq % 3 = sleep(0)")
        }
        try await Task.sleep(for: .milliseconds(300))
        try await killer.query("KILL CONNECTION \(id)")
        let error = await #expect(throws: SluiceError.self) { try await task.value }
        #expect(error?.isTransient ?? false, "\(String(describing: error))")
        await session.close()
        await #expect(throws: SluiceError.self) { try await session.query("SELECT 1") }
    }

    @Test func theCatalogueKnowsHostileNames() async throws {
        let session = try await #require(TestMariaDB.shared).session()
        try await session.query("CREATE TABLE `a%b_c``\"d;é` (`x y` int primary key, `se\\'l` text)")
        try await session.query("CREATE TABLE `aXbYc` (z int)")
        let tables = try await session.tables(catalog: "shop")
        #expect(tables.rows.contains { $0[2] == "a%b_c`\"d;é" })
        let columns = try await session.columns(catalog: "shop", schema: nil, table: "a%b_c`\"d;é")
        #expect(columns.rows.map { $0[3] } == ["x y", "se\\'l"])
        let key = try await session.primaryKey(catalog: "shop", schema: nil, table: "a%b_c`\"d;é")
        #expect(key.rows.map { $0[3] } == ["x y"])
    }
}

@Suite(.enabled(if: TestPostgres.shared != nil)) struct PsqlODBCSessionTests {
    @Test(.timeLimit(.minutes(1))) func aCancelledFetchStopsAtOnce() async throws {
        let session = try await #require(TestPostgres.shared).odbcSession()
        let reading = try await session.rows("SELECT i, pg_sleep(0.0005) FROM generate_series(1, 100000) i")
        let task = Task {
            while try await reading.next() != nil {}
        }
        try await Task.sleep(for: .milliseconds(500))
        task.cancel()
        let error = await #expect(throws: SluiceError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        await session.close()
    }

    @Test(.timeLimit(.minutes(1))) func aServerThatDiesMidFetchIsAnErrorThatMayPass() async throws {
        let server = try #require(TestPostgres.shared)
        let session = try await server.odbcSession()
        let id = try #require(try await session.query("SELECT pg_backend_pid()").single)
        let reading = try await session.rows(
            "SELECT i FROM generate_series(1, 2000000) i", options: ODBCReadOptions(batchRows: 10_000))
        _ = try await reading.next()
        try await server.odbcSession().query("SELECT pg_terminate_backend(\(id))")
        let error = await #expect(throws: SluiceError.self) { while try await reading.next() != nil {} }
        #expect(error?.isTransient ?? false, "\(String(describing: error))")
    }
}
