import HTTPServer
import Support
import Synchronization
import Testing
import Transport

@testable import Azure

private let storage = "https://storage.azure.com/.default"
private let tenant = "aaaaaaaa-0000-0000-0000-000000000003"
private let application = "aaaaaaaa-0000-0000-0000-000000000002"

/// The identity in an environment where the server at `url` stands for all of Azure.
private func identity(_ url: String, _ variables: [String: String] = [:]) throws -> AzureIdentity {
    var environment = ["SLUICE_AZURE_EMULATOR": url]
    environment.merge(variables) { _, new in new }
    return AzureClient(try AzureSettings(environment: environment)).identity
}

@Suite struct IdentityTests {
    static let secretVariables = [
        "AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": application, "AZURE_CLIENT_SECRET": "marked~secret~one",
    ]

    @Test func aSecretIsExchangedForATokenOnceHoweverManyAsk() async throws {
        let azure = FakeAzure { _, _ in
            try? await Task.sleep(for: .milliseconds(100))
            return FakeAzure.entra()
        }
        try await azure.run { url in
            let identity = try identity(url, IdentityTests.secretVariables)
            let values = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<100 { group.addTask { try await identity.token(for: storage).value } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(values == [FakeAzure.token()])
            #expect(azure.asked.count == 1)
            let asked = try #require(azure.asked.first)
            #expect(asked.method == "POST" && asked.path == "/\(tenant)/oauth2/v2.0/token")
            #expect(asked.host == "login.microsoftonline.com")
            #expect(
                asked.form == [
                    "client_id": application, "client_secret": "marked~secret~one", "grant_type": "client_credentials",
                    "scope": storage,
                ])
            #expect(identity.claims?.objectID == "aaaaaaaa-0000-0000-0000-000000000001")
            // Another scope is another token.
            _ = try await identity.token(for: "https://vault.azure.net/.default")
            #expect(azure.asked.count == 2)
        }
    }

    @Test(arguments: [
        (7_000_215, "Invalid client secret provided.", "secret's value"),
        (700_016, "Application was not found in the directory.", "AZURE_CLIENT_ID"),
        (90_002, "Tenant not found.", "AZURE_TENANT_ID"),
    ])
    func aSecretThatIsRefusedEndsTheChain(_ number: Int, _ words: String, _ remedy: String) async throws {
        let azure = FakeAzure { _, _ in FakeAzure.refusal(number, words) }
        try await azure.run { url in
            let identity = try identity(url, IdentityTests.secretVariables)
            let error = await #expect(throws: SluiceError.self) { try await identity.token(for: storage) }
            #expect(error?.code == .permission)
            #expect(
                error?.message.contains("by environment failed: Entra ID refused: AADSTS\(number): \(words)") == true)
            #expect(error?.message.contains("Trace ID") == false)
            #expect(error?.hint?.contains(remedy) == true)
            #expect(error.map { "\($0) \($0.hint ?? "")" }?.contains("marked~secret") == false)
            // Nobody else was asked: acting as somebody else would be worse than not at all.
            #expect(azure.asked.allSatisfy { $0.host == "login.microsoftonline.com" })
        }
    }

    @Test func aFederatedTokenIsReadAgainEachTime() async throws {
        let folder = Scratch()
        let file = folder.write("token", "marked.federated.one\n")
        let azure = FakeAzure { _, _ in FakeAzure.entra() }
        try await azure.run { url in
            let identity = try identity(
                url,
                ["AZURE_TENANT_ID": tenant, "AZURE_CLIENT_ID": application, "AZURE_FEDERATED_TOKEN_FILE": file])
            _ = try await identity.token(for: storage)
            folder.write("token", "marked.federated.two")
            _ = try await identity.token(for: "https://vault.azure.net/.default")
            #expect(
                azure.asked.map { $0.form["client_assertion"] } == ["marked.federated.one", "marked.federated.two"])
            #expect(
                azure.asked.allSatisfy {
                    $0.form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                })
        }
    }

    @Test(arguments: [nil, "bbbbbbbb-0000-0000-0000-000000000001"])
    func aContainersEndpointGivesItsOwnOrTheNamedIdentity(_ clientID: String?) async throws {
        let azure = FakeAzure { _, _ in FakeAzure.managed() }
        try await azure.run { url in
            var variables = ["IDENTITY_ENDPOINT": "\(url)/msi/token", "IDENTITY_HEADER": "marked-header"]
            variables["MANAGED_IDENTITY_CLIENT_ID"] = clientID
            let identity = AzureClient(try AzureSettings(environment: variables)).identity
            _ = try await identity.token(for: storage)
            let asked = try #require(azure.asked.first)
            #expect(asked.path == "/msi/token" && asked.method == "GET")
            #expect(asked.headers["X-IDENTITY-HEADER"] == "marked-header")
            #expect(asked.query["resource"] == "https://storage.azure.com")
            #expect(asked.query["api-version"] == "2019-08-01")
            #expect(asked.query["client_id"] == clientID)
        }
    }

    /// Container Apps start a job before the sidecar that gives out tokens.
    @Test func aContainersEndpointMayStartLater() async throws {
        let azure = FakeAzure { _, _ in FakeAzure.managed() }
        let port = try await FakeAzure { _, _ in .text("") }.run { $0 }
        let identity = AzureClient(
            try AzureSettings(environment: [
                "IDENTITY_ENDPOINT": "\(port)/msi/token", "IDENTITY_HEADER": "marked-header",
            ])
        ).identity
        async let token = identity.token(for: storage)
        try await Task.sleep(for: .milliseconds(300))
        let server = HTTPServer(port: try WebAddress(port).effectivePort, handler: azure)
        try server.start()
        #expect(try await token.value == FakeAzure.token())
        await server.stop()
    }

    @Test func anIdentityThatIsNotAssignedIsNamed() async throws {
        let azure = FakeAzure { _, _ in
            .json(
                ["statusCode": 400, "message": "No User Assigned Identity found for specified ClientId."], status: 400)
        }
        try await azure.run { url in
            let identity = AzureClient(
                try AzureSettings(environment: [
                    "IDENTITY_ENDPOINT": "\(url)/msi/token", "IDENTITY_HEADER": "marked-header",
                    "AZURE_CLIENT_ID": application,
                ])
            ).identity
            let error = await #expect(throws: SluiceError.self) { try await identity.token(for: storage) }
            #expect(
                error?.message.contains("the user-assigned identity \(application) got no token: status 400") == true)
            #expect(error?.hint?.contains("assign the identity \(application)") == true)
            #expect(azure.asked.count == 1)
        }
    }

    @Test func theMetadataServiceIsAskedAgainWhileItIsBeingUpdated() async throws {
        let azure = FakeAzure { _, count in
            count == 1
                ? .json(["error": "not_found", "error_description": "updating"], status: 404) : FakeAzure.managed()
        }
        try await azure.run { url in
            _ = try await identity(url).token(for: storage)
            let asked = try #require(azure.asked.last)
            #expect(azure.asked.count == 2)
            #expect(asked.host == "169.254.169.254" && asked.path == "/metadata/identity/oauth2/token")
            #expect(asked.headers["Metadata"] == "true")
            #expect(asked.query == ["api-version": "2023-07-01", "resource": "https://storage.azure.com"])
        }
    }

    @Test func aMetadataServiceThatKnowsOldVersionsOnlyIsAskedInOne() async throws {
        let azure = FakeAzure { asked, _ in
            asked.query["api-version"] == "2018-02-01"
                ? FakeAzure.managed() : .json(["error": "Bad request. api-version is invalid."], status: 400)
        }
        try await azure.run { url in
            let token = try await identity(url).token(for: storage)
            #expect(token.value == FakeAzure.token() && azure.asked.count == 2)
        }
    }

    /// Other clouds have something else at the same address.
    @Test func whoIsNobodyLearnsWhatWasTried() async throws {
        let azure = FakeAzure { _, _ in .text("<html>nothing here</html>", status: 404) }
        try await azure.run { url in
            let identity = try identity(url, ["AZURE_CLIENT_SECRET": "marked~secret~one", "PATH": ""])
            let error = await #expect(throws: SluiceError.self) { try await identity.token(for: storage) }
            #expect(
                error?.details == [
                    "environment: AZURE_CLIENT_SECRET is set, AZURE_TENANT_ID and AZURE_CLIENT_ID are not",
                    "workload identity: AZURE_FEDERATED_TOKEN_FILE is not set",
                    "managed identity: what answers at 169.254.169.254 is not Azure's metadata service",
                    "Azure CLI: its tokens are for the real Azure, and an emulator is set",
                ])
            #expect(error?.hint?.contains("sluice emulate") == true)
            #expect(identity.isNobody)
        }
    }

    // MARK: Renewal

    /// A link that counts how often it is asked, and fails when it is told to.
    private final class Counting: IdentityLink {
        let kind = IdentityKind.environment
        let count = Atomic(0)
        let fails = Atomic(false)
        let clock: Clock

        init(_ clock: Clock) { self.clock = clock }

        func token(for scope: String, tenant: String?) async throws(SluiceError) -> LinkAnswer {
            let number = count.add(1, ordering: .relaxed).newValue
            if fails.load(ordering: .relaxed) { throw SluiceError(.inputOutput, "no", isTransient: true) }
            let now = clock.now
            return .token(
                AccessToken("token number \(number)", expiresAt: Moment(seconds: now.seconds + 3600), now: now),
                by: "test")
        }
    }

    private final class Clock: Sendable {
        let seconds = Atomic(1_000_000)
        var now: Moment { Moment(seconds: seconds.load(ordering: .relaxed)) }
        func pass(_ time: Int) { seconds.add(time, ordering: .relaxed) }
    }

    @Test func tokensAreRenewedBeforeTheyExpireAndKeptWhenThatFails() async throws {
        let clock = Clock()
        let link = Counting(clock)
        let identity = AzureIdentity(links: [link], now: { clock.now })
        func token() async throws -> String { try await identity.token(for: storage).value }
        #expect(try await token() == "token number 1")
        clock.pass(3299)
        #expect(try await token() == "token number 1")
        clock.pass(2)
        #expect(try await token() == "token number 2")
        clock.pass(3400)
        link.fails.store(true, ordering: .relaxed)
        // It still holds, so it is used; and the next attempt is not made at once.
        #expect(try await token() == "token number 2")
        #expect(try await token() == "token number 2")
        #expect(link.count.load(ordering: .relaxed) == 3)
        clock.pass(31)
        #expect(try await token() == "token number 2")
        #expect(link.count.load(ordering: .relaxed) == 4)
        clock.pass(200)
        await #expect(throws: SluiceError.self) { try await token() }
        link.fails.store(false, ordering: .relaxed)
        #expect(try await token() == "token number 6")
        identity.forget(storage)
        #expect(try await token() == "token number 7")
    }

    @Test func tokensThatHoldForADayAreRenewedAtHalfTime() {
        let now = Moment(seconds: 1_000_000)
        let day = AccessToken("a token for a day", expiresAt: Moment(seconds: 1_086_400), now: now)
        #expect(day.refreshAt.seconds == 1_043_200)
        let asked = AccessToken("a token for a day", expiresAt: Moment(seconds: 1_086_400), refreshIn: 3600, now: now)
        #expect(asked.refreshAt.seconds == 1_003_600)
        #expect("\(day)" == "token until 1970-01-13T13:46:40Z")
    }
}
