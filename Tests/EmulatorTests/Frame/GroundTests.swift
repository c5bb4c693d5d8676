import HTTPServer
import Support
import Testing

@testable import Emulator

@Suite struct GroundTests {
    private static func resource(_ provider: String, _ type: String, _ name: String) -> EmulatedGround {
        .resource(
            ResourceID(subscription: "s", group: "shop-rg", namespace: provider, types: [type], names: [name]),
            region: "North Europe")
    }

    static let all: [EmulatedGround] = [
        resource("Microsoft.App", "managedEnvironments", "shop-cae"),
        resource("Microsoft.Batch", "batchAccounts", "shopbatch"),
        resource("Microsoft.ManagedIdentity", "userAssignedIdentities", "shop-identity"),
        .container(account: "shop", name: "lake"), .queue(account: "shop", name: "work"),
        .secret(vault: "shop-kv", name: "password", value: "1"),
    ]

    private func expect(
        _ work: GroundWork, _ ground: EmulatedGround, _ outcome: EmulatedGround.Outcome,
        _ place: SourceLocation = #_sourceLocation
    ) async throws {
        let found = try await work.provide(ground)
        #expect(found == outcome, sourceLocation: place)
    }

    @Test(arguments: all)
    func whatIsMadeIsThereTheNextTimeAndNoFaultHappensToIt(_ ground: EmulatedGround) async throws {
        try await Rig.with { rig in
            let faults = await rig.send(
                "PUT", "/_sluice/faults", body: #"[{"match": {}, "do": {"throttle": 503, "retryAfter": 1}}]"#)
            #expect(faults.status == 200)
            try await expect(rig.core.groundWork, ground, .made)
            try await expect(rig.core.groundWork, ground, .there)
            #expect((await rig.send("GET", "/_sluice/faults")).text.contains(#""hits":0"#))
        }
    }

    @Test func whatSomebodyMadeStaysAsItIs() async throws {
        try await Rig.with { rig in
            let work = rig.core.groundWork
            let account = ResourceID(
                subscription: "s", group: "g", namespace: "Microsoft.Batch", types: ["batchAccounts"], names: ["mine"])
            try await expect(work, .resource(account, region: "westeurope"), .made)
            try await expect(work, .resource(account, region: "northeurope"), .there)
            let token = try await token(rig)
            let found = await rig.send(
                "GET", "\(account)?api-version=2024-07-01", host: "management.azure.com",
                headers: ["Authorization": "Bearer \(token)"])
            #expect(found.json?["properties"]?["accountEndpoint"]?.text == "mine.westeurope.batch.azure.com")
        }
    }

    private func token(_ rig: Rig) async throws -> String {
        let answer = await rig.send(
            "GET", "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://management.azure.com",
            headers: ["Metadata": "true"])
        return try #require(answer.json?["access_token"]?.text)
    }

    @Test func aSecretFollowsItsValueAndIsNeverShown() async throws {
        try await Rig.with { rig in
            let work = rig.core.groundWork
            func secret(_ value: String) -> EmulatedGround { .secret(vault: "kv-1", name: "word", value: value) }
            try await expect(work, secret("first one"), .made)
            try await expect(work, secret("second one"), .changed)
            try await expect(work, secret("second one"), .there)
            #expect(secret("second one").description == "kv-1/word")
        }
    }

    @Test(arguments: [
        EmulatedGround.container(account: "shop", name: "NO"), .container(account: "x", name: "lake"),
        .queue(account: "shop", name: "-"), resource("Microsoft.App", "managedEnvironments", "-"),
        resource("Microsoft.Batch", "batchAccounts", "Not-A-Name"), resource("Microsoft.Other", "things", "x"),
        .secret(vault: "kv-1", name: "no name", value: "never shown"),
    ])
    func whatAzureWouldNotTakeIsRefusedWithItsName(_ ground: EmulatedGround) async throws {
        try await Rig.with { rig in
            let error = await #expect(throws: SluiceError.self) { try await rig.core.groundWork.provide(ground) }
            let said = error?.description ?? ""
            #expect(said.contains("the \(ground.kind.rawValue) \(ground) cannot be made: "))
            #expect(!said.contains("never shown"))
        }
    }
}
