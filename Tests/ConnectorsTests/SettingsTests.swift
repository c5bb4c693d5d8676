import Connectors
import Foundation
import Settings
import Support
import Testing

/// Where a connection's values come from, which of them wins, and that none of them is shown.
struct ConnectionSettingsTests {
    private let registry = ConnectorRegistry.standard

    private func section(_ yaml: String) throws -> Section {
        let (node, problems) = parseDocument(yaml, file: "sluice.yaml")
        #expect(problems.isEmpty)
        let interpolated = Interpolation(environmentVariables: [:], projectFolder: "/p").apply(to: try #require(node))
        return Section(interpolated.node)
    }

    private func context(_ environment: [String: String] = [:]) -> ConnectionContext {
        ConnectionContext(folder: "/p", environment: environment)
    }

    @Test func theEnvironmentWinsOverWhatIsWrittenAndArgumentsWinOverBoth() throws {
        let written = try section("{protocol: postgres, host: a, database: d, username: u, port: 1}")
        let settings = try registry.settings(
            name: "orders-db", section: written,
            in: context(["ORDERS_DB_HOST": "b", "ORDERS_DB_USERNAME": "v", "ORDERS_DB_SERVICE_HOST": "x", "HOST": "y"]),
            arguments: ["username": "w", "port": nil])
        #expect(settings.protocolName == "postgres")
        #expect(settings.text("host") == "b")
        #expect(settings.text("username") == "w")
        #expect(settings.text("port") == "1")
        #expect(settings.text("database") == "d")
        #expect(settings.values.keys.sorted() == ["database", "host", "port", "username"])
    }

    @Test func aPrefixOfOnesOwnIsUsed() throws {
        let written = try section("{protocol: ' Postgres ', host: a, database: d, prefix: my.shop}")
        let settings = try registry.settings(
            name: "orders-db", section: written, in: context(["MY_SHOP_HOST": "b", "ORDERS_DB_HOST": "c"]))
        #expect(settings.text("host") == "b")
    }

    @Test func theEnvironmentAloneIsEnough() throws {
        let settings = try registry.settings(
            name: "shop", configFile: nil, prefix: nil,
            in: context(["SHOP_PROTOCOL": "sqlite", "SHOP_PATH": "x.db"]))
        #expect(settings.protocolName == "sqlite")
        #expect(settings.path("path") == "/p/x.db")
    }

    @Test(arguments: [
        ("c.yaml", "protocol: postgres\nhost: a\ndatabase: \"${env.DB}\"\n"),
        ("c.json", #"{"protocol": "postgres", "host": "a", "database": "${env.DB}"}"#),
    ])
    func aConfigFileIsReadAndItsReferencesToo(_ name: String, _ text: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(text, name)
        let settings = try registry.settings(
            name: "x", configFile: folder.path + "/" + name, prefix: "DW", in: context(["DB": "shop", "DW_HOST": "b"]))
        #expect(settings.text("database") == "shop")
        #expect(settings.text("host") == "b")
        #expect(throws: SluiceError.self) {
            try registry.settings(name: "x", configFile: folder.path + "/not", prefix: nil, in: context())
        }
        try folder.write("[1, 2]", "list.yaml")
        let error = #expect(throws: SluiceError.self) {
            try registry.settings(name: "x", configFile: folder.path + "/list.yaml", prefix: nil, in: context())
        }
        #expect(error?.message == "a mapping from keys to values was expected")
    }

    @Test func everythingThatIsWrongIsToldAtOnce() throws {
        let written = try section("{protocol: postgres, hots: a, port: many}")
        let error = #expect(throws: SluiceError.self) {
            try registry.settings(name: "orders-db", section: written, in: context())
        }
        #expect(
            error?.message == """
                the connection "orders-db": "hots" is not known in the postgres connection; "port" is "many", a whole \
                number from 1 to 65535 was expected; required settings are missing: host, database
                """)
        #expect(
            error?.hint == """
                did you mean "host"?; write them in the connection, or set the environment variables ORDERS_DB_HOST, \
                ORDERS_DB_DATABASE
                """)
    }

    @Test func aBadValueOfTheEnvironmentNamesItsVariable() throws {
        let written = try section("{protocol: postgres, host: a, database: d}")
        let error = #expect(throws: SluiceError.self) {
            try registry.settings(name: "orders-db", section: written, in: context(["ORDERS_DB_PORT": "x"]))
        }
        #expect(error?.hint == "it comes from the environment variable ORDERS_DB_PORT")
        // What Kubernetes sets for a service of that name is not meant for us.
        let settings = try registry.settings(
            name: "orders-db", section: written, in: context(["ORDERS_DB_PORT": "tcp://10.0.0.1:5432"]))
        #expect(settings.text("port") == nil)
    }

    @Test(arguments: [("postgras", "postgres"), ("fiel", "file"), ("sqllite", "sqlite")])
    func anUnknownProtocolNamesTheNearestWordAndTheList(_ word: String, _ near: String) {
        let error = #expect(throws: SluiceError.self) { try registry.entry(word) }
        #expect(error?.hint == "Did you mean \(near)? Known are: file, mssql, mysql, odbc, oracle, postgres, sqlite")
    }

    @Test func everyProtocolThatIsListedMakesAConnector() async throws {
        let urls = [
            "file": "file:data", "mssql": "mssql://h/d", "mysql": "mysql://h/d", "odbc": "odbc:shop",
            "oracle": "oracle://h/d", "postgres": "postgres://h/d", "sqlite": "sqlite:x.db",
        ]
        for entry in registry.entries {
            let settings = try await registry.settings(url: Scalar(try #require(urls[entry.name])), in: context())
            #expect(try registry.makeConnector(settings).protocolName == entry.name)
        }
        #expect(registry.entries.map(\.name) == urls.keys.sorted())
        #expect(registry.protocols.map(\.name) == registry.entries.map(\.name))
        #expect(registry.protocols.allSatisfy { $0.keys.allSatisfy { !$0.isRequired } })
    }

    @Test(arguments: [
        ("postgres://u:p@h:5433/d?sslmode=require", "postgres"), ("postgresql://h/d", "postgres"),
        ("sqlite:x.db", "sqlite"), ("data/x.sqlite3", "sqlite"), ("x.DB", "sqlite"), ("file:x", "file"),
        ("data", "file"),
        ("data/*.csv", "file"),
    ])
    func aURLTellsItsProtocol(_ url: String, _ name: String) async throws {
        #expect(try await registry.settings(url: Scalar(url), in: context()).protocolName == name)
    }

    @Test func anUnknownParameterOfAURLNamesTheNearest() async {
        let error = await #expect(throws: SluiceError.self) {
            try await registry.settings(url: Scalar("postgres://h/d?sslmod=require"), in: context())
        }
        #expect(error?.message.contains("sslmod") == true)
        #expect(error?.hint?.contains("sslmode") == true)
    }

    @Test func theEnvironmentWinsOverANamedURL() async throws {
        let environment = context(["WAREHOUSE_HOST": "b"])
        let named = try await registry.settings(name: "warehouse", url: Scalar("postgres://a/d"), in: environment)
        #expect(named.text("host") == "b")
        let unnamed = try await registry.settings(url: Scalar("postgres://a/d"), in: environment)
        #expect(unnamed.text("host") == "a")
    }

    // MARK: Secrets

    @Test func secretsAreLookedUpWhenTheConnectionOpensAndNotBefore() async throws {
        let written = try section(
            "{protocol: postgres, host: h, database: d, username: '${secret.shop/db.user}', password: '${secret.orders-db-pw}'}"
        )
        let settings = try registry.settings(name: "a", section: written, in: context())
        let error = await #expect(throws: SluiceError.self) { try await settings.resolved() }
        #expect(error?.message.contains("secret \"") == true)
        let environment = ["ORDERS_DB_PW": "Wg5-rare-secret", "SHOP_DB_USER": "Wg6-rare-user"]
        let open = try registry.settings(name: "a", section: written, in: context(environment))
        #expect(open.text("password") == nil)
        let values = try await open.resolved()
        #expect(values["password"] == "Wg5-rare-secret")
        #expect(values["username"] == "Wg6-rare-user")
        #expect(Redactor.shared.redact("x Wg5-rare-secret y") == "x *** y")
    }

    @Test func aMissingSecretNamesBothVariablesAndTheRemedy() async {
        let source = EnvironmentSecrets(["ORDERS_DB_PW": ""])
        let error = await #expect(throws: SluiceError.self) {
            try await source.value(of: SecretReference(name: "orders-db.pw"))
        }
        #expect(
            error?.message
                == "the secret \"orders-db.pw\" was not found: of the environment variables, neither orders-db.pw nor ORDERS_DB_PW is set"
        )
        #expect(error?.hint == "set ORDERS_DB_PW in the environment, or in a .env file beside sluice.yaml")
    }

    @Test func theExactNameWinsOverTheOneInUpperCase() async throws {
        let source = EnvironmentSecrets(["a-b": "exact", "A_B": "upper"])
        #expect(try await source.value(of: SecretReference(name: "a-b")) == "exact")
        #expect(try await source.value(of: SecretReference(name: "A-B")) == "upper")
    }

    @Test func aURLThatIsOneSecretIsLookedUpForItsProtocol() async throws {
        let environment = context(["DW_URL": "postgres://u:Kq9-in-url@h/d"])
        let scalar = Scalar(parts: [.secret(SecretReference(name: "dw-url"))], isPlain: true)
        let settings = try await registry.settings(url: scalar, in: environment)
        #expect(settings.text("host") == "h")
        #expect(settings.name == "postgres://h/d")
        #expect(Redactor.shared.redact("got Kq9-in-url") == "got ***")
    }

    @Test func passwordsThatAreWrittenOutAreProtected() async throws {
        _ = try await registry.settings(url: Scalar("postgres://u:Xv3-%40-literal@h/d"), in: context())
        #expect(SluiceError(.permission, "no: Xv3-@-literal").message == "no: ***")
    }

    @Test func filesCannotBeAWarehouse() async throws {
        let settings = try await registry.settings(url: Scalar("file:data"), in: context())
        let error = await #expect(throws: SluiceError.self) { _ = try await registry.makeWarehouse(settings) }
        #expect(error?.message == "rows cannot end in file")
    }
}
