import Azure
import HTTPServer
import Support
import Synchronization
import Testing

/// Resource Manager as its services differ in it: every way to say that something takes long.
@Suite struct ManagementTests {
    private static let audience = "https://management.azure.com"
    private static let job =
        "/subscriptions/s1/resourceGroups/shop-rg/providers/Microsoft.App/jobs/orders"

    private func azure(_ answer: @escaping @Sendable (FakeAzure.Asked, Int) -> ServerResponse) -> FakeAzure {
        let count = Mutex(0)
        return FakeAzure { asked, _ in
            if asked.host.hasPrefix("login.") { return FakeAzure.entra(FakeAzure.token(Self.audience)) }
            guard asked.headers["Authorization"] == "Bearer \(FakeAzure.token(Self.audience))" else {
                return .json(["error": ["code": "AuthenticationFailed", "message": "no"]], status: 401)
            }
            let number = count.withLock { count in
                count += 1
                return count
            }
            return answer(asked, number)
        }
    }

    private func client(_ url: String, deadline: Duration = .seconds(20)) throws -> ManagementClient {
        var environment = IdentityTests.secretVariables
        environment["SLUICE_AZURE_EMULATOR"] = url
        return ManagementClient(
            try AzureAccess(environment: environment).client(),
            patience: .init(deadline: deadline, pause: .milliseconds(20)))
    }

    private static func resource(_ state: String, error: JSONText? = nil) -> JSONText {
        .members([
            "id": .string(job), "name": "orders",
            "properties": .members(["provisioningState": .string(state), "provisioningError": error]),
        ])
    }

    private static let status =
        "https://management.azure.com/subscriptions/s1/operationStatuses/1?api-version=x&t=1&s=2"
    private static let result = "https://management.azure.com/subscriptions/s1/operationResults/1?api-version=x"

    /// The ways in which a PUT goes on.
    enum Way: String, CaseIterable {
        case atOnce, byStatus, byLocation, byResource, byMovingStatus
    }

    @Test(arguments: Way.allCases) func aPutEndsWhenTheResourceStands(_ way: Way) async throws {
        let fake = azure { asked, number in
            let isStatus = asked.path.contains("operationStatuses")
            switch (way, asked.method) {
            case (.atOnce, _): return .json(Self.resource("Succeeded"))
            case (.byStatus, "PUT"):
                return .json(Self.resource("InProgress"), status: 201, headers: ["Azure-AsyncOperation": Self.status])
            case (.byMovingStatus, "PUT"):
                return .json(Self.resource("InProgress"), status: 201, headers: ["Azure-AsyncOperation": Self.status])
            case (.byMovingStatus, "GET") where isStatus && number == 2:
                return .json(
                    ["status": "InProgress"],
                    headers: [
                        "Azure-AsyncOperation": "https://management.azure.com/subscriptions/s1/operationStatuses/2?t=9"
                    ])
            case (.byMovingStatus, "GET") where isStatus && asked.path.hasSuffix("/1"):
                return .json(["error": ["code": "Gone", "message": "the old one"]], status: 410)
            case (_, "GET") where isStatus: return .json(["status": .string(number < 4 ? "InProgress" : "Succeeded")])
            case (.byLocation, "PUT"): return .json(.null, status: 202, headers: ["Location": Self.result])
            case (.byLocation, "GET"):
                return number < 4
                    ? .json(.null, status: 202, headers: ["Location": Self.result])
                    : .json(Self.resource("Succeeded"))
            case (.byResource, "PUT"): return .json(Self.resource("InProgress"), status: 201)
            case (.byResource, "GET"): return .json(Self.resource(number < 4 ? "Updating" : "Succeeded"))
            default: return .json(Self.resource("Succeeded"))
            }
        }
        try await fake.run { url in
            let answer = try await client(url).put(Self.job, version: "2025-01-01", body: ["location": "west"])
            #expect(answer["properties"]?["provisioningState"]?.text == "Succeeded")
        }
        let put = try #require(fake.asked.first { $0.method == "PUT" })
        #expect(put.path == Self.job)
        #expect(put.query == ["api-version": "2025-01-01"])
        #expect(put.body == "{\"location\":\"west\"}")
        // A signed address is asked as it was given.
        for asked in fake.asked where asked.path.hasSuffix("operationStatuses/1") {
            #expect(asked.query == ["api-version": "x", "t": "1", "s": "2"])
        }
    }

    @Test func whatFailedLaterIsAnErrorInAzuresWords() async throws {
        for way in [Way.byStatus, .byResource] {
            let fake = azure { asked, _ in
                let error: JSONText = ["code": "InvalidParameterValueInContainerTemplate", "message": "no such image"]
                if asked.path.contains("operationStatuses") { return .json(["status": "Failed", "error": error]) }
                if asked.method == "GET" { return .json(Self.resource("Failed", error: error)) }
                return .json(
                    Self.resource("InProgress"), status: 201,
                    headers: way == .byStatus ? ["Azure-AsyncOperation": Self.status] : [:])
            }
            try await fake.run { url in
                let error = await #expect(throws: SluiceError.self) {
                    try await client(url).put(Self.job, version: "2025-01-01", body: [:])
                }
                #expect(error?.message.contains("no such image (InvalidParameterValueInContainerTemplate)") == true)
            }
        }
    }

    @Test func whatIsGoneIsDeleted() async throws {
        let fake = azure { asked, number in
            if asked.method == "DELETE" { return .json(.null, status: 202, headers: ["Location": Self.result]) }
            return ServerResponse(number < 4 ? 202 : 204)
        }
        let found = try await fake.run { url in try await client(url).delete(Self.job, version: "v") }
        #expect(found)
        let empty = azure { _, _ in ServerResponse(204) }
        let another = try await empty.run { url in try await client(url).delete(Self.job, version: "v") }
        #expect(!another)
    }

    @Test func aPostIsNotSentTwice() async throws {
        let fake = azure { _, _ in .json(["error": ["code": "InternalServerError", "message": "?"]], status: 500) }
        try await fake.run { url in
            let error = await #expect(throws: SluiceError.self) {
                try await client(url).post("\(Self.job)/start", version: "v")
            }
            #expect(error?.isTransient == true)
        }
        #expect(fake.asked.filter { $0.method == "POST" && $0.path.hasSuffix("start") }.count == 1)
    }

    @Test func anOperationInProgressIsWaitedFor() async throws {
        let fake = azure { asked, number in
            number < 3
                ? .json(["error": ["code": "ContainerAppOperationInProgress", "message": "busy"]], status: 409)
                : .json(Self.resource("Succeeded"))
        }
        _ = try await fake.run { url in
            try await client(url).put(Self.job, version: "v", body: [:])
        }
        #expect(fake.asked.filter { $0.method == "PUT" }.count == 3)
        let other = azure { _, _ in .json(["error": ["code": "Conflict", "message": "another"]], status: 409) }
        try await other.run { url in
            let error = await #expect(throws: SluiceError.self) {
                try await client(url).put(Self.job, version: "v", body: [:])
            }
            #expect(error?.code == .conflict)
        }
    }

    @Test func whatNeverEndsIsGivenUp() async throws {
        let fake = azure { asked, _ in
            asked.method == "PUT"
                ? .json(Self.resource("InProgress"), status: 201, headers: ["Azure-AsyncOperation": Self.status])
                : .json(["status": "InProgress"])
        }
        try await fake.run { url in
            let error = await #expect(throws: SluiceError.self) {
                try await client(url, deadline: .milliseconds(300)).put(Self.job, version: "v", body: [:])
            }
            #expect(error?.code == .timedOut)
        }
    }

    @Test func aTokenGoesNowhereElse() async throws {
        let fake = azure { asked, _ in
            .json(Self.resource("InProgress"), status: 201, headers: ["Azure-AsyncOperation": "https://evil.example/1"])
        }
        try await fake.run { url in
            let error = await #expect(throws: SluiceError.self) {
                try await client(url).put(Self.job, version: "v", body: [:])
            }
            #expect(error?.message.contains("names evil.example as the place to ask next") == true)
        }
        #expect(!fake.asked.contains { $0.host == "evil.example" })
    }

    @Test func allPagesAreRead() async throws {
        let fake = azure { asked, _ in
            asked.query["$skiptoken"] == nil
                ? .json([
                    "value": [["name": "a"], ["name": "b"]],
                    "nextLink": .string(
                        "https://management.azure.com\(Self.job)/executions?api-version=v&$skiptoken=2"),
                ]) : .json(["value": [["name": "c"]]])
        }
        try await fake.run { url in
            let names = try await client(url).list("\(Self.job)/executions", version: "v").compactMap {
                $0["name"]?.text
            }
            #expect(names == ["a", "b", "c"])
        }
        let circle = azure { _, _ in
            .json(["value": [], "nextLink": .string("https://management.azure.com\(Self.job)/executions?x=1")])
        }
        _ = try await circle.run { url in
            await #expect(throws: SluiceError.self) {
                try await client(url).list("\(Self.job)/executions", version: "v")
            }
        }
    }

    @Test func whatIsMissingIsToldApart() async throws {
        for (code, message) in [
            ("ResourceNotFound", nil), ("ResourceGroupNotFound", "there is no resource group \"shop-rg\""),
            ("SubscriptionNotFound", "there is no subscription \"s1\""),
        ] {
            let fake = azure { _, _ in .json(["error": ["code": .string(code), "message": "?"]], status: 404) }
            try await fake.run { url in
                guard let message else {
                    let nothing = try await client(url).get(Self.job, version: "v")
                    #expect(nothing == nil)
                    return
                }
                let error = await #expect(throws: SluiceError.self) {
                    try await client(url).get(Self.job, version: "v")
                }
                #expect(error?.message.hasPrefix(message) == true)
                #expect(error?.code == .notFound)
            }
        }
    }

    @Test func namesOfResourcesAreReadInAnyCase() throws {
        let id = try #require(AzureResourceID(Self.job))
        #expect(id.subscription == "s1")
        #expect(id.group == "shop-rg")
        #expect(id.type == "jobs")
        #expect(id.name == "orders")
        #expect(id.text == Self.job)
        #expect(AzureResourceID(Self.job.uppercased()) == id)
        let execution = try #require(AzureResourceID("\(Self.job)/executions/orders-abc1234"))
        #expect(execution.type == "jobs/executions")
        for text in ["", "/", "/subscriptions/s1", "subscriptions/s1/resourceGroups/g/providers/p/t/n", "\(Self.job)/"]
        {
            #expect(AzureResourceID(text) == nil)
        }
        try AzureResourceID.check("shop-rg_(1)", "resource_group")
        for word in ["", "a/b", "..", "a b", "ü", "a?b", "a."] {
            #expect(throws: SluiceError.self) { try AzureResourceID.check(word, "resource_group") }
        }
    }
}
