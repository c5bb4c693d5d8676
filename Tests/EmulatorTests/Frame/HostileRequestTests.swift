import HTTPServer
import Support
import Testing

@testable import Emulator

/// Requests that no client of good will sends: each has an answer, and none of them is the emulator's own failure.
@Suite struct HostileRequestTests {
    private static let targets = [
        "/", "//", "/shop", "/%00", "/%zz/%zz", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc", "/shop//", "/SHOP/x", "/a/b",
        "/" + String(repeating: "x/", count: 2000), "/shop?comp=list&maxresults=-1",
        "/shop?comp=list&maxresults=99999999999999999999",
        "/shop/q/messages?numofmessages=0", "/shop/q/messages/x?popreceipt=%ff", "/shop?comp=&restype=&sig=&se=&sp=",
        "/secrets/%2e%2e?api-version=7.6", "/secrets?api-version=7.6&$skiptoken=%00",
        "/secrets/a/b/c/d?api-version=7.6",
        "/t/oauth2/v2.0/token", "//oauth2/v2.0/token", "/metadata/identity/oauth2/token?resource=", "/msi/token",
        "/_sluice/", "/_sluice/faults/../health", "/common/discovery/instance?authorization_endpoint=%zz",
    ]
    private static let bodies = [
        "", "x", "<", "<QueueMessage>",
        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><QueueMessage>&b;</QueueMessage>",
        "{", "{\"value\": {}}", "[]", String(repeating: "[", count: 10_000), String(repeating: "<a>", count: 10_000),
        "\u{0}\u{1}",
    ]

    @Test(arguments: ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS", "BREW"])
    func areAnswered(method: String) async throws {
        try await Rig.with { rig in
            let token =
                await rig.send(
                    "GET",
                    "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure.net",
                    headers: ["Metadata": "true"]
                ).json?["access_token"]?.text ?? ""
            func check(_ target: String, _ authorization: String?, _ body: String) async {
                var headers: HTTPHeaders = ["x-ms-version": "2023-11-03"]
                headers["Authorization"] = authorization
                for isQueuePort in [false, true] {
                    let answer = await rig.send(method, target, headers: headers, body: body, isQueuePort: isQueuePort)
                    #expect((200..<500).contains(answer.status), "\(method) \(target.prefix(80)) \(body.prefix(40))")
                }
            }
            for target in Self.targets { await check(target, nil, "x") }
            for target in Self.targets where target.contains("secrets") { await check(target, "Bearer \(token)", "x") }
            for body in Self.bodies {
                await check("/secrets/name?api-version=7.6", "Bearer \(token)", body)
                await check("/t/oauth2/v2.0/token", nil, body)
            }
        }
    }

    @Test func queuesTakeNothingThatIsNoMessage() async throws {
        try await Rig.with { rig in
            let made = try await rig.signed("PUT", "/work")
            #expect(made.status == 201)
            for body in Self.bodies {
                let answer = try await rig.signed("POST", "/work/messages", body: body)
                #expect(answer.status == 400, "\(body.prefix(40)) got \(answer.status)")
            }
            let answer = try await rig.signed("GET", "/work/messages")
            #expect(answer.text.contains("QueueMessagesList"))
        }
    }
}
