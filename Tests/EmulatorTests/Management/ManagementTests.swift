import HTTPServer
import Support
import Testing

@testable import Emulator

@Suite struct ManagementTests {
    private let box = ManagementRig.group + "/providers/Microsoft.Things/boxes/b1"

    @Test(arguments: [
        ("/subscriptions/s/resourceGroups/g/providers/Microsoft.App/jobs/j", "Microsoft.App/jobs", "j", true),
        (
            "/Subscriptions/s/resourcegroups/g/Providers/Microsoft.App/jobs/j/executions",
            "Microsoft.App/jobs/executions", "j", false
        ),
        ("/subscriptions/s/resourceGroups/g", "Microsoft.Resources", "g", false),
        ("/subscriptions/s/providers/Microsoft.App/locations/w/x/1", "Microsoft.App/locations/x", "1", true),
        ("/subscriptions/s/resourceGroups", "Microsoft.Resources/resourceGroups", "s", false),
    ])
    func readsPaths(path: String, type: String, name: String, isResource: Bool) throws {
        let id = try #require(ResourceID(path))
        #expect(id.type == type && id.name == name && id.isResource == isResource)
        #expect(id == ResourceID(path.uppercased()))
        #expect(ResourceID(id.description) == id)
    }

    @Test(arguments: ["", "/", "/subscriptions", "/other/s", "/subscriptions/a%2Fb/x", "/subscriptions/%zz"])
    func refusesOtherPaths(path: String) { #expect(ResourceID(path) == nil) }

    @Test func anOperationGoesOn() async throws {
        try await ManagementRig.with { rig in
            try rig.service.switches.set(["operationDelay": 3_600_000])
            let made = await rig.send(
                "PUT", box, body: #"{"location":"West Europe","properties":{"a":null,"new":[1]}}"#)
            #expect(made.status == 201 && made.json?.at("properties.provisioningState")?.text == "InProgress")
            #expect(made.json?["properties"]?["a"] == JSONText.null && made.json?.at("properties.new") == [1])
            let polled = await rig.follow(made, "Azure-AsyncOperation")
            #expect(polled.status == 200 && polled.json?["status"] == "InProgress")
            #expect(polled.headers["Retry-After"] == "1")
            let deleted = await rig.send("DELETE", box.uppercased())
            #expect(deleted.status == 202 && deleted.text.isEmpty)
            #expect(await rig.send("GET", box).json?.at("properties.provisioningState") == "Deleting")
            let waiting = await rig.follow(deleted, "Location")
            #expect(waiting.status == 202 && waiting.headers["Location"] == deleted.headers["Location"])
        }
    }

    @Test func anOperationEnds() async throws {
        try await ManagementRig.with { rig in
            try rig.service.switches.set(["operationDelay": 0])
            let made = await rig.send("PUT", box, body: #"{"location":"West Europe","properties":{"a":1,"new":[1]}}"#)
            #expect(await rig.follow(made, "Azure-AsyncOperation").json?["status"] == "Succeeded")
            let patched = await rig.send("PATCH", box, body: #"{"PROPERTIES":{"A":2,"new":null}}"#)
            #expect(patched.status == 202 && patched.text.isEmpty)
            let done = await rig.follow(patched, "Location")
            #expect(done.status == 200 && done.json?.at("properties.a") == 2 && done.json?.at("properties.new") == nil)
            #expect(done.json?.at("properties.provisioningState") == "Succeeded")
            let deleted = await rig.send("DELETE", box.uppercased())
            #expect(await rig.follow(deleted, "Location").status == 204)
            #expect(await rig.send("DELETE", box).status == 204)
            let gone = await rig.send("GET", box)
            #expect(gone.status == 404 && gone.json?.at("error.code") == "ResourceNotFound")
        }
    }

    @Test func theQueryOfAnOperationIsKeptAsItIs() async throws {
        try await ManagementRig.with { rig in
            let made = await rig.send("PUT", box, body: "{}")
            let url = made.headers["Azure-AsyncOperation"] ?? ""
            #expect(url.utf8.count > 2000)
            let path = url.dropFirst("https://management.azure.com".count)
            #expect(await rig.send("GET", String(path.dropLast(5)), version: nil).status == 403)
            #expect(await rig.send("GET", String(path.prefix { $0 != "&" }), version: nil).status == 403)
        }
    }

    @Test(
        arguments: [
            (nil, nil, 401, "AuthenticationFailed"), ("2025-01-01", "x", 401, "InvalidAuthenticationToken"),
        ] as [(String?, String?, Int, String)])
    func wantsAToken(version: String?, token: String?, status: Int, code: String) async throws {
        try await ManagementRig.with { rig in
            let answer = await rig.send("GET", box, version: version, token: .some(token))
            #expect(answer.status == status && answer.json?.at("error.code")?.text == code)
            #expect(answer.headers["WWW-Authenticate"]?.hasPrefix("Bearer authorization_uri=") == true)
        }
    }

    @Test func aTokenForAnotherServiceIsRefused() async throws {
        try await ManagementRig.with { rig in
            let issuer = rig.service.access.issuer
            let token = try issuer.token(
                audience: "https://vault.azure.net", tenant: "t", client: "c", object: "o", now: .now)
            let answer = await rig.send("GET", box, token: token)
            #expect(answer.json?.at("error.code") == "InvalidAuthenticationTokenAudience")
        }
    }

    @Test(
        arguments: [
            ("boxes/b", nil, 400, "MissingApiVersionParameter"), ("boxes/b", "soon", 400, "InvalidApiVersionParameter"),
            ("boxes/b", "2019-01-01", 400, "NoRegisteredProviderFound"),
            ("boxes/b/items/i", "2024-01-01", 400, "NoRegisteredProviderFound"),
            ("lids/b", "2025-01-01", 404, "InvalidResourceType"),
            ("boxes/b/items/i", "2025-01-01", 404, "ResourceNotFound"),
        ] as [(String, String?, Int, String)])
    func mindsVersionsAndTypes(path: String, version: String?, status: Int, code: String) async throws {
        try await ManagementRig.with { rig in
            let answer = await rig.send(
                "GET", "\(ManagementRig.group)/providers/Microsoft.Things/\(path)", version: version)
            #expect(answer.status == status && answer.json?.at("error.code")?.text == code, "\(answer.text)")
            if code == "NoRegisteredProviderFound" { #expect(answer.text.contains("2025-01-01")) }
        }
    }

    @Test func listsPageByPage() async throws {
        try await ManagementRig.with { rig in
            try rig.service.switches.set(["operationDelay": 0, "pageSize": 2])
            for name in 1...5 {
                _ = await rig.send("PUT", box.dropLast() + "\(name)", body: #"{"location":"westeurope"}"#)
            }
            var names: [String] = []
            var next: String? = "\(ManagementRig.group)/providers/microsoft.things/BOXES?api-version=2025-01-01"
            while let target = next {
                let page = await rig.send("GET", target, version: nil).json
                names += (page?["value"]?.items ?? []).compactMap { $0["name"]?.text }
                next = page?["nextLink"]?.text.map { String($0.dropFirst("https://management.azure.com".count)) }
            }
            #expect(names == ["b1", "b2", "b3", "b4", "b5"])
            let all = await rig.send("GET", "/subscriptions/S1/providers/Microsoft.Things/boxes")
            #expect(all.json?["value"]?.items?.count == 2)
            let groups = await rig.send("GET", "/subscriptions/s1/resourceGroups")
            #expect(groups.json?["value"]?.items?.first?["name"] == "Rg")
            let deleted = await rig.send("DELETE", ManagementRig.group)
            #expect(deleted.status == 202)
            #expect(await rig.send("GET", box).status == 404)
        }
    }

    @Test func somethingToDoFindsItsResource() async throws {
        try await ManagementRig.with { rig in
            #expect(await rig.send("POST", box + "/open").json?["opened"] == "b1")
            #expect(await rig.send("POST", box + "/OPEN/side").json?["opened"] == "side")
        }
    }

    @Test func whatWasSentSurvivesACrash() async throws {
        try await ManagementRig.with { rig in
            let made = await rig.send("PUT", box, body: #"{"location":"westeurope","odd":{"x":[{}]}}"#)
            try await Task.sleep(for: .milliseconds(400))
            let again = try await ManagementRig.open(rig.folder)
            #expect(await again.send("GET", box).json?["odd"] == ["x": [[:]]])
            #expect(await again.follow(made, "Azure-AsyncOperation").json?["status"] == "Succeeded")
            await again.service.close()
        }
    }
}
