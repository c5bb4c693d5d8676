import HTTPServer
import Support
import Testing

@testable import Emulator

/// Answers with what it was sent, as a storage service that everybody may ask.
private struct Mirror: EmulatedService {
    let name = "blob"
    func accepts(_ request: EmulatedRequest) -> Bool { request.endpoint == .storage || request.endpoint == .blob }
    func isPublic(_ request: EmulatedRequest) async -> Bool { true }
    func respond(to request: EmulatedRequest) async -> ServerResponse {
        do throws(SluiceError) {
            return .text(String(decoding: try await request.server.collect().bytes, as: UTF8.self))
        } catch {
            return .text(error.message, status: 400)
        }
    }
}

@Suite struct FaultTests {
    private func set(_ rules: String, _ rig: Rig) async {
        let answer = await rig.send("PUT", "/_sluice/faults", body: rules)
        #expect(answer.status == 200, "\(answer.text)")
    }

    @Test func happenAsOftenAsTheyAreToldTo() async throws {
        try await Rig.with({ _ in }, [Mirror()]) { rig in
            await set(
                #"{"rules": [{"match": {"service": "blob", "method": "put", "path": "/lake/*", "query": {"comp": "block*"}}, "skip": 1, "times": 2, "do": {"throttle": 429, "retryAfter": 3}}]}"#,
                rig)
            var statuses: [Int] = []
            for _ in 0..<5 { statuses.append(await rig.send("PUT", "/shop/lake/x?comp=blocklist").status) }
            #expect(statuses == [200, 429, 429, 200, 200])
            #expect(await rig.send("PUT", "/shop/lake/x?comp=lease").status == 200)
            #expect(await rig.send("GET", "/_sluice/faults").json?["rules"]?.items?.first?["hits"] == 2)
            #expect(await rig.send("DELETE", "/_sluice/faults").status == 204)
            #expect(await rig.send("GET", "/_sluice/faults").json?["rules"]?.items?.isEmpty == true)
        }
    }

    @Test func areWordedAsTheServiceWords() async throws {
        try await Rig.with({ _ in }, [Mirror()]) { rig in
            await set(#"[{"do": {"throttle": 503, "retryAfter": 3}}]"#, rig)
            let blob = await rig.send("GET", "/shop/lake/x")
            #expect(blob.status == 503 && blob.headers["Retry-After"] == "3")
            #expect(blob.headers["x-ms-error-code"] == "ServerBusy" && blob.text.contains("<Code>ServerBusy</Code>"))
            #expect(blob.headers["x-ms-request-id"] != nil)
            let vault = await rig.send("GET", "/secrets/x")
            #expect(vault.json?["error"]?["code"] == "ServerBusy")
            #expect(await rig.send("GET", "/_sluice/health").status == 200)
        }
    }

    @Test func cutAndLose() async throws {
        try await Rig.with({ _ in }, [Mirror()]) { rig in
            await set(
                #"[{"match": {"path": "/c/cut"}, "do": {"cutResponse": 3}}, {"match": {"path": "/c/lose"}, "do": "loseResponse"}, {"match": {"path": "/c/half"}, "do": {"cutRequest": 4}}, {"match": {"path": "/c/slow"}, "do": {"slow": 60}}]"#,
                rig)
            #expect(await rig.send("PUT", "/shop/c/cut", body: "whole body").cut == 3)
            let lost = await rig.send("PUT", "/shop/c/lose", body: "whole body")
            #expect(lost.isLost && lost.text == "whole body", "the work is done")
            let half = await rig.send("PUT", "/shop/c/half", body: "whole body")
            #expect(half.isLost && half.status == 400)
            let clock = ContinuousClock()
            let duration = await clock.measure { #expect(await rig.send("GET", "/shop/c/slow").status == 200) }
            #expect(duration >= .milliseconds(50))
        }
    }

    @Test(arguments: [
        "", "{}", "[1]", "[{}]", #"[{"do": "explode"}]"#, #"[{"do": {"throttle": 404}}]"#, #"[{"do": {"status": 99}}]"#,
        #"[{"match": {"colour": "red"}, "do": "loseResponse"}]"#, #"[{"when": 1, "do": "loseResponse"}]"#, "[[[[",
    ])
    func refuseRulesThatAreNone(text: String) async throws {
        try await Rig.with { rig in
            let answer = await rig.send("PUT", "/_sluice/faults", body: text)
            #expect(answer.status == 400 && !answer.text.isEmpty)
        }
    }

    @Test func areNotForPagesInABrowser() async throws {
        try await Rig.with { rig in
            let answer = await rig.send(
                "PUT", "/_sluice/faults", headers: ["Origin": "https://else.where"], body: #"[{"do": "loseResponse"}]"#)
            #expect(answer.status == 403)
        }
    }

    @Test(arguments: [
        ("*", "anything", true), ("", "", true), ("a*c", "abbc", true), ("a*c", "abb", false), ("*b*", "abc", true),
        ("a**", "a", true), ("abc", "abcd", false), ("*a*a*a*a*a*a*b", String(repeating: "a", count: 2000), false),
    ])
    func matchPatterns(pattern: String, text: String, isMatch: Bool) {
        #expect(FaultRule.matches(pattern: pattern, text) == isMatch)
    }
}
