import Azure
import HTTPServer
import Support
import Testing

@testable import Emulator

@Suite struct AccessTests {
    @Test func allowsWhoeverHasTheKey() async throws {
        try await Rig.with { rig in
            let made = try await rig.signed("PUT", "/work")
            #expect(made.status == 201)
            let listed = try await rig.signed("GET", "/?comp=list&prefix=w%20x")
            #expect(listed.status == 200)
        }
    }

    @Test(arguments: [-1000, 1000])
    func mindsTheClock(seconds: Int) async throws {
        try await Rig.with { rig in
            let date = Moment(microseconds: Moment.now.microseconds + Int64(seconds) * 1_000_000)
            let answer = try await rig.signed("GET", "/?comp=list", date: date)
            #expect(answer.status == 403 && answer.headers["x-ms-error-code"] == "AuthenticationFailed")
            #expect(answer.text.contains("Request date header too old"))
        }
    }

    @Test func showsWhatItSigned() async throws {
        try await Rig.with { rig in
            let answer = try await rig.signed("GET", "/?comp=list", key: "AAAA")
            let detail = try XMLNode.parse(Buffer(Array(answer.text.utf8)))["AuthenticationErrorDetail"]?.text ?? ""
            #expect(answer.status == 403 && detail.hasPrefix("The MAC signature found"))
            #expect(detail.hasSuffix("/shop/\ncomp:list'."))
        }
    }

    @Test(arguments: [
        "SharedKey", "SharedKey :", "SharedKey shop:", "SharedKey other:AAAA", "SharedKeyLite shop:AAAA", "Basic AAAA",
        "Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Bearer eyJhbGciOiJub25lIn0.e30.",
    ])
    func refusesWhatIsNoCredential(authorization: String) async throws {
        try await Rig.with { rig in
            let answer = await rig.send(
                "GET", "/?comp=list", host: "shop.queue.core.windows.net",
                headers: [
                    "Authorization": authorization, "x-ms-version": "2023-11-03", "x-ms-date": Moment.now.httpDate,
                ])
            #expect([400, 401, 403].contains(answer.status))
        }
    }

    private func token(_ rig: Rig, scope: String, tenant: String = "t") async -> ServerResponse {
        await rig.send(
            "POST", "/\(tenant)/oauth2/v2.0/token", host: "login.microsoftonline.com",
            body: "grant_type=client_credentials&client_id=c&client_secret=s&scope=\(scope.percentEncoded)")
    }

    private func ask(_ rig: Rig, _ token: String) async -> ServerResponse {
        await rig.send(
            "GET", "/?comp=list", host: "shop.queue.core.windows.net",
            headers: ["Authorization": "Bearer \(token)", "x-ms-version": "2023-11-03"])
    }

    @Test func believesItsOwnTokensOnly() async throws {
        try await Rig.with { rig in
            let good = await token(rig, scope: "https://storage.azure.com/.default").json?["access_token"]?.text ?? ""
            #expect(await ask(rig, good).status == 200)
            let other = await token(rig, scope: "https://vault.azure.net/.default").json?["access_token"]?.text ?? ""
            let refused = await ask(rig, other)
            #expect(refused.status == 401 && refused.text.contains("Audience validation failed"))
            #expect(refused.headers["WWW-Authenticate"]?.contains("resource_id=https://storage.azure.com") == true)
            // One letter of the signature, or of what is signed, is another's.
            for index in [good.utf8.count - 10, good.utf8.count / 2] {
                var bytes = Array(good.utf8)
                bytes[index] = bytes[index] == UInt8(ascii: "A") ? UInt8(ascii: "B") : UInt8(ascii: "A")
                #expect(await ask(rig, String(decoding: bytes, as: UTF8.self)).status == 401)
            }
            try await Rig.with(hasCommonKey: false) { another in
                let answer = await ask(another, good)
                #expect(answer.status == 401)
            }
        }
    }

    @Test func keepsToItsTenant() async throws {
        try await Rig.with({ $0.tenant = "mine" }) { rig in
            #expect(await token(rig, scope: "https://storage.azure.com/.default", tenant: "mine").status == 200)
            let other = await token(rig, scope: "https://storage.azure.com/.default", tenant: "other")
            #expect(other.status == 400 && other.text.contains("AADSTS90002"))
        }
    }

    @Test(arguments: [
        ("", 400, "AADSTS900144"), ("grant_type=password&client_id=c", 400, "AADSTS70003"),
        ("grant_type=client_credentials", 400, "AADSTS900144"),
        ("grant_type=client_credentials&client_id=c&client_secret=s&scope=openid", 400, "AADSTS1002012"),
        ("grant_type=client_credentials&client_id=c&scope=x/.default", 401, "AADSTS7000218"),
        (
            "grant_type=client_credentials&client_id=c&scope=x/.default&client_assertion=a.b.c&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            401, "AADSTS50027"
        ),
        ("&&&==%zz", 400, "AADSTS900144"),
    ])
    func saysWhyThereIsNoToken(form: String, status: Int, code: String) async throws {
        try await Rig.with { rig in
            let answer = await rig.send("POST", "/t/oauth2/v2.0/token", body: form)
            #expect(
                answer.status == status && answer.json?["error_description"]?.text?.hasPrefix(code) == true,
                "\(answer.text)")
            #expect(answer.json?["error_codes"]?.items?.first?.integer == Int(code.dropFirst(6)))
        }
    }

    @Test func checksAccountSignaturesForTheirTerms() async throws {
        try await Rig.with { rig in
            let key = try StorageAccountKey(account: "shop", key: AccountKeys.key(of: "shop"))
            let later = Moment(microseconds: Moment.now.microseconds + 3_600_000_000)
            func ask(_ permissions: String, services: String, types: String) async throws -> ServerResponse {
                let signature = try SharedAccessSignature.account(
                    key, services: services, resourceTypes: types, .init(permissions, until: later))
                return await rig.send("GET", "/?comp=list&\(signature.query)", host: "shop.queue.core.windows.net")
            }
            let good = try await ask("l", services: "q", types: "s")
            #expect(good.status == 200)
            for (permissions, services, types, code) in [
                ("l", "b", "s", "AuthorizationServiceMismatch"), ("l", "q", "o", "AuthorizationResourceTypeMismatch"),
                ("r", "q", "s", "AuthorizationPermissionMismatch"),
            ] {
                let answer = try await ask(permissions, services: services, types: types)
                #expect(answer.headers["x-ms-error-code"] == code)
            }
        }
    }

    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1", true), ("10.0.0.2", "10.0.0.1-10.0.0.9", true),
        ("10.0.0.10", "10.0.0.1-10.0.0.9", false),
        ("::1", "10.0.0.1", false), ("10.0.0.1", "", false), ("10.0.0.1", "10.0.0.9-10.0.0.1", false),
        ("1.2.3", "1.2.3", false),
    ])
    func knowsAddresses(address: String, range: String, isIn: Bool) {
        #expect(SignatureCheck.isAddress(address, in: range) == isIn)
    }
}
