import Foundation
import HTTPServer
import Support

@testable import Emulator

/// Resource Manager with a provider of the tests' own, in a folder of its own.
struct ManagementRig {
    let service: ManagementService
    let token: String
    let folder: String

    static let group = "/subscriptions/s1/resourceGroups/Rg"

    static func with(_ body: (ManagementRig) async throws -> Void) async throws {
        let folder = "/tmp/sluice-management-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let rig = try await open(folder)
        do { try await body(rig) } catch {
            await rig.service.close()
            throw error
        }
        await rig.service.close()
    }

    /// The same again, as after a crash: what was kept is there.
    static func open(_ folder: String) async throws -> ManagementRig {
        let files = try EmulatorFolder(folder)
        let issuer = try TokenIssuer(files, tenant: nil)
        let service = ManagementService(
            access: BearerAccess(issuer: issuer, directory: Directory(), audiences: BearerAccess.management),
            store: try await ResourceStore.open(files.item("management.sqlite")), switches: ManagementSwitches(),
            providers: [ThingProvider()])
        let token = try issuer.token(
            audience: "https://management.azure.com/", tenant: issuer.tenant, client: "c", object: "o", now: .now)
        return ManagementRig(service: service, token: token, folder: folder)
    }

    func send(
        _ method: String, _ target: String, version: String? = "2025-01-01", token: String?? = nil, body: String = ""
    ) async -> ServerResponse {
        var target = target
        if let version { target += "?api-version=\(version)" }
        var headers: HTTPHeaders = ["Host": "management.azure.com"]
        if let token = token ?? self.token { headers["Authorization"] = "Bearer \(token)" }
        let request = ServerRequest(
            method: method, target: target, headers: headers, body: MemoryStream(Buffer(Array(body.utf8))),
            contentLength: body.utf8.count, localAddress: "127.0.0.1:10000")
        return await service.respond(to: Addresses.read(request, id: ServiceErrors.newID(), isQueuePort: false))
    }

    /// Asks the address that an answer names.
    func follow(_ response: ServerResponse, _ header: String) async -> ServerResponse {
        let url = response.headers[header] ?? ""
        return await send("GET", String(url.dropFirst("https://management.azure.com".count)), version: nil)
    }
}

/// What a provider is made of, at its smallest.
struct ThingProvider: ResourceProvider {
    let namespace = "Microsoft.Things"
    let types = [
        ResourceType("boxes", versions: ["2025-01-01", "2024-01-01"], actions: ["open"]),
        ResourceType("boxes/items", versions: ["2025-01-01"]),
    ]

    func respond(to call: ManagementCall) async throws(ManagementFault) -> ServerResponse {
        try await call.checkParent()
        switch (call.method, call.action) {
        case ("GET", _): return call.isCollection ? try await call.list() : try await call.get()
        case ("PUT", _):
            let old = try await call.stored { () async throws(SluiceError) in try await call.store.find(call.id) }
            return try await call.put(try await call.body(), over: old, operation: "thingStatuses")
        case ("PATCH", _):
            let old = try await call.found()
            let new = old.document.merged(try await call.body())
            return try await call.patch(old, new, hidden: old.hidden, operation: "thingResults")
        case ("DELETE", _): return try await call.delete(operation: "thingResults")
        case ("POST", "open"): return .json(["opened": .string(call.argument ?? call.id.name)])
        default: throw ManagementFault(405, "MethodNotAllowed", "no")
        }
    }
}
