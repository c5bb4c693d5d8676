import HTTPServer
public import Support
import Synchronization

/// An Azure on this machine: listens, finds out whose a request is, and lets that service answer.
///
///     let emulator = EmulatorServer(EmulatorOptions(dataFolder: "azure"))
///     try await emulator.start()
///     print(emulator.port)
///     await emulator.stop()
public final class EmulatorServer: Sendable {
    /// How it is set up.
    public let options: EmulatorOptions
    private let running = Mutex<Running?>(nil)

    private struct Running: Sendable {
        var servers: [HTTPServer] = []
        let core: EmulatorCore
        let authority: String?
    }

    /// An emulator that is set up and does not listen yet.
    public init(_ options: EmulatorOptions) { self.options = options }

    /// The port for everything but queues by path.
    public var port: Int { server(0)?.port ?? options.port }
    /// The port on which paths mean queues.
    public var queuePort: Int { server(1)?.port ?? options.queuePort }
    /// The TLS port for everything but queues by path; nil without TLS.
    public var tlsPort: Int? { server(2)?.port }
    /// The TLS port on which paths mean queues; nil without TLS.
    public var tlsQueuePort: Int? { server(3)?.port }
    /// The file with the certificate that clients have to trust; nil without TLS.
    public var authorityFile: String? { running.withLock { $0?.authority } }

    private func server(_ index: Int) -> HTTPServer? {
        running.withLock { running in
            guard let servers = running?.servers, servers.indices.contains(index) else { return nil }
            return servers[index]
        }
    }

    /// Opens what earlier runs left, and listens.
    ///
    /// - parameter services: Services beside the emulator's own, asked first.
    /// - throws: `SluiceError` when the folder cannot be used, or a port is taken.
    public func start(_ services: [any EmulatedService] = []) async throws(SluiceError) {
        guard running.withLock({ $0 == nil }) else { return }
        let folder = try EmulatorFolder(options.dataFolder)
        let core = try await EmulatorCore.open(options, folder, services)
        do throws(SluiceError) {
            let tls = options.hasTLS ? try EmulatorCertificate.load(from: folder) : nil
            var servers: [HTTPServer] = []
            do throws(SluiceError) {
                let plain = [(options.port, false), (options.queuePort, true)]
                let secure = tls == nil ? [] : [(options.tlsPort, false), (options.tlsQueuePort, true)]
                for (index, (port, isQueue)) in (plain + secure).enumerated() {
                    let server = HTTPServer(
                        address: options.address, port: port, tls: index < 2 ? nil : tls?.server,
                        handler: EmulatorHandler(core: core, isQueuePort: isQueue))
                    try server.start()
                    servers.append(server)
                }
            } catch {
                for server in servers { await server.stop() }
                throw error
            }
            // Programs that are run share this machine's network, whatever address others come by.
            let own = options.address == "::1" || options.address == "::" ? "[::1]" : "127.0.0.1"
            core.local.set("http://\(own):\(servers[0].port)")
            running.withLock { $0 = Running(servers: servers, core: core, authority: tls?.authorityFile) }
            await core.listens(at: "http://\(options.address):\(servers[0].port)")
        } catch {
            await core.close()
            throw error
        }
    }

    /// Makes sure that something is there that a project stands on. What is there already stays as it is, but for the value of
    /// a secret.
    ///
    /// - throws: `SluiceError` when a name or value is none that Azure takes, or the emulator does not run.
    public func provide(_ ground: EmulatedGround) async throws(SluiceError) -> EmulatedGround.Outcome {
        try await core().groundWork.provide(ground)
    }

    /// Sets how long things take that take minutes in the cloud, as `PUT /_sluice/batch` does.
    public func set(_ switches: String, _ numbers: JSONText) async throws(SluiceError) {
        let text = Buffer(Array(numbers.text().utf8))
        let response = try await core().administer(
            ServerRequest(
                method: "PUT", target: "/_sluice/\(switches)", body: MemoryStream(text), contentLength: text.count))
        guard response.status == 200 else {
            throw SluiceError(.invalidData, "the emulator does not take \(numbers.text()) for \(switches)")
        }
    }

    private func core() throws(SluiceError) -> EmulatorCore {
        if let core = running.withLock({ $0?.core }) { return core }
        throw SluiceError(.cancelled, "the emulator does not run")
    }

    /// Lets running requests end, and brings everything to the disk.
    public func stop() async {
        guard
            let running = running.withLock({ running -> Running? in
                defer { running = nil }
                return running
            })
        else { return }
        await withTaskGroup(of: Void.self) { group in
            for server in running.servers { group.addTask { await server.stop(deadline: .seconds(3)) } }
        }
        await running.core.close()
    }
}

/// Hands the requests of one port on.
private struct EmulatorHandler: HTTPHandler {
    let core: EmulatorCore
    let isQueuePort: Bool

    func respond(to request: ServerRequest) async -> ServerResponse {
        await core.respond(to: request, isQueuePort: isQueuePort)
    }
}
