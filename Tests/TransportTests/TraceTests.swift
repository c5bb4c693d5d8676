import Foundation
import Support
import TestServers
import Testing

@testable import Transport

/// What is recorded of exchanges, and what is not.
@Suite struct TraceTests {
    let server: FaultServer
    let path = FileManager.default.temporaryDirectory.path + "/sluice-trace-\(UUID().uuidString).jsonl"

    init() throws { server = try #require(FaultServer.shared) }

    /// What the client recorded while `body` ran.
    func lines(_ body: (HTTPClient) async throws -> Void) async throws -> [JSONText] {
        let client = testClient { $0.trace = HTTPTrace(path: path) }
        defer { unlink(path) }
        try await body(client)
        return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map {
            try JSONText.parse(String($0))
        }
    }

    @Test func anExchangeIsALine() async throws {
        let lines = try await lines { client in
            var request = HTTPRequest(.put, try server.url("/echo?comp=list&x=%2F"), service: "blob")
            request.headers = ["Content-Type": "application/json", "X-One": "1"]
            request.body = .bytes(Buffer(Array(#"{"name": "a", "size": 3}"#.utf8)))
            _ = try await client.fetch(request)
        }
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(line["service"]?.text == "blob")
        #expect(line["method"]?.text == "PUT")
        #expect(line["url"]?.text == server.origin + "/echo?comp=list&x=%2F")
        #expect(line["request"]?["headers"]?["x-one"]?.text == "1")
        #expect(line["request"]?["headers"]?["content-length"]?.text == "24")
        #expect(line["request"]?["body"] == ["name": "a", "size": 3])
        #expect(line["response"]?["status"]?.integer == 200)
        #expect(line["response"]?["headers"]?["content-type"]?.text == "application/json")
        #expect(line["response"]?["body"]?["length"]?.integer == 24)
    }

    @Test func everyAttemptIsALine() async throws {
        let lines = try await lines { client in
            let policy = RetryPolicy(attempts: 5, base: .milliseconds(1))
            _ = try await client.fetch(HTTPRequest(.get, server.url("/flaky/traced/503/2")), retry: policy)
            _ = try await client.fetch(
                HTTPRequest(.get, server.url("/redirect").with(query: [("to", "/bytes/10")])), retry: policy)
            _ = try? await client.fetch(HTTPRequest(.get, server.url("/close")), retry: RetryPolicy.none)
            _ = try? await client.fetch(HTTPRequest(.get, server.url("/cut/10/5")), retry: RetryPolicy.none)
        }
        let statuses = lines.map { $0["response"]?["status"]?.integer }
        #expect(statuses == [503, 503, 200, 302, 200, nil, 200])
        #expect(lines[2]["response"]?["body"] == ["bytes": 7])
        #expect(lines[5]["note"]?.text?.contains("closed the connection") == true)
        #expect(lines[6]["note"]?.text?.contains("broke off after 5 of 10") == true)
        #expect(lines[6]["response"]?["body"] == ["bytes": 5])
    }

    @Test func aBodyThatIsStreamedIsTold() async throws {
        let lines = try await lines { client in
            let source = CountedSource(size: 1_000_000)
            let request = HTTPRequest(.put, try server.url("/echo"), body: .stream(source, size: nil))
            _ = try await client.fetch(request)
            _ = try await client.send(HTTPRequest(.get, server.url("/bytes/5000000")))
        }
        #expect(lines[0]["request"]?["body"] == ["bytes": 1_000_000])
        #expect(lines[1]["response"]?["status"]?.integer == 200)
    }

    @Test func aFileThatCannotBeWrittenIsTold() async throws {
        let client = testClient { $0.trace = HTTPTrace(path: "/no/such/folder/trace.jsonl") }
        let error = await #expect(throws: SluiceError.self) {
            _ = try await client.send(HTTPRequest(.get, server.url("/echo")))
        }
        #expect(error?.message.contains("/no/such/folder/trace.jsonl") == true)
    }

    @Test func processesShareAFile() async throws {
        let lines = try await lines { first in
            let second = testClient { $0.trace = HTTPTrace(path: path) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<100 {
                    let client = number.isMultiple(of: 2) ? first : second
                    let request = HTTPRequest(.get, try server.url("/echo?number=\(number)"))
                    group.addTask { _ = try await client.fetch(request) }
                }
                try await group.waitForAll()
            }
        }
        #expect(lines.count == 100)
    }

    /// Marked secrets in every place where there may be one: in no line, and in no error.
    @Test func noSecretIsRecorded() async throws {
        var errors: [String] = []
        var requests: [HTTPRequest] = []
        var request = HTTPRequest(
            .put,
            try server.url(
                "/status/200?comp=list&sig=SECRET-q1&code=SECRET-q2&access_token=SECRET-q3&client_secret=SECRET-q4"))
        request.headers = [
            "Authorization": "Bearer SECRET-h1", "Cookie": "a=SECRET-h2", "X-Identity-Header": "SECRET-h3",
            "x-ms-copy-source": "https://a.blob.core.windows.net/c/b?sv=1&sig=SECRET-h4", "api-key": "SECRET-h5",
            "x-ms-copy-source-authorization": "Bearer SECRET-h6", "aeg-sas-key": "SECRET-h7",
            "x-functions-key": "SECRET-h8", "Proxy-Authorization": "Basic SECRET-h9",
            "Content-Type": "application/json",
        ]
        request.body = .bytes(
            Buffer(
                Array(
                    #"""
                    {"client_secret": "SECRET-b1", "password": "SECRET-b2", "nested": [{"access_token": "SECRET-b3"}],
                     "connectionString": "AccountKey=SECRET-b4;EndpointSuffix=x", "note": "AccountKey=SECRET-b5;X=y",
                     "secrets": [{"name": "n", "value": "SECRET-b6"}], "link": "https://h/p?sig=SECRET-b7&sv=1",
                     "client_assertion": "SECRET-b8", "secret": {"deep": {"deeper": "SECRET-b9"}}}
                    """#.utf8)))
        requests.append(request)
        request.url = try server.url("/close?sig=SECRET-q5")
        requests.append(request)
        request.url = try server.url("/cut/10/5?sig=SECRET-q6")
        requests.append(request)
        request.url = try WebAddress("http://127.0.0.1:1/?sig=SECRET-q7")
        requests.append(request)
        request.url = try WebAddress("http://no-such-host.invalid/?sig=SECRET-q8")
        requests.append(request)
        request = HTTPRequest(.put, try server.url("/secrets/name"), headers: ["Content-Type": "application/json"])
        request.service = "keyvault"
        request.body = .bytes(Buffer(Array(#"{"value": "SECRET-v1"}"#.utf8)))
        requests.append(request)
        request = HTTPRequest(.post, try server.url("/tenant/oauth2/v2.0/token"))
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.body = .bytes(Buffer(Array("client_secret=SECRET-f1&grant_type=client_credentials".utf8)))
        requests.append(request)
        request = HTTPRequest(
            .get, try server.url("/redirect").with(query: [("to", "/echo?sig=SECRET-r1&s=SECRET-r2&h=SECRET-r3")]))
        let lines = try await lines { client in
            for request in requests {
                do throws(SluiceError) {
                    _ = try await client.fetch(request, retry: RetryPolicy.none)
                } catch {
                    errors.append("\(error) \(error.hint ?? "")")
                }
            }
        }
        #expect(lines.count == requests.count)
        #expect(errors.count == 4)
        for text in lines.map({ $0.text() }) + errors { #expect(!text.contains("SECRET"), "\(text)") }
        // What is not secret is there.
        #expect(lines[0]["url"]?.text?.hasPrefix(server.origin + "/status/200?comp=list&sig=***") == true)
        #expect(lines[0]["request"]?["headers"]?["authorization"]?.text == "***")
        #expect(lines[0]["request"]?["body"]?["secrets"]?.items?.first?["name"]?.text == "n")
        #expect(lines[5]["request"]?["body"]?["value"]?.text == "***")
        #expect(lines[6]["request"]?["body"] == ["bytes": 53])
    }

    @Test func aServersAnswerIsMaskedToo() async throws {
        let text = #"{"access_token": "SECRET", "expires_in": 3599, "value": "SECRET", "items": [{"value": "plain"}]}"#
        let parsed = try JSONText.parse(text)
        #expect(
            TraceMask.body(parsed, service: "keyvault", path: "/secrets/a").text()
                == #"{"access_token":"***","expires_in":3599,"value":"***","items":[{"value":"***"}]}"#)
        let keys = try JSONText.parse(
            #"{"keys": [{"keyName": "key1", "value": "SECRET"}], "value": [{"value": "SECRET"}]}"#)
        #expect(!TraceMask.body(keys, service: "arm", path: "/x/listKeys").text().contains("SECRET"))
        let headers = TraceMask.headers([
            "Set-Cookie": "a=SECRET", "Location": "https://h/p?api-version=1&t=1&c=SECRET&s=SECRET&h=SECRET",
        ])
        #expect(
            headers
                == ["set-cookie": "***", "location": "https://h/p?api-version=1&t=***&c=***&s=***&h=***"])
    }
}
