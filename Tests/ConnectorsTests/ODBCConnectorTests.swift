import Columns
import Connectors
import ODBC
import Settings
import Support
import TestServers
import Testing

/// Against MariaDB and PostgreSQL, through the drivers that Debian has for them.
@Suite(.enabled(if: TestMariaDB.shared != nil && TestPostgres.shared != nil)) struct ODBCConnectorTests {
    private func maria(database: String = "shop", password: String? = nil) async throws -> any Connector {
        let server = try #require(TestMariaDB.shared)
        let secret = (password ?? server.password).percentEncoded
        return try await connector("mysql://\(server.user):\(secret)@127.0.0.1:\(server.port)/\(database)")
    }

    private func run(_ statements: String...) async throws {
        let server = try #require(TestMariaDB.shared)
        var string = ConnectionString()
        string["Driver"] = "MariaDB Unicode"
        string["SERVER"] = "127.0.0.1"
        string["PORT"] = "\(server.port)"
        string["UID"] = server.user
        string["PWD"] = server.password
        string["DATABASE"] = "shop"
        let session = try await ODBCConnection.open(ODBCSettings(name: "maria", string: string))
        for statement in statements { try await session.query(statement) }
        await session.close()
    }

    private func read(_ request: ReadRequest, _ connector: (any Connector)? = nil) async throws -> UnitRows {
        let source: any Connector
        if let connector { source = connector } else { source = try await maria() }
        let reading = try await source.read(request)
        let found = try await rows(of: reading.units[0])
        await reading.close()
        return found
    }

    @Test func checkSaysServerAndDriver() async throws {
        let said = try await maria().check()
        #expect(said.contains("MariaDB"))
        #expect(said.contains("libmaodbc"))
    }

    @Test func aTableIsReadWithItsKeyAndHostileNames() async throws {
        try await run(
            "CREATE TABLE `o%d_d``\"t` (`a b` int, `k;ey` varchar(20), `é` decimal(20,4), PRIMARY KEY (`k;ey`, `a b`))",
            "INSERT INTO `o%d_d``\"t` VALUES (1, 'x', 1.5), (2, 'y', NULL)")
        let name = "\"o%d_d`\"\"t\""
        let source = try await maria()
        let table = try #require(try await source.discover().first { $0.name.contains("o%d_d") })
        #expect(Set(table.key) == ["k;ey", "a b"])
        #expect(table.schema.fields.map(\.type) == [.int32, .utf8, .decimal(precision: 20, scale: 4)])
        let reading = try await source.read(ReadRequest(.table(name)))
        #expect(Set(reading.key) == ["k;ey", "a b"])
        let found = try await rows(of: reading.units[0])
        #expect(found.rows == [["1", "x", "1.5000"], ["2", "y", nil]])
        await reading.close()
    }

    @Test func columnsFilterCursorAndLimitChooseRows() async throws {
        try await run(
            "CREATE TABLE events (id int primary key, at datetime(6), note varchar(20))",
            "INSERT INTO events VALUES (1,'2024-01-01',NULL),(2,'2024-01-02 03:04:05.000006','b'),(3,'2024-01-03','c'),"
                + "(4,NULL,'d'),(5,'2024-01-02 03:04:05.000007','e')")
        var request = ReadRequest(.table("events"))
        request.columns = ["note", "id"]
        request.filter = "id <> 3 -- not three"
        request.cursor = CursorRange(column: "at", from: "2024-01-02 03:04:05.000006", to: "2024-01-03")
        #expect(try await Set(read(request).rows) == [["b", "2"], ["d", "4"], ["e", "5"]])
        request.cursor?.includesNulls = false
        request.limit = 1
        #expect(try await read(request).rows == [["b", "2"]])
        request.cursor = CursorRange(column: "id", from: "2", to: "5")
        request.limit = nil
        #expect(try await Set(read(request).rows) == [["b", "2"], ["d", "4"]])
        request.cursor = CursorRange(column: "note", from: "c", includesNulls: false)
        request.filter = nil
        #expect(try await Set(read(request).rows) == [["c", "3"], ["d", "4"], ["e", "5"]])
    }

    @Test func aQueryTakesParametersOutsideOfTextAndComments() async throws {
        let sql = """
            SELECT :a + 1 AS n, ':a' AS t, :b AS `:c` -- :d
            /* :e */ WHERE :a = 7;
            """
        let found = try await read(ReadRequest(.query(sql, parameters: ["a": "7", "b": "it's; \\"])))
        #expect(found.rows == [["8", ":a", "it's; \\"]])
        await #expect(throws: SluiceError.self) {
            try await read(ReadRequest(.query("SELECT :x", parameters: ["y": "1"])))
        }
    }

    @Test func aRowThatDoesNotFitIsRejectedWithItsValues() async throws {
        try await run(
            "CREATE TABLE times (id int, d time)", "INSERT INTO times VALUES (1,'10:00:00'), (2,'-100:00:00')")
        let found = try await read(ReadRequest(.table("times")))
        #expect(found.rows == [["1", "10:00:00"]])
        #expect(found.rejects.map(\.raw) == ["{\"id\":2,\"d\":\"-100:00:00\"}"])
        #expect(found.rejects.map(\.column) == ["d"])
    }

    @Test func wrongNamesAreToldWithTheNearest() async throws {
        try await run("CREATE TABLE customers (id int)")
        let source = try await maria()
        let error = await #expect(throws: SluiceError.self) { try await source.read(ReadRequest(.table("custmers"))) }
        #expect(error?.code == .notFound)
        #expect(error?.hint?.contains("customers") ?? false)
        var request = ReadRequest(.table("customers"))
        request.columns = ["idd"]
        await #expect(throws: SluiceError.self) { try await source.read(request) }
        let wrong = try await maria(password: "no}t;this")
        let refused = await #expect(throws: SluiceError.self) { try await wrong.check() }
        #expect(refused?.code == .permission)
    }

    @Test func aConnectionStringReachesAnyDriver() async throws {
        let server = try #require(TestPostgres.shared)
        let text =
            "odbc:Driver=PostgreSQL Unicode;Servername=127.0.0.1;Port=\(server.port);UID=postgres;Database=postgres;UseDeclareFetch=1"
        let source = try await connector(text)
        #expect(try await source.check().contains("PostgreSQL"))
        let query =
            "SELECT g, g::numeric(20,2) / 4 AS q, timestamptz '2024-01-01 00:00+02' AS m FROM generate_series(1,3) g"
        let found = try await read(ReadRequest(.query(query, parameters: [:])), source)
        #expect(found.column("g") == ["1", "2", "3"])
        #expect(found.schema.fields[2].type == .timestamp(.microsecond, zone: "UTC"))
        #expect(found.column("m")[0]?.hasPrefix("2023-12-31") ?? false)
    }

    @Test func noDriverOrDSNIsAnErrorThatNamesThem() async throws {
        let source = try await connector("odbc:nowhere")
        let error = await #expect(throws: SluiceError.self) { try await source.check() }
        #expect("\(String(describing: error))".contains("MariaDB Unicode"))
    }

    @Test func azureWithoutAnIdentityOrWithFreeTDSSaysWhatToDo() async throws {
        let source = try await connector("mssql://db.example/shop?driver=FreeTDS&auth=managed-identity")
        let error = await #expect(throws: SluiceError.self) { try await source.check() }
        #expect(error?.code == .unsupported)
        #expect(error?.hint?.contains("username") ?? false)
    }
}
