import Support
import Testing

@testable import Images

private let digest = "sha256:" + String(repeating: "0a", count: 32)

@Suite struct ImageReferenceTests {
    @Test(
        arguments: [
            ("shop.azurecr.io/jobs/orders:1.4", "shop.azurecr.io", "jobs/orders", "1.4", nil),
            ("localhost:5000/orders", "localhost:5000", "orders", nil, nil),
            ("docker.io/debian:12-slim", "docker.io", "library/debian", "12-slim", nil),
            ("[::1]:5000/a/b__c/d-e.f:_x", "[::1]:5000", "a/b__c/d-e.f", "_x", nil),
            ("shop.example/orders@\(digest)", "shop.example", "orders", nil, digest),
            ("shop.example:443/orders:1@\(digest)", "shop.example:443", "orders", "1", digest),
            ("https://localhost:5000/a", "localhost:5000", "a", nil, nil),
        ] as [(String, String, String, String?, String?)])
    func partsAreFound(
        _ text: String, _ registry: String, _ repository: String, _ tag: String?, _ digest: String?
    ) throws {
        let reference = try ImageReference(text)
        #expect(reference.registry == registry)
        #expect(reference.repository == repository)
        #expect(reference.tag == tag)
        #expect(reference.digest?.description == digest)
        #expect(try ImageReference(reference.description) == ImageReference(reference.description))
    }

    @Test(arguments: [
        "", "/", "orders", "orders:1", "shop/orders", "shop.example/", "shop.example/Orders", "shop.example/a//b",
        "shop.example/a_-b", "shop.example/a..b", "shop.example/a___b", "shop.example/-a", "shop.example/a-",
        "shop.example/a:", "shop.example/a:.x", "shop.example/a@sha256:00", "shop.example/a@md5:00",
        "u:p@shop.example/a",
        "shop.example:0/a", "shop.example:65536/a", "shop .example/a", "shop.example/a b", "shop.example/a\n", "a.b./c",
        "[::g]/a", "shop.example/" + String(repeating: "a", count: 256),
        "shop.example/a:" + String(repeating: "t", count: 129),
    ])
    func whatBreaksTheRulesIsRefused(_ text: String) {
        #expect(throws: SluiceError.self) { try ImageReference(text) }
    }

    /// Any text is read or refused, and what is read is written as something that reads the same.
    @Test func anyTextIsReadOrRefused() {
        let letters = Array("aZ09.:/@-_[]% \u{0}ü".unicodeScalars) + Array("sha256".unicodeScalars)
        var generator = Chance(state: 5)
        for _ in 0..<20_000 {
            var text = Bool.random(using: &generator) ? "a.b/" : ""
            for _ in 0..<Int.random(in: 0...12, using: &generator) {
                text.unicodeScalars.append(letters[Int.random(in: 0..<letters.count, using: &generator)])
            }
            guard let reference = try? ImageReference(text) else { continue }
            #expect((try? ImageReference(reference.description)) == reference, "\(text)")
        }
    }

    @Test func challengesAreTakenApart() {
        let found = RegistryChallenge.parse(
            #"Bearer realm="https://shop.azurecr.io/oauth2/token",service="shop.azurecr.io",scope="repository:a:pull,push", Basic realm="x\"y", Negotiate"#
        )
        #expect(found.map(\.scheme) == ["bearer", "basic", "negotiate"])
        #expect(found[0].parameters["scope"] == "repository:a:pull,push")
        #expect(found[1].parameters["realm"] == #"x"y"#)
    }

    @Test(arguments: [
        "", ",", "=", "Bearer", "Bearer realm", "Bearer realm=", "Bearer realm=\"", "a=\"\\", "\"\"", "a b c=d,e",
    ])
    func brokenChallengesDoNoHarm(_ text: String) {
        #expect(RegistryChallenge.parse(text).count <= 3)
    }

    @Test func credentialsThatOthersSavedAreFound() throws {
        let document = try JSONText.parse(
            #"{"auths":{"shop.example:5000":{"auth":"c2hvcDpwYTpzcw=="},"https://index.docker.io/v1/":{"auth":"dTpw"},"t.azurecr.io":{"auth":"MDAwMDo=","identitytoken":"refresh-token"},"x":{"auth":"%%"}}}"#
        )
        #expect(RegistryCredentials.entry(in: document, for: "shop.example:5000")?.password == "pa:ss")
        #expect(RegistryCredentials.entry(in: document, for: "docker.io")?.user == "u")
        #expect(RegistryCredentials.entry(in: document, for: "t.azurecr.io")?.refreshToken == "refresh-token")
        #expect(RegistryCredentials.entry(in: document, for: "x") == nil)
        #expect(RegistryCredentials.entry(in: document, for: "shop.example") == nil)
    }
}

/// Chance that is the same every time.
struct Chance: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
