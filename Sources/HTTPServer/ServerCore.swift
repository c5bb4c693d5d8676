internal import CMicrohttpd
import Glibc
import Support
import Synchronization

/// What all connections of a server share. The C library holds it unretained: it lives as long as its server runs.
final class ServerCore: Sendable {
    let limits: ServerLimits
    let isSecure: Bool
    let handler: any HTTPHandler
    private let state = Mutex(State())

    private struct State {
        var exchanges: [UInt: Exchange] = [:]
        var connections: [UInt: Waiting] = [:]
        var isClosing = false
    }

    /// Until when a connection has to have sent the headers of its next request.
    private struct Waiting {
        let socket: Int32
        let local: String
        let remote: String
        var deadline: Int?
    }

    init(limits: ServerLimits, isSecure: Bool, handler: any HTTPHandler) {
        self.limits = limits
        self.isSecure = isSecure
        self.handler = handler
    }

    /// How many requests are being answered.
    var count: Int { state.withLock { $0.exchanges.count } }

    /// Seconds of a clock that nobody sets.
    static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }

    func open() { state.withLock { $0.isClosing = false } }

    /// Requests on connections that are open are refused from here on.
    func close() { state.withLock { $0.isClosing = true } }

    /// Every exchange ends as soon as the library asks for it.
    func abortAll() {
        let all = state.withLock { Array($0.exchanges.values) }
        for exchange in all { exchange.abort() }
    }

    /// Closes the connections whose headers take too long, and those whose bodies trickle.
    func closeTheSlow() {
        let now = ServerCore.now
        let all = state.withLock { state -> [Exchange] in
            // Within the lock a connection cannot be closed, and so its descriptor not become another's.
            for connection in state.connections.values {
                if let deadline = connection.deadline, deadline < now { shutdown(connection.socket, Int32(SHUT_RDWR)) }
            }
            return Array(state.exchanges.values)
        }
        let trickling = all.filter { $0.trickles(now) }.map { UInt(bitPattern: $0.connection) }
        if trickling.isEmpty { return }
        state.withLock { state in
            for connection in trickling where state.exchanges[connection] != nil {
                if let socket = state.connections[connection]?.socket { shutdown(socket, Int32(SHUT_RDWR)) }
            }
        }
    }

    private func noticed(_ connection: UnsafeMutableRawPointer, begins: Bool) {
        let key = UInt(bitPattern: connection)
        guard begins else { return state.withLock { _ = $0.connections.removeValue(forKey: key) } }
        let socket = sluice_http_socket(connection)
        let local = SocketAddress.local(of: socket)
        let waiting = Waiting(
            socket: socket,
            local: local.map { $0.host.contains(":") ? "[\($0.host)]:\($0.port)" : "\($0.host):\($0.port)" } ?? "",
            remote: SocketAddress.peer(of: socket)?.host ?? "",
            deadline: ServerCore.now + limits.idleSeconds + limits.headerSeconds)
        state.withLock { $0.connections[key] = waiting }
    }

    private func begin(_ connection: UnsafeMutableRawPointer, _ target: UnsafePointer<CChar>) -> Exchange {
        let key = UInt(bitPattern: connection)
        let (waiting, isClosing) = state.withLock { state -> (Waiting?, Bool) in
            state.connections[key]?.deadline = ServerCore.now + limits.headerSeconds
            return (state.connections[key], state.isClosing)
        }
        let exchange = Exchange(
            core: self, connection: connection, target: String(validatingCString: target),
            local: waiting?.local ?? "", remote: waiting?.remote ?? "", isRefused: isClosing)
        state.withLock { $0.exchanges[key] = exchange }
        return exchange
    }

    /// The headers of a connection's request are there.
    func headersRead(_ connection: UnsafeMutableRawPointer) {
        state.withLock { $0.connections[UInt(bitPattern: connection)]?.deadline = nil }
    }

    private func completed(_ connection: UnsafeMutableRawPointer) {
        let key = UInt(bitPattern: connection)
        state.withLock { state in
            state.exchanges.removeValue(forKey: key)
            state.connections[key]?.deadline = ServerCore.now + limits.idleSeconds + limits.headerSeconds
        }
    }

    /// What the library calls.
    var callbacks: sluice_http_callbacks {
        sluice_http_callbacks(
            context: Unmanaged.passUnretained(self).toOpaque(),
            connection: { context, connection, begins in
                guard let context, let connection else { return }
                ServerCore.at(context).noticed(connection, begins: begins != 0)
            },
            begin: { context, connection, target in
                guard let context, let connection, let target else { return nil }
                return Unmanaged.passRetained(ServerCore.at(context).begin(connection, target)).toOpaque()
            },
            access: { _, _, method, version, bytes, size, request in
                guard let method, let version, let size, let request else { return 0 }
                let exchange = Unmanaged<Exchange>.fromOpaque(request).takeUnretainedValue()
                return exchange.advance(method, version, bytes, size) ? 1 : 0
            },
            completed: { context, connection, request, _ in
                guard let context, let connection, let request else { return }
                let exchange = Unmanaged<Exchange>.fromOpaque(request).takeRetainedValue()
                ServerCore.at(context).completed(connection)
                exchange.complete()
            })
    }

    private static func at(_ context: UnsafeMutableRawPointer) -> ServerCore {
        Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    }
}
