import ODBC
import Settings
import Support
import Testing

@testable import Connectors

/// What drivers are told, without a server.
@Suite struct ODBCSettingsTests {
    private struct Tokens: DatabaseTokenSource {
        func databaseToken() async throws(SluiceError) -> String { "a-token" }
        func postgresToken() async throws(SluiceError) -> String { "another-token" }
    }

    private func settings(
        _ url: String, kind: ODBCSite.Kind, _ environment: [String: String] = [:], name: String? = nil
    ) async throws -> ODBCSettings {
        let context = ConnectionContext(folder: "/p", environment: environment, tokens: Tokens())
        let connection = try await ConnectorRegistry.standard.settings(name: name, url: Scalar(url), in: context)
        return try await ODBCSite(connection: connection, kind: kind).settings()
    }

    @Test func aPasswordForSQLServerIsQuotedAndTheCertificateVerified() async throws {
        let made = try await settings(
            "mssql://reader:p%3Bw%7Dd@db.example:1444/shop?driver=ODBC%20Driver%2018%20for%20SQL%20Server",
            kind: .sqlServer)
        #expect(
            made.string.text
                == "Driver={ODBC Driver 18 for SQL Server};Server=tcp:db.example,1444;Encrypt=yes;TrustServerCertificate=no;"
                + "APP=sluice;ConnectRetryCount=3;ConnectRetryInterval=5;Database=shop;UID=reader;PWD={p;w}}d}")
        #expect(made.accessToken == nil)
        #expect(made.patience == 120)
        #expect(!made.string.shown.contains("p;w"))
    }

    /// PostgreSQL takes a token as a password, over a session that is encrypted.
    @Test(arguments: ["azure", "managed-identity"])
    func postgresIsGivenATokenAsAPassword(_ auth: String) async throws {
        func libpq(_ query: String, _ tokens: Tokens? = Tokens()) async throws -> [String: String] {
            let context = ConnectionContext(folder: "/p", tokens: tokens)
            let url = Scalar("postgres://shop@db.postgres.database.azure.com/shop\(query)")
            return try await PostgresSettings.libpq(
                try await ConnectorRegistry.standard.settings(url: url, in: context))
        }
        let made = try await libpq("?auth=\(auth)")
        #expect(made["password"] == "another-token" && made["sslmode"] == "require" && made["user"] == "shop")
        #expect(Redactor.shared.redact("another-token") == "***")
        #expect(try await libpq("?auth=\(auth)&sslmode=verify-full")["sslmode"] == "verify-full")
        #expect(try await libpq("")["password"] == nil)
        await #expect(throws: SluiceError.self) { try await libpq("?auth=\(auth)", nil) }
    }

    @Test(arguments: ["auth=azure", "auth=managed-identity", "use_msi=true", "encrypt=strict"])
    func withoutAPasswordATokenIsHandedOver(_ setting: String) async throws {
        let made = try await settings(
            "mssql://db.example/shop?driver=/opt/libmsodbcsql.so&\(setting)", kind: .sqlServer)
        #expect(made.accessToken == "a-token")
        #expect(made.string["UID"] == nil)
        #expect(made.string["PWD"] == nil)
    }

    @Test func theVariablesOfAzureSQLSayEverything() async throws {
        let context = ConnectionContext(
            folder: "/p",
            environment: [
                "AZURE_SQL_SERVER": "db.example", "AZURE_SQL_DATABASE": "shop", "AZURE_SQL_USE_MSI": "true",
                "AZURE_SQL_PROTOCOL": "mssql", "AZURE_SQL_DRIVER": "/opt/libmsodbcsql.so",
            ], tokens: Tokens())
        let connection = try ConnectorRegistry.standard.settings(
            name: "sales", configFile: nil, prefix: "azure_sql", in: context)
        let made = try await ODBCSite(connection: connection, kind: .sqlServer).settings()
        #expect(made.string["Server"] == "tcp:db.example,1433")
        #expect(made.string["Database"] == "shop")
        #expect(made.accessToken == "a-token")
    }

    @Test func optionsWinOverAllElse() async throws {
        let made = try await settings(
            "mysql://u:p@h/d?driver=x-mariadb&sslmode=verify-full&options=PORT%3D1%3BX%3D%7Ba%3Bb%7D", kind: .mySQL)
        #expect(made.string["PORT"] == "1")
        #expect(made.string["X"] == "a;b")
        #expect(made.string["SSLVERIFY"] == "1")
        #expect(made.string["FORCETLS"] == "1")
    }

    @Test func aConnectionStringIsTakenAsItIs() async throws {
        let made = try await settings("odbc:Driver={My Driver};Server=h;PWD={a;b}", kind: .any)
        #expect(made.string.text == "Driver={My Driver};Server=h;PWD={a;b}")
    }

    @Test(arguments: [
        (
            "SELECT ':a', [x:a], \":a\" -- :a\n, /* :a */ :a::int", ODBCDatabase.sqlServer,
            "SELECT ':a', [x:a], \":a\" -- :a\n, /* :a */ ?::int"
        ),
        ("SELECT '\\':a', `:a`, :a ; ", .mySQL, "SELECT '\\':a', `:a`, ?"),
        ("SELECT '\\', :a, '''', :a", .postgreSQL, "SELECT '\\', ?, '''', ?"),
        ("SELECT @x := :a, /**/ :a", .mySQL, "SELECT @x := ?, /**/ ?"),
    ])
    func parametersAreFoundWhereTheyAreParameters(_ sql: String, _ database: ODBCDatabase, _ wanted: String) throws {
        let (text, values) = try ODBCParameterText.bind(["a": "7"], into: sql, database: database)
        #expect(text == wanted)
        #expect(values.count == wanted.count { $0 == "?" })
        #expect(values.allSatisfy { $0 == .integer(7) })
    }

    @Test(arguments: [
        ("7", ODBCParameter.integer(7)), ("007", .text("007")), ("-1.50", .decimal("-1.50", precision: 3, scale: 2)),
        ("1.", .text("1.")), ("1e5", .text("1e5")), ("", .text("")), ("2024-01-01", .text("2024-01-01")),
        ("9223372036854775808", .text("9223372036854775808")),
    ])
    func valuesAreNumbersWhenTheyAreWrittenAsNumbers(_ text: String, _ wanted: ODBCParameter) throws {
        #expect(try ODBCParameterText.bind(["a": text], into: ":a", database: .other).values == [wanted])
    }
}
