import Azure
import HTTPServer
import Settings
import Support
import Testing

private let vaultChallenge =
    "Bearer authorization=\"https://login.microsoftonline.com/aaaaaaaa-0000-0000-0000-000000000003\", "
    + "resource=\"https://vault.azure.net\""

/// A vault with one secret, and somebody who issues tokens for it.
private func vault(_ challenge: String = vaultChallenge) -> FakeAzure {
    FakeAzure { asked, _ in
        if asked.host.hasPrefix("login.") { return FakeAzure.entra(FakeAzure.token("https://vault.azure.net")) }
        guard asked.headers["Authorization"] == "Bearer \(FakeAzure.token("https://vault.azure.net"))" else {
            return .json(
                ["error": ["code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."]],
                status: 401, headers: ["WWW-Authenticate": challenge])
        }
        let id = "https://shop-kv.vault.azure.net/secrets"
        switch (asked.method, asked.path) {
        case ("GET", "/secrets/db-password/"), ("PUT", "/secrets/db-password"):
            return .json([
                "value": "marked-vault-value", "id": .string("\(id)/db-password/4387e9f3d6e14c459867679a90fd0f79"),
                "attributes": ["enabled": true, "created": 1_493_938_410, "updated": 1_493_938_410],
            ])
        case ("GET", "/secrets") where asked.query["$skiptoken"] == nil:
            return .json([
                "value": [["id": .string("\(id)/db-password"), "attributes": ["enabled": true]]],
                "nextLink": .string(
                    "https://shop-kv.vault.azure.net/secrets?api-version=7.6&$skiptoken=x&maxresults=25"),
            ])
        case ("GET", "/secrets"):
            return .json([
                "value": [["id": .string("\(id)/other"), "attributes": ["enabled": false]]], "nextLink": nil,
            ])
        case ("GET", "/secrets/forbidden/"):
            return .json(
                [
                    "error": [
                        "code": "Forbidden", "message": "Caller is not authorized to perform action on resource.",
                        "innererror": ["code": "ForbiddenByRbac"],
                    ]
                ], status: 403)
        default:
            return .json(
                ["error": ["code": "SecretNotFound", "message": "A secret was not found in this key vault."]],
                status: 404)
        }
    }
}

private func access(_ url: String, _ more: [String: String] = [:]) -> AzureAccess {
    var environment = IdentityTests.secretVariables
    environment["SLUICE_AZURE_EMULATOR"] = url
    environment.merge(more) { _, new in new }
    return AzureAccess(environment: environment)
}

private func client(_ url: String) throws -> KeyVaultClient {
    KeyVaultClient(try access(url).client(), vault: try VaultName.address("shop-kv", in: .publicCloud))
}

@Suite struct KeyVaultTests {
    @Test func aSecretIsReadOnceHoweverOftenItIsAskedFor() async throws {
        let azure = vault()
        try await azure.run { url in
            let vault = try client(url)
            for _ in 0..<3 { #expect(try await vault.secret("db-password").value == "marked-vault-value") }
            // Without a token, the token itself, and with it.
            #expect(azure.asked.map(\.host).map { $0.prefix(5) } == ["shop-", "login", "shop-"])
            #expect(azure.asked[0].headers["Authorization"] == nil)
            #expect(azure.asked[1].form["scope"] == "https://vault.azure.net/.default")
            #expect(azure.asked[2].query == ["api-version": "7.6"])
            #expect(
                azure.asked.allSatisfy { $0.headers["x-ms-client-request-id"] != nil || $0.host.hasPrefix("login") })
            #expect(try await vault.find("missing") == nil)
            #expect(azure.asked.count == 4)
            let error = await #expect(throws: SluiceError.self) { try await vault.secret("missing") }
            #expect(error?.message == "there is no secret \"missing\" in the Key Vault shop-kv")
        }
    }

    @Test func secretsAreListedToTheLastPageAndSetWithoutShowingThemToWhoeverAsks() async throws {
        let azure = vault()
        try await azure.run { url in
            let vault = try client(url)
            let set = try await vault.set("db-password", to: "marked-vault-value")
            #expect(set.version == "4387e9f3d6e14c459867679a90fd0f79")
            // The value is sent to the vault that has shown whose tokens it takes, not with the first question.
            #expect(azure.asked[0].body.isEmpty)
            #expect(azure.asked[2].body.contains("marked-vault-value"))
            let entries = try await vault.secrets()
            #expect(entries.map(\.name) == ["db-password", "other"] && entries.map(\.isEnabled) == [true, false])
        }
    }

    @Test func aServerThatWantsTokensForAnotherServiceGetsNone() async throws {
        let azure = vault(
            "Bearer authorization=\"https://login.microsoftonline.com/x\", resource=\"https://management.azure.com\"")
        try await azure.run { url in
            let vault = try client(url)
            let error = await #expect(throws: SluiceError.self) { try await vault.secret("db-password") }
            #expect(error?.message.contains("asks for a token that is for management.azure.com") == true)
            #expect(azure.asked.count == 1)
        }
    }

    @Test func whoMayNotReadLearnsTheRole() async throws {
        let azure = vault()
        try await azure.run { url in
            let vault = try client(url)
            let error = await #expect(throws: SluiceError.self) { try await vault.secret("forbidden") }
            #expect(error?.code == .permission)
            #expect(
                error?.message.hasPrefix(
                    "reading the secret \"forbidden\" in the Key Vault shop-kv failed: application "
                        + "aaaaaaaa-0000-0000-0000-000000000002 has no role that permits it (403 Forbidden") == true)
            #expect(error?.hint?.contains("\"Key Vault Secrets User\"") == true)
            #expect(error?.hint?.contains("--assignee-object-id aaaaaaaa-0000-0000-0000-000000000001") == true)
        }
    }

    @Test(arguments: [
        ("AZURE_SQL_PASSWORD", "azure-sql-password"), ("", nil), ("a b", "a-b"), ("ünïcode", "n-code"),
        (String(repeating: "x", count: 128), String(repeating: "x", count: 127)),
    ])
    func namesThatNoSecretHasAreRefusedWithTheRule(_ name: String, _ suggestion: String?) throws {
        let error = #expect(throws: SluiceError.self) { try VaultName.check(secret: name) }
        #expect(error?.hint?.hasPrefix("its name has 1 to 127 letters, digits and hyphens") == true)
        if let suggestion { #expect(error?.hint?.contains("\"\(suggestion)\"") == true) }
    }

    @Test(arguments: ["a", "9kv", "kv-", "k--v", "shop_kv", String(repeating: "k", count: 25)])
    func namesThatNoVaultHasAreRefused(_ name: String) {
        #expect(throws: SluiceError.self) { try VaultName.address(name, in: .publicCloud) }
    }

    @Test func aVaultIsANameAHostOrAURL() throws {
        for text in ["shop-kv", "Shop-KV", "shop-kv.vault.azure.net", "https://shop-kv.vault.azure.net/"] {
            #expect(try VaultName.address(text, in: .publicCloud).text == "https://shop-kv.vault.azure.net/")
        }
        #expect(try VaultName.address("shop-kv", in: .china).host == "shop-kv.vault.azure.cn")
        #expect(throws: SluiceError.self) { try VaultName.address("http://shop-kv.vault.azure.net", in: .publicCloud) }
        #expect(throws: SluiceError.self) {
            try VaultName.address("https://shop-kv.vault.azure.net/x", in: .publicCloud)
        }
    }
}

@Suite struct AzureSecretsTests {
    private func secrets(_ access: AzureAccess, _ variables: [String: String] = [:]) -> AzureSecrets {
        AzureSecrets(access) { reference throws(SluiceError) in
            if let value = variables[reference.name] { return value }
            throw SluiceError(.invalidConfiguration, "the secret \"\(reference.name)\" was not found: it is not set")
        }
    }

    @Test func theVaultComesFirstThenTheEnvironmentThenAnErrorThatNamesBoth() async throws {
        let azure = vault()
        try await azure.run { url in
            let secrets = secrets(
                access(url, ["AZURE_KEYVAULT_URL": "https://shop-kv.vault.azure.net/"]),
                ["db-password": "of the environment", "only-here": "of the environment"])
            let value1 = try await secrets.value(of: .init(name: "db-password"))
            #expect(value1 == "marked-vault-value")
            let value2 = try await secrets.value(of: .init(vault: "shop-kv", name: "db-password"))
            #expect(value2 == "marked-vault-value")
            let value3 = try await secrets.value(of: .init(name: "only-here"))
            #expect(value3 == "of the environment")
            let error = await #expect(throws: SluiceError.self) { try await secrets.value(of: .init(name: "nowhere")) }
            #expect(
                error?.message
                    == "the secret \"nowhere\" was not found: it is not set, and the Key Vault shop-kv has no "
                    + "such secret")
            let named = await #expect(throws: SluiceError.self) {
                try await secrets.value(of: .init(name: "AZURE_SQL_PASSWORD"))
            }
            #expect(named?.hint?.contains("${secret.azure-sql-password}") == true)
        }
    }

    @Test func withoutAVaultOnlyTheEnvironmentIsAsked() async throws {
        let secrets = secrets(AzureAccess(environment: [:]), ["name": "of the environment"])
        let value4 = try await secrets.value(of: .init(name: "name"))
        #expect(value4 == "of the environment")
        let error = await #expect(throws: SluiceError.self) { try await secrets.value(of: .init(name: "nowhere")) }
        #expect(error?.hint?.contains("AZURE_KEYVAULT_URL") == true)
    }

    /// Another value than the one that was meant would be worse than none.
    @Test func aVaultThatRefusesIsNotReplacedByTheEnvironment() async throws {
        let azure = vault()
        try await azure.run { url in
            let secrets = secrets(
                access(url, ["AZURE_KEYVAULT_URL": "shop-kv"]), ["forbidden": "of the environment"])
            await #expect(throws: SluiceError.self) { try await secrets.value(of: .init(name: "forbidden")) }
        }
    }

    @Test func whereNobodyCanSignInTheEnvironmentStandsInForTheVault() async throws {
        let azure = FakeAzure { asked, _ in
            asked.host.hasPrefix("shop")
                ? .text("", status: 401, headers: ["WWW-Authenticate": vaultChallenge]) : .text("", status: 404)
        }
        try await azure.run { url in
            let secrets = secrets(
                AzureAccess(environment: ["SLUICE_AZURE_EMULATOR": url, "AZURE_KEYVAULT_URL": "shop-kv"]),
                ["name": "of the environment"])
            let value5 = try await secrets.value(of: .init(name: "name"))
            #expect(value5 == "of the environment")
            let error = await #expect(throws: SluiceError.self) { try await secrets.value(of: .init(name: "nowhere")) }
            #expect(error?.message.contains("cannot be read from the Key Vault shop-kv: there is nobody") == true)
            #expect(error?.details.count == 4)
        }
    }
}
