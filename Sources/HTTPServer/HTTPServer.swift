// HTTPServer: answers over HTTP, for the emulator and later servers.
//
//     HTTPServer ──▶ Exchange ──▶ HTTPHandler      a request as it comes in, the answer as it goes out
//        │             ├─ RequestBody                the body is pulled; nobody reads ahead by more than a few MB
//        │             └─ AnswerBody                 bytes, a part of a file, or a stream that is pulled
//        └─▶ ServerCore                              what all connections share: limits, who is there, who is too slow
//
// The protocol itself is libmicrohttpd's: its threads wait for sockets, and handlers run as tasks. A connection whose
// handler has nothing for it to do is suspended, and costs no thread.

internal import CMicrohttpd
import Glibc
public import Support
import Synchronization

/// What answers requests.
public protocol HTTPHandler: Sendable {
    /// The answer to a request. Runs as a task of its own; the request's body may be read here, or not at all.
    func respond(to request: ServerRequest) async -> ServerResponse
}

/// A server of HTTP/1.1, with or without TLS.
///
///     let server = HTTPServer(port: 0, handler: handler)
///     try server.start()
///     print(server.port)
///     await server.stop()
///
/// Stop it before the program lets go of it: until then it keeps its port and its handler.
public final class HTTPServer: Sendable {
    /// The address that it listens on.
    public let address: String
    private let wanted: Int
    private let tls: ServerTLS?
    private let core: ServerCore
    private let running = Mutex<Running?>(nil)
    private let stopping = BlockingQueue("sluice.http.stop")

    private struct Running: @unchecked Sendable {
        // `@unchecked Sendable` because the pointers are the C library's, which is called for them one at a time.
        let port: Int
        let listener: Int32
        let daemon: UnsafeMutableRawPointer
        let options: UnsafeMutablePointer<sluice_http_options>
        let texts: [UnsafeMutablePointer<CChar>]
        let watch: Task<Void, Never>
    }

    /// A server that will listen on a port of this machine's `address`; port 0 takes one that is free.
    public init(
        address: String = "127.0.0.1", port: Int = 0, tls: ServerTLS? = nil, limits: ServerLimits = ServerLimits(),
        handler: any HTTPHandler
    ) {
        self.address = address
        wanted = port
        self.tls = tls
        core = ServerCore(limits: limits, isSecure: tls != nil, handler: handler)
    }

    /// The port that it listens on; before the start and after the end the one that was asked for.
    public var port: Int { running.withLock { $0?.port } ?? wanted }

    /// How many requests are being answered.
    public var requestsInWork: Int { core.count }

    /// Listens, and answers from here on.
    ///
    /// - throws: `SluiceError` when the port is taken, the address is not this machine's, or libmicrohttpd is missing.
    public func start() throws(SluiceError) {
        if let reason = sluice_http_load() {
            throw SluiceError(
                .unsupported, "the HTTP server needs libmicrohttpd, which cannot be loaded: \(String(cString: reason))",
                hint: "Install it with: apt-get install libmicrohttpd12")
        }
        guard running.withLock({ $0 == nil }) else { return }
        let listener = try Listener.open(address: address, port: wanted)
        var texts: [UnsafeMutablePointer<CChar>] = []
        if let tls, let certificate = strdup(tls.certificatePEM), let key = strdup(tls.keyPEM) {
            texts = [certificate, key]
        }
        let options = UnsafeMutablePointer<sluice_http_options>.allocate(capacity: 1)
        options.initialize(to: sluice_http_options())
        options.pointee.listener = listener.descriptor
        options.pointee.threads = UInt32(max(1, core.limits.threads))
        options.pointee.connections = UInt32(clamping: core.limits.connections)
        options.pointee.idle_seconds = UInt32(clamping: core.limits.idleSeconds)
        options.pointee.memory = max(core.limits.headerBytes * 2, 256 << 10)
        options.pointee.certificate = texts.count == 2 ? UnsafePointer(texts[0]) : nil
        options.pointee.key = texts.count == 2 ? UnsafePointer(texts[1]) : nil
        options.pointee.callbacks = core.callbacks
        guard let daemon = sluice_http_start(options) else {
            HTTPServer.release(listener.descriptor, options, texts)
            throw SluiceError(
                .invalidConfiguration, "the HTTP server cannot start on \(address):\(listener.port)",
                hint: tls == nil
                    ? "Check the limit of open files with: ulimit -n"
                    : "Check that the certificate and its key are PEM and belong together.")
        }
        let core = core
        core.open()
        let watch = Task {
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))
                core.closeTheSlow()
            }
        }
        running.withLock {
            $0 = Running(
                port: listener.port, listener: listener.descriptor, daemon: daemon, options: options, texts: texts,
                watch: watch)
        }
    }

    /// Takes no more connections, lets running requests end, and closes what is still open after `deadline`.
    public func stop(deadline: Duration = .seconds(5)) async {
        guard
            let running = running.withLock({ running -> Running? in
                defer { running = nil }
                return running
            })
        else { return }
        sluice_http_quiesce(running.daemon)
        // The port is free at once, for whoever starts next.
        shutdown(running.listener, Int32(SHUT_RDWR))
        core.close()
        let clock = ContinuousClock()
        let end = clock.now + deadline
        while core.count > 0, clock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
        // From here on nothing suspends, so that the library can close every connection.
        core.abortAll()
        await stopping.run { sluice_http_stop(running.daemon) }
        running.watch.cancel()
        HTTPServer.release(running.listener, running.options, running.texts)
    }

    private static func release(
        _ listener: Int32, _ options: UnsafeMutablePointer<sluice_http_options>,
        _ texts: [UnsafeMutablePointer<CChar>]
    ) {
        Glibc.close(listener)
        options.deallocate()
        for text in texts { free(text) }
    }
}
