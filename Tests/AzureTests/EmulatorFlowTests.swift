import Azure
import Emulator
import Glibc
import Support
import Testing
import Transport

/// An emulator of its own, while `body` runs; `body` is given its URL.
private func emulated<T>(_ body: (String) async throws -> T) async throws -> T {
    var pattern = Array("/tmp/azure-emulator-XXXXXX".utf8CString)
    let folder = pattern.withUnsafeMutableBufferPointer { text in
        text.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
    }
    var options = EmulatorOptions(dataFolder: folder)
    options.port = 0
    options.queuePort = 0
    let emulator = EmulatorServer(options)
    try await emulator.start()
    do {
        let result = try await body("http://127.0.0.1:\(emulator.port)")
        await emulator.stop()
        return result
    } catch {
        await emulator.stop()
        throw error
    }
}

/// What the client signs, the emulator checks with what the official clients' requests pass too.
@Suite struct EmulatorFlowTests {
    private let container = "https://lake1.blob.core.windows.net/raw"

    private func request(_ method: HTTPMethod, _ url: String, _ text: String? = nil) throws -> HTTPRequest {
        var request = HTTPRequest(method, try WebAddress(url), headers: ["x-ms-version": "2023-11-03"], service: "blob")
        if let text {
            request.body = .bytes(Buffer(Array(text.utf8)))
            request.headers["x-ms-blob-type"] = "BlockBlob"
        }
        return request
    }

    private func read(_ client: AzureClient, _ url: String, as caller: AzureClient.Caller) async throws -> String {
        let (_, body) = try await client.fetch(try request(.get, url), as: caller)
        return String(decoding: body.bytes, as: UTF8.self)
    }

    @Test(arguments: ["metadata service", "client secret", "App Service endpoint"])
    func everyWayToSignInOpensStorage(_ way: String) async throws {
        try await emulated { url in
            var environment = ["SLUICE_AZURE_EMULATOR": url]
            if way == "client secret" {
                environment["AZURE_TENANT_ID"] = EmulatorOptions.defaultTenant
                environment["AZURE_CLIENT_ID"] = "aaaaaaaa-0000-0000-0000-000000000002"
                environment["AZURE_CLIENT_SECRET"] = "marked~secret~one"
            } else if way == "App Service endpoint" {
                environment["IDENTITY_ENDPOINT"] = "\(url)/msi/token"
                environment["IDENTITY_HEADER"] = "marked-header"
            }
            let client = AzureClient(try AzureSettings(environment: environment))
            let scope = client.settings.cloud.storageScope
            let explanation = await client.identity.explain(scope)
            #expect(explanation.attempts.last?.detail == way)
            #expect(explanation.token?.claims?.objectID != nil)
            _ = try await client.fetch(try request(.put, "\(container)?restype=container"), as: .bearer(scope))
            _ = try await client.fetch(try request(.put, "\(container)/a%20b.txt", "hello"), as: .bearer(scope))
            #expect(try await read(client, "\(container)/a%20b.txt", as: .bearer(scope)) == "hello")
        }
    }

    @Test func keysAndSignaturesOpenWhatTheyAreFor() async throws {
        try await emulated { url in
            let client = AzureClient(try AzureSettings(environment: ["SLUICE_AZURE_EMULATOR": url]))
            let account = StorageAccountKey.development.account
            let raw = "https://\(account).blob.core.windows.net/raw"
            let key = AzureClient.Caller.authorizer(SharedKeyAuthorizer(.development))
            _ = try await client.fetch(try request(.put, "\(raw)?restype=container"), as: key)
            for name in ["a%20b.txt", "in/c+d.txt"] {
                var put = try request(.put, "\(raw)/\(name)", name)
                put.headers["x-ms-meta-a_b"] = "1"
                put.headers["x-ms-meta-ab"] = "2"
                put.headers["Content-Type"] = "text/plain"
                _ = try await client.fetch(put, as: key)
            }
            #expect(
                try await read(client, "\(raw)?restype=container&comp=list&prefix=in%2F", as: key).contains("c+d.txt"))

            let until = Moment(seconds: Moment.now.seconds + 600)
            let signatures: [(SharedAccessSignature, opens: Bool)] = [
                (
                    try .account(
                        .development, services: "b", resourceTypes: "o", .init("r", until: until, isHTTPSOnly: false)),
                    true
                ),
                (
                    try .service(
                        .development, .init(account: account, container: "raw"),
                        .init("r", until: until, isHTTPSOnly: false)), true
                ),
                (
                    try .service(
                        .development, .init(account: account, container: "raw", path: "a b.txt"),
                        .init("r", until: until, isHTTPSOnly: false)), true
                ),
                (
                    try .service(
                        .development, .init(account: account, container: "raw", path: "in/c+d.txt"),
                        .init("r", until: until, isHTTPSOnly: false)), false
                ),
                (
                    try .service(
                        .development, .init(account: account, container: "raw"),
                        .init("w", until: until, isHTTPSOnly: false)), false
                ),
            ]
            for (signature, opens) in signatures {
                let caller = AzureClient.Caller.authorizer(SASAuthorizer(signature))
                if opens {
                    #expect(try await read(client, "\(raw)/a%20b.txt", as: caller) == "a%20b.txt")
                } else {
                    let error = await #expect(throws: SluiceError.self) {
                        try await read(client, "\(raw)/a%20b.txt", as: caller)
                    }
                    #expect(error?.code == .permission)
                    #expect(error?.message.contains("the shared access signature") == true, "\(error?.message ?? "")")
                }
            }
            let wrong = try StorageAccountKey(account: account, key: Base64.encode(Array("another key".utf8)))
            let error = await #expect(throws: SluiceError.self) {
                try await read(client, "\(raw)/a%20b.txt", as: .authorizer(SharedKeyAuthorizer(wrong)))
            }
            #expect(error?.message.contains("the account key is wrong") == true, "\(error?.message ?? "")")
        }
    }

    @Test func aDelegatedKeySignsToo() async throws {
        try await emulated { url in
            let client = AzureClient(try AzureSettings(environment: ["SLUICE_AZURE_EMULATOR": url]))
            let bearer = AzureClient.Caller.bearer(client.settings.cloud.storageScope)
            _ = try await client.fetch(try request(.put, "\(container)?restype=container"), as: bearer)
            _ = try await client.fetch(try request(.put, "\(container)/x", "hello"), as: bearer)
            let now = Moment.now
            var ask = try request(
                .post, "https://lake1.blob.core.windows.net/?restype=service&comp=userdelegationkey")
            let info = XMLNode(
                "KeyInfo",
                children: [
                    XMLNode("Start", text: now.isoSeconds),
                    XMLNode("Expiry", text: Moment(seconds: now.seconds + 3600).isoSeconds),
                ])
            ask.body = .bytes(Buffer(Array(info.write().utf8)))
            let (_, body) = try await client.fetch(ask, as: bearer)
            let answer = try XMLNode.parse(body)
            func text(_ name: String) -> String { answer[name]?.text ?? "" }
            let key = try UserDelegationKey(
                objectID: text("SignedOid"), tenantID: text("SignedTid"), start: text("SignedStart"),
                expiry: text("SignedExpiry"), service: text("SignedService"), version: text("SignedVersion"),
                value: text("Value"))
            let signature = try SharedAccessSignature.userDelegation(
                key, .init(account: "lake1", container: "raw", path: "x"),
                .init("r", until: Moment(seconds: now.seconds + 600), isHTTPSOnly: false))
            let found = try await read(client, "\(container)/x", as: .authorizer(SASAuthorizer(signature)))
            #expect(found == "hello")
        }
    }

    @Test func aVaultsSecretsAreSetReadListedAndDeleted() async throws {
        try await emulated { url in
            let client = AzureClient(try AzureSettings(environment: ["SLUICE_AZURE_EMULATOR": url]))
            let address = try VaultName.address("shop-kv", in: client.settings.cloud)
            let vault = KeyVaultClient(client, vault: address)
            let first = try await vault.set("db-password", to: "marked~one")
            let second = try await vault.set("db-password", to: "marked~two")
            #expect(first.version != second.version)
            // Somebody else reads, who has kept nothing.
            let reader = KeyVaultClient(client, vault: address)
            let newest = try await reader.secret("db-password")
            #expect(newest.value == "marked~two" && newest.version == second.version)
            let older = try await reader.secret("db-password", version: first.version)
            #expect(older.value == "marked~one")
            let versions = try await reader.versions(of: "db-password")
            #expect(Set(versions.compactMap(\.version)) == [first.version, second.version])
            for number in 0..<30 { try await vault.set("more-\(number)", to: "marked~\(number)") }
            let names = try await reader.secrets().map(\.name)
            #expect(Set(names).count == 31 && names.count == 31)
            try await vault.delete("db-password")
            let gone = try await KeyVaultClient(client, vault: address).find("db-password")
            #expect(gone == nil)
            // Another vault has secrets of its own.
            let other = KeyVaultClient(client, vault: try VaultName.address("other-kv", in: client.settings.cloud))
            let none = try await other.find("more-1")
            #expect(none == nil)
        }
    }
}
