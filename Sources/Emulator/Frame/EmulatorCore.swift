import HTTPServer
import Support

/// What all ports of an emulator share: its services, who may do what, the faults, the trace.
final class EmulatorCore: Sendable {
    private let services: [any EmulatedService]
    private let access: StorageAccess
    private let faults: FaultSwitches
    private let directory: Directory
    private let trace: ServerTrace?
    private let issuer: TokenIssuer
    /// Where it listens, for those that run programs.
    let local: LocalAddress

    private init(
        services: [any EmulatedService], access: StorageAccess, faults: FaultSwitches, directory: Directory,
        trace: ServerTrace?, issuer: TokenIssuer, local: LocalAddress
    ) {
        self.services = services
        self.access = access
        self.faults = faults
        self.directory = directory
        self.trace = trace
        self.issuer = issuer
        self.local = local
    }

    /// Opens everything that the emulator keeps.
    static func open(
        _ options: EmulatorOptions, _ folder: EmulatorFolder, _ others: [any EmulatedService]
    ) async throws(SluiceError) -> EmulatorCore {
        let directory = Directory()
        if let file = options.directoryFile { try directory.read(file) }
        let faults = FaultSwitches()
        if let file = options.faultsFile {
            let document = try JSONFile.read(file)
            do throws(SluiceError) { faults.set(try FaultRule.parse(document)) } catch {
                throw error.at(.init(file: file))
            }
        }
        let issuer = try TokenIssuer(folder, tenant: options.tenant)
        let local = LocalAddress()
        let own = try await EmulatorServices.all(options, folder, issuer, directory, local)
        return EmulatorCore(
            services: others + own, access: StorageAccess(issuer: issuer, directory: directory), faults: faults,
            directory: directory, trace: try options.traceFile.map(ServerTrace.init), issuer: issuer,
            local: local)
    }

    func close() async { for service in services { await service.close() } }

    /// Tells the services where they are reached.
    func listens(at endpoint: String) async {
        let host = EmulatorHost(endpoint: endpoint) { await self.respond(to: $0, isQueuePort: false) }
        for service in services { await service.listens(host) }
    }

    /// What makes the things that projects stand on, past faults and trace.
    var groundWork: GroundWork {
        GroundWork(issuer: issuer) { [self] server in
            let request = Addresses.read(server, id: ServiceErrors.newID(), isQueuePort: false)
            guard let service = services.first(where: { $0.accepts(request) }) else { return ServerResponse(404) }
            return await allowed(request, service)
        }
    }

    func respond(to server: ServerRequest, isQueuePort: Bool) async -> ServerResponse {
        if server.path.hasPrefix("/_sluice/") { return await administer(server) }
        let request = Addresses.read(server, id: ServiceErrors.newID(), isQueuePort: isQueuePort)
        guard let service = services.first(where: { $0.accepts(request) }) else {
            return complete(
                ServiceErrors.json(
                    404, "ResourceNotFound", "The emulator plays no service at \(server.host)\(server.path)."), request)
        }
        guard let trace else { return complete(await answer(request, service), request) }
        let (heard, body) = ServerTrace.listening(request)
        let response = complete(await answer(heard, service), heard)
        trace.write(request, service: service.name, heard: body, response)
        return response
    }

    private func answer(_ request: EmulatedRequest, _ service: any EmulatedService) async -> ServerResponse {
        guard let deed = faults.deed(for: request, service: service.name) else {
            return await allowed(request, service)
        }
        if let answer = FaultSwitches.answer(deed, request, service: service.name) { return answer }
        var request = request
        switch deed {
        case .slow(let milliseconds): try? await Task.sleep(for: .milliseconds(milliseconds))
        case .cutRequest(let bytes): request.server.body = CutBody(request.server.body, after: bytes)
        default: break
        }
        var response = await allowed(request, service)
        switch deed {
        case .cutResponse(let bytes): response.cut = bytes
        case .loseResponse, .cutRequest: response.isLost = true
        default: break
        }
        return response
    }

    private func allowed(_ request: EmulatedRequest, _ service: any EmulatedService) async -> ServerResponse {
        guard StorageAccess.services.contains(service.name) else { return await service.respond(to: request) }
        switch await access.check(request, service) {
        case .allowed(let caller):
            var request = request
            request.caller = caller
            if let key = await access.delegationKey(for: request) { return key }
            return await service.respond(to: request)
        case .refused(let response): return response
        }
    }

    /// Adds what every answer has.
    private func complete(_ response: ServerResponse, _ request: EmulatedRequest) -> ServerResponse {
        var response = response
        if response.headers["x-ms-request-id"] == nil { response.headers["x-ms-request-id"] = request.id }
        if response.headers["Server"] == nil { response.headers["Server"] = "Sluice-Emulator" }
        let isStorage = [.blob, .dfs, .queue, .storage].contains(request.endpoint)
        if isStorage, response.headers["x-ms-version"] == nil {
            response.headers["x-ms-version"] = request.server.headers["x-ms-version"] ?? "2026-02-06"
        }
        if let client = request.server.headers["x-ms-client-request-id"], client.utf8.count <= 1024,
            response.headers["x-ms-client-request-id"] == nil
        {
            response.headers["x-ms-client-request-id"] = client
        }
        response.headers["Date"] = request.now.httpDate
        return response
    }

    // MARK: The emulator's own addresses

    func administer(_ request: ServerRequest) async -> ServerResponse {
        // A page in a browser must not be able to switch faults on: it cannot leave its origin out.
        if request.headers["Origin"] != nil {
            return .text("Pages of browsers may not come here.\n", status: 403)
        }
        do throws(SluiceError) {
            switch (request.method, request.path) {
            case ("GET", "/_sluice/health"), ("HEAD", "/_sluice/health"):
                return .json(["status": "ok", "services": .array(services.map { .string($0.name) })])
            case ("GET", "/_sluice/faults"): return .json(faults.json)
            case ("PUT", "/_sluice/faults"):
                faults.set(try FaultRule.parse(try JSONText.parse(try await request.collect())))
                return .json(faults.json)
            case ("DELETE", "/_sluice/faults"):
                faults.set([])
                return ServerResponse(204)
            case ("GET", "/_sluice/directory"): return .json(directory.json)
            case ("PUT", "/_sluice/directory"):
                try directory.set(try JSONText.parse(try await request.collect()))
                return .json(directory.json)
            default:
                for service in services {
                    if let answer = try await service.administer(request) { return answer }
                }
                return .text(
                    "Here are only /_sluice/health, /_sluice/faults, /_sluice/directory and /_sluice/lifecycle.\n",
                    status: 404)
            }
        } catch {
            return .text(error.description + (error.hint.map { "\n\($0)" } ?? "") + "\n", status: 400)
        }
    }
}

/// Reads a file of JSON.
enum JSONFile {
    static func read(_ path: String) throws(SluiceError) -> JSONText {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let name = path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
        guard let text = try EmulatorFolder.read(folder.isEmpty ? "/" : folder, name) else {
            throw SluiceError(.notFound, "no such file", place: .init(file: path))
        }
        do throws(SluiceError) { return try JSONText.parse(text) } catch { throw error.at(.init(file: path)) }
    }
}
