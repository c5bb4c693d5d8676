import Azure
import Foundation
import HTTPServer
import Support

@testable import Emulator

/// An emulator without a network, in a folder of its own: requests go in, answers come out.
struct Rig {
    let core: EmulatorCore
    let folder: String

    private static let commonKey = Result { try SigningKey.make().pem() }

    static func with(
        _ change: (inout EmulatorOptions) -> Void = { _ in }, _ services: [any EmulatedService] = [],
        hasCommonKey: Bool = true,
        _ body: (Rig) async throws -> Void
    ) async throws {
        let folder = "/tmp/sluice-emulator-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        var options = EmulatorOptions(dataFolder: folder)
        change(&options)
        // Making a key takes longer than all else that a test does.
        let files = try EmulatorFolder(folder)
        _ = try files.folder("identity")
        if hasCommonKey { try files.write(try commonKey.get(), to: "identity/key.pem") }
        let core = try await EmulatorCore.open(options, files, services)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        do {
            try await body(Rig(core: core, folder: folder))
        } catch {
            await core.close()
            throw error
        }
        await core.close()
    }

    func send(
        _ method: String, _ target: String, host: String = "127.0.0.1:10000", headers: HTTPHeaders = [:],
        body: String = "", isQueuePort: Bool = false
    ) async -> ServerResponse {
        var headers = headers
        headers["Host"] = host
        let bytes = Array(body.utf8)
        if !bytes.isEmpty { headers["Content-Length"] = String(bytes.count) }
        let request = ServerRequest(
            method: method, target: target, headers: headers, body: MemoryStream(Buffer(bytes)),
            contentLength: bytes.count, remoteAddress: "127.0.0.1", localAddress: "127.0.0.1:10000")
        return await core.respond(to: request, isQueuePort: isQueuePort)
    }

    /// A request to Queue that is signed with the account's key.
    func signed(
        _ method: String, _ target: String, account: String = "shop", date: Moment = .now, body: String = "",
        key: String? = nil
    ) async throws -> ServerResponse {
        let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
        var headers: HTTPHeaders = ["x-ms-date": date.httpDate, "x-ms-version": "2023-11-03"]
        headers["Authorization"] = try SharedKey.authorization(
            StorageAccountKey(account: account, key: key ?? AccountKeys.key(of: account)), method: method,
            path: parts[0], query: parts.count > 1 ? parts[1] : nil, headers: headers, contentLength: body.utf8.count)
        return await send(
            method, target, host: "\(account).queue.core.windows.net", headers: headers, body: body)
    }
}

extension ServerResponse {
    var text: String {
        guard case .bytes(let buffer) = body else { return "" }
        return String(decoding: buffer.bytes, as: UTF8.self)
    }

    var json: JSONText? { try? JSONText.parse(text) }
}
