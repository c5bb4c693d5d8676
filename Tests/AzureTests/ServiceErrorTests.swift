import Azure
import HTTPServer
import Support
import Testing
import Transport

/// A refusal, as whom it is met, and what is told.
struct Refusal: Sendable, CustomTestStringConvertible {
    enum Who: Sendable { case identity, key, signature, nobody }

    var testDescription: String { "\(status) \(code) \(url)" }
    var status: Int
    var code: String
    var url = "https://lake1.blob.core.windows.net/raw/a/b.csv"
    var method = HTTPMethod.get
    var who = Who.identity
    var text = ""
    var json: JSONText?
    var headers: HTTPHeaders = [:]
    /// What the message holds, and the hint.
    var told: String
    var hint = ""

    var answer: ServerResponse {
        var headers = headers
        headers["x-ms-request-id"] = "0c4f5a2e-101e-0000-0000-000000000000"
        if let json { return .json(json, status: status, headers: headers) }
        if !code.isEmpty { headers["x-ms-error-code"] = code }
        let body = XMLNode(
            "Error", children: [XMLNode("Code", text: code), XMLNode("Message", text: "Words.\nTime: x")])
        var detailed = body
        if !text.isEmpty { detailed.children.append(XMLNode("AuthenticationErrorDetail", text: text)) }
        return .xml(detailed, status: status, headers: headers)
    }
}

private let home = "aaaaaaaa-0000-0000-0000-000000000003"

private let refusals = [
    Refusal(
        status: 403, code: "AuthorizationPermissionMismatch",
        told:
            "reading raw/a/b.csv on the storage account lake1 failed: application aaaaaaaa-0000-0000-0000-000000000002 "
            + "has no role that permits it (403 AuthorizationPermissionMismatch, request 0c4f5a2e-101e",
        hint: "\"Storage Blob Data Reader\" assigned on the storage account lake1"),
    Refusal(
        status: 403, code: "AuthorizationPermissionMismatch", method: .put, told: "writing raw/a/b.csv",
        hint: "Storage Blob Data Contributor"),
    Refusal(
        status: 403, code: "AuthorizationPermissionMismatch",
        url: "https://lake1.blob.core.windows.net/raw?restype=container&comp=list", told: "listing raw on",
        hint: "Storage Blob Data Reader"),
    Refusal(
        status: 403, code: "AuthorizationPermissionMismatch",
        url: "https://lake1.queue.core.windows.net/jobs/messages", told: "has no role",
        hint: "Storage Queue Data Contributor"),
    Refusal(
        status: 403, code: "AuthorizationPermissionMismatch", who: .signature,
        told: "the shared access signature does not permit it", hint: "r reads, l lists"),
    Refusal(
        status: 403, code: "AuthorizationFailure",
        told: "the network rules of the storage account lake1 keep this machine out",
        hint: "network-rule add --account-name lake1"),
    Refusal(
        status: 403, code: "KeyBasedAuthenticationNotPermitted", who: .key, told: "does not permit account keys",
        hint: "sign in with an identity"),
    Refusal(
        status: 403, code: "AuthenticationFailed", who: .key, told: "the account key is wrong",
        hint: "az storage account keys list --account-name lake1"),
    Refusal(
        status: 403, code: "AuthenticationFailed", who: .signature,
        text: "Signature not valid in the specified time frame: Start [x] - Expiry [y] - Current [z]",
        told: "is not valid at this time", hint: "expired"),
    Refusal(
        status: 403, code: "AuthenticationFailed", who: .signature, text: "Signature did not match.",
        told: "the shared access signature is wrong", hint: "renewed"),
    Refusal(
        status: 403, code: "AuthenticationFailed", who: .key,
        headers: ["Date": Moment(seconds: Moment.now.seconds + 3600).httpDate], told: "this machine's clock is ",
        hint: "timedatectl"),
    Refusal(
        status: 401, code: "InvalidAuthenticationInfo",
        headers: [
            "WWW-Authenticate":
                "Bearer authorization_uri=https://login.microsoftonline.com/contoso/oauth2/authorize resource_id=https://storage.azure.com"
        ],
        told:
            "belongs to the tenant contoso, application aaaaaaaa-0000-0000-0000-000000000002 is of the tenant \(home)",
        hint: "az login --tenant contoso"),
    Refusal(status: 404, code: "ContainerNotFound", told: "there is no container \"raw\" on the storage account lake1"),
    Refusal(
        status: 404, code: "FilesystemNotFound", url: "https://lake1.dfs.core.windows.net/raw/x",
        json: ["error": ["code": "FilesystemNotFound", "message": "The specified filesystem does not exist."]],
        told: "there is no container \"raw\""),
    Refusal(status: 404, code: "BlobNotFound", told: "it is not there (404 BlobNotFound"),
    Refusal(status: 409, code: "LeaseIdMissing", told: "Words. (409 LeaseIdMissing"),
    Refusal(
        status: 403, code: "AuthorizationFailed", url: "https://management.azure.com/subscriptions/s",
        json: ["error": ["code": "AuthorizationFailed", "message": "The client does not have authorization."]],
        told: "GET of management.azure.com/subscriptions/s failed: The client does not have authorization.",
        hint: "az role assignment create"),
    Refusal(
        status: 404, code: "PoolNotFound", url: "https://acct.westeurope.batch.azure.com/pools/p",
        json: [
            "odata.metadata": "x", "code": "PoolNotFound",
            "message": ["lang": "en-US", "value": "The specified pool does not exist.\nRequestId:x"], "values": [],
        ], told: "(404 PoolNotFound"),
    Refusal(
        status: 400, code: "InvalidInput", url: "https://api.fabric.microsoft.com/v1/workspaces",
        json: ["requestId": "r", "errorCode": "InvalidInput", "message": "The request has an invalid input"],
        told: "The request has an invalid input (400 InvalidInput"),
    Refusal(
        status: 403, code: "Forbidden", url: "https://shop-kv.vault.azure.net/secrets/x/",
        json: [
            "error": [
                "code": "Forbidden", "message": "Client address is not authorized.",
                "innererror": ["code": "ForbiddenByFirewall"],
            ]
        ], told: "the network rules of the Key Vault shop-kv keep this machine out",
        hint: "az keyvault network-rule add"),
    Refusal(
        status: 403, code: "Forbidden", url: "https://shop-kv.vault.azure.net/secrets/x/",
        json: [
            "error": ["code": "Forbidden", "message": "No permission.", "innererror": ["code": "ForbiddenByPolicy"]]
        ], told: "no access policy of the Key Vault shop-kv",
        hint: "--object-id aaaaaaaa-0000-0000-0000-000000000001 --secret-permissions get list"),
    Refusal(
        status: 401, code: "Unauthorized", url: "https://shop-kv.vault.azure.net/secrets/x/",
        json: [
            "error": [
                "code": "Unauthorized",
                "message":
                    "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/contoso/, found https://sts.windows.net/x/.",
            ]
        ], told: "belongs to the tenant contoso", hint: "AZURE_TENANT_ID=contoso"),
    Refusal(
        status: 409, code: "PublicAccessNotPermitted", who: .nobody, told: "it is not public", hint: "sign in"),
]

@Suite struct ServiceErrorTests {
    @Test(arguments: refusals)
    func aRefusalSaysWhatAndWhyAndWhatToDo(_ refusal: Refusal) async throws {
        let azure = FakeAzure { asked, _ in
            asked.host.hasPrefix("login.") ? FakeAzure.entra() : refusal.answer
        }
        try await azure.run { url in
            var environment = IdentityTests.secretVariables
            environment["SLUICE_AZURE_EMULATOR"] = url
            let client = AzureClient(try AzureSettings(environment: environment))
            let request = HTTPRequest(refusal.method, try WebAddress(refusal.url))
            let caller: AzureClient.Caller =
                switch refusal.who {
                case .identity: .bearer(client.settings.cloud.storageScope)
                case .nobody: .nobody
                case .key: .authorizer(SharedKeyAuthorizer(.development))
                case .signature:
                    .authorizer(
                        SASAuthorizer(
                            try SharedAccessSignature.account(
                                .development, services: "b", resourceTypes: "o",
                                .init("r", until: Moment(seconds: Moment.now.seconds + 3600)))))
                }
            let error = await #expect(throws: SluiceError.self) {
                try await client.fetch(request, as: caller, retry: RetryPolicy.none)
            }
            #expect(error?.message.contains(refusal.told) == true, "\(error?.message ?? "")")
            if !refusal.hint.isEmpty {
                #expect(error?.hint?.contains(refusal.hint) == true, "\(error?.hint ?? "")")
            }
            // The same comes from an answer whose body would have been streamed.
            let streamed = await #expect(throws: SluiceError.self) {
                try await client.send(request, as: caller, retry: RetryPolicy.none)
            }
            #expect(streamed?.message == error?.message)
            // What the caller expects is no error.
            let (response, _) = try await client.fetch(
                request, as: caller, accepting: [refusal.status], retry: RetryPolicy.none)
            #expect(response.status == refusal.status)
        }
    }

    @Test func everyRequestHasAnIdOfItsOwn() async throws {
        let azure = FakeAzure { _, _ in .text("") }
        try await azure.run { url in
            let client = AzureClient(try AzureSettings(environment: ["SLUICE_AZURE_EMULATOR": url]))
            let request = HTTPRequest(.get, try WebAddress("https://lake1.blob.core.windows.net/raw/x"))
            for _ in 0..<2 { _ = try await client.fetch(request, as: .nobody) }
            let ids = azure.asked.compactMap { $0.headers["x-ms-client-request-id"] }
            #expect(Set(ids).count == 2 && ids.allSatisfy { $0.utf8.count == 36 })
        }
    }

    @Test func aSignatureThatHasExpiredIsNotSent() async throws {
        let azure = FakeAzure { _, _ in .text("") }
        try await azure.run { url in
            let client = AzureClient(try AzureSettings(environment: ["SLUICE_AZURE_EMULATOR": url]))
            let expired = try SharedAccessSignature.account(
                .development, services: "b", resourceTypes: "o",
                .init("r", until: Moment(seconds: Moment.now.seconds - 60)))
            let request = HTTPRequest(.get, try WebAddress("https://lake1.blob.core.windows.net/raw/x"))
            let error = await #expect(throws: SluiceError.self) {
                try await client.fetch(request, as: .authorizer(SASAuthorizer(expired)))
            }
            #expect(error?.message.contains("expired at") == true)
            #expect(azure.asked.isEmpty)
        }
    }

    @Test func aTokenIsNotSentInTheClear() async throws {
        let client = AzureClient(try AzureSettings(environment: [:]))
        let request = HTTPRequest(.get, try WebAddress("http://lake1.blob.core.windows.net/raw/x"))
        let error = await #expect(throws: SluiceError.self) {
            try await client.fetch(request, as: .bearer("https://storage.azure.com/.default"))
        }
        #expect(error?.message.contains("in the clear") == true)
    }

    @Test(arguments: [
        (
            "Bearer authorization=\"https://login.microsoftonline.com/t1\", resource=\"https://vault.azure.net\"", "t1",
            "https://vault.azure.net/.default"
        ),
        (
            "Bearer authorization_uri=https://login.microsoftonline.com/t2/oauth2/authorize resource_id=https://storage.azure.com",
            "t2", "https://storage.azure.com/.default"
        ),
        ("Bearer authorization_uri=\"https://login.windows.net/common\", scope=\"a/.default\"", nil, "a/.default"),
    ])
    func challengesAreReadInAnyOfTheirForms(_ text: String, _ tenant: String?, _ scope: String) throws {
        let challenge = try #require(AuthenticationChallenge(text))
        #expect(challenge.tenant == tenant && challenge.scope == scope)
    }

    @Test(arguments: ["", "Basic realm=x", "Bearer", "Bearer =,=\"", "Bearer a=\"b", "Bearer ,,,", "Bearer a"])
    func whatIsNoChallengeHarmsNobody(_ text: String) {
        #expect(AuthenticationChallenge(text)?.scope == nil)
    }
}
